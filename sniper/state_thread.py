"""The thread that writes what need not be on the disk before something else happens: orders, fills, decisions.

Rows wait in a bounded queue and are written together, without a flush of their own: the next durable intent flushes
them too. A refused write leaves its rows in the queue and is tried again; when the queue is full, rows are lost and
counted, and whoever knows the whole is asked to tell it again once writing works.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

import apsw

from sniper.state_file import CHECKPOINT_PAGES
from sniper.state_schema import WRITES

Row = tuple[str, Sequence[Any]]
"""(a key of WRITES, the values)."""
QUEUE_MAX: Final = 1 << 15
BATCH_MAX: Final = 512
FLUSH_S: Final = 0.2
RETRY_S: Final = 0.5
RETRY_S_MAX: Final = 30.0
DECISIONS_MAX: Final = 100_000
PRUNE_ROWS: Final = 1000


class StateThread:
    """Writes rows by `write`, which raises apsw.Error. Any thread calls `put`; one owner calls `close`.

    log: another connection, for checkpoints beside the writing one. look: called at each turn, also where there is
    nothing to write; raises apsw.Error where nothing may be written.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Row], bool], None],
        log: apsw.Connection,
        look: Callable[[], None] = lambda: None,
        *,
        queue_max: int = QUEUE_MAX,
        flush_s: float = FLUSH_S,
        retry_s: float = RETRY_S,
    ) -> None:
        self.problem = ""
        """Why nothing can be written now, "": it can."""
        self.lost = 0
        """Rows that found no room since the start."""
        self.again = False
        """Rows were lost, and writing works again: the whole should be told anew. Whoever does so clears it."""
        self._write, self._log, self._look = write, log, look
        self._queue_max, self._flush_s, self._retry_s = queue_max, flush_s, retry_s
        self._queue: deque[Sequence[Row]] = deque()  # what was put together is written together
        self._waiting = 0  # rows in it
        self._jobs: deque[Callable[[], None]] = deque()
        self._lock = threading.Lock()
        self._wake, self._idle = threading.Event(), threading.Event()
        self._idle.set()
        self._urgent = self._closing = self._missing = False
        self._decisions = 0
        self._thread = threading.Thread(target=self._run, name="state", daemon=True)
        self._thread.start()

    def put(self, rows: Sequence[Row], urgent: bool = False) -> bool:
        """Have rows written; urgent: at once, and flushed. False: there was no room for them."""
        with self._lock:
            if self._waiting + len(rows) > self._queue_max:
                self.lost += len(rows)
                self._missing = True
                self.problem = self.problem or f"the disk is {self._waiting} rows behind"
                return False
            self._queue.append(rows)
            self._waiting += len(rows)
            self._urgent |= urgent
            self._idle.clear()
        if urgent or self._waiting >= BATCH_MAX:
            self._wake.set()
        return True

    def do(self, job: Callable[[], None]) -> None:
        """Have something done by this thread, soon. It must not raise."""
        self._jobs.append(job)
        self._wake.set()

    def settle(self, timeout_s: float) -> bool:
        """Wait until everything that was put is written. False: it is not."""
        self._wake.set()
        return self._idle.wait(timeout_s)

    def close(self, timeout_s: float = 10.0) -> bool:
        """Write what waits, once more if need be, and end. False: something could not be written."""
        self._closing = True
        self._wake.set()
        self._thread.join(timeout_s)
        return not (self._queue or self._thread.is_alive())

    # ---- the thread itself

    def _run(self) -> None:
        closing, wait_s = False, self._flush_s
        try:
            while not closing:
                closing = self._closing
                if not closing:
                    self._wake.wait(wait_s)
                    self._wake.clear()
                while self._jobs:
                    self._jobs.popleft()()
                wait_s = self._flush_s if self._drain() else min(RETRY_S_MAX, max(self._retry_s, 2 * wait_s))
        finally:
            if not closing:
                self.problem = "the thread of the database ended unexpectedly"

    def _drain(self) -> bool:
        """Write all that waits. False: the disk refuses."""
        try:
            self._look()
        except apsw.Error as problem:
            self.problem = str(problem) or type(problem).__name__
            return False
        while True:
            with self._lock:
                puts, rows = self._oldest()
                urgent, self._urgent = self._urgent, False
            if not rows and not self.problem:
                break
            try:
                self._write(rows, urgent or bool(self.problem))  # with nothing to write it is a trial
            except apsw.Error as problem:
                self.problem = str(problem) or type(problem).__name__
                self._urgent = urgent
                return False
            with self._lock:
                for _ in range(puts):
                    self._queue.popleft()
                self._waiting -= len(rows)
                if not self._queue:
                    self.problem = ""
                    self.again |= self._missing
                    self._missing = False
            self._decisions += [name for name, _ in rows].count("decisions")
            if self._decisions >= PRUNE_ROWS:
                self._decisions = 0
                self.put([("pruned", (DECISIONS_MAX,))])
        with self._lock:
            if not self._queue:
                self._idle.set()
        self._tidy()
        return True

    def _oldest(self) -> tuple[int, list[Row]]:
        """What to write next: so many whole puts, and their rows."""
        puts, rows = 0, list[Row]()
        for put in self._queue:
            if rows and len(rows) + len(put) > BATCH_MAX:
                break
            rows += put
            puts += 1
        return puts, rows

    def _tidy(self) -> None:
        """Take a long log over into the file. If that fails the log grows, and the next time may do."""
        with contextlib.suppress(apsw.Error):
            pages = self._log.execute("PRAGMA wal_checkpoint(NOOP)").get
            if pages[1] - pages[2] > CHECKPOINT_PAGES:
                self._log.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def fail(self, problem: str) -> None:
        """Somebody else found that nothing can be written: try until it can be."""
        self.problem = problem
        self._wake.set()


def grouped(rows: Sequence[Row]) -> list[tuple[str, list[Sequence[Any]]]]:
    """Rows as (statement, their values), in their order; neighbours of one kind share a statement."""
    found: list[tuple[str, list[Sequence[Any]]]] = []
    for name, values in rows:
        statement = WRITES[name]
        if not found or found[-1][0] != statement:
            found.append((statement, []))
        found[-1][1].append(values)
    return found
