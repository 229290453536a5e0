"""Decisions: what was wanted lately, what became of it, and why."""

from __future__ import annotations

from functools import lru_cache

from sniper.panels.desk_parts import DecisionRow
from sniper.panels.row import Row, clean, clock, ends, filled
from sniper.panels.table import Column, cells
from sniper.panels.view import View

TITLE = "Decisions"
OUTCOMES = {"placed": "good", "refused": "warning", "withdrawn": "dim"}
COLUMNS = (
    Column("time", 8, 4, leftmost=True),
    Column("market", 9, 0, leftmost=True),
    Column("outcome", 9, 1, leftmost=True),
    Column("what", 12, 2, leftmost=True),
    Column("size", 9, 6),
    Column("price", 10, 5),
    Column("why", 24, 3, leftmost=True, fills=True),
)


def draw(view: View, width: int, height: int) -> list[Row]:
    """How many there were, then the newest."""
    part = view.decisions
    rows = [
        ends(
            width,
            ((f"{clean(part.strategy)}  {part.total:,} decisions", "strong"),),
            ((f"{part.refused:,} refused", "warning" if part.refused else "dim"),),
        )
    ]
    rows += [_decision(row, width) for row in part.rows[: height - 1]]
    return filled(rows, width, height)


@lru_cache(maxsize=256)
def _decision(row: DecisionRow, width: int) -> Row:
    side = {"BUY": "bid", "SELL": "ask"}.get(row.side, "")
    return cells(
        COLUMNS,
        width,
        (
            (clock(row.ns)[:8], "dim"),
            (row.ticker, "strong"),
            (row.outcome, OUTCOMES.get(row.outcome, "")),
            (f"{row.purpose} {row.side.lower()}".strip(), side),
            (row.size, ""),
            (row.price, ""),
            (clean(row.why), "dim"),
        ),
    )


if __name__ == "__main__":
    from sniper.demo import main

    main("decisions")
