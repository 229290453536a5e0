"""Positions as the Indexer's database keeps them, and the two ways in which its services write them.

Sizes in BQ, signed; values in USD, exact. WebSocket and REST give different things the name `realizedPnl`
(rest.md 3): the stream's is the price part with settled funding and without fees, REST's is the price part less fees
and without funding.
"""

from __future__ import annotations

from copy import copy
from decimal import Decimal
from typing import Final

from sniper.exchange.facts import BUY, SubaccountId
from sniper.exchange.indexer.writing import (
    ZERO,
    Item,
    average,
    coins,
    dollars,
    minus,
    negative,
    plain,
    plus,
    times,
)
from sniper.exchange.terms import Terms
from sniper.feed.sim.text import iso
from sniper.order_ids import position_uuid

OPEN, CLOSED, LIQUIDATED = "OPEN", "CLOSED", "LIQUIDATED"
FUNDING_SCALE: Final = -12
"""A funding index counts 10^-6 quote quantums a base quantum: 10^(-12 - A) USD a coin."""


class Position:
    """One position from its opening to its end. opened, closed: BQ; their values USD; funding: settled, QQ."""

    __slots__ = (
        "closed",
        "closed_ns",
        "closed_value",
        "created_height",
        "created_ns",
        "event",
        "funding",
        "index",
        "long",
        "most",
        "opened",
        "opened_value",
        "perpetual",
        "profit",
        "size",
        "status",
    )

    def __init__(self, perpetual: int, long: bool, event: str, index: int, height: int, now_ns: int) -> None:
        self.perpetual, self.long, self.event, self.index = perpetual, long, event, index
        self.created_height, self.created_ns, self.closed_ns = height, now_ns, 0
        self.status = OPEN
        self.size = self.opened = self.closed = self.funding = 0
        self.most: int | None = None
        self.opened_value = self.closed_value = self.profit = ZERO

    def grow(self, quantums: int, price: Decimal, terms: Terms) -> None:
        """Open (more of) it. quantums > 0."""
        self.opened += quantums
        self.opened_value = plus(self.opened_value, times(coins(quantums, terms), price))
        self._resize(self.size + (quantums if self.long else -quantums))

    def shrink(self, quantums: int, price: Decimal, terms: Terms) -> None:
        """Close (some of) it. quantums > 0, at most what is held."""
        self.closed += quantums
        size = coins(quantums, terms)
        self.closed_value = plus(self.closed_value, times(size, price))
        gain = minus(price, self.entry(terms))
        self.profit = plus(self.profit, times(size, gain if self.long else negative(gain)))
        self._resize(self.size - (quantums if self.long else -quantums))

    def _resize(self, size: int) -> None:
        self.size = size
        # The database keeps the numerically greatest size, which for a short is the one closest to zero.
        if size:
            self.most = size if self.most is None else max(self.most, size)

    def entry(self, terms: Terms) -> Decimal:
        """The average price at which it was opened."""
        return average(self.opened_value, coins(self.opened, terms))

    def exit(self, terms: Terms) -> Decimal | None:
        """The average price at which it was closed, None while nothing was."""
        return average(self.closed_value, coins(self.closed, terms)) if self.closed else None

    def close(self, now_ns: int, liquidated: bool = False) -> None:
        """It is over."""
        self.size, self.closed_ns = 0, now_ns
        self.status = LIQUIDATED if liquidated else CLOSED

    def as_of(self, other: Position) -> Position:
        """With its own sums, but the size, end and funding of `other`, which is itself at another time."""
        found = copy(self)
        found.size, found.status, found.funding, found.most = (
            other.size,
            other.status,
            other.funding,
            other.most,
        )
        found.closed_ns = other.closed_ns
        return found

    def emptied(self) -> Position:
        """As an update of its subaccount tells it when it is new: with its size, before any fill is counted."""
        found = copy(self)
        found.opened = found.closed = 0
        found.opened_value = found.closed_value = ZERO
        return found

    def unsettled(self, index: int, terms: Terms) -> Decimal:
        """Funding in USDC that the index has brought since it was last settled; positive: to be received."""
        return unsettled(self.size, self.index, index, terms)


def unsettled(quantums: int, before: int, after: int, terms: Terms) -> Decimal:
    """Funding in USDC on so many BQ while the index went from `before` to `after`."""
    change = Decimal(before - after).scaleb(FUNDING_SCALE - terms.atomic_resolution)
    return times(coins(quantums, terms), change)


def fill(
    held: Position | None,
    perpetual: int,
    side: int,
    quantums: int,
    price: Decimal,
    fee: int,
    event: str,
    index: int,
    height: int,
    now_ns: int,
    terms: Terms,
) -> list[Position]:
    """Book one fill. Returns the positions that it touched: the one held, one that it opened, or first one, then other.

    held: the open position before, None for none. fee: QQ; of a fill that turns a position over each part bears its
    share.
    """
    touched = []
    signed = quantums if side == BUY else -quantums
    closing = 0
    if held is not None and (held.size > 0) != (signed > 0):
        closing = min(abs(held.size), quantums)
        held.shrink(closing, price, terms)
        held.profit = minus(held.profit, dollars(fee * closing // quantums))
        if not held.size:
            held.close(now_ns)
        touched.append(held)
    opening = quantums - closing
    if opening:
        if held is None or closing:
            held = Position(perpetual, signed > 0, event, index, height, now_ns)
        held.grow(opening, price, terms)
        held.profit = minus(held.profit, dollars(fee - fee * closing // quantums))
        touched.append(held)
    return touched


def _sums(position: Position, terms: Terms) -> Item:
    exit_price = position.exit(terms)
    return {
        "entryPrice": plain(position.entry(terms)),
        "exitPrice": None if exit_price is None else plain(exit_price),
        "sumOpen": plain(coins(position.opened, terms)),
        "sumClose": plain(coins(position.closed, terms)),
    }


def _sizes(position: Position, terms: Terms) -> Item:
    return {
        "side": "LONG" if position.long else "SHORT",
        "status": position.status,
        "size": plain(coins(position.size, terms)),
        "maxSize": plain(coins(position.most or 0, terms)),
    }


def _unrealized(position: Position, terms: Terms, oracle_price: Decimal) -> str:
    return plain(times(minus(oracle_price, position.entry(terms)), coins(position.size, terms)))


def stream_item(
    position: Position, subaccount: SubaccountId, owner_id: str, terms: Terms, oracle_price: Decimal
) -> Item:
    """A position in an update."""
    gain = minus(position.exit(terms) or ZERO, position.entry(terms))
    realized = times(gain if position.long else negative(gain), coins(position.closed, terms))
    return {
        "address": subaccount.owner,
        "subaccountNumber": subaccount.number,
        "positionId": position_uuid(owner_id, position.event),
        "market": terms.ticker,
        **_sizes(position, terms),
        "netFunding": plain(dollars(position.funding)),
        **_sums(position, terms),
        "realizedPnl": plain(plus(realized, dollars(position.funding))),
        "unrealizedPnl": _unrealized(position, terms, oracle_price),
    }


def rest_item(position: Position, number: int, terms: Terms, oracle_price: Decimal, index: int) -> Item:
    """A position in an answer or a snapshot. index: the perpetual's funding index now."""
    sums, sizes = _sums(position, terms), _sizes(position, terms)
    funding = plus(dollars(position.funding), position.unsettled(index, terms))
    return {
        "market": terms.ticker,
        "status": sizes["status"],
        "side": sizes["side"],
        "size": sizes["size"],
        "maxSize": sizes["maxSize"],
        "entryPrice": sums["entryPrice"],
        "exitPrice": sums["exitPrice"],
        "realizedPnl": plain(position.profit),
        "unrealizedPnl": _unrealized(position, terms, oracle_price),
        "createdAt": iso(position.created_ns),
        "createdAtHeight": str(position.created_height),
        "closedAt": iso(position.closed_ns) if position.closed_ns else None,
        "sumOpen": sums["sumOpen"],
        "sumClose": sums["sumClose"],
        "netFunding": plain(funding),
        "subaccountNumber": number,
    }
