"""risk_candidate: an order under judgement and what is found."""

from __future__ import annotations

import pytest

from sniper.risk_candidate import Candidate, at_most, enough, rank, scaled, usd
from sniper.trading import Intent
from tests.risking import BTC, Scene


def test_findings() -> None:
    assert at_most(5, 5).passed and not at_most(6, 5).passed
    assert usd(5_000_000, 5).passed and not usd(5_000_001, 5).passed and usd(1, 5).found == 0.000001
    assert enough(0).passed and not enough(-1).passed and enough(-2_000_000).found == 2.0


def test_only_entries_open_and_a_maker_pays_less() -> None:
    scene = Scene()
    outlook = scene.risk._outlook(scene.view)
    for purpose, force, fee in (("entry", "ioc", 500), ("entry", "post_only", 110), ("exit", "gtt", 500)):
        intent = scene.entry(purpose=purpose, time_in_force=force)
        one = Candidate(intent, scene.view.market(BTC), scene.unit(BTC), 0, 7)
        assert one.opens == (purpose == "entry")
        assert one.fills(outlook) == (BTC, 0, 7, intent.price_ticks, fee)


def test_what_the_ladder_forces_stands_first_and_as_the_ladder_names_it() -> None:
    made = [
        Intent(market, 1, 100, 5, purpose=purpose)
        for purpose, market in (("entry", 0), ("exit", 0), ("flatten", 1), ("flatten", 0), ("flatten", 1))
    ]
    assert sorted(made, key=rank) == [made[2], made[3], made[4], made[1], made[0]]


@pytest.mark.parametrize(
    ("steps", "ppm", "left"), [(10, 500_000, 5), (1, 500_000, 1), (0, 500_000, 0), (7, 1_000_000, 7)]
)
def test_an_entry_in_a_degraded_session_is_smaller(steps: int, ppm: int, left: int) -> None:
    intent = Intent(0, 0, 100, steps, weight=0.8)
    made = scaled(intent, ppm)
    assert made.size_steps == left and made.weight == pytest.approx(0.8 * ppm / 1e6)
    exit_intent = intent._replace(purpose="exit")
    assert scaled(exit_intent, ppm) == exit_intent
