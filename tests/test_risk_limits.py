"""risk_limits: what a node told becomes gates and rates; what it did not say stays as configured, and is named."""

from __future__ import annotations

import json

import pytest

from sniper.order_table import SHORT_TERM
from sniper.risk_limits import ChainLimits, gates_of, in_words, rates_of, understood
from sniper.risk_settings import GateSettings, RiskSettings
from tests.risking import BTC, Scene

TOLD = {
    "short_term": [[4000, 5]],
    "stateful": [[20, 100], [3, 1]],
    "equity_tiers": [[0, 0], [20_000_001, 4], [1_000_000_000, 8]],
    "taker_fee_ppm": 450,
    "maker_fee_ppm": -70,
}


def test_what_was_told_takes_the_place_of_the_configured() -> None:
    told = understood(json.dumps(list(TOLD.values())))
    gates = gates_of(GateSettings(), told)
    assert gates.equity_tiers == ((0, 0), (21, 4), (1000, 8)), "never a slot too many"
    assert (gates.taker_fee_ppm, gates.maker_fee_ppm) == (450, 0)
    assert rates_of(told) == (((4000, 5),), ((3, 1), (20, 100)))
    lines = in_words(told, gates)
    assert len(lines) == 4 and all("as the chain says" in line for line in lines)
    assert "4000 in 5" in lines[0] and "3 in 1, 20 in 100" in lines[1]


def test_what_was_not_told_stays_and_is_named() -> None:
    told = understood("[]")
    assert told == ChainLimits() and gates_of(GateSettings(), told) == GateSettings()
    assert rates_of(told) == (((400, 1),), ((2, 1), (20, 100)))
    lines = in_words(told, GateSettings())
    assert all("the chain does not say" in line for line in lines)
    assert "risk.gates.equity_tiers" in lines[2] and "risk.gates.taker_fee_ppm" in lines[3]
    assert in_words(ChainLimits(short_term=()), GateSettings())[0].startswith(
        "short-term orders and cancels: any"
    )


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "{}",
        "[[[0, 1]]]",
        "[[[5, 0]]]",
        "[null, null, [[5, 1], [1, 2]]]",
        "[null, null, []]",
        "[null, null, [[-1, 1]]]",
        "[null, null, null, 1000001]",
    ],
)
def test_what_makes_no_sense_is_not_believed(text: str) -> None:
    with pytest.raises(ValueError, match="limits of the chain"):
        understood(text)


def judged(scene: Scene, **changes: object) -> tuple[list[str], int]:
    """What refuses an entry, and its size if nothing does."""
    approved, refused, _ = scene.risk.check(scene.view, [scene.entry()._replace(**changes)])
    return [one.gate for one in refused], approved[0].intent.size_steps if approved else 0


def test_risk_judges_by_what_the_chain_says() -> None:
    scene = Scene()
    _, usual = judged(scene, size_steps=0, score=80.0, stop_ticks=97_000)
    scene.risk.learn(json.dumps([None, None, None, 20_000, 20_000]))
    _, dear = judged(scene, size_steps=0, score=80.0, stop_ticks=97_000)
    assert 0 < dear < usual, "fees are part of what is lost at the stop"
    scene.risk.learn(json.dumps([None, None, [[0, 0]], None, None]))
    assert judged(scene)[0] == ["protective_slot"]
    assert scene.risk.settings.gates.taker_fee_ppm == RiskSettings().gates.taker_fee_ppm, (
        "it begins from the config"
    )


def test_a_share_of_the_short_term_rate_is_kept_for_what_reduces() -> None:
    scene = Scene()
    scene.risk.learn(json.dumps([[[4, 1]], None, None, None, None]))
    for _ in range(3):
        scene.risk._pace.add(scene.view.now_ns, scene.view.height, SHORT_TERM)
    assert judged(scene)[0] == ["block_rate"]
    scene.hold(BTC, 5)
    assert judged(scene, side=1, purpose="exit", reduce_only=True, size_steps=5)[0] == []
    scene.view.height += 1
    assert judged(scene)[0] == []


def test_what_was_told_is_saved() -> None:
    scene, other = Scene(), Scene()
    scene.risk.learn(json.dumps([[[4, 1]], None, [[0, 3]], 7, 5]))
    other.risk.load(scene.risk.save())
    assert other.risk.save() == scene.risk.save()
    assert other.risk.settings == scene.risk.settings != RiskSettings()
    assert other.risk._pace.short_term(0, 1) == scene.risk._pace.short_term(0, 1)
