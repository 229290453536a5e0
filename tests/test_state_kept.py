"""state: what somebody removes while the database is open is noticed: lock files, the database itself."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from sniper.errors import PermissionProblem
from sniper.state import StateProblem
from sniper.state_lock import Lock
from tests.durable import cancel, opened, place
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


@pytest.mark.parametrize("ending", ["", "-wal"])
def test_a_database_that_is_moved_away_takes_no_new_risk_until_it_is_back(
    tmp_path: Path, ending: str
) -> None:
    state = opened(tmp_path / "a")
    path = state.path.with_name(state.path.name + ending)
    path.rename(tmp_path / "away")
    assert until(lambda: f"{path} is gone or was replaced" in state.problem), "though nothing is written"
    entry, exit_ = place(1), place(2, reduce_only=True)
    leaving, withheld = state.intents(1, 1, [entry, exit_, cancel(1)])
    assert leaving == [exit_, cancel(1)]
    assert [one.command for one in withheld] == [entry] and "gone or was replaced" in withheld[0].why
    with pytest.raises(apsw.Error, match="gone or was replaced"):
        state.kill("smoke")
    with pytest.raises(StateProblem, match="gone or was replaced"):
        state.reserve()
    (tmp_path / "away").rename(path)
    assert until(lambda: state.problem == ""), "it is there again"
    assert state.thread.settle(10)
    assert [i for (i,) in state.all("SELECT client_id FROM intents ORDER BY seq")] == [2, 1]
    assert state.close()


def test_one_that_was_replaced_is_noticed_by_the_next_intent_and_at_the_end(tmp_path: Path) -> None:
    state = opened(tmp_path / "a")
    state.path.rename(tmp_path / "away")
    state.path.write_bytes((tmp_path / "away").read_bytes())
    leaving, withheld = state.intents(1, 1, [place(1)])
    assert not leaving and "gone or was replaced" in withheld[0].why
    assert not state.close(), "it is not whole, and that is said"
