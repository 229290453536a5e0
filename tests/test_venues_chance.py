"""The venue's generator."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from sniper.venues.chance import Chance, named


def test_known_numbers_of_splitmix64() -> None:
    chance = Chance(1_234_567)
    assert [chance.draw() for _ in range(3)] == [
        6_457_827_717_110_365_317,
        3_203_168_211_198_807_973,
        9_817_491_932_198_370_423,
    ]


@given(st.integers(0, (1 << 64) - 1), st.integers(-1000, 1000), st.integers(0, 10**12))
def test_draws_lie_within_their_bounds(state: int, low: int, width: int) -> None:
    assert low <= Chance(state).between(low, low + width) <= low + width


def test_every_value_is_reached_about_as_often() -> None:
    chance = named(1, "test")
    counts = [0] * 6
    for _ in range(6000):
        counts[chance.between(0, 5)] += 1
    assert min(counts) > 850 and max(counts) < 1150


def test_uses_and_seeds_have_generators_of_their_own() -> None:
    states = {named(seed, name).state for seed in range(-3, 20) for name in ("commands", "events")}
    assert len(states) == 46


def test_it_goes_on_where_it_was_saved() -> None:
    chance = named(1, "test")
    chance.draw()
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(chance), type=Chance)
    assert [again.draw() for _ in range(5)] == [chance.draw() for _ in range(5)]
