"""Candles: a chart with wicks in half cells, a price axis, volumes below and the times under them.

Where there is no colour, the palette turns the bodies of falling bars into blocks, so that they still
differ.
"""

from __future__ import annotations

from functools import lru_cache
from operator import le

from sniper._ext import plot
from sniper.decimals import fixed
from sniper.panels.row import SECOND_NS, Cell, Row, clock, count, date, ends, filled, line
from sniper.panels.view import Candles, View

TITLE = "Candles"
PLOT_BITS_MAX = 56  # what `plot` takes
VALUES = ((0, 6), (3, 6), (3, 5), (3, 4))  # of O H L C V n, the most that fit
CHART_ROWS_MIN = 3
MINUTE_NS = 60 * SECOND_NS
LABEL_EVERY = 3  # rows between two prices on the axis


def draw(view: View, width: int, height: int) -> list[Row]:
    """The last bar's values, the chart, the volumes, the times."""
    candles = view.candles
    rows = [_values(candles, width)]
    if height >= 14:
        rows.append(_compared(candles, width))
    volume_rows = 3 if height >= 18 else 2 if height >= 11 else 1
    chart_rows = height - len(rows) - volume_rows - 1
    if not candles.bars or chart_rows < CHART_ROWS_MIN:
        rows.append(line(width, ("no bars yet" if not candles.bars else "too small for a chart", "dim")))
        return filled(rows, width, height)
    axis = _axis_width(candles)
    bars = candles.bars[-max(1, width - axis - 1) :]
    pad = width - axis - len(bars)
    starts, opens, highs, lows, closes, volumes, _ = zip(*bars, strict=True)
    low, high, most = min(lows), max(highs), max(volumes)
    rows += plot.candles(
        list(zip(*_small(high, opens, highs, lows, closes), strict=True)),
        chart_rows,
        pad,
        _labels(candles, low, high, chart_rows, axis),
    )
    labels = [(f" {_volume_text(candles, most)}".ljust(axis)[:axis], "dim")]
    labels += [(" " * axis, "")] * (volume_rows - 1)
    rises = map(le, opens, closes)
    rows += plot.volumes(list(zip(rises, *_small(most, volumes), strict=True)), volume_rows, pad, labels)
    rows.append(_times(candles.resolution_ns, starts, pad, width))
    return filled(rows, width, height)


def bars_max(width: int) -> int:
    """Most bars that `width` cells can show."""
    return max(0, width - 8)


def _values(candles: Candles, width: int) -> Row:
    start: tuple[Cell, ...] = ((f"{candles.ticker} ", "strong"), (f"{candles.resolution} ", "accent"))
    if not candles.bars:
        return line(width, *start)
    bar, places = candles.bars[-1], candles.price_decimals
    style = "bid" if bar.close >= bar.open else "ask"
    values = [
        (name, fixed(value, places, places))
        for name, value in (("O", bar.open), ("H", bar.high), ("L", bar.low), ("C", bar.close))
    ]
    values.append(("V", _volume_text(candles, bar.volume)))
    values.append(("n", str(bar.trades)))
    room = width - sum(len(text) for text, _ in start) - 1
    for first, end in VALUES:
        cells = tuple(
            cell for name, value in values[first:end] for cell in ((f" {name} ", "label"), (value, style))
        )
        if sum(len(text) for text, _ in cells) <= room:
            break
    return ends(width, start, cells)


def _compared(candles: Candles, width: int) -> Row:
    """How our closed bars compare with the Indexer's own, over all markets."""
    differ = candles.mismatches
    start: tuple[Cell, ...] = ((f"bars as the Indexer's {count(candles.matches)}, ", "dim"),)
    start += ((f"different {count(differ)}", "warning" if differ else "dim"),)
    return ends(width, start, ((f"late {count(candles.late)}", "dim"),))


def _volume_text(candles: Candles, volume: int) -> str:
    whole = volume // 10**candles.volume_decimals
    if whole >= 1000:
        return count(whole)
    return fixed(volume, candles.volume_decimals, min(candles.volume_decimals, 3))


def _axis_width(candles: Candles) -> int:
    bar = candles.bars[-1]
    return len(fixed(bar.high, candles.price_decimals, candles.price_decimals)) + 2


def _small(most: int, *columns: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """The columns as they are, or all divided alike until the largest number fits the kernel."""
    bits = max(0, most.bit_length() - PLOT_BITS_MAX)
    return tuple(tuple(number >> bits for number in column) for column in columns) if bits else columns


def _labels(candles: Candles, low: int, high: int, rows: int, width: int) -> list[Cell]:
    """The axis: the last price at its row, and a price every few rows that keeps clear of it."""
    places, span = candles.price_decimals, max(1, high - low)
    last = candles.bars[-1]
    at = ((high - last.close) * (2 * rows - 1) + span // 2) // span // 2
    labels: list[Cell] = []
    for row in range(rows):
        if row == at:
            style = "bid strong" if last.close >= last.open else "ask strong"
            labels.append((f"◂{fixed(last.close, places, places)}".ljust(width), style))
        elif row % LABEL_EVERY == 0 and abs(row - at) > 0:
            price = high - (span * (2 * row) + rows - 1) // (2 * rows - 1)
            labels.append((f"╴{fixed(price, places, places)}".ljust(width)[:width], "dim"))
        else:
            labels.append((" " * width, ""))
    return labels


@lru_cache(maxsize=8)
def _times(resolution_ns: int, starts: tuple[int, ...], pad: int, width: int) -> Row:
    """Start times under the bars, where they do not touch."""
    text = [" "] * width
    step = _step(resolution_ns)
    free = 0
    for i, start_ns in enumerate(starts):
        minutes = start_ns // MINUTE_NS
        if pad + i < free or minutes % step:
            continue
        days = minutes % 1440 == 0
        label = f"│{date(start_ns)[5:]}" if days else f"│{clock(start_ns)[:5]}"
        if pad + i + len(label) > width:
            break
        text[pad + i : pad + i + len(label)] = label
        free = pad + i + len(label) + 2
    return (("".join(text), "dim"),)


def _step(resolution_ns: int) -> int:
    """Minutes between two times on the axis: a round number of at least ten bars."""
    wanted = 10 * resolution_ns // MINUTE_NS
    return next((step for step in (10, 15, 30, 60, 120, 240, 360, 720, 1440) if step >= wanted), 14_400)


if __name__ == "__main__":
    from sniper.demo import main

    main("candles")
