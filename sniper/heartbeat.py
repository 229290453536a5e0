"""A sign of life that another process can read, or map: tick, time, mode and height in a small file.

The loop writes it every tick by one call of the system (about a microsecond). The writer maps nothing: a store into a
file that somebody cut short would end the process by a signal. A reader takes it as whole when the counter in front
and the one behind are equal: writer and reader need no lock.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Final, NamedTuple

from sniper._ext.bell import put

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
    """The writer's side. OSError where the file cannot be made; it is for the user alone.

    missed: beats that could not be written. No tick ends of that; the next beat makes a file whole that was cut short.
    """

    def __init__(self, path: Path, mode: str) -> None:
        self.path = path
        self.missed = 0
        self._mode = MODES.index(mode)
        self._beats = 0
        self._last = (0, 0, 0)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(self._file, 0, BYTES)  # a disk that fills up later has room for it
            os.ftruncate(self._file, BYTES)
            os.pwrite(self._file, bytes(FORM.size), 0)  # the last word of an earlier run is not ours
        except OSError:
            os.close(self._file)
            raise

    def beat(self, tick: int, now_ns: int, height: int) -> None:
        """A tick was run."""
        self._beats = beats = self._beats + 1
        self._last = tick, now_ns, height
        if not put(self._file, FORM.pack(MAGIC, beats, tick, now_ns, self._mode, height, beats)):
            self.missed += 1

    def close(self) -> None:
        """Say that the run has ended in order; without that the file tells when it stopped."""
        self._mode = MODES.index("ended")
        self.beat(*self._last)
        os.close(self._file)


def read(path: Path) -> Beat | None:
    """The last beat in the file, None where there is none. A torn one is read again."""
    try:
        with path.open("rb", buffering=0) as file:  # what is read again must come from the file
            for _ in range(TRIES):
                found = os.pread(file.fileno(), FORM.size, 0)
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
