"""What is measured, and how: a case has our way, a naive way and library ways of doing the same work."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from time import perf_counter_ns, thread_time_ns
from typing import Any, NamedTuple

ROUNDS_MIN = 5


class Contender(NamedTuple):
    """One way. `setup` makes fresh state, untimed; `run(*state)` is timed and does `units` units of work."""

    name: str
    setup: Callable[[], tuple[Any, ...]]
    run: Callable[..., object]
    units: int


class Case(NamedTuple):
    """One piece of work and those who do it."""

    name: str
    unit: str
    ours: Contender
    naive: Contender | None = None
    libraries: tuple[Contender, ...] = ()

    @property
    def contenders(self) -> list[Contender]:
        """All of them, ours first."""
        return [self.ours, *([self.naive] if self.naive else []), *self.libraries]


def pin(cpu: int | None = None) -> int:
    """Keep this process, and what it starts, on one core: the given one, or the last it may use."""
    allowed = sorted(os.sched_getaffinity(0))
    chosen = allowed[-1] if cpu is None else cpu
    os.sched_setaffinity(0, {chosen})
    return chosen


def best_ns(contender: Contender, seconds: float) -> float:
    """Nanoseconds a unit in the best of the rounds that fit into `seconds`, at least ROUNDS_MIN.

    Processor time, so that what else runs on the machine disturbs little; on a quiet one it is wall time.
    """
    best, rounds, until = float("inf"), 0, perf_counter_ns() + int(seconds * 1e9)
    while rounds < ROUNDS_MIN or perf_counter_ns() < until:
        state = contender.setup()
        gc.collect()
        gc.disable()
        begun = thread_time_ns()
        contender.run(*state)
        best = min(best, thread_time_ns() - begun)
        gc.enable()
        rounds += 1
    return best / contender.units


def play(benchmark: Any, contender: Contender) -> None:
    """The same under pytest-benchmark; its times are of a whole round, `ns_per_unit` of one unit."""
    benchmark.pedantic(contender.run, setup=lambda: (contender.setup(), {}), rounds=ROUNDS_MIN, iterations=1)
    if benchmark.stats:
        benchmark.extra_info["ns_per_unit"] = round(benchmark.stats.stats.min * 1e9 / contender.units, 1)
