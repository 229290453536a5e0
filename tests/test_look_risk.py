"""look_risk: the risk panel's facts, and money as text."""

from __future__ import annotations

import pytest

from sniper.exposure import exposure, protections
from sniper.look_risk import Names, RiskLook, _moves, coarse, dollars
from tests import paper_run


def test_what_is_at_stake_without_us_is_what_the_core_says() -> None:
    engine = paper_run.run(95.0, markets=8)[0]
    desk = engine.desk
    assert desk is not None and desk.account.positions
    stops = protections(desk, engine.decoder)
    found = exposure(desk, engine.decoder, stops)
    cut = RiskLook(engine, Names(engine)).look(engine.now_ns, stops).cut
    assert cut.at_stops == dollars(-found.at_stops) and cut.stressed == dollars(-found.stressed)
    assert (cut.bare, cut.bare_markets) == (dollars(found.bare), found.bare_markets)
    assert (cut.entries, cut.entry_orders) == (dollars(found.entries), found.entry_orders)
    assert cut.markets == len(desk.account.positions)
    assert cut.staying == found.staying > 0 and 0 < cut.staying_ns <= 95 * 86_400 * 10**9


@pytest.mark.parametrize(
    ("quantums", "unit", "plus", "said"),
    [
        (0, 10_000, True, "0.00"),
        (4_999, 10_000, True, "0.00"),
        (5_000, 10_000, True, "+0.01"),
        (-5_000, 10_000, False, "-0.01"),
        (-4_999, 10_000, False, "0.00"),
        (12_345_678_995_000, 10_000, False, "12,345,679.00"),
        (-1_000_049, 100, False, "-1.0000"),
        (2_450, 100, True, "+0.0025"),
    ],
)
def test_quantums_as_dollars(quantums: int, unit: int, plus: bool, said: str) -> None:
    assert dollars(quantums, unit, plus) == said


def test_an_age_in_whole_seconds() -> None:
    assert coarse(1_999_999_999) == 1_000_000_000


def test_a_stress_in_words() -> None:
    assert _moves((("BTC-USD", -80_000), ("*", 155_000))) == "BTC-USD -8%, others +15.5%"
