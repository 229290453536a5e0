"""state_thread: bounded, in order, put together is written together, a refused write is tried again."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import apsw
import pytest

from sniper import state_thread
from sniper.state_file import CHECKPOINT_PAGES
from sniper.state_thread import BATCH_MAX, Row, StateThread, grouped
from tests.durable import opened
from tests.loopback import until


class Disk:
    """Takes rows, or refuses them."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.flushed: list[bool] = []
        self.sizes: list[int] = []
        self.refuses = ""
        self.gate = threading.Event()
        self.gate.set()

    def write(self, rows: Sequence[Row], flush: bool) -> None:
        self.gate.wait(10)
        if self.refuses:
            raise apsw.FullError(self.refuses)
        self.rows += rows
        self.sizes.append(len(rows))
        self.flushed.append(flush)


def row(at: int) -> Row:
    return "facts", ("n", at)


def made(disk: Disk, **settings: float) -> StateThread:
    log = apsw.Connection(":memory:")
    return StateThread(disk.write, log, flush_s=0.01, retry_s=0.01, **settings)  # type: ignore[arg-type]


def test_rows_come_in_order_and_what_was_put_together_is_written_together() -> None:
    disk = Disk()
    disk.gate.clear()
    thread = made(disk)
    sizes = [1, BATCH_MAX - 1, 2, 3 * BATCH_MAX, 1]
    numbers = iter(range(10_000))
    for size in sizes:
        assert thread.put([row(next(numbers)) for _ in range(size)])
    disk.gate.set()
    assert thread.settle(10)
    assert [values[1] for _, values in disk.rows] == list(range(sum(sizes)))
    ends = {sum(disk.sizes[: i + 1]) for i in range(len(disk.sizes))}
    assert ends <= {sum(sizes[: i + 1]) for i in range(len(sizes))}, "a put is never torn"
    assert not any(disk.flushed)
    thread.put([row(0)], urgent=True)
    assert thread.settle(10) and disk.flushed[-1]
    assert thread.close()


def test_what_finds_no_room_is_lost_loudly_and_the_whole_is_asked_for() -> None:
    disk = Disk()
    disk.refuses = "disk is full"
    thread = made(disk, queue_max=10)
    assert thread.put([row(i) for i in range(8)])
    until(lambda: thread.problem == "disk is full")
    assert not thread.put([row(i) for i in range(3)]) and thread.lost == 3
    assert thread.put([row(8)]) and not thread.again
    disk.refuses = ""
    assert thread.settle(10)
    until(lambda: not thread.problem)
    assert thread.again and [values[1] for _, values in disk.rows] == list(range(9))
    assert thread.close()


def test_a_full_queue_alone_is_a_problem() -> None:
    disk = Disk()
    disk.gate.clear()
    thread = made(disk, queue_max=2)
    assert thread.put([row(1), row(2)]) and not thread.put([row(3)])
    assert "rows behind" in thread.problem
    disk.gate.set()
    assert thread.settle(10)
    until(lambda: thread.again and not thread.problem)
    assert thread.close()


def test_a_problem_that_somebody_else_found_ends_with_a_trial() -> None:
    disk = Disk()
    thread = made(disk)
    thread.fail("an intent was refused")
    until(lambda: not thread.problem)
    assert disk.rows == [] and disk.sizes == [0] and disk.flushed == [True]
    assert thread.close()


def test_the_end_says_what_is_missing() -> None:
    disk = Disk()
    disk.refuses = "no"
    thread = made(disk)
    thread.put([row(1)])
    assert not thread.close()


def test_jobs_are_done_and_a_fault_is_told() -> None:
    done: list[str] = []
    disk = Disk()
    thread = made(disk)
    thread.do(lambda: done.append(threading.current_thread().name))
    until(lambda: done == ["state"])

    def fault(args: threading.ExceptHookArgs) -> None:
        done.append(args.exc_type.__name__)

    before, threading.excepthook = threading.excepthook, fault
    try:
        thread.do(lambda: 1 // 0)  # type: ignore[arg-type, return-value]
        until(lambda: "unexpectedly" in thread.problem)
    finally:
        threading.excepthook = before
    assert done[1:] == ["ZeroDivisionError"]


def test_neighbours_share_a_statement() -> None:
    rows: list[Row] = [("base", (1,)), ("base", (2,)), ("held", (3,)), ("base", (4,))]
    assert [(statement.split()[0:3], values) for statement, values in grouped(rows)] == [
        (["INSERT", "OR", "IGNORE"], [(1,), (2,)]),
        (["INSERT", "INTO", "positions"], [(3,)]),
        (["INSERT", "OR", "IGNORE"], [(4,)]),
    ]


def test_a_long_log_is_taken_over_into_the_file(tmp_path: Path) -> None:
    state = opened(tmp_path)
    for _ in range(3):
        state.put([("bots", (f"{i}", b"x" * 4096, 1, 1, 1)) for i in range(CHECKPOINT_PAGES)])
        assert state.thread.settle(10)
    pages = state._log.execute("PRAGMA wal_checkpoint(NOOP)").get
    assert pages[2] > 0 and pages[1] - pages[2] <= CHECKPOINT_PAGES
    state.close()


def test_old_decisions_leave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_thread, "DECISIONS_MAX", 30)
    monkeypatch.setattr(state_thread, "PRUNE_ROWS", 10)
    state = opened(tmp_path)
    for at in range(100):
        state.put([("decisions", (1, at, 1, "refused", "", "", "", 0.0, 0.0, ""))])
    assert state.thread.settle(10)
    count, newest = state.all("SELECT count(*), max(tick) FROM decisions")[0]
    assert 30 <= count <= 40 and newest == 99
    state.close()


def test_it_looks_also_where_nothing_is_written() -> None:
    disk, found = Disk(), ["the file is gone"]

    def look() -> None:
        if found:
            raise apsw.IOError(found[0])

    thread = StateThread(disk.write, apsw.Connection(":memory:"), look, flush_s=0.01, retry_s=0.01)
    until(lambda: thread.problem == "the file is gone")
    assert thread.put([row(1)]) and not thread.settle(0.05) and not disk.rows
    found.clear()
    assert thread.settle(10) and disk.rows == [row(1)] and thread.problem == ""
    assert thread.close()
