"""Recovery: our book out of the database, the venue's out of its REST answers, and the rows written back.

Where the venue's book comes from is an interface, `VenueBook`; `recovery_rest` has the one that asks the Indexer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple, Protocol

import msgspec

from sniper.account_family import FAMILY
from sniper.errors import EXIT_RECONCILIATION, SniperError
from sniper.order_ids import order_uuid, subaccount_uuid
from sniper.order_table import ORDER_FLAGS
from sniper.reconcile import applied, reconcile, taken
from sniper.reconcile_book import Execution, Held, Own, OwnOrder, Row, Venue, VenueOrder
from sniper.state import State
from sniper.state_thread import Row as Write
from sniper.trading import Place

BLOCKS_BACK: Final = 1000
"""Fills are compared from so many blocks before the newest of which we know."""
AGAIN_S: Final = 1.0
ORDER: Final = (
    "client_id, order_id, ticker, side, kind, state, size_steps, filled_steps, good_til_block, good_til_s,"
    " seen"
)
FILL: Final = (
    "fill_id, order_id, ticker, subaccount, side, size_quantums, quote, fee, kind, height, price, price_decimals,"
    " taker, venue_ns"
)
OPEN: Final = "state NOT IN ('filled', 'dead')"


class VenueBook(Protocol):
    """Where the venue's book of one subaccount comes from."""

    def ask(self, since_height: int) -> Venue:
        """The book now, with the fills from that height on."""

    def clob_pair(self, ticker: str) -> int | None:
        """The id of a market on the chain, None if it has none of that name. To be asked after `ask`."""


class Unexplained(SniperError):
    """Our book and the venue's differ in a way that no rule explains, or not yet: nothing may be traded."""

    exit_code = EXIT_RECONCILIATION


class Recovered(NamedTuple):
    """What a recovery found. rows: the last comparison. changed: how many of our facts it corrected. own: our book
    after it; told: the venue's."""

    rows: tuple[Row, ...]
    changed: int
    own: Own
    told: Venue


def recover(
    state: State,
    source: VenueBook,
    subaccount: int,
    *,
    patience_s: float = 60.0,
    taking_over: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> Recovered:
    """Compare, write down what the rules decide, and ask again while something may still prove itself by waiting.

    taking_over: orders whose end only time can prove are not waited for; who goes on trading waits for them. What was
    corrected in an earlier turn and agrees since is told as it was corrected.
    NetworkUnavailable where the venue does not answer, apsw.Error where the database does not write.
    """
    changed, left_s = 0, patience_s
    corrected: dict[tuple[str, str], Row] = {}
    while True:
        since = max(0, (state.one("SELECT value FROM facts WHERE name = 'height'") or 0) - BLOCKS_BACK)
        told = source.ask(since)
        own = own_book(state, subaccount, since, told, source.clob_pair)
        rows = reconcile(own, told)
        after = applied(own, told, rows)
        writes = written(state, rows, after) + written_late(state, rows, told)
        if writes:
            state.write(writes)
        changed += sum(row.after is not None for row in rows)
        if left_s <= 0 or not any(
            row.resolution == "wait" and not (taking_over and taken(row)) for row in rows
        ):
            rows = tuple(
                corrected.get(row[:2], row) if row.resolution in ("agree", "leave") else row for row in rows
            )
            return Recovered(rows, changed, after, told)
        corrected |= {row[:2]: row for row in rows if row.after is not None}
        sleep(AGAIN_S)
        left_s -= AGAIN_S


def own_book(
    state: State, subaccount: int, since: int, told: Venue, clob_pair: Callable[[str], int | None]
) -> Own:
    """Our book, children included: what may still fill or was intended, what the venue names, fills since a height,
    positions."""
    epoch = state.epoch
    rows = state.all(f"SELECT {ORDER} FROM orders WHERE epoch = ? AND {OPEN}", (epoch,))
    for name in sorted({order.order_id for order in told.orders} | {fill.order_id for fill in told.fills}):
        rows += state.all(
            f"SELECT {ORDER} FROM orders WHERE epoch = ? AND order_id = ? AND NOT {OPEN}", (epoch, name)
        )
    orders = {row[0]: OwnOrder._make((*row[:-1], bool(row[-1]))) for row in rows}
    for place in _intended(state):
        known = orders.get(place.client_id) or _order(state, place, subaccount, clob_pair)
        # a replacement may be newer than what was written of its order
        orders[place.client_id] = known._replace(
            size_steps=max(known.size_steps, place.size_steps),
            good_til_block=max(known.good_til_block, place.good_til_block),
        )
    facts = dict(state.all("SELECT name, value FROM facts WHERE name IN ('base_height', 'height')"))
    fills = state.all(
        f"SELECT {FILL} FROM fills WHERE epoch = ? AND subaccount % {FAMILY} = ? AND height >= ?",
        (epoch, subaccount % FAMILY, since),
    )
    held = state.all(
        f"SELECT ticker, subaccount, size_quantums, height FROM positions WHERE subaccount % {FAMILY} = ?",
        (subaccount % FAMILY,),
    )
    return Own(
        int(facts.get("base_height", 0)),
        int(facts.get("height", 0)),
        tuple(orders.values()),
        tuple(Execution._make((*fill[:-2], bool(fill[-2]), fill[-1])) for fill in fills),
        tuple(Held(*position) for position in held),
        tuple(
            (first, last) for first, last in state.all("SELECT first, last FROM client_ids ORDER BY first")
        ),
    )


def _intended(state: State) -> Iterable[Place]:
    """Orders that were on the disk before the wire and are not known to be over, oldest first."""
    for (body,) in state.all(
        "SELECT body FROM intents WHERE verb IN ('place', 'replace') AND (? = 0 OR run = ?)"
        f" AND client_id NOT IN (SELECT client_id FROM orders WHERE NOT {OPEN}) ORDER BY seq",
        (state.epoch, state.epoch),
    ):
        yield msgspec.msgpack.decode(body, type=Place)


def _order(state: State, place: Place, subaccount: int, clob_pair: Callable[[str], int | None]) -> OwnOrder:
    """An intent of which nothing else was written. Its id follows from what it was sent with."""
    address = str(state.one("SELECT value FROM facts WHERE name = 'address'"))
    pair = clob_pair(place.ticker)
    order_id = f"unknown market of {place.client_id}"
    if pair is not None:
        order_id = order_uuid(
            subaccount_uuid(address, subaccount), place.client_id, pair, ORDER_FLAGS[place.kind]
        )
    return OwnOrder(
        place.client_id,
        order_id,
        place.ticker,
        place.side,
        place.kind,
        "sent",
        place.size_steps,
        0,
        place.good_til_block,
        place.good_til_s,
    )


def written(state: State, rows: Sequence[Row], after: Own) -> list[Write]:
    """What the database takes over from the rows."""
    found: list[Write] = []
    for row in rows:
        fact = row.after
        if isinstance(fact, OwnOrder):
            why = f"recovered: {row.rule}"
            found.append(("recovered", (*fact[:2], state.epoch, fact.ticker, fact.side, fact.size_steps,
                                        fact.filled_steps, fact.kind, fact.good_til_block, fact.good_til_s,
                                        fact.state, why, fact.seen)))  # fmt: skip
        elif isinstance(fact, Execution):
            found.append(("fills", (state.epoch, *fact[:6], fact.price, fact.price_decimals, fact.quote, fact.fee,
                                    fact.taker, fact.kind, fact.height, fact.venue_ns)))  # fmt: skip
            found.append(("untold", (fact.fill_id,)))
        elif isinstance(fact, Held):
            found.append(("held", fact))
    if after.base_height:
        found.append(("base", (after.base_height,)))
    return found


def written_late(state: State, rows: Sequence[Row], told: Venue) -> list[Write]:
    """The intents of orders that left while the database did not write, as far as the venue tells their terms."""
    shown = {order.order_id: order for order in told.orders}
    found: list[Write] = []
    for row in rows:
        if row.rule == "unwritten" and isinstance(row.after, OwnOrder):
            place = _place(row.after, shown[row.after.order_id])
            body = msgspec.msgpack.encode(place)
            found.append(("intents", (state.run, 0, state.clock_ns(), "place", place.client_id, body)))
    return found


def _place(own: OwnOrder, shown: VenueOrder) -> Place:
    closing = "protect" if shown.trigger == "stop_loss" else "exit"
    return Place(
        own.client_id,
        0,
        own.ticker,
        own.side,
        own.size_steps,
        shown.price_ticks,
        own.kind,
        "ioc" if shown.reduce_only else "gtt",  # reduce-only goes with IOC only
        shown.reduce_only,
        own.good_til_block,
        own.good_til_s,
        shown.trigger,
        shown.trigger_ticks,
        closing if shown.reduce_only else "entry",
        "recovered: unwritten",
    )
