"""strategies.macd_study: bars in figures, and parameters that adapt within their bounds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper.handview import INDICATORS
from sniper.strategies.macd_study import VOTES, MacdSettings, Study, regime_of, strength_of, study
from sniper.strategies.weighing import DIRECTIONAL, Weighing

SETTINGS = MacdSettings(width_bps_min=100.0)
GOOD = INDICATORS._replace(
    histogram=0.2, atr=0.5, adx=40.0, plus_di=30.0, minus_di=10.0, volume=200.0, bollinger_width=0.02
)
NAN = float("nan")


def seen(bar: Any = GOOD, frames: Any = (GOOD, GOOD), settings: MacdSettings = SETTINGS) -> Study:
    return study(settings, Weighing(VOTES, (DIRECTIONAL,) * 3, settings.weights, ()), bar, frames)


def test_bars_that_agree_pass() -> None:
    found = seen()
    assert (found.side, found.agreeing, found.regime, found.passed) == (1, 2, 1.0, True)
    assert found.votes == pytest.approx((100.0, 100.0, 75.0))
    assert found.score == found.before == pytest.approx((100.0 + 100.0 + 0.5 * 75.0) / 2.5)
    short = seen(
        GOOD._replace(histogram=-0.2, plus_di=10.0, minus_di=30.0), (GOOD._replace(histogram=-0.2),) * 2
    )
    assert short.side == -1 and short.passed and short.score == pytest.approx(found.score)


@pytest.mark.parametrize(
    ("changes", "cost", "passed"),
    [
        ({"volume": 110.0}, 0.0, True),
        ({"volume": 55.0}, 6.0, True),
        ({"volume": 0.0}, 12.0, True),
        ({"volume_mean": 0.0}, 12.0, True),
        ({"bollinger_width": 0.01}, 0.0, True),
        ({"bollinger_width": 0.005}, 3.0, True),
        ({"bollinger_width": NAN}, 6.0, True),
        ({"atr": 0.04, "histogram": 0.02}, 0.0, False),
        ({"atr": 3.1, "histogram": 2.0}, 0.0, False),
        ({"adx": 11.9}, 0.0, False),
        ({"adx": NAN}, 0.0, False),
        ({"warm": False}, 0.0, False),
        ({"close": 0.0}, 0.0, False),
    ],
)
def test_each_filter_both_ways(changes: dict[str, Any], cost: float, passed: bool) -> None:
    found = seen(GOOD._replace(**changes))
    assert found.before - found.score == pytest.approx(cost, abs=1e-9) or changes.get("adx") == 11.9
    assert found.passed == passed


def test_other_time_frames_must_agree() -> None:
    against, cold = GOOD._replace(histogram=-0.2), GOOD._replace(warm=False)
    assert (seen(frames=(GOOD, against)).agreeing, seen(frames=(GOOD, against)).passed) == (1, True)
    assert seen(frames=(GOOD, against)).score == pytest.approx(seen().score - 20.0)
    both = SETTINGS._replace(confirm_min=2)
    assert seen(settings=both).passed and not seen(frames=(GOOD, against), settings=both).passed
    assert (seen(frames=(GOOD, cold)).agreeing, seen(frames=(GOOD, cold)).passed) == (1, True)
    assert (seen(frames=(against, against)).agreeing, seen(frames=(cold, cold)).passed) == (0, False)
    alone = SETTINGS._replace(confirm=(), confirm_min=0)
    assert seen(frames=(), settings=alone).passed


@given(adx=st.floats(0.0, 100.0) | st.just(NAN))
def test_what_adapts_stays_within_its_bounds(adx: float) -> None:
    assert 0.0 <= regime_of(SETTINGS, adx) <= 1.0
    found = seen(GOOD._replace(adx=adx))
    low, high = sorted(SETTINGS.enter_score)
    assert low <= found.needed <= high
    volume = found.filters[0][1]
    assert min(SETTINGS.volume) <= volume <= max(SETTINGS.volume)
    assert seen(GOOD._replace(adx=15.0)).needed == 70.0 and seen(GOOD._replace(adx=40.0)).needed == 62.0


def test_the_strength_of_a_histogram() -> None:
    assert [strength_of(h, 2.0, 0.25) for h in (0.25, 0.5, -9.0, NAN)] == [0.5, 1.0, -1.0, 0.0]
    assert strength_of(1.0, 0.0, 0.25) == strength_of(1.0, NAN, 0.25) == 0.0
