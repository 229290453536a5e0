"""One writer an account and network: a lock file that names its holder.

The lock itself is the system's (flock), so it ends with its process whatever becomes of that; the text in the file,
`<pid> <start of the process> <time>`, is there to say who holds it, or who left it behind.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import Final

import msgspec

from sniper.errors import PermissionProblem

TEXT_MAX: Final = 1024


class Holder(msgspec.Struct, frozen=True):
    """Who holds a lock. start: of the process, in clock ticks since boot (0: not known). since_s: unix time."""

    pid: int
    start: int
    since_s: int

    def __str__(self) -> str:
        since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(self.since_s))
        return f"process {self.pid} (since {since})"


class Lock:
    """The lock at `path`, not yet taken. tookover: what a dead holder left behind, None: nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tookover: Holder | None = None
        self._file = -1

    def take(self) -> None:
        """Take it. PermissionProblem, which names the holder, while another process has it."""
        self._file = os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = self._read()
            os.close(self._file)
            self._file = -1
            raise PermissionProblem(
                f"{self.path.stem} is in use by {holder or 'another process'}: one writer an account and network",
                "Stop it first, or use another trade.subaccount or state.folder.",
            ) from None
        self.tookover = self._read()
        self._write(msgspec.json.encode(Holder(os.getpid(), started(os.getpid()), int(time.time()))))

    def release(self) -> None:
        """Let it go. May be called twice."""
        if self._file >= 0:
            self._write(b"")
            os.close(self._file)
            self._file = -1

    def _read(self) -> Holder | None:
        try:
            return msgspec.json.decode(os.pread(self._file, TEXT_MAX, 0), type=Holder)
        except msgspec.MsgspecError:
            return None

    def _write(self, text: bytes) -> None:
        """Who holds it. A disk that is full does not keep the lock from holding."""
        try:
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, text, 0)
        except OSError:
            return


def started(pid: int) -> int:
    """When a process was started, in clock ticks since boot: with its number it names it for good. 0: not known."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        return int(text.rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return 0
