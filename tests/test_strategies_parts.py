"""strategies.parts: thresholds, debounce, ranking, state, bounds of settings."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper._ext.tape import RESOLUTION_NAMES
from sniper._ext.tape import RESOLUTION_NS as KERNEL_NS
from sniper.errors import ConfigError
from sniper.strategies.parts import (
    RESOLUTION_NS,
    RESOLUTIONS,
    Score,
    Setups,
    between,
    clamp,
    hysteresis,
    order_side,
    packed,
    ranked,
    sound,
    unpacked,
    within_bounds,
)
from sniper.trading import BUY, SELL

NAN, INF = float("nan"), float("inf")
SCORES = st.lists(st.floats(40.0, 100.0) | st.just(NAN), max_size=40)


def test_resolutions_are_those_of_the_candles() -> None:
    assert (RESOLUTIONS, RESOLUTION_NS) == (RESOLUTION_NAMES, KERNEL_NS)


def test_small_numbers() -> None:
    assert [sound(x) for x in (1.0, 1e-300, 0.0, -1.0, INF, NAN)] == [True, True, False, False, False, False]
    assert [clamp(x, 0.0, 1.0) for x in (-3.0, 0.25, 7.0, NAN)] == [0.0, 0.25, 1.0, 0.0]
    assert [between(x, 10.0, 4.0) for x in (-1.0, 0.0, 0.5, 2.0)] == [10.0, 10.0, 7.0, 4.0]
    assert (order_side(1), order_side(-1)) == (BUY, SELL)


@given(scores=SCORES)
def test_hysteresis_goes_on_at_the_one_threshold_and_off_below_the_other(scores: list[float]) -> None:
    on = False
    for score in scores:
        before, on = on, hysteresis(on, score, 70.0, 60.0)
        if score != score:
            assert not on
        elif score >= 70.0:
            assert on
        elif score < 60.0:
            assert not on
        else:
            assert on == before


@given(
    steps=st.lists(
        st.tuples(st.integers(0, 900), st.floats(40.0, 100.0), st.sampled_from([-1, 1])), max_size=40
    )
)
def test_a_setup_is_up_exactly_as_long_as_a_plain_history_says(steps: list[tuple[int, float, int]]) -> None:
    """Twin: walk back through all that was seen until the score was down or the side another."""
    setups, history, now_ns = Setups(70.0, 60.0, 0, 10**9), list[tuple[int, int, float]](), 0
    for wait, score, side in steps:
        now_ns += wait
        history.append((now_ns, side, score))
        setup = setups.update(3, side, score, now_ns)
        since = None
        for seen_ns, was, found in history:
            if since is not None and (was != since[1] or found < 60.0):
                since = None
            if since is None and found >= 70.0:
                since = (seen_ns, was)
        assert (setup is None) == (since is None)
        if setup is not None and since is not None:
            assert (setup.since_ns, setup.side) == since
            assert setups.held_ns(3, side, now_ns) == now_ns - since[0]
            assert setups.held_ns(3, -side, now_ns) == 0


def test_a_setup_gives_one_entry_until_the_score_was_down() -> None:
    setups = Setups(70.0, 60.0, 0, 10**9)
    setup = setups.update(0, 1, 75.0, 5)
    assert setup is not None and not setups.acted(0, 1)
    setup.acted = True
    assert setups.update(0, 1, 61.0, 6) is setup and setups.acted(0, 1) and not setups.acted(0, -1)
    setups.again(0)
    setups.again(9)
    assert not setups.acted(0, 1)
    setup.acted = True
    assert setups.update(0, 1, 59.0, 7) is None
    fresh = setups.update(0, 1, 70.0, 8)
    assert fresh is not None and not fresh.acted and fresh.since_ns == 8
    assert setups.update(0, -1, 72.0, 9) is not fresh
    assert setups.update(0, 1, 65.0, 10) is None, "another side, and not high enough for that one"
    assert setups.update(0, 1, 1e9, 11) is None, "no score is so high"
    setups.drop(0)
    assert not setups.up and not setups.acted(0, 1)


def test_the_ranking_counts_those_that_want_in_and_were_seen_lately() -> None:
    setups = Setups(70.0, 60.0, 0, 100)
    for market, score, seen_ns in (
        (1, 80.0, 1000),
        (2, 75.0, 1000),
        (5, 75.0, 1000),
        (7, 99.0, 899),
        (8, 99.0, 1000),
    ):
        setup = setups.update(market, 1, score, seen_ns)
        assert setup is not None
        setup.willing, setup.acted = market != 8, False
    assert [setups.ahead(m, s, 1000) for m, s in ((1, 80.0), (2, 75.0), (5, 75.0), (3, 75.0), (9, 70.0))] == [
        0,
        1,
        2,
        2,
        3,
    ]
    assert setups.ahead(1, 60.0, 1000) == 2, "nobody is ahead of himself"
    setups.up[1].acted = True
    assert setups.ahead(2, 75.0, 1000) == 0
    assert list(ranked([(1.0, 5), (3.0, 9), (3.0, 2)])) == [(3.0, 2), (3.0, 9), (1.0, 5)]


def test_setups_as_rows_and_back() -> None:
    setups = Setups(70.0, 60.0, 0, 100)
    setups.update(4, -1, 80.0, 17)
    again = Setups(70.0, 60.0, 0, 100)
    again.up = Setups.checked(setups.rows())
    assert again.rows() == setups.rows() == [(4, -1, 17, 80.0, 17, False, False)]
    good = setups.rows()[0]
    for wrong in ([good, good], [(4, 0, *good[2:])], [(-1, *good[1:])], [(*good[:3], NAN, *good[4:])]):
        with pytest.raises(ValueError, match="not a setup"):
            Setups.checked(wrong)


def test_a_state_is_taken_back_only_by_its_owner() -> None:
    state = packed("mine", 2, [(1, 2.5)])
    assert unpacked(state, "mine", 2, list[tuple[int, float]]) == [(1, 2.5)]
    for name, version, kind in (
        ("yours", 2, list[tuple[int, float]]),
        ("mine", 3, list[tuple[int, float]]),
        ("mine", 2, int),
    ):
        with pytest.raises(ValueError, match="state"):
            unpacked(state, name, version, kind)


class Inner(NamedTuple):
    score: Score = 50.0


class Outer(NamedTuple):
    inner: Inner = Inner()
    count: Annotated[int, msgspec.Meta(ge=1)] = 1
    pairs: tuple[tuple[str, float], ...] = ()


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        (Outer(inner=Inner(101.0)), "score"),
        (Outer(inner=Inner(NAN)), "score"),
        (Outer(count=0), "count"),
        (Outer(count=1.5), "count"),  # type: ignore[arg-type]
        (Outer(pairs=(("a", "b"),)), "pairs"),  # type: ignore[arg-type]
    ],
)
def test_settings_beyond_their_bounds_are_refused_by_name(wrong: Outer, name: str) -> None:
    good = Outer(count=3, pairs=(("a", 1),))
    assert within_bounds(good) is good
    with pytest.raises(ConfigError, match=f"^{name} = "):
        within_bounds(wrong)
