"""Orders: state, age, and how many blocks each has left to live."""

from __future__ import annotations

from functools import lru_cache

from sniper.panels.desk_parts import OrderRow, Orders
from sniper.panels.row import Cell, Row, age, ends, filled, fitting
from sniper.panels.table import Column, cells, titles
from sniper.panels.view import View

TITLE = "Orders"
STATES = {"acked": "good", "sent": "warning", "unknown": "critical", "fading": "dim"}
SHORT = {"replacing": "replace", "cancelling": "cancel"}
COLUMNS = (
    Column("market", 9, 0, leftmost=True),
    Column("side", 4, 4, leftmost=True),
    Column("size", 8, 6),
    Column("filled", 6, 8),
    Column("price", 10, 5),
    Column("what", 17, 7, leftmost=True),
    Column("state", 7, 1, leftmost=True),
    Column("age", 5, 2),
    Column("left", 4, 3),
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
    ]
    if part.asks:
        rows.append(fitting(width, *_agreed(part)))
    rows.append(titles(COLUMNS, width))
    rows += [_order(row, width) for row in part.rows[: max(0, height - len(rows))]]
    return filled(rows, width, height)


def _agreed(part: Orders) -> tuple[Cell, ...]:
    """When our books last agreed with the venue's, and what is still to be answered."""
    when = f"block {part.agreed:,}, {age(part.agreed_age_ns)} ago" if part.agreed else "never yet"
    found: tuple[Cell, ...] = (("reconciled ", "label"), (when, "good" if part.settled else "warning"))
    if part.missing:
        found += ((f"  waiting for {' '.join(part.missing)}", "warning"),)
    if part.questions:
        found += ((f"  {part.questions} to be proven", "warning"),)
    return found


@lru_cache(maxsize=256)
def _order(row: OrderRow, width: int) -> Row:
    return cells(
        COLUMNS,
        width,
        (
            (row.ticker, "strong"),
            (row.side.lower(), "bid" if row.side == "BUY" else "ask"),
            (row.size, ""),
            (row.filled, "dim"),
            (row.price, ""),
            (row.what, ""),
            (SHORT.get(row.state, row.state), STATES.get(row.state, "")),
            (age(max(0, row.age_ns)), "dim"),
            ("-" if row.left is None else str(row.left), "warning" if (row.left or 0) < 0 else "dim"),
        ),
    )


if __name__ == "__main__":
    from sniper.demo import main

    main("orders")
