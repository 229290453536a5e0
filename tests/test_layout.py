"""Layout: every panel is somewhere, nothing overlaps, nothing is smaller than it can be read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper import layout
from sniper.demo import DESK_PANELS
from sniper.painter import Box

WIDTHS = st.integers(layout.WIDTH_MIN, 320)
HEIGHTS = st.integers(layout.HEIGHT_MIN, 120)


def cells_of(box: Box) -> set[tuple[int, int]]:
    return {(x, y) for x in range(box.x, box.x + box.width) for y in range(box.y, box.y + box.height)}


@given(WIDTHS, HEIGHTS, st.booleans())
def test_boxes_tile_the_screen(width: int, height: int, desk: bool) -> None:
    for page in layout.pages(width, height, desk):
        area = 0
        for box in page:
            assert box.x >= 0 and box.x + box.width <= width
            assert box.y >= 0 and box.y + box.height <= height
            area += box.width * box.height
        assert area == width * height
        assert len(set().union(*(cells_of(box) for box in page))) == area


@given(WIDTHS, HEIGHTS, st.booleans())
def test_every_panel_is_on_exactly_one_page(width: int, height: int, desk: bool) -> None:
    """Not counting the overview of a large screen, which is a page ahead of the others."""
    pages = layout.pages(width, height, desk)
    if desk and width >= layout.OVERVIEW_WIDTH and height >= layout.OVERVIEW_HEIGHT:
        seen = [box.name for box in pages.pop(0)]
        assert len(set(seen)) == len(seen)
        assert set(seen) == set(layout.PANELS) - {"pipeline", "feed"}
    names = [box.name for page in pages for box in page if box.name != "header"]
    assert sorted(names) == sorted(set(layout.PANELS) - {"header"} - (set() if desk else set(DESK_PANELS)))
    assert all(page[0].name == "header" for page in pages)


@given(st.integers(0, 200), st.integers(0, 80))
def test_too_small_a_screen_has_no_pages(width: int, height: int) -> None:
    small = width < layout.WIDTH_MIN or height < layout.HEIGHT_MIN
    assert (layout.pages(width, height) == []) == small
    assert (layout.single("book", width, height) == []) == small


@pytest.mark.parametrize("size", [(120, 40), (200, 60)], ids=str)
def test_a_large_screen_shows_all_at_once(size: tuple[int, int]) -> None:
    assert len(layout.pages(*size)) == 1


def test_a_large_screen_of_a_session_shows_market_and_decisions_at_once() -> None:
    first, *others = layout.pages(200, 60, True)
    assert {"book", "candles", "markets", *DESK_PANELS} < {box.name for box in first}
    assert [sorted(box.name for box in page) for page in others] == [
        sorted(box.name for box in page)
        for page in (*layout.pages(200, 60), [Box("header", 0, 0, 1, 1), *desk_boxes()])
    ]
    assert len(layout.pages(layout.OVERVIEW_WIDTH - 1, 60, True)) == len(others)


def desk_boxes() -> list[Box]:
    return [Box(name, 0, 0, 1, 1) for name in DESK_PANELS]


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=str)
def test_every_panel_of_a_session_has_room_for_eight_markets_and_every_signal(size: tuple[int, int]) -> None:
    for page in layout.pages(*size, True):
        for box in page:
            _, _, width, height = box.inner
            if box.name == "signals":
                assert height >= 9 and width >= 10 + 3 * 22
            elif box.name == "positions":
                assert height >= 7 and width >= 76
            elif box.name in DESK_PANELS:
                assert height >= 5


def test_eighty_by_twenty_four_shows_book_candles_and_markets_first() -> None:
    first, second = layout.pages(80, 24)
    assert [box.name for box in first] == ["header", "book", "candles", "markets"]
    assert [box.name for box in second] == ["header", "trades", "pipeline", "feed", "events"]


def test_one_panel_alone_takes_all_below_the_header() -> None:
    ((head, box),) = layout.single("markets", 100, 30)
    assert head.name == "header" and box.name == "markets"
    assert (box.x, box.y, box.width, box.height) == (0, head.height, 100, 30 - head.height)
