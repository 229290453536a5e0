"""strategies.pairs: figures of one pair against plain statistics."""

from __future__ import annotations

import itertools
import statistics
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper.strategies.pairs import Pair

NAN, INF = float("nan"), float("inf")
MIDS = st.lists(st.tuples(st.floats(50.0, 150.0), st.floats(50.0, 150.0)), min_size=3, max_size=30)


def fed(mids: list[tuple[float, float]], window: int = 1000, pair: Pair | None = None) -> Pair:
    pair = pair or Pair(3, 7)
    for slot, (one, other) in enumerate(mids, pair.slot + 1):
        pair.sample(slot, one, other, window)
    return pair


@given(mids=MIDS)
def test_mean_and_deviation_are_those_of_the_ratios(mids: list[tuple[float, float]]) -> None:
    pair = fed(mids)
    ratios = [one / other for one, other in mids]
    mean, spread = statistics.fmean(ratios), statistics.pstdev(ratios)
    assert pair.mean * pair.anchor == pytest.approx(mean)
    assert pair.deviation == pytest.approx(spread / mean, abs=1e-7)
    if spread > 1e-6:
        assert pair.z(120.0, 80.0) == pytest.approx((1.5 - mean) / spread, rel=1e-4, abs=1e-4)


@given(mids=MIDS)
def test_who_leads_is_a_correlation_of_returns_one_sample_apart(mids: list[tuple[float, float]]) -> None:
    pair = fed(mids)
    clip = [
        [max(-0.5, min(0.5, b / a - 1.0)) for a, b in itertools.pairwise(row)]
        for row in ([one for one, _ in mids], [other for _, other in mids])
    ]
    x, y = clip
    n = len(mids)
    square_x, square_y = sum(r * r for r in x) / n, sum(r * r for r in y) / n
    leads = sum(a * b for a, b in zip(x, y[1:], strict=False)) / n
    if square_x > 1e-9 and square_y > 1e-9:
        normed = leads / (square_x * square_y) ** 0.5
        assert pair.leads(True) == pytest.approx(max(-1.0, min(1.0, normed)), abs=1e-6)
        assert pair.expected(True) == pytest.approx(max(-0.5, min(0.5, leads / square_x * x[-1])), abs=1e-6)
        assert pair.move(False) == pytest.approx(y[-1] / square_y**0.5, abs=1e-6)
        together = sum(a * b for a, b in zip(x, y, strict=True)) / n
        assert pair.correlation == pytest.approx(together / (square_x * square_y) ** 0.5, abs=1e-6)


def test_a_market_that_repeats_the_other_one_later_is_found_out() -> None:
    random = Random(1)
    moves = [random.gauss(0.0, 0.01) for _ in range(400)]
    one, other, mids = 100.0, 100.0, []
    for now, before in zip(moves[1:], moves, strict=False):
        one, other = one * (1.0 + now), other * (1.0 + before)
        mids.append((one, other))
    pair = fed(mids, window=200)
    assert pair.leads(True) > 0.9 and abs(pair.leads(False)) < 0.3 and abs(pair.correlation) < 0.3
    assert pair.expected(True) == pytest.approx(moves[-1], rel=0.2)


def test_old_samples_fade() -> None:
    pair = fed([(100.0, 100.0)] * 50, window=10)
    fed([(110.0, 100.0)] * 100, window=10, pair=pair)
    assert pair.mean == pytest.approx(1.1, rel=1e-3) and pair.deviation < 0.01


def test_a_slot_that_was_missed_begins_the_returns_anew() -> None:
    pair = fed([(100.0, 100.0), (101.0, 99.0)])
    square = pair.first_square
    pair.sample(pair.slot + 2, 150.0, 150.0, 1000)
    assert (pair.first_square, pair.first_return, pair.samples) == (square, 0.0, 3)
    pair.sample(pair.slot + 1, 151.5, 150.0, 1000)
    assert pair.first_return == pytest.approx(0.01) and pair.first_leads == 0.0


def test_what_is_no_price_is_not_sampled_and_gives_no_z() -> None:
    pair = fed([(100.0, 100.0), (101.0, 99.0), (100.0, 100.0)])
    row = pair.row()
    for wrong in (0.0, -1.0, NAN, INF):
        pair.sample(pair.slot + 1, wrong, 100.0, 1000)
        pair.sample(pair.slot + 1, 100.0, wrong, 1000)
        assert pair.z(wrong, 100.0) == pair.z(100.0, wrong) == 0.0
    assert pair.row() == row
    fresh = Pair(0, 1)
    assert (
        fresh.z(1.0, 1.0)
        == fresh.correlation
        == fresh.leads(True)
        == fresh.move(True)
        == fresh.expected(True)
        == 0.0
    )


def test_state_as_a_row_and_back() -> None:
    pair = fed([(100.0, 100.0), (101.0, 99.0), (100.0, 100.0)])
    assert Pair.of(pair.row()).row() == pair.row()
    first, second, samples, slot, figures = pair.row()
    for wrong in (
        (first, first, samples, slot, figures),
        (first, 1 << 16, samples, slot, figures),
        (first, second, -1, slot, figures),
        (first, second, samples, slot, figures[1:]),
        (first, second, samples, slot, (NAN, *figures[1:])),
        (first, second, samples, slot, (0.0, *figures[1:])),
    ):
        with pytest.raises(ValueError, match="pair"):
            Pair.of(wrong)
