"""Markets: one line a market, by 24-hour volume; the one on display is marked with an arrow."""

from __future__ import annotations

from sniper.panels.palette import TRUST, sign
from sniper.panels.row import Row, filled
from sniper.panels.table import Column, cells, titles
from sniper.panels.view import MarketRow, Markets, View

TITLE = "Markets"
COLUMNS = (
    Column("market", 11, 0, leftmost=True),
    Column("oracle", 10, 3),
    Column("mid", 10, 2),
    Column("sprd", 4, 4),
    Column("fund 1h", 9, 5),
    Column("24h", 8, 6),
    Column("volume", 6, 7),
    Column("book", 10, 1, leftmost=True),
)


def draw(view: View, width: int, height: int) -> list[Row]:
    """Titles, then as many markets as fit, from the view's first row on."""
    markets = view.markets
    rows = [titles(COLUMNS, width)]
    rows += [_market(row, markets, width) for row in markets.rows[: height - 1]]
    return filled(rows, width, height)


def _market(row: MarketRow, markets: Markets, width: int) -> Row:
    shown = row.ticker == markets.ticker
    spread = "-" if row.spread_ticks is None else str(row.spread_ticks)
    return cells(
        COLUMNS,
        width,
        (
            (f"▸{row.ticker}" if shown else f" {row.ticker}", "accent" if shown else "strong"),
            (row.oracle or "-", ""),
            (row.mid or "-", ""),
            (spread, ""),
            (row.funding or "-", sign(row.funding_sign)),
            (row.change or "-", sign(row.change_sign)),
            (row.volume or "-", "dim"),
            (row.status or row.trust, "warning" if row.status else TRUST.get(row.trust, "")),
        ),
    )
