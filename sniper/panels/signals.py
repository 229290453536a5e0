"""Signals: a heat map, a line a market and a column a signal, with the scores themselves.

Scores with a direction are green above 50 and red below; intensities are blue, and only as strong as they are.
"""

from __future__ import annotations

from functools import lru_cache

from sniper.panels.desk_parts import SignalRow
from sniper.panels.row import Cell, Row, filled, left, line, right
from sniper.panels.view import View

TITLE = "Signals"
TICKER_WIDTH = 10
CELL_WIDTH = 4
NARROW = 3
"""Where columns of four cells would leave signals out; a score of 100 shows as 99 there."""
SHORT = {
    "momentum": ("mom", "mo"),
    "trend": ("trd", "tr"),
    "rsi": ("rsi", "rs"),
    "bollinger": ("bol", "bo"),
    "atr": ("atr", "at"),
    "realised": ("rlz", "rz"),
    "regime": ("rgm", "rg"),
    "volume": ("vol", "vo"),
    "flow": ("flw", "fl"),
    "book_1": ("b1", "b1"),
    "book_3": ("b3", "b3"),
    "book_10": ("b10", "bX"),
    "microprice": ("mic", "mi"),
    "spread": ("spr", "sp"),
    "depth": ("dep", "de"),
    "funding": ("fnd", "fu"),
    "funding_next": ("nxt", "nx"),
    "basis": ("bas", "ba"),
    "liquidations": ("liq", "lq"),
    "footprint": ("foo", "fo"),
    "recurring": ("rec", "re"),
    "replenished": ("rpl", "rp"),
}
"""Names that fit a column of four cells, or three; docs/signals.md says what they mean."""
STEPS = (12, 25, 38)
"""How far from 50 a score with a direction must lie for each shade; an intensity, twice as far from 0."""


def draw(view: View, width: int, height: int) -> list[Row]:
    """Names of the signals, then as many markets as fit."""
    part = view.signals
    cell = CELL_WIDTH if TICKER_WIDTH + CELL_WIDTH * len(part.names) <= width else NARROW
    columns = max(0, (width - TICKER_WIDTH) // cell)
    rows = [_names(part.names[:columns], cell, width)]
    rows += [
        _market(row, row.ticker == part.ticker, part.directional, columns, cell, width)
        for row in part.rows[: height - 1]
    ]
    if part.total > height - 1 and len(rows) == height > 2:
        rows[-1] = line(width, (f"and {part.total - height + 2} more markets", "dim"))
    legend = _legend(part.names[:columns], part.directional, cell, width)
    if len(rows) + 1 + len(legend) <= height:
        rows += [line(width), *legend]
    return filled(rows, width, height)


@lru_cache(maxsize=8)
def _names(names: tuple[str, ...], cell: int, width: int) -> Row:
    short = "".join(right(_short(name, cell), cell) for name in names)
    return line(width, (left(" market", TICKER_WIDTH) + short, "label"))


@lru_cache(maxsize=8)
def _legend(names: tuple[str, ...], directional: tuple[bool, ...], cell: int, width: int) -> list[Row]:
    """What the short names stand for, those with a direction first, and what the colours say."""
    rows: list[Row] = []
    for sided, told in ((True, "50 neutral, above long, below short:"), (False, "intensity, 0 none:")):
        words: list[Cell] = [(told, "long 2" if sided else "heat 2")]
        for name, one in zip(names, directional, strict=False):
            if one != sided:
                continue
            pair: list[Cell] = [(f"  {_short(name, cell)} ", "label"), (name.replace("_", " "), "dim")]
            if sum(len(text) for text, _ in (*words, *pair)) > width:
                rows.append(line(width, *words))
                words = []
            words += pair
        rows.append(line(width, *words))
    return rows


def _short(name: str, cell: int) -> str:
    return SHORT.get(name, (name, name))[cell == NARROW][: cell - 1]


@lru_cache(maxsize=256)
def _market(
    row: SignalRow, shown: bool, directional: tuple[bool, ...], columns: int, cell: int, width: int
) -> Row:
    """One market."""
    ticker = left(f"▸{row.ticker}" if shown else f" {row.ticker}", TICKER_WIDTH)
    missing, faces = _faces(directional, cell)
    scores = row.scores[:columns]
    room = width - TICKER_WIDTH - cell * len(scores)
    return (
        (ticker, "accent" if shown else "strong"),
        *[missing if score is None else face[score] for score, face in zip(scores, faces, strict=False)],
        (" " * room, ""),
    )


@lru_cache(maxsize=8)
def _faces(directional: tuple[bool, ...], cell: int) -> tuple[Cell, list[list[Cell]]]:
    """What a score looks like that is not there yet, and each score of each signal."""
    faces = [[_face(score, sided, cell) for score in range(101)] for sided in (False, True)]
    return (right("·", cell), "dim"), [faces[sided] for sided in directional]


def _face(score: int, directional: bool, cell: int) -> Cell:
    text = right(str(min(score, 99) if cell == NARROW else score), cell)
    away = abs(score - 50) if directional else score // 2
    shade = sum(away >= step for step in STEPS)
    if not shade:
        return (text, "dim")
    side = "heat" if not directional else "long" if score > 50 else "short"
    return (text, f"{side} {shade}")


if __name__ == "__main__":
    from sniper.demo import main

    main("signals")
