"""Long-term and conditional orders: codes, blocks, triggers, equity tiers (orders.md 1, 3, 7; margin.md 7)."""

from __future__ import annotations

from typing import Any

import pytest

from sniper.exchange.chain.chain import Chain
from sniper.exchange.facts import (
    CONDITIONAL,
    IOC,
    LONG_TERM,
    POST_ONLY,
    STOP_LOSS,
    TAKE_PROFIT,
    ChainOrder,
    Executed,
    Filled,
    OrderGone,
    OrderId,
    OrderOpened,
    OrderResting,
    StatefulGone,
    StatefulPlaced,
    StatefulTriggered,
)
from sniper.exchange.terms import EquityTier
from tests.small_chain import (
    ALICE,
    BOB,
    BTC,
    CAROL,
    SECOND_NS,
    START_S,
    USDC,
    block,
    chain,
    coins,
    of,
    order,
    position,
    put,
    subticks,
    take,
)


def long_term(**fields: Any) -> ChainOrder:
    return order(ALICE, "buy", 0.1, 89_000, flags=LONG_TERM, **fields)


def book_ids(made: Chain) -> list[OrderId]:
    return list(made.core.markets[0].book.orders)


def gone(news: list[Any]) -> list[tuple[OrderId, int]]:
    return [(item.id, item.reason) for item in of(news, StatefulGone)]


# Long-term.


def test_it_is_placed_in_the_next_block_and_on_the_book_after_it() -> None:
    made = chain()
    placed = long_term()
    assert made.place(placed, "HASH").code == 0
    assert not made.news and made.stateful_order(placed.id) is None
    news = block(made)
    assert of(news, StatefulPlaced) == [StatefulPlaced(placed, "HASH")]
    assert [(item.tx_hash, item.outcome.code) for item in of(news, Executed)] == [("HASH", 0)]
    assert made.stateful_order(placed.id) == placed
    assert book_ids(made) == [placed.id]
    assert not of(news, OrderOpened)
    assert [item.id for item in of(news, OrderResting)] == [placed.id]
    assert isinstance(news[-1], OrderResting)  # behind the block


def test_it_is_matched_and_ends_when_it_is_filled() -> None:
    made = chain()
    placed = long_term()
    made.place(placed, "TX")
    block(made)
    put(made, BOB, "sell", 0.04, 89_000)
    news = block(made)
    assert of(news, Filled)[0].maker_order == placed and not gone(news)
    put(made, BOB, "sell", 0.06, 89_000)
    assert gone(block(made)) == [(placed.id, 12)]
    assert made.stateful_order(placed.id) is None and made.filled(placed.id) == 0


def test_it_expires_with_block_time() -> None:
    made = chain()
    placed = long_term(good_til_s=START_S + 3)
    made.place(placed, "TX")
    block(made)
    assert not gone(block(made, SECOND_NS // 2))
    news = block(made, 2 * SECOND_NS)
    assert gone(news) == [(placed.id, 1)] and not of(news, OrderGone)
    assert not book_ids(made)


def test_no_replacement() -> None:
    made = chain()
    placed = long_term()
    made.place(placed, "TX")
    assert made.place(placed, "TX").code == 3005
    block(made)
    assert made.place(placed._replace(good_til_s=placed.good_til_s + 1), "TX").code == 3005


def test_the_rules_of_its_cancel() -> None:
    made = chain()
    placed = long_term()
    until = placed.good_til_s
    assert made.cancel(placed.id, 0, until, "TX").code == 3006
    made.place(placed, "TX")
    block(made)
    assert made.cancel(placed.id, 0, until - 1, "TX").code == 29
    assert made.cancel(placed.id, 0, until, "CANCEL").code == 0
    assert made.cancel(placed.id, 0, until + 1, "TX").code == 32
    assert made.place(placed, "TX").code == 3008
    assert book_ids(made) == [placed.id]  # until the block
    take(made)
    news = block(made)
    assert gone(news) == [(placed.id, 2)] and not of(news, OrderGone)
    assert not book_ids(made)
    assert made.cancel(placed.id, 0, until, "TX").code == 3006
    assert made.place(placed, "TX").code == 0


def test_a_cancel_may_follow_its_order_into_the_same_block() -> None:
    made = chain()
    placed = long_term()
    made.place(placed, "TX")
    assert made.cancel(placed.id, 0, placed.good_til_s, "TX").code == 0
    news = block(made)
    assert of(news, StatefulPlaced) and gone(news) == [(placed.id, 2)]
    assert not book_ids(made)


def test_a_cancel_of_what_was_just_filled_fails_in_the_block() -> None:
    made = chain()
    placed = long_term()
    made.place(placed, "TX")
    block(made)
    assert made.cancel(placed.id, 0, placed.good_til_s, "LATE").code == 0
    put(made, BOB, "sell", 0.1, 89_000)
    news = block(made)
    assert gone(news) == [(placed.id, 12)]
    assert [(item.tx_hash, item.outcome.code) for item in of(news, Executed)] == [("LATE", 3010)]


def test_an_order_cannot_be_placed_again_in_the_block_that_ended_it() -> None:
    made = chain()
    placed = long_term(good_til_s=START_S + 60)
    made.place(placed, "TX")
    block(made)
    put(made, BOB, "sell", 0.1, 89_000)
    # It is filled but stands in the state until the block: the second placement is refused at once.
    assert made.place(placed, "TX").code == 3005


def test_its_collateral_is_checked_when_it_is_placed() -> None:
    made = chain(money=1_000 * USDC)
    assert put(made, ALICE, "buy", 0.55, 90_000, flags=LONG_TERM) == 0  # 990 USDC of margin, 4.95 of fees
    assert put(made, BOB, "buy", 0.56, 90_000, flags=LONG_TERM) == 3007
    # A price above the oracle's costs its difference; one below it wins nothing.
    assert put(made, BOB, "buy", 0.5, 90_250, flags=LONG_TERM) == 3007
    assert put(made, BOB, "buy", 0.56, 80_000, flags=LONG_TERM) == 3007
    assert put(made, CAROL, "sell", 0.56, 99_000, flags=LONG_TERM) == 3007
    assert put(made, CAROL, "sell", 0.55, 99_000, flags=LONG_TERM) == 0


def test_a_post_only_one_that_crosses_is_removed_after_its_block() -> None:
    made = chain()
    put(made, BOB, "sell", 0.1, 89_000)
    placed = long_term(time_in_force=POST_ONLY)
    assert made.place(placed, "TX").code == 0
    news = block(made)
    assert of(news, StatefulPlaced)
    assert [(item.id, item.reason) for item in of(news, OrderGone)] == [(placed.id, 6)]
    assert made.stateful_order(placed.id) == placed
    assert gone(block(made)) == [(placed.id, 6)]


def test_one_whose_account_became_poor_is_removed_when_hit() -> None:
    made = chain(money=1_000 * USDC)
    placed = order(ALICE, "buy", 0.5, 90_000, flags=LONG_TERM)
    made.place(placed, "TX")
    block(made)
    made.transfer(ALICE, BOB, 500 * USDC, "TX")
    block(made)
    put(made, CAROL, "sell", 0.5, 90_000)
    assert [(item.id, item.reason) for item in of(take(made), OrderGone)] == [(placed.id, 3)]
    assert gone(block(made)) == [(placed.id, 3)]
    assert position(made, ALICE) == 0


# Conditional.


def conditional(
    side: str, condition: int, trigger: float, price: float = 90_000, **fields: Any
) -> ChainOrder:
    return order(
        ALICE,
        side,
        0.1,
        price,
        flags=CONDITIONAL,
        condition=condition,
        trigger_subticks=subticks(trigger),
        **fields,
    )


@pytest.mark.parametrize(
    ("side", "condition", "trigger", "oracle", "met"),
    [
        ("sell", STOP_LOSS, 89_000, 89_001, False),
        ("sell", STOP_LOSS, 89_000, 89_000, True),
        ("sell", STOP_LOSS, 89_000, 88_000, True),
        ("buy", STOP_LOSS, 91_000, 90_999, False),
        ("buy", STOP_LOSS, 91_000, 91_000, True),
        ("sell", TAKE_PROFIT, 91_000, 90_999, False),
        ("sell", TAKE_PROFIT, 91_000, 91_000, True),
        ("buy", TAKE_PROFIT, 89_000, 89_001, False),
        ("buy", TAKE_PROFIT, 89_000, 89_000, True),
    ],
)
def test_triggers_of_the_oracle_price(
    side: str, condition: int, trigger: float, oracle: int, met: bool
) -> None:
    made = chain()
    placed = conditional(side, condition, trigger, 90_000)
    assert made.place(placed, "TX").code == 0
    news = block(made)
    assert of(news, StatefulPlaced) and not of(news, StatefulTriggered)
    assert not made.triggered(placed.id) and not book_ids(made)
    made.set_oracle({0: oracle * 10**5})
    news = block(made)
    assert bool(of(news, StatefulTriggered)) is made.triggered(placed.id) is met
    # What was triggered in the block is on the book behind it.
    assert book_ids(made) == ([placed.id] if met else [])
    assert not of(block(made), StatefulTriggered)


def test_a_price_in_hundredths_of_a_tick_triggers_only_when_it_is_whole_beyond() -> None:
    made = chain()
    sell, buy = conditional("sell", STOP_LOSS, 89_000), conditional("buy", STOP_LOSS, 91_000, 100_000)
    made.place(sell, "TX")
    made.place(buy, "TX")
    block(made)
    made.set_oracle({0: 89_000 * 10**5 + 1})
    assert not of(block(made), StatefulTriggered)
    made.set_oracle({0: 91_000 * 10**5 - 1})
    assert not of(block(made), StatefulTriggered)
    made.set_oracle({0: 91_000 * 10**5})
    assert [item.id for item in of(block(made), StatefulTriggered)] == [buy.id]


def test_a_trade_triggers_as_far_as_it_is_clamped() -> None:
    # 5 x 100 ppm of 90,000 USD: trades trigger up to 45 USD from the oracle price.
    made = chain(markets=(BTC._replace(min_price_change_ppm=100),))
    near, far = (conditional("sell", STOP_LOSS, trigger, 99_000) for trigger in (89_956, 89_954))
    high = conditional("buy", STOP_LOSS, 90_045, 95_000)
    for placed in (near, far, high):
        made.place(placed, "TX")
    block(made)
    put(made, BOB, "buy", 0.01, 85_000)
    put(made, CAROL, "sell", 0.01, 85_000)
    assert [item.id for item in of(block(made), StatefulTriggered)] == [near.id]
    assert not of(block(made), StatefulTriggered)  # the trade was the last block's
    put(made, BOB, "sell", 0.01, 95_000)
    put(made, CAROL, "buy", 0.01, 95_000)
    assert [item.id for item in of(block(made), StatefulTriggered)] == [high.id]


def test_a_triggered_order_is_matched_at_its_own_price() -> None:
    made = chain()
    put(made, BOB, "buy", 0.04, 88_500, good_til_block=140)
    put(made, BOB, "buy", 1, 87_000, good_til_block=140)
    placed = conditional("sell", STOP_LOSS, 89_000, 88_000)
    made.place(placed, "TX")
    block(made)
    made.set_oracle({0: 88_900 * 10**5})
    assert not of(block(made), Filled)
    assert position(made, ALICE) == -coins(0.04)
    news = block(made)
    assert [fill.taker_order for fill in of(news, Filled)] == [placed]
    assert book_ids(made)[-1] == placed.id  # GTT: the rest stays


def test_a_reduce_only_ioc_protects_a_position() -> None:
    made = chain()
    put(made, BOB, "sell", 0.06, 90_000)
    put(made, ALICE, "buy", 0.06, 90_000)
    put(made, BOB, "buy", 1, 88_500, good_til_block=140)
    placed = conditional("sell", STOP_LOSS, 89_000, 80_000, time_in_force=IOC, reduce_only=True)
    assert made.place(placed, "TX").code == 0
    block(made)
    made.set_oracle({0: 88_900 * 10**5})
    news = block(made)
    assert [(item.id, item.reason) for item in of(news, OrderGone)] == [(placed.id, 9)]
    assert position(made, ALICE) == 0
    news = block(made)
    assert of(news, Filled)[0].quantums == coins(0.06)
    assert gone(news) == [(placed.id, 9)]


def test_a_reduce_only_one_without_a_position_ends_when_it_is_triggered() -> None:
    made = chain()
    placed = conditional("sell", STOP_LOSS, 89_000, 80_000, time_in_force=IOC, reduce_only=True)
    made.place(placed, "TX")
    block(made)
    made.set_oracle({0: 88_900 * 10**5})
    news = block(made)
    assert of(news, StatefulTriggered)
    assert [(item.id, item.reason) for item in of(news, OrderGone)] == [(placed.id, 9)]
    assert gone(block(made)) == [(placed.id, 9)]


def test_an_ioc_without_takers_is_removed() -> None:
    made = chain()
    placed = conditional("sell", STOP_LOSS, 89_000, 88_000, time_in_force=IOC)
    made.place(placed, "TX")
    block(made)
    made.set_oracle({0: 88_900 * 10**5})
    assert [(item.id, item.reason) for item in of(block(made), OrderGone)] == [(placed.id, 7)]
    assert gone(block(made)) == [(placed.id, 7)]


def test_collateral_is_not_checked_before_the_trigger() -> None:
    made = chain(money=100 * USDC)
    placed = conditional("sell", STOP_LOSS, 89_000, 88_000)
    assert made.place(placed, "TX").code == 0
    put(made, BOB, "buy", 1, 88_000, good_til_block=140)
    block(made)
    made.set_oracle({0: 88_900 * 10**5})
    news = block(made)
    # Bob buys below the oracle price, which pays for his margin; Alice sells below it and cannot.
    assert [(item.id, item.reason) for item in of(news, OrderGone)] == [(placed.id, 3)]


def test_an_untriggered_one_can_be_cancelled_and_expires() -> None:
    made = chain()
    one = conditional("sell", STOP_LOSS, 89_000)
    other = conditional("sell", STOP_LOSS, 89_000, good_til_s=START_S + 2)
    made.place(one, "TX")
    made.place(other, "TX")
    block(made)
    assert made.cancel(one.id, 0, one.good_til_s, "TX").code == 0
    assert sorted(gone(block(made, 3 * SECOND_NS))) == sorted([(one.id, 2), (other.id, 1)])


# Equity tiers.


def test_equity_tiers_count_what_waits_and_what_is_cancelled() -> None:
    made = chain(money=99 * USDC)  # the genesis table: one order from 20 USDC on
    first = order(ALICE, "buy", 0.001, 90_000, flags=LONG_TERM)
    assert made.place(first, "TX").code == 0
    refused = made.place(order(ALICE, "buy", 0.001, 90_000, flags=LONG_TERM), "TX")
    assert refused.code == 10001 and "equity tier limit of 1" in refused.text
    assert made.place(conditional("sell", STOP_LOSS, 89_000), "TX").code == 10001
    block(made)
    assert made.place(conditional("sell", STOP_LOSS, 89_000), "TX").code == 10001
    made.cancel(first.id, 0, first.good_til_s, "TX")
    assert made.place(conditional("sell", STOP_LOSS, 89_000), "TX").code == 0
    block(made)
    # Short-term orders are not counted.
    assert all(put(made, ALICE, "buy", 0.001, 80_000) == 0 for _ in range(5))


def test_an_account_below_the_first_tier_has_none() -> None:
    made = chain(money=19 * USDC)
    assert made.place(conditional("sell", STOP_LOSS, 89_000), "TX").code == 10001


def test_a_tier_lost_before_the_block_removes_the_order() -> None:
    made = chain(money=100 * USDC, equity_tiers=(EquityTier(0, 0), EquityTier(50 * USDC, 5)))
    made.withdraw(ALICE, ALICE.owner, 60 * USDC, "TX")
    placed = conditional("sell", STOP_LOSS, 89_000)
    assert made.place(placed, "LATE").code == 0
    news = block(made)
    assert [(item.tx_hash, item.outcome.code) for item in of(news, Executed)] == [("TX", 0), ("LATE", 10001)]
    assert [(item.id, item.reason) for item in of(news, OrderGone)] == [(placed.id, 13)]
    assert made.stateful_order(placed.id) is None
