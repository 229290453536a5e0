"""strategies.correlation: rings of returns against statistics over the whole history."""

from __future__ import annotations

import statistics
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper.errors import ConfigError
from sniper.strategies.correlation import KNOWN_MAX, Correlations

STEPS = st.lists(
    st.tuples(
        st.integers(1, 3), st.floats(-0.05, 0.05), st.floats(-0.05, 0.05), st.booleans(), st.booleans()
    ),
    min_size=2,
    max_size=60,
)


@given(steps=STEPS)
def test_a_correlation_is_that_of_the_returns_of_the_last_slots(
    steps: list[tuple[int, float, float, bool, bool]],
) -> None:
    """Twin: dicts of returns by slot, a slot without a sample returns 0, statistics.correlation over what both have."""
    size, least = 8, 4
    found = Correlations(size, least)
    mids, last = [100.0, 50.0], [-1, -1]
    returns: list[dict[int, float]] = [{}, {}]
    slot = 1000
    for gap, one, two, takes_one, takes_two in steps:
        slot += gap
        for market, move, takes in ((0, one, takes_one), (1, two, takes_two)):
            if not takes:
                continue
            new = mids[market] * (1.0 + move)
            found.sample(market, slot, new)
            found.sample(market, slot, new * 2.0)  # the first of a slot counts
            if last[market] >= 0:
                for skipped in range(last[market] + 1, slot):
                    returns[market][skipped] = 0.0
                returns[market][slot] = new / mids[market] - 1.0
            mids[market], last[market] = new, slot
    newest, common = max(last), min(last)
    slots = [s for s in returns[0] if s in returns[1] and newest - size < s <= common]
    x, y = [returns[0][s] for s in slots], [returns[1][s] for s in slots]
    value = found.between(0, 1)
    assert value == found.between(1, 0)
    if len(slots) < least or statistics.pvariance(x) < 1e-9 or statistics.pvariance(y) < 1e-9:
        assert value is None or len(slots) >= least
    else:
        assert value == pytest.approx(statistics.correlation(x, y), abs=1e-6)


def test_what_is_not_known_counts_as_alike() -> None:
    found = Correlations(10, 3)
    assert found.between(0, 1) is found.between(0, 0) is None
    for slot in range(10):
        found.sample(0, slot, 100.0)
        found.sample(1, slot, 100.0 + slot)
        found.sample(2, slot, float("nan"))
    assert found.between(0, 1) is None, "a price that stands still moves with nothing"
    assert found.between(0, 2) is None


def test_opposite_and_alike() -> None:
    random, found = Random(1), Correlations(50, 10)
    prices = [100.0, 100.0, 100.0]
    for slot in range(60):
        move = random.gauss(0.0, 0.01)
        prices = [prices[0] * (1 + move), prices[1] * (1 - move), prices[2] * (1 + 2 * move)]
        for market, price in enumerate(prices):
            found.sample(market, slot, price)
    assert found.between(0, 1) == pytest.approx(-1.0)
    assert found.between(0, 2) == pytest.approx(1.0)
    assert [found.alike(0, 1, same) for same in (True, False)] == pytest.approx([0.0, 1.0])
    assert [found.alike(0, 2, same) for same in (True, False)] == pytest.approx([1.0, 0.0])
    assert [found.alike(0, 9, same) for same in (True, False)] == [1.0, 1.0], "not known: in full, both ways"
    for slot in range(200, 260):
        found.sample(0, slot, 100.0 + slot)
    assert found.between(0, 1) is None, "nothing in common for a long time"


def test_state_as_rows_and_back() -> None:
    random, found = Random(2), Correlations(10, 3)
    for slot in range(25):
        for market in range(3):
            found.sample(market, slot, random.uniform(90.0, 110.0))
    again = Correlations(10, 3)
    again.load(again.checked(found.save()))
    assert again.save() == found.save() and again.between(0, 2) == found.between(0, 2)
    good = found.save()[0]
    for wrong in (
        [good, good],
        [(-1, *good[1:])],
        [(*good[:4], good[4][:-8])],
        [(*good[:3], 0.0, good[4])],
        [(*good[:4], b"\xff" * 80)],
        [(0, 9, 8, *good[3:])],
    ):
        with pytest.raises(ValueError, match="ring"):
            again.checked(wrong)
    with pytest.raises(ConfigError):
        Correlations(5, 6)


def test_so_many_are_kept_and_no_more() -> None:
    found = Correlations(2, 2)
    for slot in range(3):
        for market in range(100):
            found.sample(market, slot, 100.0 + slot * market)
    for market in range(100):
        for other in range(market):
            found.between(market, other)
            assert len(found._known) <= KNOWN_MAX
