"""The signals panel."""

from __future__ import annotations

import pytest

from sniper._ext.signals import SIGNAL_TABLE, SIGNALS
from sniper.panels import signals
from sniper.panels.desk_parts import SignalRow, Signals
from sniper.panels.row import Row
from sniper.panels.view import View
from tests.desk_views import VIEW, fits, texts


def test_it_shows_what_there_is() -> None:
    rows = signals.draw(VIEW, 40, 4)
    shown = texts(rows)
    assert shown[0].split() == ["market", "mom", "atr", "b10"]
    assert shown[1].split() == ["BTC-USD", "91", "70", "52"] and shown[3].split() == [
        "PEPE-USD",
        "·",
        "0",
        "50",
    ]
    assert cells(rows[1]) == [("  91", "long 3"), ("  70", "heat 2"), ("  52", "dim")]
    assert cells(rows[2]) == [("   9", "short 3"), ("   3", "dim"), ("  35", "short 1")]
    assert cells(rows[3]) == [("   ·", "dim"), ("   0", "dim"), ("  50", "dim")]


def test_the_short_names_are_told_where_there_is_room() -> None:
    names = tuple(SIGNALS)
    directional = tuple(row[1] == "directional" for row in SIGNAL_TABLE)
    part = Signals(names, directional, (SignalRow("BTC-USD", (50,) * len(names)),), 1)
    shown = texts(signals.draw(View(signals=part), 116, 12))
    told = " ".join(shown[3:]).split()
    for name in names:
        short = signals.SHORT[name][0]
        assert f"{short} {name.replace('_', ' ')}" in " ".join(told)
    assert told.index("momentum") < told.index("intensity,") < told.index("atr")
    assert "momentum" not in " ".join(texts(signals.draw(View(signals=part), 116, 5)))


def test_the_market_on_display_is_marked() -> None:
    part = VIEW.signals._replace(ticker="ETH-USD")
    rows = signals.draw(VIEW._replace(signals=part), 40, 4)
    assert rows[2][0] == ("▸ETH-USD  ", "accent") and rows[1][0] == (" BTC-USD  ", "strong")


def cells(row: Row) -> list[tuple[str, str]]:
    return [cell for cell in row[1:] if cell[0].strip()]


@pytest.mark.parametrize(
    ("score", "sided", "style"),
    [
        (0, True, "short 3"),
        (25, True, "short 2"),
        (38, True, "short 1"),
        (39, True, "dim"),
        (50, True, "dim"),
        (62, True, "long 1"),
        (75, True, "long 2"),
        (88, True, "long 3"),
        (100, True, "long 3"),
        (0, False, "dim"),
        (23, False, "dim"),
        (24, False, "heat 1"),
        (50, False, "heat 2"),
        (75, False, "heat 2"),
        (76, False, "heat 3"),
        (100, False, "heat 3"),
    ],
)
def test_an_intensity_has_one_side_and_a_direction_two(score: int, sided: bool, style: str) -> None:
    part = Signals(("one",), (sided,), (SignalRow("BTC-USD", (score,)),), 1)
    assert cells(signals.draw(View(signals=part), 20, 2)[1])[0] == (f"{score:>4}", style)


def test_columns_grow_narrow_before_a_signal_is_left_out() -> None:
    names, directional = SIGNALS, (True,) * len(SIGNALS)
    part = Signals(names, directional, (SignalRow("BTC-USD", (100,) * len(names)),), 1)
    for width, cell in ((98, 4), (97, 3), (76, 3)):
        shown = texts(signals.draw(View(signals=part), width, 2))
        assert len(shown[0].split()) == len(names) + 1
        assert shown[1].split()[1:] == ["100" if cell == 4 else "99"] * len(names)
    assert set(names) == set(signals.SHORT)
    for place, most in ((0, 3), (1, 2)):
        short = [both[place] for both in signals.SHORT.values()]
        assert len(set(short)) == len(short) and max(map(len, short)) <= most


def test_markets_that_do_not_fit_are_counted() -> None:
    part = VIEW.signals._replace(total=50)
    assert "and 49 more markets" in texts(signals.draw(VIEW._replace(signals=part), 40, 3))[2]


@pytest.mark.parametrize("size", [(20, 3), (38, 10), (78, 12), (118, 20), (198, 40)])
@pytest.mark.parametrize("view", [VIEW, View()])
def test_it_fits_any_size(view: View, size: tuple[int, int]) -> None:
    fits(signals.draw(view, *size), *size)
