"""What the paper venue takes from a tick: which rows, in which order, and of which it takes no notice."""

from __future__ import annotations

from sniper.trading import BUY, SELL
from sniper.venues.hearing import FEW
from tests.papers import ASKS, BTC, ETH, IOC, Bench, ready


def test_rows_of_a_large_tick_are_found_as_those_of_a_small_one() -> None:
    def left(padding: int) -> tuple[int, int]:
        bench = ready()
        bench.book([(39_990, 5)], [(40_010, 5)], ETH)
        bench.buy(1, 10, 99_990)
        noise = [bench.level_frame(0, 39_900 - i, 5, ETH) for i in range(padding)]
        half = len(noise) // 2
        bench.tick(
            *noise[:half],
            bench.level_frame(0, 99_990, 20),
            *noise[half:],
            bench.trade_frame(SELL, 99_980, 24),
            bench.block_frame(bench.now_ns),
        )
        order = bench.live(1)
        assert order is not None
        return order.left, bench.paper.hearing.height

    assert left(0) == left(FEW) == left(3 * FEW) == (6, 102)


def test_rows_are_taken_in_their_order() -> None:
    bench = ready()
    bench.buy(1, 10, 99_990)
    bench.tick(
        bench.trade_frame(SELL, 99_990, 45),
        bench.level_frame(0, 99_990, 5),
        bench.trade_frame(SELL, 99_990, 9),
    )
    order = bench.live(1)
    assert order is not None and order.left == 6
    other = ready()
    other.buy(1, 10, 99_990)
    other.tick(
        other.level_frame(0, 99_990, 5),
        other.trade_frame(SELL, 99_990, 45),
        other.trade_frame(SELL, 99_990, 9),
    )
    order = other.live(1)
    assert order is not None and order.left == 6, "as late as they are told of, they happened once"


def test_only_markets_with_business_are_followed() -> None:
    bench = ready()
    bench.book([(39_990, 50)], [(40_010, 50)], ETH)
    hearing = bench.paper.hearing
    assert not hearing.followed
    bench.buy(1, 10, 99_000)
    assert list(hearing.followed) == [BTC]
    bench.buy(2, 10, 40_010, market=ETH, **IOC)
    assert sorted(hearing.followed) == [BTC, ETH]
    bench.cancel(1, bench.height + 20)
    assert list(hearing.followed) == [ETH]
    bench.place(3, SELL, 10, 39_990, market=ETH, **IOC)
    assert list(hearing.followed) == [ETH], "what was taken of its levels is remembered"
    bench.book([(39_990, 50)], [(40_010, 50)], ETH)
    assert not hearing.followed and not bench.paper._awake


def test_the_same_block_of_another_connection_is_one_block() -> None:
    bench = ready()
    bench.buy(1, 10, 99_990)
    frame = bench.block_frame(bench.now_ns)
    bench.tick(frame)
    order = bench.live(1)
    assert order is not None
    order.queue.falls[0] = 5
    bench.tick(frame)
    assert order.queue.falls == [5, 0, 0]
    bench.block()
    assert order.queue.falls == [0, 5, 0]


def test_an_oracle_price_of_nothing_is_no_price() -> None:
    bench = ready()
    bench.buy(1, 10, 99_000)
    bench.tick(bench.oracle_frame("90000").replace(b'"90000"', b"null"))
    assert bench.paper.markets.oracle[BTC].number == 100_000


def test_a_snapshot_of_a_book_is_no_trade_and_no_fall() -> None:
    bench = ready()
    bench.buy(1, 10, 99_990)
    bench.book([(99_980, 5)], ASKS)
    bench.book([(99_990, 5), (99_980, 5)], ASKS)
    assert bench.steps() == 0
    bench.trade(BUY, 99_980, 100)
    assert bench.steps() == 0


def test_a_bench_without_orders_reads_nothing() -> None:
    bench = Bench()
    bench.book([(99_990, 1)], [(100_010, 1)])
    bench.blocks(3)
    assert bench.paper.hearing.height == 0
