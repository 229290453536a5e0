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
    assert "protect stop_loss" in shown[2] and "acked" in shown[2] and shown[2].rstrip().endswith("-")
    assert "unknown" in shown[3] and shown[3].rstrip().endswith("-2")


@pytest.mark.parametrize("size", [(20, 3), (38, 10), (78, 12), (118, 20), (198, 40)])
@pytest.mark.parametrize("view", [VIEW, View()])
def test_it_fits_any_size(view: View, size: tuple[int, int]) -> None:
    fits(orders.draw(view, *size), *size)
