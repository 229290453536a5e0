"""signals: all indicators of one bar inside the kernel, and a whole stage for one market that changed."""

from __future__ import annotations

from collections import deque
from functools import cache
from math import sqrt
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.contest import Case, Contender, play
from bench.frames import three_levels
from sniper._ext.signals import INDICATOR_COLUMNS, Signals, indicators_of
from sniper.engine import Engine
from sniper.types import REC_FRAME

try:
    import talib.stream as talib_stream
except ImportError:  # no wheel for this machine
    talib_stream = None

BARS, FEW, TICKS = 100_000, 5_000, 10_000
CLOSES_MIN = 60


@cache
def bars() -> NDArray[np.float64]:
    """High, low, close, volume, USD, size bid, size asked."""
    random = np.random.default_rng(7)
    close = 90_000 + np.cumsum(random.normal(0, 20, BARS))
    high, low = close + random.random(BARS) * 20, close - random.random(BARS) * 20
    volume, bid, ask = random.random((3, BARS))
    return np.ascontiguousarray(np.column_stack([high, low, close, volume, volume * close, bid, ask]))


def naive(rows: list[list[float]]) -> None:
    """The same by hand, a value at a time: what one writes first in Python."""
    closes: deque[float] = deque(maxlen=20)
    fast = slow = signal = gain = loss = atr = plus = minus = ranged = adx = paid = coins = 0.0
    high0, low0, close0 = rows[0][:3]
    for high, low, close, volume, usd, bid, ask in rows:
        closes.append(close)
        fast += (close - fast) * 2 / 13
        slow += (close - slow) * 2 / 27
        signal += (fast - slow - signal) * 0.2
        change = close - close0
        gain += (max(change, 0.0) - gain) / 14
        loss += (max(-change, 0.0) - loss) / 14
        true = max(high - low, abs(high - close0), abs(low - close0))
        atr += (true - atr) / 14
        up, down = high - high0, low0 - low
        plus += (up if up > down and up > 0 else 0.0) - plus / 14
        minus += (down if down > up and down > 0 else 0.0) - minus / 14
        ranged += true - ranged / 14
        if plus + minus > 0:
            adx += (100 * abs(plus - minus) / (plus + minus) - adx) / 14
        middle = sum(closes) / len(closes)
        deviation = sqrt(sum((c - middle) ** 2 for c in closes) / len(closes))
        paid, coins = paid + usd, coins + volume
        high0, low0, close0 = high, low, close
        _ = (middle + 2 * deviation, 100 * gain / (gain + loss or 1), paid / coins, (bid - ask) / (bid + ask))


def streams(library: ModuleType) -> tuple[Any, ...]:
    """TA-Lib's incremental handles (MACD, RSI, ATR, Bollinger, ADX) after CLOSES_MIN bars, and the rows to come."""
    high, low, close = (np.ascontiguousarray(c) for c in bars()[:CLOSES_MIN, :3].T)
    handles = (
        library.MACD(close, 12, 26, 9), library.RSI(close, 14), library.ATR(high, low, close, 14),
        library.BBANDS(close, 20, 2.0, 2.0), library.ADX(high, low, close, 14),
    )  # fmt: skip
    return *(handle.update for handle in handles), bars()[CLOSES_MIN : CLOSES_MIN + FEW, :3].tolist()


def five(macd: Any, rsi: Any, atr: Any, bands: Any, adx: Any, rows: list[list[float]]) -> None:
    for high, low, close in rows:
        macd(close)
        rsi(close)
        atr(high, low, close)
        bands(close)
        adx(high, low, close)


@cache
def decoded() -> tuple[Engine, list[tuple[int, int]]]:
    """An engine that knows the market and its book after one frame of three levels, to be scored again and again."""
    engine, n = Engine(), 0
    for i, frame in enumerate(three_levels(200), 1):
        before = int(engine.tape.counters[3])
        engine.tick(i * 4_000_000, [(i * 4_000_000, 0, REC_FRAME, frame)])
        n = int(engine.tape.counters[3]) - before
    return engine, [(4_000_000 * (200 + i), n) for i in range(TICKS)]


def stage() -> tuple[Any, ...]:
    engine, ticks = decoded()
    signals = Signals(engine.tape, engine.decoder.markets, engine.books, engine.candles)
    return signals.apply, signals.update, ticks


def score(apply: Any, update: Any, ticks: list[tuple[int, int]]) -> None:
    for now_ns, n in ticks:
        apply(n)
        update(now_ns)


CASES = [
    Case(
        "indicators inside",
        "bar",
        Contender(f"{len(INDICATOR_COLUMNS)} values", lambda: (bars(),), indicators_of, BARS),
        Contender("Python", lambda: (bars()[:FEW].tolist(),), naive, FEW),
        (Contender("TA-Lib stream, 5", lambda: streams(talib_stream), five, FEW),) if talib_stream else (),
    ),
    Case("signals, one book changed", "tick", Contender("apply and update", stage, score, TICKS)),
]


@pytest.mark.parametrize("contender", [c for case in CASES for c in case.contenders], ids=lambda c: c.name)
def test_signals(benchmark: Any, contender: Contender) -> None:
    play(benchmark, contender)
