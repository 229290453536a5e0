"""Signals: a heat map, a line a market and a column a signal, with the scores themselves."""

from __future__ import annotations

from functools import lru_cache

from sniper.panels.desk_parts import SignalRow
from sniper.panels.row import Cell, Row, filled, left, line, right
from sniper.panels.view import View

TITLE = "Signals"
TICKER_WIDTH = 10
CELL_WIDTH = 4
SHORT = {
    "momentum": "mom",
    "trend": "trd",
    "bollinger": "bol",
    "realised": "rlz",
    "regime": "rgm",
    "volume": "vol",
    "flow": "flw",
    "book_1": "b1",
    "book_3": "b3",
    "book_10": "b10",
    "microprice": "mic",
    "spread": "spr",
    "depth": "dep",
    "funding": "fnd",
    "funding_next": "nxt",
    "basis": "bas",
    "liquidations": "liq",
    "footprint": "foo",
    "recurring": "rec",
    "replenished": "rpl",
}
"""Names that fit a column; docs/signals.md says what they mean."""
STRONG, CLEAR = 25, 12
"""How far from its neutral value a score must lie to be strong, or clear."""


def draw(view: View, width: int, height: int) -> list[Row]:
    """Names of the signals, then as many markets as fit."""
    part = view.signals
    columns = max(0, (width - TICKER_WIDTH) // CELL_WIDTH)
    names = tuple(
        (right(SHORT.get(name, name)[: CELL_WIDTH - 1], CELL_WIDTH), "label") for name in part.names[:columns]
    )
    rows = [line(width, (left("market", TICKER_WIDTH), "label"), *names)]
    rows += [_market(row, part.directional, columns, width) for row in part.rows[: height - 1]]
    return filled(rows, width, height)


@lru_cache(maxsize=256)
def _market(row: SignalRow, directional: tuple[bool, ...], columns: int, width: int) -> Row:
    cells = [
        _cell(score, sided) for score, sided in zip(row.scores[:columns], directional[:columns], strict=True)
    ]
    return line(width, (left(row.ticker, TICKER_WIDTH), "strong"), *cells)


@lru_cache(maxsize=512)
def _cell(score: int | None, directional: bool) -> Cell:
    if score is None:
        return (right("·", CELL_WIDTH), "dim")
    text = right(str(score), CELL_WIDTH)
    if not directional:
        return (text, "accent" if score >= 50 + CLEAR else "" if score >= CLEAR else "dim")
    away = abs(score - 50)
    if away < CLEAR:
        return (text, "dim")
    side = "bid" if score > 50 else "ask"
    return (text, f"{side} strong" if away >= STRONG else side)


if __name__ == "__main__":
    from sniper.demo import main

    main("signals")
