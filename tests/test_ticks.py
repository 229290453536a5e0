"""The reading kernel: ticks come back whole from any division into chunks, and damage is an error."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.records import Channel, Message

from sniper._ext.chunk import CONNECTIONS_MAX
from sniper._ext.ticks import TickReader
from sniper.journal_format import FIXED_CHANNELS, Tick, channel, encode
from tests.journals import chunks, tick, tick_lists, ticks


def read(some: list[bytes], floor: int = 0) -> list[Tick]:
    reader, got = TickReader(Tick), list[Tick]()
    reader.restart(floor)
    for data in some:
        reader.feed(data)
        got += list(reader)
    last = reader.finish()
    return [*got, last] if last else got


@given(tick_lists(first=5), st.integers(1, 700))
def test_ticks_come_back_from_chunks_of_any_size(some: list[Tick], size: int) -> None:
    assert read(chunks(some, size)) == some


@given(tick_lists(), st.data())
def test_a_tick_may_be_divided_at_any_record(some: list[Tick], data: st.DataObject) -> None:
    """The mcap library, and other tools, end a chunk between any two records."""
    whole = b"".join(chunks(some))
    at, cuts = 0, [0]
    while at < len(whole):
        at += 9 + int.from_bytes(whole[at + 1 : at + 9], "little")
        cuts.append(at)
    chosen = [*sorted(data.draw(st.sets(st.sampled_from(cuts)))), len(whole)]
    pieces = [whole[a:b] for a, b in zip([0, *chosen], chosen, strict=False)]
    assert read(pieces) == some


def test_ticks_below_the_floor_are_not_built() -> None:
    some = ticks(1, 50)
    for size in (300, 1 << 16):
        assert read(chunks(some, size), floor=37) == some[36:]
        assert read(chunks(some, size), floor=51) == []


def test_reading_may_begin_within_a_tick() -> None:
    pieces = chunks(ticks(1, 50), size=400)
    for begin in range(len(pieces)):
        got = read(pieces[begin:])
        assert got == ticks(got[0].number if got else 51, 50)
    assert len(pieces) > 20


def test_a_tick_without_its_done_has_no_digests() -> None:
    some = [*ticks(1, 3), tick(4)._replace(commands=None, digests=None)]
    assert read(chunks(some)) == some
    unfinished = [some[0], some[1]._replace(commands=None, digests=None), some[2]]
    assert read(chunks(unfinished)) == unfinished


def test_a_tick_cut_within_its_records_is_not_read() -> None:
    some = [tick(3)._replace(commands=None, digests=None)]
    data = chunks(some)[0]
    last = 31 + len(some[0].records[-1][3])
    assert read([data]) == some
    assert read([data[:-last]]) == []


@settings(max_examples=150)
@given(
    tick_lists(),
    st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), min_size=1, max_size=4),
    st.integers(0, 1 << 16),
)
def test_damaged_bytes_give_ticks_or_an_error(
    some: list[Tick], damage: list[tuple[int, int]], cut: int
) -> None:
    data = bytearray(b"".join(chunks([*some, tick(len(some) + 1)])))
    for place, value in damage:
        data[place % len(data)] = value
    reader = TickReader(Tick)
    reader.feed(bytes(data[: cut % len(data)] if cut % 3 == 0 else data))
    try:
        for t in reader:
            assert all(isinstance(r, tuple) and len(r) == 4 for r in t.records)
        reader.finish()
    except ValueError:
        pass


def message(channel_id: int, payload: bytes) -> bytes:
    return encode(Message(channel_id=channel_id, sequence=0, log_time=0, publish_time=0, data=payload))


def tick_payload(number: int, count: int) -> bytes:
    return number.to_bytes(8, "little") + bytes(8) + count.to_bytes(4, "little")


HEADS = encode(*FIXED_CHANNELS, channel(4, "/frame/0"))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x05", "cut record"),
        (b"\x05" + (1 << 63).to_bytes(8, "little"), "cut record"),
        (b"\x05" + (21).to_bytes(8, "little") + bytes(21), "message of 21 bytes"),
        (message(9, b""), "undeclared channel 9"),
        (b"\x04" + (7).to_bytes(8, "little") + bytes(7), "channel record of 7"),
        (b"\x04" + (8).to_bytes(8, "little") + bytes(4) + b"\1\0\0\0", "topic of 1 bytes"),
        (message(1, b"short"), "tick message of 5"),
        (message(1, tick_payload(1, 1 << 24)), "claims 16777216 records"),
        (message(1, tick_payload(1, 0)) + message(4, b""), "more than its 0 records"),
        (message(1, tick_payload(1, 1)) + message(1, tick_payload(2, 0)), "has 0 of 1 records"),
        (message(1, tick_payload(1, 0)) + message(1, tick_payload(3, 0)), "tick 3 follows tick 1"),
        (message(1, tick_payload(1, 0)) + message(2, bytes(9)), "done of tick 0 in tick 1"),
        (message(1, tick_payload(1, 0)) + message(2, bytes(8)), "done message of 8"),
        (message(1, tick_payload(1, 0)) + message(2, bytes(8) + b"\1" + bytes(15)), "done message of 24"),
        (message(1, tick_payload(0, 0)) + message(2, bytes(9)) * 2, "done outside a tick"),
        (message(1, tick_payload(0, 0)) + message(2, bytes(9)) + message(4, b""), "record outside a tick"),
    ],
)
def test_what_is_no_journal_is_named(data: bytes, words: str) -> None:
    reader = TickReader(Tick)
    reader.feed(HEADS + data)
    with pytest.raises(ValueError, match=words):
        list(reader)


def test_topics_that_it_does_not_know_are_skipped() -> None:
    others = ["/later", "/frame/-1", "/frame/x", f"/frame/{CONNECTIONS_MAX}", "frame", "", "/frame/²"]
    data = b"".join(
        encode(Channel(id=10 + i, topic=topic, message_encoding="", metadata={}, schema_id=0))
        + message(10 + i, b"")
        for i, topic in enumerate(others)
    )
    reader = TickReader(Tick)
    reader.feed(
        HEADS + data + message(1, tick_payload(1, 0)) + data + b"\x77" + (1).to_bytes(8, "little") + b"x"
    )
    assert list(reader) == []
    assert reader.finish() == Tick(1, 0, [], None, None)
    assert reader.finish() is None


def test_channels_can_be_declared_from_outside() -> None:
    reader = TickReader(Tick)
    reader.declare(1, "/tick")
    reader.feed(message(1, tick_payload(1, 0)))
    assert list(reader) == [] and reader.finish() == Tick(1, 0, [], None, None)
    with pytest.raises(ValueError, match="no channel"):
        reader.declare(1 << 16, "/tick")


def test_the_type_of_a_tick_is_checked() -> None:
    class Pair(NamedTuple):
        a: int
        b: int

    for wrong in (Pair, int, tuple):
        with pytest.raises(TypeError, match="five fields"):
            TickReader(wrong)


def test_feeding_too_early_is_an_error_of_ours() -> None:
    reader = TickReader(Tick)
    reader.feed(HEADS)
    with pytest.raises(AssertionError):
        reader.feed(HEADS)
