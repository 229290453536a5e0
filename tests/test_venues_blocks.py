"""Expiry, stateful and conditional orders (orders.md 1, 3; margin.md 7): one test a rule, named after it."""

from __future__ import annotations

from typing import Any

import pytest

from sniper.trading import BUY, SELL
from tests.papers import (
    ASKS,
    BIDS,
    IOC,
    LONG,
    OPENED,
    POST,
    SECOND,
    STOP,
    TINY,
    Bench,
    ready,
)


@pytest.fixture
def bench() -> Bench:
    return ready()


def test_a_short_term_order_lives_through_its_last_block_and_is_then_canceled_as_expired(
    bench: Bench,
) -> None:
    bench.buy(1, 10, 99_990, good_til_block=bench.height + 2)
    bench.block()
    assert bench.live(1) is not None
    at_ns = bench.now_ns + 600_000_000
    last = bench.block_frame(at_ns)
    bench.tick(last, bench.trade_frame(SELL, 99_980, 60, at_ns=at_ns), ms=600)
    bench.run(2)
    assert bench.told(1)[-1] == "FILLED", "a trade of its last block still fills it"
    bench.buy(2, 10, 99_000, good_til_block=bench.height + 2)
    bench.blocks(2)
    bench.run(2)
    assert bench.told(2) == [OPENED, "CANCELED EXPIRED"] and bench.live(2) is None


def test_a_long_term_order_is_in_the_next_block_and_on_the_book_after_it(bench: Bench) -> None:
    assert bench.buy(1, 10, 100_010, **LONG) == 0
    bench.run(1)
    assert bench.told(1) == [] and bench.steps() == 0
    bench.block()
    bench.run(2)
    assert bench.told(1) == ["OPEN", "FILLED"]
    first, second = bench.items("orders", 1)
    assert first["createdAtHeight"] == str(bench.height)
    assert second["updatedAtHeight"] == str(bench.height + 1)
    assert bench.fills[-1]["createdAtHeight"] == str(bench.height + 1)


def test_a_long_term_order_is_not_replaced_and_its_id_is_free_after_the_next_block(bench: Bench) -> None:
    assert bench.buy(1, 10, 99_000, **LONG) == 0
    assert bench.buy(1, 10, 99_100, **LONG) == 3005
    bench.block()
    assert bench.buy(1, 10, 99_100, **LONG) == 3005
    bench.cancel(1, bench.now_ns // SECOND + 7200, "long_term")
    bench.block()
    assert bench.buy(1, 10, 99_100, **LONG) == 3009
    assert bench.cancel(1, bench.now_ns // SECOND + 7200, "long_term") == 3010
    bench.block()
    assert bench.buy(1, 10, 99_100, **LONG) == 0


def test_a_stateful_cancel_needs_the_order_and_its_good_til_time_and_waits_for_a_block(bench: Bench) -> None:
    until = bench.now_ns // SECOND + 600
    assert bench.buy(1, 10, 99_000, **LONG, good_til_s=until) == 0
    bench.block()
    assert bench.cancel(2, until, "long_term") == 3006
    assert bench.cancel(1, until - 1, "long_term") == 29
    assert bench.cancel(1, until, "long_term") == 0
    assert bench.cancel(1, until, "long_term") == 32
    bench.run(1)
    assert bench.told(1) == ["OPEN"] and bench.live(1, "long_term") is not None
    bench.block()
    bench.run(1)
    assert bench.told(1) == ["OPEN", "CANCELED USER_CANCELED"]


def test_a_stateful_order_expires_by_block_time(bench: Bench) -> None:
    bench.buy(1, 10, 99_000, **LONG, good_til_s=bench.now_ns // SECOND + 2)
    bench.blocks(3)
    assert bench.live(1, "long_term") is not None
    bench.blocks(2)
    bench.run(1)
    assert bench.told(1) == ["OPEN", "CANCELED EXPIRED"]


def test_a_long_term_order_must_be_covered_as_if_it_were_filled() -> None:
    bench = Bench(usdc_quantums=101_000_000, stateful_limits=())
    bench.book(BIDS, ASKS)
    assert bench.buy(1, 600, 99_000, **LONG) == 0, "below the oracle price it gains as it fills"
    assert bench.buy(2, 600, 100_000, **LONG) == 3007
    assert bench.buy(3, 600, 100_000, **STOP) == 0, "conditional orders are not tested"


def test_an_order_beyond_all_measure_is_not_covered(bench: Bench) -> None:
    assert bench.buy(1, (1 << 63) // 1_000_000, 99_000, **LONG) == 3007
    assert bench.buy(2, (1 << 63) // 1_000_000, 100_010) == 0
    assert bench.steps() == 30
    assert bench.buy(3, 1, (1 << 63) // 100_000, **LONG) == 3007


def test_a_post_only_stateful_order_that_would_cross_is_removed_by_a_block(bench: Bench) -> None:
    bench.buy(1, 10, 100_010, **LONG, **POST)
    bench.block()
    bench.run(2)
    assert bench.told(1) == ["OPEN", "CANCELED POST_ONLY_WOULD_CROSS_MAKER_ORDER"]


@pytest.mark.parametrize(("usdc", "most"), [(19, 0), (20, 1), (99, 1), (100, 5), (1_000, 10)])
def test_equity_tiers_limit_open_stateful_orders(usdc: int, most: int) -> None:
    bench = Bench(usdc_quantums=usdc * 1_000_000, stateful_limits=())
    bench.book(BIDS, ASKS)
    codes = [bench.buy(i, 1, 99_000, **LONG) for i in range(1, most + 2)]
    assert codes == [0] * most + [10001]
    assert bench.buy(99, 1, 99_000) == 0, "short-term orders are not limited"


def test_an_equity_tier_that_was_lost_before_the_block_removes_the_order() -> None:
    bench = Bench(usdc_quantums=20_000_000)
    bench.book(BIDS, ASKS)
    bench.buy(1, 9, 100_010, **IOC)
    bench.oracle("100600")
    assert bench.buy(2, 1, 90_000, **LONG) == 0
    bench.oracle("99000")
    bench.block()
    bench.run(1)
    assert bench.told(2) == ["CANCELED EQUITY_TIER"]


@pytest.mark.parametrize(
    ("side", "trigger", "kept", "reached"),
    [
        (SELL, "stop_loss", "99001", "99000"),
        (BUY, "take_profit", "99001", "99000"),
        (BUY, "stop_loss", "98999", "99000"),
        (SELL, "take_profit", "98999", "99000"),
    ],
)
def test_an_oracle_price_triggers_at_the_end_of_a_block(
    bench: Bench, side: int, trigger: str, kept: str, reached: str
) -> None:
    bench.oracle(kept)
    price = 100_010 if side == BUY else 99_990
    bench.place(1, side, 10, price, kind="conditional", trigger=trigger, trigger_ticks=99_000)
    bench.blocks(2)
    bench.run(2)
    assert bench.told(1) == ["UNTRIGGERED"]
    bench.oracle(reached)
    bench.run(1)
    assert bench.told(1) == ["UNTRIGGERED"], "only a block looks"
    bench.block()
    bench.run(2)
    assert bench.told(1) == ["UNTRIGGERED", "OPEN", "FILLED"]
    assert bench.fills[-1]["createdAtHeight"] == str(bench.height + 1)


def test_traded_prices_trigger_too_but_only_near_the_oracle_price(bench: Bench) -> None:
    more: dict[str, Any] = {"kind": "conditional", "trigger": "stop_loss"} | IOC
    bench.sell(1, 10, 90_000, trigger_ticks=99_500, **more)  # 100,000 less 5 x 0.1 %
    bench.sell(2, 10, 90_000, trigger_ticks=99_499, **more)
    bench.block()
    bench.trade(SELL, 95_000, 1)
    bench.block()
    bench.run(2)
    assert bench.told(1)[:2] == ["UNTRIGGERED", "OPEN"]
    assert bench.told(2) == ["UNTRIGGERED"]
    bench.oracle("99900")
    bench.block()
    bench.run(2)
    assert bench.told(2) == ["UNTRIGGERED"], "the trade was of another block"


def test_traded_prices_above_are_held_near_the_oracle_price_too(bench: Bench) -> None:
    more: dict[str, Any] = {"kind": "conditional", "trigger": "stop_loss"} | IOC
    bench.buy(1, 10, 100_400, trigger_ticks=100_300, **more)
    bench.buy(2, 10, 100_400, trigger_ticks=100_501, **more)
    bench.block()
    for price in (100_200, 100_300, 100_100):
        bench.trade(BUY, price, 1)
    bench.block()
    bench.run(2)
    assert bench.told(1)[:2] == ["UNTRIGGERED", "OPEN"] and bench.told(2) == ["UNTRIGGERED"]
    bench.trade(BUY, 150_000, 1)
    bench.block()
    bench.run(2)
    assert bench.told(2) == ["UNTRIGGERED"]


def test_a_stateful_order_is_subject_to_the_isolated_rule(bench: Bench) -> None:
    bench.buy(1, 10, 100_010, **IOC)
    assert bench.buy(2, 10, 3_990, **LONG, market=TINY) == 2005


def test_deleveraging_trades_do_not_trigger(bench: Bench) -> None:
    bench.sell(1, 10, 90_000, kind="conditional", trigger="stop_loss", trigger_ticks=99_800)
    bench.block()
    bench.trade(SELL, "99000.5", 1, kind="DELEVERAGED")
    bench.block()
    bench.run(1)
    assert bench.told(1) == ["UNTRIGGERED"]


def test_a_triggered_order_behaves_by_its_own_time_in_force(bench: Bench) -> None:
    bench.oracle("98000")
    bench.sell(1, 500, 99_980, **STOP, **IOC)
    bench.block()
    bench.run(2)
    assert bench.told(1) == [
        "UNTRIGGERED",
        "OPEN",
        "CANCELED IMMEDIATE_OR_CANCEL_WOULD_REST_ON_BOOK",
    ]
    assert bench.steps() == -150
    bench.sell(2, 20, 99_970, **STOP, **POST)
    bench.book([(99_970, 5)], ASKS)
    bench.block()
    bench.run(2)
    assert bench.told(2)[-1] == "CANCELED POST_ONLY_WOULD_CROSS_MAKER_ORDER"
    bench.book([], ASKS)
    bench.sell(3, 20, 99_970, **STOP)
    bench.block()
    order = bench.live(3, "conditional")
    assert order is not None and order.state == "resting"


def test_a_triggered_reduce_only_order_without_a_position_is_resized_away(bench: Bench) -> None:
    bench.sell(1, 10, 90_000, **STOP, **IOC, reduce_only=True)
    bench.oracle("98000")
    bench.block()
    bench.run(2)
    assert bench.told(1)[-1] == "CANCELED REDUCE_ONLY_RESIZE" and bench.steps() == 0


def test_collateral_of_a_conditional_order_is_tested_when_it_is_matched() -> None:
    bench = Bench(usdc_quantums=20_000_000)
    bench.book(BIDS, [(100_010, 5000)])
    assert bench.buy(1, 5000, 100_010, kind="conditional", trigger="stop_loss", trigger_ticks=100_000) == 0
    bench.block()
    bench.run(2)
    assert bench.told(1)[-1] == "CANCELED UNDERCOLLATERALIZED" and bench.steps() == 0
