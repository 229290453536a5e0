"""An order as it lies at the paper venue."""

from __future__ import annotations

import msgspec

from sniper.trading import BUY, SELL
from sniper.venues.order import PaperOrder
from sniper.venues.queue import joined


def order(side: int = BUY, price: int = 5, seq: int = 0, kind: str = "short_term") -> PaperOrder:
    return PaperOrder(7, 3, "X-USD", "id", side, 10, price, kind, "gtt", False, 9, 0, "", 0, seq, 0)


def test_what_tells_orders_apart() -> None:
    assert order().key == (7, 0, 3)
    assert order(kind="conditional").key == (7, 32, 3) and order(kind="long_term").key == (7, 64, 3)
    assert order().short_term and not order(kind="long_term").short_term


def test_priority_is_price_then_arrival() -> None:
    buys = sorted([order(BUY, 5, 1), order(BUY, 6, 2), order(BUY, 5, 0)], key=lambda o: o.priority)
    assert [(o.price, o.seq) for o in buys] == [(6, 2), (5, 0), (5, 1)]
    sells = sorted([order(SELL, 5, 1), order(SELL, 6, 2), order(SELL, 5, 0)], key=lambda o: o.priority)
    assert [(o.price, o.seq) for o in sells] == [(5, 0), (5, 1), (6, 2)]


def test_it_is_saved_whole() -> None:
    one = order()
    one.filled, one.queue = 4, joined(30)
    one.queue.level(20, 0)
    assert one.left == 6
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(one), type=PaperOrder) == one
