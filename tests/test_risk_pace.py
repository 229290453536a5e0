"""risk_pace: commands of the last second, stateful orders of the last 100 blocks."""

from __future__ import annotations

from sniper.risk_pace import SENT_MAX, STATEFUL_MAX, Pace

SECOND = 10**9


def test_windows() -> None:
    pace = Pace()
    for i in range(4):
        pace.add(i * SECOND // 4, 100 + i, "conditional" if i % 2 else "short_term")
    assert (pace.sent, pace.stateful, pace.stateful_at(101), pace.stateful_at(102)) == (4, 2, 1, 0)
    pace.forget(SECOND, 200)
    assert (pace.sent, pace.stateful) == (3, 2)
    pace.forget(SECOND * 2, 201)
    assert (pace.sent, pace.stateful) == (0, 1)


def test_bounded_and_saved() -> None:
    pace, other = Pace(), Pace()
    for i in range(2 * SENT_MAX):
        pace.add(i, i, "conditional")
    assert (pace.sent, pace.stateful) == (SENT_MAX, STATEFUL_MAX)
    other.load(pace.save())
    assert other.save() == pace.save()
