"""Durations of the last 1,024 times something ran, and their percentiles."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from sniper._ext.ranks import ranks
from sniper.panels.view import Latency

KEPT = 1024  # a power of two


class Durations:
    """A ring of durations in nanoseconds."""

    __slots__ = ("_at", "_ring", "last_ns")

    def __init__(self) -> None:
        self._ring = array("q", bytes(8 * KEPT))
        self._at = 0
        self.last_ns = 0

    def add(self, ns: int) -> None:
        """Note one duration."""
        self._ring[self._at & (KEPT - 1)] = self.last_ns = ns
        self._at += 1

    @property
    def count(self) -> int:
        """How many were added in all."""
        return self._at

    def latency(self) -> Latency:
        """p50, p99 and maximum of the durations kept (nearest rank); zeros before the first."""
        kept = min(self._at, KEPT)
        if not kept:
            return Latency()
        return Latency(*ranks(self._ring, kept))


class Costs:
    """What a run's ticks cost: the loop adds, the header and the pipeline panel show.

    stages: the names of the engine's stages in order; the first two, decode and book, get percentiles.
    """

    __slots__ = ("_names", "_stage_ns", "book", "decode", "tick")

    def __init__(self, stages: Sequence[str]) -> None:
        self._names = tuple(stages)
        self._stage_ns: Sequence[int] = (0,) * len(self._names)
        self.decode, self.book, self.tick = Durations(), Durations(), Durations()

    def add(self, stage_ns: Sequence[int], tick_ns: int) -> None:
        """Note one tick: what each stage took (kept, not copied) and what the whole of it took."""
        self._stage_ns = stage_ns
        self.decode.add(stage_ns[0])
        self.book.add(stage_ns[1])
        self.tick.add(tick_ns)

    @property
    def last(self) -> tuple[tuple[str, int], ...]:
        """(stage, nanoseconds) of the last tick."""
        return tuple(zip(self._names, self._stage_ns, strict=True))
