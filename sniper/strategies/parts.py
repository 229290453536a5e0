"""Small parts that strategies share: thresholds with hysteresis, debounce in tape time, ranking, saved state.

Nothing here knows a clock: time is `view.now_ns`, so that a replay waits exactly as long as the run did.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, TypeVar, get_type_hints

import msgspec

from sniper.errors import ConfigError
from sniper.trading import BUY, SELL

T = TypeVar("T")

CORRECT = "Correct the settings of the strategy."
SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
HOUR_NS = 60 * MINUTE_NS
RESOLUTIONS = ("1MIN", "5MINS", "15MINS", "30MINS", "1HOUR", "4HOURS", "1DAY")
"""What the second argument of `View.indicators` counts."""
RESOLUTION_NS = tuple(MINUTE_NS * minutes for minutes in (1, 5, 15, 30, 60, 240, 1440))
LARGE = 1e300
"""Nothing that a market shows is larger: what is, came from a division by nothing."""
NS_MAX = (1 << 63) - 1
TOP = 100.000001
"""No score is above this: the sum of weighted scores may pass 100 by a rounding."""

Positive = Annotated[float, msgspec.Meta(gt=0.0, le=1e9)]
NotNegative = Annotated[float, msgspec.Meta(ge=0.0, le=1e9)]
Share = Annotated[float, msgspec.Meta(gt=0.0, le=1.0)]
Score = Annotated[float, msgspec.Meta(ge=0.0, le=100.0)]
Fraction = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=86_400_000)]
"""Types of settings with their bounds."""


def within_bounds(settings: T) -> T:
    """The settings, a NamedTuple, if every value has its type and keeps the bounds that stand in it. ConfigError."""
    hints = get_type_hints(type(settings), include_extras=True)
    for name, hint in hints.items():
        value = getattr(settings, name)
        if hasattr(value, "_fields"):
            within_bounds(value)
            continue
        try:
            msgspec.convert(value, hint)
        except msgspec.ValidationError as problem:
            raise ConfigError(f"{name} = {value!r}: {problem}", CORRECT) from None
    return settings


def require(condition: bool, message: str) -> None:
    """ConfigError with this message unless the condition holds."""
    if not condition:
        raise ConfigError(message, CORRECT)


def sound(value: float) -> bool:
    """A positive number: not 0, not infinite, not NaN."""
    return 0.0 < value < LARGE


def clamp(value: float, low: float, high: float) -> float:
    """The nearest number within [low, high]; low for NaN."""
    return high if value >= high else value if value > low else low


def between(position: float, at_zero: float, at_one: float) -> float:
    """The number at `position` (0..1, else the nearer end) of the way from one bound to the other."""
    return at_zero + (at_one - at_zero) * clamp(position, 0.0, 1.0)


def order_side(side: int) -> int:
    """+1 (long) and -1 (short) as the side of an order that goes that way."""
    return BUY if side > 0 else SELL


def hysteresis(on: bool, value: float, enter: float, leave: float) -> bool:
    """A switch with two thresholds: goes on at `enter`, off below `leave`. Off for NaN."""
    return value >= (leave if on else enter)


class Setup:
    """A market whose score is up: for which side, since when, and how it ranks.

    willing: when it was last looked at, only a place among the best was wanting. acted: an entry was asked for,
    and nothing is asked again before the score was down once (distinct until changed).
    """

    __slots__ = ("acted", "score", "seen_ns", "side", "since_ns", "willing")

    def __init__(
        self, side: int, since_ns: int, score: float, seen_ns: int, willing: bool = False, acted: bool = False
    ) -> None:
        self.side, self.since_ns = side, since_ns
        self.score, self.seen_ns = score, seen_ns
        self.willing, self.acted = willing, acted


class Setups:
    """The setups of all markets (or pairs). At most one a market, and none for markets whose score is down.

    enter_score, leave_score: the two thresholds. hold_ns: how long a score must stay up (debounce). rank_ns: how
    long a market that was not looked at again keeps its place in the ranking.
    """

    def __init__(self, enter_score: float, leave_score: float, hold_ns: int, rank_ns: int) -> None:
        self.enter_score, self.leave_score = enter_score, leave_score
        self.hold_ns, self._rank_ns = hold_ns, rank_ns
        self.up: dict[int, Setup] = {}

    def update(self, market: int, side: int, score: float, now_ns: int) -> Setup | None:
        """The setup of this market after its score was seen, None if the score is not up."""
        if not score <= TOP:
            self.up.pop(market, None)
            return None
        setup = self.up.get(market)
        if setup is not None:
            if setup.side == side and hysteresis(True, score, self.enter_score, self.leave_score):
                setup.score, setup.seen_ns = score, now_ns
                return setup
            del self.up[market]
        if not hysteresis(False, score, self.enter_score, self.leave_score):
            return None
        setup = self.up[market] = Setup(side, now_ns, score, now_ns)
        return setup

    def drop(self, market: int) -> None:
        """The score of this market is not up, or not known."""
        self.up.pop(market, None)

    def held_ns(self, market: int, side: int, now_ns: int) -> int:
        """How long the score has been up for this side."""
        setup = self.up.get(market)
        return now_ns - setup.since_ns if setup is not None and setup.side == side else 0

    def acted(self, market: int, side: int) -> bool:
        """Whether an entry was asked for since the score went up for this side."""
        setup = self.up.get(market)
        return setup is not None and setup.side == side and setup.acted

    def again(self, market: int) -> None:
        """The entry that was asked for came to nothing: it may be asked for again."""
        setup = self.up.get(market)
        if setup is not None:
            setup.acted = False

    def ahead(self, market: int, score: float, now_ns: int) -> int:
        """How many other markets that want to enter rank before this one: by score, then by market."""
        count = 0
        for other, setup in self.up.items():
            if (
                setup.willing
                and not setup.acted
                and other != market
                and now_ns - setup.seen_ns <= self._rank_ns
                and (setup.score > score or (setup.score == score and other < market))
            ):
                count += 1
        return count

    def rows(self) -> list[tuple[int, int, int, float, int, bool, bool]]:
        """All setups as plain values, for `save`."""
        return [
            (market, s.side, s.since_ns, s.score, s.seen_ns, s.willing, s.acted)
            for market, s in self.up.items()
        ]

    @staticmethod
    def checked(rows: list[SetupRow]) -> dict[int, Setup]:
        """Setups from saved rows. ValueError where a row cannot have been saved."""
        up: dict[int, Setup] = {}
        for market, side, since_ns, score, seen_ns, willing, acted in rows:
            if market in up or side not in (-1, 1) or not 0 <= market < 1 << 32 or not score <= TOP:
                raise ValueError(f"not a setup of market {market}")
            up[market] = Setup(side, since_ns, score, seen_ns, willing, acted)
        return up


SetupRow = tuple[int, int, int, float, int, bool, bool]


def ranked(candidates: list[tuple[float, int]]) -> Iterator[tuple[float, int]]:
    """(score, market), the best first, ties by market."""
    return iter(sorted(candidates, key=_rank))


def _rank(candidate: tuple[float, int]) -> tuple[float, int]:
    return -candidate[0], candidate[1]


def packed(name: str, version: int, state: Any) -> bytes:
    """The state of a strategy as bytes that only this strategy and version takes back."""
    return msgspec.msgpack.encode((name, version, state))


def unpacked(data: bytes, name: str, version: int, kind: Any) -> Any:
    """What `packed` was given, of the type `kind`. ValueError on anything else."""
    try:
        owner, written, raw = msgspec.msgpack.decode(data, type=tuple[str, int, msgspec.Raw])
        if (owner, written) != (name, version):
            raise ValueError(f"a state of {owner} version {written}, not of {name} version {version}")
        return msgspec.msgpack.decode(raw, type=kind)
    except msgspec.MsgspecError as problem:
        raise ValueError(f"not a state of the strategy {name}: {problem}") from None
