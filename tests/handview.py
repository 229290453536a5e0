"""A made-up market for the strategies: a HandView that moves by itself and fills what is asked for, from one seed.

It is no model of a market. Scores run up and down and stay there, books go away and come back, markets pause,
funding goes stale, entries are filled, rest, or come to nothing, and others open positions too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from sniper.handview import START_NS, HandView
from sniper.strategies.cross_market import CrossMarket
from sniper.strategies.funding import Funding, FundingSettings
from sniper.strategies.macd import Macd
from sniper.strategies.macd_study import MacdSettings
from sniper.strategies.pair_table import CrossMarketSettings
from sniper.strategies.sniper import Sniper, SniperSettings
from sniper.strategies.starter import Starter, StarterSettings
from sniper.strategies.terms import Terms
from sniper.strategies.weighing import Filter
from sniper.trading import BUY, SELL, Intent, Withdraw
from sniper.viewing import Strategy

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
SIGNALS = ("up", "down", "turn", "much", "depth")
KINDS = ("directional", "directional", "directional", "intensity", "intensity")
MARKETS = 6
BARS = (0, 1)

QUICK = Terms(spread_bps_max=40.0, answer_s=3.0, retry_s=2.0, cooldown_s=5.0, positions_max=3, costs_min=0.5)
EAGER: dict[str, Callable[[], Strategy]] = {
    "sniper": lambda: Sniper(
        SIGNALS,
        KINDS,
        SniperSettings(
            weights=(("up", 1.0), ("down", -0.5), ("turn", 0.5)),
            filters=(Filter("much", 20.0, 95.0, 10.0), Filter("depth", 10.0)),
            enter_score=60.0,
            leave_score=56.0,
            exit_score=45.0,
            hold_ms=1_000,
            exit_hold_ms=1_000,
            hold_max_s=120.0,
            correlation_sample_s=2.0,
            correlation_samples=20,
            correlation_samples_min=5,
            terms=QUICK,
        ),
    ),
    "sniper post-only": lambda: Sniper(
        SIGNALS,
        KINDS,
        SniperSettings(
            weights=(("up", 1.0),),
            filters=(),
            enter_score=60.0,
            hold_ms=0,
            hold_max_s=60.0,
            terms=QUICK._replace(entry="post_only", rest_s=6.0, weight_total_max=0.6, weight_side_max=0.4),
        ),
    ),
    "macd": lambda: Macd(
        SIGNALS,
        KINDS,
        MacdSettings(
            resolution="1MIN",
            confirm=("5MINS",),
            enter_score=(58.0, 52.0),
            volume_points=5.0,
            adx_min=5.0,
            atr_bps_max=500.0,
            hold_max_bars=5,
            terms=QUICK,
        ),
    ),
    "funding": lambda: Funding(
        SIGNALS,
        KINDS,
        FundingSettings(
            hold_hours=4.0,
            risk_share=0.001,
            hold_ms=1_000,
            check_s=1.0,
            samples_min=2,
            lead_s_max=3_600.0,
            hold_max_s=600.0,
            terms=QUICK,
        ),
    ),
    "cross_market": lambda: CrossMarket(
        SIGNALS,
        KINDS,
        CrossMarketSettings(
            universe_max=4,
            select_s=60.0,
            correlation_min=0.01,
            sample_s=2.0,
            window=20,
            samples_min=5,
            enter_z=1.2,
            leave_z=1.0,
            exit_z=0.2,
            stop_z=4.0,
            hold_ms=0,
            hold_max_s=60.0,
            lag_min=0.05,
            lag_sigmas=0.8,
            lag_hold_s=5.0,
            trade_spreads=True,
            trade_lag=True,
            terms=QUICK._replace(positions_max=5, costs_min=0.01),
        ),
    ),
    "starter": lambda: Starter(
        SIGNALS, KINDS, StarterSettings(signal="up", enter_score=65.0, hold_max_s=60.0, terms=QUICK)
    ),
}
"""Every strategy with settings under which a few hundred steps are enough for entries and exits of every kind."""

Wanted = Sequence[Intent | Withdraw]


class World:
    """A HandView that `step` moves on, and `take` fills."""

    def __init__(self, seed: int) -> None:
        self.random, self.venue = Random(seed), Random(seed + 1)
        self.view = HandView(MARKETS, len(SIGNALS))
        self.now_ns = START_NS // HOUR * HOUR
        self.mids = [1000.0 * (m + 1) for m in range(MARKETS)]
        self.drifts = [0.0] * MARKETS
        self.fills: list[Intent] = []
        self.client_id = 0
        for market in range(MARKETS):
            self.view.set_facts(market, open_interest_usd=1e6 * (MARKETS - market))

    def step(self) -> HandView:
        """A while later: some markets changed, and what was asked for was filled or not."""
        random, view = self.random, self.view
        self.now_ns += random.choice((1_000_000, 200_000_000, 700_000_000, 2 * SECOND, 5 * SECOND))
        if random.random() < 0.01:
            self.now_ns += random.choice((60, 900)) * SECOND
        view.height += 1
        self._settle()
        together = random.gauss(0.0, 0.0005)
        changed = [m for m in range(MARKETS) if random.random() < 0.5]
        for market in changed:
            self._move(market, together)
        if random.random() < 0.02:
            view.set_account(computable=random.random() < 0.8)
        return view.at(self.now_ns, changed)

    def _move(self, market: int, together: float) -> None:
        random, view = self.random, self.view
        if random.random() < 0.1:
            self.drifts[market] = random.choice((-1.0, 0.0, 0.0, 1.0))
        drift = self.drifts[market]
        self.mids[market] *= 1.0 + together + random.gauss(drift * 0.0004, 0.0006)
        bid = int(self.mids[market])
        view.set_facts(
            market,
            bid_ticks=bid,
            ask_ticks=bid + random.choice((1, 1, 2, 3)),
            trust="live" if random.random() < 0.95 else random.choice(("stale", "crossed", "rebuilding")),
            status="ACTIVE" if random.random() < 0.97 else "PAUSED",
            sigma=random.choice((0.0, 0.001, 0.002)) if random.random() < 0.1 else 0.0012,
            oracle_usd=bid * 0.1 if random.random() < 0.98 else 0.0,
        )
        view.set_scores(
            market,
            50.0 + 35.0 * drift + random.uniform(-12.0, 12.0),
            50.0 - 35.0 * drift + random.uniform(-12.0, 12.0),
            50.0 + random.uniform(-20.0, 20.0),
            random.uniform(0.0, 100.0),
            random.uniform(5.0, 100.0),
        )
        view.masks[market] = 31 if random.random() < 0.95 else random.getrandbits(5)
        for resolution in BARS:
            before = view.indicators(market, resolution)
            view.set_indicators(
                market,
                resolution,
                bars=(self.now_ns - START_NS) // (60 * SECOND * (1 + 4 * resolution)) + 100,
                warm=random.random() < 0.98,
                close=bid * 0.1,
                histogram=drift * 0.1 + random.gauss(0.0, 0.05),
                previous_histogram=before.histogram,
                atr=random.uniform(0.0, 0.004) * bid * 0.1,
                adx=random.uniform(0.0, 50.0),
                plus_di=20.0 + 10.0 * drift,
                minus_di=20.0 - 10.0 * drift,
                volume=random.uniform(0.0, 300.0),
                bollinger_width=random.uniform(0.0, 0.02),
            )
        rate = drift * 0.002
        view.set_funding(
            market,
            predicted=rate,
            expected=rate if random.random() < 0.9 else -rate,
            realised=rate if random.random() < 0.9 else 0.0,
            age_ns=random.choice((1, 30, 200)) * SECOND,
            stale=random.random() < 0.1,
            samples=random.randrange(60),
            next_ns=(self.now_ns // HOUR + 1) * HOUR,
        )

    def _settle(self) -> None:
        """Fill what was taken, or do not; let others trade."""
        view, venue = self.view, self.venue
        for intent in self.fills:
            if intent.purpose == "exit":
                if intent.market in view.positions and venue.random() < 0.8:
                    view.close(intent.market)
            elif intent.time_in_force == "post_only" and venue.random() < 0.8:
                self.client_id += 1
                view.rest(intent.market, intent.side, intent.price_ticks, self.client_id)
            elif venue.random() < 0.8 and intent.market not in view.positions:
                self._open(intent.market, intent.side, intent.strategy, intent)
        self.fills = []
        for market, orders in list(view.resting.items()):
            for order in orders:
                if venue.random() < 0.1:
                    self._drop(market, order.client_id)
                    if market not in view.positions:
                        stop = order.price_ticks - 20 if order.side == BUY else order.price_ticks + 20
                        view.open(market, order.side, 50, order.price_ticks, "sniper", stop)
                elif venue.random() < 0.05:
                    self._drop(market, order.client_id)
        if venue.random() < 0.01:
            free = [m for m in range(MARKETS) if m not in view.positions]
            if free:
                self._open(venue.choice(free), venue.choice((BUY, SELL)), "other", None)
        for market in list(view.positions):
            trip = view.trips[market]
            if trip.strategy == "other" and venue.random() < 0.05:
                view.close(market)
            else:
                bid, ask = view.facts[market].bid_ticks, view.facts[market].ask_ticks
                best = max(trip.best_ticks, bid) if trip.side == BUY else min(trip.best_ticks, ask)
                view.trips[market] = trip._replace(best_ticks=best)

    def _open(self, market: int, side: int, strategy: str, intent: Intent | None) -> None:
        stop, target = (intent.stop_ticks, intent.target_ticks) if intent else (0, 0)
        self.view.now_ns = self.now_ns
        self.view.open(market, side, self.venue.choice((1, 50)), self.mids[market], strategy, stop, target)

    def _drop(self, market: int, client_id: int) -> None:
        self.view.resting[market] = tuple(
            order for order in self.view.resting[market] if order.client_id != client_id
        )

    def take(self, wanted: Wanted) -> None:
        """What the strategy wants: intents are tried at the next step, orders are taken back at once."""
        for one in wanted:
            if isinstance(one, Intent):
                self.fills.append(one)
            else:
                for market in list(self.view.resting):
                    self._drop(market, one.client_id)


def play(
    strategy: Strategy, world: World, steps: int, each: Callable[[HandView, Wanted], Any] | None = None
) -> list[Wanted]:
    """So many steps. each: called after each decision with the view and what was wanted."""
    decisions: list[Wanted] = []
    for _ in range(steps):
        view = world.step()
        wanted = tuple(strategy.decide(view))
        if each is not None:
            each(view, wanted)
        decisions.append(wanted)
        world.take(wanted)
    return decisions
