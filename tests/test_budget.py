"""How many REST requests may be sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper.feed.budget import BUCKET_OF, BUCKETS, Budget


def test_a_burst_is_allowed_and_then_the_window_must_pass() -> None:
    budget = Budget(3, 10.0)
    for now_s in (0.0, 1.0, 2.0):
        assert budget.wait_s(now_s) == 0.0
        budget.take(now_s)
    assert budget.used(2.0) == 3
    assert budget.wait_s(2.0) == 8.0
    assert budget.wait_s(9.5) == 0.5
    assert budget.wait_s(10.0) == 0.0
    assert budget.used(11.5) == 1


def test_the_server_may_ask_for_more() -> None:
    budget = Budget(3, 10.0)
    budget.hold(5.0)
    budget.hold(4.0)
    assert budget.wait_s(1.0) == 4.0
    assert budget.wait_s(6.0) == 0.0


def test_a_budget_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="a budget of 0"):
        Budget(0)


def test_every_bucket_has_a_limit() -> None:
    assert set(BUCKET_OF.values()) <= set(BUCKETS)
    assert BUCKETS["candles"] == 1000 and BUCKETS["default"] == 100


@given(
    count=st.integers(1, 20),
    pauses=st.lists(st.floats(0.0, 4.0), max_size=100),
    window_s=st.sampled_from((0.5, 1.0, 10.0)),
)
def test_no_window_ever_holds_more(count: int, pauses: list[float], window_s: float) -> None:
    budget, now_s, sent = Budget(count, window_s), 0.0, []
    for pause_s in pauses:
        now_s += pause_s
        now_s += budget.wait_s(now_s)
        while budget.wait_s(now_s) > 0.0:  # rounding
            now_s += 1e-9
        budget.take(now_s)
        sent.append(now_s)
    for first in sent:
        assert sum(first <= t < first + window_s for t in sent) <= count
