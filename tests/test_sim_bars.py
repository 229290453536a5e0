"""Candles as the Indexer folds them."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from sniper.feed.sim.bars import MINUTE_NS, RESOLUTIONS, Bars
from sniper.feed.sim.text import iso
from sniper.feed.sim.trades import CENTS, Trade
from sniper.feed.sim.universe import UNIVERSE

T0 = 1_767_225_600_000_000_000
BTC = UNIVERSE["BTC-USD"]


def trade(ns: int, ticks: int, steps: int = 10_000) -> Trade:
    return Trade(ns, 1, 1, 0, ticks * CENTS, steps, "LIMIT")


def candles(updates: list[str]) -> list[dict[str, Any]]:
    return [json.loads(update) for update in updates]


def test_nothing_comes_before_the_first_trade() -> None:
    bars = Bars(BTC, "1MIN", 10)
    assert bars.block(T0 + 5, [], '"1"', "2") == []
    (first,) = candles(bars.block(T0 + 10**9, [trade(T0, 90_000)], '"90000.5"', "7"))
    assert first == {
        "startedAt": "2026-01-01T00:00:00.000Z", "ticker": "BTC-USD", "resolution": "1MIN", "low": "90000",
        "high": "90000", "open": "90000", "close": "90000", "baseTokenVolume": "1", "usdVolume": "90000",
        "trades": 1, "startingOpenInterest": "7", "orderbookMidPriceOpen": "90000.5",
        "orderbookMidPriceClose": None,
    }  # fmt: skip
    assert bars.block(T0 + 2 * 10**9, [], '"1"', "7") == [], "a block without trades says nothing"


def test_a_new_interval_ends_the_old_candle_and_begins_an_empty_one() -> None:
    bars = Bars(BTC, "1MIN", 10)
    bars.block(T0, [trade(T0, 100), trade(T0, 90), trade(T0, 95)], '"1"', "7")
    old, new = candles(bars.block(T0 + MINUTE_NS, [], '"94.5"', "8"))
    assert (old["open"], old["high"], old["low"], old["close"], old["trades"]) == (
        "100",
        "100",
        "90",
        "95",
        3,
    )
    assert old["orderbookMidPriceClose"] == "94.5"
    assert {new[key] for key in ("open", "high", "low", "close")} == {"95"}
    assert (new["trades"], new["baseTokenVolume"], new["usdVolume"]) == (0, "0", "0")
    assert (new["startingOpenInterest"], new["orderbookMidPriceOpen"]) == ("8", "94.5")
    (filled,) = candles(bars.block(T0 + MINUTE_NS + 1, [trade(T0, 110)], '"1"', "8"))
    assert (filled["open"], filled["high"], filled["low"]) == ("110", "110", "110"), (
        "the open price is rewritten"
    )
    assert [json.loads(text)["startedAt"][14:16] for text in bars.snapshot(5)] == ["01", "00"]
    assert len(bars.snapshot(1)) == 1


def test_trades_of_the_boundary_block_go_into_the_new_candle() -> None:
    bars = Bars(BTC, "5MINS", 10)
    bars.block(T0, [trade(T0, 100)], '"1"', "7")
    old, new = candles(bars.block(T0 + 5 * MINUTE_NS, [trade(0, 105)], '"1"', "7"))
    assert old["trades"] == new["trades"] == 1 and new["open"] == "105"


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_the_past_is_the_fold_of_the_trades_that_are_known(resolution: str) -> None:
    random = Random(3)
    interval = RESOLUTIONS[resolution]
    now_ns = T0 + 45_000_000_000
    past = [trade(now_ns - (200 - n) * 7_000_000_000, 90_000 + n, 1 + n) for n in range(200)]
    bars = Bars(BTC, resolution, 30)
    bars.seed(past, now_ns, "5", random.random)
    shown = candles(bars.snapshot(100))
    starts = [candle["startedAt"] for candle in shown]
    assert starts == sorted(set(starts), reverse=True) and 30 <= len(shown) <= 31
    assert bars.bar is not None and bars.bar.started_ns == now_ns - now_ns % interval
    known: dict[int, list[Trade]] = {}
    for one in past:
        start = one.ns - one.ns % interval
        known.setdefault(start, []).append(one)
    by_start = {candle["startedAt"]: candle for candle in shown}
    for start, folded in known.items():
        candle = by_start.get(iso(start))
        if candle is not None:
            assert candle["trades"] == len(folded)
            assert float(candle["baseTokenVolume"]) == pytest.approx(sum(one.steps for one in folded) / 1e4)
            assert candle["close"] == str(folded[-1].price // CENTS)
    for candle in shown:
        assert float(candle["low"]) <= float(candle["open"]) <= float(candle["high"])
        assert float(candle["low"]) <= float(candle["close"]) <= float(candle["high"])
        assert (candle["trades"] == 0) == (candle["baseTokenVolume"] == "0")
        assert candle["startedAt"] == starts[0] or candle["orderbookMidPriceClose"] is not None


def test_quiet_intervals_have_empty_candles() -> None:
    bars = Bars(BTC, "1MIN", 20)
    past = [trade(T0 - 10 * MINUTE_NS, 100), trade(T0 - 2 * MINUTE_NS, 120)]
    bars.seed(past, T0, "5", Random(1).random)
    shown = candles(bars.snapshot(11))
    assert [candle["trades"] for candle in shown] == [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]
    assert [candle["close"] for candle in shown] == ["120"] * 3 + ["100"] * 8


def test_without_trades_there_are_no_candles() -> None:
    bars = Bars(BTC, "1MIN", 20)
    bars.seed([], T0, "5", Random(1).random)
    assert bars.snapshot(10) == []
