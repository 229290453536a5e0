"""Markets: columns that fit, the shown market marked, states in words."""

import pytest

from sniper.panels import markets
from sniper.panels.view import MarketRow, Markets, View
from tests.captures import SIZES, check_panel, text_of
from tests.screen import check_rows
from tests.views import sample


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_it_looks_as_captured(size: tuple[int, int]) -> None:
    check_panel("markets", sample(), size)


@pytest.mark.parametrize("height", [0, 1, 2, 3, 7, 30])
@pytest.mark.parametrize("width", [8, 20, 36, 61, 150])
def test_rows_fit_any_size_full_or_empty(width: int, height: int) -> None:
    for view in (sample(), sample(crossed=False), View()):
        check_rows(markets.draw(view, width, height), width, height)


def row(**changes: object) -> MarketRow:
    facts = MarketRow("BTC-USD", "97123.5", "97123", 1, "+0.00100%", 1, "-2.00%", -1, "250M", "live", "")
    return facts._replace(**changes)  # type: ignore[arg-type]


def test_the_market_on_display_is_marked() -> None:
    view = View(markets=Markets("ETH-USD", (row(), row(ticker="ETH-USD"))))
    text = text_of(markets.draw(view, 80, 4))
    assert "▸ETH-USD" in text and " BTC-USD" in text


def test_narrow_tables_lose_the_columns_that_matter_least() -> None:
    view = View(markets=Markets("", (row(),)))
    wide, narrow = text_of(markets.draw(view, 90, 2)), text_of(markets.draw(view, 34, 2))
    assert "volume" in wide and "250M" in wide and "oracle" in wide
    assert "volume" not in narrow and "BTC-USD" in narrow and "live" in narrow and "97123" in narrow


def test_states_are_words_and_missing_facts_are_dashes() -> None:
    rows = (
        row(trust="rebuilding"),
        row(status="CANCEL_ONLY"),
        row(oracle="", mid="", spread_ticks=None, funding="", change="", volume=""),
    )
    cells = markets.draw(View(markets=Markets("", rows)), 110, 4)
    assert any(text.strip() == "rebuild" and style == "warning" for text, style in cells[1])
    assert any(text.strip() == "cancel only" and style == "warning" for text, style in cells[2])
    assert text_of([cells[3]]).split().count("-") == 6


def test_tiny_prices_lose_decimals_not_meaning() -> None:
    text = text_of(markets.draw(View(markets=Markets("", (row(mid="0.00000921345678"),))), 80, 2))
    assert "0.0000092134 " in text
