"""Rules of admission (orders.md 1, 2, 6): windows, shapes, rate limits. One test a rule, named after it."""

from __future__ import annotations

from typing import Any

import pytest

from sniper.trading import BUY
from sniper.venues import admission
from tests.papers import (
    ALL,
    ASKS,
    BIDS,
    IOC,
    LONG,
    SECOND,
    Bench,
    ready,
)


@pytest.fixture
def bench() -> Bench:
    return ready()


def test_good_til_block_lies_between_the_next_height_and_forty_more(bench: Bench) -> None:
    height = bench.height
    assert bench.buy(1, 1, 90_000, good_til_block=height) == 10
    assert bench.buy(2, 1, 90_000, good_til_block=height + 1) == 0
    assert bench.buy(3, 1, 90_000, good_til_block=height + 41) == 0
    assert bench.buy(4, 1, 90_000, good_til_block=height + 42) == 11
    assert bench.buy(5, 1, 90_000, good_til_block=0) == 5


def test_good_til_block_time_lies_in_the_future_and_within_95_days(bench: Bench) -> None:
    now = bench.now_ns // SECOND
    assert bench.buy(1, 1, 90_000, **LONG, good_til_s=0) == 3001
    assert bench.buy(2, 1, 90_000, **LONG, good_til_s=now - 60) == 3003
    assert bench.buy(3, 1, 90_000, **LONG, good_til_s=now + 95 * 86_400 + 60) == 3004
    bench.blocks(2)
    assert bench.buy(4, 1, 90_000, **LONG, good_til_s=now + 95 * 86_400 - 60) == 0


def test_a_node_that_saw_no_block_takes_nothing() -> None:
    bench = Bench(height=0)
    bench.book(BIDS, ASKS)
    assert bench.buy(1, 1, 90_000, good_til_block=1) == 47
    assert bench.cancel(1, 1) == 47


@pytest.mark.parametrize(
    ("code", "more"),
    [
        (4, {"size_steps": 0}),
        (4, {"size_steps": 1 << 60}),
        (6, {"price_ticks": 0}),
        (6, {"price_ticks": 1 << 60}),
        (8, {"ticker": "ETH-USD"}),
        (44, {"time_in_force": "whenever"}),
        (48, {"time_in_force": "fok"}),
        (3000, {"kind": "twap"}),
        (3002, {"kind": "long_term", "good_til_s": 2_000_000_000} | IOC),
        (9003, {"reduce_only": True}),
        (9003, {"reduce_only": True, "time_in_force": "post_only"}),
        (9003, {"reduce_only": True, "kind": "long_term", "good_til_s": 2_000_000_000}),
        (6000, {"kind": "conditional", "good_til_s": 2_000_000_000, "trigger_ticks": 5}),
        (6000, {"trigger": "stop_loss", "trigger_ticks": 5}),
        (6001, {"kind": "conditional", "good_til_s": 2_000_000_000, "trigger": "take_profit"}),
        (6001, {"trigger_ticks": 5}),
    ],
)
def test_a_malformed_order_is_refused_by_its_code(bench: Bench, code: int, more: dict[str, Any]) -> None:
    bench.send(bench.order(1, BUY, 1, 90_000)._replace(**more))
    bench.run()
    assert bench.answers == [("place", 1, code)]
    assert not bench.news and not bench.paper.floor.orders


def test_a_market_that_is_not_there_is_refused(bench: Bench) -> None:
    bench.send(bench.order(1, BUY, 1, 90_000)._replace(market=9, ticker="NO-USD"))
    bench.send(bench.order(1, BUY, 1, 90_000)._replace(market=65_535, ticker=""))
    bench.run()
    assert bench.answers == [("place", 1, 8), ("place", 1, 8)]


def test_a_market_without_an_oracle_price_takes_no_orders() -> None:
    bench = Bench(markets=ALL | {"BTC-USD": ALL["BTC-USD"] | {"oraclePrice": None}})
    bench.book(BIDS, ASKS)
    assert bench.buy(1, 1, 90_000) == 47


def test_short_term_commands_are_limited_a_window_of_blocks_and_failed_ones_count() -> None:
    bench = Bench(short_limits=((3, 2),))
    bench.book(BIDS, ASKS)
    assert bench.buy(1, 1, 99_000, good_til_block=bench.height) == 10
    assert bench.cancel(9, bench.height + 1) == 0
    assert bench.buy(2, 1, 99_000) == 0
    assert bench.buy(3, 1, 99_000) == 5001
    assert bench.cancel(2, bench.height + 30) == 5001
    bench.block()
    assert bench.buy(4, 1, 99_000) == 5001
    bench.block()
    assert bench.buy(5, 1, 99_000) == 0


def test_stateful_placements_are_limited_and_their_cancels_are_not() -> None:
    bench = Bench(stateful_limits=((2, 1), (3, 100)))
    bench.book(BIDS, ASKS)
    assert [bench.buy(i, 1, 99_000, **LONG) for i in (1, 2, 3)] == [0, 0, 5001]
    bench.block()
    assert [bench.cancel(i, bench.now_ns // SECOND + 7200, "long_term") for i in (1, 2)] == [0, 0]
    assert [bench.buy(i, 1, 99_000, **LONG) for i in (4, 5)] == [5001, 5001]


def test_what_is_remembered_of_ids_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "REMEMBERED_MAX", 3)
    bench = ready(stateful_limits=())
    until = bench.height + 9
    assert [bench.cancel(i, until) for i in (1, 2, 3, 4)] == [0] * 4
    assert [bench.cancel(i, until) for i in (1, 3)] == [0, 9], "the oldest is forgotten"
    for i in (1, 2, 3, 4):
        bench.buy(i, 1, 99_000, **LONG)
        bench.cancel(i, bench.now_ns // SECOND + 7200, "long_term")
    bench.block()
    assert [bench.buy(i, 1, 99_000, **LONG) for i in (1, 4)] == [0, 3009]
