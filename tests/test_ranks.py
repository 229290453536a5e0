"""Percentiles of a ring against sorting it."""

from array import array
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper._ext.ranks import ranks

NUMBERS = st.lists(st.integers(0, 9) | st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=1024)


def compare(numbers: list[int], more: int) -> None:
    ring = array("q", [*numbers, *[2**62] * more])
    before = ring[:]
    ordered, kept = sorted(numbers), len(numbers)
    expected = (ordered[-(-50 * kept // 100) - 1], ordered[-(-99 * kept // 100) - 1], ordered[-1])
    assert ranks(ring, kept) == expected
    assert ring == before


@given(NUMBERS, st.integers(0, 5))
def test_they_are_those_of_the_sorted_numbers(numbers: list[int], more: int) -> None:
    compare(numbers, more)


@pytest.mark.parametrize("order", [range(1024), range(1024, 0, -1), [7] * 1024, [*range(512)] * 2])
def test_a_whole_ring_in_any_order(order: Iterable[int]) -> None:
    compare(list(order), 0)


@pytest.mark.parametrize("kept", [0, -1, 5, 2000])
def test_there_must_be_so_many(kept: int) -> None:
    with pytest.raises(ValueError, match=r"1\.\.4"):
        ranks(array("q", [1, 2, 3, 4]), kept)
