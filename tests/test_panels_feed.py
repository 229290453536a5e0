"""Feed: a dead connection must not look alive, totals must not hide a loss."""

import pytest

from sniper.panels import feed
from sniper.panels.view import Feed, LinkRow, View
from tests.captures import SIZES, check_panel, text_of
from tests.screen import check_rows
from tests.views import sample


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_it_looks_as_captured(size: tuple[int, int]) -> None:
    check_panel("feed", sample(), size)


@pytest.mark.parametrize("height", [0, 1, 2, 3, 7, 30])
@pytest.mark.parametrize("width", [8, 20, 36, 61, 150])
def test_rows_fit_any_size_full_or_empty(width: int, height: int) -> None:
    for view in (sample(), sample(crossed=False), View()):
        check_rows(feed.draw(view, width, height), width, height)


def link(number: int = 0, state: str = "open", **changes: object) -> LinkRow:
    row = LinkRow(number, "books", state, 600, 200_000, 1000, 0, 0, 0, 5, 600_000_000, 1_000_000)
    return row._replace(**changes)  # type: ignore[arg-type]


def test_a_silent_connection_is_loud() -> None:
    rows = feed.draw(View(feed=Feed((link(state="silent", silence_ns=22_000_000_000, gaps=2),), 1)), 110, 8)
    assert any(text.strip() == "silent" and style == "critical" for text, style in rows[1])
    assert any(text.strip() == "22.0s" and style == "warning" for text, style in rows[1])
    assert any(text.strip() == "2" and style == "critical" for text, style in rows[1])


def test_connections_that_do_not_fit_are_counted() -> None:
    links = tuple(link(number) for number in range(9))
    text = text_of(feed.draw(View(feed=Feed(links, 9)), 70, 7))
    assert "and 7 more connections" in text


def test_overflow_and_a_stopped_journal_are_critical() -> None:
    facts = Feed(
        inbox_records=4096,
        inbox_records_max=4096,
        inbox_bytes_max=1,
        inbox_overflows=3,
        journal_state="stopped",
        journal_files=2,
        journal_bytes=5,
        journal_error="no space left on device",
        rejected=1,
        resident_bytes=90_000_000,
        growth_bytes_per_min=2_000_000,
    )
    cells = [cell for row in feed.draw(View(feed=facts), 90, 8) for cell in row]
    assert (" 3 overflows", "critical") in cells and ("100% ", "") in cells
    assert ("stopped", "critical") in cells and ("  no space left on device", "critical") in cells
    assert ("  +2.00 MB/min", "warning") in cells
    assert any("refused 1 messages" in text and style == "warning" for text, style in cells)


def test_unknown_ages_are_dashes() -> None:
    row = feed.draw(View(feed=Feed((link(block_age_ns=None, silence_ns=None, height=0),), 1)), 120, 8)[1]
    assert text_of([row]).split().count("-") == 3
