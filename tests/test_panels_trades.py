"""Trades: newest first, the taker in letters, the balance of buys and sells."""

import pytest

from sniper.panels import trades
from sniper.panels.view import Print, Trades, View
from tests.captures import SIZES, check_panel, text_of
from tests.screen import check_rows
from tests.views import sample


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_it_looks_as_captured(size: tuple[int, int]) -> None:
    check_panel("trades", sample(), size)


@pytest.mark.parametrize("height", [0, 1, 2, 3, 7, 30])
@pytest.mark.parametrize("width", [8, 20, 36, 61, 150])
def test_rows_fit_any_size_full_or_empty(width: int, height: int) -> None:
    for view in (sample(), sample(crossed=False), View()):
        check_rows(trades.draw(view, width, height), width, height)


def test_a_trade_shows_its_side_in_letters_and_its_note() -> None:
    prints = (Print(1_000_000_000, "SELL", "100", "0.5", "liquidated"), Print(0, "BUY", "101", "2", ""))
    view = View(trades=Trades("X", prints, 2, "2", "0.5", 800))
    wide, narrow = text_of(trades.draw(view, 60, 4)), text_of(trades.draw(view, 24, 4))
    assert "00:00:01.000 SELL 100 0.5 liquidated" in wide and "BUY  101   2" in wide
    assert "S 100 0.5!" in narrow and "B 101   2" in narrow
    assert "buy 2 " in wide and " 0.5 sell" in wide
    assert "buy 80%" in narrow and "20% sell" in narrow


def test_the_balance_bar_is_split_by_volume() -> None:
    row = trades.draw(View(trades=Trades("X", (), 4, "1", "3", 250)), 100, 3)[1]
    buys, sells = len(row[1][0]), len(row[2][0])
    assert abs(buys / (buys + sells) - 0.25) < 0.02


def test_nothing_yet_is_said() -> None:
    text = text_of(trades.draw(View(), 30, 4))
    assert "no volume yet" in text and "no trades yet" in text
