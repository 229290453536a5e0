"""The audit log: who used which key, what was ordered, what the operator did; append-only, each line chained.

A line is one JSON object: `seq`, `time_ns`, `kind`, `facts`, `previous`, `hash`. `hash` is SHA-256 over the bytes of
the line before `,"hash"`; `previous` is the hash of the line before. A log lies in a private folder in files
`audit-<first seq>.jsonl`; the chain goes on from file to file, and the oldest are deleted beyond a bound.

The chain shows that a line was changed, taken out or put in. It does not stop somebody who may write the files from
writing a whole new chain: note the head somewhere else now and then (`sniper audit verify --head`).

Several processes may write one log: each takes the folder's lock for a line and looks whether another was there.
Writing waits for the disk, so nothing inside a tick may call it.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple

from sniper.errors import DifferencesFound
from sniper.keys import private
from sniper.keys.redaction import REDACTOR

SCHEMA: Final = "sniper.audit/1"
LINE_BYTES_MAX: Final = 64 * 1024
FILE_BYTES_MAX: Final = 16 * 1024 * 1024
FILES_MAX: Final = 64
BEGINNING: Final = "0" * 64
TAIL_BYTES: Final = 4 * LINE_BYTES_MAX
HASH_BYTES: Final = len(f',"hash":"{BEGINNING}"}}')
CARRIED: Final = "audit.carried"
TORN: Final = b"\ttorn"
"""Put behind what is left of a line that died; no whole line ends so. Then comes a line of the kind MENDED."""
MENDED: Final = "audit.mended"
LAZY: Final = ("order",)
"""Kinds that are synced within SYNC_NS, at the next line at the latest; their intents are safe elsewhere."""
SYNC_NS: Final = 1_000_000_000

_KIND: Final = re.compile(r"[a-z]+(\.[a-z_]+)*", re.ASCII)
FILE_NAME: Final = re.compile(r"audit-(\d{12})\.jsonl", re.ASCII)


class Head(NamedTuple):
    """The end of a chain: the number and hash of its last line."""

    seq: int
    hash: str


class Line(NamedTuple):
    """A line that is what it should be in itself; whether it fits the one before is another question."""

    seq: int
    kind: str
    facts: Mapping[str, Any]
    previous: str
    hash: str


def parse(line: bytes) -> Line:
    """A line without its line break. ValueError with what is wrong."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("it is no JSON") from None
    if not isinstance(found, dict) or tuple(found) != ("seq", "time_ns", "kind", "facts", "previous", "hash"):
        raise ValueError("its keys are not those of an audit line")
    said = found["hash"]
    exact = isinstance(said, str) and line.endswith(f',"hash":"{said}"}}'.encode())
    if not exact or hashlib.sha256(line[:-HASH_BYTES]).hexdigest() != said:
        raise ValueError("its hash is not that of its content")
    types = {"seq": int, "time_ns": int, "kind": str, "facts": dict, "previous": str}
    if any(type(found[key]) is not wanted for key, wanted in types.items()):
        raise ValueError("a value has a wrong type")
    return Line(found["seq"], found["kind"], found["facts"], found["previous"], said)


def files(folder: int) -> list[str]:
    """The files of a log in an opened folder, oldest first."""
    return sorted(name for name in os.listdir(folder) if FILE_NAME.fullmatch(name))


class Audit:
    """The log of one folder, for writing. From several threads; a context manager.

    DifferencesFound when the last line there is not whole in itself: nothing is chained to a broken chain.
    """

    def __init__(
        self,
        path: Path,
        clock: Callable[[], int] = time.time_ns,
        file_bytes_max: int = FILE_BYTES_MAX,
        files_max: int = FILES_MAX,
    ) -> None:
        private.make_folder(path)
        self.path = path
        self._clock = clock
        self._file_bytes_max = file_bytes_max
        self._files_max = files_max
        self._lock = threading.Lock()
        self._head = Head(0, BEGINNING)
        self._fd = -1
        self._name = ""
        self._end = -1  # where our last line ended; another end means another writer, or a line that was torn
        self._unsynced = False
        self._synced_ns = 0

    def __enter__(self) -> Audit:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def write(self, kind: str, facts: Mapping[str, Any]) -> Head:
        """Append a line and sync it (kinds of LAZY: within SYNC_NS). Secrets in the facts become ***.

        ValueError for a kind that is none or a line of more than LINE_BYTES_MAX; OSError when the disk refuses (what
        was half written is mended by the next line).
        """
        if not _KIND.fullmatch(kind):
            raise ValueError(f"{kind!r} is no kind of an audit line")
        clean = REDACTOR.clean_value(dict(facts))
        with self._lock, private.opened(self.path, exclusive=True) as folder:
            self._catch_up(folder)
            if self._end >= self._file_bytes_max:
                self._next_file(folder)
            self._append(kind, clean)
            now_ns = self._clock()
            if (
                kind.split(".")[0] not in LAZY
                or now_ns - self._synced_ns >= SYNC_NS
                or now_ns < self._synced_ns
            ):
                self._sync(now_ns)
            return self._head

    def sync(self) -> None:
        """Sync what is not yet: for an idle moment between lines of LAZY kinds."""
        with self._lock:
            if self._unsynced:
                self._sync(self._clock())

    def close(self) -> None:
        """Sync and close. May be called twice."""
        with self._lock:
            if self._fd >= 0:
                if self._unsynced:
                    self._sync(self._clock())
                os.close(self._fd)
                self._fd = -1

    def _catch_up(self, folder: int) -> None:
        """Find the end of the chain, if it is not where we left it; mend a torn line."""
        there = files(folder)
        if self._fd >= 0 and there and there[-1] == self._name and os.fstat(self._fd).st_size == self._end:
            return
        self._open(folder, there[-1] if there else _file_name(1))
        self._head, end = Head(0, BEGINNING), End(None, b"", b"")
        for number, name in enumerate(reversed(there)):
            found = last_line(folder, self.path / name)
            if not number:
                end = found
            elif found.torn or found.close:
                raise _broken(self.path / name, "it is torn, and another file follows")
            if found.head is not None:
                self._head = found.head
                break
        if end.torn or end.close:
            facts = {"torn_bytes": len(end.torn), "sha256": _public_sha256(end.torn)}
            self._append(MENDED, facts, before=end.close)

    def _open(self, folder: int, name: str) -> None:
        """Open this file for appending, a new one if need be."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        self._fd = os.open(name, flags, 0o600, dir_fd=folder)
        self._name = name
        found = os.fstat(self._fd)
        private.check(found, self.path / name, "600")
        self._end = found.st_size
        if not self._end:
            os.fsync(folder)

    def _next_file(self, folder: int) -> None:
        """Begin a new file whose first line carries the chain; delete the oldest beyond the bound."""
        old, head = self._name, self._head
        self._sync(self._clock())
        self._open(folder, _file_name(head.seq + 1))
        dropped = files(folder)[: -self._files_max]
        self._append(CARRIED, {"from": old, "seq": head.seq, "dropped": dropped})
        self._sync(self._clock())
        for name in dropped:
            os.unlink(name, dir_fd=folder)
        os.fsync(folder)

    def _append(self, kind: str, facts: Mapping[str, Any], before: bytes = b"") -> None:
        seq, previous = self._head.seq + 1, self._head.hash
        content = {"seq": seq, "time_ns": self._clock(), "kind": kind, "facts": facts, "previous": previous}
        begun = json.dumps(content, separators=(",", ":"), allow_nan=False)[:-1].encode()
        made = _public_sha256(begun)
        line = begun + f',"hash":"{made}"}}\n'.encode()
        if len(line) > LINE_BYTES_MAX:
            raise ValueError(f"an audit line of {len(line)} bytes; {LINE_BYTES_MAX} is the most")
        self._write(before + line)
        self._head = Head(seq, made)

    def _write(self, line: bytes) -> None:
        """One call for the whole line. OSError when the disk took a part only; that part is taken back."""
        written = os.write(self._fd, line)
        if written != len(line):
            os.ftruncate(self._fd, self._end)
            raise OSError(errno.ENOSPC, f"only {written} of {len(line)} bytes of an audit line were written")
        self._end += written
        self._unsynced = True

    def _sync(self, now_ns: int) -> None:
        os.fdatasync(self._fd)
        self._unsynced = False
        self._synced_ns = now_ns


def _file_name(seq: int) -> str:
    return f"audit-{seq:012d}.jsonl"


class End(NamedTuple):
    """The end of a file: its last whole line (None: it has none); what died behind it; what ends its last line."""

    head: Head | None
    torn: bytes
    close: bytes  # b"": it has its line break; a whole line may lack but this


def last_line(folder: int, path: Path) -> End:
    """How a file ends. Torn is what has no line break at its end, and what is marked as torn. Everything else that is
    wrong with the last line is DifferencesFound."""
    fd = os.open(path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        tail = os.pread(fd, TAIL_BYTES, max(0, os.fstat(fd).st_size - TAIL_BYTES))
    finally:
        os.close(fd)
    lines = tail.split(b"\n")
    close = b"" if not lines[-1] else b"\n" if lines[-1].endswith(TORN) else TORN + b"\n"
    if not close:
        lines.pop()
    torn: list[bytes] = []
    for number, line in enumerate(reversed(lines)):
        try:
            found = parse(line)
        except ValueError as error:
            if line.endswith(TORN) or (close and not number):
                torn.insert(0, line.removesuffix(TORN))
                continue
            raise _broken(path, str(error)) from None
        if not torn and close:
            close = b"\n"
        return End(Head(found.seq, REDACTOR.known_public(found.hash)), b"\n".join(torn), close)
    if len(tail) == TAIL_BYTES:
        raise _broken(path, "it is longer than a line may be")
    return End(None, b"\n".join(torn), close)


def _broken(path: Path, problem: str) -> DifferencesFound:
    return DifferencesFound(
        f"the last line of {path} is broken ({problem}), so nothing is chained to it",
        "Run 'sniper audit verify'; then move the folder away, and a new chain begins.",
    )


def _public_sha256(content: bytes) -> str:
    return REDACTOR.known_public(hashlib.sha256(content).hexdigest())
