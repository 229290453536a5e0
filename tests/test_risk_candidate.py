"""risk_candidate: an order under judgement and what is found."""

from __future__ import annotations

from sniper.risk_candidate import Candidate, at_most, enough, usd
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
