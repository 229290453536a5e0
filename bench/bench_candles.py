"""candles: trade rows to bars of seven resolutions."""

from __future__ import annotations

from functools import cache
from random import Random
from typing import Any

import numpy as np
import pytest

from bench.contest import Case, Contender, play
from bench.streams import TRADE
from sniper._ext.candles import Candles
from sniper._ext.tape import RESOLUTION_NS, Tape

MARKETS, TRADES, FEW = 50, 40_000, 4_000
GAP_NS = 500_000  # 2,000 trades a second over all markets
START_NS = 1_795_219_200_000_000_000


@cache
def columns() -> dict[str, Any]:
    """The trades, a column a field."""
    random = Random(7)
    return {
        "market": np.array([random.randrange(MARKETS) for _ in range(TRADES)]),
        "side": np.array([random.randrange(2) for _ in range(TRADES)]),
        "price": np.array([913_040 + random.randrange(-50, 50) for _ in range(TRADES)]),
        "size": np.array([random.randrange(1, 60_000) for _ in range(TRADES)]),
        "venue_ns": START_NS + np.arange(TRADES) * GAP_NS,
    }


@cache
def tape() -> Tape:
    made = Tape()
    rows = made.rows[:TRADES]
    rows["kind"], rows["flags"] = TRADE, 1 << 24 | 4 << 16
    for name, column in columns().items():
        rows[name] = column
    made.others[:TRADES] = np.arange(TRADES)
    made.used[0] = TRADES
    return made


def fresh() -> tuple[Any, ...]:
    return Candles(tape()).apply, TRADES


def one_call(apply: Any, n: int) -> None:
    apply(n)


def walk(bars: dict[tuple[int, int], list[Any]]) -> None:
    """Seven dictionary look-ups a trade, whole numbers of one scale, no empty bars, no late trades."""
    names = ("market", "side", "price", "size", "venue_ns")
    for market, side, price, size, at in zip(*(columns()[n][:FEW].tolist() for n in names), strict=True):
        for r, interval in enumerate(RESOLUTION_NS):
            start = at // interval
            bar = bars.get((market, r))
            if bar is None or bar[0] != start:
                bar = bars[market, r] = [start, price, price, price, price, 0, 0, 0, 0]
            if price > bar[2]:
                bar[2] = price
            if price < bar[3]:
                bar[3] = price
            bar[4] = price
            bar[5 + side] += size
            bar[7] += price * size
            bar[8] += 1


CASES = [
    Case(
        "candles",
        "trade",
        Contender("7 resolutions, 50 markets", fresh, one_call, TRADES),
        Contender("dict", lambda: ({},), walk, FEW),
    )
]


@pytest.mark.parametrize("contender", [c for case in CASES for c in case.contenders], ids=lambda c: c.name)
def test_candles(benchmark: Any, contender: Contender) -> None:
    play(benchmark, contender)
