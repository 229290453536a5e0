"""Book: the ladder, its bars, masked levels, and books that lack a side."""

import pytest

from sniper.panels import book
from sniper.panels.row import CROSS
from sniper.panels.view import Book, Level, View
from tests.captures import SIZES, check_panel, text_of
from tests.screen import check_rows
from tests.views import sample


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_it_looks_as_captured(size: tuple[int, int]) -> None:
    check_panel("book", sample(), size)


@pytest.mark.parametrize("height", [0, 1, 2, 3, 7, 30])
@pytest.mark.parametrize("width", [8, 20, 36, 61, 150])
def test_rows_fit_any_size_full_or_empty(width: int, height: int) -> None:
    for view in (sample(), sample(crossed=False), View()):
        check_rows(book.draw(view, width, height), width, height)


def level(price: str, total: int, masked: bool = False) -> Level:
    return Level(price, "1.0", "" if masked else f"{total}.0", 0 if masked else total, masked)


def test_best_bid_and_ask_meet_at_the_spread() -> None:
    asks, bids = (level("101", 1), level("102", 3)), (level("99", 2), level("98", 4))
    view = View(book=Book("X", "live", bids, asks, "99", "101", "99", "101", 2, "200.00", "100", "100.01"))
    lines = text_of(book.draw(view, 40, 7)).split("\n")
    assert [line.split()[0] for line in lines[1:]] == ["price", "102", "101", "──", "99", "98"]
    assert "2 ticks 200.00 bps mid 100" in lines[4]


def test_bars_grow_with_the_size_summed_from_the_touch() -> None:
    asks = tuple(level(str(100 + i), 8 * (i + 1)) for i in range(4))
    rows = book.draw(View(book=Book("X", "live", (), asks, "", "100")), 60, 10)
    bars = [row[-1][0].rstrip() for row in rows if row[-1][1] == "ask bar"]
    assert len(bars) == 4
    assert [len(bar) for bar in bars] == sorted((len(bar) for bar in bars), reverse=True)
    assert len(bars[0]) == 4 * len(bars[3]) or abs(len(bars[0]) - 4 * len(bars[3])) <= 3
    assert "no bids" in text_of(rows)


def test_masked_levels_are_marked_but_never_hide_the_touch() -> None:
    bids = (*(level(str(105 - i), 0, masked=True) for i in range(5)), level("99", 2), level("98", 4))
    view = View(
        book=Book(
            "X", "crossed", bids, (level("101", 1),), "99", "101", "105", "101", 2, "2", "100", "", masked=5
        )
    )
    rows = book.draw(view, 40, 7)
    text = text_of(rows)
    assert "105 / 101 crossed" in text and "5 masked" in text
    assert f"{CROSS}   101 " in text and "masked" in text and " 99 " in text
    assert any(style == "masked" for row in rows for _, style in row)


def test_a_sum_that_does_not_fit_gets_shorter() -> None:
    levels = (Level("0.000009213", "123456789000", "9876543210000.5", 5, False),)
    text = text_of(book.draw(View(book=Book("PEPE-USD", "live", levels, ())), 42, 9))
    assert "9.88T" in text and "0.000009213 123456789000" in text


def test_depth_is_what_fits() -> None:
    assert [book.depth(height) for height in (0, 1, 2, 9, 14)] == [0, 0, 0, 3, 6]
