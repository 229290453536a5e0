"""Signals become a wish; the second SIGINT within two seconds is an order."""

from __future__ import annotations

import os
import signal

import pytest

from sniper import stopping as module
from sniper.stopping import Stopping


def test_signals_leave_their_exit_code() -> None:
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
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
