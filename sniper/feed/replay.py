"""The replay feed: plays a journal, or a file of recorded frames, on the time that was recorded.

A journal gives its ticks as they were, empty ones too. A frame file gives one tick a line, so that the digests
do not depend on how lines share a time. Nothing but the next tick is in memory. Speed is the loop's affair.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from sniper.errors import PermissionProblem, UsageError
from sniper.feed.framefile import frames, opened
from sniper.journal_folder import SUFFIX
from sniper.journal_format import MAGIC
from sniper.journal_reader import JournalReader
from sniper.types import REC_FRAME, REC_GAP, REC_LINK, REC_REST, Connection, FeedCommand, Record

MARKETS_BYTES_MAX = (4 << 20) - 64
"""One record must hold it."""
MARKETS_FORMAT = 'Give the answer of GET /v4/perpetualMarkets: {"markets":{"BTC-USD":{..}}}, it may be gzip.'
OPENED = b"open "

TickRecords = tuple[int, list[Record]]
"""(now_ns, records) of one tick."""


class Entrance(Protocol):
    """Where records go: the inbox."""

    def put(self, recv_ns: int, connection: int, kind: int, data: bytes) -> bool:
        """Take one record in."""


class Replay:
    """A feed over a journal (a .mcap file or a folder of them) or an NDJSON(.gz) frame file.

    markets: a perpetualMarkets answer that is fed first, at the time of the first tick, as a REST record of
    connection 0. UsageError, JournalError or PermissionProblem where a file cannot be read; damage inside a
    file is found when it is reached.
    """

    clock = "tape"
    whole_ticks = True
    """A `pull` brings one tick, and the loop's now is that tick's own, however far it lies ahead."""

    def __init__(self, path: str | Path, markets: str | Path | None = None) -> None:
        self.path = Path(path)
        self.reader = JournalReader(path) if is_journal(path) else None
        """The journal, where it is one."""
        self._ticks = ticks_of(self.path, self.reader, markets)
        self._next: TickRecords | None = next(self._ticks, None)
        self._seen: dict[
            int, list[int]
        ] = {}  # connection -> frames, bytes, opened, gaps, first and last recv_ns

    @property
    def exhausted(self) -> bool:
        """Whether all was played."""
        return self._next is None

    def start(self, inbox: Entrance) -> None:
        """Nothing to start: there is no thread."""

    def send(self, now_ns: int, commands: Sequence[FeedCommand]) -> None:
        """The past cannot be asked for anything: commands are journalled by the loop and have no effect."""

    def stop(self) -> None:
        """Close the journal."""
        self._next = None
        if self.reader is not None:
            self.reader.close()

    def due(self, now_ns: int) -> int | None:
        """The time of the next tick, None when there is none."""
        return None if self._next is None else self._next[0]

    def pull(self, until_ns: int, inbox: Entrance) -> None:
        """Put the records of the next tick, if it is due by `until_ns`; only of one tick."""
        if self._next is None or self._next[0] > until_ns:
            return
        for recv_ns, connection, kind, data in self._next[1]:
            inbox.put(recv_ns, connection, kind, data)
            seen = self._seen.get(connection)
            if seen is None:
                seen = self._seen[connection] = [0, 0, 0, 0, recv_ns, recv_ns]
            seen[5] = recv_ns
            if kind == REC_FRAME:
                seen[0] += 1
                seen[1] += len(data)
            elif kind == REC_LINK:
                seen[2] += data.startswith(OPENED)
            elif kind == REC_GAP:
                seen[3] += 1
        self._next = next(self._ticks, None)

    def status(self) -> list[Connection]:
        """What was played of each connection so far."""
        state = "stopped" if self._next is None else "open"
        return [
            Connection(index, f"replay {index}", state, first_ns, count, size, max(0, opened - 1), gaps, 1.0)
            for index, (count, size, opened, gaps, first_ns, _) in sorted(self._seen.items())
        ]


def is_journal(path: str | Path) -> bool:
    """Whether it is read as a journal: a folder, a name that ends in .mcap, or the first bytes of MCAP."""
    path = Path(path)
    if path.is_dir() or path.suffix == SUFFIX:
        return True
    if not path.is_file():
        return False  # a pipe, which can be read only once, or nothing: the reader of frame files says what is wrong
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def ticks_of(
    path: Path, journal: JournalReader | None, markets: str | Path | None = None
) -> Iterator[TickRecords]:
    """The ticks of a journal, or one a line of a frame file; before them one with the markets, if given."""
    body = read_markets(markets) if markets is not None else None
    first = body is not None
    for now_ns, records in _journalled(journal) if journal is not None else _recorded(path, int(first)):
        if first:
            first = False
            yield now_ns, [(now_ns, 0, REC_REST, b"perpetualMarkets 200 \n" + (body or b""))]
        yield now_ns, records


def _journalled(journal: JournalReader) -> Iterator[TickRecords]:
    for tick in journal:
        yield tick.now_ns, tick.records


def _recorded(path: Path, first_connection: int) -> Iterator[TickRecords]:
    for recv_ns, connection, data in frames(path, first_connection):
        yield recv_ns, [(recv_ns, connection, REC_FRAME, data)]


def read_markets(path: str | Path) -> bytes:
    """A markets file as the body of a perpetualMarkets answer; a bare map of markets is wrapped into one."""
    try:
        with opened(path) as file:
            data = file.read(MARKETS_BYTES_MAX + 1)
    except FileNotFoundError:
        raise UsageError(f"there is no markets file {path}", MARKETS_FORMAT) from None
    except PermissionError:
        raise PermissionProblem(f"{path} may not be read", f"Allow it with 'chmod u+r {path}'.") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UsageError(f"{path} is damaged: {error}", MARKETS_FORMAT) from None
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise UsageError(f"{path} cannot be read: {reason}", MARKETS_FORMAT) from None
    if len(data) > MARKETS_BYTES_MAX:
        raise UsageError(f"{path} is larger than {MARKETS_BYTES_MAX} bytes", MARKETS_FORMAT)
    try:
        listed = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path} is not a list of markets: {error}", MARKETS_FORMAT) from None
    return data if "markets" in listed else b'{"markets":' + data + b"}"
