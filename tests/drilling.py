"""A small disaster for the ladder: prices fall, the feed may go silent, orders take a block and meet thinning books.

Two scenes: `chain` is what is, `ours` what we see and decide on. A block is 640 ms; what we send meets the book of
the block after. Fills keep the chain's acceptance test. Nothing protects the account but the ladder.
"""

from __future__ import annotations

from math import sqrt
from random import Random
from typing import Any, NamedTuple

from sniper.risk_settings import GateSettings, LadderSettings, RiskSettings
from sniper.trading import SELL, Answer, Fill, Place
from tests.ordering import STEP_QUANTUMS, news
from tests.risking import BTC, ETH, USD, Scene

BLOCK_S = 0.64
FEE_PPM = 500
SETTINGS = RiskSettings(gates=GateSettings(unprotected=True), ladder=LadderSettings())


class Script(NamedTuple):
    """What happens. falls: by market, as fractions; negative: a rise."""

    falls: dict[int, float]
    seconds: float
    outage: tuple[float, float]
    leverage: float
    signs: dict[int, int]
    depth_usd: float


class Outcome(NamedTuple):
    """How it ended: equity at the end over equity at the beginning, and the rungs in the order they were reached."""

    liquidated: bool
    exit_existed: bool
    kept: float
    at_once: float
    rungs: list[int]
    closed: bool


def script(seed: int) -> Script:
    """Falls of 5 % to 40 % over seconds to minutes, at 5x to 8x over two markets."""
    random = Random(seed)
    fall = random.uniform(0.05, 0.40)
    alts = min(0.45, fall * random.uniform(0.8, 1.6))
    seconds = random.choice((5.0, 20.0, 60.0, 90.0, 180.0))
    start = random.uniform(0.0, seconds)
    silent = random.choice((0.0, 5.0, 20.0))
    signs = {BTC: 1, ETH: random.choice((1, 1, 1, -1))}
    falls = {BTC: fall, ETH: alts * signs[ETH]}
    return Script(
        falls, seconds, (start, start + silent), random.uniform(5.0, 8.0), signs, 10 ** random.uniform(4.3, 6)
    )


class Drill:
    """Runs a script block by block."""

    def __init__(self, plan: Script, seed: int, settings: RiskSettings = SETTINGS) -> None:
        self.plan, self.random = plan, Random(seed ^ 0x5EED)
        self.chain, self.ours = Scene(usdc=10_000 * USD), Scene(settings, usdc=10_000 * USD)
        self.start = {BTC: 100_000.0, ETH: 4_000.0}
        for market, weight in ((BTC, 0.6), (ETH, 0.4)):
            steps = self.chain.unit(market).steps(int(10_000 * USD * plan.leverage * weight))
            for scene in (self.chain, self.ours):
                scene.hold(market, steps * plan.signs[market])
        self.at = 0.0
        self.waiting: list[Place] = []
        self.variance = dict.fromkeys((BTC, ETH), 0.0007**2)
        self.opened = dict(self.start)
        self.rungs: list[int] = []
        self.exit_existed = False
        self.held_since: float | None = None
        self._prices(True)
        self._decide(True)

    def run(self) -> Outcome:
        at_once = self._flat_now()
        while self.at < self.plan.seconds + 60.0:
            self.at += BLOCK_S
            blind = self.plan.outage[0] <= self.at < self.plan.outage[1]
            self._prices(not blind)
            self._match()
            facts = self.chain.view.account
            if facts.maintenance and facts.net < facts.maintenance:
                return self._outcome(True, at_once)
            if (
                self.held_since is not None
                and self.at >= self.held_since + 2 * BLOCK_S
                and self._flat_now() > 0
            ):
                self.exit_existed = True
            if not self.chain.view.positions:
                return self._outcome(False, at_once)
            self._decide(not blind)
        return self._outcome(False, at_once)

    def _outcome(self, liquidated: bool, at_once: float) -> Outcome:
        kept = self.chain.view.account.net / (10_000 * USD)
        return Outcome(
            liquidated, self.exit_existed, kept, at_once, self.rungs, not self.chain.view.positions
        )

    def _prices(self, seen: bool) -> None:
        share = min(1.0, self.at / self.plan.seconds)
        for market, start in self.start.items():
            noise = 1.0 + self.random.gauss(0.0, 0.0003)
            price = start * (1.0 - self.plan.falls[market] * share) * noise
            text = f"{price:.4f}"
            self.chain.price(market, text)
            self._thin(self.chain, market)
            if seen:
                self.ours.price(market, text)
                self._thin(self.ours, market)
                self._measure(market, price)
        self.ours.later(BLOCK_S, blocks=1 if seen else 0, feed=seen)
        self.ours.settle()

    def _thin(self, scene: Scene, market: int) -> None:
        """Levels 10 bps apart, each a share of the depth; thinner while it falls."""
        unit = scene.unit(market)
        calm = 1.0 if self.at > self.plan.seconds or not self.at else 0.3
        steps = max(1, unit.steps(int(self.plan.depth_usd * calm * USD / 20)))
        for side, sign in ((0, -1), (1, 1)):
            scene.books.sides[market, side] = [
                (unit.oracle_ticks(sign * (200 + 1000 * i)) + side, steps) for i in range(40)
            ]

    def _measure(self, market: int, price: float) -> None:
        """Volatility as the signals measure it: minute returns over an hour, with the open one if it adds."""
        r = price / self.opened[market] - 1.0
        sigma = sqrt(self.variance[market] + max(r * r - self.variance[market], 0.0) * 2 / 61)
        if int(self.at / 60) != int((self.at - BLOCK_S) / 60):
            self.variance[market] += (r * r - self.variance[market]) * 2 / 61
            self.opened[market] = price
        self.ours.sigmas[market] = sigma
        self.ours.view.overrides[market] = {"sigma": sigma}

    def _decide(self, live: bool) -> None:
        ours = self.ours
        if not live:
            for market in (BTC, ETH):
                ours.view.overrides[market] = ours.view.overrides.get(market, {}) | {"trust": "stale"}
        before = ours.risk.rung
        wanted = ours.risk.ladder(ours.view)
        self.rungs += range(before + 1, ours.risk.rung + 1)
        if ours.risk.rung and self.held_since is None:
            self.held_since = self.at
        if wanted:
            commands = ours.send(*wanted)
            self.waiting += [command for command in commands if isinstance(command, Place)]
            for command in commands:
                ours.orders.apply((), (), [Answer("place", command.client_id, 0, "")], ours.view.now_ns, 0, 0)

    def _match(self) -> None:
        for place in self.waiting:
            left = place.size_steps
            book = 0 if place.side == SELL else 1
            for ticks, steps in self.chain.books.within(place.market, book, place.price_ticks):
                position = self.chain.view.positions.get(place.market)
                if not position or left <= 0:
                    break
                take = min(left, steps, abs(position.size_quantums) // STEP_QUANTUMS)
                ok, _ = self.chain.margin.accepts(
                    0, place.market, place.side, take * STEP_QUANTUMS, ticks, FEE_PPM
                )
                if not ok:
                    break
                left -= take
                self._fill(place, take, ticks)
            order = self.ours.orders.of(place.client_id)
            assert order is not None
            if left:
                gone = [news(order, "BEST_EFFORT_CANCELED")]
                self.ours.orders.apply(gone, (), (), self.ours.view.now_ns, 0, 0)
        self.waiting = []

    def _fill(self, place: Place, steps: int, ticks: int) -> None:
        fee = -(-self.chain.unit(place.market).quote_up(steps, ticks) * FEE_PPM // 10**6)
        for scene in (self.chain, self.ours):
            scene.usdc -= fee
            scene.hold(place.market, -steps if place.side == SELL else steps, ticks)
        order = self.ours.orders.of(place.client_id)
        assert order is not None
        fill = Fill(f"{place.client_id}-{ticks}", order.order_id, place.market, 0, place.side, steps * STEP_QUANTUMS,
                    ticks, 0, 0, fee, True, "LIMIT", 0, 0)  # fmt: skip
        self.ours.orders.apply((), [fill], (), self.ours.view.now_ns, 0, 0)

    def _flat_now(self) -> float:
        """Equity after closing everything against the book of this block, over that of the beginning; 0: impossible."""
        net = self.chain.view.account.net
        for market, position in self.chain.view.positions.items():
            unit, long = self.chain.unit(market), position.size_quantums > 0
            steps = abs(position.size_quantums) // STEP_QUANTUMS
            _, filled, ticks = self.chain.books.fill(market, 0 if long else 1, steps)
            if filled < steps:
                return 0.0
            quote = unit.quote(1, ticks)
            net -= (unit.worth(steps) - quote) * (1 if long else -1) + quote * FEE_PPM // 10**6
        return max(0.0, net / (10_000 * USD))


def drill(seed: int, **plan: Any) -> Outcome:
    """One seeded disaster."""
    return Drill(script(seed)._replace(**plan), seed).run()
