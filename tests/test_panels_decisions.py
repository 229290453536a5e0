"""The decisions panel."""

from __future__ import annotations

import pytest

from sniper.panels import decisions
from sniper.panels.view import View
from tests.desk_views import VIEW, fits, texts


def test_it_shows_what_there_is() -> None:
    rows = decisions.draw(VIEW, 110, 6)
    shown = texts(rows)
    assert "sniper  1,234 decisions" in shown[0] and "17 refused" in shown[0]
    assert "BTC-USD" in shown[1] and "placed" in shown[1] and "entry buy" in shown[1] and "97123" in shown[1]
    assert "refused" in shown[2] and "stress: " in shown[2] and "\x1b" not in shown[2]
    assert "withdrawn" in shown[3] and "behind the touch" in shown[3]


@pytest.mark.parametrize("size", [(20, 3), (38, 10), (78, 12), (118, 20), (198, 40)])
@pytest.mark.parametrize("view", [VIEW, View()])
def test_it_fits_any_size(view: View, size: tuple[int, int]) -> None:
    fits(decisions.draw(view, *size), *size)
