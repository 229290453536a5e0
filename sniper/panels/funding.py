"""Funding: the clock to the next hour, and what each market is expected to pay then."""

from __future__ import annotations

from functools import lru_cache

from sniper.panels.desk_parts import FundingRow
from sniper.panels.palette import sign
from sniper.panels.row import SECOND_NS, Row, age, ends, filled
from sniper.panels.table import Column, cells, titles
from sniper.panels.view import View

TITLE = "Funding"
COLUMNS = (
    Column("market", 10, 0, leftmost=True),
    Column("ppm 1h", 8, 1),
    Column("expected", 8, 3),
    Column("paid", 8, 5),
    Column("n/60", 5, 4),
    Column("age", 6, 6),
    Column("due", 10, 2),
)


def draw(view: View, width: int, height: int) -> list[Row]:
    """The clock, then a line a market."""
    part = view.funding
    minutes, seconds = divmod(part.left_ns // SECOND_NS, 60)
    rows = [
        ends(
            width,
            (("next funding in ", "label"), (f"{minutes:02d}:{seconds:02d}", "strong")),
            (("received ", "label"), (part.paid, "")),
        ),
        titles(COLUMNS, width),
    ]
    rows += [_market(row, width) for row in part.rows[: max(0, height - 2)]]
    return filled(rows, width, height)


@lru_cache(maxsize=256)
def _market(row: FundingRow, width: int) -> Row:
    style = "dim" if row.stale else sign((row.predicted > 0) - (row.predicted < 0))
    return cells(
        COLUMNS,
        width,
        (
            (row.ticker, "strong"),
            (f"{row.predicted:.2f}", style),
            (f"{row.expected:.2f}", ""),
            (f"{row.realised:.2f}", "dim"),
            ("old" if row.stale else str(row.samples), "warning" if row.stale else "dim"),
            (age(max(0, row.age_ns)), "dim"),
            (row.due or "-", ""),
        ),
    )


if __name__ == "__main__":
    from sniper.demo import main

    main("funding")
