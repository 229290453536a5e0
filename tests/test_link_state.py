"""The life of one connection."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper.feed.backoff import Backoff, Waits
from sniper.feed.link_state import TRANSITIONS, Happening, Link, State

H, S = Happening, State
EXACT = Waits(jitter=0.0, restart_spread_s=0.0)


def link(now_s: float = 0.0) -> Link:
    return Link(Backoff(Random(1), EXACT), now_s)


def drive(subject: Link, *happenings: Happening, now_s: float = 0.0) -> Link:
    for happening in happenings:
        subject.step(happening, now_s)
    return subject


def live(now_s: float = 0.0) -> Link:
    return drive(link(), H.START, H.DUE, H.OPENED, H.CONNECTED, H.COMPLETE, now_s=now_s)


def test_the_way_up_and_down() -> None:
    subject = link()
    for happening, state in (
        (H.START, S.WAITING),
        (H.DUE, S.CONNECTING),
        (H.OPENED, S.OPEN),
        (H.CONNECTED, S.SUBSCRIBING),
        (H.COMPLETE, S.LIVE),
        (H.WANTING, S.SUBSCRIBING),
        (H.COMPLETE, S.LIVE),
        (H.SILENT, S.CLOSED),
        (H.LOST, S.CLOSED),
        (H.REST, S.WAITING),
        (H.DUE, S.CONNECTING),
        (H.TOO_MANY, S.LIMITED),
        (H.DUE, S.CONNECTING),
        (H.REFUSED, S.CLOSED),
        (H.REST, S.WAITING),
        (H.STOP, S.STOPPED),
        (H.LOST, S.STOPPED),
        (H.START, S.WAITING),
    ):
        assert subject.step(happening, 0.0) is state is subject.state


def test_each_end_costs_one_wait_and_a_long_life_starts_anew() -> None:
    subject = live(now_s=1.0)
    subject.step(H.SILENT, 10.0, alive_s=4.0)
    subject.step(H.LOST, 11.0, code=1006, alive_s=4.0)  # the same end, told by the socket
    subject.step(H.REST, 11.0)
    assert subject.wake_s == 12.0
    drive(subject, H.DUE, now_s=12.0)
    subject.step(H.LOST, 13.0)
    subject.step(H.REST, 13.0)
    assert subject.wake_s == 14.5
    drive(subject, H.DUE, H.OPENED, H.CONNECTED, now_s=14.5)
    subject.step(H.LOST, 30.0, alive_s=15.5)
    subject.step(H.REST, 30.0)
    assert subject.wake_s == 31.0


def test_429_waits_long_and_longer() -> None:
    subject = drive(link(), H.START, H.DUE)
    subject.step(H.TOO_MANY, 5.0)
    assert (subject.state, subject.wake_s) == (S.LIMITED, 65.0)
    subject.step(H.DUE, 65.0)
    subject.step(H.TOO_MANY, 66.0)
    assert subject.wake_s == 186.0


def test_uptime_counts_only_what_the_indexer_greeted() -> None:
    subject = drive(link(0.0), H.START, H.DUE, H.OPENED)
    assert not subject.up
    subject.step(H.CONNECTED, 10.0)
    subject.step(H.COMPLETE, 12.0)
    assert subject.up
    assert subject.uptime_ratio(20.0) == 0.5
    assert subject.since_s == 12.0
    subject.step(H.LOST, 30.0)
    assert subject.uptime_ratio(40.0) == 0.5
    assert subject.reconnects == 0
    drive(subject, H.REST, H.DUE, H.OPENED, H.CONNECTED, now_s=40.0)
    assert subject.reconnects == 1
    assert subject.uptime_ratio(80.0) == 0.75
    assert link(5.0).uptime_ratio(5.0) == 0.0


def test_the_first_wait_can_be_set() -> None:
    subject = drive(link(), H.START)
    assert subject.wake_s == 0.0
    subject.delay(0.75, 2.0)
    assert subject.wake_s == 2.75


def test_what_cannot_happen_is_our_fault() -> None:
    with pytest.raises(ValueError, match="connection: opened in state idle"):
        link().step(H.OPENED, 0.0)
    with pytest.raises(ValueError, match="connection: due in state live"):
        live().step(H.DUE, 0.0)


def test_every_state_can_be_reached_and_be_stopped() -> None:
    reached = {S.IDLE}
    while more := {new for (old, _), new in TRANSITIONS.items() if old in reached} - reached:
        reached |= more
    assert reached == set(S)
    assert all(TRANSITIONS[state, H.STOP] is S.STOPPED for state in S)


@given(st.lists(st.tuples(st.sampled_from(H), st.floats(0.0, 100.0)), max_size=60))
def test_no_sequence_breaks_the_account_of_time(steps: list[tuple[Happening, float]]) -> None:
    subject, now_s = link(), 0.0
    for happening, elapsed_s in steps:
        now_s += elapsed_s
        before = subject.state
        if (before, happening) not in TRANSITIONS:
            with pytest.raises(ValueError, match="in state"):
                subject.step(happening, now_s)
            assert subject.state is before
            continue
        subject.step(happening, now_s)
        assert 0.0 <= subject.uptime_ratio(now_s) <= 1.0
        assert subject.since_s <= now_s
        if subject.state is S.LIMITED and before is not S.LIMITED:
            assert subject.wake_s >= now_s + EXACT.limited_first_s
        elif happening is H.REST and subject.state is S.WAITING:
            assert subject.wake_s >= now_s + EXACT.first_s
