"""The positions panel."""

from __future__ import annotations

import pytest

from sniper.panels import positions
from sniper.panels.view import View
from tests.desk_views import VIEW, fits, texts


def test_it_shows_what_there_is() -> None:
    shown = texts(positions.draw(VIEW, 100, 8))
    assert "9123.5" in shown[0] and "14 round trips" in shown[0]
    assert shown[1].startswith("price 12 + -31.5  fees -29.2  funding -0.1")
    assert shown[2].strip() == "▂▃▄█▁"
    assert "BTC-USD" in shown[4] and "long" in shown[4] and "-61.5" in shown[4] and "96000" in shown[4]
    assert "short" in shown[5] and shown[5].rstrip().endswith("-")


def test_the_line_of_equity() -> None:
    assert positions.curve((), 10) == "" and positions.curve((5, 5), 10) == "▁▁"
    assert positions.curve(tuple(range(100)), 3) == "▁▄█"


@pytest.mark.parametrize("size", [(20, 3), (38, 10), (78, 12), (118, 20), (198, 40)])
@pytest.mark.parametrize("view", [VIEW, View()])
def test_it_fits_any_size(view: View, size: tuple[int, int]) -> None:
    fits(positions.draw(view, *size), *size)
