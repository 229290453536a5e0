"""Where each panel stands: bands of panels, packed onto as many pages as the height asks for.

A wide screen shows two or three panels beside each other, a narrow one fewer; a band that does not fit
moves to the next page (Tab turns it), so that nothing is squeezed until it cannot be read. Worked out once
per size.
"""

from __future__ import annotations

from typing import NamedTuple

from sniper.painter import Box
from sniper.panels import (
    book,
    candles,
    decisions,
    events,
    feed,
    funding,
    header,
    markets,
    orders,
    pipeline,
    positions,
    risk,
    signals,
    trades,
)

PANELS = {
    "header": header,
    "book": book,
    "trades": trades,
    "candles": candles,
    "markets": markets,
    "pipeline": pipeline,
    "feed": feed,
    "events": events,
    "signals": signals,
    "decisions": decisions,
    "risk": risk,
    "positions": positions,
    "orders": orders,
    "funding": funding,
}
WIDTH_MIN, HEIGHT_MIN = 40, 12
"""Below this one line of state is all there is room for."""


class Band(NamedTuple):
    """Panels beside each other, each with its share of the width; height in rows, border included."""

    panels: tuple[tuple[str, int], ...]
    height_min: int
    weight: int


WIDE = (
    Band((("book", 33), ("trades", 27), ("candles", 40)), 11, 16),
    Band((("markets", 60), ("pipeline", 40)), 8, 11),
    Band((("feed", 60), ("events", 40)), 7, 8),
)
MEDIUM = (
    Band((("book", 50), ("candles", 50)), 11, 13),
    Band((("markets", 100),), 6, 10),
    Band((("trades", 44), ("pipeline", 56)), 8, 10),
    Band((("feed", 56), ("events", 44)), 7, 8),
)
NARROW = (
    Band((("book", 100),), 9, 12),
    Band((("candles", 100),), 9, 12),
    Band((("trades", 100),), 6, 8),
    Band((("markets", 100),), 6, 8),
    Band((("pipeline", 100),), 8, 10),
    Band((("feed", 100),), 7, 8),
    Band((("events", 100),), 6, 8),
)
WIDE_DESK = (
    Band((("risk", 50), ("orders", 50)), 12, 10),
    Band((("positions", 67), ("funding", 33)), 12, 9),
    Band((("decisions", 100),), 11, 12),
    Band((("signals", 100),), 11, 10),
)
MEDIUM_DESK = (
    Band((("risk", 100),), 11, 10),
    Band((("positions", 100),), 9, 8),
    Band((("signals", 100),), 11, 10),
    Band((("decisions", 100),), 7, 8),
    Band((("orders", 100),), 7, 8),
    Band((("funding", 100),), 7, 8),
)
NARROW_DESK = tuple(
    Band(((name, 100),), 10 if name == "risk" else 8, 8)
    for name in ("risk", "positions", "signals", "decisions", "orders", "funding")
)
OVERVIEW = (
    Band((("book", 25), ("trades", 20), ("candles", 26), ("risk", 29)), 13, 20),
    Band((("signals", 51), ("positions", 49)), 11, 16),
    Band((("decisions", 60), ("orders", 40)), 9, 14),
    Band((("markets", 45), ("funding", 30), ("events", 25)), 9, 10),
)
"""Market and decisions at once, on the first page of a screen that is large enough."""
OVERVIEW_WIDTH, OVERVIEW_HEIGHT = 164, 46


def pages(width: int, height: int, desk: bool = False) -> list[list[Box]]:
    """The boxes of each page; empty when the screen is too small for panels. desk: with the decision panels, on
    pages of their own behind those of the market, and on a large screen with a page ahead that shows both."""
    if width < WIDTH_MIN or height < HEIGHT_MIN:
        return []
    size = 0 if width >= 110 else 1 if width >= 72 else 2
    found = packed((WIDE, MEDIUM, NARROW)[size], width, height, desk)
    if not desk:
        return found
    found += packed((WIDE_DESK, MEDIUM_DESK, NARROW_DESK)[size], width, height, desk)
    if width >= OVERVIEW_WIDTH and height >= OVERVIEW_HEIGHT:
        found = packed(OVERVIEW, width, height, desk) + found
    return found


def packed(bands: tuple[Band, ...], width: int, height: int, desk: bool = False) -> list[list[Box]]:
    """Bands on as few pages as hold them. desk: whether the header has a row about the session."""
    top = header.height(width, desk)
    room = height - top
    kept: list[list[Band]] = []
    free = 0
    for band in bands:
        if not kept or band.height_min > free:
            kept.append([])
            free = room
        kept[-1].append(band)
        free -= band.height_min
    return [_page(page, width, top, room) for page in kept]


def _page(bands: list[Band], width: int, top: int, room: int) -> list[Box]:
    boxes = [Box("header", 0, 0, width, top)]
    spare = max(0, room - sum(band.height_min for band in bands))
    weights = sum(band.weight for band in bands)
    y = top
    for i, band in enumerate(bands):
        last = i == len(bands) - 1
        height = top + room - y if last else min(room, band.height_min + spare * band.weight // weights)
        x, share = 0, 0
        for name, part in band.panels:
            share += part
            end = width * share // 100
            boxes.append(Box(name, x, y, end - x, height, PANELS[name].TITLE))
            x = end
        y += height
    return boxes


def single(name: str, width: int, height: int, desk: bool = False) -> list[list[Box]]:
    """One panel alone with the header above it; empty when the screen is too small for panels."""
    if width < WIDTH_MIN or height < HEIGHT_MIN:
        return []
    top = header.height(width, desk)
    return [_page([Band(((name, 100),), 1, 1)], width, top, height - top)]
