"""chunk: a tick of one frame and its `done`, written as MCAP messages into memory."""

from __future__ import annotations

import io
import struct
from typing import Any

import pytest
from mcap.writer import CompressionType, Writer

from bench.contest import Case, Contender, play
from bench.streams import records
from sniper._ext.chunk import ChunkWriter
from sniper.journal_format import FIXED_CHANNELS, channel, encode, record_topic
from sniper.types import Record

DIGESTS = bytes(80)
BUFFER_BYTES = 8 << 20


def kernel() -> tuple[Any, ...]:
    chunk = ChunkWriter(bytearray(BUFFER_BYTES), encode(FIXED_CHANNELS[0]), encode(FIXED_CHANNELS[1]))
    chunk.begin(0)
    ours = channel(len(FIXED_CHANNELS) + 1, record_topic(0, 0))
    chunk.declare(0, 0, ours.id, encode(ours))
    return chunk.tick, chunk.done, [[record] for record in records()]


def ticks(tick: Any, done: Any, calls: list[list[Record]]) -> None:
    for number, call in enumerate(calls, 1):
        tick(number, number, call)
        done(number, b"[]", DIGESTS)


def library() -> tuple[Any, ...]:
    writer = Writer(io.BytesIO(), chunk_size=BUFFER_BYTES, compression=CompressionType.NONE)
    writer.start()
    schema = writer.register_schema("frame", "jsonschema", b"{}")
    topics = [writer.register_channel(topic, "json", schema) for topic in ("/tick", "/frame/0", "/done")]
    return writer, topics, records()


def messages(writer: Writer, topics: list[int], every: list[Record]) -> None:
    for number, (recv_ns, _, _, data) in enumerate(every, 1):
        writer.add_message(topics[0], number, struct.pack("<QQI", number, number, 1), number)
        writer.add_message(topics[1], number, data, recv_ns)
        writer.add_message(topics[2], number, b"[]" + DIGESTS, number)


def packed(out: bytearray, every: list[Record]) -> None:
    head = struct.Struct("<BQHIQQ").pack
    for number, (recv_ns, _, _, data) in enumerate(every, 1):
        for topic, body in ((1, struct.pack("<QQI", number, number, 1)), (4, data), (2, b"[]" + DIGESTS)):
            out += head(5, 22 + len(body), topic, number, number, recv_ns)
            out += body


CASES = [
    Case(
        "journal chunk",
        "tick",
        Contender("tick, frame and done", kernel, ticks, len(records())),
        Contender("struct.pack", lambda: (bytearray(), records()), packed, len(records())),
        (Contender("mcap", library, messages, len(records())),),
    )
]


@pytest.mark.parametrize("contender", [c for case in CASES for c in case.contenders], ids=lambda c: c.name)
def test_chunk(benchmark: Any, contender: Contender) -> None:
    play(benchmark, contender)
