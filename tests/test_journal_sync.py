"""The journal's syncing thread: one for all, in order, and a disk that refuses is told once."""

from __future__ import annotations

import threading

from sniper.journal_sync import SyncThread
from tests.journals import until


def test_all_syncs_run_in_one_thread_that_ends() -> None:
    before = threading.active_count()
    syncing, ran = SyncThread(), list[tuple[int, threading.Thread]]()
    for number in range(5):
        syncing.begin(lambda number=number: ran.append((number, threading.current_thread())))  # type: ignore[misc]
        assert threading.active_count() == before + 1
        until(lambda: not syncing.busy)
    syncing.end()
    assert [number for number, _ in ran] == [0, 1, 2, 3, 4] and len({thread for _, thread in ran}) == 1
    until(lambda: not ran[0][1].is_alive())


def test_it_is_busy_as_long_as_the_disk_takes() -> None:
    syncing, disk = SyncThread(), threading.Event()
    syncing.begin(lambda: disk.wait(60) and None)
    assert syncing.busy
    syncing.end()  # does not wait
    assert syncing.busy
    disk.set()
    until(lambda: not syncing.busy)


def test_what_the_disk_refuses_is_kept_and_the_next_sync_runs() -> None:
    syncing, problem = SyncThread(), OSError(5, "Input/output error")

    def failing() -> None:
        raise problem

    syncing.begin(failing)
    until(lambda: not syncing.busy)
    assert syncing.problem is problem
    syncing.problem = None
    syncing.begin(lambda: None)
    until(lambda: not syncing.busy)
    assert syncing.problem is None
    syncing.end()
