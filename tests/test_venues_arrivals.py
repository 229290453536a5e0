"""Ids, replacement, cancels, market status (orders.md 3): one test a rule, named after it."""

from __future__ import annotations

from typing import Any

import pytest

from sniper.trading import BUY, SELL, Cancel
from tests.papers import (
    ASKS,
    BIDS,
    ETH,
    IOC,
    LONG,
    OPENED,
    POST,
    USER,
    Bench,
    ready,
)


@pytest.fixture
def bench() -> Bench:
    return ready()


def test_a_replacement_needs_a_larger_good_til_block(bench: Bench) -> None:
    assert bench.buy(1, 10, 99_000, good_til_block=bench.height + 10) == 0
    assert bench.buy(1, 10, 99_100, good_til_block=bench.height + 9) == 20
    assert bench.buy(1, 12, 99_100, good_til_block=bench.height + 11) == 0
    order = bench.live(1)
    assert order is not None and (order.price, order.size) == (99_100, 12)
    assert bench.told(1) == [OPENED, "BEST_EFFORT_CANCELED REPLACED", OPENED]


def test_a_replacement_with_an_equal_good_til_block_is_a_coin_toss(bench: Bench) -> None:
    codes = set()
    for client_id in range(1, 33):
        bench.buy(client_id, 10, 99_000)
        codes.add(bench.buy(client_id, 10, 99_000 + client_id))
    assert codes == {0, 20}


@pytest.mark.parametrize(
    "more", [{"side": SELL, "price_ticks": 120_000}, POST, IOC | {"reduce_only": True}, IOC]
)
def test_a_replacement_keeps_side_time_in_force_and_reduce_only(bench: Bench, more: dict[str, Any]) -> None:
    assert bench.buy(1, 10, 99_000) == 0
    bench.send(bench.order(1, BUY, 10, 99_000, good_til_block=bench.height + 30)._replace(**more))
    bench.run()
    assert bench.answers[-1][2] == 20
    assert bench.live(1) is not None


def test_a_replacement_loses_its_place_in_the_queue(bench: Bench) -> None:
    bench.buy(1, 10, 99_990)
    bench.trade(SELL, 99_990, 20)
    order = bench.live(1)
    assert order is not None and order.queue.ahead == 30
    bench.level(0, 99_990, 60)
    bench.buy(1, 10, 99_990, good_til_block=bench.height + 30)
    order = bench.live(1)
    assert order is not None and order.queue.ahead == 60


def test_the_size_of_a_replacement_is_a_total_that_includes_what_is_filled(bench: Bench) -> None:
    bench.buy(1, 40, 100_010)
    assert bench.buy(1, 30, 99_000, good_til_block=bench.height + 30) == 24
    assert bench.live(1) is not None
    assert bench.buy(1, 31, 99_000, good_til_block=bench.height + 31) == 0
    order = bench.live(1)
    assert order is not None and order.left == 1


def test_an_identical_order_is_reprocessed(bench: Bench) -> None:
    bench.buy(1, 10, 99_000)
    assert bench.buy(1, 10, 99_000) == 30


def test_a_filled_id_is_remembered_until_its_good_til_block_has_passed(bench: Bench) -> None:
    bench.buy(1, 30, 100_010, good_til_block=bench.height + 3)
    bench.book(BIDS, ASKS)
    assert bench.buy(1, 30, 100_010) == 24
    bench.blocks(4)
    assert bench.buy(1, 30, 99_000) == 0


def test_an_ioc_whose_id_has_fills_is_refused(bench: Bench) -> None:
    bench.buy(1, 50, 100_010, **IOC)
    assert bench.buy(1, 50, 100_020, **IOC) == 2004
    assert bench.buy(2, 50, 90_000, **IOC) == 0
    assert bench.buy(2, 50, 90_000, **IOC) == 0, "nothing was filled: the id is free"


def test_orders_of_other_flags_or_markets_are_other_orders(bench: Bench) -> None:
    bench.book([(39_990, 5)], [(40_010, 5)], ETH)
    assert bench.buy(1, 1, 99_000) == 0
    assert bench.buy(1, 1, 39_000, market=ETH) == 0
    assert bench.buy(1, 1, 99_000, **LONG) == 0
    assert len(bench.paper.floor.orders) == 3


def test_a_cancel_takes_the_order_off(bench: Bench) -> None:
    bench.buy(1, 10, 99_000, good_til_block=bench.height + 10)
    assert bench.cancel(1, bench.height + 10) == 0
    assert bench.told(1) == [OPENED, USER] and bench.live(1) is None


def test_a_cancel_with_a_smaller_good_til_block_is_reported_but_the_order_stays(bench: Bench) -> None:
    bench.buy(1, 10, 99_990, good_til_block=bench.height + 10)
    assert bench.cancel(1, bench.height + 9) == 0
    assert bench.told(1) == [OPENED, USER]
    bench.trade(SELL, 99_980, 200)
    bench.run(2)
    assert bench.told(1)[-1] == "FILLED" and bench.steps() == 10


def test_a_cancel_is_subject_to_the_window(bench: Bench) -> None:
    assert bench.cancel(1, bench.height) == 10
    assert bench.cancel(1, bench.height + 42) == 11
    assert bench.cancel(1, 0) == 5


def test_a_second_cancel_needs_a_larger_good_til_block(bench: Bench) -> None:
    assert bench.cancel(1, bench.height + 10) == 0
    assert bench.cancel(1, bench.height + 10) == 9
    assert bench.cancel(1, bench.height + 9) == 9
    assert bench.cancel(1, bench.height + 11) == 0


def test_a_cancel_of_an_unknown_order_is_accepted_and_stops_a_later_placement(bench: Bench) -> None:
    assert bench.cancel(1, bench.height + 10) == 0
    assert bench.buy(1, 10, 99_000, good_til_block=bench.height + 10) == 7
    assert bench.buy(1, 10, 99_000, good_til_block=bench.height + 11) == 0


def test_a_cancel_is_forgotten_with_its_block(bench: Bench) -> None:
    bench.cancel(1, bench.height + 2)
    bench.blocks(2)
    assert bench.cancel(1, bench.height + 2) == 0
    assert not bench.news


def test_there_is_no_news_of_a_cancel_of_a_filled_order(bench: Bench) -> None:
    bench.buy(1, 30, 100_010)
    bench.run(2)
    assert bench.cancel(1, bench.height + 20) == 0
    assert bench.told(1) == [OPENED, "FILLED"]


def test_a_cancel_needs_known_flags_and_a_known_market(bench: Bench) -> None:
    assert bench.cancel(1, bench.height + 1, kind="twap") == 3000
    assert bench.cancel(1, 2_000_000_000, kind="long_term") == 3006
    assert bench.cancel(1, 0, kind="long_term") == 3001
    wrong = Cancel(1, 9, "NO-USD", "short_term", bench.height + 1, 0, "test")
    bench.send(wrong, wrong._replace(market=0))
    bench.run()
    assert bench.answers[-2:] == [("cancel", 1, 8)] * 2


@pytest.mark.parametrize("status", ["PAUSED", "CANCEL_ONLY", "POST_ONLY", "FINAL_SETTLEMENT"])
def test_a_market_that_is_not_active_takes_no_orders(bench: Bench, status: str) -> None:
    bench.trading(status=status)
    assert bench.buy(1, 1, 99_000, **POST) == 34
    assert bench.buy(2, 1, 99_000, **LONG) == 34


def test_an_initializing_market_takes_post_only_orders_on_the_right_side_of_the_oracle(bench: Bench) -> None:
    bench.book([], [])
    bench.trading(status="INITIALIZING")
    assert bench.buy(1, 1, 99_000) == 34
    assert bench.buy(2, 1, 99_000, **LONG) == 34
    assert bench.buy(3, 1, 100_000, **POST) == 0
    assert bench.buy(4, 1, 100_001, **POST) == 34
    assert bench.sell(5, 1, 100_001, **POST) == 0
    assert bench.sell(6, 1, 99_999, **POST) == 34


def test_final_settlement_removes_orders_and_closes_positions_at_the_oracle_price(bench: Bench) -> None:
    bench.buy(1, 10, 100_010, **IOC)
    bench.buy(2, 10, 99_000)
    bench.buy(3, 10, 99_000, **LONG)
    bench.block()
    bench.oracle("100500")
    bench.trading(status="FINAL_SETTLEMENT")
    bench.block()
    bench.run(3)
    assert bench.told(2)[-1] == "BEST_EFFORT_CANCELED FINAL_SETTLEMENT"
    assert bench.told(3)[-1] == "CANCELED FINAL_SETTLEMENT"
    assert bench.steps() == 0 and not bench.paper.floor.orders
    last = bench.fills[-1]
    assert (last["type"], last["price"], last["side"], last["fee"]) == ("DELEVERAGED", "100500", "SELL", "0")
