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
    Band((("risk", 40), ("positions", 38), ("funding", 22)), 11, 12),
    Band((("signals", 100),), 7, 10),
    Band((("decisions", 58), ("orders", 42)), 8, 10),
)
MEDIUM_DESK = (
    Band((("risk", 100),), 10, 12),
    Band((("positions", 100),), 8, 8),
    Band((("signals", 100),), 6, 8),
    Band((("decisions", 100),), 6, 8),
    Band((("orders", 58), ("funding", 42)), 6, 8),
)
NARROW_DESK = tuple(
    Band(((name, 100),), 8, 8) for name in ("risk", "positions", "signals", "decisions", "orders", "funding")
)


def pages(width: int, height: int, desk: bool = False) -> list[list[Box]]:
    """The boxes of each page; empty when the screen is too small for panels. desk: with the decision panels, on
    pages of their own behind those of the market."""
    if width < WIDTH_MIN or height < HEIGHT_MIN:
        return []
    size = 0 if width >= 110 else 1 if width >= 72 else 2
    found = packed((WIDE, MEDIUM, NARROW)[size], width, height)
    return found + packed((WIDE_DESK, MEDIUM_DESK, NARROW_DESK)[size], width, height) if desk else found


def packed(bands: tuple[Band, ...], width: int, height: int) -> list[list[Box]]:
    """Bands on as few pages as hold them."""
    top = header.height(width)
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


def single(name: str, width: int, height: int) -> list[list[Box]]:
    """One panel alone with the header above it; empty when the screen is too small for panels."""
    if width < WIDTH_MIN or height < HEIGHT_MIN:
        return []
    return [_page([Band(((name, 100),), 1, 1)], width, header.height(width), height - header.height(width))]
