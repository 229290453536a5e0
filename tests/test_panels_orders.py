"""The orders panel."""

from __future__ import annotations

import pytest

from sniper.panels import orders
from sniper.panels.view import View
from tests.desk_views import VIEW, fits, texts


def test_it_shows_what_there_is() -> None:
    rows = orders.draw(VIEW, 100, 5)
    shown = texts(rows)
    assert "2 open" in shown[0] and "1 unknown  block 69,900,148" in shown[0]
    assert (
        shown[1].rstrip() == "reconciled block 69,900,140, 9s ago  waiting for orders fills  1 to be proven"
    )
    assert "protect stop_loss" in shown[3] and "acked" in shown[3] and shown[3].rstrip().endswith("-")
    assert "unknown" in shown[4] and shown[4].rstrip().endswith("-2")


def test_what_was_agreed_with_the_venue() -> None:
    part = VIEW.orders._replace(settled=True, missing=(), questions=0)
    row = orders.draw(VIEW._replace(orders=part), 100, 5)[1]
    assert row[1] == ("block 69,900,140, 9s ago", "good") and not "".join(text for text, _ in row[2:]).strip()
    row = orders.draw(VIEW._replace(orders=part._replace(agreed=0, settled=False)), 100, 5)[1]
    assert row[1] == ("never yet", "warning")
    paper = texts(orders.draw(VIEW._replace(orders=part._replace(asks=False)), 100, 5))
    assert not any("reconciled" in text for text in paper) and "protect stop_loss" in paper[2]


@pytest.mark.parametrize("size", [(20, 3), (38, 10), (78, 12), (118, 20), (198, 40)])
@pytest.mark.parametrize("view", [VIEW, View()])
def test_it_fits_any_size(view: View, size: tuple[int, int]) -> None:
    fits(orders.draw(view, *size), *size)
