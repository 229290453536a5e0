"""Positions: what is held, where the profit comes from, and the line of equity."""

from __future__ import annotations

from functools import lru_cache

from sniper.panels.desk_parts import PositionRow
from sniper.panels.palette import sign
from sniper.panels.row import Row, ends, filled, line, number
from sniper.panels.table import Column, cells, titles
from sniper.panels.view import View

TITLE = "Positions"
BLOCKS = "▁▂▃▄▅▆▇█"
COLUMNS = (
    Column("market", 10, 0, leftmost=True),
    Column("side", 5, 2, leftmost=True),
    Column("size", 10, 1),
    Column("entry", 10, 4),
    Column("mark", 10, 5),
    Column("profit", 10, 3),
    Column("fees", 8, 7),
    Column("funding", 8, 8),
    Column("stop", 10, 6),
)


def draw(view: View, width: int, height: int) -> list[Row]:
    """Equity and its parts, the line of equity, then the positions."""
    part = view.positions
    parts = f"price {part.realised} + {part.unrealised}  fees -{part.fees}  funding {part.funding}"
    rows = [
        ends(width, (("equity ", "label"), (part.equity, "strong")), ((f"{part.trips} round trips", "dim"),)),
        line(width, (parts, "")),
        line(width, (curve(part.curve, width), "accent")),
        titles(COLUMNS, width),
    ]
    rows += [_position(row, width) for row in part.rows]
    return filled(rows, width, height)


def curve(nets: tuple[int, ...], width: int) -> str:
    """The newest samples as blocks between their least and their largest."""
    shown = nets[-width:]
    if not shown:
        return ""
    low, span = min(shown), max(shown) - min(shown)
    return "".join(BLOCKS[(len(BLOCKS) - 1) * (net - low) // span if span else 0] for net in shown)


@lru_cache(maxsize=256)
def _position(row: PositionRow, width: int) -> Row:
    side = "bid" if row.side == "long" else "ask"
    return cells(
        COLUMNS,
        width,
        (
            (row.ticker, "strong"),
            (row.side, side),
            (number(row.size, 10), ""),
            (number(row.entry, 10), ""),
            (number(row.mark, 10), ""),
            (number(row.profit, 10), sign(row.profit_sign)),
            (number(row.fees, 8), "dim"),
            (number(row.funding, 8), "dim"),
            (number(row.stop, 10) or "-", "warning" if not row.stop else ""),
        ),
    )


if __name__ == "__main__":
    from sniper.demo import main

    main("positions")
