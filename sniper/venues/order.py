"""An order of ours as it lies at the paper venue. Sizes in steps, prices in ticks, times in nanoseconds since 1970."""

from __future__ import annotations

import msgspec

from sniper.trading import BUY
from sniper.venues.queue import Queue, joined

FLAGS = {"short_term": 0, "conditional": 32, "long_term": 64}
"""order_flags of the chain by kind."""
WAITING, UNTRIGGERED, RESTING = "waiting", "untriggered", "resting"
"""Waiting: accepted, not in a block yet. Untriggered: a conditional order before its trigger. Resting: on the book."""

Key = tuple[int, int, int]
"""(client id, order flags, market): what tells orders of one subaccount apart."""


class PaperOrder(msgspec.Struct):
    """One order. size: in all, filled included. seq: the order of arrivals, for priority at one price.

    news_ns: when its latest news before a block is due; later ones never overtake it. placed_height: the block that
    took a stateful order in.
    """

    client_id: int
    market: int
    ticker: str
    order_id: str
    side: int
    size: int
    price: int
    kind: str
    time_in_force: str
    reduce_only: bool
    good_til_block: int
    good_til_s: int
    trigger: str
    trigger_ticks: int
    seq: int
    arrived_ns: int
    state: str = RESTING
    filled: int = 0
    news_ns: int = 0
    placed_height: int = 0
    queue: Queue = msgspec.field(default_factory=lambda: joined(0))

    @property
    def flags(self) -> int:
        """order_flags of the chain."""
        return FLAGS[self.kind]

    @property
    def key(self) -> Key:
        """What tells it from other orders of the subaccount."""
        return self.client_id, self.flags, self.market

    @property
    def short_term(self) -> bool:
        """Whether it lives in the validators' memory only."""
        return self.kind == "short_term"

    @property
    def rising(self) -> bool:
        """Whether a conditional order waits for a price from below."""
        return (self.trigger == "stop_loss") == (self.side == BUY)

    @property
    def left(self) -> int:
        """Steps not filled yet."""
        return self.size - self.filled

    @property
    def priority(self) -> tuple[int, int]:
        """Sorts the orders of one side of a market by price, then by arrival."""
        return (-self.price if self.side == BUY else self.price), self.seq
