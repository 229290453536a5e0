"""The default strategy: weighted scores over many markets, the best of them entered, capital shared out under caps.

A market is entered when the weighted score of a side, less what the filters cost, has been at least `enter_score`
for `hold_ms` and every gate is open, best score first. A score that went up gives one entry, not one a tick; it
must fall below `leave_score` before it can give another. A position is left at its stop, at its target, when its
score decays or when its time is up.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

from sniper.strategies.correlation import Correlations, RingRow
from sniper.strategies.held import Held
from sniper.strategies.holdings import Holdings, HoldingsState, entered
from sniper.strategies.parts import (
    SECOND_NS,
    TOP,
    Count,
    Milliseconds,
    Positive,
    Score,
    Setup,
    SetupRow,
    Setups,
    Share,
    between,
    clamp,
    packed,
    ranked,
    require,
    sound,
    unpacked,
    within_bounds,
)
from sniper.strategies.terms import BPS, Terms, enter, fit, priced, stop_and_target
from sniper.strategies.weighing import NEUTRAL, Filter, Weighing
from sniper.trading import Intent, Reason, Trip, Withdraw
from sniper.viewing import MarketFacts, View

VERSION = 1


class SniperSettings(NamedTuple):
    """What can be set. Scores are 0..100, 50 is neutral."""

    weights: tuple[tuple[str, float], ...] = (  # directional signals and their votes; negative: the other way
        ("momentum", 1.0),
        ("trend", 1.5),
        ("rsi", 0.25),
        ("bollinger", 0.25),
        ("flow", 1.5),
        ("book_3", 0.75),
        ("book_10", 0.5),
        ("microprice", 1.0),
        ("funding_next", 0.25),
        ("basis", 0.5),
        ("liquidations", 0.25),
        ("recurring", 0.25),
        ("replenished", 0.25),
    )
    filters: tuple[Filter, ...] = (  # intensities: a gate, or points off the score where it is missed
        Filter("spread", at_least=15.0),
        Filter("depth", at_least=10.0),
        Filter("realised", at_least=5.0, at_most=95.0),
        Filter("volume", at_least=10.0, points=8.0),
        Filter("regime", at_least=20.0, points=6.0),
    )
    enter_score: Score = 65.0  # a side is up from here on
    leave_score: Score = 60.0  # and down below this
    full_score: Score = 85.0  # from here on an entry gets weight_max; at enter_score it gets weight_min
    exit_score: Score = 45.0  # a position whose side scores less is left
    hold_ms: Milliseconds = 2_000  # a score must be up for so long
    exit_hold_ms: Milliseconds = 3_000  # a score must be below exit_score for so long
    rank_ms: Milliseconds = 3_000  # a market that did not change keeps its place in the ranking for so long
    horizon_min: Positive = 30.0  # over which the volatility is taken for stop and target
    stop_sigmas: Positive = 2.0  # distance of the stop, in volatilities of the horizon
    stop_bps_min: Positive = 20.0  # at least
    stop_bps_max: Positive = 300.0  # at most
    reward: Positive = 2.0  # distance of the target, in distances of the stop
    hold_max_s: Positive = 14_400.0  # a position is left after so long
    correlation_sample_s: Positive = 60.0  # mids are sampled so often
    correlation_samples: Count = 60  # so many returns are kept a market
    correlation_samples_min: Count = 20  # with fewer in common two markets count as moving alike
    weight_correlated_max: Share = 0.5  # largest share of the capital in what moves alike
    terms: Terms = Terms()  # orders and capital


class _Look(NamedTuple):
    """What a look at one market came to."""

    side: int
    score: float
    stop: int
    target: int
    gates: tuple[Reason, ...]


class Sniper:
    """See the module. signals, kinds: names of the scores and whether each is directional or an intensity."""

    name = "sniper"
    Settings = SniperSettings

    def __init__(
        self, signals: Sequence[str], kinds: Sequence[str], settings: SniperSettings | None = None
    ) -> None:
        self._settings = s = within_bounds(settings if settings is not None else SniperSettings())
        s.terms.check()
        require(
            NEUTRAL <= s.leave_score <= s.enter_score <= s.full_score,
            "50 <= leave_score <= enter_score <= full_score does not hold",
        )
        require(s.exit_score < s.leave_score, "exit_score is not below leave_score")
        require(s.stop_bps_min <= s.stop_bps_max < BPS, "stop_bps_min <= stop_bps_max < 10000 does not hold")
        self._weighing = Weighing(signals, kinds, s.weights, s.filters)
        self._base, self._votes, self._mask = self._weighing.base, self._weighing.votes, self._weighing.mask
        self._setups = Setups(s.enter_score, s.leave_score, s.hold_ms * 1_000_000, s.rank_ms * 1_000_000)
        self._holdings = Holdings(self.name, s.terms, s.hold_max_s)
        self._correlations = Correlations(s.correlation_samples, s.correlation_samples_min)
        self._sample_ns = int(s.correlation_sample_s * SECOND_NS)
        self._sampled: dict[int, int] = {}  # market -> the last slot it was looked at for a sample
        self._stop_sigmas = s.stop_sigmas * sqrt(s.horizon_min)

    def decide(self, view: View) -> Sequence[Intent | Withdraw]:
        """What is wanted now: exits first, then the best entries that there is room for."""
        wanted: list[Intent | Withdraw] = []
        if self._holdings.held or view.positions:
            wanted = self._holdings.manage(view, self._judge)
            for market, _ in self._holdings.unmade:
                self._setups.again(market)
        candidates: list[tuple[float, int]] = []
        looks: dict[int, _Look] = {}
        slot, up, sampled = view.now_ns // self._sample_ns, self._setups.up, self._sampled
        base, votes, enter_score = self._base, self._votes, self._setups.enter_score
        for market in view.changed:
            if sampled.get(market) != slot:
                self._sample(view, market, slot)
            scores = view.scores(market)
            long_score = base
            for index, share in votes:
                long_score += share * scores[index]
            # Filters only take points off, so what is below the threshold before them needs no second look.
            if long_score >= enter_score or long_score <= 100.0 - enter_score or market in up:
                look = self._consider(view, market, scores, long_score)
                if look is not None:
                    looks[market] = look
                    candidates.append((look.score, market))
        for _, market in ranked(candidates) if len(candidates) > 1 else candidates:
            intent = self._enter(view, market, looks[market])
            if intent is not None:
                wanted.append(intent)
        return wanted

    def _sample(self, view: View, market: int, slot: int) -> None:
        self._sampled[market] = slot
        facts = view.market(market)
        if priced(facts):
            self._correlations.sample(market, slot, facts.mid_ticks * facts.tick_usd)

    def _consider(self, view: View, market: int, scores: Sequence[float], long_score: float) -> _Look | None:
        """A market whose score is up, or was: what it would be entered with if there is a place for it."""
        setups, now_ns = self._setups, view.now_ns
        if view.ready(market) & self._mask != self._mask:
            setups.drop(market)
            return None
        side = 1 if long_score >= NEUTRAL else -1
        score = (long_score if side > 0 else 100.0 - long_score) - self._weighing.cost(scores)
        setup = setups.update(market, side, score, now_ns)
        if setup is None:
            return None
        setup.willing = False
        if not self._worth_a_look(view, market, setup, scores):
            return None
        if self._holdings.used(view) >= self._settings.terms.positions_max:
            setup.willing = True  # it keeps its rank until a place is free
            return None
        look = self._look(view, market, view.market(market), scores, long_score)
        setup.willing = entered(look.gates)
        return look if setup.willing else None

    def _worth_a_look(self, view: View, market: int, setup: Setup, scores: Sequence[float]) -> bool:
        """The gates that cost least, before anything is put into words."""
        return (
            not setup.acted
            and setup.score >= self._setups.enter_score
            and view.now_ns - setup.since_ns >= self._setups.hold_ns
            and market not in self._holdings.held
            and not self._holdings.waits(market, view.now_ns)
            and self._weighing.passes(scores)
        )

    def _look(
        self, view: View, market: int, facts: MarketFacts, scores: Sequence[float], long_score: float
    ) -> _Look:
        """Every gate but those of the filters and the place among the others."""
        s, now_ns = self._settings, view.now_ns
        side = 1 if long_score >= NEUTRAL else -1
        score = (long_score if side > 0 else 100.0 - long_score) - self._weighing.cost(scores)
        ready = (view.ready(market) & self._mask).bit_count()
        held_s = self._setups.held_ns(market, side, now_ns) / SECOND_NS
        acted = self._setups.acted(market, side)
        distance = clamp(self._stop_sigmas * facts.sigma * BPS, s.stop_bps_min, s.stop_bps_max)
        ticks = distance * facts.mid_ticks / BPS
        (stop, target), prices = stop_and_target(facts, side, s.terms, ticks, s.reward * ticks)
        gates = (
            Reason(
                "gate.ready", float(ready), float(self._mask.bit_count()), ready == self._mask.bit_count()
            ),
            Reason("gate.score", score, s.enter_score, s.enter_score <= score <= TOP),
            Reason("gate.hold", held_s, s.hold_ms / 1000.0, held_s >= s.hold_ms / 1000.0),
            Reason("gate.distinct", float(acted), 0.0, not acted),
            *self._holdings.gates(view, market),
            *fit(view, facts, s.terms),
            Reason("gate.sigma", facts.sigma, 0.0, sound(facts.sigma)),
            *prices,
        )
        return _Look(side, score, stop, target, gates)

    def _scored(self, view: View, market: int, side: int) -> list[Reason]:
        """The score in words: every signal with its weight and points, every filter with its cost."""
        scores = view.scores(market)
        long_score, needed = self._weighing.long_score(scores), self._settings.enter_score
        before = long_score if side > 0 else 100.0 - long_score
        told = self._weighing.reasons(scores, side)
        told.append(Reason("before_filters", before, needed, before >= needed))
        return told

    def _place(self, view: View, market: int, look: _Look) -> tuple[float, tuple[Reason, ...]]:
        """The share that is left for an entry, and its place among the others that want one."""
        s, terms = self._settings, self._settings.terms
        conviction = (look.score - s.enter_score) / max(s.full_score - s.enter_score, 1e-9)
        weight = between(conviction, terms.weight_min, terms.weight_max)
        correlated = 0.0
        for other, held in self._holdings.held.items():
            correlated += held.weight * self._correlations.alike(market, other, held.side == look.side)
        ahead = self._setups.ahead(market, look.score, view.now_ns)
        return self._holdings.place(view, look.side, weight, ahead, correlated, s.weight_correlated_max)

    def _enter(self, view: View, market: int, look: _Look) -> Intent | None:
        """The entry, if it is among the best and the caps leave it a share."""
        setup = self._setups.up[market]
        weight, place = self._place(view, market, look)
        if not entered(place):
            # A market without room must not stand in the way of those that have it.
            setup.willing = place[0].passed is False
            return None
        setup.acted = True
        self._holdings.take(market, look.side, weight, view.now_ns, look.score)
        return enter(
            view.market(market),
            look.side,
            self._settings.terms,
            weight=weight,
            score=look.score,
            stop=look.stop,
            target=look.target,
            strategy=self.name,
            reasons=(*self._scored(view, market, look.side), *look.gates, *place),
        )

    def _decay(self, view: View, market: int, held: Held) -> tuple[float, int, bool]:
        """The score of the side that is held, since when it is weak, and whether that is long enough."""
        s = self._settings
        if view.ready(market) & self._mask != self._mask:
            return held.score, 0, False
        long_score = self._weighing.long_score(view.scores(market))
        score = long_score if held.side > 0 else 100.0 - long_score
        if score >= s.exit_score:
            return score, 0, False
        since_ns = held.weak_ns or view.now_ns
        return score, since_ns, view.now_ns - since_ns >= s.exit_hold_ms * 1_000_000

    def _judge(
        self, view: View, market: int, held: Held, facts: MarketFacts, trip: Trip | None
    ) -> Sequence[Reason]:
        held.score, held.weak_ns, weak = self._decay(view, market, held)
        if not weak:
            return ()
        decay = Reason("exit.decay", held.score, self._settings.exit_score, True)
        return (decay, *self._weighing.reasons(view.scores(market), held.side))

    def explain(self, view: View, market: int) -> tuple[Reason, ...]:
        """What an entry into this market would take, and for a market that is held what would end it."""
        facts, scores = view.market(market), view.scores(market)
        look = self._look(view, market, facts, scores, self._weighing.long_score(scores))
        told = [*self._scored(view, market, look.side), *look.gates, *self._place(view, market, look)[1]]
        held = self._holdings.held.get(market)
        if held is not None:
            told += self._holdings.exits(facts, held, view.trip(market), view.now_ns)
            score, _, weak = self._decay(view, market, held)
            told.append(Reason("exit.decay", score, self._settings.exit_score, weak))
        told += [Reason(f"part.{name}", value, 0.0, True) for name, value in view.parts(market).items()]
        return tuple(told)

    def save(self) -> bytes:
        """The state as bytes."""
        return packed(
            self.name,
            VERSION,
            (
                self._setups.rows(),
                self._holdings.save(),
                self._correlations.save(),
                list(self._sampled.items()),
            ),
        )

    def load(self, state: bytes) -> None:
        """Take over a state that `save` wrote. ValueError on anything else, and nothing is changed then."""
        kept: _State = unpacked(state, self.name, VERSION, _State)
        rows, held, rings, sampled = kept
        up, holdings = self._setups.checked(rows), self._holdings.checked(held)
        self._correlations.load(self._correlations.checked(rings))
        self._setups.up = up
        self._holdings.load(holdings)
        self._sampled = dict(sampled)


_State = tuple[list[SetupRow], HoldingsState, list[RingRow], list[tuple[int, int]]]
