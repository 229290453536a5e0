"""Where each panel stands: bands of panels, packed onto as many pages as the height asks for.

A wide screen shows two or three panels beside each other, a narrow one fewer; a band that does not fit
moves to the next page (Tab turns it), so that nothing is squeezed until it cannot be read. Worked out once
per size.
"""

from __future__ import annotations

from typing import NamedTuple

from sniper.painter import Box
from sniper.panels import book, candles, events, feed, header, markets, pipeline, trades

PANELS = {
    "header": header,
    "book": book,
    "trades": trades,
    "candles": candles,
    "markets": markets,
    "pipeline": pipeline,
    "feed": feed,
    "events": events,
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


def pages(width: int, height: int) -> list[list[Box]]:
    """The boxes of each page; empty when the screen is too small for panels."""
    if width < WIDTH_MIN or height < HEIGHT_MIN:
        return []
    bands = WIDE if width >= 110 else MEDIUM if width >= 72 else NARROW
    top = header.height(width)
    room = height - top
    packed: list[list[Band]] = []
    free = 0
    for band in bands:
        if not packed or band.height_min > free:
            packed.append([])
            free = room
        packed[-1].append(band)
        free -= band.height_min
    return [_page(page, width, top, room) for page in packed]


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
