"""Made-up candles for tests of backtests: a random walk with trends, the same for the same seed."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np

from sniper.feed.barfile import Bars

MINUTE_NS = 60 * 10**9
START_NS = 1_767_225_600 * 10**9


def walk(
    count: int, seed: int = 1, price: int = 90_000, volatility: int = 60
) -> list[tuple[int, int, int, int, int]]:
    """(open, high, low, close, volume) by bar."""
    chance = random.Random(seed)
    rows, close, trend = [], price, 0.0
    for _ in range(count):
        trend = 0.97 * trend + chance.gauss(0.0, volatility / 5)
        first, close = close, max(1000, round(close + trend + chance.gauss(0.0, volatility)))
        rows.append(
            (
                first,
                max(first, close) + chance.randrange(volatility),
                min(first, close) - chance.randrange(volatility),
                close,
                chance.randrange(100, 5000) * (3 if abs(trend) > volatility else 1),
            )
        )
    return rows


def bars_of(rows: list[tuple[int, int, int, int, int]], start_ns: int = START_NS) -> Bars:
    """Rows as a file would give them: prices without decimals, volumes with three."""
    columns = np.array(rows, np.int64).T.copy()
    return Bars(start_ns + np.arange(len(rows)) * MINUTE_NS, *columns, 0, 3, MINUTE_NS, "")


def write(path: Path, rows: list[tuple[int, int, int, int, int]], start_ns: int = START_NS) -> Path:
    """The same as a CSV."""
    lines = [
        f"{(start_ns + i * MINUTE_NS) // 10**9},{o},{h},{low},{c},{v / 1000}"
        for i, (o, h, low, c, v) in enumerate(rows)
    ]
    path.write_text("timestamp,open,high,low,close,volume\n" + "\n".join(lines) + "\n")
    return path
