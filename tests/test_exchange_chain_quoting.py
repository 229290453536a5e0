"""Levels as maker orders: what is wanted is what rests, over time and against strangers."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from sniper.exchange.chain.chain import Chain
from sniper.exchange.chain.quoting import Level, Quoter, uncrossed
from sniper.exchange.facts import BUY, SELL
from tests.small_chain import ALICE, BOB, BTC, CAROL, block, chain, coins, put, subticks, take

STEP, TICK = BTC.step_base_quantums, BTC.subticks_per_tick


def shown(made: Chain) -> dict[Level, int]:
    """The book by level."""
    found: dict[Level, int] = {}
    for side in (BUY, SELL):
        for resting in made.core.markets[0].book.walk(side):
            level = side, resting.order.subticks
            found[level] = found.get(level, 0) + resting.remaining
    return found


def levels(bids: dict[int, int], asks: dict[int, int]) -> dict[Level, int]:
    """Levels from price in USD to steps."""
    return {(BUY, price * TICK): steps * STEP for price, steps in bids.items()} | {
        (SELL, price * TICK): steps * STEP for price, steps in asks.items()
    }


def test_the_book_follows_what_is_wanted() -> None:
    made = chain()
    quoter = Quoter(made, 0, [ALICE, BOB])
    for wanted in (
        levels({89_999: 10, 89_990: 20}, {90_001: 10}),
        levels({89_999: 11, 89_980: 20}, {90_001: 10, 90_002: 3}),
        levels({90_004: 1}, {90_005: 1}),
        levels({}, {}),
    ):
        quoter.quote(wanted)
        assert shown(made) == wanted
    assert {order_id.subaccount for order_id in made.core.markets[0].book.cancels} == {ALICE, BOB}


def test_what_does_not_change_keeps_its_place_and_is_renewed_in_time() -> None:
    made = chain()
    quoter = Quoter(made, 0, [ALICE])
    wanted = levels({89_999: 10}, {90_001: 10})
    quoter.quote(wanted)
    first = set(made.core.markets[0].book.orders)
    take(made)
    quoter.quote(wanted)
    assert not made.news and set(made.core.markets[0].book.orders) == first
    for _ in range(120):
        block(made)
        quoter.quote(wanted)
        assert shown(made) == wanted
    assert not first & set(made.core.markets[0].book.orders)


def test_what_strangers_take_stays_taken() -> None:
    made = chain()
    quoter = Quoter(made, 0, [ALICE])
    wanted = levels({}, {90_001: 10, 90_002: 10})
    quoter.quote(wanted)
    put(made, CAROL, "buy", 0.0014, 90_002)
    assert quoter.taken() == {
        (SELL, subticks(90_001)): (10 * STEP, 0),
        (SELL, subticks(90_002)): (10 * STEP, 6 * STEP),
    }
    quoter.quote(wanted)
    assert shown(made) == {(SELL, subticks(90_002)): 6 * STEP}
    quoter.quote(levels({}, {90_001: 12, 90_002: 6}))
    assert shown(made) == levels({}, {90_001: 12, 90_002: 6})
    assert quoter.taken() == {}
    assert coins(0.0014) == 14 * STEP


@settings(max_examples=200)
@given(
    st.dictionaries(st.integers(1, 12), st.integers(1, 5), max_size=8),
    st.dictionaries(st.integers(1, 12), st.integers(1, 5), max_size=8),
)
def test_uncrossed_levels_do_not_meet_and_lose_little(bids: dict[int, int], asks: dict[int, int]) -> None:
    wanted = levels(bids, asks)
    left = uncrossed(wanted)
    best_bid = max((subticks for side, subticks in left if side == BUY), default=0)
    best_ask = min((subticks for side, subticks in left if side == SELL), default=10**18)
    assert best_bid < best_ask
    assert all(wanted[level] == quantums for level, quantums in left.items())
    if max(bids, default=0) < min(asks, default=99):
        assert left == wanted
