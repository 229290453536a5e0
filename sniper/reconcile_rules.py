"""The rules of reconciliation as three tables: the first one that fits decides. docs/state.md shows them.

Sources: what counts as proof of an order's end is that of docs/orders.md (`order_proof`); which fills belong to whom
and what REST shows is rest.md 3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from sniper.order_proof import PROOF_BLOCKS, TIME_GRACE_S
from sniper.order_table import ORDER_FLAGS
from sniper.reconcile_book import SHORT_TERM, Execution, Held, Own, OwnOrder, Row, Venue, VenueOrder
from sniper.trips import FORCED

NOTHING: Final = "-"
KINDS: Final = {flags: kind for kind, flags in ORDER_FLAGS.items()}


class OrderCase(NamedTuple):
    """An order of one or both books."""

    own: OwnOrder | None
    venue: VenueOrder | None
    book: Own
    told: Venue

    @property
    def short(self) -> bool:
        """Whether it ends with a block."""
        if self.own is not None:
            return self.own.kind == SHORT_TERM
        return self.venue is not None and self.venue.order_flags == 0

    @property
    def alive(self) -> bool:
        """Whether we hold that it may fill."""
        return self.own is not None and not self.own.over

    @property
    def shown(self) -> str:
        """The venue's status, "": it shows none."""
        return self.venue.status if self.venue is not None else ""

    @property
    def gone_by(self) -> bool:
        """A short-term order whose last block lies PROOF_BLOCKS behind what the venue has told completely."""
        if not self.short:
            return False
        last = max(self.own.good_til_block if self.own else 0, self.venue.good_til_block if self.venue else 0)
        return self.told.height >= last + PROOF_BLOCKS

    @property
    def impossible(self) -> bool:
        """A stateful order that the venue lacks and that can no longer come: it was there, or its time is over."""
        if self.own is None or self.venue is not None or self.short:
            return False
        if self.own.seen:
            return self.told.height >= self.book.height + PROOF_BLOCKS
        if 0 < self.own.good_til_block <= self.told.height - PROOF_BLOCKS:
            return True  # no block takes its transaction any more
        return self.told.block_s >= self.own.good_til_s + TIME_GRACE_S

    @property
    def unwritten(self) -> bool:
        """Of a client id that only we could use, and of a kind that leaves while the database does not write: what
        can add no risk (any more)."""
        venue = self.venue
        if self.own is not None or venue is None or not venue.ticker or venue.order_flags not in KINDS:
            return False
        reserved = any(first <= venue.client_id <= last for first, last in self.book.reserved)
        return reserved and (venue.reduce_only or not venue.open or self.gone_by)

    @property
    def proven(self) -> bool:
        """Whether the venue alone proves what became of it so far."""
        if self.venue is None or self.told.height < self.book.height:
            return False
        return (
            self.venue.open
            or self.shown == "FILLED"
            or self.gone_by
            or (not self.short and self.shown == "CANCELED")
        )

    @property
    def ahead(self) -> int:
        """How many steps more the venue knows to be filled than we do."""
        if self.own is None or self.venue is None or self.venue.done_steps < 0:
            return 0
        return self.venue.done_steps - self.own.filled_steps


class OrderRule(NamedTuple):
    """A row of the table. state: of our order afterwards, "": as it was."""

    name: str
    text: str
    fits: Callable[[OrderCase], bool]
    resolution: str
    state: str = ""


ORDER_RULES: Final = (
    OrderRule("behind", "the venue has not come as far as our own book: ask again",
              lambda c: c.told.height < c.book.height and c.own is not None and not _same_end(c), "wait"),
    OrderRule("unproven", "under a client id of ours, over or reduce-only, not written down; its end is not proven yet",
              lambda c: c.unwritten and not c.proven, "wait"),
    OrderRule("unwritten", "the same, proven: sent while the database did not write; it is written down now",
              lambda c: c.unwritten, "adopt"),
    OrderRule("stranger_open", "an open order that was never intended here: cancel it, or trade elsewhere",
              lambda c: c.own is None and c.venue is not None and c.venue.open and not c.gone_by, "unexplained"),
    OrderRule("stranger_over", "an order of somebody else, over; its fills are judged on their own",
              lambda c: c.own is None, "leave"),
    OrderRule("unfilled_again", "the venue shows less filled than we booked", lambda c: c.ahead < 0, "unexplained"),
    OrderRule("same_end", "over in both books", lambda c: _same_end(c), "agree"),
    OrderRule("filled", "the venue shows it filled", lambda c: c.shown == "FILLED", "finish", "filled"),
    OrderRule("risen", "we held it to be over, and it is open",
              lambda c: not c.alive and c.venue is not None and c.venue.open and not c.gone_by, "unexplained"),
    OrderRule("late_fill", "over, but more of it was filled than we knew", lambda c: not c.alive and c.ahead > 0,
              "adopt"),
    OrderRule("over", "over in our book, and the venue does not contradict", lambda c: not c.alive, "agree"),
    OrderRule("expired", "its good-til-block has passed, with every fill known", lambda c: c.gone_by, "finish", "dead"),
    OrderRule("cancelled", "the venue shows it cancelled", lambda c: not c.short and c.shown == "CANCELED",
              "finish", "dead"),
    OrderRule("grown", "open in both books, more of it filled",
              lambda c: c.venue is not None and c.venue.open and c.ahead > 0, "adopt", "acked"),
    OrderRule("open", "open in both books",
              lambda c: c.venue is not None and c.venue.open and c.own is not None
              and (c.own.state, c.own.seen) == ("acked", True), "agree"),
    OrderRule("arrived", "sent, and the venue shows it open", lambda c: c.venue is not None and c.venue.open,
              "adopt", "acked"),
    OrderRule("fading", "said to be cancelled, which is no proof before its good-til-block has passed",
              lambda c: c.short and c.venue is not None, "wait"),
    OrderRule("in_flight", "short-term and not shown: it may fill until its good-til-block has passed",
              lambda c: c.short, "wait"),
    OrderRule("unlisted", "stateful, was shown before, and is not among the open orders any more; or its time is over",
              lambda c: c.impossible, "finish", "dead"),
    OrderRule("maybe", "stateful and never shown: it may come until the last block that takes it, or its time, is past",
              lambda c: True, "wait"),
)  # fmt: skip
"""For every order of either book."""


def _same_end(case: OrderCase) -> bool:
    own = case.own
    if own is None or not own.over or case.ahead:
        return False
    return case.venue is None or ((case.shown == "FILLED") == (own.state == "filled") and not case.venue.open)


def order_row(own: OwnOrder | None, venue: VenueOrder | None, book: Own, told: Venue) -> Row:
    """What becomes of an order."""
    case = OrderCase(own, venue, book, told)
    rule = next(rule for rule in ORDER_RULES if rule.fits(case))
    after = None
    if rule.name == "unwritten" and venue is not None:
        found = presumed(venue)
        after = order_row(found, venue, book, told).after or found
    elif own is not None and rule.resolution in ("adopt", "finish"):
        filled = max(own.filled_steps, venue.done_steps if venue else 0)
        after = own._replace(
            state=rule.state or own.state, filled_steps=filled, seen=own.seen or venue is not None
        )
        after = None if after == own else after
    known = own or venue
    assert known is not None, "a name of one of the books"
    mine = f"{own.state}, {own.filled_steps} of {own.size_steps} steps" if own else NOTHING
    theirs = f"{venue.status}, {venue.filled_steps} of {venue.size_steps} steps" if venue else NOTHING
    return Row("order", f"{known.ticker} {known.client_id}", mine, theirs, rule.resolution, rule.name, after)


def presumed(venue: VenueOrder) -> OwnOrder:
    """An order of ours that was not written down, as if its intent had been and nothing more."""
    return OwnOrder(
        venue.client_id,
        venue.order_id,
        venue.ticker,
        venue.side,
        KINDS[venue.order_flags],
        "sent",
        venue.size_steps,
        0,
        venue.good_til_block,
        venue.good_til_s,
        True,
    )


def unwritten(book: Own, told: Venue, known: Mapping[str, OwnOrder]) -> dict[str, OwnOrder]:
    """Orders of ours that only the venue knows, by order id. known: those of our book."""
    orders = [order for order in told.orders if order.order_id not in known]
    return {one.order_id: presumed(one) for one in orders if OrderCase(None, one, book, told).unwritten}


class FillCase(NamedTuple):
    """A fill of one or both books. order: ours, by its order id."""

    own: Execution | None
    venue: Execution | None
    order: OwnOrder | None
    book: Own
    told: Venue


class FillRule(NamedTuple):
    """A row of the table."""

    name: str
    text: str
    fits: Callable[[FillCase], bool]
    resolution: str


FILL_RULES: Final = (
    FillRule("known", "in both books, the same",
             lambda c: c.own is not None and c.venue is not None and c.own.core == c.venue.core, "agree"),
    FillRule("changed", "in both books, and not the same",
             lambda c: c.own is not None and c.venue is not None, "unexplained"),
    FillRule("newer", "above the height that the venue has told completely: ask again",
             lambda c: c.venue is None and c.own is not None and c.own.height > c.told.height, "wait"),
    FillRule("older", "older than what was asked for",
             lambda c: c.venue is None and c.own is not None and c.own.height < c.told.fills_from, "leave"),
    FillRule("vanished", "we booked it, and the venue does not know it", lambda c: c.venue is None, "unexplained"),
    FillRule("before_us", "from before our book begins",
             lambda c: c.venue is not None and c.venue.height <= (c.book.base_height or c.told.position_height),
             "leave"),
    FillRule("missed", "of an order of ours, and not booked yet", lambda c: c.order is not None, "book"),
    FillRule("forced", "the venue closed a position by itself",
             lambda c: c.venue is not None and c.venue.kind in FORCED, "book"),
    FillRule("stranger", "of an order that was never intended here", lambda c: True, "unexplained"),
)  # fmt: skip
"""For every fill of either book."""


def fill_row(
    own: Execution | None, venue: Execution | None, book: Own, told: Venue, orders: Mapping[str, OwnOrder]
) -> Row:
    """What becomes of a fill."""
    known = own or venue
    assert known is not None, "a name of one of the books"
    case = FillCase(own, venue, orders.get(known.order_id), book, told)
    rule = next(rule for rule in FILL_RULES if rule.fits(case))
    after = venue if rule.resolution == "book" else None
    return Row("fill", known.fill_id, _fill(own), _fill(venue), rule.resolution, rule.name, after)


def _fill(fill: Execution | None) -> str:
    if fill is None:
        return NOTHING
    return f"{fill.ticker} {fill.change:+d} for {fill.quote} at height {fill.height}"


class PositionCase(NamedTuple):
    """A position. expected: ours with all fills since, up to the venue's height. doubt: a fill of it is not clear."""

    own: Held
    venue: Held
    expected: int
    doubt: bool
    book: Own
    told: Venue


class PositionRule(NamedTuple):
    """A row of the table."""

    name: str
    text: str
    fits: Callable[[PositionCase], bool]
    resolution: str


POSITION_RULES: Final = (
    PositionRule("first_look", "our book begins here: the venue's word", lambda c: not c.book.base_height, "adopt"),
    PositionRule("lagging", "the venue's positions are older than our own: ask again",
                 lambda c: c.told.position_height < c.own.height, "wait"),
    PositionRule("same", "the same in both books",
                 lambda c: c.expected == c.venue.size_quantums == c.own.size_quantums, "agree"),
    PositionRule("by_fills", "ours with the fills since is the venue's",
                 lambda c: c.expected == c.venue.size_quantums, "adopt"),
    PositionRule("unclear", "a fill in this market is not clear yet", lambda c: c.doubt, "wait"),
    PositionRule("adrift", "no fill explains the difference", lambda c: True, "unexplained"),
)  # fmt: skip
"""For every position of either book."""


TEXTS: Final[dict[str, str]] = {
    **{rule.name: rule.text for rule in ORDER_RULES},
    **{rule.name: rule.text for rule in FILL_RULES},
    **{rule.name: rule.text for rule in POSITION_RULES},
}
"""What every rule says, by its name."""


def position_row(
    own: Held, venue: Held, since: Sequence[Execution], doubt: bool, book: Own, told: Venue
) -> Row:
    """What becomes of a position. since: fills above the height of ours, those just booked among them."""
    expected = own.size_quantums
    for fill in since:
        if fill.height <= told.position_height:
            expected += fill.change
    rule = next(r for r in POSITION_RULES if r.fits(PositionCase(own, venue, expected, doubt, book, told)))
    after = venue._replace(height=told.position_height) if rule.resolution == "adopt" else None
    key = f"{own.ticker}/{own.subaccount}"
    mine = f"{own.size_quantums} at height {own.height}"
    return Row("position", key, mine, f"{venue.size_quantums}", rule.resolution, rule.name, after)
