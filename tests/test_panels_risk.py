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
    assert "9123.5" in shown[2] and "margin 101.3%  4.10x" in shown[2]
    assert "danger 98.0%" in shown[3] and "not computable" in shown[4] and "danger 110.0%" in shown[5]
    assert "2 positions without a protective stop" in shown[6]
    assert "8.1%" in shown[7] and "liq 89123" in shown[7] and "█" in shown[7]
    assert "2.7%" in shown[8] and rows[8][-2][1] == "critical"
    assert "no price liquidates it" in shown[9]


def test_the_nearest_come_first_and_the_others_are_counted() -> None:
    many = VIEW._replace(risk=VIEW.risk._replace(rows=VIEW.risk.rows[:2] * 5))
    shown = texts(risk.draw(many, 90, 10))
    assert "liq 89123" in shown[7] and "liq 3699" in shown[8] and "and 8 more, farther away" in shown[9]


def test_a_calm_account_says_so() -> None:
    calm = VIEW._replace(risk=VIEW.risk._replace(rung=0, latch="", unprotected=0, rows=(), danger_permille=0))
    shown = texts(risk.draw(calm, 60, 6))
    assert "0 calm" in shown[0] and "account doubtful" in shown[0] and "0.0%" in shown[1]


@pytest.mark.parametrize("size", [(20, 3), (38, 10), (78, 12), (118, 20), (198, 40)])
@pytest.mark.parametrize("view", [VIEW, View()])
def test_it_fits_any_size(view: View, size: tuple[int, int]) -> None:
    fits(risk.draw(view, *size), *size)
