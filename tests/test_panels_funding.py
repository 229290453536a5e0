"""The funding panel."""

from __future__ import annotations

import pytest

from sniper.panels import funding
from sniper.panels.view import View
from tests.desk_views import VIEW, fits, texts


def test_it_shows_what_there_is() -> None:
    shown = texts(funding.draw(VIEW, 80, 5))
    assert "02:05" in shown[0] and "received -0.1" in shown[0]
    assert "12.50" in shown[2] and "11.00" in shown[2] and "31" in shown[2] and "-0.61" in shown[2]
    assert "old" in shown[3] and "-3.00" in shown[3]


@pytest.mark.parametrize("size", [(20, 3), (38, 10), (78, 12), (118, 20), (198, 40)])
@pytest.mark.parametrize("view", [VIEW, View()])
def test_it_fits_any_size(view: View, size: tuple[int, int]) -> None:
    fits(funding.draw(view, *size), *size)
