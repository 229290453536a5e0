"""A picture of the dashboard: one view as a rich renderable, for captures and for the SVG in the docs.

It paints through rich's own Panel and Console, so it also checks the painter: both must show the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.panel import Panel
from rich.segment import Segment
from rich.text import Text

from sniper import layout
from sniper.painter import Box
from sniper.panels.palette import STYLES
from sniper.panels.view import View


class Picture:
    """One page of panels of `width` x `height` cells, or the panel `only` alone. desk: with the decision panels.
    ValueError where the size is too small for panels."""

    def __init__(
        self, view: View, width: int, height: int, page: int = 0, only: str = "", desk: bool = False
    ) -> None:
        pages = layout.single(only, width, height, desk) if only else layout.pages(width, height, desk)
        if not pages:
            raise ValueError(f"no panels fit into {width}x{height}")
        self._view = view
        self._boxes = pages[page]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for _, band in groupby(self._boxes, key=lambda box: box.y):
            columns = [
                console.render_lines(self._box(box), options.update(width=box.width, height=box.height))
                for box in band
            ]
            yield from _beside(columns)

    def _box(self, box: Box) -> RenderableType:
        _, _, width, height = box.inner
        rows = layout.PANELS[box.name].draw(self._view, width, height)
        lines = [Text.assemble(*((text, STYLES[style]) for text, style in row), no_wrap=True) for row in rows]
        text = Text("\n", no_wrap=True).join(lines)
        if not box.title:
            return text
        title = Text(box.title, style=STYLES["title"])
        return Panel(
            text,
            title=title,
            title_align="left",
            border_style=STYLES["border"],
            width=box.width,
            height=box.height,
            padding=(0, 1),
        )


def _beside(columns: list[list[list[Segment]]]) -> Iterator[Segment]:
    for line in zip(*columns, strict=True):
        for segments in line:
            yield from segments
        yield Segment.line()
