"""The clock of a live run: real time at the start, and from there on the monotonic clock."""

from __future__ import annotations

import time
from collections.abc import Callable


def real_clock() -> Callable[[], int]:
    """A function that gives nanoseconds since 1970 and never goes back, whatever is done to the system's
    clock.
    """
    monotonic_ns = time.monotonic_ns
    offset_ns = time.time_ns() - monotonic_ns()

    def now_ns() -> int:
        return offset_ns + monotonic_ns()

    return now_ns
