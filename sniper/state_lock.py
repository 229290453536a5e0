"""One writer an account and network: lock files that name their holder.

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
ENDED: Final = ("Z", "X", "x")
"""The states of a process of which only the entry is left: it waits for its parent to look."""


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
        self._file = self._locked()
        self.tookover = self._read(self._file)
        self._sign()

    def keep(self) -> None:
        """Take it anew where somebody removed its file: nobody else may find the place free.

        PermissionProblem where another process was faster, OSError where there can be no file.
        """
        if self._file < 0 or leads(self.path, self._file):
            return
        before, self._file = self._file, self._locked()
        os.close(before)
        self._sign()

    def release(self) -> None:
        """Let it go. May be called twice."""
        if self._file >= 0:
            self._write(b"")
            os.close(self._file)
            self._file = -1

    def _locked(self) -> int:
        """The file behind the path, locked. One that was removed between opening and locking holds nobody off."""
        while True:
            file = os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if leads(self.path, file):
                    return file
                os.close(file)
            except BlockingIOError:
                holder = self._read(file)
                os.close(file)
                raise in_use(self.path.stem, str(holder or "another process")) from None
            except OSError:
                os.close(file)
                raise

    def _sign(self) -> None:
        self._write(msgspec.json.encode(Holder(os.getpid(), started(os.getpid()), int(time.time()))))

    def _read(self, file: int) -> Holder | None:
        try:
            return msgspec.json.decode(os.pread(file, TEXT_MAX, 0), type=Holder)
        except msgspec.MsgspecError:
            return None

    def _write(self, text: bytes) -> None:
        """Who holds it. A disk that is full does not keep the lock from holding."""
        try:
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, text, 0)
        except OSError:
            return


def in_use(name: str, holder: str) -> PermissionProblem:
    """What a second one is told."""
    return PermissionProblem(
        f"{name} is in use by {holder}: one writer an account and network",
        "Stop it first, or use another trade.subaccount.",
    )


def leads(path: Path, file: int) -> bool:
    """Whether a path leads to the open file."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(file))
    except FileNotFoundError:
        return False


def started(pid: int) -> int:
    """When a process was started, in clock ticks since boot: with its number it names it for good. 0: not known."""
    return _standing(pid)[1]


def alive(pid: int, start: int = 0) -> bool:
    """Whether the process is there and has not ended, and is the one that was started then (0: not known)."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        pass  # somebody else's
    except (ProcessLookupError, OverflowError):
        return False
    state, found = _standing(pid)
    return pid > 0 and state not in ENDED and (not start or not found or start == found)


def _standing(pid: int) -> tuple[str, int]:
    """State and start of a process; ("", 0) where the system does not say."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        fields = text.rpartition(")")[2].split()
        return fields[0], int(fields[19])
    except (OSError, ValueError, IndexError):
        return "", 0
