"""What is at stake if the power were lost now: what then still stands at the venue, and what that can cost.

Stops that rest on the chain survive us; short-term orders end with their block, the others with their time. Two
figures in QQ, both from the oracle prices of now, without fees: every stop fills at its trigger and what has none meets
the worst configured stress; or that stress passes over all stops, and over all that resting orders may still open.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sniper.desk import Desk
from sniper.order_table import CONDITIONAL, FINAL, SHORT_TERM
from sniper.risk_units import MILLION, Unit, unit_of
from sniper.trading import BUY, SELL, Order

RESTS = ("acked", "replacing")
"""States of an order that the venue is known to hold."""


class Protection(NamedTuple):
    """The stops of one position. state: resting, sent, or none; covered: BQ that resting stops close.

    trigger_ticks: the farthest of those stops. checked: the height at which the venue's list of our orders was last
    known to be complete, 0: not since the newest of the stops came. bare: since which height the position could have
    had one, 0: it is not counted (it has one, or no slot is free).
    """

    state: str = "none"
    trigger_ticks: int = 0
    covered: int = 0
    checked: int = 0
    bare: int = 0


class Exposure(NamedTuple):
    """In QQ; at_stops and stressed are losses, not negative.

    held: positions at oracle prices, all taken as positive; bare: what of that no resting stop covers, in so many
    markets. entries: orders that may still open, at their own prices; entry_blocks: until the last of the short-term
    ones has ended. staying: orders that outlive us, until staying_s at the earliest (unix seconds).
    """

    held: int = 0
    bare: int = 0
    bare_markets: int = 0
    at_stops: int = 0
    stressed: int = 0
    entries: int = 0
    entry_orders: int = 0
    entry_blocks: int = 0
    staying: int = 0
    staying_s: int = 0


class _Held(NamedTuple):
    """A position: its worth, the part that no stop covers, and the loss of the rest at its stops. QQ, worths signed."""

    market: int
    worth: int
    bare: int
    at_stops: int


def protection(desk: Desk, decoder: Any, market: int, size: int) -> Protection:
    """How the position of this size (BQ) is protected."""
    unit = unit_of(decoder, market)
    stops = [order for order in desk.orders.all_open() if _protects(order, market, size)]
    resting = [order for order in stops if order.state in RESTS]
    if not resting or unit is None:
        return Protection("sent" if stops else "none", bare=desk.risk.protector.bare.get(market, 0))
    covered = sum([(order.size_steps - order.filled_steps) * unit.step_quantums for order in resting])
    triggers = [order.trigger_ticks for order in resting]
    account = desk.account
    height, at_ns = desk.height if account.trust == "live" else account.height, desk.view.now_ns
    if (
        desk.reconcile.settings.every_ns
    ):  # else the account's frames are complete: without one nothing has changed
        height, at_ns = desk.reconcile.agreed
    known = all(order.sent_ns <= at_ns for order in resting)
    return Protection(
        "resting",
        min(triggers) if size > 0 else max(triggers),
        min(covered, abs(size)),
        height if known else 0,
    )


def exposure(desk: Desk, decoder: Any) -> Exposure:
    """What the account is exposed to without us."""
    held = []
    for market, position in desk.account.positions.items():
        unit = unit_of(decoder, market)
        if unit is not None:
            stops = protection(desk, decoder, market, position.size_quantums)
            held.append(_position(market, position.size_quantums, unit, stops))
    entries = _entries(desk, decoder)
    at_stops = stressed = 0
    for stress in desk.settings.risk.gates.stresses:
        moves = dict(stress)

        def loss(market: int, worth: int, moves: dict[str, int] = moves) -> int:
            move_ppm = moves.get(decoder.ticker(market), moves.get("*", 0))
            return -worth * move_ppm // MILLION

        bare = sum([loss(one.market, one.bare) for one in held])
        opened = sum([max(0, loss(market, worth)) for market, worth in entries])
        at_stops = max(at_stops, sum([one.at_stops for one in held]) + max(0, bare))
        stressed = max(stressed, sum([loss(one.market, one.worth) for one in held]) + opened)
    orders = desk.orders.all_open()
    return Exposure(
        sum([abs(one.worth) for one in held]),
        sum([abs(one.bare) for one in held]),
        sum([one.bare != 0 for one in held]),
        at_stops,
        stressed,
        sum([abs(worth) for _, worth in entries]),
        len(entries),
        max([order.good_til_block - desk.height for order in _opening(orders) if _ends(order)], default=0),
        *_staying(orders),
    )


def _position(market: int, size: int, unit: Unit, stops: Protection) -> _Held:
    worth = unit.notional(size)
    covered = stops.covered if size > 0 else -stops.covered
    at_trigger = unit.quote(stops.covered // unit.step_quantums, stops.trigger_ticks)
    now = abs(unit.notional(covered))
    loss = now - at_trigger if size > 0 else at_trigger - now
    return _Held(market, worth, worth - unit.notional(covered), max(0, loss) if stops.covered else 0)


def _entries(desk: Desk, decoder: Any) -> list[tuple[int, int]]:
    """(market, QQ signed) of each order that may still open something."""
    found = []
    for claim in desk.orders.claims():
        unit = unit_of(decoder, claim.market)
        if claim.reduce_only or unit is None or claim.state in FINAL:
            continue
        worth = unit.quote(claim.steps, claim.price_ticks)
        found.append((claim.market, worth if claim.side == BUY else -worth))
    return found


def _opening(orders: Sequence[Order]) -> list[Order]:
    return [order for order in orders if not order.reduce_only]


def _ends(order: Order) -> bool:
    return order.kind == SHORT_TERM and order.good_til_block > 0


def _staying(orders: Sequence[Order]) -> tuple[int, int]:
    """How many orders outlive us, and when the first of them ends."""
    found = [order.good_til_s for order in orders if order.kind != SHORT_TERM and order.state in RESTS]
    return len(found), min(found, default=0)


def _protects(order: Order, market: int, size: int) -> bool:
    return (
        order.market == market
        and order.kind == CONDITIONAL
        and order.purpose == "protect"
        and order.side == (SELL if size > 0 else BUY)
        and order.state not in FINAL
    )
