"""Asks the Indexer by REST what became of us, and says when our books are known to agree with it.

A round asks for REST's height first and then for the subaccount, the open orders and the fills, so that the answers
are known to be at least of that height. It is due at the start, after every new account snapshot (so after every
reconnect), when an order's fate can be proven by a query, and every `every_ns`. Until the first round after a doubt
is through, nothing new is opened (gate `reconciled`). Rounds that fail are tried again, later each time. All times are
the tape's: a replay asks the same questions at the same ticks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta

from sniper.account_facts import Queried
from sniper.order_proof import CACHED_BLOCKS
from sniper.order_record import NOTHING, Evidence
from sniper.types import Ask, Resubscribe

SECOND_NS: Final = 1_000_000_000
FILLS_MAX: Final = 1000
STATUSES: Final = "OPEN,UNTRIGGERED,BEST_EFFORT_OPENED"
WANTED: Final = ("subaccount", "orders", "fills")
NEVER: Final = 1 << 62

Nanoseconds = Annotated[int, Meta(ge=0, le=10**15)]


class ReconcileSettings(NamedTuple):
    """When to ask. every_ns 0: never, for a venue whose account frames are complete."""

    every_ns: Nanoseconds = 60 * SECOND_NS  # between two rounds
    answer_ns: Nanoseconds = 20 * SECOND_NS  # a round without its answers by then has failed
    retry_ns: Nanoseconds = 2 * SECOND_NS  # after a failure, doubling
    retry_longest_ns: Nanoseconds = 60 * SECOND_NS
    apart_ns: Nanoseconds = 5 * SECOND_NS  # between two rounds that a question or a snapshot asks for
    old_ns: Nanoseconds = 300 * SECOND_NS  # without a good round for so long our books are not believed
    channel_ns: Nanoseconds = 10 * SECOND_NS  # an account channel in doubt is asked for a snapshot this often


NO_RECONCILING: Final = ReconcileSettings(every_ns=0)


class Seen(NamedTuple):
    """What a tick knows of the account. connection -1: no account frame came yet."""

    now_ns: int
    trust: str
    snapshot: bool
    queried: Sequence[Queried]
    new_fills: int
    open_questions: bool
    connection: int


class Reconcile:
    """One account's rounds. `apply` once a tick."""

    def __init__(self, settings: ReconcileSettings, address: str, subaccount: int) -> None:
        self.settings = settings
        self._owner = (("address", address), ("subaccountNumber", str(subaccount)))
        self._id = f"{address}/{subaccount}"
        self._state = _State()
        self.evidence: Evidence = NOTHING
        """What the round that ended in this tick proves. All of it at once: an order that is missing from the list may
        have filled, and the fills that say so came with another answer of the same round."""

    @property
    def settled(self) -> bool:
        """Whether our books are known to agree with the venue's."""
        return not self.settings.every_ns or self._state.settled

    @property
    def rounds(self) -> tuple[int, int]:
        """How many rounds were good and how many failed."""
        return self._state.good, self._state.failed

    @property
    def agreed(self) -> tuple[int, int]:
        """REST's height in the last good round and when that round ended; zeros before the first."""
        return self._state.floor, self._state.good_ns

    @property
    def missing(self) -> tuple[str, ...]:
        """Answers that the round under way waits for."""
        return tuple(self._state.missing)

    def apply(self, seen: Seen) -> tuple[Ask | Resubscribe, ...]:
        """Take in this tick's answers; what is to be asked now."""
        self.evidence = NOTHING
        if not self.settings.every_ns:
            return ()
        state = self._state
        if seen.trust != "live":
            state.settled = False
        if seen.snapshot:
            state.settled = False
            state.due_ns = min(state.due_ns, seen.now_ns)
        asked = self._renew(seen)
        if state.missing:
            asked += self._hear(seen)
        if not state.missing and self._due(seen):
            asked += self._begin(seen)
        if state.settled and seen.now_ns - state.good_ns > self.settings.old_ns:
            state.settled = False
        return asked

    def _due(self, seen: Seen) -> bool:
        if seen.trust == "empty":
            return False
        state = self._state
        soon = state.began_ns + self.settings.apart_ns
        due_ns = min(state.due_ns, soon) if seen.open_questions and not state.in_a_row else state.due_ns
        return seen.now_ns >= due_ns

    def _begin(self, seen: Seen) -> tuple[Ask, ...]:
        state = self._state
        state.began_ns, state.height, state.missing = seen.now_ns, 0, ["height"]
        state.proven = NOTHING
        return (Ask("height", (), "reconcile"),)

    def _hear(self, seen: Seen) -> tuple[Ask, ...]:
        """Answers of the round that is under way."""
        state = self._state
        if seen.now_ns - state.began_ns > self.settings.answer_ns:
            self._fail(seen.now_ns)
            return ()
        state.snapshot_late = state.snapshot_late or seen.snapshot
        for answer in seen.queried:
            if answer.endpoint not in state.missing:
                continue
            if not 200 <= answer.status < 300 or answer.height < state.floor:
                self._fail(seen.now_ns)
                return ()
            if answer.endpoint == "height":
                state.height, state.missing = answer.height, list(WANTED)
                state.snapshot_late = seen.snapshot
                return self._questions()
            self._prove(answer, seen)
            state.missing.remove(answer.endpoint)
        if not state.missing:
            self._end(seen)
        return ()

    def _questions(self) -> tuple[Ask, ...]:
        orders = (*self._owner, ("status", STATUSES), ("limit", str(FILLS_MAX)))
        fills = (*self._owner, ("limit", str(FILLS_MAX)))
        return (
            Ask("subaccount", self._owner, "reconcile"),
            Ask("orders", orders, "reconcile"),
            Ask("fills", fills, "reconcile"),
        )

    def _prove(self, answer: Queried, seen: Seen) -> None:
        """What a good answer proves: complete lists, as of the height that was known before it was asked for."""
        height = max(self._state.height - CACHED_BLOCKS, 0)
        if answer.endpoint == "orders" and len(answer.ids) < FILLS_MAX:
            self._state.proven = self._state.proven._replace(orders_height=height, listed=answer.ids)
        elif answer.endpoint == "fills" and (len(answer.ids) < FILLS_MAX or seen.new_fills < len(answer.ids)):
            # Newest first: as soon as one of them was known before, nothing lies between.
            self._state.proven = self._state.proven._replace(fills_height=height)

    def _end(self, seen: Seen) -> None:
        state = self._state
        self.evidence, state.proven = state.proven, NOTHING
        state.in_a_row = 0
        state.good += 1
        state.good_ns, state.floor = seen.now_ns, state.height
        again = state.snapshot_late  # what it told may be newer than the answers
        state.due_ns = seen.now_ns + (self.settings.apart_ns if again else self.settings.every_ns)
        state.settled = seen.trust == "live" and not again

    def _fail(self, now_ns: int) -> None:
        state = self._state
        state.failed += 1
        wait_ns = self.settings.retry_ns << min(state.in_a_row, 16)
        state.in_a_row += 1
        state.missing = []
        state.due_ns = now_ns + min(wait_ns, self.settings.retry_longest_ns)

    def _renew(self, seen: Seen) -> tuple[Ask | Resubscribe, ...]:
        """The channel itself: news was lost, so a fresh snapshot is wanted."""
        state = self._state
        if seen.trust != "doubtful" or seen.connection < 0:
            return ()
        if seen.now_ns - state.renewed_ns < self.settings.channel_ns:
            return ()
        state.renewed_ns = seen.now_ns
        return (Resubscribe(seen.connection, "v4_subaccounts", self._id, "account in doubt"),)

    def save(self) -> bytes:
        """The state as bytes."""
        return msgspec.msgpack.encode(self._state)

    def load(self, state: bytes) -> None:
        """Take over a state that `save` wrote. ValueError on anything else."""
        try:
            self._state = msgspec.msgpack.decode(state, type=_State)
        except msgspec.MsgspecError as problem:
            raise ValueError(f"not a state of reconciling: {problem}") from None
        self.evidence = NOTHING


class _State(msgspec.Struct, array_like=True):
    settled: bool = False
    due_ns: int = 0
    began_ns: int = -NEVER
    good_ns: int = 0
    renewed_ns: int = -NEVER
    height: int = 0
    """REST's height when this round's questions were asked."""
    floor: int = 0
    """REST's height in the last good round: it must not fall behind it."""
    missing: list[str] = []
    """Answers that the round under way waits for; empty between two rounds."""
    proven: Evidence = NOTHING
    """What the answers of that round prove so far."""
    snapshot_late: bool = False
    in_a_row: int = 0
    good: int = 0
    failed: int = 0
