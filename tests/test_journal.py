"""The journal as a whole: what is written comes back, whatever happens to the disk or to the process."""

from __future__ import annotations

import os
import random
import stat
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader
from mcap.records import Message
from mcap.stream_reader import StreamReader

from sniper.errors import JournalError, PermissionProblem
from sniper.journal import Journal, JournalReader
from sniper.journal_format import Tick
from tests import tamper
from tests.journals import DAY_NS, HEADER, put, tick, tick_lists, ticks, until, write
from tests.permission import obeyed

ROOT = Path(__file__).parents[1]


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mcap", ticks(1, 500), state=b"the beginning", chunk_bytes=2048)
    with JournalReader(path) as reader:
        assert reader.torn is None and reader.gaps == []
        assert list(reader) == ticks(1, 500)
        assert list(reader) == ticks(1, 500), "as often as wanted"
        assert reader.progress == 1.0
        assert reader.snapshots == [(0, DAY_NS)]
        assert reader.state_before(1) == (0, b"the beginning")
        assert reader.span_ns == (DAY_NS, tick(500).now_ns)
        assert reader.header["seed"] == "1" and reader.header["journal"] == "sniper.journal/1"
        assert reader.files == [path] and reader.size == path.stat().st_size


def test_the_status_names_the_last_file(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "a.mcap", HEADER)
    assert journal.status[:3] == ("new", str(tmp_path / "a.mcap"), 1) and journal.status.bytes > 0
    journal.snapshot(0, DAY_NS, b"")
    journal.rotate(0, DAY_NS, b"")
    journal.close()
    assert journal.status[:3] == ("closed", str(tmp_path / "a-000002.mcap"), 2) and not journal.status.error


def test_a_folder_that_cannot_be_listed_can_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "drop"
    folder.mkdir(mode=0o300)
    with obeyed():
        path = write(folder / "a.mcap", ticks(1, 5))
    with JournalReader(path) as reader:
        assert list(reader) == ticks(1, 5)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tick_lists(), st.integers(1, 2000), st.binary(max_size=300))
def test_anything_that_was_written_is_read(
    tmp_path: Path, some: list[Tick], chunk_bytes: int, state: bytes
) -> None:
    path = tmp_path / f"{os.urandom(8).hex()}.mcap"
    write(path, some, state=state, chunk_bytes=chunk_bytes, backlog_bytes_max=chunk_bytes)
    with JournalReader(path) as reader:
        assert list(reader) == some
        assert reader.state_before(1) == (0, state)


def test_modes_of_files_and_folders(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        folder = tmp_path / "new" / "journals"
        write(folder, ticks(1, 3))
    finally:
        os.umask(old)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_snapshots_and_seeking(tmp_path: Path) -> None:
    big = random.Random(1).randbytes(3 << 20) + b"the end"
    with Journal(tmp_path / "a.mcap", HEADER, chunk_bytes=1024, room_wait_s=30.0) as journal:
        journal.snapshot(0, DAY_NS, b"")
        put(journal, ticks(1, 100))
        assert journal.snapshot(100, DAY_NS + 100, big)
        put(journal, ticks(101, 200))
        assert journal.snapshot(200, DAY_NS + 200, b"two hundred")
        put(journal, ticks(201, 300))
    with JournalReader(tmp_path / "a.mcap") as reader:
        assert reader.snapshots == [(0, DAY_NS), (100, DAY_NS + 100), (200, DAY_NS + 200)]
        assert list(reader) == ticks(1, 300)
        assert reader.state_before(1) == reader.state_before(100) == (0, b"")
        assert reader.state_before(101) == (100, big)
        assert reader.state_before(10**9) == (200, b"two hundred")
        for number in (1, 2, 99, 100, 101, 150, 200, 201, 300):
            assert list(reader.seek(number)) == ticks(number, 300)
        assert list(reader.seek(301)) == []
        assert list(reader.seek(0)) == ticks(1, 300)
        with pytest.raises(JournalError, match="no snapshot before tick 0: the first one is of tick 0"):
            reader.state_before(0)


def test_rotation_begins_files_that_stand_alone(tmp_path: Path) -> None:
    journal = Journal(tmp_path, HEADER, file_bytes_max=6000, chunk_bytes=512, room_wait_s=30.0)
    journal.snapshot(0, DAY_NS, b"state 0")
    rotated = []
    for t in ticks(1, 600):
        put(journal, [t])
        if t.number % 50 == 0:
            until(lambda: journal.status.backlog_bytes == 0)
        if journal.rotate_due:
            journal.rotate(t.number, t.now_ns, b"state %d" % t.number)
            rotated.append(t.number)
            assert not journal.rotate_due
    journal.close()
    assert len(rotated) > 2 and journal.status.files == len(rotated) + 1
    with JournalReader(tmp_path) as reader:
        assert len(reader.files) == len(rotated) + 1
        assert list(reader) == ticks(1, 600)
        assert [number for number, _ in reader.snapshots] == [0, *rotated]
        for number in rotated:
            assert reader.state_before(number + 1) == (number, b"state %d" % number)
            assert list(reader.seek(number)) == ticks(number, 600)
        for file, first in zip(reader.files, [0, *rotated], strict=True):
            with JournalReader(file) as alone:
                got = list(alone)
                assert got == ticks(first + 1, first + len(got)) and alone.torn is None
                assert got or first == 600
                assert alone.state_before(first + 1) == (first, b"state %d" % first)


def test_a_file_that_is_full_only_rotates_when_asked(tmp_path: Path) -> None:
    with Journal(tmp_path / "a.mcap", HEADER, file_bytes_max=1, chunk_bytes=512, room_wait_s=30.0) as journal:
        journal.snapshot(0, DAY_NS, b"s")
        put(journal, ticks(1, 50))
        until(lambda: journal.rotate_due)
        put(journal, ticks(51, 60))
        journal.rotate(60, DAY_NS, b"t")
        put(journal, ticks(61, 70))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a-000002.mcap", "a.mcap"]
    with JournalReader(tmp_path) as reader:
        assert list(reader) == ticks(1, 70)


def test_retention_deletes_the_oldest(tmp_path: Path) -> None:
    (tmp_path / "mine.mcap").write_bytes(b"x" * 100_000)
    (tmp_path / "20200101T000000Z-abcd-000001.mcap").write_bytes(b"x" * 100_000)
    with Journal(
        tmp_path, HEADER, file_bytes_max=4000, total_bytes_max=40_000, chunk_bytes=512, room_wait_s=30.0
    ) as journal:
        journal.snapshot(0, DAY_NS, b"state")
        for t in ticks(1, 1500):
            put(journal, [t])
            if t.number % 20 == 0:
                until(lambda: journal.status.backlog_bytes == 0)
            if journal.rotate_due:
                journal.rotate(t.number, t.now_ns, b"state")
    left = [p for p in tmp_path.iterdir() if p.name != "mine.mcap"]
    assert (tmp_path / "mine.mcap").exists(), "not a name of ours"
    assert journal.status.files > 5 and 2 <= len(left) < journal.status.files
    assert sum(p.stat().st_size for p in left) <= 40_000
    (tmp_path / "mine.mcap").unlink()
    with JournalReader(tmp_path) as reader:
        got = list(reader)
        assert got == ticks(got[0].number, 1500)


def test_two_runs_in_a_folder_are_kept_apart(tmp_path: Path) -> None:
    write(tmp_path, ticks(1, 5), header={"seed": "1"})
    write(tmp_path, ticks(1, 7), header={"seed": "2"})
    with JournalReader(tmp_path) as reader:
        assert reader.header["seed"] == "2" and len(reader.files) == 1 and list(reader) == ticks(1, 7)


def test_the_library_reads_a_closed_journal(tmp_path: Path) -> None:
    some = ticks(1, 300)
    path = write(tmp_path / "a.mcap", some, state=b"s" * 5000, chunk_bytes=4096)
    with path.open("rb") as stream:
        reader = make_reader(stream, validate_crcs=True)
        assert reader.get_header().profile == "sniper"
        summary = reader.get_summary()
        assert summary is not None and summary.statistics is not None
        topics = {c.id: c.topic for c in summary.channels.values()}
        assert set(topics.values()) == {
            *("/tick", "/done", "/snapshot"),
            *("/frame/0", "/frame/1", "/rest/0", "/rest/1", "/link/0", "/link/1"),
        }
        counts = {topics[i]: n for i, n in summary.statistics.channel_message_counts.items()}
        assert counts["/tick"] == counts["/done"] == 300 and counts["/snapshot"] == 1
        assert summary.statistics.chunk_count == len(summary.chunk_indexes) > 5
        assert [m.name for m in reader.iter_metadata()] == ["sniper", "sniper.snapshot"]
        found = [
            (message.publish_time, int(channel.topic.split("/")[2]), message.data)
            for _, channel, message in reader.iter_messages(log_time_order=False)
            if channel.topic not in ("/tick", "/done", "/snapshot")
        ]
        assert found == [(r[0], r[1], r[3]) for t in some for r in t.records]
        some_time = some[150].now_ns
        by_index = reader.iter_messages(
            topics=["/tick"], starting_at=some_time, ending_at=some_time + 3_000_000
        )
        assert [m.log_time for _, _, m in by_index] == [t.now_ns for t in some[150:154]]
        schema = {
            c.topic: (c.message_encoding, summary.schemas[c.schema_id].name)
            for c in summary.channels.values()
        }
        assert schema["/frame/0"] == ("json", "sniper.frame") and schema["/done"] == (
            "sniper/1",
            "sniper.done",
        )
    assert len(tamper.records(path)) > 900, "the streaming reader of the library, every CRC checked"


def test_the_library_reads_a_torn_journal(tmp_path: Path) -> None:
    some = ticks(1, 300)
    path = write(tmp_path / "a.mcap", some, chunk_bytes=4096)
    path.write_bytes(path.read_bytes()[:-5000])
    with JournalReader(path) as ours, path.open("rb") as stream:
        records: list[object] = []
        try:
            records += StreamReader(stream, validate_crcs=True).records
        except Exception as end:  # the library has an exception of its own for each way a file can end
            assert type(end).__name__ in ("EndOfFile", "error")
        got = list(ours)
    assert got and got[:-1] == some[: len(got) - 1]
    messages = sum(isinstance(r, Message) for r in records)
    assert messages == 0 or messages >= len(got)


def test_what_the_library_rewrote_is_read(tmp_path: Path) -> None:
    some = ticks(1, 200)
    path = write(tmp_path / "a.mcap", some, state=b"s" * 3000, chunk_bytes=2048)
    other = tmp_path / "b.mcap"
    tamper.rewrite_frame(path, other, 150, b"{}", chunk_bytes=1000)
    expected = [t if t.number != 150 else _with_frame(t, b"{}") for t in some]
    assert expected != some
    with JournalReader(other) as reader:
        assert list(reader) == expected and reader.torn is None
        assert reader.state_before(1) == (0, b"s" * 3000)
        assert list(reader.seek(120)) == expected[119:]
    with pytest.raises(KeyError):
        tamper.rewrite_frame(path, other, 300, b"")


def _with_frame(t: Tick, data: bytes) -> Tick:
    records = list(t.records)
    index = next(i for i, r in enumerate(records) if r[2] == 0)
    records[index] = (*records[index][:3], data)
    return t._replace(records=records)


def test_half_a_second_of_silence_does_not_keep_ticks_from_the_disk(tmp_path: Path) -> None:
    with Journal(tmp_path / "a.mcap", HEADER, flush_s=0.01) as journal:
        journal.snapshot(0, DAY_NS, b"s")
        put(journal, ticks(1, 5))

        def count() -> int:
            with JournalReader(tmp_path / "a.mcap") as reader:
                return len(list(reader))

        until(lambda: count() == 5)


def test_a_tick_larger_than_a_chunk(tmp_path: Path) -> None:
    large = tick(2)._replace(
        records=[(1, 0, 0, b"x" * 100_000), (1, 9, 1, b"y" * 5000)], commands=b"z" * 9000
    )
    some = [tick(1), large, tick(3)]
    path = write(tmp_path / "a.mcap", some, chunk_bytes=1000)
    with JournalReader(path) as reader:
        assert list(reader) == some


def test_a_journal_begins_with_a_snapshot_between_two_ticks(tmp_path: Path) -> None:
    with Journal(tmp_path / "a.mcap", HEADER) as journal:
        assert journal.status.state == "new"
        with pytest.raises(AssertionError, match="begins with a snapshot"):
            journal.tick(1, 1, [])
        journal.snapshot(7, DAY_NS, b"seven")
        journal.tick(8, 1, [])
        with pytest.raises(AssertionError, match="between two ticks"):
            journal.snapshot(8, 1, b"")
        with pytest.raises(AssertionError, match="between two ticks"):
            journal.rotate(8, 1, b"")
        journal.done(8, b"", b"")
        with pytest.raises(AssertionError, match="after the last tick"):
            journal.snapshot(7, 1, b"")
    with JournalReader(tmp_path / "a.mcap") as reader:
        assert [t.number for t in reader] == [8] and reader.state_before(8) == (7, b"seven")


def test_a_journal_is_never_overwritten(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mcap", ticks(1, 3))
    with pytest.raises(JournalError, match=r"a\.mcap: File exists\. Move it away"):
        Journal(path, HEADER)
    with JournalReader(path) as reader:
        assert list(reader) == ticks(1, 3)
    assert [p.name for p in tmp_path.iterdir()] == ["a.mcap"]


def test_a_place_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "file" / "a.mcap", tmp_path / "file" / "folder", tmp_path / "file"):
        with pytest.raises(JournalError, match="no journal can be written"):
            Journal(path, HEADER)


def test_a_folder_without_permission(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    for path in (folder / "a.mcap", folder / "deeper"):
        with obeyed(), pytest.raises(PermissionProblem, match="Permission denied") as caught:
            Journal(path, HEADER)
        assert caught.value.exit_code == 4 and "--no-journal" in str(caught.value)


CHILD = """
import sys, time
from pathlib import Path
from tests.journals import DAY_NS, put, tick
from sniper.journal import Journal
pace_s = float(sys.argv[2])
journal = Journal(Path(sys.argv[1]), {"seed": "1"}, chunk_bytes=8192, file_bytes_max=60_000, room_wait_s=60.0)
journal.snapshot(0, DAY_NS, b"state 0" * 1000)
number = 0
print("ready", flush=True)
while True:
    number += 1
    put(journal, [tick(number)])
    print(number, time.monotonic(), flush=True)
    if journal.rotate_due:
        journal.rotate(number, DAY_NS, b"state %d" % number)
    time.sleep(pace_s)
"""


class Victim:
    """A process that journals at a pace until it is killed."""

    def __init__(self, folder: Path, pace_s: float, life_s: float) -> None:
        self.folder, self.life_s = folder, life_s
        self.said = folder.with_suffix(".txt")
        with self.said.open("w") as out:
            arguments = [sys.executable, "-c", CHILD, str(folder), str(pace_s)]
            self.process = subprocess.Popen(arguments, stdout=out, cwd=ROOT)

    def kill(self) -> None:
        assert self.process.poll() is None, "it ended by itself"
        self.killed_s = time.monotonic()
        self.process.kill()
        self.process.wait()

    def check(self) -> None:
        lines = [line.split() for line in self.said.read_text().splitlines()[1:-1]]
        # While the machine stood still so did the journal's thread: that is seen by lines that are far apart.
        times = [float(at_s) for _, at_s in lines] + [self.killed_s]
        still_s = max((after - before for before, after in pairwise(times)), default=0.0)
        due = [int(number) for number, at_s in lines if float(at_s) < self.killed_s - 1.0 - still_s]
        with JournalReader(self.folder) as reader:
            got = list(reader)
            assert reader.torn is None or "not closed" in reader.torn  # None: killed between two files
            assert reader.state_before(1) == (0, b"state 0" * 1000)
        if got and got[-1].digests is None:
            got[-1] = got[-1]._replace(commands=tick(len(got)).commands, digests=tick(len(got)).digests)
        assert got == ticks(1, len(got))
        assert len(got) >= (due[-1] if due else 0)


def test_kill_9_loses_at_most_the_last_second(tmp_path: Path) -> None:
    """Twenty processes, five at a time, each killed at a random moment."""
    seed = random.randrange(1 << 32)
    print("seed", seed)
    chance = random.Random(seed)
    for round_ in range(4):
        victims = [
            Victim(tmp_path / f"{round_}-{i}", (0.0001, 0.001, 0.01)[i % 3], chance.uniform(0.0, 1.6))
            for i in range(5)
        ]
        for victim in victims:
            until(lambda v=victim: v.said.stat().st_size or v.process.poll() is not None)
        begun_s = time.monotonic()
        for victim in sorted(victims, key=lambda v: v.life_s):
            time.sleep(max(0.0, begun_s + victim.life_s - time.monotonic()))
            victim.kill()
        for victim in victims:
            victim.check()


FULL = """
import resource, sys, time
from pathlib import Path
from tests.journals import DAY_NS, put, tick
from sniper.journal import Journal
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
journal = Journal(Path(sys.argv[1]), {"seed": "1"}, chunk_bytes=2048, flush_s=0.01, retry_s=0.01)
journal.snapshot(0, DAY_NS, b"state 0")
number, resumed_at, deadline = 0, 0, time.monotonic() + 60
while not resumed_at or number < resumed_at + 100:
    assert time.monotonic() < deadline
    number += 1
    put(journal, [tick(number)])
    if journal.status.state == "stopped" and number > 2000:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    if journal.rotate_due:
        journal.rotate(number, DAY_NS, b"state %d" % number)
        resumed_at = resumed_at or (number if number > 2000 else 0)
    time.sleep(0.0002)
error = journal.status
journal.close()
print(number, journal.status.state, journal.status.missed_ticks)
"""


def test_a_file_size_limit_of_the_system(tmp_path: Path) -> None:
    """A real refusal by the kernel (EFBIG) in the middle of a write, and writing again once it is lifted."""
    ran = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "j")],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
    )
    assert ran.returncode == 0, ran.stderr
    number, state, missed = ran.stdout.split()
    assert state == "closed" and int(missed) > 0
    with JournalReader(tmp_path / "j") as reader:
        got = list(reader)
        assert reader.torn is None or "not closed" in reader.torn
        assert sum(gap.last_tick - gap.first_tick + 1 for gap in reader.gaps) == int(missed)
        missing = {n for gap in reader.gaps for n in range(gap.first_tick, gap.last_tick + 1)}
        assert [t.number for t in got] == [n for n in range(1, int(number) + 1) if n not in missing]
        for t in got:
            assert t == tick(t.number) or t.digests is None
        for gap in reader.gaps:
            assert reader.state_before(gap.last_tick + 1) == (gap.last_tick, b"state %d" % gap.last_tick)
