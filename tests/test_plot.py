"""The chart's kernel against a cell-by-cell twin."""

from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper._ext import plot

PRICES = st.integers(0, 60) | st.integers(2**55, 2**56 - 1)
BAR = st.tuples(PRICES, PRICES, PRICES, PRICES).map(
    lambda p: (p[0], max(p), min(p), p[1])  # open, high, low, close
)
PARTS = " ╷╻╵│╽╹╿┃"
EIGHTHS = " ▁▂▃▄▅▆▇█"


def half(price: int, low: int, high: int, rows: int) -> int:
    """The half cell, from the top, in which a price lies."""
    return floor(Fraction((high - price) * (2 * rows - 1) + max(1, high - low) // 2, max(1, high - low)))


def candle(bar: tuple[int, int, int, int], low: int, high: int, rows: int) -> str:
    open_, top, bottom, close = bar
    found = []
    for at in range(2 * rows):
        wick = half(top, low, high, rows) <= at <= half(bottom, low, high, rows)
        body = half(max(open_, close), low, high, rows) <= at <= half(min(open_, close), low, high, rows)
        found.append(2 if body else 1 if wick else 0)
    return "".join(PARTS[3 * upper + lower] for upper, lower in zip(found[::2], found[1::2], strict=True))


def check(rows: list[tuple[tuple[str, str], ...]], columns: list[str], styles: list[str], pad: int) -> None:
    for number, row in enumerate(rows):
        assert row[-1] == (f"label {number}", "dim")
        seen = [(char, style) for text, style in row[:-1] for char in text]
        assert len(seen) == pad + len(columns)
        assert all(char == " " for char, _ in seen[:pad])
        for (char, style), column, wanted in zip(seen[pad:], columns, styles, strict=True):
            assert char == column[number]
            assert char == " " or style == wanted


def labels(rows: int) -> list[tuple[str, str]]:
    return [(f"label {row}", "dim") for row in range(rows)]


@given(st.lists(BAR, min_size=1, max_size=12), st.integers(1, 12), st.integers(0, 5))
def test_candles(bars: list[tuple[int, int, int, int]], rows: int, pad: int) -> None:
    low, high = min(bar[2] for bar in bars), max(bar[1] for bar in bars)
    styles = ["rising" if bar[3] >= bar[0] else "falling" for bar in bars]
    found = plot.candles(bars, rows, pad, labels(rows))
    check(found, [candle(bar, low, high, rows) for bar in bars], styles, pad)


@given(
    st.lists(st.tuples(st.booleans(), PRICES), min_size=1, max_size=12), st.integers(1, 4), st.integers(0, 5)
)
def test_volumes(bars: list[tuple[bool, int]], rows: int, pad: int) -> None:
    most = max(volume for _, volume in bars)
    columns = []
    for _, volume in bars:
        full = max(volume > 0, volume * 8 * rows // most) if most else 0
        columns.append("".join(EIGHTHS[min(8, max(0, full - 8 * (rows - 1 - row)))] for row in range(rows)))
    styles = ["rising" if rises else "falling" for rises, _ in bars]
    check(plot.volumes(bars, rows, pad, labels(rows)), columns, styles, pad)


def test_nothing_to_show_is_blank_and_too_large_a_number_is_refused() -> None:
    assert plot.candles([], 2, 1, labels(2)) == [
        ((" ", ""), ("label 0", "dim")),
        ((" ", ""), ("label 1", "dim")),
    ]
    with pytest.raises(OverflowError):
        plot.candles([(2**64, 2**64, 2**64, 2**64)], 2, 0, labels(2))
