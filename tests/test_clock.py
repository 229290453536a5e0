"""The clock of a live run."""

from __future__ import annotations

import time

import pytest

from sniper.feed.clock import real_clock


def test_it_begins_at_real_time_and_goes_on_with_the_monotonic_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monotonic_ns = [5_000]
    monkeypatch.setattr(time, "monotonic_ns", lambda: monotonic_ns[0])
    monkeypatch.setattr(time, "time_ns", lambda: 1_700_000_000_000_000_000)
    now_ns = real_clock()
    assert now_ns() == 1_700_000_000_000_000_000
    monkeypatch.setattr(time, "time_ns", lambda: 0)  # someone sets the system's clock
    monotonic_ns[0] += 7
    assert now_ns() == 1_700_000_000_000_000_007


def test_it_never_goes_back() -> None:
    now_ns = real_clock()
    times = [now_ns() for _ in range(1000)]
    assert times == sorted(times)
    assert abs(times[0] - time.time_ns()) < 60 * 10**9
