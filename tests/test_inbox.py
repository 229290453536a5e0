"""The inbox: order, bounds, gaps, and the waiting reader."""

from __future__ import annotations

import signal
import threading
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper.inbox import Inbox
from sniper.types import REC_FRAME, REC_GAP, REC_LINK, REC_OPERATOR, REC_REST, Record

ALL = 1 << 30


def put(inbox: Inbox, connection: int, data: bytes, kind: int = REC_FRAME, recv_ns: int = 7) -> bool:
    return inbox.put(recv_ns, connection, kind, data)


def test_records_come_out_as_they_went_in() -> None:
    inbox = Inbox(10, 1000)
    for i in range(5):
        assert inbox.put(100 + i, i % 2, REC_FRAME, b"frame %d" % i)
    assert (inbox.records, inbox.bytes) == (5, 35)
    assert inbox.drain(ALL, ALL) == [(100 + i, i % 2, REC_FRAME, b"frame %d" % i) for i in range(5)]
    assert (inbox.records, inbox.bytes) == (0, 0)
    assert inbox.drain(ALL, ALL) == []


def test_a_drain_stops_before_the_limits() -> None:
    inbox = Inbox(10, 1000)
    for size in (10, 20, 30, 40):
        put(inbox, 0, b"x" * size)
    assert [len(r[3]) for r in inbox.drain(59, ALL)] == [10, 20]
    assert [len(r[3]) for r in inbox.drain(ALL, 1)] == [30]
    assert (inbox.records, inbox.bytes) == (1, 40)
    assert [len(r[3]) for r in inbox.drain(40, 1)] == [40]


def test_a_record_larger_than_the_drain_comes_alone() -> None:
    inbox = Inbox(10, 1000)
    put(inbox, 0, b"x" * 500)
    put(inbox, 0, b"y")
    assert [r[3] for r in inbox.drain(100, ALL)] == [b"x" * 500]
    assert [r[3] for r in inbox.drain(100, ALL)] == [b"y"]


def test_lost_records_become_one_gap_of_their_connection() -> None:
    inbox = Inbox(3, 1000)
    assert all(put(inbox, 0, data, recv_ns=1) for data in (b"a", b"b", b"c"))
    assert not put(inbox, 0, b"ccc", recv_ns=3)
    assert not put(inbox, 1, b"other", recv_ns=4)
    assert not put(inbox, 0, b"dddd", recv_ns=5)
    assert (inbox.overflows, inbox.lost_records, inbox.lost_bytes) == (2, 3, 12)
    assert [r[3] for r in inbox.drain(ALL, ALL)] == [b"a", b"b", b"c"]
    assert put(inbox, 0, b"e", recv_ns=6)
    assert inbox.drain(ALL, ALL) == [
        (5, 0, REC_GAP, b"2 7"),
        (4, 1, REC_GAP, b"1 5"),
        (6, 0, REC_FRAME, b"e"),
    ]


def test_no_record_of_the_connection_enters_before_the_gap_was_queued() -> None:
    inbox = Inbox(10, 100)
    assert put(inbox, 0, b"x" * 90)
    assert not put(inbox, 0, b"y" * 20)
    assert not put(inbox, 0, b"z"), "it would fit, but it would come before the gap"
    assert put(inbox, 1, b"z"), "another connection is not concerned"
    assert [r[3] for r in inbox.drain(ALL, ALL)] == [b"x" * 90, b"z"]
    assert put(inbox, 0, b"after")
    assert [r[3] for r in inbox.drain(ALL, ALL)] == [b"2 21", b"after"]


def test_a_record_larger_than_the_inbox_is_told_at_once() -> None:
    called: list[int] = []
    inbox = Inbox(10, 100, wake=lambda: called.append(1))
    assert not put(inbox, 3, b"x" * 101, recv_ns=9)
    assert called == [1]
    assert inbox.wait(0.0)
    assert inbox.drain(ALL, ALL) == [(9, 3, REC_GAP, b"1 101")]


def test_the_word_of_the_feed_and_of_the_operator_passes_a_full_inbox() -> None:
    inbox = Inbox(3, 1000)
    for data in (b"a", b"b", b"c"):
        put(inbox, 0, data)
    assert not put(inbox, 0, b"lost", REC_REST)
    assert put(inbox, 0, b"3 1006 gone", REC_LINK), "a closed connection must not be lost to a flood"
    assert put(inbox, 0, b"pause", REC_OPERATOR)
    kinds = [r[2] for r in inbox.drain(ALL, ALL)]
    assert kinds == [REC_FRAME, REC_FRAME, REC_FRAME, REC_GAP, REC_LINK, REC_OPERATOR], (
        "the gap keeps its place"
    )


def test_even_those_are_bounded() -> None:
    inbox = Inbox(2, 1000)
    stored = [put(inbox, 0, b"x", REC_LINK) for _ in range(10)]
    assert stored == [True] * 4 + [False] * 6
    inbox.drain(ALL, ALL)
    assert inbox.drain(ALL, ALL) == [(7, 0, REC_GAP, b"6 6")]


def test_high_water_marks() -> None:
    inbox = Inbox(10, 1000)
    put(inbox, 0, b"12345")
    put(inbox, 0, b"12345")
    assert (inbox.records_high, inbox.bytes_high) == (2, 10)
    inbox.drain(ALL, ALL)
    put(inbox, 0, b"1")
    assert (inbox.records_high, inbox.bytes_high) == (2, 10)


def test_limits_are_checked() -> None:
    with pytest.raises(ValueError):
        Inbox(0, 1)
    with pytest.raises(ValueError):
        Inbox(1, 0)


def test_wake_is_called_when_the_inbox_was_empty() -> None:
    called: list[int] = []
    inbox = Inbox(10, 1000, wake=lambda: called.append(inbox.records))
    put(inbox, 0, b"a")
    put(inbox, 0, b"b")
    inbox.drain(ALL, ALL)
    put(inbox, 0, b"c")
    assert called == [1, 1]


def test_wait_returns_without_a_record_after_the_timeout() -> None:
    inbox = Inbox(10, 1000)
    assert not inbox.wait(0.0)
    assert not inbox.wait(0.001)
    put(inbox, 0, b"a")
    assert inbox.wait(0.0) and inbox.wait(10.0)


def test_a_put_of_another_thread_ends_the_wait() -> None:
    inbox = Inbox(10, 1000)
    for i in range(50):
        thread = threading.Thread(target=put, args=(inbox, 0, b"%d" % i))
        thread.start()
        while not inbox.wait(10.0):
            raise AssertionError("nothing came")
        assert [r[3] for r in inbox.drain(ALL, ALL)] == [b"%d" % i]
        thread.join()
        assert not inbox.wait(0.0)


def test_an_interrupted_wait_leaves_the_inbox_usable() -> None:
    class Alarm(Exception):
        pass

    def ring(*_: object) -> None:
        raise Alarm

    inbox = Inbox(10, 1000)
    before = signal.signal(signal.SIGALRM, ring)
    try:
        for _ in range(3):
            signal.setitimer(signal.ITIMER_REAL, 0.005)
            with pytest.raises(Alarm):
                inbox.wait(10.0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert put(inbox, 0, b"a") and put(inbox, 0, b"b")
    assert inbox.wait(0.0) and len(inbox.drain(ALL, ALL)) == 2
    assert not inbox.wait(0.001)


class Account:
    """Checks that what comes out, records and gaps, tells the whole story of what was put, in order."""

    def __init__(self) -> None:
        self.next: dict[int, int] = defaultdict(int)

    def take(self, records: list[Record]) -> None:
        for _, connection, kind, data in records:
            if kind == REC_GAP:
                self.next[connection] += int(data.split()[0])
            else:
                assert int(data.split()[0]) == self.next[connection]
                self.next[connection] += 1


def test_four_threads_and_a_small_inbox_lose_nothing_silently() -> None:
    inbox, account = Inbox(64, 2048), Account()
    count, writers = 3000, 4

    def write(connection: int) -> None:
        for i in range(count):
            put(inbox, connection, b"%d " % i + b"." * (i % 60))

    threads = [threading.Thread(target=write, args=(c,)) for c in range(writers)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads) or inbox.records:
        if inbox.wait(0.01):
            account.take(inbox.drain(512, 16))
    account.take(inbox.drain(ALL, ALL))
    account.take(inbox.drain(ALL, ALL))
    assert account.next == dict.fromkeys(range(writers), count)
    assert inbox.records_high <= 64 + writers and inbox.bytes_high <= 2048 + writers * 12


PUTS = st.tuples(
    st.integers(0, 2), st.sampled_from([REC_FRAME, REC_REST, REC_LINK, REC_OPERATOR]), st.integers(0, 50)
)
DRAINS = st.tuples(st.just("drain"), st.integers(0, 150), st.integers(1, 8))


@given(st.lists(st.one_of(PUTS, DRAINS), max_size=80), st.integers(1, 8), st.integers(1, 120))
def test_any_mixture_of_puts_and_drains(
    steps: list[tuple[str, int, int] | tuple[int, int, int]], records_max: int, bytes_max: int
) -> None:
    inbox, account = Inbox(records_max, bytes_max), Account()
    put_so_far: dict[int, int] = defaultdict(int)
    lost = 0
    for step in steps:
        if step[0] == "drain":
            before = inbox.records
            taken = inbox.drain(step[1], step[2])
            assert len(taken) <= step[2] and (not before or taken)
            assert len(taken) == 1 or sum(len(r[3]) for r in taken) <= step[1]
            account.take(taken)
        else:
            connection, kind, size = step
            data = b"%d " % put_so_far[connection] + b"." * size
            put_so_far[connection] += 1
            had = (inbox.records, inbox.bytes)
            if not inbox.put(1, connection, kind, data):
                lost += 1
                assert inbox.records == had[0] or had[0] == 0
            assert inbox.records <= 2 * records_max + 3
        assert inbox.records == 0 or inbox.wait(0.0)
    assert inbox.lost_records == lost
    while inbox.records:
        account.take(inbox.drain(ALL, ALL))
    assert account.next == {c: n for c, n in put_so_far.items() if n}
