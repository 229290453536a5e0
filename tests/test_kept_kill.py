"""kept_kill: a kill is on the disk before it is answered, one way or the other, or it is said that it is not."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import apsw
import pytest

from sniper.errors import PermissionProblem
from sniper.kept_kill import kept
from sniper.kill_file import LOST, UNTOLD, leave, left
from tests.durable import opened
from tests.test_written_venue import refusing


def test_a_kill_that_the_database_takes_needs_no_file(tmp_path: Path) -> None:
    state = opened(tmp_path)
    threading.Timer(0.1, state.kill, ["smoke"]).start()  # the loop obeys a little later
    assert kept(state, "kill", "smoke") == "" and not state.kill_file.exists()
    assert kept(state, "pause", "lunch") == "" and kept(state, "resume", "no fire") == ""
    state.close()


def test_a_kill_that_it_does_not_take_is_a_latch_of_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = opened(tmp_path)
    room = refusing(state, monkeypatch)
    state.thread.fail("disk is full")
    said = kept(state, "kill", "smoke")
    assert "full" in said and str(state.kill_file) in said and LOST not in said
    assert left(state.kill_file) == "smoke"
    assert "holds again" in kept(state, "resume", "no fire") and not state.kill_file.exists()
    kept(state, "kill", "fire")
    state.lock.release()  # it dies here
    other = opened(tmp_path)
    assert other.killed == "fire" and not other.kill_file.exists()
    assert other.lift("looked") == "fire"
    other.close()
    room.set()
    state.close()


def test_a_loop_that_hangs_leaves_a_kill_in_the_file(tmp_path: Path) -> None:
    state = opened(tmp_path)
    assert "in time" in kept(state, "kill", "smoke", patience_s=0.05)
    assert left(state.kill_file) == "smoke"
    state.close()


def test_a_database_that_cannot_be_read_is_no_proof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = opened(tmp_path)

    def broken(*_: Any) -> Any:
        raise apsw.IOError("disk I/O error")

    monkeypatch.setattr(state, "one", broken)
    assert "disk I/O error" in kept(state, "kill", "smoke") and left(state.kill_file) == "smoke"
    monkeypatch.undo()
    state.close()


def test_a_kill_that_lies_nowhere_is_said_so(tmp_path: Path) -> None:
    state = opened(tmp_path)
    state.kill_file.mkdir()
    assert LOST in kept(state, "kill", "smoke", patience_s=0.05)
    assert "stays" in kept(state, "resume", "no fire")
    with pytest.raises(PermissionProblem, match="cannot be taken away"):
        state.lift("looked")
    state.close()


def test_one_kill_in_both_places_is_one_latch(tmp_path: Path) -> None:
    for text in ("smoke", ""):  # without text its reason was lost
        state = opened(tmp_path)
        if not state.killed:
            state.kill("smoke")
        leave(state.kill_file, text)
        assert left(state.kill_file) == (text or UNTOLD)
        state.close()
    state = opened(tmp_path)
    assert state.all("SELECT reason FROM latches") == [("smoke",)] and not state.kill_file.exists()
    state.close()
