"""Header: source, state, tick, digest, costs and trust, in the rows there are."""

import pytest

from sniper.panels import header
from sniper.panels.view import Header, View
from tests.captures import SIZES, check_panel, text_of
from tests.desk_views import VIEW
from tests.screen import check_rows
from tests.views import sample


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_it_looks_as_captured(size: tuple[int, int]) -> None:
    check_panel("header", sample(), size)


@pytest.mark.parametrize("height", [0, 1, 2, 3, 7, 30])
@pytest.mark.parametrize("width", [8, 20, 36, 61, 150])
def test_rows_fit_any_size_full_or_empty(width: int, height: int) -> None:
    for view in (sample(), sample(crossed=False), View(), VIEW):
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


def test_how_the_session_trades_comes_first_and_what_matters_is_never_cut() -> None:
    assert (" OFF ", "bar strong") in header.draw(sample(), 80, 3)[0]
    first, second = header.draw(VIEW, 170, 3)[:2]
    assert (" PAPER ", "paper") in first
    assert (" KILL ", "critical") in second and ("3 reduce", "critical") in second
    text = text_of([second])
    for fact in (
        "equity 9,123.50 USD",
        "DEGRADED",
        "feed 3.4 s, limit 3 s, since 13:42:01",
        "account doubtful",
        "2 positions",
        "1 order ",
        "today -31.50",
        "danger 52.0%",
    ):
        assert fact in text
    assert "\x1b" not in text_of(header.draw(VIEW, 200, 3))
    narrow = text_of([header.draw(VIEW, 44, 4)[1]])
    assert narrow.rstrip() == " equity 9,123.50 USD   KILL    DEGRADED"
    calm = VIEW.header.session._replace(
        mode="live", trust="live", rung=0, latch="", positions=1, state="normal", cause=""
    )
    rows = header.draw(View(header=VIEW.header._replace(session=calm)), 80, 4)
    assert (" LIVE ", "critical") in rows[0]
    assert (
        text_of([rows[1]]).rstrip()
        == " equity 9,123.50 USD  mode normal  rung 0 calm  1 position  today -31.50"
    )


def test_all_books_live_is_good_news() -> None:
    view = View(header=Header(trust=(("live", 3),)))
    assert ("3 live ", "good") in header.draw(view, 120, 2)[1]
    view = View(header=Header(trust=(("live", 3), ("stale", 1))))
    assert ("1 stale ", "critical") in header.draw(view, 200, 2)[1]


def test_height_is_what_it_draws() -> None:
    for width in range(40, 220):
        for view, desk in ((sample(), False), (VIEW, True)):
            rows = header.draw(view, width, header.height(width, desk))
            assert text_of(rows).count("draw") == 1 and text_of(rows).count("equity") == desk
