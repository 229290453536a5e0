"""Client ids that are never used twice: a durable counter in a file, of which blocks are reserved ahead of use.

A client id is a uint32: the writer in the two highest bits (up to four programs may trade one subaccount), a counter
in the other 30, which only grows. A block counts as used the moment it is reserved: the file says so, on the disk,
before the first id of it is given out. What a crash leaves unused is lost, and there is enough: at 4,096 ids a start
and ten starts a day the counter lasts for seventy years. An id that came twice would be taken for the order that had
it first: it is part of the order's identity on the chain.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sniper.errors import EXIT_RECONCILIATION, PermissionProblem, SniperError

COUNTER_BITS: Final = 30
COUNTER_END: Final = 1 << COUNTER_BITS
WRITERS: Final = 4
BLOCK: Final = 4096
ORIGIN_S: Final = 1_735_689_600
"""2025-01-01, unix seconds: where a counter without a file begins to count."""
FORMAT: Final = re.compile(rb"sniper\.client-ids/1 writer ([0-3]) next ([0-9]{1,10})\n")


class ClientIdsProblem(SniperError):
    """The counter cannot be trusted, or is used up: no order may be placed."""

    exit_code = EXIT_RECONCILIATION


class ClientIds:
    """The counter of one writer, in `folder/client-ids-<writer>`.

    Any number of processes may reserve from one file: a lock makes them take turns.
    """

    def __init__(self, folder: Path, writer: int = 0) -> None:
        if not 0 <= writer < WRITERS:
            raise ValueError(f"writer must lie in 0..{WRITERS - 1}, not {writer}")
        self.path = folder / f"client-ids-{writer}"
        self.writer = writer

    def reserve(self, count: int = BLOCK, floor: int = 0) -> tuple[int, int]:
        """The first and the last of `count` ids that nobody had and nobody else will have.

        floor: counter values below it are known to be used, whatever the file says.
        ClientIdsProblem where the file is not one of ours or the counter is used up, PermissionProblem where it
        cannot be written: without a durable note no id is given out.
        """
        if not 1 <= count <= COUNTER_END // 2:
            raise ValueError(f"cannot reserve {count} client ids")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._locked():
                first = max(self._next(), floor)
                end = first + count
                if end > COUNTER_END:
                    raise ClientIdsProblem(
                        f"the client ids of writer {self.writer} are used up at {first}",
                        "Set another orders.writer (0..3).",
                    )
                self._note(end)
        except OSError as problem:
            raise PermissionProblem(
                f"{self.path} cannot be written: {problem.strerror}; without it no order can be placed",
                "Give sniper a state folder that it may write to.",
            ) from None
        high = self.writer << COUNTER_BITS
        return high | first, high | end - 1

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """A lock beside the file: the file itself is replaced, so a lock on it would not hold."""
        lock = os.open(
            self.path.with_name(f"{self.path.name}.lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600
        )
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _next(self) -> int:
        """The first counter value that was never reserved.

        Without a file it is the number of seconds since ORIGIN_S: whoever loses the file and used fewer ids than
        one a second still gets new ones.
        """
        try:
            text = self.path.read_bytes()
        except FileNotFoundError:
            return min(max(1, int(time.time()) - ORIGIN_S), COUNTER_END)
        found = FORMAT.fullmatch(text)
        if not found or int(found[1]) != self.writer or int(found[2]) > COUNTER_END:
            raise ClientIdsProblem(
                f"{self.path} is not a counter of client ids of writer {self.writer}",
                "Restore it, or set another orders.writer (0..3): ids must never come twice.",
            )
        return int(found[2])

    def _note(self, end: int) -> None:
        """Make the new counter durable: a new file, synced, put in the place of the old one, the folder synced."""
        fresh = self.path.with_name(f"{self.path.name}.new")
        target = os.open(fresh, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            os.write(target, b"sniper.client-ids/1 writer %d next %d\n" % (self.writer, end))
            os.fsync(target)
        finally:
            os.close(target)
        os.replace(fresh, self.path)
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
