"""How long to wait before a connection is opened again."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper.feed.backoff import Backoff, Waits

EXACT = Waits(jitter=0.0, restart_spread_s=0.0)


class Highest(Random):
    """A generator whose every draw is nearly 1."""

    def random(self) -> float:
        return 1.0 - 2.0**-53


def test_the_soft_wait_grows_by_half_up_to_two_minutes() -> None:
    backoff = Backoff(Random(1), EXACT)
    waits = [backoff.after_failure() for _ in range(14)]
    assert waits[:4] == [1.0, 1.5, 2.25, 3.375]
    assert waits[11] == pytest.approx(1.5**11)
    assert waits[12:] == [120.0, 120.0]


def test_five_seconds_alive_start_the_waits_anew() -> None:
    backoff = Backoff(Random(1), EXACT)
    backoff.after_failure()
    backoff.alive(4.9)
    assert backoff.after_failure() == 1.5
    backoff.alive(5.0)
    assert backoff.after_failure() == 1.0


def test_the_wait_after_429_begins_at_a_minute_and_doubles_to_a_quarter_of_an_hour() -> None:
    backoff = Backoff(Random(1), EXACT)
    assert [backoff.after_limit() for _ in range(6)] == [60.0, 120.0, 240.0, 480.0, 900.0, 900.0]
    backoff.alive(5.0)
    assert backoff.after_limit() == 60.0


def test_a_deploy_spreads_the_clients() -> None:
    assert Backoff(Highest()).after_failure(1012) == pytest.approx(1.2 + 5.0)
    assert Backoff(Highest()).after_failure(1011) == pytest.approx(1.2)
    apart = {Backoff(Random(seed)).after_failure(1012) for seed in range(50)}
    assert max(apart) - min(apart) > 3.0


def test_the_same_generator_gives_the_same_waits() -> None:
    def waits(seed: str) -> list[float]:
        backoff = Backoff(Random(seed))
        return [backoff.after_failure() for _ in range(10)]

    assert waits("7/feed/0") == waits("7/feed/0") != waits("7/feed/1")


@given(
    seed=st.integers(),
    happenings=st.lists(
        st.one_of(
            st.tuples(st.just("alive"), st.floats(0, 1e4)),
            st.tuples(st.just("failure"), st.sampled_from((0, 1006, 1012))),
            st.tuples(st.just("limit"), st.just(0)),
        ),
        max_size=200,
    ),
)
def test_every_wait_lies_within_its_bounds(seed: int, happenings: list[tuple[str, float]]) -> None:
    waits = Waits()
    backoff = Backoff(Random(seed), waits)
    for name, value in happenings:
        if name == "alive":
            backoff.alive(value)
        elif name == "limit":
            assert waits.limited_first_s <= backoff.after_limit() <= waits.limited_longest_s * 1.2
        else:
            wait_s = backoff.after_failure(int(value))
            spread_s = waits.restart_spread_s if value == 1012 else 0.0
            assert waits.first_s * 0.8 <= wait_s <= waits.longest_s * 1.2 + spread_s


def test_many_failures_do_not_overflow() -> None:
    backoff = Backoff(Random(1), EXACT)
    backoff.failures = backoff.refusals = 10**9
    assert backoff.after_failure() == 120.0
    assert backoff.after_limit() == 900.0
