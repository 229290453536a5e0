"""Row: exact widths, short numbers that round right, and no way in for control codes."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from sniper.panels import row
from tests.screen import check_rows

CELLS = st.lists(st.tuples(st.text("ab │█", max_size=12), st.sampled_from(["", "dim"])), max_size=5)
NS = st.integers(0, 253_000_000_000 * 10**9)


@given(st.text())
def test_clean_text_is_one_cell_a_character_and_nothing_else(text: str) -> None:
    clean = row.clean(text)
    assert len(clean) == len(text) == cell_len(clean)
    assert clean.isprintable()


def test_clean_keeps_what_is_harmless_and_stops_what_is_not() -> None:
    assert row.clean("BTC-USD [bold]µ→") == "BTC-USD [bold]µ→"
    assert row.clean("\x1b[2J\x07\u202eabc\u0301宽\n") == "·[2J··abc···"
    assert row.clean("\x1b[2J" * row.KEPT_MAX) == "·[2J" * row.KEPT_MAX  # too long to be kept


@given(CELLS, st.integers(0, 60))
def test_line_is_exactly_as_wide_as_asked(cells: list[tuple[str, str]], width: int) -> None:
    check_rows([row.line(width, *cells)], width, 1)


@given(CELLS, CELLS, st.integers(0, 60))
def test_ends_fill_the_line_or_give_way(start: list[row.Cell], end: list[row.Cell], width: int) -> None:
    result = row.ends(width, tuple(start), tuple(end))
    check_rows([result], width, 1)
    head, tail = ("".join(text for text, _ in cells) for cells in (start, end))
    text = "".join(text for text, _ in result)
    if len(head) + 1 + len(tail) <= width:
        assert text.startswith(head) and text.endswith(tail)


def test_left_and_right_mark_what_they_cut() -> None:
    assert (row.left("abc", 5), row.right("abc", 5)) == ("abc  ", "  abc")
    assert (row.left("abcdef", 4), row.right("abcdef", 4), row.left("abc", 0)) == ("abc…", "abc…", "")


@given(st.integers(-5, 100), st.integers(-5, 100), st.integers(0, 20))
def test_a_bar_has_its_width_and_grows_with_its_part(part: int, whole: int, width: int) -> None:
    bar = row.bar(part, whole, width)
    assert len(bar) == width
    if part > 0 and whole > 0 and width:
        assert bar.strip()
        assert bar.count("█") <= row.bar(part + 1, whole, width).count("█") <= width
    if part >= whole > 0:
        assert bar == "█" * width


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1.00k"),
        (1234, "1.23k"),
        (45_678, "45.7k"),
        (999_499, "999k"),
        (999_500, "1.00M"),
        (7_654_321, "7.65M"),
        (10**9, "1.00G"),
        (3 * 10**12, "3.00T"),
        (5 * 10**15, "5.00P"),
    ],
)
def test_counts(number: int, text: str) -> None:
    assert row.count(number) == text


@given(st.integers(0, 10**17))
def test_a_count_is_short_and_near(number: int) -> None:
    text = row.count(number)
    assert len(text) <= 5
    unit = {"k": 3, "M": 6, "G": 9, "T": 12, "P": 15}.get(text[-1], 0)
    assert abs(float(text.rstrip("kMGTP")) * 10**unit - number) <= 0.01 * number + 0.5


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0ns"),
        (999, "999ns"),
        (1400, "1.40µs"),
        (12_340, "12.3µs"),
        (450_000, "450µs"),
        (999_500, "1.00ms"),
        (3_210_000_000, "3.21s"),
        (99_940_000_000, "99.9s"),
        (100 * 10**9, "1m"),
        (3600 * 10**9, "60m"),
        (36_000 * 10**9, "10h"),
    ],
)
def test_durations(ns: int, text: str) -> None:
    assert row.duration(ns) == text


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0.00"),
        (210, "0.21"),
        (12_340, "12.3"),
        (450_000, "450"),
        (4_200_000, "4200"),
        (12_000_000, "12ms"),
        (400_000_000, "0.4s"),
        (12_000_000_000, "12s"),
    ],
)
def test_micros(ns: int, text: str) -> None:
    assert row.micros(ns) == text


@given(st.integers(0, 10**13))
def test_micros_stay_within_four_characters(ns: int) -> None:
    assert len(row.micros(ns)) <= 4


@given(NS)
def test_dates_and_times_are_those_of_the_calendar(ns: int) -> None:
    moment = datetime.fromtimestamp(ns // 10**9, UTC)
    assert row.date(ns) == f"{moment:%Y-%m-%d}".rjust(10, "0")
    assert row.clock(ns) == f"{moment:%H:%M:%S}"
    assert row.clock_ms(ns) == f"{moment:%H:%M:%S}.{ns // 10**6 % 1000:03d}"


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("1.25", 6, "1.25"),
        ("97123.4567", 7, "97123.4"),
        ("97123.4567", 6, "97123"),
        ("123456789.5", 5, "123M"),
        ("-123456.5", 4, "-12…"),
    ],
)
def test_a_number_that_is_too_long_gets_rougher(text: str, width: int, expected: str) -> None:
    assert row.number(text, width) == expected


def test_filled_cuts_and_fills() -> None:
    rows = [row.line(3, ("a", "")), row.line(3, ("b", ""))]
    assert len(row.filled(list(rows), 3, 1)) == 1
    check_rows(row.filled(list(rows), 3, 5), 3, 5)


def test_how_long_ago() -> None:
    ages = {0: "0s", 999_999_999: "0s", 38_000_000_000: "38s", 99_999_999_999: "99s", 4500 * 10**9: "75m"}
    assert {ns: row.age(ns) for ns in ages} == ages
    assert row.age(12 * 3600 * 10**9) == "12h"
