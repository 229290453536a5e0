"""A sign of life that another process can read: tick, time, mode and height in a small mapped file.

The loop writes it every tick (some hundred nanoseconds, no system call). A reader takes it as whole when the counter
in front and the one behind are equal: writer and reader need no lock.
"""

from __future__ import annotations

import mmap
import os
import struct
from pathlib import Path
from typing import Final, NamedTuple

FORM: Final = struct.Struct("<8s6q")
"""Magic, counter, tick, now_ns, mode, height, the counter again. 56 bytes, little-endian."""
MAGIC: Final = b"sniperHB"
BYTES: Final = 4096
MODES: Final = ("off", "paper", "live", "ended")
TRIES: Final = 100


class Beat(NamedTuple):
    """What was read. now_ns: the loop's time of its last tick (nanoseconds since 1970). height 0: not known."""

    beats: int
    tick: int
    now_ns: int
    mode: str
    height: int


class Heartbeat:
    """The writer's side. OSError where the file cannot be made; it is for the user alone."""

    def __init__(self, path: Path, mode: str) -> None:
        self.path = path
        self._mode = MODES.index(mode)
        self._beats = 0
        self._last = (0, 0, 0)
        target = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(target, BYTES)
            os.posix_fallocate(
                target, 0, BYTES
            )  # a page without a place on a full disk would end us by a signal
            self._map = mmap.mmap(target, BYTES)
        finally:
            os.close(target)

    def beat(self, tick: int, now_ns: int, height: int) -> None:
        """A tick was run."""
        self._beats = beats = self._beats + 1
        self._last = tick, now_ns, height
        FORM.pack_into(self._map, 0, MAGIC, beats, tick, now_ns, self._mode, height, beats)

    def close(self) -> None:
        """Say that the run has ended in order; without that the file tells when it stopped."""
        self._mode = MODES.index("ended")
        self.beat(*self._last)
        self._map.close()


def read(path: Path) -> Beat | None:
    """The last beat in the file, None where there is none. A torn one is read again."""
    try:
        with path.open("rb") as file:
            for _ in range(TRIES):
                found = file.read(FORM.size)
                file.seek(0)
                if len(found) < FORM.size:
                    return None
                magic, beats, tick, now_ns, mode, height, again = FORM.unpack(found)
                if magic != MAGIC or not 0 <= mode < len(MODES):
                    return None
                if beats == again:
                    return Beat(beats, tick, now_ns, MODES[mode], height)
    except OSError:
        return None
    return None
