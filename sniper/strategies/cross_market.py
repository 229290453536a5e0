"""Pairs of markets: spreads that leave their band, and markets that run ahead of others.

The pairs are those of the settings, or all pairs among the most traded markets. Every pair is scored all the time;
orders are only sent where `trade_spreads` or `trade_lag` says so. A spread is entered with both legs at once, the
dear one sold and the cheap one bought, and left with both when it is back in its band, when it runs away, when its
time is up or when a leg is alone. A follower is entered on the move that its leader made in the newest sample.
"""

from __future__ import annotations

from collections.abc import Sequence

from sniper.strategies.held import Held
from sniper.strategies.holdings import Holdings, HoldingsState, entered
from sniper.strategies.pair_table import CrossMarketSettings, PairTable, PairTableState
from sniper.strategies.pairs import Pair
from sniper.strategies.parts import (
    SECOND_NS,
    SetupRow,
    Setups,
    packed,
    ranked,
    require,
    unpacked,
    within_bounds,
)
from sniper.strategies.terms import BPS, enter, fit, spread_bps, stop_and_target
from sniper.trading import Intent, Reason, Trip, Withdraw
from sniper.viewing import MarketFacts, View

VERSION = 1
ENTER_SCORE = 75.0


class CrossMarket:
    """See the module. The scores of the signals kernel are not looked at."""

    name = "cross_market"
    Settings = CrossMarketSettings

    def __init__(
        self, signals: Sequence[str], kinds: Sequence[str], settings: CrossMarketSettings | None = None
    ) -> None:
        self._settings = s = within_bounds(settings if settings is not None else CrossMarketSettings())
        s.terms.check()
        require(
            s.exit_z < s.leave_z <= s.enter_z < s.stop_z, "exit_z < leave_z <= enter_z < stop_z does not hold"
        )
        require(s.samples_min <= s.window, "samples_min is more than window")
        require(s.terms.entry == "ioc", "the legs of a spread must be entered at once: entry must be ioc")
        require(all(one != other for one, other in s.pairs), "a pair lists the same market twice")
        hold_ns = s.hold_ms * 1_000_000
        self._setups = Setups(ENTER_SCORE, self._score(s.leave_z), hold_ns, hold_ns)  # by the key of the pair
        self._holdings = Holdings(self.name, s.terms, s.hold_max_s)
        self._table = PairTable(s)
        self._leads: dict[int, tuple[int, bool, float]] = {}
        """Follower -> key of the pair, whether its first market leads, the return to be expected."""

    def _score(self, z: float) -> float:
        """50 for a spread at its mean, 75 at `enter_z`."""
        return 50.0 + 50.0 * abs(z) / (abs(z) + self._settings.enter_z)

    def decide(self, view: View) -> Sequence[Intent | Withdraw]:
        """What is wanted now: exits first, then spreads, then followers. Nothing where trading is not enabled."""
        holdings = self._holdings
        if self._table.follow(view, [abs(held.group) - 1 for held in holdings.held.values()]):
            self._turn()
        wanted: list[Intent | Withdraw] = []
        if holdings.held or view.positions:
            wanted = holdings.manage(view, self._judge)
            for _, group in holdings.unmade:
                self._setups.again(group - 1)
        if self._settings.trade_spreads:
            self._enter_spreads(view, wanted)
        if self._leads and self._settings.trade_lag:
            for market in view.changed:
                if market in self._leads:
                    self._enter_follower(view, market, wanted)
        return wanted

    def _turn(self) -> None:
        """The pairs were sampled: forget those that are gone, and note which leader has just moved."""
        s, pairs = self._settings, self._table.pairs
        for key in [key for key in self._setups.up if key not in pairs]:
            self._setups.drop(key)
        self._leads.clear()
        for key, pair in pairs.items():
            for first in (True, False):
                moved, leads = abs(pair.move(first)), abs(pair.leads(first))
                if not self._table.known(pair) or moved < s.lag_sigmas or leads < s.lag_min:
                    continue
                follower, expected = pair.second if first else pair.first, pair.expected(first)
                known = self._leads.get(follower)
                if known is None or abs(expected) > abs(known[2]):
                    self._leads[follower] = key, first, expected

    # Spreads

    def _enter_spreads(self, view: View, wanted: list[Intent | Withdraw]) -> None:
        """Enter the spreads that are out of their band, the farthest first."""
        candidates: list[tuple[float, int]] = []
        seen: list[int] = []
        for market in view.changed:
            for key in self._table.members.get(market, ()):
                if key not in seen:
                    seen.append(key)
                    score = self._consider(view, key)
                    if score:
                        candidates.append((score, key))
        for _, key in ranked(candidates):
            pair = self._table.pairs[key]
            facts = view.market(pair.first), view.market(pair.second)
            weight, ends, reasons = self._look(view, key, facts)
            if not entered(reasons):
                continue
            z = self._table.z_of(pair, facts)
            self._setups.up[key].acted = True
            side = -1 if z > 0.0 else 1
            for leg, leg_side, (stop, target) in zip(facts, (side, -side), ends, strict=True):
                self._holdings.take(leg.market, leg_side, weight, view.now_ns, self._score(z), key + 1)
                wanted.append(
                    enter(
                        leg,
                        leg_side,
                        self._settings.terms,
                        weight=weight,
                        score=self._score(z),
                        stop=stop,
                        target=target,
                        strategy=self.name,
                        reasons=reasons,
                    )
                )

    def _consider(self, view: View, key: int) -> float:
        """The score of a pair that could be entered, else 0: the gates that cost least, before any words."""
        pair = self._table.pairs[key]
        z = self._table.z(pair)
        setup = self._setups.update(key, -1 if z > 0.0 else 1, self._score(z), view.now_ns)
        if setup is None or setup.acted or setup.score < ENTER_SCORE:
            return 0.0
        holdings, now_ns, terms = self._holdings, view.now_ns, self._settings.terms
        if now_ns - setup.since_ns < self._setups.hold_ns or not self._alike(pair):
            return 0.0
        if abs(z) * pair.deviation * BPS < terms.costs_min * 2.0 * terms.round_trip_bps(0.0):
            return 0.0
        if holdings.used(view) + 2 > terms.positions_max:
            return 0.0
        for market in (pair.first, pair.second):
            if market in holdings.held or holdings.waits(market, now_ns):
                return 0.0
        return setup.score

    def _alike(self, pair: Pair) -> bool:
        """Pairs that were listed are; others must move alike."""
        return bool(self._settings.pairs) or pair.correlation >= self._settings.correlation_min

    def _look(
        self, view: View, key: int, facts: tuple[MarketFacts, MarketFacts]
    ) -> tuple[float, tuple[tuple[int, int], tuple[int, int]], tuple[Reason, ...]]:
        """The share of each leg, their stops, and everything that an entry depends on."""
        s, terms, pair = self._settings, self._settings.terms, self._table.pairs[key]
        z, enabled = self._table.z_of(pair, facts), s.trade_spreads
        side = -1 if z > 0.0 else 1
        held_s = self._setups.held_ns(key, side, view.now_ns) / SECOND_NS
        acted = self._setups.acted(key, side)
        band = abs(z) * pair.deviation * BPS
        costs = terms.costs_min * (
            terms.round_trip_bps(spread_bps(facts[0])) + terms.round_trip_bps(spread_bps(facts[1]))
        )
        told = [
            Reason("gate.enabled", float(enabled), 1.0, enabled),
            Reason("gate.samples", float(pair.samples), float(s.samples_min), pair.samples >= s.samples_min),
            Reason("gate.correlation", pair.correlation, s.correlation_min, self._alike(pair)),
            Reason("gate.z", abs(z), s.enter_z, abs(z) >= s.enter_z),
            Reason("gate.not_broken", abs(z), s.stop_z, abs(z) < s.stop_z),
            Reason("gate.costs", band, costs, band >= costs),
            Reason("gate.hold", held_s, s.hold_ms / 1000.0, held_s >= s.hold_ms / 1000.0),
            Reason("gate.distinct", float(acted), 0.0, not acted),
        ]
        ends: list[tuple[int, int]] = []
        for leg, leg_side in zip(facts, (side, -side), strict=True):
            stops, (stop, _) = stop_and_target(
                leg, leg_side, terms, s.leg_stop_bps * leg.mid_ticks / BPS, 0.0
            )
            ends.append(stops)
            gates = (*self._holdings.gates(view, leg.market), *fit(view, leg, terms), stop)
            told += gates if leg is facts[0] else [r._replace(name=f"gate.other_{r.name[5:]}") for r in gates]
        total, longs, shorts = self._holdings.left(view)
        weight = max(0.0, min(terms.weight_max, total / 2.0, longs, shorts))
        used = self._holdings.used(view) + 2
        told += [
            Reason("gate.rank", float(used), float(terms.positions_max), used <= terms.positions_max),
            Reason("gate.room", weight, terms.weight_min, weight >= terms.weight_min),
        ]
        return weight, (ends[0], ends[1]), tuple(told)

    # Followers

    def _enter_follower(self, view: View, market: int, wanted: list[Intent | Withdraw]) -> None:
        """Enter the market whose leader moved, once, if the move to come is worth it."""
        key, first, expected = self._leads[market]
        facts = view.market(market)
        weight, (stop, target), score, reasons = self._follow(view, key, first, expected, facts)
        if not entered(reasons):
            return
        del self._leads[market]
        side = 1 if expected > 0.0 else -1
        self._holdings.take(market, side, weight, view.now_ns, score, -key - 1)
        wanted.append(
            enter(
                facts,
                side,
                self._settings.terms,
                weight=weight,
                score=score,
                stop=stop,
                target=target,
                strategy=self.name,
                reasons=reasons,
            )
        )

    def _follow(
        self, view: View, key: int, first: bool, expected: float, facts: MarketFacts
    ) -> tuple[float, tuple[int, int], float, tuple[Reason, ...]]:
        """The share of a follower, its stop and target, its score, and everything that an entry depends on."""
        s, pair = self._settings, self._table.pairs[key]
        side, leads, move = 1 if expected > 0.0 else -1, pair.leads(first), pair.move(first)
        reach = abs(expected) * facts.mid_ticks
        ends, prices = stop_and_target(facts, side, s.terms, reach, reach)
        weight, place = self._holdings.place(view, side, s.terms.weight_max * abs(leads))
        score = 50.0 + 50.0 * abs(leads)
        return (
            weight,
            ends,
            score,
            (
                Reason("gate.enabled", float(s.trade_lag), 1.0, s.trade_lag),
                Reason("gate.leads", abs(leads), s.lag_min, abs(leads) >= s.lag_min),
                Reason("gate.move", abs(move), s.lag_sigmas, abs(move) >= s.lag_sigmas),
                *self._holdings.gates(view, facts.market),
                *fit(view, facts, s.terms),
                *prices,
                *place,
            ),
        )

    def _judge(
        self, view: View, market: int, held: Held, facts: MarketFacts, trip: Trip | None
    ) -> Sequence[Reason]:
        """A spread is over when it is back, broken or has lost a leg; a follower when its time is up."""
        s, pair = self._settings, self._table.pairs.get(abs(held.group) - 1)
        if pair is None:
            return (Reason("exit.alone", 1.0, 0.0, True),)
        if held.group < 0:
            age_s = (view.now_ns - held.since_ns) / SECOND_NS
            return (Reason("exit.lag", age_s, s.lag_hold_s, age_s >= s.lag_hold_s),)
        other = self._holdings.held.get(pair.second if market == pair.first else pair.first)
        alone = other is None or other.group != held.group or bool(other.closing)
        # Seen from the spread as it was entered: it was low, and is to come back up.
        z = self._table.z(pair) * (held.side if market == pair.first else -held.side)
        known = self._table.known(pair)
        return (
            Reason("exit.alone", float(alone), 0.0, alone),
            Reason("exit.back", z, -s.exit_z, known and z >= -s.exit_z),
            Reason("exit.broken", z, -s.stop_z, known and z <= -s.stop_z),
        )

    def explain(self, view: View, market: int) -> tuple[Reason, ...]:
        """The pairs of a market, what an entry into the farthest would take, and what would end what is held."""
        told: list[Reason] = []
        best, far = -1, -1.0
        for key in self._table.members.get(market, ()):
            pair = self._table.pairs[key]
            name = f"{view.market(pair.first).ticker}/{view.market(pair.second).ticker}"
            z = self._table.z(pair)
            told += [
                Reason(f"score.{name}", self._score(z), ENTER_SCORE, abs(z) >= self._settings.enter_z),
                Reason(f"z.{name}", z, self._settings.enter_z, abs(z) >= self._settings.enter_z),
                Reason(f"first_leads.{name}", pair.leads(True), self._settings.lag_min, False),
                Reason(f"second_leads.{name}", pair.leads(False), self._settings.lag_min, False),
            ]
            if abs(z) > far:
                best, far = key, abs(z)
        if best < 0:
            return (Reason("gate.pair", 0.0, 1.0, False),)
        pair = self._table.pairs[best]
        facts = (view.market(pair.first), view.market(pair.second))
        rich = 1.0 if self._table.z_of(pair, facts) > 0.0 else -1.0  # the first market against the second
        told.append(Reason("side", -rich if market == pair.first else rich, 0.0, True))
        told += self._look(view, best, facts)[2]
        if market in self._leads:
            told += self._told_of_lead(view, market)
        held = self._holdings.held.get(market)
        if held is not None:
            own, trip = view.market(market), view.trip(market)
            told += self._holdings.exits(own, held, trip, view.now_ns)
            told += self._judge(view, market, held, own, trip)
        return tuple(told)

    def _told_of_lead(self, view: View, market: int) -> list[Reason]:
        """What an entry on the move of a leader would take: `lag.` for what is a gate there."""
        key, first, expected = self._leads[market]
        reasons = self._follow(view, key, first, expected, view.market(market))[3]
        return [r._replace(name=r.name.replace("gate.", "lag.")) for r in reasons]

    def save(self) -> bytes:
        """The state as bytes."""
        leads = [(market, *lead) for market, lead in self._leads.items()]
        state = (self._table.save(), leads, self._setups.rows(), self._holdings.save())
        return packed(self.name, VERSION, state)

    def load(self, state: bytes) -> None:
        """Take over a state that `save` wrote. ValueError on anything else, and nothing is changed then."""
        saved: _State = unpacked(state, self.name, VERSION, _State)
        rows, leads, setups, held = saved
        table, up, holdings = self._table.checked(rows), Setups.checked(setups), Holdings.checked(held)
        if not all(key in table[0] for key in [key for _, key, _, _ in leads] + list(up)):
            raise ValueError("a state of cross_market that names a pair it does not hold")
        self._table.load(table)
        self._leads = {market: (key, first, expected) for market, key, first, expected in leads}
        self._setups.up = up
        self._holdings.load(holdings)


_State = tuple[PairTableState, list[tuple[int, int, bool, float]], list[SetupRow], HoldingsState]
