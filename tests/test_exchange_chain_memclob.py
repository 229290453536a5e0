"""Short-term orders on the book: replacement, cancels and their trap, batches, expiry (orders.md 3 and 7)."""

from __future__ import annotations

import pytest

from sniper.exchange.chain.chain import Chain
from sniper.exchange.chain.order_hash import order_hash
from sniper.exchange.facts import (
    GTT,
    IOC,
    POST_ONLY,
    SELL,
    BlockEnded,
    ChainOrder,
    OrderGone,
    OrderId,
    OrderOpened,
    OrderResting,
)
from tests.small_chain import ALICE, BOB, CAROL, block, chain, coins, of, order, position, put, take


def resting(made: Chain, pair: int = 0) -> dict[int, int]:
    """Client id -> BQ left of what rests."""
    return {
        order_id.client_id: held.remaining for order_id, held in made.core.markets[pair].book.orders.items()
    }


def test_an_order_rests_and_says_so() -> None:
    made = chain()
    placed = order(ALICE, "buy", 0.5, 89_000, client_id=7)
    assert made.place(placed, "TX").code == 0
    assert take(made) == [
        OrderOpened(placed, made.core.clock_ns),
        OrderResting(placed.id, 0, made.core.clock_ns),
    ]
    assert resting(made) == {7: coins(0.5)}


def test_no_margin_is_needed_to_rest() -> None:
    made = chain(money=0)
    assert put(made, ALICE, "buy", 1000, 89_000, client_id=1) == 0
    assert resting(made) == {1: coins(1000)}


# Replacement.


def test_a_larger_good_til_block_replaces() -> None:
    made = chain()
    put(made, ALICE, "buy", 0.5, 89_000, client_id=1, good_til_block=110)
    put(made, BOB, "buy", 0.5, 89_000, client_id=2)
    take(made)
    assert put(made, ALICE, "buy", 0.7, 89_000, client_id=1, good_til_block=111) == 0
    news = take(made)
    assert [type(item) for item in news] == [OrderGone, OrderOpened, OrderResting]
    assert (news[0].reason, news[0].final) == (11, False)  # type: ignore[union-attr]
    put(made, CAROL, "sell", 0.5, 89_000)
    # It lost its place: Bob's order was matched first.
    assert resting(made) == {1: coins(0.7)}


@pytest.mark.parametrize(
    "fields",
    [
        {"good_til_block": 109},
        {"good_til_block": 111, "side": SELL},
        {"good_til_block": 111, "time_in_force": POST_ONLY},
        {"good_til_block": 111, "time_in_force": IOC, "reduce_only": True},
    ],
)
def test_what_cannot_replace(fields: dict[str, int]) -> None:
    made = chain()
    old = order(ALICE, "buy", 0.5, 89_000, client_id=1, good_til_block=110)
    made.place(old, "TX")
    take(made)
    assert made.place(old._replace(**fields), "TX").code == 20  # type: ignore[arg-type]
    assert resting(made) == {1: coins(0.5)} and not made.news


def test_an_equal_good_til_block_is_a_toss_of_hashes() -> None:
    codes = set()
    for number in range(20):
        made = chain()
        old = order(ALICE, "buy", 0.5, 89_000, client_id=number, good_til_block=110)
        new = old._replace(quantums=old.quantums * 2)
        made.place(old, "TX")
        code = made.place(new, "TX").code
        assert code == (0 if order_hash(new) > order_hash(old) else 20)
        assert made.place(new, "TX").code == 20  # the very same again never
        codes.add(code)
    assert codes == {0, 20}


def test_size_is_the_total_with_what_is_filled() -> None:
    made = chain()
    put(made, ALICE, "buy", 0.5, 89_000, client_id=1, good_til_block=110)
    put(made, BOB, "sell", 0.2, 89_000)
    assert put(made, ALICE, "buy", 0.6, 89_000, client_id=1, good_til_block=111) == 0
    assert resting(made) == {1: coins(0.4)}
    assert put(made, ALICE, "buy", 0.2, 89_000, client_id=1, good_til_block=112) == 24
    assert put(made, ALICE, "buy", 0.1, 89_000, client_id=1, good_til_block=112) == 24


def test_an_ioc_never_follows_a_fill_of_its_id() -> None:
    made = chain()
    put(made, ALICE, "buy", 0.5, 89_000, client_id=1, good_til_block=110)
    put(made, BOB, "sell", 0.2, 89_000)
    assert put(made, ALICE, "buy", 0.5, 89_000, client_id=1, good_til_block=111, time_in_force=IOC) == 20
    put(made, BOB, "sell", 0.1, 89_500, client_id=3)
    assert put(made, CAROL, "buy", 0.3, 89_500, client_id=2, good_til_block=110, time_in_force=IOC) == 0
    # In the same block the matched order stands in the way, whatever its size; later the fill does.
    assert put(made, CAROL, "buy", 0.3, 89_500, client_id=2, good_til_block=110, time_in_force=IOC) == 20
    assert put(made, CAROL, "buy", 0.4, 89_500, client_id=2, good_til_block=112, time_in_force=IOC) == 2004
    block(made)
    assert put(made, CAROL, "buy", 0.3, 89_500, client_id=2, good_til_block=110, time_in_force=IOC) == 2004


def test_a_filled_id_is_remembered_past_its_expiry() -> None:
    made = chain()
    put(made, ALICE, "sell", 0.1, 90_000, client_id=1, good_til_block=110)
    put(made, BOB, "buy", 0.1, 90_000)
    while made.height < 149:
        block(made)
        assert put(made, ALICE, "sell", 0.1, 90_000, client_id=1, good_til_block=made.height + 1) == 24
    block(made)
    assert put(made, ALICE, "sell", 0.1, 90_000, client_id=1, good_til_block=made.height + 1) == 0


# Cancels.


def cancel(made: Chain, who: ChainOrder | OrderId, good_til_block: int) -> int:
    order_id = who.id if isinstance(who, ChainOrder) else who
    return made.cancel(order_id, good_til_block, 0, "TX").code


def test_a_cancel_takes_the_order_off_and_is_remembered() -> None:
    made = chain()
    placed = order(ALICE, "buy", 0.5, 89_000, client_id=1, good_til_block=110)
    made.place(placed, "TX")
    take(made)
    assert cancel(made, placed, 110) == 0
    assert take(made) == [OrderGone(placed.id, 2, False, 0, True, made.core.clock_ns)]
    assert not resting(made)
    assert cancel(made, placed, 110) == 9
    assert cancel(made, placed, 109) == 9
    assert made.place(placed, "TX").code == 7
    assert made.place(placed._replace(good_til_block=111), "TX").code == 0
    assert cancel(made, placed, 112) == 0


def test_a_cancel_for_an_unknown_order_blocks_its_placement() -> None:
    made = chain()
    placed = order(ALICE, "buy", 0.5, 89_000, client_id=1, good_til_block=110)
    assert cancel(made, placed, 110) == 0
    assert not made.news
    assert made.place(placed, "TX").code == 7


def test_a_cancel_is_forgotten_after_its_block() -> None:
    made = chain()
    placed = order(ALICE, "buy", 0.5, 89_000, client_id=1, good_til_block=103)
    cancel(made, placed, 103)
    while made.height < 103:
        assert made.place(placed, "TX").code == 7
        block(made)
    assert not made.core.markets[0].book.cancels
    assert made.place(placed._replace(good_til_block=104), "TX").code == 0


def test_the_trap_a_smaller_cancel_is_told_but_not_carried_out() -> None:
    made = chain()
    placed = order(ALICE, "buy", 0.5, 89_000, client_id=1, good_til_block=110)
    made.place(placed, "TX")
    take(made)
    assert cancel(made, placed, 109) == 0
    assert take(made) == [OrderGone(placed.id, 2, False, 0, False, made.core.clock_ns)]
    assert resting(made) == {1: coins(0.5)}
    put(made, BOB, "sell", 0.5, 89_000)
    assert position(made, ALICE) == coins(0.5)


# Batch cancels.


def test_a_batch_cancels_what_it_can_and_never_says() -> None:
    made = chain()
    for number in (1, 2, 3):
        put(made, ALICE, "buy", 0.5, 89_000, client_id=number, good_til_block=110)
    put(made, ALICE, "buy", 0.5, 2_900, "ETH", client_id=1, good_til_block=110)
    take(made)
    assert made.batch_cancel(ALICE, [(0, (1, 3, 99)), (1, (1,)), (55, (1,))], 110, "TX").code == 0
    assert sorted(resting(made)) == [2] and not resting(made, 1)
    # A far height, nothing to cancel, or everything cancelled already: still 0.
    assert made.batch_cancel(ALICE, [(0, (1, 3))], 110, "TX").code == 0
    assert made.batch_cancel(ALICE, [(0, (2,))], 5000, "TX").code == 0
    assert sorted(resting(made)) == [2]


@pytest.mark.parametrize(
    ("batches", "code"),
    [
        ([], 45),
        ([(0, ())], 45),
        ([(0, (1, 1))], 45),
        ([(0, (1,)), (0, (2,))], 45),
        ([(0, tuple(range(101)))], 45),
        ([(0, tuple(range(60))), (1, tuple(range(41)))], 45),
        ([(0, tuple(range(60))), (1, tuple(range(40)))], 0),
    ],
)
def test_malformed_batches(batches: list[tuple[int, tuple[int, ...]]], code: int) -> None:
    assert chain().batch_cancel(ALICE, batches, 110, "TX").code == code


def test_a_batch_needs_a_height() -> None:
    assert chain().batch_cancel(ALICE, [(0, (1,))], 0, "TX").code == 5


# Expiry.


def test_an_order_expires_after_its_last_block() -> None:
    made = chain()
    placed = order(ALICE, "buy", 0.5, 89_000, client_id=1, good_til_block=103)
    made.place(placed, "TX")
    assert not of(block(made), OrderGone)  # 102
    news = block(made)  # 103, its last
    gone = of(news, OrderGone)
    assert [(item.id, item.reason, item.final) for item in gone] == [(placed.id, 1, True)]
    assert news.index(gone[0]) > [isinstance(item, BlockEnded) for item in news].index(True)
    assert not resting(made)


def test_what_does_not_rest_says_why() -> None:
    made = chain()
    put(made, BOB, "sell", 0.1, 90_000)
    take(made)
    for reason, code, fields in (
        (6, 2003, {"time_in_force": POST_ONLY}),
        (7, 0, {"time_in_force": IOC, "quantums": coins(0.3)}),
        (12, 0, {"time_in_force": GTT, "quantums": coins(0.05)}),
    ):
        placed = order(ALICE, "buy", 0.2, 90_000, **fields)  # type: ignore[arg-type]
        assert made.place(placed, "TX").code == code
        gone = [item for item in of(take(made), OrderGone) if item.id == placed.id]
        assert [item.reason for item in gone] == [reason]
        put(made, BOB, "sell", 0.1, 90_000)
