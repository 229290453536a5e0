"""Large blocks of memory for a session that lasts: they go back to the system as soon as they are freed."""

from __future__ import annotations

import ctypes
from typing import Final

LARGE_BYTES: Final = 128 << 10
TOP_BYTES: Final = 1 << 20
"""So much may stay unused at the end of a heap."""
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h of glibc


def map_large() -> bool:
    """Have every block of LARGE_BYTES and more be a mapping of its own, for the rest of the process.

    glibc begins so and gives it up at the first such block that is freed: from then on snapshots, answers and receive
    buffers of megabytes lie between what is small and stays, and every hole they leave that the next one does not fit
    makes a heap longer for good. False: this C library has no such setting.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)) and bool(mallopt(M_TRIM_THRESHOLD, TOP_BYTES))
