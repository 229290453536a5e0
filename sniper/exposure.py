"""What is at stake if the power were lost now: what then still stands at the venue, and what that can cost.

Stops that rest on the chain survive us; short-term orders end with their block, the others with their time. Two
figures in QQ, both from the oracle prices of now, without fees: every stop fills at its trigger and what has none meets
the worst configured stress; or that stress passes over all stops, and over all that resting orders may still open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def protections(desk: Desk, decoder: Any) -> dict[int, Protection]:
    """How each position is protected, by market."""
    stops: dict[int, list[Order]] = {}
    for order in desk.orders.all_open():
        if order.purpose == "protect" and order.kind == CONDITIONAL and order.state not in FINAL:
            stops.setdefault(order.market, []).append(order)
    return {
        market: _protection(desk, decoder, market, position.size_quantums, stops.get(market, ()))
        for market, position in desk.account.positions.items()
    }


def _protection(desk: Desk, decoder: Any, market: int, size: int, orders: Sequence[Order]) -> Protection:
    closing = SELL if size > 0 else BUY
    stops = [order for order in orders if order.side == closing]
    resting = [order for order in stops if order.state in RESTS]
    unit = unit_of(decoder, market) if resting else None
    if unit is None:
        return Protection("sent" if stops else "none", bare=desk.risk.protector.bare.get(market, 0))
    covered = triggered = newest_ns = 0
    for order in resting:
        covered += (order.size_steps - order.filled_steps) * unit.step_quantums
        farther = order.trigger_ticks < triggered if size > 0 else order.trigger_ticks > triggered
        triggered = order.trigger_ticks if farther or not triggered else triggered
        newest_ns = max(newest_ns, order.sent_ns)
    account = desk.account
    height, at_ns = desk.height if account.trust == "live" else account.height, desk.view.now_ns
    if (
        desk.reconcile.settings.every_ns
    ):  # else the account's frames are complete: without one nothing has changed
        height, at_ns = desk.reconcile.agreed
    return Protection("resting", triggered, min(covered, abs(size)), height if newest_ns <= at_ns else 0)


def exposure(desk: Desk, decoder: Any, stops: Mapping[int, Protection]) -> Exposure:
    """What the account is exposed to without us. stops: what `protections` found."""
    worths, at_triggers, held, bare, bare_markets = [], 0, 0, 0, 0
    for market, position in desk.account.positions.items():
        unit = unit_of(decoder, market)
        if unit is not None:
            worth, open_, loss = _position(position.size_quantums, unit, stops[market])
            worths.append((decoder.ticker(market), worth, open_))
            held, bare, at_triggers = held + abs(worth), bare + abs(open_), at_triggers + loss
            bare_markets += open_ != 0
    entries = _entries(desk, decoder)
    at_stops = stressed = 0
    for stress in desk.settings.risk.gates.stresses:
        moves = dict(stress)
        usual = moves.get("*", 0)
        lost = lost_bare = opened = 0
        for ticker, worth, open_ in worths:
            move_ppm = moves.get(ticker, usual)
            lost, lost_bare = lost - worth * move_ppm, lost_bare - open_ * move_ppm
        for ticker, worth in entries:
            opened += max(0, -worth * moves.get(ticker, usual))
        at_stops = max(at_stops, at_triggers + max(0, lost_bare // MILLION))
        stressed = max(stressed, (lost + opened) // MILLION)
    blocks = staying = staying_s = 0
    for order in desk.orders.all_open():
        if order.kind == SHORT_TERM:
            if order.good_til_block and not order.reduce_only:
                blocks = max(blocks, order.good_til_block - desk.height)
        elif order.state in RESTS:
            staying += 1
            staying_s = min(staying_s or order.good_til_s, order.good_til_s)
    may_open = sum([abs(worth) for _, worth in entries])
    told = (may_open, len(entries), blocks, staying, staying_s)
    return Exposure(held, bare, bare_markets, at_stops, stressed, *told)


def _position(size: int, unit: Unit, stops: Protection) -> tuple[int, int, int]:
    """Its worth, that of the part that no stop covers, and the loss of the rest at its stops. QQ, worths signed."""
    worth = unit.notional(size)
    if not stops.covered:
        return worth, worth, 0
    covered = unit.notional(stops.covered)
    at_trigger = unit.quote(stops.covered // unit.step_quantums, stops.trigger_ticks)
    if size > 0:
        return worth, worth - covered, max(0, covered - at_trigger)
    return worth, worth + covered, max(0, at_trigger - covered)


def _entries(desk: Desk, decoder: Any) -> list[tuple[str, int]]:
    """(ticker, QQ signed) of each order that may still open something."""
    found = []
    for claim in desk.orders.claims():
        if claim.reduce_only or claim.state in FINAL:
            continue
        unit = unit_of(decoder, claim.market)
        if unit is not None:
            worth = unit.quote(claim.steps, claim.price_ticks)
            found.append((decoder.ticker(claim.market), worth if claim.side == BUY else -worth))
    return found
