"""What a recovered database hands to the next session: see `handover` for the record and docs/state.md for the rules.

An order that the venue shows is open. Any other that is not known to be over is of unknown fate: nobody waits for its
answer any more. Everything is as of the height up to which the venue's fills were asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from sniper.handover import Left
from sniper.order_adoption import LeftOrder
from sniper.order_record import Terms
from sniper.order_table import ORDER_FLAGS, SHORT_TERM, UNKNOWN
from sniper.reconcile_book import OwnOrder, VenueOrder
from sniper.recovery import Recovered
from sniper.standing import DAY_NS
from sniper.state import State
from sniper.state_news import MARKETS, STANDING, TRIPS
from sniper.trading import Cancel, Fill, Order, Place
from sniper.trips_record import OpenTrip

SECOND_NS: Final = 1_000_000_000
STRATEGY_AGE_S_MAX: Final = 900
"""A strategy's state is half about the market: older ones say nothing of the present one."""
STRATEGY_BYTES_MAX: Final = 1 << 20
SEQUENCE: Final = re.compile(r"\bsequence (\d{1,18})\b")
FACTS: Final = (
    "client_id, order_id, side, size_steps, filled_steps, price_ticks, kind, time_in_force, reduce_only,"
    ' good_til_block, good_til_s, "trigger", trigger_ticks, purpose, state, sent_ns, cause, stop_ticks,'
    " target_ticks, strategy, ticker, seen"
)
FILL: Final = (
    "fill_id, order_id, ticker, subaccount, side, size_quantums, price, price_decimals, quote, fee, taker, kind,"
    " height, venue_ns"
)
COMMITTED: Final = (
    "SELECT max(seq) FROM intents WHERE verb = 'place' AND client_id IN"
    " (SELECT client_id FROM orders WHERE kind != 'short_term' AND seen)"
)
"""What the venue has shown came in a block, with all that was signed before it."""


def left(state: State, found: Recovered, strategy: str, now_ns: int) -> Left:
    """The record. strategy: the config's name of it; now_ns: unix time."""
    told, said = found.told, list[str]()
    shown = {order.order_id: order for order in told.orders}
    ahead = dict(_may_come(state))
    orders = [
        _order(state, own, shown.get(own.order_id), ahead.get(own.client_id, -1))
        for own in found.own.orders
        if not own.over
    ]
    untold = state.all(
        f"SELECT {FILL} FROM fills JOIN untold USING (fill_id) WHERE epoch = ? ORDER BY height, venue_ns, fill_id",
        (state.epoch,),
    )
    for order_id in sorted({row[1] for row in untold} - {one.order.order_id for one in orders}):
        orders += [_facts(state, row) for row in _rows(state, "order_id", order_id)]
    known = state.all(
        "SELECT fill_id FROM fills WHERE epoch = ? AND height > ? ORDER BY fill_id",
        (state.epoch, told.height),
    )
    trips, losses = _trips(state, said)
    blob, tickers = _strategy(state, strategy, now_ns, said)
    return Left(
        told.height,
        tuple(name for (name,) in known),
        tuple(orders),
        trips,
        tuple((row[2], _fill(row)) for row in untold),
        losses,
        _standing(state, now_ns),
        blob,
        tickers,
        tuple(said),
    )


def _rows(state: State, column: str, value: object) -> list[tuple[Any, ...]]:
    return state.all(f"SELECT {FACTS} FROM orders WHERE epoch = ? AND {column} = ?", (state.epoch, value))


def _facts(state: State, row: tuple[Any, ...]) -> LeftOrder:
    """A row of the table of orders."""
    client_id, order_id, *rest, stop, target, strategy, ticker, seen = row
    order = Order(client_id, order_id, 0, *rest)
    order = order._replace(reduce_only=bool(order.reduce_only))
    if not order.price_ticks and (
        places := _places(state, client_id)
    ):  # recovery wrote it: that knows no terms
        fate = {name: getattr(order, name) for name in ("filled_steps", "state", "sent_ns", "cause")}
        order = _of_intent(places[-1], order_id)._replace(**fate)
    fills = state.one(
        "SELECT sum(size_quantums) FROM fills WHERE epoch = ? AND order_id = ?", (state.epoch, order_id)
    )
    return LeftOrder(ticker, order, fills or 0, bool(seen), -1, -1, None, stop, target, strategy)


def _order(state: State, own: OwnOrder, shown: VenueOrder | None, ahead: int) -> LeftOrder:
    """An order that is not known to be over: what was intended, what became of it, what the venue says."""
    places = _places(state, own.client_id)
    rows = _rows(state, "client_id", own.client_id)
    found = _facts(state, rows[0]) if rows else LeftOrder(own.ticker, _of_intent(places[0], own.order_id))
    order, newest = found.order, places[-1] if places else None
    pending = None
    if newest is not None and own.kind == SHORT_TERM and newest.good_til_block > order.good_til_block:
        terms = Terms(newest.size_steps, newest.price_ticks, newest.good_til_block)
        if shown is not None and shown.good_til_block == newest.good_til_block:
            order = order._replace(**terms._asdict())
        else:
            pending = terms
    open_ = shown is not None and shown.open and pending is None
    fate = "acked" if open_ else "fading" if own.state == "fading" else UNKNOWN
    sequence = _sequence(state, own.client_id)
    return found._replace(
        order=order._replace(
            filled_steps=own.filled_steps, state=fate, cause=f"taken over: was {own.state}, {order.cause}"
        ),
        seen=own.seen,
        sequence=sequence,
        ahead=ahead if sequence < 0 and ORDER_FLAGS[own.kind] and not own.seen else -1,
        pending=pending,
    )


def _places(state: State, client_id: int) -> list[Place]:
    """What was intended under an id: the order, then its replacements."""
    bodies = state.all(
        "SELECT body FROM intents WHERE verb IN ('place', 'replace') AND client_id = ? ORDER BY seq",
        (client_id,),
    )
    return [msgspec.msgpack.decode(body, type=Place) for (body,) in bodies]


def _of_intent(place: Place, order_id: str) -> Order:
    """What was intended, of which nothing else is known."""
    return Order(
        place.client_id,
        "" if " " in order_id else order_id,  # of a market that the venue did not name then
        0,
        place.side,
        place.size_steps,
        0,
        place.price_ticks,
        place.kind,
        place.time_in_force,
        place.reduce_only,
        place.good_til_block,
        place.good_til_s,
        place.trigger,
        place.trigger_ticks,
        place.purpose,
        "sent",
        0,
        place.cause,
    )


def _sequence(state: State, client_id: int) -> int:
    """What the venue's answer said of the transaction that placed an order, -1: nothing."""
    texts = state.all(
        "SELECT text FROM answers WHERE verb = 'place' AND client_id = ? ORDER BY seq DESC", (client_id,)
    )
    found = [match for (text,) in texts if (match := SEQUENCE.search(text))]
    return int(found[0][1]) if found else -1


def _may_come(state: State) -> Iterator[tuple[int, int]]:
    """(client id, how many stateful transactions were signed before its own) of those that may be in no block yet."""
    since, before = state.one(COMMITTED) or 0, 0
    for verb, body in state.all("SELECT verb, body FROM intents WHERE seq > ? ORDER BY seq", (since,)):
        kind: type[Cancel | Place] = Cancel if verb == "cancel" else Place
        command = msgspec.msgpack.decode(body, type=kind)
        if command.kind != SHORT_TERM:
            if verb == "place":
                yield command.client_id, before
            before += 1


def _fill(row: tuple[Any, ...]) -> Fill:
    fill_id, order_id, _, *rest = row
    fill = Fill(fill_id, order_id, 0, *rest)
    return fill._replace(taker=bool(fill.taker))


def _trips(state: State, said: list[str]) -> tuple[tuple[tuple[str, int, OpenTrip], ...], int]:
    """Open round trips, and how many lost in a row before them."""
    kept = state.bot(TRIPS)
    if kept is None:
        return (), 0
    try:
        return msgspec.json.decode(kept, type=tuple[tuple[tuple[str, int, OpenTrip], ...], int])
    except msgspec.MsgspecError as problem:
        said.append(f"round trips begin anew with their positions: {problem}")
        return (), 0


def _standing(state: State, now_ns: int) -> bytes:
    """The standing of this day. That of another says nothing: what came in and went out since is not known."""
    rows = state.all("SELECT state, saved_ns FROM bots WHERE name = ?", (STANDING,))
    return bytes(rows[0][0]) if rows and rows[0][1] // DAY_NS == now_ns // DAY_NS else b""


def _strategy(state: State, name: str, now_ns: int, said: list[str]) -> tuple[bytes, tuple[str, ...]]:
    """The state of the strategy with the market table that it counts by, if it may be of use."""
    rows = state.all("SELECT state, saved_ns FROM bots WHERE name = ?", (f"strategy {name}",))
    others = state.all(
        "SELECT name FROM bots WHERE name LIKE 'strategy %' AND name != ?", (f"strategy {name}",)
    )
    tickers = state.bot(MARKETS)
    if not rows or tickers is None:
        if others:
            said.append(
                f"the strategy begins anew: what was kept is of {', '.join(n[9:] for (n,) in others)}"
            )
        return b"", ()
    blob, saved_ns = rows[0]
    age_s = (now_ns - saved_ns) // SECOND_NS
    if not 0 <= age_s <= STRATEGY_AGE_S_MAX:
        said.append(f"the strategy begins anew: its state is {age_s} s old")
        return b"", ()
    if len(blob) > STRATEGY_BYTES_MAX:
        said.append(f"the strategy begins anew: its state has {len(blob)} bytes")
        return b"", ()
    return bytes(blob), tuple(msgspec.json.decode(tickers, type=list[str]))
