"""The order book of one market: price-time priority, remembered cancels, expiry by block height.

A side keeps its levels under a key that grows toward the better price (subticks of a bid, minus subticks of an ask),
so that both sides are walked alike: the best level stands last in the sorted list of keys, the oldest order of a
level first in its dict.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator

from sniper.exchange.facts import BUY, SELL, ChainOrder, OrderId

SHORT_TERM = 0


class Resting:
    """An order on the book. remaining: BQ not yet filled."""

    __slots__ = ("key", "order", "remaining")

    def __init__(self, order: ChainOrder, remaining: int) -> None:
        self.order = order
        self.remaining = remaining
        self.key = order.subticks if order.side == BUY else -order.subticks


class Book:
    """Both sides of one market. `keys[side]` and `levels[side]` by BUY and SELL; index 0 is empty."""

    __slots__ = ("cancels", "cancels_at", "expiring", "keys", "levels", "orders")

    def __init__(self) -> None:
        self.keys: tuple[list[int], list[int], list[int]] = ([], [], [])
        self.levels: tuple[dict[int, dict[OrderId, Resting]], ...] = ({}, {}, {})
        self.orders: dict[OrderId, Resting] = {}
        self.expiring: dict[int, dict[OrderId, None]] = {}  # short-term orders by good-til-block
        self.cancels: dict[OrderId, int] = {}  # id: the good-til-block up to which it is cancelled
        self.cancels_at: dict[int, dict[OrderId, None]] = {}

    def add(self, resting: Resting) -> None:
        """Put an order behind all others of its price."""
        order = resting.order
        order_id = order.id
        levels = self.levels[order.side]
        level = levels.get(resting.key)
        if level is None:
            levels[resting.key] = {order_id: resting}
            insort(self.keys[order.side], resting.key)
        else:
            level[order_id] = resting
        self.orders[order_id] = resting
        if order_id.flags == SHORT_TERM:
            expiring = self.expiring.get(order.good_til_block)
            if expiring is None:
                self.expiring[order.good_til_block] = {order_id: None}
            else:
                expiring[order_id] = None

    def remove(self, order_id: OrderId) -> Resting | None:
        """Take an order off the book; None if it does not rest."""
        resting = self.orders.pop(order_id, None)
        if resting is None:
            return None
        order = resting.order
        levels = self.levels[order.side]
        level = levels[resting.key]
        del level[order_id]
        if not level:
            del levels[resting.key]
            keys = self.keys[order.side]
            del keys[bisect_left(keys, resting.key)]
        if order_id.flags == SHORT_TERM:
            expiring = self.expiring[order.good_til_block]
            del expiring[order_id]
            if not expiring:
                del self.expiring[order.good_til_block]
        return resting

    def first(self, side: int) -> Resting | None:
        """The order of a side that is matched next."""
        keys = self.keys[side]
        return next(iter(self.levels[side][keys[-1]].values())) if keys else None

    def walk(self, side: int) -> Iterator[Resting]:
        """The orders of a side in the order in which they are matched; the book must not change meanwhile."""
        levels = self.levels[side]
        for key in reversed(self.keys[side]):
            yield from levels[key].values()

    def best(self, side: int) -> int:
        """The best price of a side in subticks, 0 if it is empty."""
        keys = self.keys[side]
        return abs(keys[-1]) if keys else 0

    @property
    def crossed(self) -> bool:
        """Whether the best bid is at or above the best ask; never true after a message."""
        bids, asks = self.keys[BUY], self.keys[SELL]
        return bool(bids and asks and bids[-1] >= -asks[-1])

    def remember_cancel(self, order_id: OrderId, good_til_block: int) -> None:
        """Refuse this id up to a good-til-block, in place of an earlier cancel of it."""
        old = self.cancels.get(order_id)
        if old is not None:
            del self.cancels_at[old][order_id]
        self.cancels[order_id] = good_til_block
        self.cancels_at.setdefault(good_til_block, {})[order_id] = None

    def forget_cancels(self, height: int) -> None:
        """Forget the cancels that hold until this height."""
        for order_id in self.cancels_at.pop(height, ()):
            del self.cancels[order_id]
