"""What happens to takers (orders.md 3, websocket.md 6.6): one test a rule, named after it."""

from __future__ import annotations

from typing import Any

import pytest

from sniper.trading import SELL
from tests.papers import (
    ASKS,
    BIDS,
    IOC,
    OPENED,
    POST,
    TINY,
    WOULD_REST,
    Bench,
    ready,
)


@pytest.fixture
def bench() -> Bench:
    return ready()


def test_code_0_is_not_a_fill(bench: Bench) -> None:
    assert bench.buy(1, 10, 99_000, **IOC) == 0
    assert bench.told(1) == [OPENED, WOULD_REST]
    assert not bench.fills


def test_a_taker_walks_the_book_at_the_makers_prices_up_to_its_limit(bench: Bench) -> None:
    assert bench.buy(1, 500, 100_015, **IOC) == 0
    bench.run(2)
    assert [(fill["price"], fill["size"], fill["liquidity"]) for fill in bench.fills] == [
        ("100010", "0.003", "TAKER")
    ]
    assert bench.sell(2, 120, 99_980, **IOC) == 0
    bench.run(2)
    assert [(fill["price"], fill["size"]) for fill in bench.fills[1:]] == [
        ("99990", "0.005"),
        ("99980", "0.007"),
    ]


def test_two_orders_do_not_take_the_same_liquidity_until_the_level_is_told_of_again(bench: Bench) -> None:
    assert bench.buy(1, 20, 100_010, **IOC) == 0
    assert bench.buy(2, 20, 100_010, **IOC) == 0
    assert bench.steps() == 30
    assert bench.buy(3, 20, 100_010, **IOC) == 0
    assert bench.steps() == 30
    bench.level(1, 100_020, 90)
    assert bench.buy(4, 20, 100_010, **IOC) == 0
    assert bench.steps() == 30, "another level says nothing of this one"
    bench.level(1, 100_010, 8)
    assert bench.buy(5, 20, 100_010, **IOC) == 0
    assert bench.steps() == 38
    bench.book(BIDS, ASKS)
    assert bench.buy(6, 100, 100_010, **IOC) == 0
    assert bench.steps() == 68, "a snapshot tells of all levels"


def test_an_ioc_remainder_goes_with_best_effort_canceled_and_the_fill_follows_with_its_block(
    bench: Bench,
) -> None:
    bench.buy(1, 50, 100_010, **IOC)
    bench.run(2)
    assert bench.told(1) == [OPENED, WOULD_REST, "BEST_EFFORT_CANCELED"]
    removal, block = bench.items("orders", 1)[1:]
    assert removal["totalOptimisticFilled"] == "0.003" and block["totalFilled"] == "0.003"
    assert not any("fills" in contents for contents in bench.news[:2])
    last = bench.news[2]
    assert last["blockHeight"] == last["fills"][0]["createdAtHeight"] == str(bench.height + 1)
    assert last["fills"][0]["orderId"] == removal["id"]


def test_a_filled_taker_ends_with_filled_and_no_removal(bench: Bench) -> None:
    bench.buy(1, 30, 100_010, **IOC)
    bench.run(2)
    assert bench.told(1) == [OPENED, "FILLED"]


def test_a_gtt_taker_takes_what_it_can_and_rests_the_remainder(bench: Bench) -> None:
    bench.buy(1, 50, 100_010)
    bench.run(2)
    order = bench.live(1)
    assert order is not None and order.left == 20 and order.queue.ahead == 0
    assert bench.told(1) == [OPENED, "OPEN"]


def test_a_book_that_is_not_live_fills_nothing(bench: Bench) -> None:
    bench.books.lost(0)
    assert bench.buy(1, 10, 100_010, **IOC) == 0
    assert bench.told(1)[-1] == WOULD_REST


def test_a_crossed_book_is_walked_in_its_uncrossed_view(bench: Bench) -> None:
    bench.level(0, 100_015, 7)
    assert bench.buy(1, 500, 100_015, **IOC) == 0
    assert bench.steps() == 0, "the older ask below the newer bid is a ghost"
    assert bench.sell(2, 500, 100_000, **IOC) == 0
    assert bench.steps() == -7


def test_a_post_only_order_that_would_cross_is_refused_in_the_answer(bench: Bench) -> None:
    assert bench.buy(1, 1, 100_010, **POST) == 2003
    assert bench.sell(2, 1, 99_990, **POST) == 2003
    assert bench.buy(3, 1, 100_009, **POST) == 0
    assert bench.told(1) == bench.told(2) == [] and bench.told(3) == [OPENED]


def test_a_post_only_replacement_that_would_cross_leaves_neither(bench: Bench) -> None:
    assert bench.buy(1, 1, 99_000, **POST) == 0
    assert bench.buy(1, 1, 100_010, **POST, good_til_block=bench.height + 30) == 2003
    assert bench.told(1) == [OPENED, "BEST_EFFORT_CANCELED REPLACED"]
    assert bench.live(1) is None


def test_in_a_self_trade_the_maker_is_cancelled_and_the_taker_goes_on(bench: Bench) -> None:
    bench.sell(1, 10, 100_005)
    bench.buy(2, 40, 100_020, **IOC)
    bench.run(2)
    assert bench.told(1) == [OPENED, "BEST_EFFORT_CANCELED SELF_TRADE_ERROR"]
    assert bench.told(2) == [OPENED, "FILLED"]
    assert bench.steps() == 40


def test_a_taker_that_ends_in_the_queue_before_our_maker_leaves_it_alone(bench: Bench) -> None:
    bench.sell(1, 10, 100_010)
    bench.buy(2, 30, 100_010, **IOC)
    assert bench.told(1) == [OPENED] and bench.live(1) is not None
    bench.level(1, 100_010, 35)
    bench.buy(3, 35, 100_010, **IOC)
    bench.run(2)
    assert bench.live(1) is None, "the maker stood behind 30 of the 35"
    assert bench.steps() == 65


def test_reduce_only_that_does_not_reduce_is_refused(bench: Bench) -> None:
    reduce: dict[str, Any] = IOC | {"reduce_only": True}
    assert bench.sell(1, 10, 99_000, **reduce) == 2001
    bench.buy(2, 10, 100_010, **IOC)
    assert bench.buy(3, 10, 100_020, **reduce) == 2001
    assert bench.sell(4, 10, 99_000, **reduce) == 0
    assert bench.sell(5, 10, 99_000, **reduce) == 2001


def test_reduce_only_is_cut_down_to_the_position_at_match_time(bench: Bench) -> None:
    bench.buy(1, 10, 100_010, **IOC)
    assert bench.sell(2, 25, 99_000, **IOC, reduce_only=True) == 0
    bench.run(2)
    assert bench.told(2) == [OPENED, "BEST_EFFORT_CANCELED REDUCE_ONLY_RESIZE", "BEST_EFFORT_CANCELED"]
    assert bench.steps() == 0 and bench.fills[-1]["size"] == "0.001"


def test_a_reduce_only_order_that_finds_too_little_ends_as_any_ioc(bench: Bench) -> None:
    bench.buy(1, 10, 100_010, **IOC)
    bench.book([(99_990, 4)], ASKS)
    bench.sell(2, 25, 99_000, **IOC, reduce_only=True)
    assert bench.told(2)[:2] == [OPENED, WOULD_REST] and bench.steps() == 6


def test_a_taker_that_cannot_pay_has_code_0_and_shows_only_in_the_account_news() -> None:
    bench = Bench(usdc_quantums=20_000_000)  # 1,000 USDC of BTC at 2 %
    bench.book(BIDS, [(100_000, 60), (100_001, 100)])
    assert bench.buy(1, 160, 100_010, **IOC) == 0
    bench.run(2)
    assert bench.told(1) == [OPENED, "BEST_EFFORT_CANCELED UNDERCOLLATERALIZED", "BEST_EFFORT_CANCELED"]
    assert bench.steps() == 60, "what was matched before stands"


def test_a_resting_short_term_order_reserves_no_margin_and_goes_when_hit() -> None:
    bench = Bench(usdc_quantums=20_000_000)
    bench.book(BIDS, ASKS)
    assert bench.buy(1, 5000, 99_985) == 0, "no test at placement"
    bench.trade(SELL, 99_980, 4000)
    bench.run(2)
    assert bench.told(1) == [OPENED, "BEST_EFFORT_CANCELED UNDERCOLLATERALIZED"]
    assert bench.steps() == 0


def test_a_fill_that_reduces_the_risk_passes_below_initial_margin() -> None:
    bench = Bench(usdc_quantums=20_000_000)
    bench.book([(99_999, 1000)], [(100_000, 90)])
    bench.buy(1, 90, 100_000, **IOC)
    bench.oracle("99000")
    assert bench.paper.collateral.totals().net < bench.paper.collateral.totals().initial
    assert bench.sell(2, 40, 98_999, **IOC) == 0
    assert bench.steps() == 50


def test_isolated_markets_do_not_share_a_subaccount(bench: Bench) -> None:
    bench.book([(3_990, 500)], [(4_010, 500)], TINY)
    assert bench.buy(1, 10, 100_010, **IOC) == 0
    assert bench.buy(2, 10, 4_010, **IOC, market=TINY) == 2005
    assert bench.sell(3, 10, 99_990, **IOC) == 0
    assert bench.buy(4, 10, 4_010, **IOC, market=TINY) == 0
    assert bench.buy(5, 10, 100_010, **IOC) == 2005


def test_a_resting_order_that_would_break_the_isolated_rule_goes_when_hit(bench: Bench) -> None:
    bench.book([(3_990, 500)], [(4_010, 500)], TINY)
    assert bench.buy(1, 10, 4_000, market=TINY) == 0
    assert bench.buy(2, 10, 100_010, **IOC) == 0
    bench.trade(SELL, 3_990, 50, market=TINY)
    bench.run(2)
    assert bench.told(1)[-1] == "BEST_EFFORT_CANCELED VIOLATES_ISOLATED_SUBACCOUNT_CONSTRAINTS"
    assert bench.steps(TINY) == 0
