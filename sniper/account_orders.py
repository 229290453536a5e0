"""What the venue says of our orders, merged by order id: a message knows only part of an order.

Two sources mix (websocket.md 6.6): the chain's news (OPEN, FILLED, CANCELED, UNTRIGGERED), ordered by height, and
the Indexer's own of its node's mempool (BEST_EFFORT_...), whose heights say little. Nothing of the mempool
changes an order that has ended on chain, unless it was placed anew with a later good-til-block.
"""

from __future__ import annotations

from typing import Final

from sniper.trading import OrderNews

ENDED: Final = ("FILLED", "CANCELED")
BEST_EFFORT: Final = "BEST_EFFORT_"


class OrderReports:
    """The last word on each order, at most orders_max of them; the longest unheard-of is forgotten."""

    def __init__(self, orders_max: int) -> None:
        self.orders: dict[str, OrderNews] = {}
        self.late = 0
        """Items that were older than what is held."""
        self._orders_max = orders_max
        self._heights: dict[str, int] = {}  # newest height of the chain's news

    def take(self, item: OrderNews) -> OrderNews | None:
        """Merge one item. The order as it is now known, or None where the item changes nothing."""
        held = self.orders.get(item.order_id)
        best_effort = not item.status or item.status.startswith(BEST_EFFORT)
        height = 0 if best_effort else item.height
        if held is not None and self._older(held, item, height, best_effort):
            self.late += 1
            return None
        found = item if held is None else _merged(held, item)
        if found == held:
            return None
        self.orders.pop(item.order_id, None)
        self.orders[item.order_id] = found
        self._heights[item.order_id] = max(height, self._heights.get(item.order_id, 0))
        if len(self.orders) > self._orders_max:
            oldest = next(iter(self.orders))
            del self.orders[oldest], self._heights[oldest]
        return found

    def _older(self, held: OrderNews, item: OrderNews, height: int, best_effort: bool) -> bool:
        ended = held.status in ENDED
        if best_effort:
            return ended and item.good_til_block <= held.good_til_block
        known = self._heights[item.order_id]
        if height and height < known:
            return True
        return ended and item.status not in ENDED and height <= known

    def save(self) -> list[tuple[OrderNews, int]]:
        """The state as plain values."""
        return [(order, self._heights[name]) for name, order in self.orders.items()]

    def load(self, saved: list[tuple[OrderNews, int]], late: int) -> None:
        """Take over what `save` gave."""
        self.orders = {order.order_id: order for order, _ in saved}
        self._heights = {order.order_id: height for order, height in saved}
        self.late = late


def _merged(held: OrderNews, item: OrderNews) -> OrderNews:
    """What is absent in the item stays as it was. A removal reason belongs to its status; fills only grow."""
    merged = OrderNews._make(old if new in ("", -1) else new for old, new in zip(held, item, strict=True))
    return merged._replace(
        removal_reason=item.removal_reason if item.status else merged.removal_reason,
        filled_steps=max(held.filled_steps, item.filled_steps),
        height=max(held.height, item.height),
    )
