"""Why a tick decided what it did: scores and parts, gates, what it would have taken, the nearest miss.

The strategy is asked in the tick itself, before it decides, and so is risk: an explanation made afterwards would see
what the decision changed. Asking changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sniper.desk import Decided, Desk
from sniper.risk_gates import OPENING, REDUCTION
from sniper.risk_gates_account import ACCOUNT_GATES
from sniper.strategies.blame import blamed
from sniper.trading import BUY, SELL, Intent, Reason, Withdraw
from sniper.viewing import Strategy, View
from sniper.wording import compared

GATE, COST, SCORE = "gate.", "cost.", "gate.score"
INSIDE = ("gate.flat", "gate.orders")
NEUTRAL = 50.0
KINDS = ("side", "signal", "weight", "points", "filter", "cost", "gate", "exit", "part")
"""What the first word of a reason's name may say; anything else stands on its own."""


class Explanation(NamedTuple):
    """One market at one tick. side: +1 or -1, what the strategy leaned to (0: unknown).

    strategy: its reasons; risk: the gates' verdict on an entry at the touch, empty where there was no touch; sizing:
    what each rule would have let through, in steps.
    """

    market: int
    ticker: str
    side: int
    strategy: tuple[Reason, ...]
    risk: tuple[Reason, ...]
    sizing: tuple[Reason, ...] = ()

    @property
    def failed(self) -> tuple[Reason, ...]:
        """The gates that kept it from entering, the strategy's first."""
        own = [one for one in self.strategy if one.name.startswith(GATE) and not one.passed]
        return (*own, *[one for one in self.risk if not one.passed])

    @property
    def passed(self) -> tuple[Reason, ...]:
        """The gates that were open."""
        own = [one for one in self.strategy if one.name.startswith(GATE) and one.passed]
        return (*own, *[one for one in self.risk if one.passed])

    @property
    def score(self) -> Reason | None:
        """The score after filters and what it had to reach."""
        return next((one for one in self.strategy if one.name == SCORE), None)

    def of(self, kind: str) -> dict[str, Reason]:
        """The reasons of one kind by what comes behind its name: `of("weight")["momentum"]`."""
        start = f"{kind}."
        return {one.name[len(start) :]: one for one in self.strategy if one.name.startswith(start)}

    @property
    def alone(self) -> tuple[Reason, ...]:
        """Reasons that belong to no kind, such as the score before filters."""
        return tuple(one for one in self.strategy if one.name.partition(".")[0] not in KINDS)

    @property
    def taken(self) -> str:
        """What an entry would have taken, in words; "" where nothing was missing."""
        said = [lacking(one) for one in self.failed]
        costs = self.of("cost")
        said += [f"{name} filter cost {one.found:.3g}" for name, one in costs.items() if one.found > 0.0]
        return "; ".join(said) if self.failed else ""


class Why(NamedTuple):
    """One tick. asked: whether the strategy was asked at all: not before the account is known."""

    tick: int
    now_ns: int
    strategy: str
    asked: bool
    decided: tuple[Decided, ...]
    markets: tuple[Explanation, ...]
    rung: int

    @property
    def nearest(self) -> Explanation | None:
        """The market that came nearest to an entry without one: fewest gates missed, then the score least short."""
        misses = [one for one in self.markets if one.failed and one.strategy]
        return min(misses, key=distance, default=None)


def lacking(reason: Reason) -> str:
    """A gate that failed, as `score 61, needed 65`."""
    return f"{reason.name.removeprefix(GATE)} {compared(reason)}"


def distance(one: Explanation) -> tuple[bool, int, float, int]:
    """How far a market was from an entry. One that we are in already did not miss one: it comes last."""
    score = one.score
    short = max(0.0, score.needed - score.found) if score is not None else NEUTRAL
    inside = any(reason.name in INSIDE for reason in one.failed)
    return inside, len(one.failed), short, one.market


class Witness:
    """A strategy that explains itself ahead of each decision. markets: which, () for all."""

    def __init__(self, desk: Desk, markets: Sequence[int] = ()) -> None:
        self._desk, self._strategy, self._markets = desk, desk.strategy, tuple(markets)
        self.name = self._strategy.name
        self.seen: tuple[Explanation, ...] = ()
        self.asked = False

    @property
    def strategy(self) -> Strategy:
        """The one that decides."""
        return self._strategy

    def decide(self, view: View) -> Sequence[Intent | Withdraw]:
        """What the strategy decides, after it was asked why."""
        self.asked = True
        wanted = self._markets or range(view.markets)
        self.seen = tuple(explain(self._desk, self._strategy, view, market) for market in wanted)
        return self._strategy.decide(view)

    def explain(self, view: View, market: int) -> tuple[Reason, ...]:
        """The strategy's own words."""
        return self._strategy.explain(view, market)

    def save(self) -> bytes:
        """The strategy's state."""
        return self._strategy.save()

    def load(self, state: bytes) -> None:
        """The same."""
        self._strategy.load(state)


def explain(desk: Desk, strategy: Strategy, view: View, market: int) -> Explanation:
    """One market, as strategy and risk see it now."""
    try:
        reasons = strategy.explain(view, market)
    except (Exception, SystemExit) as problem:  # a strategy is anybody's code
        raise blamed(strategy, "explain", view.tick, problem) from problem
    facts = view.market(market)
    side = leaning(reasons)
    touch = facts.ask_ticks if side >= 0 else facts.bid_ticks
    risk: tuple[Reason, ...] = ()
    sizing: tuple[Reason, ...] = ()
    if touch > 0 and side:
        score = next((one.found for one in reasons if one.name == SCORE), NEUTRAL)
        intent = Intent(
            market, BUY if side > 0 else SELL, touch, score=score, strategy=strategy.name, reasons=()
        )
        risk, sizing = apart(desk.risk.explain(view, intent))
    return Explanation(market, facts.ticker, side, reasons, risk, sizing)


def apart(reasons: tuple[Reason, ...]) -> tuple[tuple[Reason, ...], tuple[Reason, ...]]:
    """What risk says, as its gates and behind them what each rule of sizing allowed."""
    count = len(reasons)
    for before, gates in ((ACCOUNT_GATES, OPENING), ((), REDUCTION)):
        first = [gate.name for gate in before]
        whole = [*first, *(gate.name for gate in gates)]
        without_size = [*first, *(gate.name for gate in gates if not gate.sized), "size"]
        for names in (whole, without_size):
            if [one.name for one in reasons[: len(names)]] == names:
                count = len(names)
    told = tuple(one._replace(name=f"risk.{one.name}") for one in reasons[:count])
    return told, reasons[count:]


def leaning(reasons: Sequence[Reason]) -> int:
    """The side that a strategy looks at: what it says itself, or what its points speak for: they are counted for
    that side, signals are not."""
    by_name = {one.name: one for one in reasons}
    if "side" in by_name:
        found = by_name["side"].found
        return (found > 0.0) - (found < 0.0)
    for name, reason in by_name.items():
        kind, _, signal = name.partition(".")
        weight = by_name.get(f"weight.{signal}")
        points = by_name.get(f"points.{signal}")
        if kind == "signal" and weight is not None and points is not None and points.found:
            away = (reason.found - NEUTRAL) * weight.found * points.found
            return 1 if away > 0.0 else -1
    return 0


def why(walk: Any, tick: int, markets: Sequence[int] = ()) -> Why:
    """Move a walk to a tick, and explain it. ValueError: there is no such tick, or the engine decided nothing."""
    walk.goto(tick - 1)
    desk = walk.engine.desk
    if desk is None:
        raise ValueError("the engine of this journal made no decisions: trade.mode was off")
    witness = Witness(desk, markets)
    before = desk.decided
    desk.strategy = witness
    try:
        moved = walk.step()
    finally:
        desk.strategy = witness.strategy
    if not moved or walk.number != tick:
        raise ValueError(f"the journal has no tick {tick}")
    fresh = min(desk.decided - before, len(desk.decisions))
    decided = tuple(desk.decisions)[len(desk.decisions) - fresh :]
    return Why(tick, walk.engine.now_ns, witness.name, witness.asked, decided, witness.seen, desk.risk.rung)
