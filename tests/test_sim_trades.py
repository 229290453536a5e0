"""Trades of one market."""

from __future__ import annotations

import json
from itertools import pairwise
from random import Random

import pytest

from sniper.feed.sim.book import Book
from sniper.feed.sim.trades import CENTS, Trade, Trades
from sniper.feed.sim.universe import UNIVERSE


def make(ticker: str, keep: int = 100) -> tuple[Trades, Book]:
    spec = UNIVERSE[ticker]
    ticks = spec.price_usd * 10.0**spec.tick_decimals
    return Trades(spec, ticks, keep, Random(1).random), Book(spec, ticks, 0, Random(2).random)


def test_clumps_hit_the_touch_and_take_from_it() -> None:
    trades, book = make("ETH-USD")
    seen: list[Trade] = []
    clumps = 0
    for block in range(4000):
        book.renew()
        bid, ask = book.bid, book.ask
        clump = trades.clump(book, 1.0, block * 650_000_000, 100 + block, 2)
        clumps += bool(clump)
        assert len(clump) <= 5
        if clump:
            first = clump[0]
            assert first.event == 2 and first.height == 100 + block
            if first.kind != "DELEVERAGED":
                assert first.price == (bid if first.side else ask) * CENTS
        for earlier, later in pairwise(clump):
            assert later.event > earlier.event and later.ns == earlier.ns
        seen += clump
        book.run(block * 650_000_000)
    a_day = len(seen) / (4000 * 0.65) * 86_400
    assert a_day == pytest.approx(UNIVERSE["ETH-USD"].trades_per_day / 1.27, rel=0.15)
    assert {trade.side for trade in seen} == {0, 1}
    kinds = [trade.kind for trade in seen]
    assert kinds.count("LIMIT") > 0.98 * len(kinds)
    assert set(kinds) >= {"LIMIT", "LIQUIDATED"}
    assert len(trades.recent) == 100


def test_a_hot_market_trades_more() -> None:
    counts = []
    for heat in (0.4, 3.0):
        trades, book = make("BTC-USD")
        counts.append(sum(len(trades.clump(book, heat, 0, 1, 1)) for _ in range(3000)))
    assert 4 < counts[1] / counts[0] < 12


def test_the_past_ends_before_the_start() -> None:
    trades, _ = make("DOT-USD", keep=60)
    past = trades.past(60, 10**18, 10**8, 5900.0, 1e-4)
    assert len(past) == len(trades.recent) == 60
    keys = [(trade.height, trade.event) for trade in past]
    assert keys == sorted(set(keys))
    assert all(trade.ns < 10**18 and trade.height < 10**8 for trade in past)
    assert [trade.ns for trade in past] == sorted(trade.ns for trade in past)
    assert all(2950 < trade.price / CENTS < 11_800 for trade in past)


def test_a_settled_market_has_no_trades() -> None:
    trades, book = make("MATIC-USD")
    assert trades.past(100, 10**18, 10**8, 3900.0, 0.0) == []
    assert trades.clump(book, 3.0, 0, 1, 1) == []


def test_the_two_texts() -> None:
    trades, _ = make("BTC-USD")
    trade = Trade(1_765_210_290_590_000_000, 66_624_085, 2, 0, 89_942_00, 1, "LIMIT")
    assert trades.snapshot_text(trade) == (
        '{"id":"03f89a550000000200000002","side":"BUY","size":"0.0001","price":"89942","type":"LIMIT",'
        '"createdAt":"2025-12-08T16:11:30.590Z","createdAtHeight":"66624085"}'
    )
    off_tick = trade._replace(side=1, price=89_942_37, kind="DELEVERAGED")
    assert json.loads(trades.update_text(off_tick)) == {
        "id": "03f89a550000000200000002",
        "size": "0.0001",
        "price": "89942.37",
        "side": "SELL",
        "createdAt": "2025-12-08T16:11:30.590Z",
        "type": "DELEVERAGED",
    }
