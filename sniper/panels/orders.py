"""Orders: state, age, and how many blocks each has to live."""

from __future__ import annotations

from sniper.panels.desk_parts import OrderRow
from sniper.panels.row import Row, duration, ends, filled, number
from sniper.panels.table import Column, cells, titles
from sniper.panels.view import View

TITLE = "Orders"
STATES = {"acked": "good", "sent": "warning", "unknown": "critical", "fading": "dim"}
COLUMNS = (
    Column("market", 10, 0, leftmost=True),
    Column("side", 4, 2, leftmost=True),
    Column("size", 9, 3),
    Column("filled", 8, 6),
    Column("price", 10, 4),
    Column("what", 16, 5, leftmost=True),
    Column("state", 10, 1, leftmost=True),
    Column("age", 6, 7),
    Column("blocks", 6, 8),
)


def draw(view: View, width: int, height: int) -> list[Row]:
    """How many, then the newest."""
    part = view.orders
    rows = [
        ends(
            width,
            ((f"{part.total} open", "strong"),),
            ((f"{part.unknown} unknown  block {part.height:,}", "critical" if part.unknown else "dim"),),
        ),
        titles(COLUMNS, width),
    ]
    rows += [_order(row, width) for row in part.rows[: max(0, height - 2)]]
    return filled(rows, width, height)


def _order(row: OrderRow, width: int) -> Row:
    return cells(
        COLUMNS,
        width,
        (
            (row.ticker, "strong"),
            (row.side.lower(), "bid" if row.side == "BUY" else "ask"),
            (number(row.size, 9), ""),
            (number(row.filled, 8), "dim"),
            (number(row.price, 10), ""),
            (row.what, ""),
            (row.state, STATES.get(row.state, "")),
            (duration(max(0, row.age_ns)), "dim"),
            ("-" if row.left is None else str(row.left), "dim"),
        ),
    )


if __name__ == "__main__":
    from sniper.demo import main

    main("orders")
