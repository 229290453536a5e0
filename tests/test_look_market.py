"""One market's book, trades and candles as the look copies them, on frames made by hand."""

from __future__ import annotations

import pytest

from sniper.decimals import Grid
from sniper.look_market import MarketLook
from sniper.panels.view import Bar, Level, Print
from tests.runs import ALL, Hand


@pytest.fixture
def hand() -> Hand:
    made = Hand()
    made.book("BTC-USD", [("97123", "2"), ("97120", "1.5")], [("97124", "0.5"), ("97130", "3")])
    return made


def test_the_book_is_exact_text(hand: Hand) -> None:
    book = hand.run.look(ALL).book
    assert book.bids == (
        Level("97123", "2.0000", "2.0000", 20000, False),
        Level("97120", "1.5000", "3.5000", 35000, False),
    )
    assert book.asks[1] == Level("97130", "3.0000", "3.5000", 35000, False)
    assert (book.bid, book.ask, book.spread_ticks, book.mid, book.trust) == (
        "97123",
        "97124",
        1,
        "97123.5",
        "live",
    )
    assert book.spread_bps == "0.10"
    # (97123 x 0.5 + 97124 x 2) / 2.5: the thinner side pulls
    assert book.microprice == "97123.80"


def test_a_crossed_book_shows_what_the_view_masks(hand: Hand) -> None:
    hand.levels("BTC-USD", asks=[["97122", "9"]])
    book = hand.run.look(ALL).book
    assert book.trust == "crossed" and book.crossings == 1
    assert (book.raw_bid, book.raw_ask) == ("97123", "97122")
    assert (book.bid, book.ask) == ("97120", "97122")
    assert book.bids == (
        Level("97123", "2.0000", "", 0, True),
        Level("97120", "1.5000", "1.5000", 15000, False),
    )
    assert book.masked == 1 and not any(level.masked for level in book.asks)
    before = book.crossed_ns
    hand.trade(1, "BUY", "97124", "1")
    assert hand.run.look(ALL).book.crossed_ns > before, "a crossing under way lasts longer by the moment"


def test_a_side_without_levels(hand: Hand) -> None:
    hand.book("BTC-USD", [("97123", "2")], [])
    book = hand.run.look(ALL).book
    assert book.asks == () and book.ask == "" and book.mid == "" and book.spread_ticks is None


def test_at_most_as_many_masked_levels_as_are_wanted(hand: Hand) -> None:
    bids = [(str(97000 + i), "1") for i in range(30, 0, -1)]
    hand.book("BTC-USD", bids, [("98000", "1")])
    hand.levels("BTC-USD", asks=[["97010", "1"]])
    book = hand.run.look(ALL._replace(depth=4)).book
    assert book.masked == 21
    assert [level.price for level in book.bids] == [
        "97013", "97012", "97011", "97010", "97009", "97008", "97007", "97006",
    ]  # fmt: skip
    assert [level.masked for level in book.bids] == [True] * 4 + [False] * 4


def test_the_same_book_is_not_read_twice(hand: Hand) -> None:
    first = hand.run.look(ALL).book
    assert hand.run.look(ALL).book is first
    assert hand.run.look(ALL._replace(depth=1)).book is not first
    hand.levels("BTC-USD", bids=[["97119", "1"]])
    assert hand.run.look(ALL).book != first


def test_trades_come_newest_first_with_their_notes(hand: Hand) -> None:
    hand.trade(1, "BUY", "97124", "0.25")
    hand.trade(2, "SELL", "97123.25", "0.75", "LIQUIDATED")
    hand.trade(2, "SELL", "97123.25", "0.75", "LIQUIDATED")
    trades = hand.run.look(ALL).trades
    assert [trade[1:] for trade in trades.prints] == [
        ("SELL", "97123.25", "0.7500", "liquidated"),
        ("BUY", "97124", "0.2500", ""),
    ]
    assert isinstance(trades.prints[0], Print) and trades.prints[0].venue_ns > trades.prints[1].venue_ns
    assert (trades.total, trades.duplicates, trades.buy_volume, trades.sell_volume) == (2, 1, "0.25", "0.75")
    assert trades.buy_permille == 250
    assert hand.run.look(ALL).trades is trades


def test_candles_come_in_one_scale(hand: Hand) -> None:
    hand.trade(1, "BUY", "97124", "0.25")
    first = hand.run.look(ALL).candles
    assert (first.resolution, first.price_decimals, first.volume_decimals) == ("1MIN", 0, 4)
    hand.now_ns += 60_000_000_000
    hand.trade(2, "BUY", "97123.25", "0.00005")
    candles = hand.run.look(ALL).candles
    start_ns = first.bars[0].started_ns
    assert (candles.price_decimals, candles.volume_decimals) == (2, 5)
    assert candles.bars == (
        Bar(start_ns, 9712400, 9712400, 9712400, 9712400, 25000, 1),
        Bar(start_ns + 60_000_000_000, 9712325, 9712325, 9712325, 9712325, 5, 1),
    )
    hand.trade(3, "BUY", "97130", "1")
    again = hand.run.look(ALL).candles
    assert again.bars[0] is candles.bars[0], "closed bars are kept"
    assert again.bars[1] == Bar(start_ns + 60_000_000_000, 9712325, 9713000, 9712325, 9713000, 100005, 2)
    assert hand.run.look(ALL._replace(resolution=6)).candles.resolution == "1DAY"


def test_a_market_look_stands_alone(hand: Hand) -> None:
    look = MarketLook(hand.run.engine)
    assert look.book(1, "X-USD", Grid(1, 3, 10, 0), 5, 0).trust == "empty"
    assert look.trades(1, "X-USD", 5).buy_permille is None
    assert look.candles(1, "X-USD", 0, 5).bars == ()
