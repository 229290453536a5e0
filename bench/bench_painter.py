"""painter: one draw of all panels at 120x40, panels and all, into memory.

The naive way is the one that rich suggests: a Layout of Panels with a Table each, printed anew. Both show the
same text. `few` draws differ in the trades panel alone (up to 20 rows), `all` draws in everything.
"""

from __future__ import annotations

from functools import cache
from io import StringIO
from typing import Any

import pytest
from rich.console import Console, Group
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from bench.contest import Case, Contender, play
from sniper.layout import PANELS, pages
from sniper.painter import Box, Painter
from sniper.panels.palette import STYLES
from sniper.panels.view import View
from tests.views import sample

WIDTH, HEIGHT, DRAWS, SLOW_DRAWS = 120, 40, 50, 4


class Utf8(StringIO):
    encoding = "utf-8"


def console() -> Console:
    return Console(file=Utf8(), force_terminal=True, color_system="truecolor", width=WIDTH, height=HEIGHT)


@cache
def boxes() -> list[Box]:
    return pages(WIDTH, HEIGHT)[0]


@cache
def views(few: bool) -> tuple[View, View]:
    first, second = sample(1), sample(2)
    return first, first._replace(trades=second.trades) if few else second


def painter(few: bool) -> tuple[Any, ...]:
    made = Painter(console())
    shown: dict[str, Any] = {}
    made.frame(boxes())
    for view in views(few):
        draw(made, shown, view)
    return made, shown, views(few)


def draw(made: Painter, shown: dict[str, Any], view: View) -> str:
    """As the dashboard does it: a panel whose part of the view is as before is not asked."""
    for box in boxes():
        part = getattr(view, box.name)
        if shown.get(box.name) == part:
            continue
        shown[box.name] = part
        _, _, width, height = box.inner
        made.paint(box.name, PANELS[box.name].draw(view, width, height))
    return made.take()


def draws(made: Painter, shown: dict[str, Any], both: tuple[View, View]) -> None:
    for number in range(DRAWS):
        draw(made, shown, both[number & 1])


def table(view: View, box: Box) -> Panel | Group:
    """A panel as a Table with one column, a row a line."""
    _, _, width, height = box.inner
    made = Table(box=None, show_header=False, padding=0, expand=True)
    made.add_column(no_wrap=True)
    for row in PANELS[box.name].draw(view, width, height):
        made.add_row(Text.assemble(*((text, STYLES[style]) for text, style in row)))
    return Panel(made, title=box.title, title_align="left") if box.title else Group(made)


def redraw(screen: Console, both: tuple[View, View]) -> None:
    for number in range(SLOW_DRAWS):
        view = both[number & 1]
        rows: dict[int, list[Layout]] = {}
        for box in boxes():
            rows.setdefault(box.y, []).append(Layout(table(view, box), size=box.width))
        heights = {box.y: box.height for box in boxes()}
        bands = []
        for y, parts in rows.items():
            band = Layout(size=heights[y])
            band.split_row(*parts)
            bands.append(band)
        whole = Layout()
        whole.split_column(*bands)
        screen.print(whole)


def case(name: str, few: bool) -> Case:
    return Case(
        name,
        "draw",
        Contender(f"painter, {'few' if few else 'all'}", lambda: painter(few), draws, DRAWS),
        Contender(
            f"rich Tables, {'few' if few else 'all'}", lambda: (console(), views(few)), redraw, SLOW_DRAWS
        ),
    )


CASES = [case("draw, trades changed", True), case("draw, all changed", False)]


@pytest.mark.parametrize("contender", [c for each in CASES for c in each.contenders], ids=lambda c: c.name)
def test_painter(benchmark: Any, contender: Contender) -> None:
    play(benchmark, contender)
