"""The signals panel."""

from __future__ import annotations

import pytest

from sniper.panels import signals
from sniper.panels.view import View
from tests.desk_views import VIEW, fits, texts


def test_it_shows_what_there_is() -> None:
    rows = signals.draw(VIEW, 40, 5)
    shown = texts(rows)
    assert shown[0].split() == ["market", "mom", "atr", "b10"]
    assert shown[1].split() == ["BTC-USD", "91", "70", "52"] and shown[3].split() == [
        "PEPE-USD",
        "·",
        "0",
        "50",
    ]
    styles = [[style for _, style in row[1:4]] for row in rows[1:4]]
    assert styles == [["bid strong", "accent", "dim"], ["ask strong", "dim", "ask"], ["dim", "dim", "dim"]]


@pytest.mark.parametrize("size", [(20, 3), (38, 10), (78, 12), (118, 20), (198, 40)])
@pytest.mark.parametrize("view", [VIEW, View()])
def test_it_fits_any_size(view: View, size: tuple[int, int]) -> None:
    fits(signals.draw(view, *size), *size)
