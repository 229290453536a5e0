"""Large blocks are mappings of their own, also after one was freed."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

SCRIPT = """
import ctypes, sys
from sniper.cli.memory import LARGE_BYTES, map_large

class Info(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in (
        "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")]

library = ctypes.CDLL(None)
library.mallinfo2.restype = Info
if sys.argv[1] == "set":
    assert map_large()
freed = bytearray(16 * LARGE_BYTES)
del freed
before = library.mallinfo2()
held = [bytearray(2 * LARGE_BYTES) for _ in range(8)]
after = library.mallinfo2()
print(after.hblks - before.hblks)
"""


@pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="not the C library that this is about"
)
@pytest.mark.parametrize(("how", "mapped"), [("set", 8), ("as it is", 0)])
def test_large_blocks_are_mapped_also_after_one_was_freed(how: str, mapped: int) -> None:
    run = subprocess.run([sys.executable, "-c", SCRIPT, how], capture_output=True, text=True, check=False)
    assert (run.stdout.strip(), run.stderr) == (str(mapped), "")


def test_a_library_without_the_setting_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from sniper.cli import memory

    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: object())
    assert not memory.map_large()
