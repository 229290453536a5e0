"""The book of one market against a list that is sorted anew for every question."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sniper.exchange.chain.book import Book, Resting
from sniper.exchange.facts import BUY, SELL, ChainOrder, OrderId, SubaccountId

OWNER = SubaccountId("dydx1owner", 0)


def made(number: int, side: int, price: int, until: int, flags: int = 0) -> ChainOrder:
    return ChainOrder(OrderId(OWNER, number, flags, 0), side, 10, price, until, 0, 0, False, 0, 0, 0)


ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.sampled_from((BUY, SELL)), st.integers(1, 6), st.integers(1, 4)),
        st.tuples(st.just("remove"), st.integers(0, 30), st.just(0), st.just(0)),
    ),
    max_size=60,
)


@given(ACTS)
def test_it_keeps_price_and_time(acts: list[tuple[str, int, int, int]]) -> None:
    book = Book()
    known: list[ChainOrder] = []
    for number, (act, first, price, until) in enumerate(acts):
        if act == "add":
            order = made(number, first, price + (10 if first == SELL else 0), until)
            book.add(Resting(order, 10))
            known.append(order)
        else:
            gone = [order for order in known if order.id.client_id == first]
            removed = book.remove(OrderId(OWNER, first, 0, 0))
            assert (removed is None) == (not gone)
            known = [order for order in known if order not in gone]
        bids = sorted((order for order in known if order.side == BUY), key=lambda order: -order.subticks)
        asks = sorted((order for order in known if order.side == SELL), key=lambda order: order.subticks)
        for side, expected in ((BUY, bids), (SELL, asks)):
            assert [resting.order for resting in book.walk(side)] == expected
            assert book.best(side) == (expected[0].subticks if expected else 0)
            first_order = book.first(side)
            assert (first_order.order if first_order else None) == (expected[0] if expected else None)
        assert sorted(book.orders) == sorted(order.id for order in known)
        for height in range(1, 5):
            dying = {order.id for order in known if order.good_til_block == height}
            assert {*book.expiring.get(height, ())} == dying
        assert not book.crossed


def test_stateful_orders_do_not_expire_by_height() -> None:
    book = Book()
    book.add(Resting(made(1, BUY, 5, 0, flags=64), 10))
    assert not book.expiring
    assert book.remove(OrderId(OWNER, 1, 64, 0)) is not None
    assert book.first(BUY) is None


def test_crossed() -> None:
    book = Book()
    book.add(Resting(made(1, BUY, 5, 9), 10))
    book.add(Resting(made(2, SELL, 6, 9), 10))
    assert not book.crossed
    book.add(Resting(made(3, SELL, 5, 9), 10))
    assert book.crossed


def test_cancels_are_remembered_until_their_height() -> None:
    book = Book()
    order_id = OrderId(OWNER, 1, 0, 0)
    book.remember_cancel(order_id, 5)
    book.remember_cancel(order_id, 8)
    book.forget_cancels(5)
    assert book.cancels == {order_id: 8}
    book.forget_cancels(8)
    book.forget_cancels(9)
    assert not book.cancels
