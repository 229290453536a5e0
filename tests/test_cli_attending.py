"""A run can be spoken to for as long as it lasts, and goes on where that cannot be."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sniper.cli.attending import Attending, alone, forget_the_dead
from sniper.engine import Engine
from sniper.errors import EXIT_PERMISSION, PermissionProblem
from sniper.heartbeat import read
from sniper.inbox import Inbox
from sniper.instances import Instance, announce, folder, listed, places
from sniper.operating import ask, listening
from sniper.state_lock import started


def attending(state: Path, name: str = "sim-1", lasting: bool = False) -> Attending:
    inbox = Inbox(100, 10_000)
    return Attending(name, "off", "sim", Engine(), inbox, None, lasting=lasting, state=state)


def test_its_files_come_and_go_with_it(tmp_path: Path) -> None:
    with attending(tmp_path) as made:
        made.turn()
        ((instance, files, beat),) = listed(tmp_path)
        assert instance.pid == os.getpid() and beat is not None and beat.mode == "off"
    assert listed(tmp_path) == [] and not files.beat.exists()


def test_an_account_s_last_sign_of_life_stays(tmp_path: Path) -> None:
    with attending(tmp_path, "mainnet-dydx1-0", lasting=True) as made:
        made.turn()
    ((_, files, beat),) = listed(tmp_path)
    assert beat is not None and beat.mode == "ended" and read(files.beat) == beat
    with pytest.raises(OSError):
        ask(files.socket, "status")


def test_signs_of_life_that_could_not_be_written_are_told_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with attending(tmp_path) as made, monkeypatch.context() as full:
        full.setattr(made._heart, "_file", os.open(places(tmp_path, "sim-1").beat, os.O_RDONLY))
        made.turn()
        made.turn()
    assert "2 signs of life could not be written" in capsys.readouterr().err


def test_without_a_folder_it_goes_on_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "running").write_text("in the way")
    with attending(tmp_path) as made:
        made.turn()
    assert "nobody can speak to this run" in capsys.readouterr().err


def test_a_folder_that_others_may_write_is_closed_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder(tmp_path).mkdir()
    folder(tmp_path).chmod(0o777)
    with attending(tmp_path) as made:
        made.turn()
        assert folder(tmp_path).stat().st_mode & 0o777 == 0o700
        ((_, files, _),) = listed(tmp_path)
        assert files.beat.stat().st_blocks > 0, "the page of the beat has its place on the disk"
    assert "was open to others (mode 0777)" in capsys.readouterr().err


def test_a_link_in_the_place_of_the_folder_is_not_followed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "theirs").mkdir(mode=0o700)
    (tmp_path / "running").symlink_to(tmp_path / "theirs")
    with attending(tmp_path) as made:
        made.turn()
    assert "nobody can speak to this run" in capsys.readouterr().err
    assert list((tmp_path / "theirs").iterdir()) == []


def test_cards_of_the_dead_are_taken_away(tmp_path: Path) -> None:
    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    pid = int(gone.stdout)
    folder(tmp_path).mkdir()
    for name in (f"sim-{pid}", "mainnet-dydx1-0"):
        announce(tmp_path, Instance(name, pid, "paper", "sim", 1))
    forget_the_dead(tmp_path)
    assert [one[0].name for one in listed(tmp_path)] == ["mainnet-dydx1-0"]


def test_a_second_one_of_its_name_leaves_it_its_card_its_ear_and_its_sign_of_life(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with attending(tmp_path, "paper-dydx1-0", lasting=True) as first:
        first.turn()
        before = listed(tmp_path)
        with attending(tmp_path, "paper-dydx1-0", lasting=True) as second:
            second.turn()
            assert "nobody can speak to this run: process" in capsys.readouterr().err
        assert listed(tmp_path) == before
        with pytest.raises(OSError, match="listens"):
            listening(before[0][1].socket)


def test_what_stands_in_another_s_place_is_left_to_him(tmp_path: Path) -> None:
    other = Instance("mainnet-dydx1-0", 1, "live", "mainnet", 5)
    with attending(tmp_path, other.name) as made:
        made.turn()
        announce(tmp_path, other)
    assert [one[0] for one in listed(tmp_path)] == [other]


def test_an_account_is_traded_by_one_session_whatever_was_removed(tmp_path: Path) -> None:
    name, pid = "mainnet-dydx1-0", os.getpid()
    assert alone(tmp_path, name) == folder(tmp_path) / f"{name}.lock"
    card = Instance(name, pid, "live", "mainnet", 1, started(pid))
    files = announce(tmp_path, card)
    with pytest.raises(PermissionProblem, match=f"{name} is in use by process {pid}: one writer") as refused:
        alone(tmp_path, name)
    assert refused.value.exit_code == EXIT_PERMISSION
    alone(tmp_path, "mainnet-dydx1-1")
    announce(tmp_path, card._replace(start=card.start + 1))
    alone(tmp_path, name)  # its number has gone to another process
    files.card.unlink()
    with listening(files.socket), pytest.raises(PermissionProblem, match=f"in use by process {pid}"):
        alone(tmp_path, name)
    assert places(tmp_path, name) == files


def test_where_sessions_cannot_be_listed_none_is_begun(tmp_path: Path) -> None:
    (tmp_path / "running").write_text("in the way")
    with pytest.raises(PermissionProblem, match="running cannot be used, so nobody could know"):
        alone(tmp_path, "mainnet-dydx1-0")
    (tmp_path / "running").unlink()
    (tmp_path / "running").symlink_to(tmp_path)
    with pytest.raises(PermissionProblem, match="running cannot be used"):
        alone(tmp_path, "mainnet-dydx1-0")
