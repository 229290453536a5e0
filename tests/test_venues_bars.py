"""The fill model `bars`: what triggers and limits find inside a candle, one test a rule (docs/backtest.md)."""

from __future__ import annotations

from typing import Any

import pytest

from sniper.trading import BUY, SELL
from tests.papers import IOC, Bench, ready

HALF = 10  # of the width of the bench's book
BAR = (100_000, 99_400, 100_500, 99_900)  # open, low, high, close


@pytest.fixture
def bench() -> Bench:
    made = ready(fill="bars")
    made.block()
    return made


def bar(bench: Bench, *prices: int, steps: int = 10_000) -> None:
    """The trades of a bar, its close as oracle price, and the block of its end."""
    first = prices[0]
    bench.tick(
        *(bench.trade_frame(BUY if p >= first else SELL, p, steps) for p in prices),
        bench.oracle_frame(str(prices[-1])),
    )
    bench.block()
    bench.run(2)


def protect(
    bench: Bench, client_id: int, side: int, trigger: str, ticks: int, limit: int, steps: int = 10
) -> None:
    more: dict[str, Any] = {
        "kind": "conditional",
        "trigger": trigger,
        "trigger_ticks": ticks,
        "reduce_only": True,
    }
    bench.place(client_id, side, steps, limit, **more, **IOC)


def prices(bench: Bench) -> list[int]:
    return [int(fill["price"]) for fill in bench.fills]


def long(bench: Bench) -> None:
    bench.buy(1, 10, 100_010, **IOC)
    bench.run(1)
    assert bench.steps() == 10


def short(bench: Bench) -> None:
    bench.sell(1, 10, 99_990, **IOC)
    bench.run(1)
    assert bench.steps() == -10


def test_a_stop_is_filled_at_its_trigger_less_half_the_spread(bench: Bench) -> None:
    long(bench)
    protect(bench, 2, SELL, "stop_loss", 99_500, 90_000)
    bar(bench, *BAR)
    assert bench.steps() == 0 and prices(bench)[-1] == 99_500 - HALF
    assert all(ticks != 99_500 - HALF for _, _, ticks in bench.paper.depth.taken), (
        "no level of the book was taken"
    )


def test_a_short_one_too(bench: Bench) -> None:
    short(bench)
    protect(bench, 2, BUY, "stop_loss", 100_400, 110_000)
    bar(bench, *BAR)
    assert bench.steps() == 0 and prices(bench)[-1] == 100_400 + HALF


@pytest.mark.parametrize(("side", "first"), [(SELL, 99_000), (BUY, 101_000)])
def test_a_stop_that_the_open_lay_beyond_is_filled_at_the_open(bench: Bench, side: int, first: int) -> None:
    (long if side == SELL else short)(bench)
    protect(
        bench, 2, side, "stop_loss", 99_500 if side == SELL else 100_400, 90_000 if side == SELL else 110_000
    )
    bar(bench, first, first - 100, first + 100, first)
    assert bench.steps() == 0 and prices(bench)[-1] == first + (HALF if side == BUY else -HALF)


def test_a_stop_whose_limit_is_not_reached_fills_nothing(bench: Bench) -> None:
    long(bench)
    protect(bench, 2, SELL, "stop_loss", 99_500, 99_495)
    bar(bench, *BAR)
    assert bench.steps() == 10 and bench.live(2, "conditional") is None


def test_the_stop_comes_before_the_target(bench: Bench) -> None:
    long(bench)
    protect(bench, 2, SELL, "take_profit", 100_300, 90_000)
    protect(bench, 3, SELL, "stop_loss", 99_500, 90_000)
    bar(bench, *BAR)
    assert bench.steps() == 0 and prices(bench)[1:] == [99_500 - HALF]


def test_a_target_needs_a_price_beyond_it(bench: Bench) -> None:
    long(bench)
    protect(bench, 2, SELL, "take_profit", 100_500, 90_000)
    bar(bench, 100_000, 99_400, 100_500, 100_500)
    assert bench.steps() == 10
    bar(bench, 100_500, 100_000, 100_501, 100_500)
    assert bench.steps() == 0 and prices(bench)[-1] == 100_500 - HALF


def test_a_touched_stop_goes(bench: Bench) -> None:
    long(bench)
    protect(bench, 2, SELL, "stop_loss", 99_400, 90_000)
    bar(bench, *BAR)
    assert bench.steps() == 0


def test_a_limit_is_filled_only_when_the_price_trades_through_it(bench: Bench) -> None:
    bench.buy(1, 10, 99_400)
    bench.run(1)
    bar(bench, *BAR)
    assert bench.steps() == 0
    bar(bench, 99_900, 99_399, 100_000, 99_950)
    assert bench.steps() == 10 and prices(bench) == [99_400]


def test_the_book_of_the_end_is_back_after_a_stop(bench: Bench) -> None:
    long(bench)
    protect(bench, 2, SELL, "stop_loss", 99_500, 90_000)
    bar(bench, *BAR)
    bench.buy(3, 10, 100_010, **IOC)
    bench.run(1)
    assert prices(bench)[-1] == 100_010
    bench.conserved()
