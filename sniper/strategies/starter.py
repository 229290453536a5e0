"""starter: a strategy that follows one score, as a starting point.

The engine calls `decide(view)` once a tick and does what it returns: risk sizes and judges every entry, and turns
down what does not fit. Three rules make a run repeatable, and a replay stops at the tick where one is broken:

1. Ask nobody but the view. No clock, no random numbers, no files, no network: time is `view.now_ns`.
2. Keep facts, never the view: what it returns is true for this tick only.
3. Everything you keep from one tick to the next goes into `save` and comes back in `load`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sniper.strategies.held import Held
from sniper.strategies.holdings import Holdings, HoldingsState, entered
from sniper.strategies.parts import Positive, Score, packed, require, unpacked, within_bounds
from sniper.strategies.terms import BPS, Terms, enter, fit, stop_and_target
from sniper.trading import Intent, Reason, Trip, Withdraw
from sniper.viewing import MarketFacts, View


class StarterSettings(NamedTuple):
    """What the config can set: names, types, bounds and defaults. Units come last in a name."""

    signal: str = "momentum"  # the directional score that is followed: 50 is neutral, above 50 is long
    enter_score: Score = 70.0  # a side is entered from here on
    exit_score: Score = 50.0  # and left below this
    stop_bps: Positive = 100.0  # distance of the stop, in ten-thousandths of the price
    target_bps: Positive = 200.0  # distance of the target
    hold_max_s: Positive = 3_600.0  # a position is left after so long
    # Kind of entry, slippage, fees and shares of the capital: sniper/strategies/terms.py
    terms: Terms = Terms()


class Starter:
    """One strategy. `name` is what the config calls it, `Settings` what it can be set to."""

    name = "starter"
    Settings = StarterSettings

    def __init__(
        self, signals: Sequence[str], kinds: Sequence[str], settings: StarterSettings | None = None
    ) -> None:
        # Check everything here: what is wrong in the config is told before the first tick.
        self._settings = s = within_bounds(settings if settings is not None else StarterSettings())
        s.terms.check()
        require(s.signal in signals, f"there is no signal {s.signal}: there are {', '.join(signals)}")
        require(kinds[signals.index(s.signal)] == "directional", f"{s.signal} says how much, not which way")
        require(s.exit_score < s.enter_score, "exit_score is not below enter_score")
        self._index = signals.index(s.signal)
        # Follows what became of entries and positions, leaves them at stop, target and time, keeps the caps.
        self._holdings = Holdings(self.name, s.terms, s.hold_max_s)

    def decide(self, view: View) -> Sequence[Intent | Withdraw]:
        """What is wanted now. Look only at the markets that changed: most did not."""
        wanted = self._holdings.manage(view, self._judge)
        for market in view.changed:
            score = view.scores(market)[self._index]
            if max(score, 100.0 - score) >= self._settings.enter_score:
                self._enter(view, market, wanted)
        return wanted

    def _enter(self, view: View, market: int, wanted: list[Intent | Withdraw]) -> None:
        side, score, weight, (stop, target), reasons = self._look(view, market)
        if not entered(reasons):  # one gate that is closed is enough
            return
        self._holdings.take(market, side, weight, view.now_ns, score)
        facts, terms = view.market(market), self._settings.terms
        intent = enter(
            facts,
            side,
            terms,
            weight=weight,
            score=score,
            stop=stop,
            target=target,
            strategy=self.name,
            reasons=reasons,
        )
        wanted.append(intent)

    def _look(self, view: View, market: int) -> tuple[int, float, float, tuple[int, int], tuple[Reason, ...]]:
        """Side, score, share of the capital, stop with target, and every reason. `decide` and `explain` share it."""
        s, facts = self._settings, view.market(market)
        long_score = view.scores(market)[self._index]
        side = 1 if long_score >= 50.0 else -1
        score = long_score if side > 0 else 100.0 - long_score
        ready = view.ready(market) >> self._index & 1
        ticks_a_bps = facts.mid_ticks / BPS
        ends, prices = stop_and_target(
            facts, side, s.terms, s.stop_bps * ticks_a_bps, s.target_bps * ticks_a_bps
        )
        weight, place = self._holdings.place(view, side, s.terms.weight_max)
        # A name that begins with "gate." must pass; any other only tells.
        return (
            side,
            score,
            weight,
            ends,
            (
                Reason("side", float(side), 0.0, True),
                Reason("gate.ready", float(ready), 1.0, bool(ready)),
                Reason("gate.score", score, s.enter_score, s.enter_score <= score <= 100.0),
                *self._holdings.gates(view, market),
                *fit(view, facts, s.terms),
                *prices,
                *place,
            ),
        )

    def _judge(
        self, view: View, market: int, held: Held, facts: MarketFacts, trip: Trip | None
    ) -> Sequence[Reason]:
        """Our own reason for leaving what is held. A name that begins with "exit." and passed is enough."""
        long_score = view.scores(market)[self._index]
        score = long_score if held.side > 0 else 100.0 - long_score
        known = bool(view.ready(market) >> self._index & 1)
        return (
            Reason(
                "exit.score", score, self._settings.exit_score, known and score < self._settings.exit_score
            ),
        )

    def explain(self, view: View, market: int) -> tuple[Reason, ...]:
        """What `decide` would look at, for `sniper why`. It must change nothing."""
        told = [*self._look(view, market)[4]]
        held = self._holdings.held.get(market)
        if held is not None:
            facts, trip = view.market(market), view.trip(market)
            told += self._holdings.exits(facts, held, trip, view.now_ns)
            told += self._judge(view, market, held, facts, trip)
        return tuple(told)

    def save(self) -> bytes:
        """Everything that is kept from one tick to the next. Raise the version when its shape changes."""
        return packed(self.name, 1, self._holdings.save())

    def load(self, state: bytes) -> None:
        """Take over what `save` wrote; ValueError on anything else, before anything is changed."""
        held: HoldingsState = unpacked(state, self.name, 1, HoldingsState)
        self._holdings.load(self._holdings.checked(held))
