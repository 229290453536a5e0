"""Positions: what is held, how it is protected, where the profit comes from, and the line of equity."""

from __future__ import annotations

from functools import lru_cache

from sniper.panels.desk_parts import PositionRow, Positions
from sniper.panels.palette import sign
from sniper.panels.row import Cell, Row, count, ends, filled, fitting, line, right
from sniper.panels.table import Column, cells, titles
from sniper.panels.view import View

TITLE = "Positions"
BLOCKS = " ▁▂▃▄▅▆▇█"
CURVE_ROWS = 3
"""Rows of the line of equity where there is room for them."""
COLUMNS = (
    Column("market", 9, 0, leftmost=True),
    Column("side", 5, 8, leftmost=True),
    Column("size", 9, 1),
    Column("entry", 10, 5),
    Column("mark", 10, 6),
    Column("profit", 8, 2),
    Column("fees", 6, 9),
    Column("funding", 7, 10),
    Column("stop", 10, 4),
    Column("cover", 5, 3),
    Column("checked", 7, 7),
)


COVER = {"NONE": "critical", "sent": "warning"}


def draw(view: View, width: int, height: int) -> list[Row]:
    """Equity and its parts, the line of equity, then the positions."""
    part = view.positions
    spare = height - 3 - max(2, len(part.rows))
    rows = [
        ends(
            width,
            (("equity ", "label"), (f"{part.equity} USD", "strong")),
            ((f"{part.trips} round trips", "dim"),),
        ),
        fitting(width, *_split(part)),
    ]
    rows += _curve(part.curve, part.highest, part.lowest, width, max(1, min(CURVE_ROWS, spare)))
    rows.append(titles(COLUMNS, width))
    room = max(0, height - len(rows))
    rows += [_position(row, width) for row in part.rows[:room]]
    if len(part.rows) > room > 1:
        rows[-1] = line(width, (f"and {len(part.rows) - room + 1} more positions", "warning"))
    return filled(rows, width, height)


def _split(part: Positions) -> tuple[Cell, ...]:
    """Where the profit comes from: price (closed and open), fees, funding."""
    fees = part.fees.removeprefix("-") if part.fees[:1] == "-" else f"-{part.fees}" if part.fees else ""
    return (
        ("price closed ", "label"),
        (part.realised, ""),
        (" open ", "label"),
        (part.unrealised, ""),
        ("  fees ", "label"),
        (fees, ""),
        ("  funding ", "label"),
        (part.funding, ""),
    )


@lru_cache(maxsize=8)
def _curve(nets: tuple[int, ...], highest: str, lowest: str, width: int, height: int) -> list[Row]:
    """The line of equity, with its highest and its lowest value where it is more than one row high."""
    if height < 2 or not nets:
        return [line(width, (text, "accent")) for text in curve(nets, width, height)]
    marks = max(len(highest), len(lowest)) + 1
    rows = curve(nets, max(1, width - marks), height)
    ticks = [highest, *[""] * (height - 2), lowest]
    return [
        line(width, (text.ljust(max(1, width - marks)), "accent"), (right(mark, marks), "dim"))
        for text, mark in zip(rows, ticks, strict=True)
    ]


def curve(nets: tuple[int, ...], width: int, height: int = 1) -> list[str]:
    """The newest samples as blocks between their least and their largest, in so many rows."""
    shown = nets[-width:]
    if not shown:
        return [""] * height
    low, span, steps = min(shown), max(shown) - min(shown), 8 * height - 1
    levels = [1 + (steps * (net - low) // span if span else 0) for net in shown]
    return [
        "".join(BLOCKS[max(0, min(8, level - 8 * (height - 1 - row)))] for level in levels)
        for row in range(height)
    ]


@lru_cache(maxsize=256)
def _position(row: PositionRow, width: int) -> Row:
    side = "bid" if row.side == "long" else "ask"
    return cells(
        COLUMNS,
        width,
        (
            (row.ticker, "strong"),
            (row.side, side),
            (row.size, side),
            (row.entry, ""),
            (row.mark, ""),
            (row.profit, sign(row.profit_sign)),
            (row.fees, "dim"),
            (row.funding, "dim"),
            (row.stop or "-", ""),
            (row.cover, COVER.get(row.cover, "good" if row.cover == "100%" else "warning")),
            _checked(row),
        ),
    )


def _checked(row: PositionRow) -> Cell:
    """How many blocks ago the stop was known to rest, or since how many it might have been there."""
    if row.blocks is None:
        return ("-" if row.cover == "NONE" else "not yet", "dim")
    return (f"{count(row.blocks)} blk", "critical" if row.cover == "NONE" else "dim")


if __name__ == "__main__":
    from sniper.demo import main

    main("positions")
