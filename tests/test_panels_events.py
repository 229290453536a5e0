"""Events: newest first, severity as a word, repeats counted."""

import pytest

from sniper.panels import events
from sniper.panels.row import CROSS
from sniper.panels.view import Event, Events, View
from tests.captures import SIZES, check_panel, text_of
from tests.screen import check_rows
from tests.views import sample


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_it_looks_as_captured(size: tuple[int, int]) -> None:
    check_panel("events", sample(), size)


@pytest.mark.parametrize("height", [0, 1, 2, 3, 7, 30])
@pytest.mark.parametrize("width", [8, 20, 36, 61, 150])
def test_rows_fit_any_size_full_or_empty(width: int, height: int) -> None:
    for view in (sample(), sample(crossed=False), View()):
        check_rows(events.draw(view, width, height), width, height)


def test_severity_is_a_word_and_repeats_are_counted() -> None:
    rows = events.draw(sample(), 100, 8)
    assert text_of(rows[:1]).startswith("13:42:01 CRIT conn 2 silent")
    assert f"conn 1 refused, off tick or step {CROSS}37" in text_of(rows[1:2])
    assert text_of(rows[3:4]).startswith("13:40:58 info 50 books live")


def test_a_long_text_gives_way_to_its_count() -> None:
    view = View(events=Events((Event(0, "warning", "a" * 200, 1234),)))
    text = text_of(events.draw(view, 40, 1))
    assert text.endswith(f"a… {CROSS}1,234") and len(text) == 40


def test_nothing_yet_is_said() -> None:
    assert "nothing yet" in text_of(events.draw(View(), 40, 2))
