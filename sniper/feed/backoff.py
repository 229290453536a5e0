"""How long to wait before a connection is opened again. Pure: the time and the generator are given.

The soft wait follows what dYdX's own web client does: 1 s, times 1.5 at each failure, at most 120 s, back
to the start once a connection was alive for 5 s. Jitter spreads clients that failed together. Close code
1012 means that the server is being deployed and closes every socket of everybody: more spread. HTTP 429
means that we are being counted: the Indexer answers reconnects of clients that ignore its limits with it,
so the wait is long and doubles.
"""

from __future__ import annotations

from random import Random
from typing import Final, NamedTuple

SERVICE_RESTART: Final = 1012


class Waits(NamedTuple):
    """The figures of the back-off, in seconds (factor and jitter are plain numbers)."""

    first_s: float = 1.0
    factor: float = 1.5
    longest_s: float = 120.0
    jitter: float = 0.2
    alive_s: float = 5.0
    restart_spread_s: float = 5.0
    limited_first_s: float = 60.0
    limited_factor: float = 2.0
    limited_longest_s: float = 900.0


class Backoff:
    """The waits of one connection."""

    def __init__(self, rng: Random, waits: Waits = Waits()) -> None:  # noqa: B008 - immutable
        self._rng = rng
        self._waits = waits
        self.failures = 0
        self.refusals = 0

    def alive(self, alive_s: float) -> None:
        """A connection ended on which frames came for alive_s: long enough, and the waits start anew."""
        if alive_s >= self._waits.alive_s:
            self.failures = 0
            self.refusals = 0

    def after_failure(self, code: int = 0) -> float:
        """Seconds to wait after a connection was lost or never came up. code: the WebSocket close code."""
        waits = self._waits
        steps = min(self.failures, 64)  # beyond this the power is far above longest_s, or the factor is 1
        wait_s = min(waits.first_s * waits.factor**steps, waits.longest_s)
        wait_s *= 1.0 + waits.jitter * (2.0 * self._rng.random() - 1.0)
        if code == SERVICE_RESTART:
            wait_s += waits.restart_spread_s * self._rng.random()
        self.failures += 1
        return wait_s

    def after_limit(self) -> float:
        """Seconds to wait after HTTP 429. The jitter only lengthens: never sooner than the rule says."""
        waits = self._waits
        steps = min(self.refusals, 64)
        wait_s = min(waits.limited_first_s * waits.limited_factor**steps, waits.limited_longest_s)
        self.refusals += 1
        return wait_s * (1.0 + waits.jitter * self._rng.random())
