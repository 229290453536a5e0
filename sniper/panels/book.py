"""Book: the raw depth ladder with bars of the size summed from the touch; levels that the uncrossed view
masks are marked with a cross and struck out. Best ask and best bid meet at the spread line.
"""

from __future__ import annotations

from typing import NamedTuple

from sniper.panels.palette import TRUST
from sniper.panels.row import CROSS, Cell, Row, bar, count, duration, ends, filled, line, number, right
from sniper.panels.view import Book, Level, View

TITLE = "Book"
BAR_MIN = 4
SUM_SHORT = 5


class Geometry(NamedTuple):
    """Widths of the columns: a mark and a blank, price, size, sum (0: left out), bar; one blank between."""

    price: int
    size: int
    sum: int
    bar: int


def draw(view: View, width: int, height: int) -> list[Row]:
    """State of the book, the asks downwards to the touch, the spread, the bids downwards from it."""
    book = view.book
    rows = [_state(book, width)]
    if book.trust == "crossed" or height >= 12:
        rows.append(_raw(book, width))
    depth = max(0, (height - len(rows) - 1) // 2)
    asks, bids = _nearest(book.asks, depth), _nearest(book.bids, depth)
    columns = _geometry(asks + bids, width)
    if height - len(rows) - 1 - 2 * depth:
        rows.append(_titles(columns, width))
    if depth:
        most = max((level.sum_steps for level in asks + bids), default=0)
        rows += [((" " * width, ""),)] * (depth - len(asks))
        rows += [_level(level, "ask", columns, most, width) for level in reversed(asks)]
        rows.append(_spread(book, width))
        rows += [_level(level, "bid", columns, most, width) for level in bids]
    return filled(rows, width, height)


def depth(height: int) -> int:
    """Most levels a side that `height` rows can show."""
    return max(0, (height - 2) // 2)


def _nearest(levels: tuple[Level, ...], depth: int) -> tuple[Level, ...]:
    """The levels to show: at most half of them masked, so that the uncrossed touch is among them."""
    masked = sum(level.masked for level in levels)
    return levels[max(0, masked - depth // 2) :][:depth]


def _state(book: Book, width: int) -> Row:
    text = f"{count(book.crossings)} crossings {duration(book.crossed_ns)}"
    if width >= 52:
        text += f"  {count(book.unknown_removes)} unknown removes"
    return ends(
        width, ((f"{book.ticker} ", "strong"), (book.trust, TRUST.get(book.trust, ""))), ((text, "dim"),)
    )


def _raw(book: Book, width: int) -> Row:
    masked = book.masked
    start: tuple[Cell, ...] = (("raw ", "label"), (f"{book.raw_bid or '-'} / {book.raw_ask or '-'} ", ""))
    if book.trust == "crossed":
        start += (("crossed ", "warning"),)
    return ends(width, start, ((f"{masked} masked", "warning" if masked else "dim"),))


def _titles(columns: Geometry, width: int) -> Row:
    cells: list[Cell] = [("  ", ""), (right("price", columns.price), "label"), (" ", "")]
    cells.append((right("size", columns.size), "label"))
    if columns.sum:
        cells.append((right("sum", columns.sum + 1), "label"))
    return line(width, *cells)


def _spread(book: Book, width: int) -> Row:
    if book.spread_ticks is None:
        side = "no asks" if book.bids else "no bids" if book.asks else "no levels"
        return ((f"── {side} ".ljust(width, "─")[:width], "dim"),)
    unit = "tick" if book.spread_ticks == 1 else "ticks"
    cells: list[Cell] = [(f"── {book.spread_ticks:,} {unit} ", "accent"), (f"{book.spread_bps} bps ", "dim")]
    room = width - sum(len(text) for text, _ in cells)
    for name, value in (("mid", book.mid), ("micro", book.microprice)):
        if value and room >= len(name) + len(value) + 2:
            cells += [(f"{name} ", "label"), (f"{value} ", "strong")]
            room -= len(name) + len(value) + 2
    return line(width, *cells, ("─" * max(0, room), "dim"))


def _geometry(levels: tuple[Level, ...], width: int) -> Geometry:
    price = max(5, *[len(level.price) for level in levels], 0)
    size = max(4, *[len(level.size) for level in levels], 0)
    total = max(3, *[len(level.sum) for level in levels], 0)
    room = width - 2 - price - 1 - size - 1
    if room - total - 1 < BAR_MIN:
        total = SUM_SHORT
    if room - total - 1 < BAR_MIN:
        return Geometry(price, size, 0, max(0, room))
    return Geometry(price, size, total, room - total - 1)


def _level(level: Level, side: str, columns: Geometry, most: int, width: int) -> Row:
    price, size, total, room = columns
    if level.masked:
        text = f"{CROSS} {level.price:>{price}} {level.size:>{size}}"
        return line(width, (text, "masked"), (" masked", "dim"))
    first = (f"  {level.price:>{price}}", side)
    if not total:
        return line(
            width, first, (f" {level.size:>{size}} ", ""), (bar(level.sum_steps, most, room), f"{side} bar")
        )
    sums = level.sum if len(level.sum) <= total else number(level.sum, total)
    return (
        first,
        (f" {level.size:>{size}} ", ""),
        (f"{sums:>{total}} ", "dim"),
        (bar(level.sum_steps, most, room), f"{side} bar"),
    )


if __name__ == "__main__":
    from sniper.demo import main

    main("book")
