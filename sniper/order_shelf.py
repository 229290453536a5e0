"""Where orders are kept: the open ones and the last finished ones, found by our id or by the Indexer's.

The only place where an order changes its state: `step` looks the change up in the transition table.
"""

from __future__ import annotations

from typing import Final

import msgspec

from sniper.order_record import Claim, Held
from sniper.order_table import FINAL, STATES, TRANSITIONS, Transition
from sniper.running_digest import RunningDigest
from sniper.trading import Order

COUNTS: Final = (
    "foreign_news",  # news of orders that are not ours
    "foreign_fills",
    "foreign_answers",
    "late_fills",  # fills that contradict what said or proved that an order is dead
    "overfilled",
    "ignored",  # events that the table has no row for
    "unknown_status",
    "dropped",  # approved intents that could not be sent
    "not_open",  # withdrawals of orders that are not open
)
QUIET: Final = ("accepted", "opened", "removed", "ended", "filled")
"""Events that may be told twice: without a row in the table they are nothing to count."""
DOUBT: Final = ("fading", "unknown")


class Shelf:
    """Orders by id. The shelf of finished ones holds `finished_max`, the oldest leave it first.

    live: open orders by our id, oldest first. changes: the steps taken since `begin`. counts: what did not fit.
    """

    def __init__(self, digest: RunningDigest, finished_max: int) -> None:
        self._digest, self._finished_max = digest, finished_max
        self.live: dict[int, Held] = {}
        self.finished: dict[int, Held] = {}
        self.changes: list[Transition] = []
        self.counts = dict.fromkeys(COUNTS, 0)
        self._by_order_id: dict[str, Held] = {}
        self._open: dict[int, tuple[Order, ...]] = {}
        self._all: tuple[Order, ...] | None = ()
        self._claims: tuple[Claim, ...] | None = ()

    def of(self, client_id: int) -> Held | None:
        """An order by our id."""
        return self.live.get(client_id) or self.finished.get(client_id)

    def by_order_id(self, order_id: str) -> Held | None:
        """An order by the Indexer's id."""
        return self._by_order_id.get(order_id)

    def seen(self, client_id: int) -> bool:
        """Whether the Indexer ever showed an order of ours."""
        held = self.of(client_id)
        return held is not None and held.seen

    def open(self, market: int) -> tuple[Order, ...]:
        """The open orders of a market."""
        found = self._open.get(market)
        if found is None:
            found = tuple(held.order for held in self.live.values() if held.order.market == market)
            self._open[market] = found
        return found

    def all_open(self) -> tuple[Order, ...]:
        """The open orders of all markets."""
        if self._all is None:
            self._all = tuple(held.order for held in self.live.values())
        return self._all

    def claims(self) -> tuple[Claim, ...]:
        """What is left of the open orders of all markets, at the most."""
        if self._claims is None:
            self._claims = tuple(held.claim() for held in self.live.values())
        return self._claims

    def add(self, held: Held) -> None:
        """A new order, or one of an earlier session."""
        (self.finished if held.done else self.live)[held.order.client_id] = held
        self._by_order_id[held.order.order_id] = held
        self.touch(held)

    def touch(self, held: Held) -> None:
        """The fact of an order has changed."""
        self._open.pop(held.order.market, None)
        self._all = self._claims = None

    def begin(self) -> None:
        """Forget the steps taken so far."""
        self.changes = []

    def step(self, held: Held, event: str, detail: str, height: int) -> bool:
        """An event met an order. False, and nothing but a count changes, if the table has no row for it."""
        before = held.order.state
        after = TRANSITIONS.get((before, event))
        settled = self._settle(held, event)
        if after is None:
            self.counts["ignored"] += event not in QUIET and not settled
            return False
        cause = f"{event}: {detail}" if detail else event
        if after in DOUBT and before not in DOUBT:
            held.doubt_height = height
        held.order = order = held.order._replace(state=after, cause=cause)
        self.touch(held)
        change = Transition(order.client_id, order.market, before, after, event, cause)
        self.changes.append(change)
        self._digest.fold(repr((*change, order.filled_steps)).encode())
        if after in FINAL and before not in FINAL:
            self._finish(held)
        return True

    def _settle(self, held: Held, event: str) -> bool:
        """Which of two stands, if this event tells: the order as it was, or the replacement on its way."""
        if held.pending is None or event not in ("accepted", "opened", "kept"):
            return False
        if event != "kept":
            held.order = held.order._replace(**held.pending._asdict())
        held.pending = None
        self.touch(held)
        return True

    def _finish(self, held: Held) -> None:
        del self.live[held.order.client_id]
        self.finished[held.order.client_id] = held
        if len(self.finished) > self._finished_max:
            oldest = next(iter(self.finished))
            del self._by_order_id[self.finished.pop(oldest).order.order_id]

    def save(self) -> bytes:
        """The state as bytes."""
        kept = _State([*self.live.values()], [*self.finished.values()], [*self.counts.values()])
        return msgspec.msgpack.encode(kept)

    def load(self, state: bytes) -> None:
        """Take over a state that `save` wrote. ValueError on anything else."""
        try:
            kept = msgspec.msgpack.decode(state, type=_State)
        except msgspec.MsgspecError as problem:
            raise ValueError(f"not a state of orders: {problem}") from None
        everything = [*kept.live, *kept.finished]
        ids = {held.order.client_id for held in everything} | {held.order.order_id for held in everything}
        if len(ids) != 2 * len(everything) or len(kept.counts) != len(COUNTS):
            raise ValueError("not a state of orders: ids come twice, or counts are missing")
        if any(held.order.state not in STATES for held in everything):
            raise ValueError("not a state of orders: a state that the table lacks")
        if any(held.done for held in kept.live) or not all(held.done for held in kept.finished):
            raise ValueError("not a state of orders: open and finished ones are mixed up")
        self.live = {held.order.client_id: held for held in kept.live}
        self.finished = {held.order.client_id: held for held in kept.finished}
        self._by_order_id = {held.order.order_id: held for held in everything}
        self.counts = dict(zip(COUNTS, kept.counts, strict=True))
        self._open, self._all, self._claims, self.changes = {}, None, None, []


class _State(msgspec.Struct, array_like=True):
    live: list[Held]
    finished: list[Held]
    counts: list[int]
