"""risk_gates_size: what the account would be with this order and all others filled, against the limits."""

from __future__ import annotations

from typing import Any

import pytest

from sniper.risk_candidate import Candidate, Conditions
from sniper.risk_gates import GATES
from sniper.risk_settings import GateSettings, RiskSettings
from tests.ordering import MARKETS
from tests.risking import BTC, ETH, USD, Scene

BY_NAME = {gate.name: gate for gate in GATES}


def finding(
    scene: Scene, name: str, steps: int, market: int = BTC, side: int = 0, **fields: Any
) -> tuple[float, bool]:
    """What one gate alone finds for so many steps."""
    intent = scene.entry(market, side, **fields)
    outlook = scene.risk._outlook(scene.view)
    candidate = Candidate(
        intent, outlook.facts(market), scene.unit(market), outlook.held_steps(market), steps
    )
    found = BY_NAME[name].judge(outlook, candidate, Conditions())
    return found.found, found.passed


@pytest.mark.parametrize(
    ("gate", "fields", "most"),
    [
        ("order_size", {"order_usd_max": 1_000}, 99),  # at the limit price 100,011
        ("exposure_market", {"exposure_market_usd_max": 1_000}, 100),
        ("exposure_side", {"exposure_side_usd_max": 1_000}, 100),
        ("exposure", {"exposure_usd_max": 1_000}, 100),
        ("leverage", {"leverage_ppm_max": 100_000}, 100),
        ("interest_share", {"open_interest_ppm_max": 20}, 100),
    ],
)
def test_up_to_the_limit_and_no_step_further(gate: str, fields: dict[str, int], most: int) -> None:
    scene = Scene(RiskSettings(gates=GateSettings(**fields)))
    assert finding(scene, gate, most)[1] and not finding(scene, gate, most + 1)[1]


def test_positions_and_open_orders_count() -> None:
    scene = Scene(RiskSettings(gates=GateSettings(exposure_market_usd_max=3_000, exposure_side_usd_max=4_000,
                                                  exposure_usd_max=5_000)))  # fmt: skip
    scene.hold(BTC, 100)
    scene.send(scene.entry(usd=500, time_in_force="post_only", price_ticks=99_000))
    scene.hold(ETH, -500)
    assert finding(scene, "exposure_market", 150) == (3000.0, True)
    assert finding(scene, "exposure_side", 250) == (4000.0, True)
    assert finding(scene, "exposure", 150) == (5000.0, True)
    assert finding(scene, "exposure_side", 0, side=1) == (2000.0, True)
    assert finding(scene, "exposure_side", 300, side=1) == (4000.0, True)


def test_dust_is_refused() -> None:
    scene = Scene()
    assert not finding(scene, "order_size", 0)[1] and finding(scene, "order_size", 1) == (10.0011, True)
    assert not finding(scene, "order_size", 1, price_ticks=99_999)[1]


def test_without_open_interest_only_whoever_asks_not_for_it() -> None:
    for ppm, passed in ((999_999, False), (1_000_000, True)):
        scene = Scene(RiskSettings(gates=GateSettings(open_interest_ppm_max=ppm)))
        scene.view.overrides[BTC] = {"open_interest_usd": 0.0}
        assert finding(scene, "interest_share", 100)[1] == passed


def test_interest_tier() -> None:
    scaled = {"A-USD": MARKETS["BTC-USD"] | {"openInterest": "300", "openInterestLowerCap": "20000000",
                                             "openInterestUpperCap": "40000000"}}  # fmt: skip
    scene = Scene(RiskSettings(gates=GateSettings(initial_fraction_ppm_max=509_999)), markets=scaled)
    assert finding(scene, "interest_tier", 1) == (510_000, False)
    assert scene.verdict(scene.entry()) == ["interest_tier"]


def test_margin_keeps_a_reserve_and_the_chain_has_its_own_word() -> None:
    scene = Scene(usdc=210 * USD)
    assert finding(scene, "margin", 900)[1] and not finding(scene, "margin", 1000)[1]
    assert finding(scene, "acceptance", 1000)[1] and not finding(scene, "acceptance", 1060)[1]


def test_what_is_committed_on_this_side_counts_for_the_chains_word() -> None:
    scene = Scene(usdc=210 * USD)
    scene.send(scene.entry(usd=500, time_in_force="post_only", price_ticks=99_000))
    assert finding(scene, "acceptance", 950)[1] and not finding(scene, "acceptance", 1000)[1]


def test_stress_and_distance() -> None:
    scene = Scene()
    assert finding(scene, "stress", 8_000)[1] and not finding(scene, "stress", 11_000)[1]
    assert finding(scene, "distance", 8_000)[1] and not finding(scene, "distance", 10_000)[1]
