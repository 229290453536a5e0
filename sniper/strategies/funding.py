"""Harvest funding: hold the side that is paid, where the expected hourly rate beats fees and risk.

Funding is charged every hour, on the hour, to whoever holds at that moment. What an entry must earn an hour is the
round trip of fees and spread spread over the hours it is expected to last, and a part of the volatility of an hour.
What it is expected to earn is the rate expected at the coming hour, and for the hours after that no more than what
was really paid last. A rate that is stale, old or made of few samples is used for nothing, neither to enter nor to
leave.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

from sniper.strategies.held import Held
from sniper.strategies.holdings import Holdings, HoldingsState, entered
from sniper.strategies.parts import (
    LARGE,
    SECOND_NS,
    Count,
    Milliseconds,
    NotNegative,
    Positive,
    Score,
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
from sniper.strategies.terms import BPS, Terms, enter, fit, spread_bps, stop_and_target
from sniper.trading import Intent, Reason, Trip, Withdraw
from sniper.viewing import FundingFacts, MarketFacts, View

VERSION = 1
HOUR_SIGMAS = sqrt(60.0)


class FundingSettings(NamedTuple):
    """What can be set. A score is 100 x rate / (rate + rate needed): 50 where it just pays."""

    hold_hours: Positive = 12.0  # payments over which the costs of a round trip are spread
    risk_share: NotNegative = 0.01  # of the volatility of an hour, as a cost of that hour
    enter_score: Score = 60.0  # 60: the rate is one and a half times what is needed
    leave_score: Score = 55.0  # hysteresis of the entry
    exit_share: Share = 0.3  # a position is left where the rate is below this share of what an entry needs
    full_score: Score = 80.0  # from here on an entry gets weight_max; at enter_score it gets weight_min
    hold_ms: Milliseconds = 30_000  # the rate must be good for so long
    rank_ms: Milliseconds = 30_000  # a market that did not change keeps its place in the ranking for so long
    check_s: Positive = 5.0  # a market is looked at so often
    samples_min: Count = 15  # of the 60 of the hour
    age_s_max: Positive = 150.0  # news of the rate must not be older
    rate_bps_max: Positive = 150.0  # a rate beyond this is an error, not an offer
    lead_s_min: NotNegative = 20.0  # no entry closer to the hour: it might come too late to be paid
    lead_s_max: Positive = 2_400.0  # nor earlier: until then the rate may change
    stop_hour_sigmas: Positive = 3.0  # distance of the stop, in volatilities of an hour
    stop_bps_min: Positive = 50.0  # at least
    stop_bps_max: Positive = 500.0  # at most
    hold_max_s: Positive = 259_200.0  # a position is left after so long
    terms: Terms = Terms(weight_max=0.2, cooldown_s=1_800.0)  # orders and capital


class _Rate(NamedTuple):
    """One market's funding from the side that is paid. Rates are fractions an hour."""

    side: int
    rate: float
    needed: float
    score: float
    usable: bool
    reasons: tuple[Reason, ...]


class Funding:
    """See the module. The scores of the signals kernel are not looked at."""

    name = "funding"
    Settings = FundingSettings

    def __init__(
        self, signals: Sequence[str], kinds: Sequence[str], settings: FundingSettings | None = None
    ) -> None:
        self._settings = s = within_bounds(settings if settings is not None else FundingSettings())
        s.terms.check()
        require(
            50.0 <= s.leave_score <= s.enter_score <= s.full_score,
            "50 <= leave_score <= enter_score <= full_score",
        )
        require(s.lead_s_min < s.lead_s_max <= 3_600.0, "lead_s_min < lead_s_max <= 3600 does not hold")
        require(s.stop_bps_min <= s.stop_bps_max < BPS, "stop_bps_min <= stop_bps_max < 10000 does not hold")
        require(s.hold_hours >= 1.0, "hold_hours is less than one payment")
        self._setups = Setups(s.enter_score, s.leave_score, s.hold_ms * 1_000_000, s.rank_ms * 1_000_000)
        self._holdings = Holdings(self.name, s.terms, s.hold_max_s)
        self._check_ns = int(s.check_s * SECOND_NS)
        self._due: dict[int, int] = {}  # market -> when it is looked at again

    def decide(self, view: View) -> Sequence[Intent | Withdraw]:
        """What is wanted now: exits first, then the entries that pay best."""
        wanted: list[Intent | Withdraw] = []
        if self._holdings.held or view.positions:
            wanted = self._holdings.manage(view, self._judge)
            for market, _ in self._holdings.unmade:
                self._setups.again(market)
        now_ns, due = view.now_ns, self._due
        candidates: list[tuple[float, int]] = []
        for market in view.changed:
            if now_ns >= due.get(market, 0):
                due[market] = now_ns + self._check_ns
                score = self._consider(view, market)
                if score:
                    candidates.append((score, market))
        for _, market in ranked(candidates) if len(candidates) > 1 else candidates:
            intent = self._enter(view, market)
            if intent is not None:
                wanted.append(intent)
        return wanted

    def _rate(self, facts: MarketFacts, funding: FundingFacts) -> _Rate:
        """What holding this market is expected to earn an hour, and what it must."""
        s, expected = self._settings, funding.expected
        side = -1 if expected > 0.0 else 1
        coming = abs(expected)
        lasting = min(coming, abs(funding.realised)) if funding.realised * expected > 0.0 else 0.0
        rate = (coming + (s.hold_hours - 1.0) * lasting) / s.hold_hours
        costs = s.terms.round_trip_bps(spread_bps(facts)) / BPS / s.hold_hours
        needed = costs + s.risk_share * facts.sigma * HOUR_SIGMAS
        score = 100.0 * rate / (rate + needed) if sound(needed) and 0.0 <= rate < LARGE else 0.0
        age_s, most = funding.age_ns / SECOND_NS, s.rate_bps_max / BPS
        known = coming <= most and abs(funding.realised) <= most
        reasons = (
            Reason("gate.fresh", float(funding.stale), 0.0, not funding.stale),
            Reason(
                "gate.samples", float(funding.samples), float(s.samples_min), funding.samples >= s.samples_min
            ),
            Reason("gate.age", age_s, s.age_s_max, 0.0 <= age_s <= s.age_s_max),
            Reason("gate.believable", coming, most, known),
        )
        return _Rate(side, rate, needed, score, entered(reasons), reasons)

    def _consider(self, view: View, market: int) -> float:
        """The score of a market that could be entered if there is a place for it, else 0."""
        setups = self._setups
        rate = self._rate(view.market(market), view.funding(market))
        if not rate.usable:
            setups.drop(market)
            return 0.0
        setup = setups.update(market, rate.side, rate.score, view.now_ns)
        if setup is None:
            return 0.0
        setup.willing = False
        if setup.acted or rate.score < setups.enter_score or market in self._holdings.held:
            return 0.0
        if view.now_ns - setup.since_ns < setups.hold_ns:
            return 0.0
        setup.willing = entered(self._look(view, market)[3])
        return rate.score if setup.willing else 0.0

    def _look(self, view: View, market: int) -> tuple[int, float, tuple[int, int], tuple[Reason, ...]]:
        """Side, score, stop with target, and everything that an entry depends on but its place."""
        s, facts, funding = self._settings, view.market(market), view.funding(market)
        rate = self._rate(facts, funding)
        lead_s = (funding.next_ns - view.now_ns) / SECOND_NS
        held_s = self._setups.held_ns(market, rate.side, view.now_ns) / SECOND_NS
        acted = self._setups.acted(market, rate.side)
        distance = clamp(s.stop_hour_sigmas * facts.sigma * HOUR_SIGMAS * BPS, s.stop_bps_min, s.stop_bps_max)
        ends, prices = stop_and_target(facts, rate.side, s.terms, distance * facts.mid_ticks / BPS, 0.0)
        return (
            rate.side,
            rate.score,
            ends,
            (
                Reason("side", float(rate.side), 0.0, True),
                *rate.reasons,
                Reason("rate", rate.rate, rate.needed, rate.rate >= rate.needed),
                Reason("gate.score", rate.score, s.enter_score, rate.score >= s.enter_score),
                Reason("gate.hold", held_s, s.hold_ms / 1000.0, held_s >= s.hold_ms / 1000.0),
                Reason("gate.distinct", float(acted), 0.0, not acted),
                Reason("gate.not_too_late", lead_s, s.lead_s_min, lead_s >= s.lead_s_min),
                Reason("gate.not_too_early", lead_s, s.lead_s_max, lead_s <= s.lead_s_max),
                *self._holdings.gates(view, market),
                *fit(view, facts, s.terms),
                Reason("gate.sigma", facts.sigma, 0.0, sound(facts.sigma)),
                *prices,
            ),
        )

    def _place(self, view: View, market: int, side: int, score: float) -> tuple[float, tuple[Reason, ...]]:
        """The share that is left for an entry, and its place among the others that want one."""
        s, terms = self._settings, self._settings.terms
        conviction = (score - s.enter_score) / max(s.full_score - s.enter_score, 1e-9)
        weight = between(conviction, terms.weight_min, terms.weight_max)
        return self._holdings.place(view, side, weight, self._setups.ahead(market, score, view.now_ns))

    def _enter(self, view: View, market: int) -> Intent | None:
        """The entry, if it is among the best and the caps leave it a share."""
        side, score, (stop, target), reasons = self._look(view, market)
        weight, place = self._place(view, market, side, score)
        setup = self._setups.up[market]
        if not entered(place):
            setup.willing = not place[0].passed
            return None
        setup.acted = True
        self._holdings.take(market, side, weight, view.now_ns, score)
        return enter(
            view.market(market),
            side,
            self._settings.terms,
            weight=weight,
            score=score,
            stop=stop,
            target=target,
            strategy=self.name,
            reasons=(*reasons, *place),
        )

    def _judge(
        self, view: View, market: int, held: Held, facts: MarketFacts, trip: Trip | None
    ) -> Sequence[Reason]:
        """It no longer pays: the side that is held earns too little, or has to pay."""
        rate = self._rate(facts, view.funding(market))
        earned = rate.rate if rate.side == held.side else -rate.rate
        floor = self._settings.exit_share * rate.needed
        if rate.usable:
            held.score = rate.score if rate.side == held.side else 0.0
        return (Reason("exit.unpaid", earned, floor, rate.usable and earned < floor), *rate.reasons)

    def explain(self, view: View, market: int) -> tuple[Reason, ...]:
        """What an entry into this market would take, and for a market that is held what would end it."""
        side, score, _, reasons = self._look(view, market)
        told = [*reasons, *self._place(view, market, side, score)[1]]
        held = self._holdings.held.get(market)
        facts, funding = view.market(market), view.funding(market)
        if held is not None:
            kept = held.score
            told += self._holdings.exits(facts, held, view.trip(market), view.now_ns)
            told += self._judge(view, market, held, facts, None)[:1]
            held.score = kept
        told += [Reason(f"part.{name}", float(getattr(funding, name)), 0.0, True) for name in PARTS]
        return tuple(told)

    def save(self) -> bytes:
        """The state as bytes."""
        return packed(
            self.name, VERSION, (self._setups.rows(), self._holdings.save(), list(self._due.items()))
        )

    def load(self, state: bytes) -> None:
        """Take over a state that `save` wrote. ValueError on anything else, and nothing is changed then."""
        kept: _State = unpacked(state, self.name, VERSION, _State)
        rows, held, due = kept
        up, holdings = self._setups.checked(rows), self._holdings.checked(held)
        self._setups.up = up
        self._holdings.load(holdings)
        self._due = dict(due)


PARTS = ("predicted", "expected", "realised", "samples")
_State = tuple[list[SetupRow], HoldingsState, list[tuple[int, int]]]
