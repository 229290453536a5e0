"""Ticks and journals to test with."""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from sniper._ext.chunk import NO_ROOM, OK, ChunkWriter
from sniper.journal import Journal
from sniper.journal_file import JournalFile
from sniper.journal_format import FIXED_CHANNELS, Tick, channel, encode, record_topic
from sniper.types import Record

HEADER = {"config": "{}", "seed": "1"}
DAY_NS = 1_732_000_000_000_000_000
I64 = st.integers(-(1 << 63), (1 << 63) - 1)
RECORDS: st.SearchStrategy[list[Record]] = st.lists(
    st.tuples(I64, st.integers(0, 40), st.integers(0, 4), st.binary(max_size=60)), max_size=5
)
DIGESTS = st.integers(0, 6).flatmap(lambda stages: st.binary(min_size=16 * stages, max_size=16 * stages))
"""What a tick may hold."""


@st.composite
def tick_lists(draw: st.DrawFn, first: int = 1) -> list[Tick]:
    """Ticks numbered from `first`, with anything in them."""
    bodies = draw(st.lists(st.tuples(I64, RECORDS, st.binary(max_size=40), DIGESTS), max_size=8))
    return [Tick(first + i, *body) for i, body in enumerate(bodies)]


def tick(number: int) -> Tick:
    """A tick that its number determines: two connections, some kinds, 0 to 3 records."""
    now_ns = DAY_NS + number * 1_000_000
    records = [
        (now_ns - i, (number + i) % 2, (0, 0, 0, 1, 3)[(number + i) % 5], b'{"n":%d,"i":%d}' % (number, i))
        for i in range(number % 4)
    ]
    return Tick(number, now_ns, records, b"[%d]" % number if number % 7 == 0 else b"", digests(number))


def digests(number: int) -> bytes:
    """Five stages of 16 bytes."""
    return struct.pack("<10Q", *(number * 31 + i for i in range(10)))


def ticks(first: int, last: int) -> list[Tick]:
    """Ticks first to last."""
    return [tick(number) for number in range(first, last + 1)]


def put(journal: Journal, some: Iterable[Tick]) -> None:
    """Journal ticks, each with its done where it has one."""
    for t in some:
        journal.tick(t.number, t.now_ns, t.records)
        if t.digests is not None:
            journal.done(t.number, t.commands or b"", t.digests)


def write(
    path: Path,
    some: Iterable[Tick],
    state: bytes = b"the first state",
    header: Mapping[str, str] | None = None,
    **options: Any,
) -> Path:
    """A closed journal with these ticks."""
    with Journal(path, header or HEADER, **({"room_wait_s": 30.0} | options)) as journal:
        journal.snapshot(0, DAY_NS, state)
        put(journal, some)
    assert journal.status.state == "closed", journal.status
    return path


def new_chunk_writer(size: int = 4096, *known: tuple[int, int]) -> ChunkWriter:
    """A writer that has begun and knows the channels of these (kind, connection)."""
    out = ChunkWriter(bytearray(size), encode(FIXED_CHANNELS[0]), encode(FIXED_CHANNELS[1]))
    for i, (kind, connection) in enumerate(known, 4):
        out.declare(kind, connection, i, encode(channel(i, record_topic(kind, connection))))
    out.begin(0)
    return out


def chunks(some: list[Tick], size: int = 1 << 16) -> list[bytes]:
    """The chunks of these ticks, each of at most `size` bytes, or as large as its only tick."""
    out, done, declared = new_chunk_writer(size), list[bytes](), 3
    if some:
        out.begin(some[0].number - 1)

    def turn(need: int) -> None:
        buffer, used, _ = out.swap(bytearray(max(size, need)))
        if used:
            done.append(bytes(buffer[:used]))

    for t in some:
        for _, connection, kind, _ in t.records:
            if not out.knows(kind, connection):
                declared += 1
                out.declare(
                    kind, connection, declared, encode(channel(declared, record_topic(kind, connection)))
                )
        while (code := out.tick(t.number, t.now_ns, t.records)) == NO_ROOM:
            turn(out.need)  # twice at most: in a new chunk the channels are to be declared again
        assert code == OK
        while t.digests is not None and (code := out.done(t.number, t.commands or b"", t.digests)) == NO_ROOM:
            turn(out.need)
        assert code == OK
    turn(0)
    return done


def until(true: Callable[[], object]) -> None:
    """Wait for the journal's thread; the deadline only keeps a broken test from hanging."""
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, "nothing happened for a minute"
        time.sleep(0.002)


class Disk:
    """Stands in front of JournalFile.chunk: can block it or let it fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.open = threading.Event()
        self.open.set()
        self.problem: OSError | None = None
        write_chunk = JournalFile.chunk

        def chunk(file: JournalFile, data: bytes | memoryview) -> None:
            assert self.open.wait(60)
            if self.problem:
                raise self.problem
            write_chunk(file, data)

        monkeypatch.setattr(JournalFile, "chunk", chunk)
