"""Signals become a wish; the second SIGINT within two seconds is an order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from sniper import stopping as module
from sniper.stopping import Stopping, in_order


@pytest.fixture(autouse=True)
def heeded() -> Iterator[None]:
    """SIGHUP as it is without nohup, under which the tests may run."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


def test_signals_leave_their_exit_code() -> None:
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)):
        with Stopping() as stopping:
            assert stopping.exit_code is None
            os.kill(os.getpid(), number)
            assert stopping.exit_code == code


def test_sigint_twice_within_two_seconds_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter((10.0, 11.9))
    monkeypatch.setattr(module.time, "monotonic", lambda: next(now))
    with Stopping(), pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)


def test_sigint_again_later_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter((10.0, 12.5))
    monkeypatch.setattr(module.time, "monotonic", lambda: next(now))
    with Stopping() as stopping:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        assert stopping.exit_code == 130


def test_the_handlers_before_come_back() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with Stopping():
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_sighup_stays_ignored_under_nohup() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Stopping() as stopping:
            os.kill(os.getpid(), signal.SIGHUP)
            assert stopping.exit_code is None
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(
    ("deadline_s", "inside", "said"),
    [
        # Broken off, but what must be closed is closed; the clock's signal comes by hand, as the machine may be slow.
        (
            60.0,
            "try:\n  os.kill(os.getpid(), signal.SIGALRM)\nfinally: print('closed', flush=True)",
            "closed\n",
        ),
        # Where even that hangs, the process ends.
        (0.05, "try:\n  while True: os.getpid()\nfinally:\n  while True: os.getpid()", ""),
    ],
)
def test_sigterm_has_a_deadline(deadline_s: float, inside: str, said: str) -> None:
    lines = "\n".join(" " + line for line in inside.splitlines())
    code = f"""
import os, signal
from sniper.stopping import Stopping, in_order
with Stopping({deadline_s}):
 os.kill(os.getpid(), signal.SIGTERM)
{lines}
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (143, said, "")


def test_the_deadline_ends_with_the_block() -> None:
    with Stopping(deadline_s=60.0):
        os.kill(os.getpid(), signal.SIGTERM)
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_command_that_is_ended_closes_what_it_opened(number: int, code: int) -> None:
    closed = False
    with pytest.raises(SystemExit) as ended:
        try:
            with in_order():
                os.kill(os.getpid(), number)
        finally:
            closed = True
    assert closed and ended.value.code == code
    assert signal.getsignal(number) == signal.SIG_DFL


def test_who_has_a_handler_keeps_it() -> None:
    with Stopping() as stopping, in_order():
        os.kill(os.getpid(), signal.SIGTERM)
        assert stopping.exit_code == 143
