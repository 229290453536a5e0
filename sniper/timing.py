"""Durations of the last 1,024 times something ran, and their percentiles."""

from __future__ import annotations

from array import array

import numpy as np

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
        p50, p99 = (kept - 1) // 2, max(0, -(-99 * kept // 100) - 1)
        ordered = np.partition(np.frombuffer(self._ring, np.int64)[:kept], (p50, p99))
        return Latency(int(ordered[p50]), int(ordered[p99]), int(ordered[p99:].max()))
