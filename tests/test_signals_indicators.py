"""The classical indicators against TA-Lib, on real candles."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sniper._ext.signals import INDICATOR_COLUMNS, indicators_of
from tests import real

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
