"""The classical indicators against TA-Lib on real candles, and against exact arithmetic."""

from __future__ import annotations

import io
import zipfile
from fractions import Fraction
from math import isqrt
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sniper._ext.signals import INDICATOR_COLUMNS, indicators_of
from tests import real
from tests import reference_signals as twin
from tests.signals_rows import MINUTE, Rows, bar

CANDLES, LEAN = "dydx-candles/dydx_BTC-USD_1MIN_seed_168h.csv.gz", "dydx-lean/20260101_{}.zip"
Floats = NDArray[np.float64]


def candles(name: str) -> Floats:
    """Rows of open, high, low, close, volume."""
    lines = [line.split(b",") for line in real.lines(name) if line[:1].isdigit()]
    return np.array([[float(x) for x in line[1:6]] for line in lines])


def lean(kind: str) -> Floats:
    """Rows of the zip format of LEAN without its first column, the millisecond of the day."""
    with zipfile.ZipFile(io.BytesIO(real.path(LEAN.format(kind)).read_bytes())) as archive:
        text = archive.read(archive.namelist()[0]).decode()
    return np.array([[float(x or "nan") for x in line.split(",")[1:]] for line in text.split()])


def series(name: str) -> Floats:
    """Real bars: open, high, low, close, volume."""
    if name == "dydx-candles":
        return candles(CANDLES)
    if name == "lean trades":
        return lean("trade")
    quotes = lean("quote")[:, :5]  # of the bid, its last size as volume
    return quotes[np.isfinite(quotes).all(axis=1)]


def ours(bars: Floats, bids: Floats | None = None, asks: Floats | None = None) -> dict[str, Floats]:
    """The kernel's indicators by name. The USD volume is the volume at the mean of high, low and close."""
    high, low, close, volume = bars.T[1:]
    usd = (high + low + close) / 3 * volume
    sizes = [volume if side is None else side for side in (bids, asks)]
    out = indicators_of(np.ascontiguousarray(np.column_stack([high, low, close, volume, usd, *sizes])))
    return dict(zip(INDICATOR_COLUMNS, out.T, strict=True))


@pytest.mark.parametrize("name", ["dydx-candles", "lean trades", "lean quotes"])
def test_equal_to_ta_lib_on_real_candles(name: str) -> None:
    talib: Any = pytest.importorskip("talib")
    bars = series(name)
    assert len(bars) > 1_000
    high, low, close = bars.T[1:4]
    found = ours(bars)
    macd, signal, histogram = talib.MACD(close, 12, 26, 9)
    upper, middle, lower = talib.BBANDS(close, 20, 2, 2)
    expected = {
        "macd": macd,
        "macd_signal": signal,
        "histogram": histogram,
        "rsi": talib.RSI(close, 14),
        "atr": talib.ATR(high, low, close, 14),
        "adx": talib.ADX(high, low, close, 14),
        "plus_di": talib.PLUS_DI(high, low, close, 14),
        "minus_di": talib.MINUS_DI(high, low, close, 14),
        "bollinger_mid": middle,
    }
    found["upper"] = found["bollinger_mid"] * (1 + found["bollinger_width"] / 2)
    found["lower"] = found["bollinger_mid"] * (1 - found["bollinger_width"] / 2)
    expected |= {"upper": upper, "lower": lower}
    for column, values in expected.items():
        first = int(np.isfinite(values).argmax())
        assert np.isfinite(values[first:]).all() and first < 34
        # a bar after its first value everything agrees, seeds included
        np.testing.assert_allclose(
            found[column][first:], values[first:], rtol=1e-9, atol=1e-9, err_msg=column
        )


def test_candles_that_come_as_rows_give_the_same() -> None:
    """The way of the product: real candles as history, in pieces, each of which begins with the last one's last."""
    talib: Any = pytest.importorskip("talib")
    bars = series("dydx-candles")[:3000]
    rows = Rows((0, 1), bars_max=4096)
    first = rows.now_ns // MINUTE
    for start in range(0, len(bars), 500):
        made = []
        for i, values in enumerate(bars[start : start + 501], first + start):
            candle = bar(0, i, 0, 0, 60)
            for name, value in zip(("open", "high", "low", "close", "volume"), values, strict=True):
                candle["candle"] |= {name: round(value * 10_000), f"{name}_dec": 4}
            made.append(candle)
        rows.tick(*made)
    _, high, low, close, volume = bars[:-1].T  # the last one is the open one
    found = rows.signals.indicators(0, 0)
    assert found[:2] == (2999, True)
    line, signal, histogram = talib.MACD(close, 12, 26, 9)
    upper, middle, lower = talib.BBANDS(close, 20, 2, 2)
    expected = [
        close[-1], line[-1], signal[-1], histogram[-1], histogram[-2], talib.RSI(close, 14)[-1],
        talib.ATR(high, low, close, 14)[-1], middle[-1], (upper[-1] - lower[-1]) / middle[-1],
        talib.ADX(high, low, close, 14)[-1], talib.PLUS_DI(high, low, close, 14)[-1],
        talib.MINUS_DI(high, low, close, 14)[-1],
    ]  # fmt: skip
    np.testing.assert_allclose(found[2:14], expected, rtol=1e-9, atol=1e-9)
    assert found[15:17] == pytest.approx((volume[-1], volume[-20:].mean()), rel=1e-12)
    # nothing was traded since, so the open bar stands at the last close
    line, _, histogram = talib.MACD(np.append(close, close[-1]), 12, 26, 9)
    np.testing.assert_allclose(found[17:], [line[-1], histogram[-1]], rtol=1e-9, atol=1e-9)


def walk(bars: int, price: float) -> Floats:
    random = np.random.default_rng(3)
    close = price + np.cumsum(random.integers(-9, 10, bars)) * price / 1e6
    high, low = close + random.integers(0, 5, bars), close - random.integers(0, 5, bars)
    return np.column_stack([close, high, low, close, random.integers(0, 1000, bars) / 8])


def test_bollinger_sums_do_not_drift() -> None:
    """After 300,000 bars at a great height the bands are those of exact fractions."""
    bars = walk(300_000, 9e6)
    found = ours(bars)
    for i in (19, 1_000, len(bars) - 1):
        window = [Fraction(c) for c in bars[i - 19 : i + 1, 3].tolist()]
        middle = sum(window) / 20
        variance = sum((c - middle) ** 2 for c in window) / 20
        deviation = Fraction(isqrt(int(variance * 10**40)), 10**20)
        assert found["bollinger_mid"][i] == pytest.approx(float(middle), rel=1e-15)
        assert found["bollinger_width"][i] == pytest.approx(float(4 * deviation / middle), rel=1e-10)


def test_equal_to_the_twin_from_the_first_bar() -> None:
    bars = walk(120, 5_000.0)
    made = [
        twin.Bar(i, b[1], b[2], b[3], b[4], (b[1] + b[2] + b[3]) / 3 * b[4], 1)
        for i, b in enumerate(bars.tolist())
    ]
    found = ours(bars, bars[:, 4] + 1, np.ones(len(bars)))
    for n in range(1, len(bars) + 1):
        some, row = made[:n], {name: column[n - 1] for name, column in found.items()}
        expected = {"vwap": twin.vwap(some, 1), "imbalance": bars[n - 1, 4] / (bars[n - 1, 4] + 2)}
        closes = [b.close for b in some]
        if n >= 15:
            expected |= {"rsi": twin.rsi(closes), "atr": twin.atr(some)}
        if n >= 20:
            expected |= {"bollinger_mid": twin.bollinger(closes)[0]}
        if n >= 28:
            expected |= dict(zip(("adx", "plus_di", "minus_di"), twin.adx(some), strict=True))
        if n >= 34:
            expected |= dict(zip(("macd", "macd_signal", "histogram"), twin.macd(closes), strict=False))
        for name, value in expected.items():
            assert row[name] == pytest.approx(value, rel=1e-9, abs=1e-9), (n, name)


def test_a_new_day_begins_a_new_vwap() -> None:
    bars = walk(3, 100.0)
    bars[:, 1:4] = [[10, 10, 10], [20, 20, 20], [30, 30, 30]]
    bars[:, 4] = [1, 3, 0]
    high, low, close, volume = bars.T[1:]
    columns = np.ascontiguousarray(
        np.column_stack([high, low, close, volume, close * volume, volume, volume])
    )
    at = INDICATOR_COLUMNS.index("vwap")
    assert indicators_of(columns)[:, at].tolist() == [10.0, 17.5, 17.5]
    assert indicators_of(columns, minutes=1440)[:, at].tolist() == [10.0, 20.0, 30.0]
    with pytest.raises(ValueError):
        indicators_of(columns[:, :6].copy())
