"""The journal's own thread: compresses and writes what the tick thread hands over, in order.

It owns the open file. `Journal` (sniper/journal.py) owns the tick path; the two share the lock, the work and
the state here. The lock is never held while anything is compressed or written.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from mcap.records import Channel, Metadata

from sniper._ext.chunk import ChunkWriter
from sniper.journal_file import JournalFile
from sniper.journal_folder import JournalFolder
from sniper.journal_format import META_SNAPSHOT, SNAPSHOT_PART_BYTES, Gap, snapshot_chunk
from sniper.journal_sync import SyncThread

NEW, WRITING, STOPPED, CLOSED = "new", "writing", "stopped", "closed"
RETRY_S_MAX = 60.0
SYNC_S = 1.0
"""What a power cut can cost, beside what was not written yet and the time that the disk takes."""
DISK_ROOM_MIN = 16 << 20
"""Bytes that must be free before writing is tried again after the disk was full."""


class Filled(NamedTuple):
    """A buffer of which `used` bytes are to be written; last_tick is the last one that begins in it."""

    buffer: bytearray
    used: int
    last_tick: int


class Snapshot(NamedTuple):
    """The engine's state after tick `number`."""

    number: int
    now_ns: int
    state: bytes


class Begin(NamedTuple):
    """Finish the file and begin the next one, with this gap where there is one."""

    gap: Gap | None


class Close(NamedTuple):
    """Finish the file and end."""


Work = Filled | Snapshot | Begin | Close


class JournalThread:
    """Does the work. Everything without an underscore is shared with `Journal`; change it under `lock` only.

    chunk: where the tick thread writes; channels: grows as channels are declared; open_file: makes the next
    file. OSError when the first file cannot be made.
    """

    def __init__(
        self,
        chunk: ChunkWriter,
        channels: list[Channel],
        folder: JournalFolder,
        open_file: Callable[[], JournalFile],
        *,
        file_bytes_max: int,
        flush_s: float,
        retry_s: float,
    ) -> None:
        self.lock = threading.Lock()
        self.state = NEW
        self.error = ""
        self.rotate_due = False
        self.lost_from = 0
        """The first tick that is not in the journal, when stopped."""
        self.backlog_bytes = 0
        self.files = 0
        self.wake = threading.Event()
        self.room = threading.Event()
        self.work: deque[Work] = deque()
        self._chunk = chunk
        self._chunk_bytes = chunk.capacity
        self._pool = [bytearray(self._chunk_bytes)]
        self._channels = channels
        self._folder = folder
        self._open_file = open_file
        self._file_bytes_max = file_bytes_max
        self._flush_s = flush_s
        self._retry_s = self._retry_s_first = retry_s
        self._retry_at_s = 0.0
        self._turned_s = time.monotonic()
        self._written_tick = 0
        self._bytes_before = 0
        self._sync_due_s = 0.0
        self._synced: tuple[JournalFile, int] | None = None
        self._file: JournalFile | None = self._open()
        self._syncing = SyncThread()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    # ---- for the tick thread

    def hand_over(self, need: int = 0) -> None:
        """Queue the buffer, where there is something in it, and go on in one of at least `need` bytes. Under
        the lock."""
        self._turned_s = time.monotonic()
        if not self._chunk.used and need <= self._chunk.capacity:
            return
        if need <= self._chunk_bytes and self._pool:
            fresh = self._pool.pop()
        else:
            fresh = bytearray(max(need, self._chunk_bytes))
        filled = Filled(*self._chunk.swap(fresh))
        if filled.used:
            self.work.append(filled)
            self.backlog_bytes += filled.used

    def stop(self, error: str, lost_from: int) -> None:
        """Journal nothing from tick `lost_from` on. What was handed over before is still written."""
        with self.lock:
            self.error = error  # before it is seen to have stopped
            self._chunk.stopped = True
            self.rotate_due = False
            self.state, self.lost_from = STOPPED, lost_from
            self._retry_at_s = time.monotonic()

    def join(self, timeout_s: float) -> None:
        """Wait for the end after a Close."""
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            self.state, self.error = STOPPED, f"the disk did not answer for {timeout_s:g} s"

    @property
    def path(self) -> str:
        """The file being written, or the last one that was."""
        return str(self._path)

    @property
    def bytes(self) -> int:
        """Bytes written so far, to all files."""
        file = self._file
        return self._bytes_before + (file.size if file else 0)

    # ---- the thread itself

    def _run(self) -> None:
        closed = False
        try:
            while not closed:
                self.wake.wait(self._flush_s)
                self.wake.clear()
                with self.lock:
                    if time.monotonic() - self._turned_s >= self._flush_s:
                        self.hand_over()
                while self.work and not closed:
                    closed = self._do_next()
                    if not closed:
                        self._sync()
                self._sync()
                if self.state == STOPPED and not closed:
                    self._try_again()
        finally:
            self._chunk.stopped = True
            self._syncing.end()
            if not closed:
                self.state, self.error = STOPPED, "the journal's thread ended unexpectedly"
                self.lost_from = self._written_tick + 1

    def _do_next(self) -> bool:
        """Do the oldest work. True: it was the last."""
        item = self.work[0]
        try:
            self._do(item)
        except OSError as problem:
            self._fail(problem)
            return isinstance(item, Close)
        with self.lock:
            self.work.popleft()
            if isinstance(item, Filled):
                self.backlog_bytes -= item.used
                if len(item.buffer) == self._chunk_bytes and len(self._pool) < 2:
                    self._pool.append(item.buffer)
            elif isinstance(item, Snapshot):
                self.backlog_bytes -= len(item.state)
            self.room.set()
        return isinstance(item, Close)

    def _do(self, item: Work) -> None:
        file = self._file
        if isinstance(item, Close):
            if file is not None:
                if self.state == STOPPED:
                    file.metadata(self._open_gap(file))
                self._finish(file)
                file.close()
            if self.state != STOPPED:
                self.state = CLOSED
        elif isinstance(item, Begin):
            if file is not None and file.chunks:
                self._finish(file)
                # The disk may take seconds to sync a large file. What waits must not wait for that: it would
                # be lost to a kill -9 meanwhile.
                threading.Thread(target=_close, args=(file,), name="journal-sync", daemon=True).start()
                file = None
            if file is None:
                file = self._file = self._open()
            if item.gap is not None:
                file.metadata(item.gap.record())
        elif file is not None:
            if isinstance(item, Snapshot):
                self._write_snapshot(file, item)
            else:
                with memoryview(item.buffer)[: item.used] as view:
                    file.chunk(view)
                self._written_tick = item.last_tick
                with self.lock:
                    begun = any(isinstance(other, Begin) for other in self.work)
                    if file.size >= self._file_bytes_max and not begun and self.state == WRITING:
                        self.rotate_due = True
            self._retry_s = self._retry_s_first
            self._folder.make_room(file.size)

    def _write_snapshot(self, file: JournalFile, item: Snapshot) -> None:
        parts = max(1, -(-len(item.state) // SNAPSHOT_PART_BYTES))
        said = {"tick": item.number, "now_ns": item.now_ns, "bytes": len(item.state), "parts": parts}
        file.metadata(Metadata(META_SNAPSHOT, {key: str(value) for key, value in said.items()}))
        view = memoryview(item.state)
        for part in range(parts):
            piece = view[part * SNAPSHOT_PART_BYTES : (part + 1) * SNAPSHOT_PART_BYTES]
            file.chunk(snapshot_chunk(item.number, item.now_ns, part, parts, piece))
        self._written_tick = max(self._written_tick, item.number)

    def _open(self) -> JournalFile:
        file = self._open_file()
        self.files += 1
        self._path = file.path
        with contextlib.suppress(OSError):  # a folder that may be written but not listed: nothing is deleted
            self._folder.look(file.path)
        return file

    def _finish(self, file: JournalFile) -> None:
        file.finish(list(self._channels))
        self._folder.make_room(file.size)
        self._bytes_before += file.size
        self._file = None

    def _fail(self, problem: OSError) -> None:
        """The disk refused: what waits for it becomes a gap. Save the file, try again later."""
        with self.lock:
            self.error = _words(problem)  # before it is seen to have stopped
            self._chunk.stopped = True
            self._chunk.drop()
            closing = any(isinstance(item, Close) for item in self.work)
            self.work.clear()
            if closing:
                self.work.append(Close())
            self.backlog_bytes = 0
            self.room.set()
            self.rotate_due = False
            self.state = STOPPED
            self.lost_from = self._written_tick + 1
            self._retry_at_s = time.monotonic() + self._retry_s
            file, self._file = self._file, None
        if file is not None:
            file.abandon(list(self._channels), self._open_gap(file))
            self._bytes_before += file.size

    def _open_gap(self, file: JournalFile) -> Metadata:
        """What the file says of the ticks that it will not hold."""
        return Gap(self.lost_from, None, file.last_ns, self.error).record()

    def _sync(self) -> None:
        """Have what was written on the disk, about once a second, by a thread of its own: the disk may take
        seconds, and what waits to be written must not wait for that."""
        file, syncing = self._file, self._syncing
        if syncing.problem is not None:
            problem, syncing.problem = syncing.problem, None
            if not isinstance(problem, OSError):
                raise problem  # ours: the journal ends, and is told to have ended
            self._fail(problem)
        elif file is not None and (file, file.size) != self._synced and not syncing.busy:
            now_s = time.monotonic()
            if now_s >= self._sync_due_s:
                self._sync_due_s = now_s + SYNC_S
                self._synced = file, file.size
                syncing.begin(file.sync())

    def _try_again(self) -> None:
        """Once there is a file to go on in, ask the caller for a snapshot by `rotate_due`."""
        if self.rotate_due or self.work or self._chunk.used or time.monotonic() < self._retry_at_s:
            return
        try:
            if self._file is None:
                if self._folder.free_bytes() < DISK_ROOM_MIN:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                self._file = self._open()
        except OSError as problem:
            self.error = _words(problem)
            self._retry_s = min(2 * self._retry_s, RETRY_S_MAX)
            self._retry_at_s = time.monotonic() + self._retry_s
            return
        self.rotate_due = True


def _close(file: JournalFile) -> None:
    """Sync and close a whole file; a disk that refuses even that refuses the next file too, which is told."""
    with contextlib.suppress(OSError):
        file.close()


def _words(problem: OSError) -> str:
    """What the system said, without its number."""
    text = problem.strerror or str(problem)
    return f"{text}: {problem.filename}" if problem.filename else text
