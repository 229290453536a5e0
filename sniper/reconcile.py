"""What we know against what the venue says, order by order, fill by fill, position by position.

Pure: two books in, rows out. Each row names the rule that decided it (`reconcile_rules`); applying the rows to our
book and comparing again changes nothing. What no rule explains is not explained away: trading is refused.
Everything is compared by height: a venue that has not come as far as our own book proves nothing yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from sniper.reconcile_book import Execution, Held, Own, OwnOrder, Row, Venue
from sniper.reconcile_rules import fill_row, order_row, position_row, unwritten

__all__ = ["Own", "Row", "Venue", "applied", "reconcile", "refused", "taken"]

TAKEN_OVER: Final = ("fading", "in_flight", "maybe")
"""Rules of orders that may still fill, or may not."""


def reconcile(own: Own, venue: Venue) -> tuple[Row, ...]:
    """Every order, fill and position of either book, in a fixed order: what becomes of it, and by which rule."""
    theirs = {order.order_id: order for order in venue.orders}
    ours = {order.order_id: order for order in own.orders}
    rows = [order_row(ours.get(name), theirs.get(name), own, venue) for name in sorted({*ours, *theirs})]
    ours |= unwritten(own, venue, ours)
    told, known = {fill.fill_id: fill for fill in venue.fills}, {fill.fill_id: fill for fill in own.fills}
    fills = [fill_row(known.get(name), told.get(name), own, venue, ours) for name in sorted({*told, *known})]
    booked = [row.after for row in fills if isinstance(row.after, Execution)]
    waiting = {
        (fill.ticker, fill.subaccount)
        for row, fill in ((row, told.get(row.key) or known.get(row.key)) for row in fills)
        if row.resolution in ("wait", "unexplained") and fill is not None
    }
    before = {held[:2]: held for held in own.positions}
    after = {held[:2]: held for held in venue.positions}
    fresh = [*own.fills, *booked]
    moved = {(fill.ticker, fill.subaccount) for fill in fresh}
    for place in sorted({*before, *after, *moved}):
        mine = before.get(place, Held(*place, 0, own.base_height))
        theirs_now = after.get(place, Held(*place, 0, venue.position_height))
        since = [
            fill for fill in fresh if (fill.ticker, fill.subaccount) == place and fill.height > mine.height
        ]
        fills.append(position_row(mine, theirs_now, since, place in waiting, own, venue))
    return (*rows, *fills)


def applied(own: Own, venue: Venue, rows: Iterable[Row]) -> Own:
    """Our book after the rows."""
    orders = {order.order_id: order for order in own.orders}
    fills = {fill.fill_id: fill for fill in own.fills}
    positions = {held[:2]: held for held in own.positions}
    for row in rows:
        if isinstance(row.after, OwnOrder):
            orders[row.after.order_id] = row.after
        elif isinstance(row.after, Execution):
            fills[row.after.fill_id] = row.after
        elif isinstance(row.after, Held):
            positions[row.after[:2]] = row.after
    return Own(
        own.base_height or venue.position_height,
        own.height,
        tuple(orders.values()),
        tuple(fills.values()),
        tuple(positions.values()),
        own.reserved,
    )


def refused(rows: Sequence[Row], taking_over: bool = False) -> tuple[Row, ...]:
    """The rows for whose sake trading does not start: unexplained, or not provable yet.

    taking_over: not those of orders that the next session takes over as they are.
    """
    found = [row for row in rows if row.resolution in ("unexplained", "wait")]
    return tuple(row for row in found if not (taking_over and taken(row)))


def taken(row: Row) -> bool:
    """Whether this is an order of unknown end that a session can take over: it goes on asking, and keeps new risk out
    of its market until it knows."""
    return row.what == "order" and row.rule in TAKEN_OVER
