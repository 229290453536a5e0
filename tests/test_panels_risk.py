"""The risk panel."""

from __future__ import annotations

import pytest

from sniper.panels import risk
from sniper.panels.view import View
from tests.desk_views import VIEW, fits, texts


def test_it_shows_what_there_is() -> None:
    rows = risk.draw(VIEW, 90, 12)
    shown = texts(rows)
    assert "3 reduce" in shown[0] and "kill: fire" in shown[0]
    assert "52.0%" in shown[1] and shown[1].count("┊") >= 1
    assert "9123.5 USD" in shown[2] and "margin 101.3%  4.10x" in shown[2]
    assert "danger 98.0%" in shown[3] and "not computable" in shown[4] and "danger 110.0%" in shown[5]
    assert "2 positions without a protective stop" in shown[8]
    assert "8.1%" in shown[9] and "liq 89123" in shown[9] and "█" in shown[9]
    assert "2.7%" in shown[10] and rows[10][-2][1] == "critical"
    assert "no price liquidates it" in shown[11]


def test_it_says_what_is_at_stake_without_us() -> None:
    rows = risk.draw(VIEW, 90, 12)
    assert texts(rows)[6].rstrip() == "power lost -61.50 USD at the stops  -9123.5 in stress"
    assert (
        texts(rows)[7].rstrip()
        == "no stop for 1800.00 USD in 2 of 3  may open 500.25 USD, gone in 12 blk  1 stays 27 d"
    )
    assert rows[7][0][1] == "critical"
    safe = VIEW.risk.cut._replace(bare_markets=0, entry_blocks=0, staying=2, staying_ns=90 * 60 * 10**9)
    rows = risk.draw(VIEW._replace(risk=VIEW.risk._replace(cut=safe)), 90, 12)
    assert (
        texts(rows)[7].rstrip() == "all positions have stops  may open 500.25 USD  2 stay 90m"
        and rows[7][0][1] == "good"
    )
    flat = VIEW._replace(risk=VIEW.risk._replace(cut=safe._replace(markets=0), unprotected=0))
    assert texts(risk.draw(flat, 90, 12))[7].startswith("nothing held  may open")
    idle = VIEW._replace(
        risk=VIEW.risk._replace(cut=VIEW.risk.cut._replace(markets=0, entry_orders=0, staying=0))
    )
    assert not any("power" in text for text in texts(risk.draw(idle, 90, 12)))


def test_of_what_does_not_fit_nothing_shows() -> None:
    shown = texts(risk.draw(VIEW, 52, 12))
    assert shown[6].rstrip() == "power cut -61.50 at stops -9123.5 stressed"
    assert texts(risk.draw(VIEW, 40, 12))[6].rstrip() == "power cut -61.50 at stops"
    assert shown[7].rstrip() == "no stop for 1800.00 USD in 2 of 3"


def test_the_nearest_come_first_and_the_others_are_counted() -> None:
    many = VIEW._replace(risk=VIEW.risk._replace(rows=VIEW.risk.rows[:2] * 5))
    shown = texts(risk.draw(many, 90, 12))
    assert "liq 89123" in shown[9] and "liq 3699" in shown[10] and "and 8 more, farther away" in shown[11]


def test_a_calm_account_says_so() -> None:
    calm = VIEW._replace(risk=VIEW.risk._replace(rung=0, latch="", unprotected=0, rows=(), danger_permille=0))
    shown = texts(risk.draw(calm, 60, 6))
    assert "0 calm" in shown[0] and "account doubtful" in shown[0] and "0.0%" in shown[1]


@pytest.mark.parametrize("size", [(20, 3), (38, 10), (78, 12), (118, 20), (198, 40)])
@pytest.mark.parametrize("view", [VIEW, View()])
def test_it_fits_any_size(view: View, size: tuple[int, int]) -> None:
    fits(risk.draw(view, *size), *size)
