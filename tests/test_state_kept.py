"""state: what somebody removes while the database is open is noticed: lock files."""

from __future__ import annotations

from pathlib import Path

import pytest

from sniper.errors import PermissionProblem
from sniper.state_lock import Lock
from tests.durable import opened
from tests.loopback import until


def test_two_locks_hold_off_who_knows_either(tmp_path: Path) -> None:
    also = tmp_path / "chain-dydx1durable-0.lock"
    state = opened(tmp_path / "a", also=also)
    for folder, other in (("b", also), ("a", tmp_path / "elsewhere.lock")):
        with pytest.raises(PermissionProblem, match="chain-dydx1durable-0 is in use by process"):
            opened(tmp_path / folder, also=other)
    state.close()
    opened(tmp_path / "b", also=also).close()


def test_a_lock_that_is_removed_is_taken_anew_while_it_runs(tmp_path: Path) -> None:
    also = tmp_path / "also.lock"
    state = opened(tmp_path / "a", also=also)
    for path in (state.lock.path, also):
        path.unlink()
        until(lambda path=path: path.exists() and path.read_bytes())  # its holder is written in it last
        with pytest.raises(PermissionProblem):
            Lock(path).take()
    assert state.problem == ""
    assert state.close()


def test_where_another_one_took_it_first_nothing_new_is_risked(tmp_path: Path) -> None:
    state = opened(tmp_path / "a", also=tmp_path / "also.lock")
    other = Lock(tmp_path / "other.lock")
    other.take()
    other.path.replace(tmp_path / "also.lock")
    assert until(lambda: "lock cannot be kept: also is in use by process" in state.problem)
    other.release()
    assert until(lambda: state.problem == "")
    state.close()
