"""The painter against a small terminal: after any sequence of views the screen equals a full repaint."""

from io import StringIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from sniper.painter import Box, Painter
from sniper.panels.palette import STYLES
from sniper.panels.row import Row, line
from tests.screen import Screen

BOXES = (Box("a", 0, 0, 30, 2), Box("b", 0, 2, 16, 6, "One"), Box("c", 16, 2, 14, 6, "Two", "hint"))


class Stream(StringIO):
    """A stream with an encoding of its own."""

    encoding = "utf-8"


class Latin(Stream):
    encoding = "latin-1"


def console(
    colors: str | None = "truecolor", no_color: bool = False, stream: type[Stream] = Stream
) -> Console:
    system: Any = colors
    return Console(
        file=stream(), force_terminal=True, color_system=system, no_color=no_color, width=30, height=8
    )


TEXTS = st.text(st.characters(min_codepoint=0, max_codepoint=0x2FFF), max_size=8)
CELLS = st.tuples(TEXTS, st.sampled_from(sorted(STYLES)))


def rows_of(box: Box) -> st.SearchStrategy[list[Row]]:
    from sniper.panels.row import clean

    _, _, width, height = box.inner
    row = st.lists(CELLS, max_size=4).map(lambda cells: line(width, *((clean(t), s) for t, s in cells)))
    return st.lists(row, min_size=height, max_size=height)


DRAWS = st.lists(st.tuples(*(st.none() | rows_of(box) for box in BOXES)), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(DRAWS, st.sampled_from(["truecolor", "256", "standard"]), st.booleans())
def test_any_sequence_of_draws_ends_as_a_full_repaint(
    draws: list[tuple[list[Row] | None, ...]], colors: str, no_color: bool
) -> None:
    painter, screen = Painter(console(colors, no_color)), Screen(30, 8)
    painter.frame(BOXES)
    last: dict[str, list[Row]] = {}
    for draw in draws:
        for box, rows in zip(BOXES, draw, strict=True):
            if rows is not None:
                painter.paint(box.name, rows)
                last[box.name] = rows
        screen.feed(painter.take())
    fresh, expected = Painter(console(colors, no_color)), Screen(30, 8)
    fresh.frame(BOXES)
    for name, rows in last.items():
        fresh.paint(name, rows)
    expected.feed(fresh.take())
    assert screen.cells == expected.cells


def test_only_rows_that_changed_are_sent() -> None:
    painter = Painter(console())
    painter.frame(BOXES)
    rows = [line(30, ("first", "")), line(30, ("second", "bid"))]
    painter.paint("a", rows)
    painter.take()
    before = painter.rows_painted
    painter.paint("a", [line(30, ("first", "")), line(30, ("third", "bid"))])
    text = painter.take().decode()
    assert painter.rows_painted == before + 1
    assert "third" in text and "first" not in text
    painter.paint("a", [line(30, ("first", "")), line(30, ("third", "bid"))])
    assert painter.take() == b""


def test_borders_come_from_rich_and_stand_where_the_boxes_are() -> None:
    painter, screen = Painter(console()), Screen(30, 8)
    painter.frame(BOXES)
    screen.feed(painter.take())
    lines = screen.text().split("\n")
    assert lines[2] == "╭─ One ────────╮╭─ Two ──────╮"
    assert lines[7] == "╰──────────────╯╰───── hint ─╯"
    assert all(row[0] == "│" and row[29] == "│" for row in lines[3:7])


def test_a_box_paints_no_more_rows_than_it_has() -> None:
    painter, screen = Painter(console()), Screen(30, 8)
    painter.frame(BOXES)
    painter.paint("b", [line(12, (f"row {i}", "")) for i in range(9)])
    screen.feed(painter.take())
    assert "row 3" in screen.text() and "row 4" not in screen.text()


def test_text_that_escaped_the_panels_is_still_neutralised() -> None:
    painter, screen = Painter(console()), Screen(30, 8)
    painter.frame(BOXES)
    hostile = "\x1b]0;owned\x07\x9b2J\r\n\u202e[bold]"
    painter.paint("a", [((hostile, ""), (" " * (30 - len(hostile)), ""))])
    screen.feed(painter.take())
    assert "owned" in screen.text() and "[bold]" in screen.text()


@pytest.mark.parametrize(
    ("colors", "no_color", "expected"),
    [
        ("truecolor", False, "\x1b[0;1;38;2;227;179;65m"),
        ("256", False, "\x1b[0;1;38;5;179m"),
        ("standard", False, "\x1b[0;1;33m"),
        ("truecolor", True, "\x1b[0;1m"),
        (None, False, ""),
    ],
)
def test_styles_fit_the_terminal(colors: str | None, no_color: bool, expected: str) -> None:
    painter = Painter(console(colors, no_color))
    painter.frame(BOXES[:1])
    painter.paint("a", [line(30, ("x", "accent"))])
    assert f"{expected}x" in painter.take().decode()


def test_without_colour_falling_bars_have_signs_of_their_own() -> None:
    row = (("┃╻╹", "rising"), ("┃╻╹", "falling"), (" " * 24, ""))
    texts = []
    for no_color in (False, True):
        painter, screen = Painter(console(no_color=no_color)), Screen(30, 8)
        painter.frame(BOXES[:1])
        painter.paint("a", [row])
        screen.feed(painter.take())
        texts.append(screen.text().split("\n")[0])
    assert texts == ["┃╻╹┃╻╹", "┃╻╹█▄▀"]


def test_a_terminal_without_unicode_gets_ascii() -> None:
    painter, screen = Painter(console(stream=Latin)), Screen(30, 8)
    painter.frame(BOXES)
    painter.paint("a", [line(30, ("▸BTC █▌ 1.4µs … ≥", ""))])
    text = painter.take()
    assert text.isascii()
    screen.feed(text)
    lines = screen.text().split("\n")
    assert lines[0] == ">BTC #= 1.4us ~ ?"
    assert lines[2].startswith("+- One")
