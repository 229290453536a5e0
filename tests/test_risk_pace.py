"""risk_pace: commands of the last second, and what is used of the chain's rates."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sniper.risk_limits import ChainLimits, Window
from sniper.risk_pace import SENT_MAX, Pace, SavedPace

SECOND = 10**9


def test_windows() -> None:
    pace = Pace()
    for i in range(4):
        pace.add(i * SECOND // 4, 100 + i, "conditional" if i % 2 else "short_term")
    assert pace.sent(SECOND - 1) == 4 and pace.sent(SECOND) == 3 and pace.sent(2 * SECOND) == 0
    assert pace.stateful(0, 103) == (Window(1, 2, 1), Window(2, 20, 100))
    assert pace.short_term(0, 103) == (Window(0, 400, 1),)
    pace.add(3 * SECOND // 4, 103, "short_term")
    assert pace.short_term(0, 103) == (Window(1, 400, 1),) and pace.short_term(0, 104) == (Window(0, 400, 1),)
    pace.forget(SECOND, 200)
    assert pace.sent(SECOND) == 4 and pace.stateful(SECOND, 200) == (Window(0, 2, 1), Window(2, 20, 100))
    pace.forget(SECOND * 2, 201)
    assert pace.sent(SECOND) == 0 and pace.stateful(2 * SECOND, 201)[1].used == 1
    assert pace.left(2 * SECOND, 201) == 2


def test_other_rates_hold_from_when_they_are_told() -> None:
    pace = Pace()
    for _ in range(3):
        pace.add(0, 100, "conditional")
        pace.add(0, 100, "short_term")
    assert pace.left(0, 100) == -1
    pace.limits = ChainLimits(short_term=((4000, 5),), stateful=((9, 50), (5, 2)))
    assert pace.stateful(0, 101) == (Window(3, 5, 2), Window(3, 9, 50)) and pace.left(0, 101) == 2
    assert pace.short_term(0, 104) == (Window(3, 4000, 5),)
    pace.limits = ChainLimits(short_term=(), stateful=())
    assert pace.short_term(0, 100) == () and pace.left(0, 100) == SENT_MAX
    pace.forget(0, 200)
    assert pace.save() == SavedPace([0] * 6, [], [], (100, 0))


def test_bounded_and_saved() -> None:
    pace, other = Pace(), Pace()
    for i in range(2 * SENT_MAX):
        pace.add(i, i, "conditional")
        pace.forget(i, i)
    assert pace.sent(2 * SENT_MAX) == SENT_MAX and len(pace.save().stateful) == 100
    other.load(pace.save())
    assert other.save() == pace.save()


def test_time_goes_on_where_the_height_does_not() -> None:
    pace, now_ns = Pace(3 * SECOND), 1_000 * SECOND
    assert pace.height(now_ns, 0) == 0 and pace.height(now_ns, 100) == 100, "nothing was sent yet"
    for _ in range(2):
        pace.add(now_ns, 100, "conditional")
    assert pace.left(now_ns + 3 * SECOND - 1, 100) == 0 and pace.left(now_ns + 3 * SECOND, 100) == 2
    pace.add(now_ns + 5 * SECOND, 100, "conditional")
    pace.add(now_ns + 5 * SECOND, 100, "conditional")
    assert pace.left(now_ns + 6 * SECOND - 1, 100) == 0 and pace.left(now_ns + 6 * SECOND, 100) == 2
    other = Pace(3 * SECOND)
    other.load(pace.save())
    assert other.height(now_ns + 6 * SECOND, 100) == 102 and other.save() == pace.save()
    # News of a height that time had already come to change nothing; a higher one counts, and time from it on.
    assert (
        pace.height(now_ns + 6 * SECOND, 101) == 102 and pace.stateful(now_ns + 6 * SECOND, 101)[1].used == 4
    )
    pace.add(now_ns + 7 * SECOND, 130, "conditional")
    assert pace.height(now_ns + 9 * SECOND, 130) == 130 and pace.height(now_ns + 10 * SECOND, 130) == 131
    assert pace.height(0, 130) == 130, "time does not go back"


def test_time_may_be_left_out() -> None:
    pace = Pace(0)
    pace.add(SECOND, 100, "conditional")
    assert pace.stateful(10_000 * SECOND, 100)[0].used == 1


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
        for window in pace.stateful(0, height):
            assert window.used == len(
                [1 for at, k in sent if k == "long_term" and at > height - window.blocks]
            )
        for window in pace.short_term(0, height):
            assert window.used == len(
                [1 for at, k in sent if k != "long_term" and at > height - window.blocks]
            )
