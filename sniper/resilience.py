"""How much of the way to the venue still works, as one of four modes, and what each of them allows.

    normal     everything
    degraded   smaller entries: something is late, lost or doubtful
    critical   reductions only: we may not see the market or ourselves any more
    emergency  resting orders are taken back, nothing is opened; stops that rest on the chain stay where they are

Each sign has two thresholds in one table. A worse mode is entered at once; a better one is entered one step at a time,
after no sign called for the present one for `hold_ns`. Times are the tape's, so that a replay is in the same mode at
the same tick; every change is kept with what caused it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta

from sniper.order_record import Claim
from sniper.trading import Answer, Withdraw

SECOND_NS: Final = 1_000_000_000
MODES: Final = ("normal", "degraded", "critical", "emergency")
NORMAL, DEGRADED, CRITICAL, EMERGENCY = range(4)
CHANGES_MAX: Final = 64
LOST_MAX: Final = 256
NEVER: Final = 1 << 62
STANDING: Final = ("sent", "acked", "replacing")
KEY_REFUSED: Final = (("accountplus", 1), ("accountplus", 4), ("accountplus", 100), ("sdk", 4), ("sdk", 8))
"""Codespace and code (orders.md 7): no such authenticator, or not active, or not its signature; not authorized, or not
the account's key. A market or message that a good key is not meant for is refused otherwise."""

Nanoseconds = Annotated[int, Meta(ge=0, le=10**15)]


class ResilienceSettings(NamedTuple):
    """When a session is less than normal. Of each sign: from where on degraded, critical, emergency."""

    on: bool = False
    feed_degraded_ns: Nanoseconds = 3 * SECOND_NS  # age of the newest oracle price of any market
    feed_critical_ns: Nanoseconds = 8 * SECOND_NS
    feed_emergency_ns: Nanoseconds = 60 * SECOND_NS
    account_degraded_ns: Nanoseconds = 2 * SECOND_NS  # how long the account channel has not been trusted
    account_critical_ns: Nanoseconds = 20 * SECOND_NS
    account_emergency_ns: Nanoseconds = 180 * SECOND_NS
    books_degraded_ns: Nanoseconds = 5 * SECOND_NS  # how long our books have not been reconciled
    books_critical_ns: Nanoseconds = 90 * SECOND_NS
    books_emergency_ns: Nanoseconds = 600 * SECOND_NS
    lost_degraded: int = 1  # answers to our commands that did not come, within lost_ns
    lost_critical: int = 3
    lost_emergency: int = 10
    lost_ns: Nanoseconds = 60 * SECOND_NS
    unknown_degraded: int = 1  # orders of unknown fate
    unknown_critical: int = 4
    unknown_emergency: int = 16
    key_degraded: int = 1  # commands refused because the node does not take our key, within lost_ns
    key_critical: int = 3
    key_emergency: int = 1000
    hold_ns: Nanoseconds = 10 * SECOND_NS  # without a sign for so long the next better mode is entered
    degraded_size_ppm: Annotated[int, Meta(ge=1, le=1_000_000)] = 500_000  # of the size of an entry
    retry_ns: Nanoseconds = 2 * SECOND_NS  # an order that still rests in an emergency is withdrawn again


class Signs(NamedTuple):
    """What a tick knows of the way to the venue. Times in ns of the tape."""

    now_ns: int
    feed_ns: int
    trust: str
    settled: bool
    lost: int
    unknown: int
    barred: int = 0


def lost_and_barred(answers: Sequence[Answer]) -> tuple[int, int]:
    """How many commands got no answer, and how many the node refused because it does not take the key."""
    lost = barred = 0
    for answer in answers:
        lost += answer.code < 0
        barred += (answer.text.partition(" ")[0], answer.code) in KEY_REFUSED
    return lost, barred


class Sign(NamedTuple):
    """A row of the table."""

    name: str
    unit: str
    figure: Callable[[_State, Signs], int]
    limits: Callable[[ResilienceSettings], tuple[int, int, int]]


class Change(NamedTuple):
    """The mode changed. sign, figure, limit: what called for it; "" when it got better."""

    now_ns: int
    before: str
    after: str
    sign: str
    figure: float
    limit: float


class _State(msgspec.Struct, array_like=True):
    mode: int = NORMAL
    begun_ns: int = 0
    calm_ns: int = NEVER
    """Since when no sign has called for the present mode."""
    trusted_ns: int = 0
    settled_ns: int = 0
    lost: list[int] = []
    asked: list[tuple[int, int]] = []
    barred: list[int] = []


SIGNS: Final = (
    Sign(
        "feed",
        "s",
        lambda state, signs: signs.now_ns - max(signs.feed_ns, state.begun_ns),
        lambda s: (s.feed_degraded_ns, s.feed_critical_ns, s.feed_emergency_ns),
    ),
    Sign(
        "account",
        "s",
        lambda state, signs: signs.now_ns - state.trusted_ns,
        lambda s: (s.account_degraded_ns, s.account_critical_ns, s.account_emergency_ns),
    ),
    Sign(
        "books",
        "s",
        lambda state, signs: signs.now_ns - state.settled_ns,
        lambda s: (s.books_degraded_ns, s.books_critical_ns, s.books_emergency_ns),
    ),
    Sign(
        "answers",
        "",
        lambda state, signs: len(state.lost),
        lambda s: (s.lost_degraded, s.lost_critical, s.lost_emergency),
    ),
    Sign(
        "orders",
        "",
        lambda state, signs: signs.unknown,
        lambda s: (s.unknown_degraded, s.unknown_critical, s.unknown_emergency),
    ),
    Sign(
        "key refused",
        "",
        lambda state, signs: len(state.barred),
        lambda s: (s.key_degraded, s.key_critical, s.key_emergency),
    ),
)

UNITS: Final = {sign.name: f" {sign.unit}" if sign.unit else "" for sign in SIGNS}


class Resilience:
    """Keeps the mode. `apply` once a tick; `changes` are the last ones, newest last."""

    def __init__(self, settings: ResilienceSettings) -> None:
        for sign in SIGNS:
            limits = sign.limits(settings)
            if not 0 < limits[0] <= limits[1] <= limits[2]:
                raise ValueError(f"resilience: the limits of {sign.name} must rise: {limits}")
        self.settings = settings
        self._state = _State()
        self.changes: deque[Change] = deque(maxlen=CHANGES_MAX)

    @property
    def mode(self) -> int:
        """0 normal, 1 degraded, 2 critical, 3 emergency."""
        return self._state.mode

    @property
    def since_ns(self) -> int:
        """When the mode was entered, 0 before the first look."""
        return self.changes[-1].now_ns if self.changes else self._state.begun_ns

    @property
    def cause(self) -> str:
        """What called for the mode, "" in normal."""
        if not self.changes or self._state.mode == NORMAL:
            return ""
        last = self.changes[-1]
        if not last.sign:
            return f"was {last.before}, getting better"
        unit = UNITS[last.sign]
        return f"{last.sign} {last.figure:.3g}{unit}, limit {last.limit:g}{unit}"

    @property
    def size_ppm(self) -> int:
        """What is left of the size of an entry."""
        return self.settings.degraded_size_ppm if self._state.mode == DEGRADED else 1_000_000

    def apply(self, signs: Signs) -> Change | None:
        """Look at the signs; the change of mode that they call for."""
        state, settings = self._state, self.settings
        if not settings.on:
            return None
        now_ns = signs.now_ns
        if not state.begun_ns:
            state.begun_ns = state.trusted_ns = state.settled_ns = now_ns
        if signs.trust == "live":
            state.trusted_ns = now_ns
        if signs.settled:
            state.settled_ns = now_ns
        for kept, count in ((state.lost, signs.lost), (state.barred, signs.barred)):
            kept += [now_ns] * min(count, LOST_MAX)
            while kept and (now_ns - kept[0] >= settings.lost_ns or len(kept) > LOST_MAX):
                del kept[0]
        mode, name, figure, limit = NORMAL, "", 0.0, 0.0
        for sign in SIGNS:
            found, limits = sign.figure(state, signs), sign.limits(settings)
            level = (found >= limits[0]) + (found >= limits[1]) + (found >= limits[2])
            if level > mode:
                unit = SECOND_NS if sign.unit else 1
                mode, name, figure, limit = level, sign.name, found / unit, limits[level - 1] / unit
        if mode > state.mode:
            return self._enter(now_ns, mode, name, figure, limit)
        if mode == state.mode:
            state.calm_ns = NEVER
        elif state.calm_ns == NEVER:
            state.calm_ns = now_ns
        elif now_ns - state.calm_ns >= settings.hold_ns:
            return self._enter(now_ns, state.mode - 1, "", 0.0, 0.0)
        return None

    def _enter(self, now_ns: int, mode: int, name: str, figure: float, limit: float) -> Change:
        state = self._state
        change = Change(now_ns, MODES[state.mode], MODES[mode], name, figure, limit)
        state.mode, state.calm_ns = mode, NEVER
        self.changes.append(change)
        return change

    def withdraws(self, now_ns: int, claims: Sequence[Claim]) -> list[Withdraw]:
        """In an emergency: every resting order that is no stop, again after a while as long as it rests."""
        state = self._state
        if state.mode != EMERGENCY:
            state.asked = []
            return []
        resting = [one for one in claims if one.state in STANDING and one.purpose != "protect"]
        open_ids = {one.client_id for one in resting}
        asked = {client: ns for client, ns in state.asked if client in open_ids}
        due = [
            one.client_id
            for one in resting
            if now_ns - asked.get(one.client_id, -NEVER) >= self.settings.retry_ns
        ]
        asked.update((client, now_ns) for client in due)
        state.asked = sorted(asked.items())
        return [Withdraw(client, "emergency: nothing may rest that nobody watches") for client in due]

    def save(self) -> bytes:
        """The state as bytes."""
        return msgspec.msgpack.encode((self._state, list(self.changes)))

    def load(self, state: bytes) -> None:
        """Take over a state that `save` wrote. ValueError on anything else."""
        try:
            self._state, changes = msgspec.msgpack.decode(state, type=tuple[_State, list[Change]])
        except msgspec.MsgspecError as problem:
            raise ValueError(f"not a state of resilience: {problem}") from None
        self.changes.clear()
        self.changes.extend(changes)


def described(change: Change) -> str:
    """The change in a line."""
    if not change.sign:
        return f"{change.before} -> {change.after}: no sign against it any more"
    return f"{change.before} -> {change.after}: {change.sign} {change.figure:g}, limit {change.limit:g}"


def table(settings: ResilienceSettings) -> list[tuple[str, str, str, str]]:
    """The entry conditions for the document: sign and three limits."""
    rows = []
    for sign in SIGNS:
        unit = SECOND_NS if sign.unit else 1
        rows.append(
            (sign.name, *(f"{limit / unit:g} {sign.unit}".strip() for limit in sign.limits(settings)))
        )
    return rows  # type: ignore[return-value]
