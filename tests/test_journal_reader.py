"""The reader over files and folders."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from mcap.records import Chunk, Metadata
from mcap.stream_reader import StreamReader

from sniper.errors import JournalError, PermissionProblem
from sniper.journal import Journal, JournalReader
from sniper.journal_format import MAGIC, encode
from tests.journals import DAY_NS, HEADER, put, ticks, write


def three_files(folder: Path) -> list[Path]:
    """A run of three files: ticks 1-10, 11-20, 21-30."""
    with Journal(folder, HEADER) as journal:
        journal.snapshot(0, DAY_NS, b"0")
        put(journal, ticks(1, 10))
        journal.rotate(10, DAY_NS, b"10")
        put(journal, ticks(11, 20))
        journal.rotate(20, DAY_NS, b"20")
        put(journal, ticks(21, 30))
    return sorted(folder.iterdir())


def test_a_folder_is_read_in_order_whatever_the_names(tmp_path: Path) -> None:
    files = three_files(tmp_path / "a")
    (tmp_path / "b").mkdir()
    for path, name in zip(files, ("z.mcap", "y.mcap", "x.mcap"), strict=True):
        shutil.copy(path, tmp_path / "b" / name)
    for folder in ("a", "b"):
        with JournalReader(tmp_path / folder) as reader:
            assert list(reader) == ticks(1, 30)
            assert reader.snapshots == [(0, DAY_NS), (10, DAY_NS), (20, DAY_NS)]
            assert list(reader.seek(15)) == ticks(15, 30) and list(reader.seek(21)) == ticks(21, 30)
            assert reader.state_before(21) == (20, b"20") and reader.state_before(20) == (10, b"10")
            assert reader.progress == 1.0


def test_the_first_files_may_have_been_deleted(tmp_path: Path) -> None:
    three_files(tmp_path)[0].unlink()
    with JournalReader(tmp_path) as reader:
        assert list(reader) == ticks(11, 30) and reader.state_before(11) == (10, b"10")
        with pytest.raises(JournalError, match="no snapshot before tick 10: the first one is of tick 10"):
            reader.state_before(10)
        assert list(reader.seek(3)) == ticks(11, 30)


def test_a_torn_file_names_itself(tmp_path: Path) -> None:
    files = three_files(tmp_path)
    files[-1].write_bytes(files[-1].read_bytes()[:-10])
    with JournalReader(tmp_path) as reader:
        assert reader.torn is not None and reader.torn.startswith(
            files[-1].name + ": the file was not closed"
        )
        assert list(reader) == ticks(1, 30)


def test_other_files_in_the_folder_are_left_out(tmp_path: Path) -> None:
    three_files(tmp_path)
    (tmp_path / "a.mcap").write_bytes(b"something else")
    (tmp_path / "b.mcap").write_bytes(b"")
    (tmp_path / "c.txt").write_bytes(b"")
    with JournalReader(tmp_path) as reader:
        assert list(reader) == ticks(1, 30)


def test_a_damaged_file_of_the_folder_is_not_left_out(tmp_path: Path) -> None:
    path = three_files(tmp_path)[1]
    data = bytearray(path.read_bytes())
    data[-60] ^= 0xFF
    data[9 + 8] = 0x7F
    data[16] = 0x7F
    path.write_bytes(data)
    with pytest.raises(JournalError, match="is damaged"):
        JournalReader(tmp_path)


def test_a_folder_without_a_journal(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="there is no journal in"):
        JournalReader(tmp_path)
    (tmp_path / "a.mcap").write_bytes(b"something else")
    with pytest.raises(JournalError, match=r"a\.mcap is not an MCAP file"):
        JournalReader(tmp_path)


def test_a_folder_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(PermissionProblem, match="may not be read"):
        JournalReader(tmp_path)


def test_a_journal_without_ticks(tmp_path: Path) -> None:
    with Journal(tmp_path / "a.mcap", HEADER):
        pass
    with JournalReader(tmp_path / "a.mcap") as reader:
        assert list(reader) == [] and reader.snapshots == [] and reader.span_ns == (0, 0)
        assert list(reader.seek(5)) == []
        with pytest.raises(JournalError, match="it has none"):
            reader.state_before(5)


def test_an_iteration_may_be_left_and_others_run_beside_it(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mcap", ticks(1, 400), chunk_bytes=1000)
    reader = JournalReader(path)
    first, second = iter(reader), reader.seek(200)
    assert next(first) == ticks(1, 1)[0]
    assert next(second) == ticks(200, 200)[0]
    assert reader.state_before(1) == (0, b"the first state")
    assert [next(first).number for _ in range(300)] == list(range(2, 302))
    assert list(second) == ticks(201, 400)
    del first
    reader.close()
    reader.close()


def test_ticks_out_of_order_are_damage(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mcap", ticks(1, 60), chunk_bytes=1000)
    with path.open("rb") as stream:
        records = [
            r for r in StreamReader(stream, emit_chunks=True).records if isinstance(r, Chunk | Metadata)
        ]
    del records[4]  # one chunk in the middle, of a file that was not closed
    path.write_bytes(MAGIC + encode(*records))
    with (
        JournalReader(path) as reader,
        pytest.raises(JournalError, match=r"is damaged in the chunk at byte \d+"),
    ):
        list(reader)
