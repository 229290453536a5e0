"""Names of journal files, and which of them retention may delete."""

from __future__ import annotations

import fcntl
import os
import re
from pathlib import Path

from sniper.journal_folder import JournalFolder


def journals(folder: Path, *sizes: int) -> list[Path]:
    """Journals of an old run with these sizes, oldest first."""
    out = []
    for i, size in enumerate(sizes, 1):
        path = folder / f"20240101T00000{i}Z-0a1b-{i:06d}.mcap"
        path.write_bytes(b"x" * size)
        out.append(path)
    return out


def left(paths: list[Path]) -> list[bool]:
    return [path.exists() for path in paths]


def test_names_in_a_folder(tmp_path: Path) -> None:
    folder = JournalFolder(tmp_path / "a" / "b", 1)
    first, second = folder.next_path(), folder.next_path()
    assert first.parent == tmp_path / "a" / "b" and first.parent.is_dir()
    assert re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{4}-000001\.mcap", first.name)
    assert second.name == first.name.replace("-000001", "-000002") and folder.sequence == 2


def test_names_beside_a_file(tmp_path: Path) -> None:
    folder = JournalFolder(tmp_path / "run.mcap", 1)
    (tmp_path / "run-000002.mcap").write_bytes(b"")
    assert [folder.next_path().name for _ in range(3)] == ["run.mcap", "run-000003.mcap", "run-000004.mcap"]


def test_the_oldest_are_deleted_first(tmp_path: Path) -> None:
    old = journals(tmp_path, 100, 100, 100)
    folder = JournalFolder(tmp_path, 350)
    current = folder.next_path()
    current.write_bytes(b"")
    folder.look(current)
    folder.make_room(50)
    assert left(old) == [True, True, True]
    folder.make_room(51)
    assert left(old) == [False, True, True]
    folder.make_room(160)
    assert left(old) == [False, False, True]
    folder.make_room(10_000)
    assert left(old) == [False, False, False] and current.exists()


def test_only_names_of_ours_count(tmp_path: Path) -> None:
    others = [tmp_path / name for name in ("a.mcap", "20240101T000001Z-0a1b-000001.mcap.part", "notes.txt")]
    for path in others:
        path.write_bytes(b"x" * 1000)
    folder = JournalFolder(tmp_path, 10)
    folder.look(folder.next_path())
    folder.make_room(500)
    assert left(others) == [True, True, True]


def test_beside_a_file_only_its_followers_count(tmp_path: Path) -> None:
    old = journals(tmp_path, 100)
    mine = [
        tmp_path / name for name in ("run.mcap", "run-000002.mcap", "run-000003.mcap", "runs-000002.mcap")
    ]
    for path in mine:
        path.write_bytes(b"x" * 100)
    folder = JournalFolder(tmp_path / "run.mcap", 150)
    folder.look(tmp_path / "run-000003.mcap")
    folder.make_room(100)
    assert left(old) == [True] and left(mine) == [False, False, True, True]


def test_a_file_that_is_being_written_is_left_alone(tmp_path: Path) -> None:
    old = journals(tmp_path, 100, 100)
    fd = os.open(old[0], os.O_RDWR)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        folder = JournalFolder(tmp_path, 100)
        folder.look(tmp_path / "current")
        folder.make_room(0)
        assert left(old) == [True, False]
    finally:
        os.close(fd)
    folder.make_room(100)
    assert left(old) == [False, False]


def test_a_file_that_somebody_else_deleted(tmp_path: Path) -> None:
    old = journals(tmp_path, 100, 100)
    folder = JournalFolder(tmp_path, 100)
    folder.look(tmp_path / "current")
    old[0].unlink()
    folder.make_room(0)
    assert left(old) == [False, True]


def test_free_bytes(tmp_path: Path) -> None:
    room = os.statvfs(tmp_path)
    assert 0 <= JournalFolder(tmp_path, 1).free_bytes() <= room.f_blocks * room.f_frsize
