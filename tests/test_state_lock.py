"""state_lock: one holder at a time, named; a dead one's lock is taken over."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sniper.errors import EXIT_PERMISSION, PermissionProblem
from sniper.state_lock import Lock, alive, started

HOLD = """
import sys, time
from pathlib import Path
from sniper.state_lock import Lock
lock = Lock(Path(sys.argv[1]))
lock.take()
print("held", flush=True)
sys.stdin.read()
"""


def holding(path: Path) -> subprocess.Popen[str]:
    """A process that has the lock."""
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None and child.stdout.readline() == "held\n"
    return child


def test_another_process_is_named_and_a_dead_one_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "chain-dydx1a-0.lock"
    child = holding(path)
    lock = Lock(path)
    with pytest.raises(
        PermissionProblem, match=f"chain-dydx1a-0 is in use by process {child.pid} "
    ) as refused:
        lock.take()
    assert refused.value.exit_code == EXIT_PERMISSION
    start = started(child.pid)
    child.kill()
    child.wait()
    lock.take()
    assert lock.tookover is not None
    assert (lock.tookover.pid, lock.tookover.start) == (child.pid, start)
    lock.release()
    lock.release()


def test_a_lock_that_was_let_go_left_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    for _ in range(2):
        lock = Lock(path)
        lock.take()
        assert lock.tookover is None and path.stat().st_mode & 0o777 == 0o600
        lock.release()


def test_of_many_one_gets_it(tmp_path: Path) -> None:
    children = [
        subprocess.Popen(
            [sys.executable, "-c", HOLD, str(tmp_path / "a.lock")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        for _ in range(4)
    ]  # fmt: skip
    said = [child.stdout.readline() if child.stdout else "" for child in children]
    for child in children:
        child.communicate()
    assert sorted(said) == ["", "", "", "held\n"]


def test_a_holder_that_cannot_be_read_is_another_process(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    child = holding(path)
    path.write_bytes(b"\xff scribble")
    with pytest.raises(PermissionProblem, match="in use by another process"):
        Lock(path).take()
    child.communicate()
    assert Lock(path).tookover is None


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_bytes(b"text")
    (tmp_path / "a.lock").symlink_to(tmp_path / "precious")
    with pytest.raises(OSError, match="symbolic"):
        Lock(tmp_path / "a.lock").take()
    assert (tmp_path / "precious").read_bytes() == b"text"


def test_when_a_process_was_started() -> None:
    assert started(os.getpid()) > 0 and started(1 << 30) == 0


def test_a_lock_whose_file_is_removed_is_taken_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    lock = Lock(path)
    lock.keep()  # not taken yet: nothing to keep
    assert not path.exists()
    lock.take()
    lock.keep()
    path.unlink()
    lock.keep()
    with pytest.raises(PermissionProblem, match=f"process {os.getpid()} "):
        Lock(path).take()
    lock.release()
    Lock(path).take()


def test_who_took_a_removed_one_first_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    lock = Lock(path)
    lock.take()
    path.unlink()
    child = holding(path)
    with pytest.raises(PermissionProblem, match=f"process {child.pid} "):
        lock.keep()
    child.communicate()
    lock.keep()
    with pytest.raises(PermissionProblem, match=f"process {os.getpid()} "):
        Lock(path).take()


def test_a_file_that_goes_between_opening_and_locking_holds_nobody_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, lock_file = tmp_path / "a.lock", fcntl.flock

    def slow(file: int, how: int) -> None:
        monkeypatch.undo()
        path.unlink()
        lock_file(file, how)

    monkeypatch.setattr(fcntl, "flock", slow)
    lock = Lock(path)
    lock.take()
    with pytest.raises(PermissionProblem):
        Lock(path).take()
    lock.release()


def test_who_is_alive() -> None:
    here = os.getpid()
    assert alive(here) and alive(here, started(here)) and alive(1)
    assert not alive(here, started(here) + 1), "another process has its number"
    assert not alive(0) and not alive(-1) and not alive(1 << 30) and not alive(1 << 80)
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not alive(child.pid), "only its entry is left"
    child.wait()
