"""No core dumps of a process that meets secrets: a dump holds whatever lay in its memory, to the end of the line."""

from __future__ import annotations

import ctypes
import resource
import sys
from typing import Final

PR_SET_DUMPABLE: Final = 4  # linux/prctl.h


def forbid_core_dumps() -> None:
    """For the rest of the process; to be called before the first secret is read. May be called again.

    The limit alone does not bind a system that pipes dumps to a program (core(5)), so Linux is told as well that the
    process is not dumpable. Then no other process of the same user reads its memory or follows it with a debugger, and
    most of its /proc is root's. `/proc/PID/stat`, which locks name their holder by, stays readable, and a program
    that it starts is dumpable again.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, *(ctypes.c_ulong(0),) * 4)
