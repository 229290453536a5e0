"""One file as it is read: torn tails are cut, damage is named, nothing it claims is believed."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import pytest
import zstandard
from mcap.records import Header, Metadata

from sniper import journal as journal_module
from sniper.errors import JournalError, PermissionProblem
from sniper.journal import Journal, JournalReader
from sniper.journal_format import MAGIC, Gap, encode, snapshot_chunk
from sniper.journal_part import JournalPart, NotOurs
from tests.journals import DAY_NS, HEADER, put, ticks, write
from tests.permission import obeyed

META = Metadata("sniper", {"journal": "sniper.journal/1"})


def part(path: Path) -> JournalPart:
    out = JournalPart(path)
    out.close()
    return out


def raw(path: Path, *pieces: bytes) -> Path:
    """A file that begins like a journal and goes on with these bytes."""
    path.write_bytes(MAGIC + encode(Header("sniper", ""), META) + b"".join(pieces))
    return path


def chunk_record(data: bytes, size: int, crc: int = 0, codec: bytes = b"zstd") -> bytes:
    head = struct.pack("<QQQII", 0, 0, size, crc, len(codec)) + codec + struct.pack("<Q", len(data))
    return struct.pack("<BQ", 0x06, len(head) + len(data)) + head + data


def test_a_file_torn_at_every_byte_of_its_last_two_chunks(tmp_path: Path) -> None:
    some = ticks(1, 60)
    whole = write(tmp_path / "whole.mcap", some, chunk_bytes=1500)
    full = part(whole)
    data = whole.read_bytes()
    begin, last = full.chunks[-2], full.chunks[-1]
    counts = set()
    torn = tmp_path / "torn.mcap"
    summary = data.index(b"\x0f" + struct.pack("<Q", 4), last)  # the data end
    for cut in [*range(begin, summary + 20), *range(summary + 20, len(data), 17)]:
        torn.write_bytes(data[:cut])
        with JournalReader(torn) as reader:
            got = list(reader)
            assert reader.torn is not None and "was not closed" in reader.torn
            if cut == begin:
                assert " 0 bytes at its end are dropped" in reader.torn
            if cut == last - 1:
                assert "what came after the last whole chunk is lost" in reader.torn
            assert reader.state_before(1) == (0, b"the first state")
        if got[-1].digests is None:
            assert got[-1][:3] == some[len(got) - 1][:3]
            got[-1] = some[len(got) - 1]
        assert got == some[: len(got)]
        counts.add(len(got))
    assert len(counts) == 3 and max(counts) == 60, "without both, without the last, with both"


def test_a_summary_that_was_cut_costs_no_tick(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mcap", ticks(1, 30))
    path.write_bytes(path.read_bytes()[:-1])
    with JournalReader(path) as reader:
        assert list(reader) == ticks(1, 30)
        assert reader.torn is not None and "every tick is there" in reader.torn


def test_a_tail_of_zeros_or_with_a_bad_crc_is_torn(tmp_path: Path) -> None:
    """What a file may end with after the system, not only the program, has died."""
    path = write(tmp_path / "a.mcap", ticks(1, 60), chunk_bytes=1500)
    chunks, data = part(path).chunks, path.read_bytes()
    path.write_bytes(data[: chunks[-1]] + bytes(5000))
    with JournalReader(path) as reader:
        expected = len(list(reader))
        assert reader.torn is not None and " 5000 bytes " in reader.torn
    cut = bytearray(data[: data.index(b"\x07", chunks[-1] + 200)])
    cut[-20] ^= 1
    path.write_bytes(cut)
    with JournalReader(path) as reader:
        assert len(list(reader)) == expected
        assert reader.torn is not None and f" {len(cut) - chunks[-1]} bytes " in reader.torn


def test_a_chunk_that_differs_from_its_crc_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mcap", ticks(1, 60), chunk_bytes=1500)
    chunks, data = part(path).chunks, bytearray(path.read_bytes())
    data[chunks[2] + 33] ^= 1  # of the CRC
    path.write_bytes(data)
    with JournalReader(path) as reader, pytest.raises(JournalError) as caught:
        list(reader)
    assert f"is damaged at byte {chunks[2]}: a chunk whose CRC differs" in str(caught.value)
    assert caught.value.advice and caught.value.exit_code == 2


def test_a_flipped_byte_anywhere_gives_the_same_ticks_or_an_error(tmp_path: Path) -> None:
    some = ticks(1, 12)
    path = write(tmp_path / "a.mcap", some, chunk_bytes=1000)
    data = bytearray(path.read_bytes())
    refused = 0
    full = part(path)
    summary = data.index(b"\x0f" + struct.pack("<Q", 4), full.chunks[-1])
    places = [
        *range(0, full.chunks[0], 9),
        *range(full.chunks[0], summary + 13),
        *range(summary, len(data), 9),
    ]
    for at in places:
        data[at] ^= 0xFF
        path.write_bytes(data)
        data[at] ^= 0xFF
        try:
            with JournalReader(path) as reader:
                got = list(reader)
                number, state = reader.state_before(1)
        except JournalError as problem:
            refused += 1
            assert problem.advice
            continue
        assert got == some and (number, state) == (0, b"the first state"), f"byte {at}"
    assert refused > len(places) // 4


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"\x89MCAP", "is not an MCAP file"),
        (b'{"type":"connected"}\n', "is not an MCAP file"),
        (MAGIC, "is not a journal of sniper"),
        (MAGIC + encode(Header("ros2", "x"), Metadata("other", {})), "is not a journal of sniper"),
        (MAGIC + encode(Metadata("sniper", {})), "was written as an unknown version"),
        (MAGIC + encode(Metadata("sniper", {"journal": "sniper.journal/9"})), "written as sniper.journal/9"),
    ],
)
def test_what_is_no_journal_of_ours(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "a.mcap"
    path.write_bytes(data)
    with pytest.raises(NotOurs, match=words) as caught:
        JournalPart(path)
    assert str(path) in str(caught.value) and caught.value.advice


def test_another_version_names_the_program_that_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "JOURNAL_VERSION", "sniper.journal/2")
    monkeypatch.setattr(journal_module, "__version__", "7.1.0")
    path = write(tmp_path / "a.mcap", ticks(1, 3))
    with pytest.raises(JournalError) as caught:
        JournalReader(path)
    assert str(caught.value) == (
        f"{path} was written as sniper.journal/2, this program reads sniper.journal/1. "
        "Read it with sniper 7.1.0."
    )


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="cannot be opened: No such file"):
        JournalPart(tmp_path / "none.mcap")
    path = write(tmp_path / "a.mcap", ticks(1, 2))
    path.chmod(0)
    with obeyed(), pytest.raises(PermissionProblem, match="may not be read"):
        JournalPart(path)


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (chunk_record(zstandard.compress(bytes(1 << 20)), 100), "a chunk of 1048576 bytes that claims 100"),
        (chunk_record(zstandard.compress(b""), 0), "a chunk of 0 bytes that claims 0"),
        (chunk_record(zstandard.compress(b"abc"), (64 << 20) + 1), "a chunk that claims 67108865 bytes"),
        (chunk_record(b"no frame", 8), "cannot be decompressed"),
        (chunk_record(zstandard.compress(b"abcd"), 4, crc=1), "CRC differs"),
        (chunk_record(b"abcd", 4, crc=1, codec=b""), "CRC differs"),
        (chunk_record(b"abcd", 4, codec=b"lz4"), "compressed as b'lz4'"),
        (struct.pack("<BQQQQIIQ", 0x06, 40, 0, 0, 1, 0, 0, 9), "another length than it says"),
        (struct.pack("<BQ", 0x06, 20) + bytes(20), "without a head"),
        (struct.pack("<BQQQQIIQ", 0x06, 40, 0, 0, 0, 0, 900, 0), "a chunk that claims 0 bytes"),
    ],
)
def test_chunks_that_claim_too_much(tmp_path: Path, record: bytes, words: str) -> None:
    # Another record after it: otherwise it would be a torn tail.
    path = raw(tmp_path / "a.mcap", record, chunk_record(b"", 0, codec=b""))
    out = JournalPart(path)
    with pytest.raises(JournalError) as caught:
        out.load(0)
    assert words in str(caught.value) and f"at byte {out.chunks[0]}" in str(caught.value)
    out.close()
    out.close()


def test_a_frame_that_does_not_say_its_size_is_bounded(tmp_path: Path) -> None:
    packer = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    bomb = packer.compress(bytes(50 << 20)) + packer.flush()
    path = raw(tmp_path / "a.mcap", chunk_record(bomb, 1000), chunk_record(b"", 0, codec=b""))
    out = JournalPart(path)
    with pytest.raises(JournalError, match=r"cannot be decompressed|another size"):
        out.load(0)
    small = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    frame = small.compress(b"abc") + small.flush()
    raw(path, chunk_record(frame, 3, crc=zlib.crc32(b"abc")), chunk_record(b"x", 1, codec=b""))
    out = JournalPart(path)
    assert out.load(0) == b"abc" and out.load(1) == b"x"
    raw(path, chunk_record(frame, 4), chunk_record(b"x", 1, codec=b""))
    with pytest.raises(JournalError, match="another size"):
        JournalPart(path).load(0)


@pytest.mark.parametrize(
    ("piece", "words"),
    [
        (struct.pack("<BQ", 0x06, 1 << 62), "a record that claims"),
        (struct.pack("<BQ", 0x0C, 4) + b"\xff\xff\xff\xff", "does not fit"),
        (struct.pack("<BQ", 0x0C, 4) + bytes(4), "does not fit"),
        (struct.pack("<BQ", 0x04, 3) + bytes(3), "does not fit"),
        (encode(Metadata("sniper.snapshot", {"tick": "1"})), "does not fit"),
        (
            encode(Metadata("sniper.snapshot", {"tick": "x", "now_ns": "1", "bytes": "1", "parts": "1"})),
            "does not fit",
        ),
        (
            encode(Metadata("sniper.snapshot", {"tick": "1", "now_ns": "1", "bytes": "1", "parts": "0"})),
            "does not fit",
        ),
        (
            encode(
                Metadata("sniper.snapshot", {"tick": "1", "now_ns": "1", "bytes": str(1 << 40), "parts": "1"})
            ),
            "does not fit",
        ),
        (encode(Metadata("sniper.gap", {"first_tick": "1"})), "does not fit"),
        (MAGIC, "no whole record"),
    ],
)
def test_records_that_make_no_sense(tmp_path: Path, piece: bytes, words: str) -> None:
    path = raw(tmp_path / "a.mcap", piece)
    with pytest.raises(JournalError, match=words):
        JournalPart(path)


def test_a_gap_is_read(tmp_path: Path) -> None:
    said = {"first_tick": "5", "last_tick": "9", "now_ns": "77", "cause": "No space left on device"}
    out = part(raw(tmp_path / "a.mcap", encode(Metadata("sniper.gap", said))))
    assert out.gaps == [Gap(5, 9, 77, "No space left on device")] and out.torn is not None


def test_a_snapshot_that_is_not_whole_is_not_offered(tmp_path: Path) -> None:
    big = os.urandom(3 << 20)
    with Journal(tmp_path / "a.mcap", HEADER) as journal:
        journal.snapshot(0, DAY_NS, b"small")
        put(journal, ticks(1, 5))
        journal.snapshot(5, DAY_NS, big)
    path = tmp_path / "a.mcap"
    out = part(path)
    assert [m.number for m in out.snapshots] == [0, 5] and out.snapshots[1].parts == 3
    path.write_bytes(path.read_bytes()[: out.chunks[-1] + 100])
    with JournalReader(path) as reader:
        assert reader.snapshots == [(0, DAY_NS)] and list(reader) == ticks(1, 5)
        assert reader.state_before(6) == (0, b"small")


@pytest.mark.parametrize("change", ["number", "bytes", "part", "more", "less"])
def test_a_snapshot_that_is_not_what_was_said(tmp_path: Path, change: str) -> None:
    number, size, index = 5, 5, 0
    said = {"tick": "5", "now_ns": "1", "bytes": "5", "parts": "1"}
    if change == "number":
        number = 6
    elif change == "bytes":
        size = 4
    elif change == "part":
        index = 1
    elif change == "more":
        size = 6
    else:
        said["parts"] = "2"
    data = snapshot_chunk(number, 1, index, int(said["parts"]), memoryview(b"state!"[:size]))
    record = chunk_record(data, len(data), codec=b"")
    path = raw(tmp_path / "a.mcap", encode(Metadata("sniper.snapshot", said)), record, record)
    out = JournalPart(path)
    assert len(out.snapshots) == 1
    if change == "less":
        with pytest.raises(JournalError, match="not the snapshot of tick 5"):
            out.state(out.snapshots[0])
    else:
        with pytest.raises(JournalError, match="snapshot of tick 5"):
            out.state(out.snapshots[0])
    out.close()


def test_a_chunk_with_cut_records_is_no_snapshot(tmp_path: Path) -> None:
    said = Metadata("sniper.snapshot", {"tick": "5", "now_ns": "1", "bytes": "5", "parts": "1"})
    record = chunk_record(b"\x05\x01", 2, codec=b"")
    out = JournalPart(raw(tmp_path / "a.mcap", encode(said), record, record))
    with pytest.raises(JournalError, match="not the snapshot"):
        out.state(out.snapshots[0])
    out.close()
