"""One frame through one tick: its rows, and each fact before and after."""

from __future__ import annotations

import pytest

from sniper._ext.tape import STAGE_NAMES
from sniper.look_frame import ROWS_MAX
from sniper.panels.view import Change, Pipeline
from sniper.types import REC_FRAME
from tests.runs import ALL, Hand


@pytest.fixture
def hand() -> Hand:
    made = Hand()
    made.book("BTC-USD", [("97123", "2"), ("97120", "1.5")], [("97124", "0.5"), ("97130", "3")])
    made.run.look(ALL)
    return made


def test_levels_before_and_after(hand: Hand) -> None:
    hand.levels("BTC-USD", bids=[["97123", "0"], ["97121", "4"]], asks=[["97124", "0.75"]])
    pipeline = hand.run.look(ALL).pipeline
    assert pipeline.tick == hand.run.engine.ticks and (pipeline.frame, pipeline.frames) == (0, 1)
    assert pipeline.rows_count == 3
    assert set(pipeline.rows) == {
        ("LEVEL", "bid 97123 removed"),
        ("LEVEL", "bid 97121 4.0000"),
        ("LEVEL", "ask 97124 0.7500"),
    }
    assert set(pipeline.changes) == {
        Change("book", "best bid", "97123", "97121"),
        Change("book", "bid 97123", "2.0000", ""),
        Change("book", "bid 97121", "", "4.0000"),
        Change("book", "ask 97124", "0.5000", "0.7500"),
    }
    assert pipeline.stages == tuple(zip(STAGE_NAMES[:5], (1000, 2000, 3000, 4000, 5000), strict=True))


def test_a_trade_and_the_bar_it_opens_and_fills(hand: Hand) -> None:
    hand.trade(1, "BUY", "97124", "0.25")
    assert hand.run.look(ALL).pipeline.changes == (
        Change("trades", "count", "0", "1"),
        Change("trades", "last price", "", "97124"),
        Change("candles", "1MIN close", "", "97124"),
        Change("candles", "1MIN volume", "", "0.2500"),
    )
    hand.trade(2, "SELL", "97123", "0.5")
    pipeline = hand.run.look(ALL).pipeline
    assert pipeline.rows == (("TRADE", "SELL 97123 0.5000"),)
    assert pipeline.changes == (
        Change("trades", "count", "1", "2"),
        Change("trades", "last price", "97124", "97123"),
        Change("candles", "1MIN close", "97124", "97123"),
        Change("candles", "1MIN volume", "0.2500", "0.7500"),
    )
    hand.trade(2, "SELL", "97123", "0.5")
    pipeline = hand.run.look(ALL).pipeline
    assert pipeline.rows == (("TRADE", "SELL 97123 0.5000 seen before"),) and pipeline.changes == ()


def test_a_refused_frame_shows_why_and_changes_nothing(hand: Hand) -> None:
    hand.levels("BTC-USD", bids=[["97123.5", "1"]])
    pipeline = hand.run.look(ALL).pipeline
    assert pipeline.rows == (("ERROR", "refused: off tick or step"),) and pipeline.changes == ()


def test_the_frame_is_found_among_others_of_its_tick(hand: Hand) -> None:
    first = hand.frame(
        type="channel_data",
        channel="v4_orderbook",
        id="X-USD",
        version="1.0.0",
        contents={"bids": [["1", "10"]]},
    )
    second = hand.frame(
        type="channel_data", channel="v4_orderbook", id="BTC-USD", version="1.0.0",
        contents={"bids": [["97000", "1"]]},
    )  # fmt: skip
    hand.run.tick(hand.now_ns, first, second)
    pipeline = hand.run.look(ALL).pipeline
    assert (pipeline.frame, pipeline.frames, pipeline.rows_count) == (1, 2, 1)
    assert pipeline.changes == (Change("book", "bid 97000", "", "1.0000"),)
    assert pipeline.bytes == len(second[3])


def test_one_sample_a_draw(hand: Hand) -> None:
    hand.levels("BTC-USD", bids=[["97001", "1"]])
    hand.levels("BTC-USD", bids=[["97002", "1"]])
    assert hand.run.look(ALL).pipeline.changes[0].what == "bid 97001"
    hand.levels("BTC-USD", bids=[["97003", "1"]])
    assert hand.run.look(ALL).pipeline.changes[0].what == "bid 97003"


def test_another_market_starts_with_nothing(hand: Hand) -> None:
    hand.levels("BTC-USD", bids=[["97001", "1"]])
    assert hand.run.look(ALL).pipeline.tick
    assert hand.run.look(ALL._replace(ticker="X-USD")).pipeline == Pipeline()
    assert hand.run.look(ALL._replace(rows=0)).pipeline == Pipeline()


def test_a_snapshot_with_many_levels_is_cut_and_counted(hand: Hand) -> None:
    hand.book("BTC-USD", [(str(97000 - i), "1") for i in range(100)], [("97124", "1")])
    pipeline = hand.run.look(ALL).pipeline
    assert len(pipeline.rows) == ROWS_MAX and pipeline.rows_count > 100
    assert ("BOOK", "snapshot, 101 levels") in pipeline.rows
    assert pipeline.raw.startswith('{"type":"subscribed"') and '… "contents":{"bids":' in pipeline.raw


def test_hostile_bytes_come_out_as_plain_text(hand: Hand) -> None:
    hand.record(REC_FRAME, b'{"id":"BTC-USD","x":"\x1b]0;owned\x07\xff\xe5\xae\xbd\x9b2J"}')
    raw = hand.run.look(ALL).pipeline.raw
    assert raw.isprintable() and "owned" in raw and "\x1b" not in raw


def test_other_rows_have_words_too(hand: Hand) -> None:
    at = "2027-01-15T08:00:00.000Z"
    candle = {
        "startedAt": at, "ticker": "BTC-USD", "resolution": "1MIN", "low": "1", "high": "4.5", "open": "2",
        "close": "3.25", "baseTokenVolume": "1", "usdVolume": "3", "trades": 1, "startingOpenInterest": "1",
    }  # fmt: skip
    hand.send(type="subscribed", channel="v4_candles", id="BTC-USD/1MIN", contents={"candles": [candle]})
    prices = {
        "oraclePrices": {
            "BTC-USD": {"oraclePrice": "97001.25", "effectiveAt": at, "effectiveAtHeight": "9", "marketId": 0}
        }
    }
    hand.run.look(ALL)
    hand.send(type="channel_data", channel="v4_markets", id="v4_markets", version="1.0.0", contents=prices)
    rows = hand.run.look(ALL).pipeline.rows
    assert ("ORACLE", "price 97001.25") in rows
    hand.send(type="unsubscribed", channel="v4_trades", id="BTC-USD")
    assert hand.run.look(ALL).pipeline.rows == (("UNSUBSCRIBED", "v4_trades"),)
