"""Modes of the session: entered at once, left step by step, the same at every replay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper.order_record import Claim
from sniper.resilience import (
    CRITICAL,
    DEGRADED,
    EMERGENCY,
    MODES,
    NORMAL,
    SECOND_NS,
    Resilience,
    ResilienceSettings,
    Signs,
    described,
    lost_and_barred,
    table,
)
from sniper.trading import Answer

DOCUMENT = Path(__file__).parent.parent / "docs" / "resilience.md"


def stage(**changes: Any) -> Resilience:
    return Resilience(ResilienceSettings(on=True)._replace(**changes))


def signs(now_s: float, **changes: Any) -> Signs:
    now_ns = round(now_s * 1e9)
    return Signs(now_ns, now_ns, "live", True, 0, 0)._replace(**changes)


def begun() -> Resilience:
    made = stage()
    assert made.apply(signs(100)) is None and made.mode == NORMAL
    return made


def test_off_it_is_normal_whatever_happens() -> None:
    made = Resilience(ResilienceSettings())
    assert made.apply(signs(1, trust="empty", settled=False, lost=99, unknown=99, feed_ns=0)) is None
    assert made.mode == NORMAL and made.size_ppm == 1_000_000


@pytest.mark.parametrize(("after_s", "mode"), [(2.9, NORMAL), (3, DEGRADED), (8, CRITICAL), (60, EMERGENCY)])
def test_an_old_feed(after_s: float, mode: int) -> None:
    made = begun()
    made.apply(signs(100 + after_s, feed_ns=100 * SECOND_NS))
    assert made.mode == mode
    if mode:
        (change,) = made.changes
        assert (change.before, change.after, change.sign) == ("normal", MODES[mode], "feed")
        assert change.figure == pytest.approx(after_s) and "feed" in described(change)


@pytest.mark.parametrize(
    ("after_s", "mode"), [(1.9, NORMAL), (2, DEGRADED), (20, CRITICAL), (180, EMERGENCY)]
)
def test_an_account_that_is_not_trusted(after_s: float, mode: int) -> None:
    made = begun()
    made.apply(signs(100 + after_s, trust="doubtful"))
    assert made.mode == mode


@pytest.mark.parametrize(
    ("after_s", "mode"), [(4.9, NORMAL), (5, DEGRADED), (90, CRITICAL), (600, EMERGENCY)]
)
def test_books_that_are_not_reconciled(after_s: float, mode: int) -> None:
    made = begun()
    made.apply(signs(100 + after_s, settled=False))
    assert made.mode == mode


@pytest.mark.parametrize(("lost", "mode"), [(0, NORMAL), (1, DEGRADED), (3, CRITICAL), (10, EMERGENCY)])
def test_answers_that_did_not_come_count_for_a_while(lost: int, mode: int) -> None:
    made = begun()
    for i in range(lost):
        made.apply(signs(100 + i * 0.1, lost=1))
    assert made.mode == mode
    for i in range(200):
        made.apply(signs(102 + i))
    assert made.mode == NORMAL


def test_a_key_that_the_node_does_not_take_any_more_leaves_reductions_only() -> None:
    made = begun()
    refusals = [
        Answer("place", 1, 1, "accountplus failed to get initialized authenticator"),
        Answer("place", 2, 4, "sdk signature verification failed: unauthorized"),
        Answer("cancel", 3, 100, "accountplus Signature verification failed"),
    ]
    others = [
        Answer(
            "place", 4, 102, "accountplus Clob pair id verification failed"
        ),  # a good key, but not for this
        Answer("place", 5, 2003, "clob Post-only order would cross"),
        Answer("place", 6, -1, "accountplus"),
        Answer("place", 7, 0, "0A1B"),
    ]
    assert lost_and_barred(others) == (1, 0) and lost_and_barred([*others, *refusals]) == (1, 3)
    for i, answer in enumerate(refusals):
        made.apply(signs(101 + i, barred=lost_and_barred([answer])[1]))
    assert made.mode == CRITICAL and made.cause == "key refused 3, limit 3"
    made.load(made.save())
    made.apply(signs(104 + 60))
    made.apply(signs(104 + 71))
    assert made.mode == DEGRADED, "as soon as none was refused for long enough, step by step"


@pytest.mark.parametrize(("unknown", "mode"), [(1, DEGRADED), (4, CRITICAL), (16, EMERGENCY)])
def test_orders_of_unknown_fate(unknown: int, mode: int) -> None:
    made = begun()
    made.apply(signs(101, unknown=unknown))
    assert made.mode == mode


def test_it_is_left_one_step_at_a_time() -> None:
    made = begun()
    made.apply(signs(101, unknown=99))
    seen = []
    for i in range(60):
        if change := made.apply(signs(102 + i)):
            seen.append((change.before, change.after, change.now_ns // SECOND_NS))
    assert seen == [
        ("emergency", "critical", 112),
        ("critical", "degraded", 123),
        ("degraded", "normal", 134),
    ]


def test_a_sign_on_the_way_back_starts_the_wait_anew() -> None:
    made = begun()
    made.apply(signs(101, unknown=4))
    made.apply(signs(102))
    made.apply(signs(111, unknown=4))
    assert made.apply(signs(112.5)) is None
    assert made.apply(signs(122)) is None
    assert made.apply(signs(122.5)) is not None


def test_sizes_in_a_degraded_session() -> None:
    made = begun()
    made.apply(signs(101, unknown=1))
    assert made.size_ppm == 500_000
    made.apply(signs(102, unknown=99))
    assert made.size_ppm == 1_000_000  # nothing is opened there at all


def claim(client_id: int, purpose: str = "entry", state: str = "acked") -> Claim:
    return Claim(client_id, 0, 0, 1, 1, "short_term", "gtt", False, purpose, state, 0)


def test_an_emergency_takes_back_what_rests_but_no_stops() -> None:
    made = begun()
    claims = [claim(1), claim(2, "exit"), claim(3, "protect"), claim(4, state="fading")]
    assert made.withdraws(1, claims) == []
    made.apply(signs(101, unknown=99))
    assert [one.client_id for one in made.withdraws(101 * SECOND_NS, claims)] == [1, 2]
    assert made.withdraws(102 * SECOND_NS, claims) == []
    assert [one.client_id for one in made.withdraws(103 * SECOND_NS, claims)] == [1, 2]


@pytest.mark.parametrize(
    "changes", [{"feed_degraded_ns": 9 * SECOND_NS}, {"lost_critical": 0}, {"unknown_degraded": 0}]
)
def test_limits_that_do_not_rise_are_refused(changes: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="rise"):
        stage(**changes)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 30), st.sampled_from(("live", "doubtful")), st.booleans(), st.integers(0, 3)
        ),
        max_size=40,
    )
)
def test_saved_and_loaded_it_goes_on_the_same(steps: list[tuple[int, str, bool, int]]) -> None:
    one, other, now_s = stage(), stage(), 100
    for wait_s, trust, settled, count in steps:
        now_s += wait_s
        here = signs(now_s, trust=trust, settled=settled, lost=count, unknown=count)
        other.load(one.save())
        assert one.apply(here) == other.apply(here)
        assert one.withdraws(here.now_ns, [claim(1)]) == other.withdraws(here.now_ns, [claim(1)])
        assert one.save() == other.save() and one.mode == other.mode
        # A worse mode at once: nothing that calls for more is ever left waiting.
        assert one.mode >= (count >= 1)


def test_bytes_that_are_no_state_are_refused() -> None:
    with pytest.raises(ValueError, match="resilience"):
        stage().load(b"\x93")


def test_the_document_shows_the_table() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    for row in table(ResilienceSettings()):
        assert "| " + " | ".join(row) + " |" in text, row
    for mode in MODES:
        assert f"| {mode} |" in text


def test_the_present_mode_says_since_when_and_why() -> None:
    made = stage()
    assert (made.since_ns, made.cause) == (0, "")
    made.apply(signs(100))
    assert (made.since_ns, made.cause) == (100 * SECOND_NS, "")
    made.apply(signs(109, feed_ns=100 * SECOND_NS))
    assert (made.since_ns, made.cause) == (109 * SECOND_NS, "feed 9 s, limit 8 s")
    for now_s in (110, 121):
        made.apply(signs(now_s))
    assert (made.since_ns, made.cause) == (121 * SECOND_NS, "was critical, getting better")
    for now_s in (122, 133):
        made.apply(signs(now_s))
    assert made.mode == NORMAL and (made.since_ns, made.cause) == (133 * SECOND_NS, "")
    made.apply(signs(134, unknown=2))
    assert made.cause == "orders 2, limit 1"
