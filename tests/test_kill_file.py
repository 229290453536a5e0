"""kill_file: that it is there is a kill, whatever can be read of it."""

from __future__ import annotations

import os
import resource
import signal
from pathlib import Path

import pytest

from sniper import kill_file
from sniper.kill_file import UNTOLD, leave, left, lift


def test_it_is_left_read_and_lifted(tmp_path: Path) -> None:
    file = tmp_path / "one.killed"
    assert left(file) == ""
    leave(file, "a long reason that is written over")
    leave(file, "smoke \udcff")
    assert left(file) == "smoke ?" and file.stat().st_mode & 0o777 == 0o600
    lift(file)
    lift(file)
    assert left(file) == ""


def test_a_disk_that_takes_no_text_still_takes_the_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "no space")

    monkeypatch.setattr(os, "pwrite", full)
    leave(tmp_path / "one", "smoke")
    assert left(tmp_path / "one") == UNTOLD


def test_the_systems_limit_on_files_does_not_keep_it_from_being_there(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    assert signal.getsignal(signal.SIGXFSZ) == signal.SIG_IGN
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        leave(tmp_path / "one", "smoke")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert left(tmp_path / "one") == UNTOLD


def test_what_is_no_file_is_a_kill_too_and_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    folder, link, target = tmp_path / "folder", tmp_path / "link", tmp_path / "target"
    folder.mkdir()
    target.write_text("mine")
    link.symlink_to(target)
    for odd in (folder, link):
        assert left(odd) == UNTOLD
        with pytest.raises(OSError):
            leave(odd, "smoke")
    assert target.read_text() == "mine"
    with pytest.raises(OSError):
        lift(folder)


def test_a_reason_holds_nothing_that_moves_a_terminal(tmp_path: Path) -> None:
    file = tmp_path / "one"
    file.write_bytes(b"up\x1b[2J\n and away" + b"x" * 9999)
    assert left(file).startswith("up [2J and away") and len(left(file)) <= kill_file.REASON_BYTES_MAX
