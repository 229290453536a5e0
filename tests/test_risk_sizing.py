"""risk_sizing: the least of all shapers, each against its own formula in plain fractions."""

from __future__ import annotations

from fractions import Fraction
from math import sqrt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper.risk_margin import Fills
from sniper.risk_settings import GateSettings, RiskSettings, SizingSettings
from sniper.risk_sizing import SHAPERS, most
from sniper.trading import Approved, Reason
from tests.risking import BTC, USD, Scene

WIDE = GateSettings(order_usd_max=10**6, exposure_market_usd_max=10**6, exposure_side_usd_max=10**6,
                    exposure_usd_max=10**6, leverage_ppm_max=50_000_000, open_interest_ppm_max=1_000_000,
                    stresses=())  # fmt: skip


def sized(scene: Scene, **fields: Any) -> Approved:
    approved, refused, _ = scene.risk.check(
        scene.view, [scene.entry(**({"size_steps": 0, "score": 100.0} | fields))]
    )
    assert not refused, refused
    return approved[0]


def note(found: Approved, name: str) -> Reason:
    return next(note for note in found.notes if note.name == name)


def test_volatility_target() -> None:
    """2 % of 10,000 USD a day over 0.1 % x root(1440) a day: 5,270 USD."""
    scene = Scene(RiskSettings(gates=WIDE))
    wanted = 10_000 * 0.02 / (0.001 * sqrt(1440)) / 10
    found = note(sized(scene), "volatility").found
    assert wanted - 1 <= found <= wanted
    assert note(sized(scene, weight=0.25), "volatility").found == pytest.approx(wanted / 4, abs=1)
    scene.view.overrides[BTC] = {"sigma": 0.01}
    assert note(sized(scene), "volatility").found == pytest.approx(wanted / 10, abs=1)


def test_risk_a_trade() -> None:
    """0.5 % of 10,000 USD lost at a stop 1,011 ticks away, 5 bps of fee each way: 50 USD."""
    scene = Scene(RiskSettings(gates=WIDE))
    loss = (Fraction(1011) + 2 * Fraction(100_011) * Fraction(5, 10_000)) / 10_000
    found = note(sized(scene, stop_ticks=99_000), "risk_trade").found
    assert found == 50 // loss


def test_without_a_stop_so_many_sigmas_are_taken_for_it() -> None:
    scene = Scene(RiskSettings(gates=WIDE, sizing=SizingSettings(stop_sigmas=2.0)))
    away = 100_011 * 2 * 0.001 * sqrt(60)
    assert note(sized(scene), "risk_trade").found == pytest.approx(50 / ((away + 100.011) / 10_000), abs=1)


@pytest.mark.parametrize(
    ("score", "stop", "target", "share"),
    [
        (80, 99_011, 0, 0.06),  # p = 0.53, b = 1: 0.53 - 0.47
        (20, 99_011, 0, 0.06),
        (100, 99_011, 102_011, 0.55 - 0.45 / 2),
        (50, 99_011, 100_511, 0.5 - 0.5 / 0.5),
    ],
)
def test_kelly(score: float, stop: int, target: int, share: float) -> None:
    """A quarter of Kelly's share at risk, 11 cents a step and fees."""
    scene = Scene(
        RiskSettings(
            gates=WIDE,
            sizing=SizingSettings(
                kelly_cap_ppm=1_000_000, risk_trade_ppm=1_000_000, volatility_target_ppm=1_000_000
            ),
        )
    )
    intent = scene.entry(size_steps=0, score=score, stop_ticks=stop, target_ticks=target)
    approved, refused, _ = scene.risk.check(scene.view, [intent])
    if share <= 0:
        assert refused[0].gate == "kelly"
        return
    loss = (1000 + 100.011) / 10_000
    assert note(approved[0], "kelly").found == pytest.approx(10_000 * share / 4 / loss, abs=1)


def test_kelly_is_capped() -> None:
    scene = Scene(RiskSettings(gates=WIDE, sizing=SizingSettings(kelly_cap_ppm=1_000)))
    assert note(sized(scene, score=100, stop_ticks=99_011), "kelly").found == 10 // Fraction(
        1_100_011, 10_000_000
    )


def test_without_edge_nothing() -> None:
    scene = Scene()
    assert scene.verdict(scene.entry(size_steps=0, score=50, stop_ticks=99_000)) == ["kelly"]


def test_liquidation_distance_limits_the_leverage() -> None:
    """12 sigmas of 0.775 % an hour: a fall of 9.3 %. With 10,000 USD: N = 10,000 / (0.093 (1 - m) + m + costs)."""
    huge = SizingSettings(volatility_target_ppm=1_000_000, risk_trade_ppm=1_000_000, kelly_fraction_ppm=1_000_000,
                          kelly_cap_ppm=1_000_000, kelly_edge_ppm=500_000)  # fmt: skip
    scene = Scene(RiskSettings(gates=WIDE, sizing=huge))
    found = sized(scene, score=100)
    fall = 12 * 0.001 * sqrt(60)
    wanted = 10_000 / (fall * (1 - 0.012) + 0.012 + 0.00011 + 0.0005)
    steps = found.intent.size_steps
    assert wanted * 0.98 / 10 <= steps <= wanted / 10
    assert not note(found, "distance").passed
    scene.hold(BTC, steps)
    assert scene.view.account.distance_sigmas >= 12.0


def test_what_an_intent_asks_is_only_cut() -> None:
    scene = Scene(RiskSettings(gates=GateSettings(exposure_market_usd_max=500)))
    approved, _, _ = scene.risk.check(scene.view, [scene.entry(usd=1000)])
    assert approved[0].intent.size_steps == 50
    assert [note.name for note in approved[0].notes if not note.passed] == ["exposure_market"]
    assert "volatility" not in [note.name for note in approved[0].notes]


def test_no_room_names_the_shaper() -> None:
    scene = Scene(RiskSettings(gates=GateSettings(exposure_market_usd_max=500)))
    scene.hold(BTC, 50)
    assert scene.verdict(scene.entry()) == ["exposure_market"]
    assert scene.verdict(scene.entry(side=1, usd=600)) == []  # 50 of them close, 50 open


def test_exits_wait_for_exits_on_their_way_and_forced_ones_for_nobody() -> None:
    scene = Scene()
    scene.hold(BTC, 100)
    scene.send(scene.leave(size_steps=60))
    (one,), _, _ = scene.risk.check(scene.view, [scene.leave()])
    assert one.intent.size_steps == 40
    (forced,), _, _ = scene.risk.check(scene.view, [scene.leave(purpose="flatten")])
    assert forced.intent.size_steps == 100
    assert scene.verdict(scene.leave(purpose="flatten"), scene.leave()) == [
        "reduces"
    ]  # within a tick they count
    for reduce_only, sizes in ((True, [100, 100]), (False, [100])):  # the chain cuts down what is reduce-only
        twice = [scene.leave(purpose="flatten", reduce_only=reduce_only)] * 2
        approved, _, _ = scene.risk.check(scene.view, twice)
        assert [one.intent.size_steps for one in approved] == sizes
    scene.later(3)
    assert scene.orders.unknown(BTC) == 1
    (one,), _, _ = scene.risk.check(scene.view, [scene.leave()])
    assert one.intent.size_steps == 100


def test_every_shaper_has_its_say_and_the_names_are_different() -> None:
    names = [row.name for row in SHAPERS]
    assert len(set(names)) == len(names)
    scene = Scene()
    found = sized(scene, score=80, stop_ticks=99_000)
    assert [one.name for one in found.notes] == names
    assert found.intent.size_steps == min(one.found for one in found.notes)


pieces = st.lists(st.tuples(st.integers(0, 1000), st.integers(-50, 0)), min_size=1, max_size=4)


@given(st.integers(-100, 10_000), pieces, st.integers(0, 5000))
def test_most_never_breaks_the_limit_and_comes_close(
    start: int, bends: list[tuple[int, int]], high: int
) -> None:
    """Against every size tried, for slacks that bend down only."""

    def slack(fills: Fills) -> int:
        return start - fills.steps + sum(slope * max(0, fills.steps - at) for at, slope in bends)

    fills = Fills(0, 0, 1, 1, 0)
    found = most(slack, fills, high)
    best = max((steps for steps in range(high + 1) if slack(fills._replace(steps=steps)) >= 0), default=0)
    assert 0 <= found <= best and (found == 0 or slack(fills._replace(steps=found)) >= 0)
    assert found >= best * 99 // 100 - 1
    assert most(lambda fills: 1, fills, high) == high and most(slack, fills, -5) == 0


def test_equity_is_what_counts() -> None:
    poor = Scene(usdc=100 * USD)
    assert note(sized(poor, score=80, stop_ticks=99_000), "risk_trade").found == 4
