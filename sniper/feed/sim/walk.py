"""The price process: a bounded walk with clusters of volatility, trends, jumps and a common factor.

One step per block. The *index* is the true price in ticks of the market (a float); the oracle follows it
with noise; the book's mid follows index * (1 + premium). Trends last minutes, bursts of volatility
likewise, and a weak pull towards the starting price keeps an endless run inside a factor of FACTOR_MAX.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

from sniper.feed.sim.universe import Spec

BLOCK_S = 0.65
YEAR_S = 31_536_000.0
FACTOR_MAX = 4.0  # the index stays between start / 4 and start * 4
PULL = 6e-7  # a block; the stationary deviation is then of the order of 15 %
BETA = 0.65  # share of the common factor in a market's shocks
TREND_MEMORY = 0.9995  # half-life 15 minutes
TREND_KICK = (
    0.0025  # so that a trend is about 0.02 of a block's deviation, as strong as the noise over half an hour
)
CALM = 0.72  # the rest of the volatility is made by trends, heat and jumps
HEAT_MEMORY = 0.99  # volatility: half-life 45 s
JUMP_SHARE = 1.0 / 8000
PREMIUM_MEMORY = 0.9992
PREMIUM_KICK_PPM = 15.0  # so that the premium is about 110 ppm, of either sign
ORACLE_NOISE = 60e-6


def _shock(random: Callable[[], float]) -> float:
    """Mean 0, deviation 1, never beyond 3: three uniform numbers."""
    return (random() + random() + random() - 1.5) * 2.0


class Weather:
    """What all markets share: the common shock of a block and how hot the whole market is."""

    __slots__ = ("heat", "random", "shock")

    def __init__(self, random: Callable[[], float]) -> None:
        self.random = random
        self.shock = 0.0
        self.heat = 1.0

    def step(self) -> None:
        """Move on by one block."""
        random = self.random
        self.shock = _shock(random)
        self.heat = 1.0 + (self.heat - 1.0) * 0.997
        if random() < 1.0 / 3000:
            self.heat = 2.0 + 3.0 * random()
            self.shock *= 4.0


class Walk:
    """The index, premium and oracle price of one market."""

    __slots__ = (
        "_highest",
        "_lowest",
        "_own",
        "_scale",
        "_start",
        "heat",
        "index_ticks",
        "premium_ppm",
        "random",
        "sigma",
        "trend",
    )

    def __init__(self, spec: Spec, random: Callable[[], float]) -> None:
        self.random = random
        ticks = spec.price_usd * 10**spec.tick_decimals if spec.tick_decimals > 0 else spec.price_usd
        self._start = ticks * (0.97 + 0.06 * random())
        self._lowest, self._highest = self._start / FACTOR_MAX, self._start * FACTOR_MAX
        self._own = sqrt(1.0 - BETA * BETA)
        self._scale = float(10 ** (spec.oracle_decimals - spec.tick_decimals))
        self.sigma = CALM * spec.volatility * sqrt(BLOCK_S / YEAR_S)
        self.index_ticks = self._start
        self.heat = 1.0
        self.trend = 0.2 * (random() - 0.5)
        self.premium_ppm = 400.0 * (random() - 0.5)

    def step(self, weather: Weather) -> None:
        """Move on by one block."""
        random = self.random
        shock = BETA * weather.shock + self._own * _shock(random)
        self.heat = 0.003 + HEAT_MEMORY * self.heat + 0.007 * shock * shock
        if self.heat > 9.0:
            self.heat = 9.0
        self.trend = TREND_MEMORY * self.trend + TREND_KICK * (random() - 0.5)
        change = self.sigma * (sqrt(self.heat * weather.heat) * shock + self.trend)
        if random() < JUMP_SHARE:
            change += self.sigma * 60.0 * (random() - 0.5)
            self.heat += 3.0
        index = self.index_ticks * (1.0 + change - PULL * (self.index_ticks / self._start - 1.0))
        self.index_ticks = min(max(index, self._lowest), self._highest)
        self.premium_ppm = PREMIUM_MEMORY * self.premium_ppm + PREMIUM_KICK_PPM * (random() - 0.5)

    @property
    def target_ticks(self) -> float:
        """Where the middle of the book belongs."""
        return self.index_ticks * (1.0 + self.premium_ppm * 1e-6)

    def oracle(self) -> int:
        """The oracle price as a whole number of its own decimals, mostly off the tick grid."""
        return int(self.index_ticks * (1.0 + ORACLE_NOISE * (self.random() - 0.5)) * self._scale)
