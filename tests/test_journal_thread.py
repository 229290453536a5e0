"""The journal's thread: a disk that is slow, full or broken costs ticks in the journal, never the loop."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from sniper import journal as journal_module
from sniper import journal_thread as thread_module
from sniper.journal import Journal, JournalReader
from sniper.journal_file import JournalFile
from sniper.journal_folder import JournalFolder
from sniper.journal_format import Gap, Tick
from tests.journals import DAY_NS, HEADER, Disk, put, tick, ticks, until


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


def test_a_tick_larger_than_any_chunk_stops_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "CHUNK_BYTES_MAX", 5000)
    with Journal(tmp_path / "a.mcap", HEADER, chunk_bytes=1000, flush_s=0.01) as journal:
        journal.snapshot(0, DAY_NS, b"s")
        put(journal, ticks(1, 3))
        put(journal, [tick(4)._replace(records=[(1, 0, 0, b"x" * 6000)])])
        assert journal.status.state == "stopped" and "more than a chunk may hold" in journal.status.error
        until(lambda: journal.rotate_due)
        journal.rotate(4, DAY_NS, b"four")
        put(journal, ticks(5, 6))
    with JournalReader(tmp_path) as reader:
        assert list(reader) == ticks(1, 3) + ticks(5, 6)
        assert [(g.first_tick, g.last_tick) for g in reader.gaps] == [(4, 4)]


def test_a_slow_disk_stops_the_journal_and_not_the_loop(tmp_path: Path, disk: Disk) -> None:
    journal = Journal(tmp_path, HEADER, chunk_bytes=512, backlog_bytes_max=2048, flush_s=0.01)
    journal.snapshot(0, DAY_NS, b"s")
    disk.open.clear()
    put(journal, ticks(1, 100))  # returns although nothing can be written
    status = journal.status
    assert status.state == "stopped" and "behind" in status.error and not journal.rotate_due
    lost = 100 - status.missed_ticks + 1
    journal.rotate(100, DAY_NS, b"not yet")  # not due: does nothing
    assert not journal.snapshot(100, DAY_NS, b"not yet")
    disk.open.set()
    until(lambda: journal.rotate_due)
    put(journal, ticks(101, 110))
    journal.rotate(110, DAY_NS + 1, b"after")
    assert journal.status.state == "writing" and journal.status.missed_ticks == 110 - lost + 1
    for t in ticks(111, 120):
        put(journal, [t])
        until(lambda: journal.status.backlog_bytes == 0)
    journal.close()
    with JournalReader(tmp_path) as reader:
        got = list(reader)
        whole = [t for t in got if t.digests is not None]
        assert [t.number for t in got] == [*range(1, lost), *range(111, 121)]
        assert (
            whole == [t for t in ticks(1, lost - 1) + ticks(111, 120) if t in whole]
            and len(whole) >= len(got) - 1
        )
        assert reader.gaps == [Gap(lost, 110, DAY_NS + 1, status.error)]
        assert reader.state_before(111) == (110, b"after")
        assert reader.torn is None and len(reader.files) == 2


def test_simulated_time_waits_for_a_slow_disk(tmp_path: Path, disk: Disk) -> None:
    journal = Journal(
        tmp_path / "a.mcap", HEADER, chunk_bytes=512, backlog_bytes_max=1024, room_wait_s=60.0, flush_s=0.01
    )
    journal.snapshot(0, DAY_NS, b"s")
    disk.open.clear()
    threading.Timer(0.05, disk.open.set).start()
    put(journal, ticks(1, 300))
    journal.close()
    assert journal.status.missed_ticks == 0
    with JournalReader(tmp_path / "a.mcap") as reader:
        assert list(reader) == ticks(1, 300)


def test_a_snapshot_is_left_out_when_the_disk_is_behind(tmp_path: Path, disk: Disk) -> None:
    journal = Journal(tmp_path / "a.mcap", HEADER, backlog_bytes_max=1000)
    disk.open.clear()
    assert journal.snapshot(0, DAY_NS, b"s" * 2000)
    assert not journal.snapshot(0, DAY_NS, b"another")
    disk.open.set()
    journal.close()
    with JournalReader(tmp_path / "a.mcap") as reader:
        assert reader.snapshots == [(0, DAY_NS)]


@pytest.mark.parametrize("between", [0, 5])
def test_a_disk_that_refuses_becomes_a_gap(tmp_path: Path, disk: Disk, between: int) -> None:
    journal = Journal(tmp_path, HEADER, chunk_bytes=512, flush_s=0.01, retry_s=0.01)
    journal.snapshot(0, DAY_NS, b"s")
    put(journal, ticks(1, 40))
    until(lambda: journal.status.backlog_bytes == 0 and journal.status.bytes > 2000)
    disk.problem = OSError(28, "No space left on device", "the disk")
    put(journal, ticks(41, 60))
    until(lambda: journal.status.state == "stopped")
    assert journal.status.error == "No space left on device: the disk"
    disk.problem = None
    until(lambda: journal.rotate_due)
    put(journal, ticks(61, 60 + between))
    journal.rotate(60 + between, DAY_NS, b"again")
    put(journal, ticks(61 + between, 80))
    journal.close()
    with JournalReader(tmp_path) as reader:
        got = [t.number for t in reader]
        (gap,) = reader.gaps
        assert gap.last_tick == 60 + between and gap.cause == "No space left on device: the disk"
        assert got == [*range(1, gap.first_tick), *range(61 + between, 81)]
        assert reader.torn is None, "the file that could not go on was finished"
        assert list(reader.seek(gap.last_tick)) == ticks(61 + between, 80)
        assert journal.status.missed_ticks == gap.last_tick - gap.first_tick + 1


def test_a_full_disk_is_tried_again_only_when_there_is_room(
    tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = [0]
    asked: list[int] = []
    monkeypatch.setattr(JournalFolder, "free_bytes", lambda _: asked.append(1) or room[0])
    journal = Journal(tmp_path, HEADER, flush_s=0.005, retry_s=0.005)
    journal.snapshot(0, DAY_NS, b"s")
    until(lambda: journal.status.bytes > 500 and not journal.status.backlog_bytes)
    disk.problem = OSError(5, "Input/output error")
    put(journal, ticks(1, 5))
    until(lambda: len(asked) >= 2)
    assert journal.status.state == "stopped" and not journal.rotate_due
    assert journal.status.error == "No space left on device"
    disk.problem, room[0] = None, 1 << 40
    until(lambda: journal.rotate_due)
    journal.rotate(5, DAY_NS, b"five")
    put(journal, ticks(6, 9))
    journal.close()
    with JournalReader(tmp_path) as reader:
        assert list(reader) == ticks(6, 9) and reader.state_before(6) == (5, b"five")


def test_a_disk_that_refuses_again_and_again(tmp_path: Path, disk: Disk) -> None:
    journal = Journal(tmp_path, HEADER, flush_s=0.005, retry_s=0.005)
    journal.snapshot(0, DAY_NS, b"s")
    put(journal, ticks(1, 3))
    until(lambda: journal.status.backlog_bytes == 0)
    until(lambda: journal.status.bytes > 800)
    disk.problem = OSError(5, "Input/output error")
    put(journal, ticks(4, 5))
    until(lambda: journal.rotate_due)
    journal.rotate(5, DAY_NS, b"five")
    put(journal, ticks(6, 6))
    until(lambda: journal.status.state == "stopped" and journal.rotate_due)
    disk.problem = None
    journal.rotate(6, DAY_NS, b"six")
    put(journal, ticks(7, 9))
    journal.close()
    with JournalReader(tmp_path) as reader:
        got = list(reader)
        (gap,) = reader.gaps
        assert got == ticks(1, gap.first_tick - 1) + ticks(7, 9) and gap.last_tick == 6


def test_closing_with_a_disk_that_refuses(tmp_path: Path, disk: Disk) -> None:
    journal = Journal(tmp_path / "a.mcap", HEADER)
    journal.snapshot(0, DAY_NS, b"s")
    until(lambda: journal.status.backlog_bytes == 0)
    disk.problem = OSError(28, "No space left on device")
    put(journal, ticks(1, 3))
    journal.close()
    journal.close()
    assert journal.status.state == "stopped" and journal.status.error == "No space left on device"
    with JournalReader(tmp_path / "a.mcap") as reader:
        assert list(reader) == [] and reader.state_before(1) == (0, b"s")
        assert reader.gaps == [Gap(1, None, DAY_NS, "No space left on device")] and reader.torn is None


def test_a_journal_that_never_went_on_says_where_it_stopped(tmp_path: Path, disk: Disk) -> None:
    """Also where it was not the disk that refused, and the file is still open when the run ends."""
    journal = Journal(tmp_path, HEADER, chunk_bytes=512, backlog_bytes_max=2048, flush_s=0.01)
    journal.snapshot(0, DAY_NS, b"s")
    disk.open.clear()
    put(journal, ticks(1, 100))
    missed = journal.status.missed_ticks
    disk.open.set()
    journal.close()
    with JournalReader(tmp_path) as reader:
        (gap,) = reader.gaps
        assert (gap.first_tick, gap.last_tick) == (100 - missed + 1, None) and "behind" in gap.cause
        assert gap.ticks == f"from {gap.first_tick} on"
        assert [t.number for t in reader] == list(range(1, gap.first_tick))


def written(path: Path) -> list[Tick]:
    """What a file holds that is still being written."""
    with JournalReader(path) as reader:
        return list(reader)


def test_what_is_written_is_on_the_disk_a_second_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", lambda fd: synced.append(os.fstat(fd).st_size))
    monkeypatch.setattr(thread_module, "SYNC_S", 0.0)
    journal = Journal(tmp_path / "a.mcap", HEADER, flush_s=0.005)
    journal.snapshot(0, DAY_NS, b"s")
    until(lambda: synced and synced[-1] == journal.status.bytes > 800)
    put(journal, ticks(1, 3))
    until(lambda: written(tmp_path / "a.mcap") == ticks(1, 3))
    until(lambda: synced[-1] == journal.status.bytes)
    before = len(synced)
    time.sleep(0.05)
    assert len(synced) == before, "nothing new, nothing to do"
    journal.close()


def test_one_thread_does_the_syncing_and_ends_with_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []
    monkeypatch.setattr(os, "fdatasync", lambda fd: threads.append(threading.current_thread()))
    monkeypatch.setattr(thread_module, "SYNC_S", 0.0)
    journal = Journal(tmp_path, HEADER, flush_s=0.005)
    journal.snapshot(0, DAY_NS, b"s")
    for t in ticks(1, 4):
        put(journal, [t])
        before = len(threads)
        until(lambda before=before: len(threads) > before)  # type: ignore[misc]
    journal.close()
    assert len({id(thread) for thread in threads}) == 1 and threads[0].name == "journal-sync"
    until(lambda: not threads[0].is_alive())


def test_a_disk_that_cannot_keep_what_it_took_stops_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem: list[OSError] = [OSError(5, "Input/output error")]

    def failing(fd: int) -> None:
        if problem:
            raise problem.pop()

    monkeypatch.setattr(os, "fdatasync", failing)
    journal = Journal(tmp_path, HEADER, flush_s=0.005, retry_s=0.005)
    journal.snapshot(0, DAY_NS, b"s")
    until(lambda: journal.status.state == "stopped")
    assert journal.status.error == "Input/output error"
    until(lambda: journal.rotate_due)
    journal.rotate(0, DAY_NS, b"again")
    put(journal, ticks(1, 3))
    journal.close()
    with JournalReader(tmp_path) as reader:
        assert list(reader) == ticks(1, 3)


def test_closing_does_not_wait_for_ever(tmp_path: Path, disk: Disk) -> None:
    disk.open.clear()
    journal = Journal(tmp_path / "a.mcap", HEADER)
    journal.snapshot(0, DAY_NS, b"s")
    journal.close(timeout_s=0.02)
    assert journal.status.state == "stopped" and "did not answer" in journal.status.error
    disk.open.set()


def test_a_sync_that_fails_in_no_way_of_the_disk_ends_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(JournalFile, "sync", lambda file: broken)
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    journal = Journal(tmp_path / "a.mcap", HEADER)
    journal.snapshot(0, DAY_NS, b"s")
    until(lambda: journal.status.state == "stopped")
    assert "ended unexpectedly" in journal.status.error


def test_a_thread_that_ended_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(JournalFile, "chunk", broken)
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    journal = Journal(tmp_path / "a.mcap", HEADER)
    journal.snapshot(0, DAY_NS, b"s")
    until(lambda: journal.status.state == "stopped")
    assert "ended unexpectedly" in journal.status.error
    put(journal, ticks(1, 3))
    assert journal.status.missed_ticks == 3
    journal.close()
