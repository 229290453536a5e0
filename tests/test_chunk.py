"""The chunk kernel: what it writes is MCAP, and it writes a tick whole or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from mcap._chunk_builder import ChunkBuilder
from mcap.records import Channel, Chunk, McapRecord, Message
from mcap.stream_reader import breakup_chunk

from sniper._ext import chunk as kernel
from sniper._ext.chunk import NEW_CHANNEL, NO_ROOM, OK, STOPPED, ChunkWriter, index_messages
from sniper.journal_format import Tick, channel, encode
from tests.journals import chunks, new_chunk_writer, tick, tick_lists, ticks

DONE = bytes(80)


def records(data: bytes) -> list[McapRecord]:
    """The records of a chunk as the mcap library reads them."""
    return breakup_chunk(
        Chunk(
            compression="",
            data=data,
            message_end_time=0,
            message_start_time=0,
            uncompressed_crc=0,
            uncompressed_size=len(data),
        )
    )


def test_the_library_reads_what_the_kernel_writes() -> None:
    out = new_chunk_writer(4096, (0, 0), (1, 1))
    assert out.tick(1, 1000, [(990, 0, 0, b"frame"), (991, 1, 1, b"rest"), (992, 0, 0, b"")]) == OK
    assert out.done(1, b"[]", DONE) == OK
    buffer, used, last = out.swap(bytearray(10))
    assert last == 1
    got = records(bytes(buffer[:used]))
    topics = {r.id: r.topic for r in got if isinstance(r, Channel)}
    messages = [r for r in got if isinstance(r, Message)]
    assert topics == {1: "/tick", 4: "/frame/0", 5: "/rest/1", 2: "/done"}
    assert [(topics[m.channel_id], m.sequence, m.log_time, m.publish_time, m.data) for m in messages] == [
        ("/tick", 0, 1000, 1000, (1).to_bytes(8, "little") + (1000).to_bytes(8, "little") + b"\3\0\0\0"),
        ("/frame/0", 0, 1000, 990, b"frame"),
        ("/rest/1", 0, 1000, 991, b"rest"),
        ("/frame/0", 1, 1000, 992, b""),
        ("/done", 0, 1000, 1000, (1).to_bytes(8, "little") + b"\5" + DONE + b"[]"),
    ]


def test_each_chunk_declares_the_channels_that_it_uses() -> None:
    for data in chunks(ticks(1, 40), size=700):
        known: set[int] = set()
        for record in records(data):
            if isinstance(record, Channel):
                assert record.id not in known
                known.add(record.id)
            elif isinstance(record, Message):
                assert record.channel_id in known


def test_what_does_not_fit_leaves_no_trace() -> None:
    out = new_chunk_writer(400, (0, 0))
    assert out.tick(1, 1, [(1, 0, 0, b"x" * 100)]) == OK
    used = out.used
    assert out.done(1, b"y" * 400, DONE) == NO_ROOM and out.need > 400 and out.used == used
    assert out.done(1, b"", b"") == OK
    used = out.used
    assert out.tick(2, 2, [(1, 0, 0, b"x" * 400)]) == NO_ROOM and out.need > 400 and out.used == used
    assert out.tick(2, 2, []) == OK and out.last_tick == 2 and out.in_tick


def test_a_buffer_is_filled_to_its_last_byte() -> None:
    room = len(chunks([tick(1)._replace(digests=None)])[0])
    out = new_chunk_writer(room)
    out.declare(0, 1, 4, encode(channel(4, "/frame/1")))
    t = tick(1)
    assert out.tick(1, t.now_ns, t.records) == OK and out.used == room
    out = new_chunk_writer(room - 1)
    out.declare(0, 1, 4, encode(channel(4, "/frame/1")))
    assert out.tick(1, t.now_ns, t.records) == NO_ROOM and out.need == room


def test_an_unknown_channel_is_asked_for() -> None:
    out = new_chunk_writer(4096, (0, 0))
    assert out.tick(1, 1, [(1, 0, 0, b""), (1, 1, 0, b"")]) == NEW_CHANNEL and out.used == 0
    assert out.knows(0, 0) and not out.knows(0, 1)
    for kind, connection in ((6, 0), (-1, 0), (0, -1), (0, kernel.CONNECTIONS_MAX)):
        assert out.tick(1, 1, [(1, connection, kind, b"")]) == NEW_CHANNEL
        with pytest.raises(ValueError, match="cannot be journalled"):
            out.knows(kind, connection)
        with pytest.raises(ValueError, match="no channel"):
            out.declare(kind, connection, 9, b"")
    with pytest.raises(ValueError, match="no channel"):
        out.declare(0, 1, 3, b"")


def test_a_stopped_writer_writes_nothing() -> None:
    out = new_chunk_writer(4096)
    assert out.tick(1, 1, []) == OK and out.in_tick
    out.stopped = True
    assert out.done(1, b"", b"") == STOPPED and not out.in_tick
    assert out.tick(7, 1, []) == STOPPED
    out.drop()
    assert out.used == 0
    out.begin(7)
    assert out.tick(8, 1, []) == OK
    assert ChunkWriter(bytearray(100), b"", b"").tick(1, 1, []) == STOPPED, "until it begins"


def test_the_order_of_calls_is_checked() -> None:
    out = new_chunk_writer(8192)
    with pytest.raises(ValueError, match="does not follow tick 0"):
        out.tick(2, 1, [])
    with pytest.raises(ValueError, match="does not follow"):
        out.done(0, b"", b"")
    out.tick(1, 1, [])
    with pytest.raises(ValueError, match="does not follow"):
        out.done(2, b"", b"")
    for wrong in (b"x", bytes(16 * 256)):
        with pytest.raises(ValueError, match="not 16 for each"):
            out.done(1, b"", wrong)
    assert out.done(1, b"", bytes(16 * 255)) == OK
    with pytest.raises(ValueError, match="does not follow"):
        out.done(1, b"", b"")


@pytest.mark.parametrize(
    "record",
    [
        (1, 0, 0),
        [1, 0, 0, b""],
        (1, 0, 0, "text"),
        (1, 0, 0, bytearray()),
        ("1", 0, 0, b""),
        (1, None, 0, b""),
    ],
)
def test_what_is_no_record_is_refused_whole(record: object) -> None:
    out = new_chunk_writer(4096, (0, 0))
    with pytest.raises(TypeError):
        out.tick(1, 1, [(1, 0, 0, b"good"), record])  # type: ignore[list-item]
    assert out.used == 0 and not out.in_tick
    with pytest.raises(OverflowError):
        out.tick(1, 1, [(1 << 63, 0, 0, b"")])


def test_a_buffer_in_use_cannot_be_resized() -> None:
    buffer = bytearray(100)
    out = ChunkWriter(buffer, b"", b"")
    with pytest.raises(BufferError):
        buffer.extend(b"x" * 1000)
    out.swap(bytearray(10))
    buffer.extend(b"x")


@given(tick_lists())
def test_the_index_is_that_of_the_library(some: list[Tick]) -> None:
    data = b"".join(chunks(some))
    builder = ChunkBuilder()
    for record in records(data):
        if isinstance(record, Channel):
            builder.add_channel(record)
        else:
            assert isinstance(record, Message)
            builder.add_message(record)
    first, last, index, channels = index_messages(data)
    assert builder.end() == data  # type: ignore[no-untyped-call]
    expected = {i: encode(m) for i, m in builder.message_indices.items()}
    at = 0
    for i, count, offset in channels:
        assert offset == at and len(expected[i]) == 15 + 16 * count
        assert index[offset : offset + len(expected[i])] == expected[i]
        at += len(expected[i])
    assert at == len(index) and [i for i, _, _ in channels] == sorted(expected)
    times = [(m.log_time ^ 1 << 63) - (1 << 63) for m in records(data) if isinstance(m, Message)]
    assert (first, last) == ((min(times), max(times)) if times else (0, 0))


@pytest.mark.parametrize("channel", [0, 1, 255, 65_535])
def test_the_index_takes_every_channel(channel: int) -> None:
    message = b"\x05" + (22).to_bytes(8, "little") + channel.to_bytes(2, "little") + bytes(4) + bytes(16)
    first, last, index, channels = index_messages(message * 3)
    assert (first, last, channels, len(index)) == (0, 0, [(channel, 3, 0)], 15 + 3 * 16)


def test_the_index_refuses_what_is_no_record() -> None:
    assert index_messages(b"") == (0, 0, b"", [])
    for data in (
        b"\x05",
        b"\x05" + (100).to_bytes(8, "little"),
        b"\x05" + (5).to_bytes(8, "little") + b"12345",
    ):
        with pytest.raises(ValueError, match="byte 0"):
            index_messages(data)
