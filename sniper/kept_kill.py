"""Sees to it that a kill is on the disk before its operator is answered: in the database, else in a file beside it."""

from __future__ import annotations

import time
from typing import Final

import apsw

from sniper import kill_file
from sniper.state import State

PATIENCE_S: Final = 1.5
"""So long the loop may take to obey, and the database to write it."""
LOOK_S: Final = 0.01


def kept(state: State, verb: str, reason: str, patience_s: float = PATIENCE_S) -> str:
    """For the thread that hears the operator, once the word is in the inbox. Returns what is wrong, "": nothing."""
    if verb == "kill":
        return _kill(state, reason, patience_s)
    return _resume(state) if verb == "resume" else ""


def _kill(state: State, reason: str, patience_s: float) -> str:
    end_s, why = time.monotonic() + patience_s, ""
    while not why:
        try:
            if state.killed == reason:
                return ""
        except apsw.Error as problem:
            why = str(problem)
        if time.monotonic() > end_s:
            why = "the loop did not come to it in time"
        why = state.problem or why
        time.sleep(LOOK_S)
    try:
        kill_file.leave(state.kill_file, reason)
    except OSError as problem:
        return (
            f"the database does not hold this kill ({why}), nor does a file ({problem}): it {kill_file.LOST}"
        )
    return f"the database does not hold this kill ({why}): it lies in {state.kill_file}, which the next start reads"


def _resume(state: State) -> str:
    try:
        kill_file.lift(state.kill_file)
    except OSError as problem:
        return f"{state.kill_file} stays ({problem}): the next start reads it as a kill"
    why = state.problem
    return (
        f"the database does not write ({why}): after a crash, a kill that is in it holds again" if why else ""
    )
