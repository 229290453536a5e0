"""Where the files of a journal lie: their names, and which are deleted when they take too much room."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import time
from pathlib import Path

SUFFIX = ".mcap"
_OURS = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{4}-\d{6}\.mcap")


class JournalFolder:
    """Names the files of one run and deletes the oldest journals beyond total_bytes_max.

    path: a folder (made, mode 0700, if it is not there), in which files are named
    `<start, UTC>-<4 random hex digits>-<file>.mcap`; all files with such names count and may be deleted. Or a
    file name ending in .mcap: it is the first file, the next ones are `<stem>-<file>.mcap`, and only these
    are counted. A file that somebody holds locked (one that is being written) is never deleted.
    """

    def __init__(self, path: Path, total_bytes_max: int) -> None:
        self._file = path if path.suffix == SUFFIX else None
        self.folder = path.parent if self._file else path
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        self._stem = self._file.stem if self._file else f"{stamp}-{os.urandom(2).hex()}"
        self._total_bytes_max = total_bytes_max
        self._sequence = 0
        self._others: list[tuple[Path, int]] = []

    def next_path(self) -> Path:
        """The path of the next file of this run."""
        self._sequence += 1
        if self._file and self._sequence == 1:
            return self._file
        while (path := self.folder / f"{self._stem}-{self._sequence:06d}{SUFFIX}").exists():
            self._sequence += 1
        return path

    @property
    def sequence(self) -> int:
        """How many paths were given out."""
        return self._sequence

    def free_bytes(self) -> int:
        """Room on the disk."""
        room = os.statvfs(self.folder)
        return room.f_bavail * room.f_frsize

    def look(self, current: Path) -> None:
        """Find the journals other than the current file, oldest first. To be called when a file is begun."""
        if self._file:
            pattern = re.compile(re.escape(self._stem) + r"-\d{6}\.mcap")
            found = [self._file, *sorted(p for p in self.folder.iterdir() if pattern.fullmatch(p.name))]
        else:
            found = sorted(p for p in self.folder.iterdir() if _OURS.fullmatch(p.name))
        self._others = []
        for path in found:
            if path != current:
                with contextlib.suppress(FileNotFoundError):
                    self._others.append((path, path.stat().st_size))

    def make_room(self, current_bytes: int) -> None:
        """Delete the oldest journals until those found and the current file fit total_bytes_max."""
        total = current_bytes + sum(size for _, size in self._others)
        for entry in list(self._others):
            if total <= self._total_bytes_max:
                return
            path, size = entry
            if _delete(path):
                self._others.remove(entry)
                total -= size


def _delete(path: Path) -> bool:
    """Delete a file unless somebody holds it locked. True: it is gone."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
        finally:
            os.close(fd)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
