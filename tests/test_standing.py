"""standing: the day's result and the peak."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper.standing import DAY_NS, Standing


def test_a_day_is_measured_from_its_first_look() -> None:
    standing = Standing()
    standing.look(5, 1000, 0)
    assert (standing.day_result, standing.peak) == (0, 1000)
    standing.look(6, 900, 0)
    standing.look(7, 1100, 0)
    standing.look(8, 950, 0)
    assert (standing.day_result, standing.peak) == (-50, 1100)
    standing.look(DAY_NS, 940, 0)
    assert (standing.day_result, standing.peak) == (0, 1100)


def test_a_transfer_is_no_profit_and_no_loss() -> None:
    standing = Standing()
    standing.look(0, 1000, 1000)
    standing.look(1, 1500, 1500)
    assert (standing.day_result, standing.peak) == (0, 1500)
    standing.look(2, 200, 200)
    assert (standing.day_result, standing.peak) == (0, 200)


@given(st.lists(st.tuples(st.integers(0, 3 * DAY_NS), st.integers(-(10**15), 10**15), st.integers(-9, 9))))
def test_a_saved_standing_goes_on_alike(looks: list[tuple[int, int, int]]) -> None:
    one, other = Standing(), Standing()
    for now_ns, net, transfers in sorted(looks):
        one.look(now_ns, net, transfers)
        other.load(one.save())
        assert other.save() == one.save()
    with pytest.raises(ValueError, match="not a standing"):
        other.load(b"junk")


def test_the_next_session_counts_transfers_anew() -> None:
    standing = Standing()
    standing.look(0, 1000, 700)
    standing.look(1, 900, 700)
    other = Standing()
    other.resume(standing.save())
    other.look(2, 950, 0)
    assert (other.day_result, other.peak) == (-50, 1000)
    with pytest.raises(ValueError, match="standing"):
        other.resume(b"x")
