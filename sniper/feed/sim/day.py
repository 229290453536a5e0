"""The 24-hour statistics of one market in hourly steps, and its open interest."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from sniper.feed.sim import shapes
from sniper.feed.sim.text import decimal
from sniper.feed.sim.trades import CENTS, Trade
from sniper.feed.sim.universe import Spec

HOUR_NS = 3_600_000_000_000
HOURS = 24
_TRADE_USD = shapes.mean(shapes.inverse(shapes.TRADE_USD))
_OPEN_INTEREST_USD = 170_000_000.0


class Day:
    """Volume, trades, price change, open interest; the time before the start has the usual figures."""

    __slots__ = (
        "_interest_first",
        "_next_hour_ns",
        "_oracle_decimals",
        "_oracles",
        "_random",
        "_step_decimals",
        "_trades",
        "_usd",
        "_usd_decimals",
        "interest",
        "interest_steps",
    )

    def __init__(self, spec: Spec, oracle: int, ns: int, random: Callable[[], float]) -> None:
        self._random = random
        self._next_hour_ns = ns - ns % HOUR_NS + HOUR_NS
        self._step_decimals = spec.step_decimals
        self._usd_decimals = spec.tick_decimals + spec.step_decimals + 2
        self._oracle_decimals = spec.oracle_decimals
        usd = int(spec.trades_per_day / HOURS * _TRADE_USD * spec.depth * 10**self._usd_decimals)
        self._usd: deque[int] = deque([usd] * HOURS, HOURS)
        # Spread evenly, so that the counts of a quiet market add up too.
        counts = [
            spec.trades_per_day * (hour + 1) // HOURS - spec.trades_per_day * hour // HOURS
            for hour in range(24)
        ]
        self._trades: deque[int] = deque(counts, HOURS)
        self._oracles: deque[int] = deque([oracle], HOURS)
        for _ in range(HOURS - 1):
            self._oracles.appendleft(
                int(self._oracles[0] * (1.0 + spec.volatility * 0.02 * (random() - 0.5)))
            )
        price = oracle / 10**spec.oracle_decimals
        # step = 10 ** -step_decimals, which may be a large number
        per_step = (
            price * 10**-spec.step_decimals if spec.step_decimals < 0 else price / 10**spec.step_decimals
        )
        self._interest_first = int(_OPEN_INTEREST_USD * spec.depth * (0.6 + 0.8 * random()) / per_step)
        self.interest_steps = self._interest_first
        self.interest = decimal(self.interest_steps, self._step_decimals)

    def block(self, ns: int, trades: Sequence[Trade], oracle: int) -> None:
        """Count the trades of a block; at the hour the oldest of the 24 falls away."""
        if ns >= self._next_hour_ns:
            self._next_hour_ns = ns - ns % HOUR_NS + HOUR_NS
            self._usd.append(0)
            self._trades.append(0)
            self._oracles.append(oracle)
        for trade in trades:
            self._usd[-1] += trade.price * trade.steps
            self._trades[-1] += 1

    def fields(self, oracle: int) -> list[tuple[str, str]]:
        """The statistics as (key, JSON value). Moves the open interest a little, inside a factor of two."""
        change = int(self.interest_steps * 0.003 * (self._random() - 0.5))
        first = self._interest_first
        self.interest_steps = min(max(self.interest_steps + change, first // 2), first * 2)
        self.interest = decimal(self.interest_steps, self._step_decimals)
        return [
            ("priceChange24H", f'"{decimal(oracle - self._oracles[0], self._oracle_decimals)}"'),
            ("volume24H", f'"{decimal(sum(self._usd), self._usd_decimals)}"'),
            ("trades24H", str(sum(self._trades))),
            ("openInterest", f'"{self.interest}"'),
        ]


assert CENTS == 100, "volumes carry two more decimals than tick and step"
