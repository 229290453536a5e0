"""bar_frames: what it refuses. What it writes is tested through `feed/bars.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sniper._ext.bar_frames import BarFrames

MINUTE_NS = 60 * 10**9
START_NS = 1_700_000_040 * 10**9


def test_the_kernel_refuses_what_it_cannot_write() -> None:
    columns = tuple(np.ones(2, np.int64) for _ in range(6))
    good: list[Any] = ["A-USD", "c", columns, MINUTE_NS, 0, 0, 1, 0, 1, 0, 100, 1.0, 0]
    BarFrames(*good)
    for place, value in (
        (0, "x" * 200),
        (4, 17),
        (5, -1),
        (6, 0),
        (8, 0),
        (10, -1),
        (11, 0.0),
        (7, 19),
        (9, 19),
        (3, 0),
    ):
        with pytest.raises(ValueError):
            BarFrames(*good[:place], value, *good[place + 1 :])
    with pytest.raises(ValueError, match="equal length"):
        BarFrames("A", "c", (*columns[:5], np.ones(3, np.int64)), *good[3:])
    one = BarFrames(*good)
    for put in (one.put, one.open):
        with pytest.raises(IndexError):
            put([], 2, START_NS, 0)
