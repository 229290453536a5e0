"""The journal: each tick is written down ahead of the work and what came of it after; files replay alone.

The tick thread only copies messages into a buffer (`_ext/chunk.pyx`). Full buffers, and every half second the
one in use, go to one thread that compresses and writes them (`sniper/journal_thread.py`). The tick thread
never waits for the disk: when the backlog is full or the disk fails, journalling stops, says so in `status`,
and goes on in a new file that begins with the gap and a fresh snapshot as soon as it can. The reader is
`sniper/journal_reader.py`, the format docs/journal.md.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from mcap.records import Header, Metadata

from sniper import __version__
from sniper._ext.chunk import NEW_CHANNEL, OK, ChunkWriter
from sniper._ext.chunk import STOPPED as CHUNK_STOPPED
from sniper.errors import JournalError, PermissionProblem, SniperError
from sniper.journal_file import JournalFile
from sniper.journal_folder import SUFFIX, JournalFolder
from sniper.journal_format import (
    CHUNK_BYTES_MAX,
    FIXED_CHANNELS,
    JOURNAL_VERSION,
    META_FILE,
    Gap,
    channel,
    encode,
    record_topic,
)
from sniper.journal_reader import JournalReader
from sniper.journal_thread import NEW, STOPPED, WRITING, Begin, Close, JournalThread, Snapshot
from sniper.types import Record

__all__ = ["Journal", "JournalReader", "JournalStatus"]


class JournalStatus(NamedTuple):
    """How the journal fares. state: new (no snapshot yet), writing, stopped, closed; error: the last one."""

    state: str
    path: str
    files: int
    bytes: int
    backlog_bytes: int
    missed_ticks: int
    error: str


class Journal:
    """Writes ticks. One thread calls tick, done, snapshot, rotate and close; `status` may be read by any.

    path: a folder, or the name of the first file (it ends in .mcap). header: texts kept in every file (config
    as JSON, seed). JournalError or PermissionProblem when the first file cannot be made.
    Ticks are numbered from 1 in steps of 1. A snapshot's number is the last tick that its state contains, and
    the first call must be `snapshot` (number 0 for a new engine).

    file_bytes_max: beyond it `rotate_due` is set, and the caller calls `rotate` with the engine's state.
    total_bytes_max: beyond it the oldest journals of the folder are deleted.
    backlog_bytes_max: what may wait for the disk. room_wait_s: how long `tick` may wait when that much does:
    0 where time is real; a feed on simulated time can afford to wait.
    flush_s: what a kill -9 can lose, to which the time to write one chunk must be added.
    retry_s: when to try again after the disk refused; doubled up to a minute as long as it does.
    """

    def __init__(
        self,
        path: Path | str,
        header: Mapping[str, str],
        *,
        file_bytes_max: int = 256 << 20,
        total_bytes_max: int = 4 << 30,
        chunk_bytes: int = 1 << 20,
        backlog_bytes_max: int = 16 << 20,
        room_wait_s: float = 0.0,
        flush_s: float = 0.5,
        retry_s: float = 5.0,
    ) -> None:
        self._header = dict(header)
        self._run = os.urandom(8).hex()
        self._backlog_bytes_max = backlog_bytes_max
        self._room_wait_s = room_wait_s
        self._missed_ticks = 0
        self._seen_tick = 0
        self._channels = list(FIXED_CHANNELS)
        self._chunk = ChunkWriter(
            bytearray(chunk_bytes), encode(FIXED_CHANNELS[0]), encode(FIXED_CHANNELS[1])
        )
        try:
            self._folder = JournalFolder(Path(path), total_bytes_max)
            self._thread = JournalThread(
                self._chunk,
                self._channels,
                self._folder,
                self._open_file,
                file_bytes_max=file_bytes_max,
                flush_s=flush_s,
                retry_s=retry_s,
            )
        except OSError as problem:
            raise _cannot_write(Path(path), problem) from problem

    def tick(self, number: int, now_ns: int, records: list[Record]) -> None:
        """Write down what a tick takes, before it does its work."""
        if self._chunk.tick(number, now_ns, records) != OK:
            self._tick_slowly(number, now_ns, records)

    def done(self, number: int, commands: bytes, digests: bytes) -> None:
        """Write down what came of the tick: its commands (JSON) and 16 bytes of digest a stage."""
        while (code := self._chunk.done(number, commands, digests)) != OK:
            if code == CHUNK_STOPPED:
                return
            self._make_room(number + 1)

    def snapshot(self, number: int, now_ns: int, state: bytes) -> bool:
        """Write the engine's state after tick `number`. False: skipped, the disk is behind or refuses."""
        assert not self._chunk.in_tick, "a snapshot belongs between two ticks"
        thread = self._thread
        with thread.lock:
            if thread.state == NEW:
                thread.state = WRITING
                self._chunk.begin(number)
            elif thread.state != WRITING or thread.backlog_bytes >= self._backlog_bytes_max:
                return False
            assert number == self._chunk.last_tick, "the state must be that after the last tick"
            thread.hand_over()
            thread.work.append(Snapshot(number, now_ns, state))
            thread.backlog_bytes += len(state)
        thread.wake.set()
        return True

    @property
    def rotate_due(self) -> bool:
        """Whether to call `rotate` before the next tick: the file is full, or writing can go on."""
        return self._thread.rotate_due

    def rotate(self, number: int, now_ns: int, state: bytes) -> None:
        """Begin a new file with the engine's state after tick `number`. After a stop: only when it is due."""
        assert not self._chunk.in_tick, "a file ends between two ticks"
        thread = self._thread
        with thread.lock:
            gap = None
            if thread.state == STOPPED and thread.rotate_due:
                gap = Gap(thread.lost_from, number, now_ns, thread.error)
                self._missed_ticks += number - thread.lost_from + 1
                thread.state = WRITING
                self._chunk.begin(number)
            elif thread.state == WRITING:
                thread.hand_over()
            else:
                return
            assert number == self._chunk.last_tick, "the state must be that after the last tick"
            thread.rotate_due = False
            thread.work.append(Begin(gap))
            thread.work.append(Snapshot(number, now_ns, state))
            thread.backlog_bytes += len(state)
        thread.wake.set()

    def close(self, timeout_s: float = 30.0) -> None:
        """Write all that is left and the summary, sync and close the file. May be called twice."""
        with self._thread.lock:
            self._thread.hand_over()
            self._chunk.stopped = True
            self._thread.work.append(Close())
        self._thread.wake.set()
        self._thread.join(timeout_s)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def stopped(self) -> bool:
        """Whether it does not write now. Cheap enough to be asked after each tick."""
        return bool(self._chunk.stopped)

    @property
    def status(self) -> JournalStatus:
        """How it fares now."""
        thread = self._thread
        missed = self._missed_ticks
        if thread.state == STOPPED:
            missed += max(0, self._seen_tick - thread.lost_from + 1)
        return JournalStatus(
            thread.state, thread.path, thread.files, thread.bytes, thread.backlog_bytes, missed, thread.error
        )

    def _tick_slowly(self, number: int, now_ns: int, records: list[Record]) -> None:
        """A tick that needs something first: a channel, a new buffer, or the journal to be running."""
        while (code := self._chunk.tick(number, now_ns, records)) != OK:
            if code == NEW_CHANNEL:
                self._declare(records)
            elif code == CHUNK_STOPPED:
                assert self._thread.state != NEW, "a journal begins with a snapshot"
                self._seen_tick = number
                return
            else:
                self._make_room(number)

    def _declare(self, records: list[Record]) -> None:
        """Give each kind and connection that is new a channel."""
        for _, connection, kind, _ in records:
            if not self._chunk.knows(kind, connection):
                new = channel(len(self._channels) + 1, record_topic(kind, connection))
                self._channels.append(new)
                self._chunk.declare(kind, connection, new.id, encode(new))

    def _make_room(self, lost_from: int) -> None:
        """Go on in a buffer in which the refused message fits, or stop with `lost_from` as the first loss."""
        thread, need = self._thread, self._chunk.need
        if need > CHUNK_BYTES_MAX:
            thread.stop(f"a tick of {need} bytes is more than a chunk may hold", lost_from)
            return
        deadline_s = time.monotonic() + self._room_wait_s
        while True:
            with thread.lock:
                if not self._chunk.used or thread.backlog_bytes < self._backlog_bytes_max:
                    thread.hand_over(need)
                    break
                thread.room.clear()
            left_s = deadline_s - time.monotonic()
            if left_s <= 0 or not thread.room.wait(left_s):
                thread.stop(f"the disk is {thread.backlog_bytes >> 20} MiB behind", lost_from)
                return
        thread.wake.set()

    def _open_file(self) -> JournalFile:
        path = self._folder.next_path()
        now_ns = time.time_ns()
        own = {
            "journal": JOURNAL_VERSION,
            "sniper": __version__,
            "python": platform.python_version(),
            "run": self._run,
            "file": str(self._folder.sequence),
            "created": time.strftime(
                f"%Y-%m-%dT%H:%M:%S.{now_ns % 10**9:09d}Z", time.gmtime(now_ns // 10**9)
            ),
        }
        header = Header(profile="sniper", library=f"sniper {__version__}")
        return JournalFile(path, header, Metadata(META_FILE, self._header | own))


def _cannot_write(path: Path, problem: OSError) -> SniperError:
    """The error of a journal that could not be begun."""
    text = f"no journal can be written at {path}: {problem.strerror or problem}"
    if isinstance(problem, PermissionError):
        return PermissionProblem(text, "Choose another place with --journal PATH, or run with --no-journal.")
    if isinstance(problem, FileExistsError) and path.suffix == SUFFIX:
        return JournalError(text, "Move it away or choose another name: a journal is never overwritten.")
    return JournalError(text, "Choose another place with --journal PATH, or run with --no-journal.")
