"""What a backtest remembers along its way for curves, in bounded room however long it is.

A series keeps a sample every so often; when it is full, every other sample is dropped and the interval doubles, so
that the same run keeps the same samples, and a run of any length between half of SAMPLES_MAX and all of it.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sniper._ext.signals import SIGNALS
from sniper._ext.tape import FIELD_NAMES

SAMPLES_MAX: Final = 4096
KEPT_MAX: Final = 32
"""Markets whose prices and scores are kept: the first ones. Which of them a report shows is known in the end only."""
ORACLE: Final = FIELD_NAMES.index("oraclePrice")


class Nearest(NamedTuple):
    """The least distance to liquidation that was seen. percent: of the price; sigmas: of an hour."""

    now_ns: int
    market: int
    percent: float
    sigmas: float


class Shown(NamedTuple):
    """One moment of the report. Amounts in QQ; distance: percent to the nearest liquidation price, None without one.

    prices: oracle prices in USD of the markets kept, None while unknown; scores: single-precision floats, by market,
    then by signal (`scores_of` reads them).
    """

    now_ns: int
    net: int
    fees: int
    funding: int
    distance: float | None
    prices: tuple[float | None, ...]
    scores: bytes


class Series:
    """Samples of an engine's state, `step_ns` apart or a power of two as much."""

    def __init__(self, engine: Any, step_ns: int) -> None:
        self._engine, self._desk = engine, engine.desk
        self.step_ns = step_ns
        self.samples: list[Shown] = []
        self.due_ns = 0
        """When the next sample is to be taken."""

    def take(self, now_ns: int) -> None:
        """Keep what is now."""
        if len(self.samples) >= SAMPLES_MAX:
            del self.samples[1::2]
            self.step_ns *= 2
        self.due_ns = now_ns - now_ns % self.step_ns + self.step_ns
        desk, decoder = self._desk, self._engine.decoder
        count = min(KEPT_MAX, int(decoder.markets_n))
        split = desk.account.split()
        near = nearest(desk, now_ns)
        self.samples.append(
            Shown(
                now_ns,
                desk.view.account.net,
                split.fees,
                split.funding,
                None if near is None else near.percent,
                tuple([oracle_usd(decoder, market) for market in range(count)]),
                desk.signals.scores[:count].astype(np.float32).tobytes(),
            )
        )


def scores_of(sample: Shown) -> NDArray[np.float32]:
    """The scores of a sample: a row a market, a column a signal."""
    return np.frombuffer(sample.scores, np.float32).reshape(-1, len(SIGNALS))


def oracle_usd(decoder: Any, market: int) -> float | None:
    """The oracle price of a market, None while it is not known."""
    known, _, _, _, num, dec, _ = decoder.numbers(market)
    return float(num[ORACLE] / 10 ** dec[ORACLE]) if known >> ORACLE & 1 else None


def nearest(desk: Any, now_ns: int) -> Nearest | None:
    """The position that is nearest to its liquidation price now, None if none can be liquidated."""
    if not desk.account.positions:
        return None
    found = desk.margin.nearest(0)
    return None if found is None else Nearest(now_ns, *found)
