"""keys.private: for the user alone, no links, replaced as a whole."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sniper.errors import PermissionProblem, UsageError
from sniper.keys import private
from tests.permission import obeyed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    private.make_folder(tmp_path / "a" / "keys")
    return tmp_path / "a" / "keys"


def put(folder: Path, name: str, content: bytes, replace: bool = False) -> None:
    with private.opened(folder, exclusive=True) as fd:
        private.write(fd, folder / name, content, replace)


def get(folder: Path, name: str, bytes_max: int = 100) -> bytes:
    with private.opened(folder) as fd:
        return private.read(fd, folder / name, bytes_max)


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o277])
def test_made_for_the_user_alone_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        private.make_folder(tmp_path / "a" / "b")
        put(tmp_path / "a" / "b", "x", b"1")
    finally:
        os.umask(before)
    places = [tmp_path / "a", tmp_path / "a" / "b", tmp_path / "a" / "b" / "x"]
    assert [stat.S_IMODE(one.stat().st_mode) for one in places] == [0o700, 0o700, 0o600]


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o620, 0o666, 0o601])
def test_a_file_that_others_may_touch_is_refused(folder: Path, mode: int) -> None:
    put(folder, "x", b"1")
    (folder / "x").chmod(mode)
    with pytest.raises(PermissionProblem, match=f"mode 0{mode:o}") as caught:
        get(folder, "x")
    assert f"chmod 600 {folder / 'x'}" in caught.value.advice and caught.value.exit_code == 4


@pytest.mark.parametrize("mode", [0o701, 0o710, 0o750, 0o777])
def test_a_folder_that_others_may_enter_is_refused(folder: Path, mode: int) -> None:
    folder.chmod(mode)
    with pytest.raises(PermissionProblem, match="open to others"), private.opened(folder):
        pass


def test_what_belongs_to_another_user_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(folder, "x", b"1")
    monkeypatch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)
    with pytest.raises(PermissionProblem, match="belongs to another user"):
        get(folder, "x")


def test_links_are_not_followed(folder: Path, tmp_path: Path) -> None:
    put(folder, "x", b"1")
    (folder / "link").symlink_to(folder / "x")
    with pytest.raises(PermissionProblem, match="is a link"):
        get(folder, "link")
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(UsageError, match="cannot be opened as a folder"), private.opened(tmp_path / "link"):
        pass
    put(folder, "link", b"2", replace=True)
    assert (folder / "x").read_bytes() == b"1", "a link is replaced, not written through"
    assert not (folder / "link").is_symlink()


def test_only_plain_files_of_a_bounded_size_are_read(folder: Path) -> None:
    put(folder, "x", b"1" * 100)
    assert get(folder, "x") == b"1" * 100
    with pytest.raises(PermissionProblem, match="at most 99 bytes"):
        get(folder, "x", 99)
    os.mkfifo(folder / "pipe", 0o600)
    (folder / "sub").mkdir(0o700)
    for name in ("pipe", "sub"):
        with pytest.raises(PermissionProblem, match="no file of at most"):
            get(folder, name)
    with pytest.raises(FileNotFoundError):
        get(folder, "none")


def test_what_may_not_be_read_is_said(folder: Path) -> None:
    put(folder, "x", b"1")
    (folder / "x").chmod(0)
    with obeyed(), pytest.raises(PermissionProblem, match="may not be read"):
        get(folder, "x")
    folder.chmod(0)
    with obeyed(), pytest.raises(PermissionProblem, match="may not be read"), private.opened(folder):
        pass
    folder.chmod(0o700)


def test_nothing_is_overwritten_by_accident(folder: Path) -> None:
    put(folder, "x", b"1")
    with pytest.raises(FileExistsError):
        put(folder, "x", b"2")
    assert get(folder, "x") == b"1"
    put(folder, "x", b"2", replace=True)
    assert get(folder, "x") == b"2"
    assert os.listdir(folder) == ["x"]


def test_content_and_name_are_synced_in_that_order(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    for name in ("fsync", "replace", "link"):
        real = getattr(os, name)

        def noted(*args: object, real: object = real, name: str = name, **more: object) -> object:
            kind = "folder " if name == "fsync" and stat.S_ISDIR(os.fstat(args[0]).st_mode) else ""  # type: ignore[arg-type]
            said.append(kind + name)
            return real(*args, **more)  # type: ignore[operator]

        monkeypatch.setattr(os, name, noted)
    put(folder, "x", b"1")
    put(folder, "x", b"2", replace=True)
    assert said == ["fsync", "link", "folder fsync", "fsync", "replace", "folder fsync"]


DYING = """
import os, sys
from pathlib import Path
from sniper.keys import private
folder, at = Path(sys.argv[1]), sys.argv[2]
setattr(os, at, lambda *a, **k: os._exit(9))
with private.opened(folder, exclusive=True) as fd:
    private.write(fd, folder / "x", b"new content", True)
"""


@pytest.mark.parametrize("at", ["fchmod", "fsync", "replace"])
def test_a_writer_that_dies_leaves_the_old_content_and_stops_nobody(folder: Path, at: str) -> None:
    put(folder, "x", b"old")
    ran = subprocess.run([sys.executable, "-c", DYING, str(folder), at], cwd=Path(__file__).parent.parent)
    assert ran.returncode == 9
    assert get(folder, "x") == b"old"
    assert len(os.listdir(folder)) == 2
    put(folder, "x", b"next", replace=True)
    assert get(folder, "x") == b"next"
    assert os.listdir(folder) == ["x"]


def test_a_folder_that_cannot_be_one(folder: Path) -> None:
    put(folder, "x", b"1")
    with pytest.raises(UsageError, match="cannot be made a folder"):
        private.make_folder(folder / "x" / "y")
