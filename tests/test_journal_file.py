"""One journal file as it is written: a valid MCAP at every moment, whatever the disk does."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from mcap.exceptions import EndOfFile
from mcap.reader import make_reader
from mcap.records import Channel, Header, Metadata, Schema
from mcap.stream_reader import StreamReader

from sniper import journal_file
from sniper.journal_file import JournalFile
from sniper.journal_format import FIXED_CHANNELS, Gap, snapshot_chunk


def new(path: Path) -> JournalFile:
    return JournalFile(path, Header("sniper", "test"), Metadata("sniper", {"journal": "x"}))


def chunk(number: int) -> bytes:
    return snapshot_chunk(number, 1000 + number, 0, 1, memoryview(b"state %d" % number))


def messages(path: Path) -> list[tuple[int, bytes]]:
    with path.open("rb") as stream:
        return [
            (m.log_time, m.data[16:]) for _, _, m in make_reader(stream, validate_crcs=True).iter_messages()
        ]


class Refusing:
    """Stands in front of os.writev: after `after` more bytes the disk is full. `most`: of one call."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.after = self.most = 1 << 60

        def writev(fd: int, parts: Sequence[memoryview]) -> int:
            if self.after <= 0:
                raise OSError(28, "No space left on device")
            done = os.write(fd, b"".join(parts)[: min(self.after, self.most)])
            self.after -= done
            return done

        monkeypatch.setattr(journal_file.os, "writev", writev)


@pytest.mark.parametrize("most", [1, 7, 100, 1 << 20])
def test_a_disk_that_takes_a_part_at_a_time_gets_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    def made(path: Path) -> bytes:
        file = new(path)
        for number in range(3):
            file.chunk(chunk(number))
        file.finish(FIXED_CHANNELS)
        file.close()
        assert file.size == path.stat().st_size
        return path.read_bytes()

    whole = made(tmp_path / "a.mcap")
    Refusing(monkeypatch).most = most
    assert made(tmp_path / "b.mcap") == whole


def test_a_finished_file(tmp_path: Path) -> None:
    file = new(tmp_path / "a.mcap")
    for number in range(5):
        file.chunk(chunk(number))
        file.metadata(Metadata("note", {"n": str(number)}))
    file.finish(FIXED_CHANNELS)
    file.close()
    path = tmp_path / "a.mcap"
    assert path.stat().st_size == file.size and path.stat().st_mode & 0o777 == 0o600
    assert messages(path) == [(1000 + n, b"state %d" % n) for n in range(5)]
    with path.open("rb") as stream:
        reader = make_reader(stream, validate_crcs=True)
        summary = reader.get_summary()
        assert summary is not None and summary.statistics is not None
        assert (summary.statistics.message_start_time, summary.statistics.message_end_time) == (1000, 1004)
        assert [c.topic for c in summary.channels.values()] == ["/snapshot"], "only those that were used"
        assert summary.statistics.metadata_count == len(summary.metadata_indexes) == 6
        for index in summary.metadata_indexes:
            assert path.read_bytes()[index.offset] == 0x0C
        assert [m.metadata for m in reader.iter_metadata()][3] == {"n": "2"}


def test_the_indexes_of_many_chunks_come_back_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_file, "PACK_BYTES", 300)  # two or three indexes
    file = new(tmp_path / "a.mcap")
    for number in range(20):
        file.chunk(chunk(number))
    file.finish(FIXED_CHANNELS)
    file.close()
    with (tmp_path / "a.mcap").open("rb") as stream:
        summary = make_reader(stream).get_summary()
    assert summary is not None
    starts = [one.chunk_start_offset for one in summary.chunk_indexes]
    assert len(starts) == 20 and starts == sorted(starts)
    assert [one.message_start_time for one in summary.chunk_indexes] == [1000 + n for n in range(20)]
    assert messages(tmp_path / "a.mcap") == [(1000 + n, b"state %d" % n) for n in range(20)]


def test_a_file_without_chunks(tmp_path: Path) -> None:
    file = new(tmp_path / "a.mcap")
    file.finish(FIXED_CHANNELS)
    file.close()
    assert messages(tmp_path / "a.mcap") == []


def test_a_file_can_be_opened_before_it_is_finished(tmp_path: Path) -> None:
    file = new(tmp_path / "a.mcap")
    assert [p.name for p in tmp_path.iterdir()] == ["a.mcap"], "no .part is left"
    file.chunk(chunk(1))
    with (tmp_path / "a.mcap").open("rb") as stream:
        records = []
        with pytest.raises(EndOfFile):
            for record in StreamReader(stream, validate_crcs=True).records:
                records.append(record)
        assert any(isinstance(r, Channel) for r in records) and any(isinstance(r, Schema) for r in records)
    file.finish(FIXED_CHANNELS)
    file.close()


def test_an_existing_file_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "a.mcap").write_bytes(b"precious")
    with pytest.raises(FileExistsError):
        new(tmp_path / "a.mcap")
    assert (tmp_path / "a.mcap").read_bytes() == b"precious"
    assert [p.name for p in tmp_path.iterdir()] == ["a.mcap"]


def test_a_part_that_was_left_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / "a.mcap.part").write_bytes(b"x" * 10_000)
    file = new(tmp_path / "a.mcap")
    file.finish(())
    file.close()
    assert messages(tmp_path / "a.mcap") == []


def test_a_part_that_is_being_written_is_not(tmp_path: Path) -> None:
    with (tmp_path / "a.mcap.part").open("wb") as other:
        other.write(b"theirs")
        other.flush()
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(BlockingIOError):
            new(tmp_path / "a.mcap")
        assert (tmp_path / "a.mcap.part").read_bytes() == b"theirs"


def test_a_disk_that_is_full_from_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Refusing(monkeypatch).after = 100
    with pytest.raises(OSError, match="No space"):
        new(tmp_path / "a.mcap")
    assert list(tmp_path.iterdir()) == []


LAST = Gap(2, None, 1001, "No space left on device").record()


@pytest.mark.parametrize("room", [0, 1, 30, 100, 150, 300, 600])
def test_a_file_that_cannot_grow_is_cut_to_what_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    disk = Refusing(monkeypatch)
    file = new(tmp_path / "a.mcap")
    file.chunk(chunk(1))
    disk.after, written = room, 1
    with pytest.raises(OSError, match="No space"):
        while True:
            file.chunk(chunk(written + 1))
            written += 1
    file.abandon(FIXED_CHANNELS, LAST)
    assert (tmp_path / "a.mcap").stat().st_size == file.size, "torn, but every record is whole"
    data = (tmp_path / "a.mcap").read_bytes()
    disk.after = 1 << 60
    assert not data.endswith(b"\x89MCAP0\r\n")


def test_a_file_that_cannot_grow_is_finished_when_the_disk_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Refusing(monkeypatch)
    file = new(tmp_path / "a.mcap")
    file.chunk(chunk(1))
    disk.after = 50
    with pytest.raises(OSError, match="No space"):
        file.chunk(chunk(2))
    disk.after = 1 << 60
    file.abandon(FIXED_CHANNELS, LAST)
    assert messages(tmp_path / "a.mcap") == [(1001, b"state 1")]
    with (tmp_path / "a.mcap").open("rb") as stream:
        assert list(make_reader(stream).iter_metadata())[1:] == [LAST]


def test_a_finish_that_fails_leaves_whole_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Refusing(monkeypatch)
    file = new(tmp_path / "a.mcap")
    file.chunk(chunk(1))
    before = file.size
    disk.after = 40
    with pytest.raises(OSError, match="No space"):
        file.finish(FIXED_CHANNELS)
    disk.after = 1 << 60
    file.abandon(FIXED_CHANNELS, LAST)
    assert file.size > before and messages(tmp_path / "a.mcap") == [(1001, b"state 1")]


def test_an_abandoned_file_without_chunks_is_removed(tmp_path: Path) -> None:
    file = new(tmp_path / "a.mcap")
    file.abandon(FIXED_CHANNELS, LAST)
    assert list(tmp_path.iterdir()) == []


def test_times_before_1970_come_back(tmp_path: Path) -> None:
    file = new(tmp_path / "a.mcap")
    file.chunk(snapshot_chunk(1, -1, 0, 1, memoryview(b"")))
    file.finish(FIXED_CHANNELS)
    file.close()
    assert messages(tmp_path / "a.mcap") == [((1 << 64) - 1, b"")]


def test_what_was_appended_can_be_had_on_the_disk_even_after_closing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[os.stat_result] = []
    monkeypatch.setattr(os, "fdatasync", lambda fd: synced.append(os.fstat(fd)))
    file = new(tmp_path / "a.mcap")
    carry_out = file.sync()
    file.close()
    carry_out()
    assert [one.st_ino for one in synced] == [(tmp_path / "a.mcap").stat().st_ino]
    with pytest.raises(OSError, match="Bad file descriptor"):
        carry_out()
