"""journal: the ticks of a chunk read back; a whole journal file read; the inbox before it."""

from __future__ import annotations

import io
import queue
import struct
import tempfile
from collections import deque
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from mcap.reader import make_reader
from mcap.records import Chunk, Message
from mcap.stream_reader import breakup_chunk

from bench.bench_chunk import DIGESTS
from bench.contest import Case, Contender, play
from bench.streams import records
from sniper._ext.chunk import ChunkWriter
from sniper._ext.ticks import TickReader
from sniper.inbox import Inbox
from sniper.journal import Journal, JournalReader
from sniper.journal_format import FIXED_CHANNELS, Tick, channel, encode, record_topic
from sniper.types import Record


@cache
def chunk() -> bytes:
    """Every record as a tick of its own, in one chunk."""
    writer = ChunkWriter(bytearray(16 << 20), encode(FIXED_CHANNELS[0]), encode(FIXED_CHANNELS[1]))
    ours = channel(len(FIXED_CHANNELS) + 1, record_topic(0, 0))
    writer.declare(0, 0, ours.id, encode(ours))
    writer.begin(0)
    for number, record in enumerate(records(), 1):
        writer.tick(number, number, [record])
        writer.done(number, b"[]", DIGESTS)
    buffer, used, _ = writer.swap(bytearray(1))
    return bytes(buffer[:used])


@cache
def journal() -> bytes:
    """The same as a journal file, ten times over."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.mcap"
        number = 0
        with Journal(path, {}, room_wait_s=60.0) as out:
            out.snapshot(0, 0, b"")
            for record in records() * 10:
                number += 1
                out.tick(number, number, [record])
                out.done(number, b"[]", DIGESTS)
        return path.read_bytes()


def kernel() -> tuple[Any, ...]:
    reader = TickReader(Tick)
    reader.feed(chunk())
    return (reader,)


def exhaust(reader: Any) -> None:
    deque(reader, maxlen=0)


def unpacked(data: bytes) -> list[Tick]:
    """The ticks of the chunk in plain Python."""
    at, out, taken, number, now_ns = 0, list[Tick](), list[Record](), 0, 0
    head = struct.Struct("<BQHIQQ").unpack_from
    while at < len(data):
        opcode, length, topic, _, _, publish_ns = head(data, at)
        body = data[at + 31 : at + 9 + length]
        at += 9 + length
        if opcode != 5:
            continue
        if topic == 1:
            number, now_ns, _ = struct.unpack("<QqI", body)
            taken = []
        elif topic == 2:
            end = 9 + 16 * body[8]
            out.append(Tick(number, now_ns, taken, body[end:], body[9:end]))
        else:
            taken.append((publish_ns, 0, 0, body))
    return out


def library(data: bytes) -> int:
    whole = Chunk("", data, 0, 0, 0, len(data))
    return sum(isinstance(record, Message) for record in breakup_chunk(whole))


def on_disk() -> tuple[Any, ...]:
    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name) / "a.mcap"
    path.write_bytes(journal())
    return JournalReader(path), folder


def read_file(reader: JournalReader, _: object) -> None:
    deque(reader, maxlen=0)
    reader.close()


def read_by_library(data: bytes) -> None:
    deque(make_reader(io.BytesIO(data)).iter_messages(log_time_order=False), maxlen=0)


def through_inbox(every: list[Record]) -> None:
    inbox = Inbox(len(every), 1 << 30)
    put, drain = inbox.put, inbox.drain
    for recv_ns, connection, kind, data in every:
        put(recv_ns, connection, kind, data)
        drain(1 << 22, 4096)


def through_queue(every: list[Record]) -> None:
    line: queue.Queue[Record] = queue.Queue(len(every))
    put, get = line.put_nowait, line.get_nowait
    for record in every:
        put(record)
        get()


COUNT = len(records())
CASES = [
    Case(
        "journal ticks of a chunk",
        "tick",
        Contender("kernel", kernel, exhaust, COUNT),
        Contender("struct.unpack", lambda: (chunk(),), unpacked, COUNT),
        (Contender("mcap", lambda: (chunk(),), library, COUNT),),
    ),
    Case(
        "journal file, this thread",
        "tick",
        Contender("JournalReader", on_disk, read_file, 10 * COUNT),
        None,
        (Contender("mcap", lambda: (journal(),), read_by_library, 10 * COUNT),),
    ),
    Case(
        "inbox put and drain",
        "record",
        Contender("inbox", lambda: (records(),), through_inbox, COUNT),
        Contender("queue.Queue", lambda: (records(),), through_queue, COUNT),
    ),
]


@pytest.mark.parametrize("contender", [c for case in CASES for c in case.contenders], ids=lambda c: c.name)
def test_journal(benchmark: Any, contender: Contender) -> None:
    play(benchmark, contender)
