"""Ticks that pass the paper venue by: it says and holds what it would without them, and most ticks do pass."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sniper.trading import BUY, SELL
from sniper.venues.paper import Paper
from sniper.venues.terms import Price
from tests.papers import ASKS, BIDS, BTC, ETH, HOUR, IOC, LONG, MS, SECOND, STOP, Bench, ready

Action = tuple[Any, ...]


def counted(bench: Bench) -> list[int]:
    """The heights of the blocks that pass from now on."""
    quiet, passed = bench.paper.hearing.quiet, bench.paper.hearing.quiet.passed
    found: list[int] = []

    def counting(height: int) -> int:
        new = passed(height)
        found.extend([new] if new >= 0 else [])
        return new

    quiet.passed = counting  # type: ignore[method-assign]
    return found


def deaf(bench: Bench) -> Bench:
    """The same bench, for which every block is one to be carried out."""
    bench.paper.hearing.quiet.passed = lambda height: -1  # type: ignore[method-assign]
    return bench


def held(**more: Any) -> tuple[Bench, list[int]]:
    """Ten steps long, with a stop at 99,000 that is in a block, and the heights that pass from there on."""
    bench = ready(**more)
    bench.buy(1, 10, 100_010, **IOC)
    assert bench.sell(2, 10, 90_000, reduce_only=True, **STOP, **IOC) == 0
    bench.book(BIDS, ASKS)
    bench.blocks(1)
    bench.run(2)
    assert bench.told(2) == ["UNTRIGGERED"]
    return bench, counted(bench)


@pytest.mark.parametrize("fill", ["queue", "bars"])
def test_blocks_pass_while_a_stop_waits(fill: str) -> None:
    bench, passed = held(fill=fill)
    for price in (100_000, 99_001, 120_000):
        bench.block(600, bench.oracle_frame(str(price)), bench.trade_frame(SELL, price, 5))
        assert passed.pop() == bench.height == bench.paper.hearing.height
        assert bench.paper.markets.oracle[BTC] == (price, 0)
        assert not bench.paper.blocks.state.first
    bench.block(600, bench.oracle_frame("99000"))
    assert not passed
    bench.run(2)
    assert bench.told(2)[1:2] == ["OPEN"]


def test_a_trade_alone_is_remembered_until_the_block() -> None:
    bench, passed = held(fill="bars")
    bench.blocks(1)
    bench.trade(SELL, 99_000, 5)
    bench.blocks(1)
    bench.run(2)
    assert len(passed) == 1 and bench.told(2)[1:2] == ["OPEN"]


def test_what_a_market_row_says_of_the_price_counts() -> None:
    bench, passed = held()
    bench.blocks(2)
    assert len(passed) == 2
    bench.trading(oraclePrice="98000")
    bench.oracle("98000")
    bench.blocks(1)
    bench.run(2)
    assert len(passed) == 2 and bench.told(2)[1:2] == ["OPEN"]


def test_an_order_that_waits_for_its_block_or_rests_lets_none_pass() -> None:
    bench, passed = held()
    assert bench.buy(3, 1, 90_000, **LONG) == 0
    bench.blocks(2)
    assert not passed
    assert bench.cancel(3, bench.now_ns // SECOND + 4000, "long_term") == 0
    bench.blocks(1)
    assert not passed
    bench.blocks(1)
    assert len(passed) == 1


def test_a_cancel_an_end_of_time_and_an_hour_come_with_their_block() -> None:
    bench, passed = held()
    bench.blocks(1)
    bench.cancel(2, bench.now_ns // SECOND + 4000, "conditional")
    bench.blocks(1)
    assert len(passed) == 1 and bench.live(2, "conditional") is None

    bench, passed = held()
    bench.trading(nextFundingRate="0.0001")
    bench.blocks(1)
    bench.block((HOUR - bench.now_ns % HOUR) // MS)
    assert len(passed) == 1 and bench.ledger.unsettled() < 0
    bench.blocks(1)
    assert len(passed) == 2
    bench.block(HOUR // MS)
    assert len(passed) == 2 and bench.live(2, "conditional") is None


def test_an_order_whose_time_is_over_goes() -> None:
    bench = ready()
    short = {**STOP, "reduce_only": True, "good_til_s": bench.now_ns // SECOND + 3}
    assert bench.sell(2, 10, 90_000, **short, **IOC) == 0
    bench.blocks(2)
    passed = counted(bench)
    bench.block(100)
    bench.block(10_000)
    assert len(passed) == 1 and bench.live(2, "conditional") is None


def test_a_level_that_we_took_from_is_told_of_with_a_block() -> None:
    bench = ready()
    bench.buy(1, 10, 100_010, **IOC)
    passed = counted(bench)
    bench.block(600, bench.level_frame(SELL, 100_010, 40))
    assert not passed and not bench.paper.depth.taken
    bench.blocks(1)
    assert len(passed) == 1


def test_a_block_begins_the_wait_for_the_hour() -> None:
    bench, passed = held()
    bench.paper.blocks.state.hour_ns = 0
    bench.blocks(1)
    assert not passed and bench.paper.blocks.state.hour_ns
    bench.blocks(1)
    assert len(passed) == 1


def test_an_account_in_danger_is_liquidated() -> None:
    bench = ready(usdc_quantums=100_000_000, insurance_quantums=10**9)
    bench.buy(1, 30, 100_010, **IOC)
    bench.book(BIDS, [(100_020, 100)])
    bench.run(2)
    passed = counted(bench)
    bench.blocks(3)
    assert len(passed) >= 2 and bench.steps() == 30
    before = len(passed)
    bench.block(600, bench.oracle_frame("60000"))
    bench.run(2)
    assert len(passed) == before and bench.steps() < 30


def test_two_blocks_of_one_tick_do_not_pass() -> None:
    bench, passed = held()
    bench.tick(bench.block_frame(bench.now_ns), bench.block_frame(bench.now_ns + SECOND))
    assert not passed and bench.paper.hearing.height == bench.height


def test_another_grid_of_a_market_takes_the_stop_and_its_bound_away() -> None:
    bench, passed = held()
    bench.blocks(1)
    bench.trading(tickSize="10", subticksPerTick=1_000_000)
    assert bench.live(2, "conditional") is None
    bench.block(600, bench.oracle_frame("98000"))
    assert len(passed) == 2


def test_a_market_in_final_settlement_is_left() -> None:
    bench, passed = held()
    bench.blocks(1)
    bench.trading(status="FINAL_SETTLEMENT")
    bench.blocks(1)
    assert len(passed) == 1 and not bench.steps()


def test_a_loaded_venue_looks_anew() -> None:
    bench, _ = held()
    bench.blocks(2)
    other = Paper(bench.tape, bench.decoder, bench.books, bench.settings)
    other.load(bench.paper.save())
    bench.paper = other
    passed = counted(bench)
    bench.blocks(1)
    assert len(passed) == 1
    bench.cancel(2, bench.now_ns // SECOND + 4000, "conditional")
    other.load(other.save())
    bench.blocks(1)
    assert len(passed) == 1 and bench.live(2, "conditional") is None


def test_a_trigger_that_64_bits_do_not_hold_lets_none_pass() -> None:
    bench, passed = held()
    order = bench.live(2, "conditional")
    assert order is not None
    order.trigger_ticks = 1 << 63
    bench.paper.markets.oracle[BTC] = Price(1 << 64, 0)
    bench.paper.hearing.quiet.changed()
    bench.blocks(1)
    assert not passed and bench.live(2, "conditional") is not None


def play(bench: Bench, number: int, action: Action) -> None:
    what, *more = action
    if what == "ioc":
        side, steps = more
        bench.place(number, side, steps, 110_000 if side == BUY else 90_000, **IOC)
    elif what == "book":
        bench.book(BIDS, ASKS)
    elif what == "rest":
        side, steps, kind = more
        bench.place(number, side, steps, 99_000 if side == BUY else 101_000, **kind)
    elif what == "stop":
        side, trigger, ticks, limit, good_s, market = more
        stop = {"kind": "conditional", "trigger": trigger, "trigger_ticks": ticks, "reduce_only": True}
        good_til_s = bench.now_ns // SECOND + good_s
        bench.place(number, side, 10, limit, market=market, good_til_s=good_til_s, **stop, **IOC)
    elif what == "cancel":
        bench.cancel(number - more[0], bench.now_ns // SECOND + 8000, "conditional")
    elif what == "block":
        ms, frames = more
        own = bench.block_frame(bench.now_ns + ms * MS)
        told = [
            bench.oracle_frame(text) if kind == "oracle" else bench.trade_frame(SELL, text, 3)
            for kind, text in frames
        ]
        bench.tick(*told[:1], own, *told[1:], ms=ms)
    elif what == "tick":
        kind, text = more
        bench.tick(bench.oracle_frame(text) if kind == "oracle" else bench.trade_frame(SELL, text, 3))
    elif what == "two":
        first = bench.block_frame(bench.now_ns)
        bench.tick(first, bench.oracle_frame(more[0]), bench.block_frame(bench.now_ns + SECOND))
    else:
        bench.trading(**more[0])


SIDES = st.sampled_from((BUY, SELL))
PRICES = st.integers(98_900, 101_100).map(str) | st.sampled_from(
    ("99500.5", "100400.000001", "99000", "101000", "97000", "104000")
)
TOLD = st.tuples(st.sampled_from(("oracle", "trade")), PRICES)
BLOCK = st.tuples(st.just("block"), st.sampled_from((600, 600, 600, 900_000)), st.lists(TOLD, max_size=4))
STOPS = st.tuples(
    st.just("stop"),
    SIDES,
    st.sampled_from(("stop_loss", "take_profit")),
    st.integers(99_000, 101_000),
    st.sampled_from((90_000, 110_000)),
    st.sampled_from((2, 40, 7200)),
    st.sampled_from((BTC, BTC, BTC, ETH)),
)
ACTIONS = st.lists(
    st.one_of(
        BLOCK,
        BLOCK,
        BLOCK,
        STOPS,
        STOPS,
        st.tuples(st.just("ioc"), SIDES, st.integers(1, 40)),
        st.tuples(st.just("rest"), SIDES, st.integers(1, 5), st.sampled_from(({}, LONG))),
        st.tuples(st.just("cancel"), st.integers(1, 5)),
        TOLD.map(lambda told: ("tick", *told)),
        st.tuples(st.just("two"), PRICES),
        st.just(("book",)),
        st.tuples(
            st.just("trading"),
            st.sampled_from(
                (
                    {"nextFundingRate": "0.0005"},
                    {"oraclePrice": "99100"},
                    {"maintenanceMarginFraction": "0.04"},
                    {"status": "FINAL_SETTLEMENT"},
                    {"tickSize": "2", "subticksPerTick": 200_000},
                )
            ),
        ),
    ),
    max_size=25,
)


@given(ACTIONS, st.sampled_from(("queue", "bars")), st.sampled_from((100, 100_000)))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_passes_would_have_changed_nothing_else(actions: list[Action], fill: str, usd: int) -> None:
    limits: dict[str, Any] = {"usdc_quantums": usd * 10**6, "stateful_limits": (), "short_limits": ()}
    one, other = ready(fill=fill, **limits), deaf(ready(fill=fill, **limits))
    begin = [
        ("ioc", BUY, 20),
        ("book",),
        ("stop", SELL, "stop_loss", 99_500, 90_000, 7200, BTC),
        ("block", 600, []),
    ]
    for number, action in enumerate(begin + actions, 10):
        for bench in (one, other):
            play(bench, number, action)
        assert one.paper.save() == other.paper.save()
        assert one.sink.records == other.sink.records
