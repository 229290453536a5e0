"""A kill that the database could not take: a small file beside it, which the next start reads as a latch.

That the file is there is the kill. Its text is the reason, which is lost where nothing can be written into it: a file
without text can be made on a disk that is full.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

ENDING: Final = ".killed"
UNTOLD: Final = "its reason could not be written down"
LOST: Final = "does not outlive a crash"
"""Stands in the answer to a kill that lies nowhere but in the memory of the run."""
REASON_BYTES_MAX: Final = 4096


def leave(file: Path, reason: str) -> None:
    """Leave a kill, on the disk when this returns. OSError where not even an empty file can be made."""
    target = os.open(file, os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with contextlib.suppress(OSError):
            os.ftruncate(target, os.pwrite(target, reason.encode("utf-8", "replace"), 0))
            os.fsync(target)
    finally:
        os.close(target)
    folder = os.open(file.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def left(file: Path) -> str:
    """The reason of the kill that lies there, "": none does. What cannot be read is a kill all the same."""
    try:
        target = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    except OSError:
        return UNTOLD
    try:
        text = os.read(target, REASON_BYTES_MAX).decode("utf-8", "replace")
    except OSError:
        return UNTOLD
    finally:
        os.close(target)
    return " ".join("".join(c if c.isprintable() else " " for c in text).split()) or UNTOLD


def lift(file: Path) -> None:
    """Take it away. OSError where it is there and stays."""
    file.unlink(missing_ok=True)
