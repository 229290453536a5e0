"""Markets: one line a market, by 24-hour volume; the one on display is marked with an arrow."""

from __future__ import annotations

from functools import lru_cache

from sniper.panels.palette import TRUST, sign
from sniper.panels.row import Cell, Row, filled, number
from sniper.panels.table import Column, cells, titles
from sniper.panels.view import MarketRow, View

TITLE = "Markets"
COLUMNS = (
    Column("market", 11, 0, leftmost=True),
    Column("oracle", 12, 3),
    Column("mid", 12, 2),
    Column("sprd", 4, 4),
    Column("fund 1h", 9, 5),
    Column("24h", 7, 6),
    Column("volume", 6, 7),
    Column("book", 7, 1, leftmost=True),
)


def draw(view: View, width: int, height: int) -> list[Row]:
    """Titles, then as many markets as fit, from the view's first row on."""
    markets = view.markets
    rows = [titles(COLUMNS, width)]
    rows += [_market(row, row.ticker == markets.ticker, width) for row in markets.rows[: height - 1]]
    return filled(rows, width, height)


@lru_cache(maxsize=256)
def _market(row: MarketRow, shown: bool, width: int) -> Row:
    """One market; most lines of a draw are those of the last one."""
    spread = "-" if row.spread_ticks is None else str(row.spread_ticks)
    return cells(
        COLUMNS,
        width,
        (
            (f"▸{row.ticker}" if shown else f" {row.ticker}", "accent" if shown else "strong"),
            (number(row.oracle, 12) or "-", ""),
            (number(row.mid, 12) or "-", ""),
            (spread, ""),
            (row.funding or "-", sign(row.funding_sign)),
            (row.change or "-", sign(row.change_sign)),
            (row.volume or "-", "dim"),
            _state(row),
        ),
    )


def _state(row: MarketRow) -> Cell:
    """The market's own state where it is not simply active, else how far its book can be trusted."""
    if row.status:
        return (row.status.replace("_", " ").lower(), "warning")
    return ("rebuild" if row.trust == "rebuilding" else row.trust, TRUST.get(row.trust, ""))


if __name__ == "__main__":
    from sniper.demo import main

    main("markets")
