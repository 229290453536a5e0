"""risk_pace: commands of the last second, and what is used of the chain's rates."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sniper.risk_limits import ChainLimits, Window
from sniper.risk_pace import SENT_MAX, Pace

SECOND = 10**9


def test_windows() -> None:
    pace = Pace()
    for i in range(4):
        pace.add(i * SECOND // 4, 100 + i, "conditional" if i % 2 else "short_term")
    assert pace.sent(SECOND - 1) == 4 and pace.sent(SECOND) == 3 and pace.sent(2 * SECOND) == 0
    assert pace.stateful(103) == (Window(1, 2, 1), Window(2, 20, 100))
    assert pace.short_term(102) == (Window(1, 400, 1),) and pace.short_term(103) == (Window(0, 400, 1),)
    pace.forget(SECOND, 200)
    assert pace.sent(SECOND) == 3 and pace.stateful(200) == (Window(0, 2, 1), Window(2, 20, 100))
    pace.forget(SECOND * 2, 201)
    assert pace.sent(SECOND) == 0 and pace.stateful(201)[1].used == 1
    assert pace.left(201) == 2


def test_other_rates_hold_from_when_they_are_told() -> None:
    pace = Pace()
    for _ in range(3):
        pace.add(0, 100, "conditional")
        pace.add(0, 100, "short_term")
    assert pace.left(100) == -1
    pace.limits = ChainLimits(short_term=((4000, 5),), stateful=((9, 50), (5, 2)))
    assert pace.stateful(101) == (Window(3, 5, 2), Window(3, 9, 50)) and pace.left(101) == 2
    assert pace.short_term(104) == (Window(3, 4000, 5),)
    pace.limits = ChainLimits(short_term=(), stateful=())
    assert pace.short_term(100) == () and pace.left(100) == SENT_MAX
    pace.forget(0, 200)
    assert pace.save() == ([0] * 6, [], [])


def test_bounded_and_saved() -> None:
    pace, other = Pace(), Pace()
    for i in range(2 * SENT_MAX):
        pace.add(i, i, "conditional")
        pace.forget(i, i)
    assert pace.sent(2 * SENT_MAX) == SENT_MAX and len(pace.save()[2]) == 100
    other.load(pace.save())
    assert other.save() == pace.save()


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=60))
def test_a_window_counts_what_the_chain_counts(steps: list[tuple[int, bool]]) -> None:
    """A naive twin: all heights are kept."""
    pace, sent, height = Pace(), list[tuple[int, str]](), 100
    for up, stateful in steps:
        height += up
        pace.forget(0, height)
        kind = "long_term" if stateful else "short_term"
        pace.add(0, height, kind)
        sent.append((height, kind))
        for window in pace.stateful(height):
            assert window.used == len(
                [1 for at, k in sent if k == "long_term" and at > height - window.blocks]
            )
        for window in pace.short_term(height):
            assert window.used == len(
                [1 for at, k in sent if k != "long_term" and at > height - window.blocks]
            )
