"""Header: source, state, tick, digest, costs and trust, in the rows there are."""

import pytest

from sniper.panels import header
from sniper.panels.view import Header, View
from tests.captures import SIZES, check_panel, text_of
from tests.screen import check_rows
from tests.views import sample


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_it_looks_as_captured(size: tuple[int, int]) -> None:
    check_panel("header", sample(), size)


@pytest.mark.parametrize("height", [0, 1, 2, 3, 7, 30])
@pytest.mark.parametrize("width", [8, 20, 36, 61, 150])
def test_rows_fit_any_size_full_or_empty(width: int, height: int) -> None:
    for view in (sample(), sample(crossed=False), View()):
        check_rows(header.draw(view, width, height), width, height)


def test_it_holds_the_facts() -> None:
    text = text_of(header.draw(sample(), 120, 2))
    for fact in (
        "sim",
        "open",
        "123,456",
        "1.23k frames/s",
        "0123456789abcdef",
        "decode",
        "47/50 live",
        " 640",
    ):
        assert fact in text


def test_a_closed_feed_and_a_frozen_screen_say_so_in_words_and_loudly() -> None:
    view = View(header=Header(source="mainnet", state="silent", frozen=True))
    row = header.draw(view, 80, 3)[0]
    assert (" silent ", "critical") in row
    assert (" FROZEN ", "critical") in row


def test_all_books_live_is_good_news() -> None:
    view = View(header=Header(trust=(("live", 3),)))
    assert ("3 live ", "good") in header.draw(view, 120, 2)[1]
    view = View(header=Header(trust=(("live", 3), ("stale", 1))))
    assert ("1 stale ", "critical") in header.draw(view, 200, 2)[1]


def test_height_is_what_it_draws() -> None:
    for width in range(40, 220):
        rows = header.draw(sample(), width, header.height(width))
        assert text_of(rows).count("draw") == 1
