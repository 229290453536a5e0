"""One market, block by block."""

from __future__ import annotations

import json
from random import Random

import pytest

from sniper.feed.sim.market import Market
from sniper.feed.sim.universe import UNIVERSE
from sniper.feed.sim.walk import Weather

T0 = 1_767_225_600_000_000_000
SECOND = 1_000_000_000


def make(ticker: str, seed: int = 1) -> Market:
    return Market(UNIVERSE[ticker], seed, T0, 1000, ("1MIN",), 50, 50)


def run(market: Market, blocks: int, seed: int = 1) -> list[int]:
    """Events after each block."""
    weather = Weather(Random(seed).random)
    events = []
    for block in range(1, blocks + 1):
        weather.step()
        events.append(market.block(T0 + block * SECOND, T0 + block * SECOND - 1, 1000 + block, 2, weather))
    return events


def test_the_snapshot_is_a_market_object() -> None:
    market = json.loads("{" + make("PEPE-USD").snapshot() + "}")["PEPE-USD"]
    assert (market["tickSize"], market["stepSize"]) == ("0.0000000001", "10000000")
    assert (market["atomicResolution"], market["quantumConversionExponent"]) == (1, -9)
    assert (market["subticksPerTick"], market["stepBaseQuantums"]) == (1_000_000, 1_000_000)
    assert market["marketType"] == "CROSS" and market["defaultFundingRate1H"] == "0"
    isolated = json.loads("{" + make("TAO-USD").snapshot() + "}")["TAO-USD"]
    assert isolated["marketType"] == "ISOLATED" and isolated["defaultFundingRate1H"] == "0.0000125"


def test_blocks_move_everything() -> None:
    market = make("BTC-USD")
    oracles, trades, candles = set(), 0, 0
    weather = Weather(Random(5).random)
    for block in range(1, 200):
        weather.step()
        event = market.block(T0 + block * SECOND, T0 + block * SECOND, 1000 + block, 7, weather)
        oracles.add(market.oracle)
        trades += len(market.fresh)
        candles += len(market.candles[0])
        assert event >= 7 and (event > market.fresh[-1].event if market.fresh else event == 7)
        assert bool(market.fresh) <= bool(market.candles[0])
        assert abs((market.book.bid + market.book.ask) / 2 / market.walk.index_ticks - 1) < 0.01
    assert len(oracles) > 150 and trades > 10 and candles > 10
    assert market.book.changes


def test_a_settled_market_stands_still() -> None:
    market = make("MATIC-USD")
    before = market.snapshot()
    assert run(market, 50) == [2] * 50
    assert market.settled and market.snapshot() == before
    assert market.statistics() == "" and not market.oracle_moved and not market.fresh
    assert json.loads("{" + before + "}")["MATIC-USD"]["status"] == "FINAL_SETTLEMENT"
    assert market.book_snapshot(T0 + SECOND, 100) == ('{"bids":[],"asks":[]}', (set(), set()))
    assert market.trades_snapshot() == '{"trades":[]}'


def test_statistics_say_only_what_changed() -> None:
    market = make("BTC-USD")
    market.statistics()
    first = json.loads("{" + market.statistics() + "}")["BTC-USD"]
    assert set(first) == {"openInterest"}, "no trade, no block: only the open interest moves"
    run(market, 100)
    later = json.loads("{" + market.statistics() + "}")["BTC-USD"]
    assert set(later) > {"openInterest", "volume24H", "trades24H", "priceChange24H"}
    shown = json.loads("{" + market.snapshot() + "}")["BTC-USD"]
    assert all(shown[key] == value for key, value in later.items()), "the snapshot repeats what was said"


def test_an_oracle_price_can_be_overridden() -> None:
    market = make("ETH-USD")
    end = ',"effectiveAt":"x","effectiveAtHeight":"5","marketId":'
    real = json.loads("{" + market.oracle_text(end) + "}")["ETH-USD"]
    assert real["marketId"] == 1 and real["effectiveAtHeight"] == "5"
    assert json.loads("{" + market.oracle_text(end, "null") + "}")["ETH-USD"]["oraclePrice"] is None
    half = json.loads("{" + market.oracle_text(end, market.oracle_scaled(50)) + "}")["ETH-USD"]
    assert float(half["oraclePrice"]) == pytest.approx(float(real["oraclePrice"]) / 2)


def test_a_book_snapshot_names_what_it_does_not_show() -> None:
    market = make("BTC-USD")
    run(market, 5)
    text, (bids, asks) = market.book_snapshot(T0 + 6 * SECOND, 20)
    book = json.loads(text)
    assert len(book["bids"]) == len(book["asks"]) == 20
    assert len(bids) == len(market.book.sides[0]) - 20 and len(asks) == len(market.book.sides[1]) - 20
    assert (
        int(book["bids"][0]["price"]) == market.book.bid and int(book["asks"][0]["price"]) == market.book.ask
    )
    assert max(bids) < int(book["bids"][-1]["price"]) and min(asks) > int(book["asks"][-1]["price"])
    assert not market.book.changes, "the snapshot holds them"


def test_snapshots_come_newest_first() -> None:
    market = make("ETH-USD")
    run(market, 100)
    ids = [trade["id"] for trade in json.loads(market.trades_snapshot())["trades"]]
    assert len(ids) == 50 and ids == sorted(ids, reverse=True)
    starts = [candle["startedAt"] for candle in json.loads(market.candles_snapshot("1MIN", 10))["candles"]]
    assert len(starts) == 10 and starts == sorted(starts, reverse=True)
    with pytest.raises(ValueError, match="no 1DAY candles"):
        market.candles_snapshot("1DAY", 10)


def test_the_same_seed_is_the_same_market() -> None:
    one, two, other = make("DOGE-USD"), make("DOGE-USD"), make("DOGE-USD", seed=2)
    for market in (one, two, other):
        run(market, 60)
    assert one.book.sides == two.book.sides and one.oracle == two.oracle
    assert one.book.sides != other.book.sides
