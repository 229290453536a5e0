"""The positions panel."""

from __future__ import annotations

import pytest

from sniper.panels import positions
from sniper.panels.view import View
from tests.desk_views import VIEW, fits, texts


def test_it_shows_what_there_is() -> None:
    shown = texts(positions.draw(VIEW, 100, 8))
    assert "9123.5" in shown[0] and "14 round trips" in shown[0]
    assert shown[1].startswith("price closed 12 open -31.5  fees -29.2  funding -0.1")
    assert [row.rstrip() for row in shown[2:5]] == [
        "   █".ljust(95) + "12.00",
        "  ▃█",
        "▆███▁".ljust(96) + "3.00",
    ]
    assert "BTC-USD" in shown[6] and "long" in shown[6] and "-61.5" in shown[6] and "96000" in shown[6]
    assert shown[6].rstrip().endswith("96000   80%   3 blk")
    assert "short" in shown[7] and shown[7].rstrip().endswith("-  NONE  12 blk")


def test_how_each_position_is_protected() -> None:
    row = VIEW.positions.rows[0]
    seen = {
        row._replace(cover="100%"): ("good", "3 blk", "dim"),
        row._replace(cover="80%", blocks=None): ("warning", "not yet", "dim"),
        row._replace(cover="sent", blocks=None): ("warning", "not yet", "dim"),
        row._replace(cover="NONE"): ("critical", "3 blk", "critical"),
        row._replace(cover="NONE", blocks=None): ("critical", "-", "dim"),
    }
    for one, (style, checked, how) in seen.items():
        view = VIEW._replace(positions=VIEW.positions._replace(rows=(one,)))
        cells = {text.strip(): look for text, look in positions.draw(view, 100, 8)[-2] if text.strip()}
        whole = texts(positions.draw(view, 100, 8))[6]
        assert whole.rstrip().endswith(checked) and one.cover in whole
        styles = [look for text, look in positions.draw(view, 100, 8)[6] if one.cover in text]
        assert styles == [style], cells
        assert [look for text, look in positions.draw(view, 100, 8)[6] if checked in text][-1] in (how, style)


def test_one_row_of_equity_where_there_is_no_more_room_and_positions_that_do_not_fit_are_counted() -> None:
    shown = texts(positions.draw(VIEW, 78, 6))
    assert shown[2].strip() == "▂▃▄█▁" and "BTC-USD" in shown[4] and "ETH-USD" in shown[5]
    many = VIEW._replace(positions=VIEW.positions._replace(rows=VIEW.positions.rows * 4))
    shown = texts(positions.draw(many, 78, 7))
    assert "BTC-USD" in shown[4] and "and 6 more positions" in shown[6]


def test_parts_of_the_profit_that_do_not_fit_are_left_out_whole() -> None:
    assert texts(positions.draw(VIEW, 36, 6))[1].rstrip() == "price closed 12 open -31.5  fees"


def test_the_line_of_equity() -> None:
    assert positions.curve((), 10) == [""] and positions.curve((5, 5), 10) == ["▁▁"]
    assert positions.curve(tuple(range(100)), 3) == ["▁▄█"]
    assert positions.curve((0, 50, 100), 3, 2) == ["  █", "▁██"]


@pytest.mark.parametrize("size", [(20, 3), (38, 10), (78, 12), (118, 20), (198, 40)])
@pytest.mark.parametrize("view", [VIEW, View()])
def test_it_fits_any_size(view: View, size: tuple[int, int]) -> None:
    fits(positions.draw(view, *size), *size)
