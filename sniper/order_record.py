"""One order as `orders` keeps it: the fact that others see, what only its life needs, and the settings of orders."""

from __future__ import annotations

from typing import Annotated, Final, Literal, NamedTuple

import msgspec
from msgspec import Meta

from sniper.order_table import FINAL, SHORT_TERM
from sniper.trading import Cancel, Intent, Order, Place

AHEAD_MAX: Final = 20
"""Blocks ahead of the height that a good-til-block may be while the height is fresh."""
WINDOW: Final = 40
"""ShortBlockWindow of the chain: what is further ahead of the last height is refused (11)."""

Id = Annotated[int, Meta(ge=0, le=(1 << 32) - 1)]
Blocks = Annotated[int, Meta(ge=1, le=AHEAD_MAX)]
Rule = Literal["frames", "query"]


class OrdersSettings(NamedTuple):
    """What our orders are set to. Client ids: the two highest bits name the writer, a block of them is ours."""

    address: str = ""
    """Owner of the subaccount."""
    subaccount: Annotated[int, Meta(ge=0, le=128_000)] = 0
    writer: Annotated[int, Meta(ge=0, le=3)] = 0
    first_client_id: Id = 1
    last_client_id: Id = 65_535
    good_til_blocks: Blocks = 15
    """Life of a short-term order that may rest, in blocks."""
    ioc_good_til_blocks: Blocks = 5
    """The same for IOC: the sooner it is over, the sooner its fate is known."""
    long_term_s: Annotated[int, Meta(ge=60, le=94 * 86_400)] = 28 * 86_400
    """Life of long-term and conditional orders; the chain takes at most 95 days."""
    entry_blocks: Annotated[int, Meta(ge=1, le=10_000)] = 150
    """A stateful order's transaction enters no block later than so many after it was sent: then its fate is known. More
    than a feed may lag before stops are the last that can still be placed. Only where queries prove an end."""
    answer_timeout_ns: Annotated[int, Meta(ge=1_000_000)] = 3_000_000_000
    """Without an answer for so long an order is of unknown fate."""
    block_ns: Annotated[int, Meta(ge=1_000_000)] = 640_000_000
    """Time from block to block, to guess the height while no news of it come."""
    overdue_blocks: Annotated[int, Meta(ge=1, le=100_000)] = 40
    """If the end of an order is not proven so long after it, its market takes no new risk."""
    proof: Rule = "frames"
    """What proves an end: the venue's own complete account frames, or answers to queries. See `order_proof`."""
    open_max: Annotated[int, Meta(ge=1, le=4096)] = 512
    finished_max: Annotated[int, Meta(ge=1, le=65_536)] = 1024
    """How many finished orders are remembered."""

    def last_entry(self, height: int) -> int:
        """The last block that may take the transaction of a stateful order that is sent now; 0: any."""
        return height + self.entry_blocks if self.proof == "query" and height > 0 else 0


class Terms(NamedTuple):
    """What a replacement changes: size (filled part included), price and good-til-block."""

    size_steps: int
    price_ticks: int
    good_til_block: int


class Claim(NamedTuple):
    """What is left of an open order at the most: of two that may stand, the larger size and the worse price."""

    client_id: int
    market: int
    side: int
    steps: int
    price_ticks: int
    kind: str
    time_in_force: str
    reduce_only: bool
    purpose: str
    state: str
    sent_ns: int
    optimistic: int = 0
    """Steps that the Indexer's node saw filled and no block has confirmed yet."""


class Held(msgspec.Struct, array_like=True):
    """An order with its history. Heights of 0: not known.

    Filled by fills and filled as told by the Indexer are kept apart: both are sums over the same fills, and either
    may come first.
    """

    order: Order
    intent: Intent
    sent_height: int
    doubt_height: int = 0
    """Height when its fate became doubtful."""
    cancel_ns: int = 0
    """When a cancel was last sent, 0: none is on its way."""
    cancel_height: int = 0
    """The newest block when a cancel was last sent."""
    fill_steps: int = 0
    told_steps: int = 0
    optimistic_steps: int = 0
    sequence: int = -1
    """Sequence of the account in a stateful order's transaction, as far as the venue told it."""
    seen: bool = False
    """Whether the Indexer ever showed it."""
    pending: Terms | None = None
    """The replacement on its way."""
    ahead: int = -1
    """Of a stateful order of an earlier session whose sequence was not told: so many of ours were signed before it."""

    @property
    def done(self) -> bool:
        """Nothing of it can fill any more."""
        return self.order.state in FINAL

    @property
    def short_term(self) -> bool:
        """Whether it ends with a block, not with a time."""
        return self.order.kind == SHORT_TERM

    def size_max(self) -> int:
        """The most steps that it can fill, counted from its beginning: a replacement may be larger."""
        own = self.order.size_steps
        return max(own, self.pending.size_steps) if self.pending else own

    def claim(self) -> Claim:
        """What is left of it at the most."""
        order, prices = self.order, [self.order.price_ticks]
        if self.pending:
            prices.append(self.pending.price_ticks)
        return Claim(
            order.client_id,
            order.market,
            order.side,
            max(0, self.size_max() - order.filled_steps),
            min(prices) if order.side else max(prices),
            order.kind,
            order.time_in_force,
            order.reduce_only,
            order.purpose,
            order.state,
            order.sent_ns,
            max(0, self.optimistic_steps - order.filled_steps),
        )

    def last_block(self) -> int:
        """The last block that can fill a short-term order: a replacement on its way may live longer."""
        own = self.order.good_til_block
        return max(own, self.pending.good_til_block) if self.pending else own


class Evidence(NamedTuple):
    """What the Indexer is known to have shown completely. 0, () and -1: nothing of that kind.

    fills_height: a fills query gave every fill of ours up to this height. orders_height, listed: a snapshot or an
    orders query of this height listed all open orders, these ids (their news come with them). sequence: the
    account's next sequence in committed state; sequence_height: the blocks up to there led to it. block_s: block time,
    unix seconds.
    """

    fills_height: int = 0
    orders_height: int = 0
    listed: tuple[str, ...] = ()
    sequence: int = -1
    sequence_height: int = 0
    block_s: int = 0


NOTHING: Final = Evidence()


class Question(NamedTuple):
    """What a venue with queries should be asked to prove an end: a query whose answer is of a height above this."""

    query: str  # fills orders
    client_id: int
    order_id: str
    market: int
    height: int


def cause(intent: Intent) -> str:
    """Why an order is placed, in a line: who wanted it, what for, and the first reason."""
    first = intent.reasons[0] if intent.reasons else None
    why = f": {first.name} {first.found:g}, needed {first.needed:g}" if first else ""
    return f"{intent.strategy or 'risk'} {intent.purpose}{why}"


def command_of(order: Order, ticker: str, why: str) -> Place:
    """The command that places an order."""
    return Place(
        order.client_id,
        order.market,
        ticker,
        order.side,
        order.size_steps,
        order.price_ticks,
        order.kind,
        order.time_in_force,
        order.reduce_only,
        order.good_til_block,
        order.good_til_s,
        order.trigger,
        order.trigger_ticks,
        order.purpose,
        why,
    )


def cancel_of(held: Held, ticker: str, why: str) -> Cancel:
    """The command that takes an order back, good til its own end: a smaller one would cancel nothing."""
    order, until = held.order, held.last_block() if held.short_term else 0
    return Cancel(order.client_id, order.market, ticker, order.kind, until, order.good_til_s, why)
