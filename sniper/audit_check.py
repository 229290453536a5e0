"""Reads an audit log from its first line to its last and names the first one that is broken."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from sniper.audit import BEGINNING, CARRIED, FILE_NAME, LINE_BYTES_MAX, MENDED, TORN, Head, Line, files, parse
from sniper.errors import PermissionProblem
from sniper.keys import private

TORN_MAX: Final = 8  # a line that died, the mending of it that died, and so on


class Broken(NamedTuple):
    """The first line that is not what it should be. line: 1 is the first of the file. seq: what was due there."""

    file: str
    line: int
    seq: int
    problem: str


class Verdict(NamedTuple):
    """What a log is. first_seq above 1: older files were rotated away. torn_bytes: a line that died, not yet mended."""

    files: int
    lines: int
    first_seq: int
    head: Head
    mended: int
    torn_bytes: int
    broken: Broken | None


class _Chain:
    """What was read so far."""

    def __init__(self) -> None:
        self.lines = self.mended = self.first_seq = 0
        self.head = Head(0, BEGINNING)
        self.torn: list[bytes] = []  # lines marked as torn: the next line must say so

    def take(self, raw: bytes, file: str, number: int) -> Broken | None:
        """The next line without its line break; the fault that is certain with it."""
        due = self.head.seq + 1

        def fault(problem: str) -> Broken:
            return Broken(file, number, due, problem)

        try:
            line = parse(raw)
        except ValueError as error:
            if not raw.endswith(TORN) or len(self.torn) >= TORN_MAX:
                return fault(str(error))
            self.torn.append(raw.removesuffix(TORN))
            return None
        problem = self._fits(line, file, number) or self._mends(line)
        if problem:
            return fault(problem)
        self.mended += line.kind == MENDED
        self.torn = []
        self.lines += 1
        self.first_seq = self.first_seq or line.seq
        self.head = Head(line.seq, line.hash)
        return None

    def _mends(self, line: Line) -> str:
        """What is wrong with a line as the one behind torn lines, or behind none."""
        if line.kind != MENDED:
            return "the torn line before it was not mended" if self.torn else ""
        torn = b"\n".join(self.torn)
        wanted = {"torn_bytes": len(torn), "sha256": hashlib.sha256(torn).hexdigest()}
        return "" if line.facts == wanted else "what it mends is not what stands before it"

    def _fits(self, line: Line, file: str, number: int) -> str:
        """What is wrong with where the line stands, or nothing."""
        if number == 1 and int(file[6:18]) != line.seq:
            return f"the file begins with line {line.seq}"
        if not self.lines:
            if line.seq == 1:
                return "" if line.previous == BEGINNING else "the first line of all has one before it"
            return "" if line.kind == CARRIED else "lines before it are missing"
        if line.seq != self.head.seq + 1:
            return f"it has the number {line.seq}"
        return (
            "" if line.previous == self.head.hash else "the line before it is not the one it was chained to"
        )


def verify(path: Path) -> Verdict:
    """Read the whole log, a line at a time. UsageError without such a folder, PermissionProblem for an open one."""
    chain, torn, broken = _Chain(), b"", None
    with private.opened(path, exclusive=True) as folder:
        names = files(folder)
        sizes = {name: os.stat(name, dir_fd=folder, follow_symlinks=False).st_size for name in names}
    with private.opened(path) as folder:
        for name in names:
            if torn:
                broken = broken or Broken(
                    name, 1, chain.head.seq + 1, "the file before it ends within a line"
                )
            for number, raw in _lines(folder, path / name, sizes[name]):
                if broken is None and not raw.endswith(b"\n"):
                    torn = raw
                elif broken is None:
                    broken = chain.take(raw[:-1], name, number)
            if broken:
                break
    torn_bytes = len(torn) + sum(map(len, chain.torn))
    return Verdict(len(names), chain.lines, chain.first_seq, chain.head, chain.mended, torn_bytes, broken)


def _lines(folder: int, path: Path, size: int) -> Iterator[tuple[int, bytes]]:
    """(number, line) of the first `size` bytes of a file; a line that is too long comes in pieces that no line fits."""
    try:
        fd = os.open(path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError as error:
        raise PermissionProblem(
            f"{path} cannot be read as a file of the log: {error.strerror}", "Look what it is."
        ) from None
    with open(fd, "rb") as file:
        private.check(os.fstat(fd), path, "600")
        number = 0
        while size > 0 and (raw := file.readline(min(size, LINE_BYTES_MAX + 1))):
            size -= len(raw)
            number += 1
            too_long = len(raw) > LINE_BYTES_MAX and not raw.endswith(b"\n")
            yield number, raw + b"\n" if too_long else raw


def hash_at(path: Path, seq: int) -> str | None:
    """The hash of the line with this number, None where the log does not have it (any more)."""
    with private.opened(path) as folder:
        names = [name for name in files(folder) if int(FILE_NAME.fullmatch(name)[1]) <= seq]  # type: ignore[index]
        for _, raw in _lines(folder, path / names[-1], 1 << 62) if names else ():
            try:
                line = parse(raw.rstrip(b"\n"))
            except ValueError:
                continue
            if line.seq == seq:
                return line.hash
    return None
