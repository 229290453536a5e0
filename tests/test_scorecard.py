"""scorecard: figures of an equity curve, against others worked out by hand and by NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper.scorecard import YEAR_NS, Sample, Traded, deepest, ratios, score

HOUR_NS = 3_600_000_000_000


def curve(*nets: int) -> list[Sample]:
    return [Sample(i * HOUR_NS, net, 0) for i, net in enumerate(nets)]


def test_a_hand_made_run() -> None:
    samples = [Sample(0, 1000, 0), Sample(1, 1100, 2200), Sample(2, 990, 990), Sample(3, 1050, 0)]
    found = score(samples, [Traded(100, 4000), Traded(-40, 2000), Traded(0, 0)], HOUR_NS, fees=10, funding=-4)
    assert (found.first_net, found.last_net, found.return_ratio) == (1000, 1050, pytest.approx(0.05))
    assert (found.drawdown, found.drawdown_ratio) == (110, pytest.approx(0.1))
    assert (found.exposure_ratio, found.leverage_mean) == (0.5, pytest.approx((2.0 + 1.0) / 4))
    assert found.turnover_ratio == pytest.approx(6000 / (4140 / 4))
    assert (found.trips, found.wins, found.win_rate) == (3, 1, pytest.approx(1 / 3))
    assert found.profit_factor == pytest.approx(2.5)
    # 50 in all, of which 10 went to fees and 4 to funding: prices alone brought 64
    assert (found.fee_share, found.funding_share) == (pytest.approx(10 / 64), pytest.approx(-4 / 64))


def test_what_cannot_be_said_is_none() -> None:
    found = score(curve(1000), [], HOUR_NS, 0, 0)
    assert found.return_ratio == 0.0
    assert (found.sharpe, found.sortino, found.win_rate, found.profit_factor, found.fee_share) == (None,) * 5
    assert score(curve(0, 5), [], HOUR_NS, 0, 0).return_ratio is None
    with pytest.raises(ValueError, match="sample"):
        score([], [], HOUR_NS, 0, 0)


@given(st.lists(st.floats(-0.5, 0.5), min_size=3, max_size=50).filter(lambda r: np.std(r) > 1e-6))
def test_ratios_are_those_of_the_books(returns: list[float]) -> None:
    sharpe, sortino = ratios(returns, YEAR_NS / HOUR_NS)
    values = np.array(returns)
    assert sharpe == pytest.approx(values.mean() / values.std(ddof=1) * np.sqrt(8760), rel=1e-6, abs=1e-9)
    downside = np.sqrt(np.mean(np.minimum(values, 0.0) ** 2))
    if downside > 1e-9:
        assert sortino == pytest.approx(values.mean() / downside * np.sqrt(8760), rel=1e-6, abs=1e-9)


@given(st.lists(st.integers(1, 10**12), min_size=1, max_size=60))
def test_the_deepest_fall_is_that_of_any_pair(nets: list[int]) -> None:
    ratio, fall = deepest(nets)
    pairs = [(a, b) for i, a in enumerate(nets) for b in nets[i:]]
    assert fall == max(max(0, a - b) for a, b in pairs)
    assert ratio == pytest.approx(max(max(0.0, (a - b) / a) for a, b in pairs))
