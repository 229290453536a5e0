"""Columns of a table panel: which ones fit, how wide each is. The geometry is worked out once per width."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from sniper.panels.palette import STYLES, fills
from sniper.panels.row import Cell, Row, left, number, right

FILLED = frozenset(name for name, style in STYLES.items() if fills(style))
"""Styles that show on a blank: the gap to the next column must not have them."""
GROWTH_MAX = 4  # cells that a column may grow by where there is room


class Column(NamedTuple):
    """One column: its title, its least width, and its rank (the highest rank is dropped first)."""

    title: str
    width: int
    rank: int
    leftmost: bool = False
    """Text is set at the left; otherwise, as numbers are, at the right, with fewer decimals where it must be."""
    fills: bool = False
    """Takes what the others leave."""


@lru_cache(maxsize=64)
def geometry(columns: tuple[Column, ...], width: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """(indexes of the columns that fit, their widths); one blank cell stands between two columns."""
    kept = list(range(len(columns)))
    while len(kept) > 1 and sum(columns[i].width + 1 for i in kept) - 1 > width:
        kept.remove(max(kept, key=lambda i: columns[i].rank))
    spare = width - (sum(columns[i].width + 1 for i in kept) - 1)
    if any(columns[i].fills for i in kept):
        wanted = next(i for i in kept if columns[i].fills)
        return tuple(kept), tuple(columns[i].width + (max(0, spare) if i == wanted else 0) for i in kept)
    growth = max(0, min(GROWTH_MAX, spare // len(kept)))
    return tuple(kept), tuple(columns[i].width + growth for i in kept)


@lru_cache(maxsize=64)
def titles(columns: tuple[Column, ...], width: int) -> Row:
    """The row of titles."""
    return cells(columns, width, tuple((column.title, "label") for column in columns))


def cells(columns: tuple[Column, ...], width: int, values: tuple[Cell, ...]) -> Row:
    """A row of the table from one (text, style) for each column, those that do not fit left out."""
    kept, widths = geometry(columns, width)
    row: list[Cell] = []
    room, last = width, "-"
    for i, cell_width in zip(kept, widths, strict=True):
        text, style = values[i]
        if columns[i].leftmost:
            text = left(text, cell_width)
        else:
            text = right(text if len(text) <= cell_width else number(text, cell_width), cell_width)
        if room <= cell_width:
            row.append((left(text, room), style))
            return tuple(row)
        room -= cell_width + 1
        if style in FILLED:
            row += ((text, style), (" ", ""))
            last = ""
        elif style == last:  # the fewer cells, the less is sent
            row[-1] = (row[-1][0] + text + " ", style)
        else:
            row.append((text + " ", style))
            last = style
    row.append((" " * room, ""))
    return tuple(row)
