"""Matching by price and time, self trades, reduce-only, collateral and fees at a match (orders.md 3 and 8)."""

from __future__ import annotations

from sniper.exchange.chain.chain import Chain
from sniper.exchange.facts import (
    GTT,
    IOC,
    POST_ONLY,
    Filled,
    Holding,
    OrderGone,
    OrderOpened,
    OrderResting,
    SubaccountChanged,
    SubaccountId,
)
from tests.small_chain import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
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
    usdc,
)


def fills(made: Chain) -> list[tuple[str, float, float]]:
    """(maker, size in coins, price in USD) of what matched and is not told yet."""
    return [
        (fill.maker.owner, fill.quantums / 1e10, fill.subticks / 1e5)
        for fill in made.core.fills
        if fill.clob_pair == 0
    ]


def test_better_prices_first_then_older_orders() -> None:
    made = chain()
    put(made, ALICE, "sell", 0.1, 90_002)
    put(made, BOB, "sell", 0.1, 90_001)
    put(made, CAROL, "sell", 0.1, 90_001)
    put(made, BOB, "sell", 0.1, 90_003)
    assert put(made, DAVE, "buy", 0.25, 90_002) == 0
    assert fills(made) == [
        (BOB.owner, 0.1, 90_001.0),
        (CAROL.owner, 0.1, 90_001.0),
        (ALICE.owner, 0.05, 90_002.0),
    ]
    # Likewise on the other side, at the makers' prices.
    made = chain()
    put(made, ALICE, "buy", 0.1, 89_998)
    put(made, BOB, "buy", 0.1, 89_999)
    put(made, CAROL, "buy", 0.1, 89_999)
    assert put(made, DAVE, "sell", 0.25, 89_000) == 0
    assert [fill[0] for fill in fills(made)] == [BOB.owner, CAROL.owner, ALICE.owner]


def test_what_is_left_rests_at_its_own_price() -> None:
    made = chain()
    put(made, BOB, "sell", 0.1, 90_000)
    take(made)
    placed = order(ALICE, "buy", 0.3, 90_005)
    made.place(placed, "TX")
    resting = made.core.markets[0].book.orders[placed.id]
    assert (resting.remaining, made.filled(placed.id)) == (coins(0.2), coins(0.1))
    kinds = [(type(item), getattr(item, "filled_quantums", None)) for item in take(made)]
    assert kinds == [
        (OrderOpened, None),
        (OrderResting, coins(0.1)),  # the maker
        (OrderGone, coins(0.1)),
        (OrderResting, coins(0.1)),  # the taker
    ]
    put(made, CAROL, "sell", 0.05, 80_000)
    assert fills(made)[-1] == (ALICE.owner, 0.05, 90_005.0)


def test_an_ioc_takes_what_there_is_and_leaves() -> None:
    made = chain()
    put(made, BOB, "sell", 0.1, 90_000)
    placed = order(ALICE, "buy", 0.3, 90_005, time_in_force=IOC)
    assert made.place(placed, "TX").code == 0
    gone = [item for item in of(take(made), OrderGone) if item.id == placed.id]
    assert [(item.reason, item.filled_quantums, item.final) for item in gone] == [(7, coins(0.1), False)]
    assert position(made, ALICE) == coins(0.1)


def test_a_post_only_order_rests_or_is_refused_without_a_trace() -> None:
    made = chain()
    put(made, BOB, "sell", 0.1, 90_000)
    assert put(made, ALICE, "buy", 0.3, 90_000, time_in_force=POST_ONLY) == 2003
    assert fills(made) == [] and position(made, BOB) == 0
    assert put(made, ALICE, "buy", 0.3, 89_999, time_in_force=POST_ONLY) == 0


# Self trades.


def test_the_maker_of_a_self_trade_is_cancelled_and_the_taker_goes_on() -> None:
    made = chain()
    own = order(ALICE, "sell", 0.1, 90_000)
    made.place(own, "TX")
    put(made, BOB, "sell", 0.1, 90_001)
    take(made)
    put(made, ALICE, "buy", 0.1, 90_001)
    assert fills(made) == [(BOB.owner, 0.1, 90_001.0)]
    gone = {item.id: item.reason for item in of(take(made), OrderGone)}
    assert gone[own.id] == 5


def test_subaccounts_of_one_owner_are_strangers_to_this_rule() -> None:
    made = chain()
    second = SubaccountId(ALICE.owner, 1)
    made.transfer(ALICE, second, 10_000 * USDC, "TX")
    block(made)
    put(made, ALICE, "sell", 0.01, 90_000)
    put(made, second, "buy", 0.01, 90_000)
    assert fills(made) == [(ALICE.owner, 0.01, 90_000.0)]


def test_a_post_only_order_cancels_its_own_makers_on_the_way() -> None:
    made = chain()
    put(made, ALICE, "sell", 0.1, 90_000, client_id=1)
    assert put(made, ALICE, "buy", 0.1, 90_000, client_id=2, time_in_force=POST_ONLY) == 0
    assert [order_id.client_id for order_id in made.core.markets[0].book.orders] == [2]


# Reduce-only.


def test_reduce_only_needs_something_to_reduce() -> None:
    made = chain()
    put(made, BOB, "sell", 1, 90_000)
    assert put(made, ALICE, "buy", 0.1, 90_000, time_in_force=IOC, reduce_only=True) == 2001
    put(made, ALICE, "buy", 0.1, 90_000)
    assert put(made, ALICE, "buy", 0.1, 90_000, time_in_force=IOC, reduce_only=True) == 2001
    assert put(made, ALICE, "sell", 0.1, 80_000, time_in_force=IOC, reduce_only=True) == 0


def test_reduce_only_is_cut_down_to_the_position() -> None:
    made = chain()
    put(made, BOB, "sell", 0.1, 90_000)
    put(made, ALICE, "buy", 0.1, 90_000)
    put(made, CAROL, "buy", 0.04, 89_999)
    put(made, DAVE, "buy", 1, 89_998)
    take(made)
    placed = order(ALICE, "sell", 0.5, 89_000, time_in_force=IOC, reduce_only=True)
    assert made.place(placed, "TX").code == 0
    assert position(made, ALICE) == 0
    assert [fill[1] for fill in fills(made)] == [0.1, 0.04, 0.06]
    gone = [item for item in of(take(made), OrderGone) if item.id == placed.id]
    assert [(item.reason, item.filled_quantums) for item in gone] == [(9, coins(0.1))]


# Collateral.


def test_a_maker_that_cannot_pay_is_removed_and_the_taker_goes_on() -> None:
    made = chain(money=1_000 * USDC)
    poor = order(BOB, "sell", 1, 90_000)  # needs 1,800 USDC
    made.place(poor, "TX")
    put(made, CAROL, "sell", 0.1, 90_001)
    take(made)
    assert put(made, ALICE, "buy", 0.1, 90_001) == 0
    # The match would have been of 0.1 only, which Bob can pay: he stays.
    assert fills(made) == [(BOB.owner, 0.1, 90_000.0)]
    made.transfer(BOB, DAVE, 800 * USDC, "TX")
    block(made)
    assert put(made, ALICE, "buy", 0.1, 90_001) == 0
    assert fills(made) == [(CAROL.owner, 0.1, 90_001.0)]
    gone = {item.id: (item.reason, item.final) for item in of(take(made), OrderGone)}
    assert gone[poor.id] == (3, False)


def test_a_taker_that_cannot_pay_stops_with_code_0() -> None:
    made = chain(money=1_000 * USDC)
    put(made, BOB, "sell", 0.3, 90_000)
    put(made, CAROL, "sell", 0.3, 90_001)
    take(made)
    placed = order(ALICE, "buy", 0.6, 90_001, time_in_force=GTT)
    assert made.place(placed, "TX").code == 0
    # 0.3 need 540 USDC of 1,000, 0.6 would need 1,080.
    assert position(made, ALICE) == coins(0.3)
    gone = [item for item in of(take(made), OrderGone) if item.id == placed.id]
    assert [(item.reason, item.filled_quantums) for item in gone] == [(3, coins(0.3))]
    assert placed.id not in made.core.markets[0].book.orders


def test_an_isolated_market_stands_alone() -> None:
    made = chain()
    put(made, BOB, "sell", 0.1, 90_000)
    put(made, ALICE, "buy", 0.1, 90_000)
    put(made, DAVE, "sell", 10, 10, "ISO", client_id=5)
    take(made)
    placed = order(ALICE, "buy", 10, 10, "ISO")
    assert made.place(placed, "TX").code == 2005
    assert [(item.id, item.reason) for item in of(take(made), OrderGone)] == [(placed.id, 15)]
    # Bob is short BTC: as a maker of ISO he fails, and Carol goes on to Dave.
    put(made, BOB, "sell", 10, 9.999, "ISO", client_id=6)
    take(made)
    assert put(made, CAROL, "buy", 10, 10, "ISO") == 0
    assert position(made, CAROL, "ISO") == coins(10, "ISO")
    assert next((item.id.client_id, item.reason) for item in of(take(made), OrderGone)) == (6, 3)
    # Nor may an account with an isolated position take another one.
    put(made, BOB, "sell", 0.1, 90_000)
    assert put(made, CAROL, "buy", 0.1, 90_000) == 2005
    assert position(made, CAROL) == 0
    block(made)


# Fees and what is told.


def test_fees_and_the_news_of_a_match() -> None:
    made = chain()
    maker, taker = order(BOB, "sell", 0.0123, 89_958), order(ALICE, "buy", 0.0123, 89_999)
    made.place(maker, "TX")
    made.place(taker, "TX")
    # margin.md 1: 1,106.4834 USDC. 5 bps and 1 bp, rounded up to whole quote quantums.
    (fill,) = made.core.fills
    assert fill.quote == 1_106_483_400
    assert (fill.taker_fee, fill.maker_fee) == (553_242, 110_649)
    assert (fill.taker_order, fill.maker_order) == (taker, maker)
    assert (fill.quantums, fill.subticks, fill.kind) == (123_000_000, subticks(89_958), "LIMIT")
    assert (fill.taker_filled, fill.maker_filled) == (123_000_000, 123_000_000)
    money = 100_000 * USDC
    news = block(made)
    assert of(news, Filled) == [fill]
    assert of(news, SubaccountChanged) == [
        SubaccountChanged(ALICE, money - 1_106_483_400 - 553_242, (Holding(0, 123_000_000, 0),), ()),
        SubaccountChanged(BOB, money + 1_106_483_400 - 110_649, (Holding(0, -123_000_000, 0),), ()),
    ]
    assert made.core.collector == 553_242 + 110_649


def test_a_builder_gets_his_fee() -> None:
    made = chain()
    put(made, BOB, "sell", 0.1, 90_000, builder="dydx1builder", builder_fee_ppm=1_000)
    put(made, ALICE, "buy", 0.1, 90_000, builder="dydx1other", builder_fee_ppm=333)
    assert made.bank("dydx1builder") == 9 * USDC
    assert made.bank("dydx1other") == 2_997_000
    assert usdc(made, ALICE) == (100_000 - 9_000) * USDC - 4_500_000 - 2_997_000


def test_the_events_of_a_block_are_numbered_and_share_a_hash() -> None:
    made = chain()
    for _ in range(2):
        for _ in range(3):
            put(made, BOB, "sell", 0.01, 90_000)
            put(made, ALICE, "buy", 0.01, 90_000)
        told = of(block(made), Filled)
        assert [fill.event for fill in told] == [0, 1, 2]
        assert len({fill.tx_hash for fill in told}) == 1
        assert len(told[0].tx_hash) == 64
