"""The painter's inner loop; what it comes to on a screen is in test_painter.py."""

import pytest

from sniper._ext.brush import Brush
from sniper.feed.link_state import State

PREFIXES = {"": b"<>", "a": b"<a>", "filled": b"<f>", "other": b"<o>"}
Row = tuple[tuple[str, str], ...]


def brush() -> Brush:
    return Brush(PREFIXES, ["filled"], {"other": {ord("x"): ord("y")}}, lambda text: "?" * len(text))


def painted(*rows: Row) -> bytes:
    one = brush()
    one.paint([()] * len(rows), [b"|"] * len(rows), rows)
    return one.take()


def test_a_style_is_set_where_it_changes() -> None:
    assert painted((("one", "a"), ("two", "a"), ("three", ""))) == b"|<a>onetwo<>three"
    assert painted((("one", "a"),), (("two", "a"),)) == b"|<a>one|two"


def test_a_blank_needs_no_style_of_its_own_unless_one_of_them_fills_it() -> None:
    assert painted((("x", "a"), ("  ", ""), ("x", "a"))) == b"|<a>x  x"
    assert painted((("x", "filled"), (" ", ""))) == b"|<f>x<> "
    assert painted((("x", ""), (" ", "filled"))) == b"|<>x<f> "
    assert painted(((" ", ""),)) == b"|<> ", "what is set before the first cell is not known"


def test_what_does_not_print_is_cleaned_and_signs_are_swapped() -> None:
    assert painted((("a\x1bb", "a"), ("\x7f", "a"), ("\u202e", "a"))) == b"|<a>?????"
    assert painted((("xz", "other"),)) == b"|<o>yz"
    assert painted((("é█", ""),)) == "|<>é█".encode()


def test_rows_that_are_shown_are_left_out_and_rows_without_a_place_too() -> None:
    one, shown, rows = brush(), [()] * 2, [(("1", ""),), (("2", ""),), (("3", ""),)]
    held: list[Row] = [*shown]
    assert one.paint(held, [b"A", b"B"], rows) == 2
    assert one.take() == b"A<>1B2"
    assert held == rows[:2]
    assert one.paint(held, [b"A", b"B"], [rows[0], rows[2]]) == 1
    assert one.take() == b"B<>3"
    assert one.paint(held, [b"A", b"B"], [rows[0], rows[2]]) == 0
    assert one.take() == b""


def test_bytes_are_added_as_they_are_and_there_is_room_for_many() -> None:
    one = brush()
    one.paint([()], [b"|"], [(("x", "a"),)])
    one.write(b"raw" * 100_000)
    one.paint([()], [b"|"], [(("x", "a"),)])
    assert one.take() == b"|<a>x" + b"raw" * 100_000 + b"|<a>x"


def test_an_unknown_style_is_an_error_and_so_is_what_is_no_text() -> None:
    with pytest.raises(KeyError):
        painted((("x", "nothing"),))
    with pytest.raises(TypeError, match="not bytes"):
        painted(((b"x", "a"),))  # type: ignore[arg-type]


def test_a_kind_of_text_is_text() -> None:
    assert painted(((State.LIVE, "a"),)) == b"|<a>live"
