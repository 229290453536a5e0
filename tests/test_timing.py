"""Timing: nearest-rank percentiles over the last 1,024, whatever came before."""

import math

from hypothesis import given
from hypothesis import strategies as st

from sniper.panels.view import Latency
from sniper.timing import KEPT, Costs, Durations


@given(st.lists(st.integers(0, 10**12), max_size=2500))
def test_percentiles_are_those_of_the_last_ones(values: list[int]) -> None:
    durations = Durations()
    for value in values:
        durations.add(value)
    kept = sorted(values[-KEPT:])
    assert durations.count == len(values)
    if not kept:
        assert durations.latency() == Latency(0, 0, 0)
        return
    n = len(kept)
    assert durations.last_ns == values[-1]
    assert durations.latency() == Latency(
        kept[math.ceil(n / 2) - 1], kept[math.ceil(n * 99 / 100) - 1], kept[-1]
    )


def test_costs_keep_the_last_tick_and_the_first_stages() -> None:
    costs = Costs(("decode", "book", "trades"))
    assert costs.last == (("decode", 0), ("book", 0), ("trades", 0))
    costs.add([5, 6, 7], 20)
    costs.add([8, 9, 10], 30)
    assert costs.last == (("decode", 8), ("book", 9), ("trades", 10))
    assert costs.decode.latency() == Latency(5, 8, 8)
    assert costs.book.latency() == Latency(6, 9, 9)
    assert costs.tick.latency() == Latency(20, 30, 30)
