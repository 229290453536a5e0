"""The only entrance of the engine: every fact from outside is a record that is put here, by any thread.

Bounded in records and bytes. What does not fit is counted and becomes one GAP record of its connection, so
nothing is dropped silently. The order of `put` is the order of `drain`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from sniper.types import REC_FRAME, REC_GAP, REC_REST, Record


class Inbox:
    """A bounded queue of records with many writers and one reader.

    records_max, bytes_max: what may wait at most. Frames and REST answers beyond it are lost; the feed's own
    words and the operator's (a closed connection, a command) may use the same space once more, because they
    are small, rare and must not be lost to a flood of frames.
    wake: called by the writing thread, outside the lock, each time a record came into an empty inbox.

    A lost record opens a gap of its connection: from then on frames and REST answers of that connection are
    lost too, and counted, until the GAP record (data b"<records> <bytes>", time of the last lost record) has
    been queued, which the next `drain` does. So no record overtakes the gap before it.

    A signal handler must not call `put`: it may interrupt the thread that holds the lock.
    """

    __slots__ = (
        "_bytes",
        "_bytes_high",
        "_bytes_max",
        "_gaps",
        "_gate",
        "_lock",
        "_lost_bytes",
        "_lost_records",
        "_overflows",
        "_queue",
        "_records_high",
        "_records_max",
        "_waiting",
        "_wake",
    )

    def __init__(self, records_max: int, bytes_max: int, wake: Callable[[], None] | None = None) -> None:
        if records_max < 1 or bytes_max < 1:
            raise ValueError("records_max and bytes_max must be at least 1")
        self._records_max = records_max
        self._bytes_max = bytes_max
        self._wake = wake
        self._lock = threading.Lock()
        self._queue: list[Record] = []
        self._bytes = 0
        self._gaps: dict[int, list[int]] = {}  # connection -> [recv_ns of the last lost, records, bytes]
        self._waiting = False
        # A lock used as a signal: taken now, released by the `put` that finds the reader waiting.
        self._gate = threading.Lock()
        self._gate.acquire()
        self._records_high = self._bytes_high = 0
        self._overflows = self._lost_records = self._lost_bytes = 0

    def put(self, recv_ns: int, connection: int, kind: int, data: bytes) -> bool:
        """Append a record. False: there was no room, it is part of its connection's gap now."""
        size = len(data)
        with self._lock:
            queue = self._queue
            first = not queue
            if self._gaps or len(queue) >= self._records_max or self._bytes + size > self._bytes_max:
                stored = self._admit(recv_ns, connection, kind, size)
            else:
                stored = True
            if stored:
                queue.append((recv_ns, connection, kind, data))
                self._bytes += size
            if self._waiting and queue:
                self._waiting = False
                self._gate.release()
            first = first and bool(queue)
        if first and self._wake is not None:
            self._wake()
        return stored

    def drain(self, bytes_max: int, records_max: int) -> list[Record]:
        """Take the oldest records: at most records_max and, unless the first alone is larger, bytes_max."""
        if not self._queue:
            return []  # the idle case needs no lock: a `put` that runs now is seen by the next call
        with self._lock:
            queue = self._queue
            count, size = len(queue), self._bytes
            if count > self._records_high:  # a queue is longest just before it is drained
                self._records_high = count
            if size > self._bytes_high:
                self._bytes_high = size
            if size <= bytes_max and count <= records_max:
                self._queue = []
                self._bytes = 0
            else:
                queue = self._take(bytes_max, records_max)
            if self._gaps:
                self._queue_gaps()
        return queue

    def wait(self, timeout_s: float) -> bool:
        """Wait until there is a record, at most timeout_s. True: there is one."""
        with self._lock:
            if self._queue:
                return True
            self._waiting = True
        try:
            if timeout_s > 0:
                self._gate.acquire(timeout=timeout_s)
        finally:
            # Close the gate whatever happened: a put may have opened it after the timeout or an interrupt.
            with self._lock:
                self._waiting = False
                self._gate.acquire(blocking=False)
        return bool(self._queue)

    @property
    def records(self) -> int:
        """Records that wait."""
        return len(self._queue)

    @property
    def bytes(self) -> int:
        """Their bytes."""
        return self._bytes

    @property
    def records_high(self) -> int:
        """The most records that ever waited."""
        return max(self._records_high, len(self._queue))

    @property
    def bytes_high(self) -> int:
        """The most bytes that ever waited."""
        return max(self._bytes_high, self._bytes)

    @property
    def overflows(self) -> int:
        """Gaps so far, of all connections."""
        return self._overflows

    @property
    def lost_records(self) -> int:
        """Records in them."""
        return self._lost_records

    @property
    def lost_bytes(self) -> int:
        """Bytes in them."""
        return self._lost_bytes

    def _admit(self, recv_ns: int, connection: int, kind: int, size: int) -> bool:
        """Whether a record may enter when a limit is reached or a gap is open. If not, count it as lost."""
        gap = self._gaps.get(connection)
        spare = 1
        if kind not in (REC_FRAME, REC_REST):
            spare = 2
        elif gap is not None:
            spare = 0
        if len(self._queue) < spare * self._records_max and self._bytes + size <= spare * self._bytes_max:
            if gap is not None:
                self._queue_gap(connection)
            return True
        if gap is None:
            gap = self._gaps[connection] = [recv_ns, 0, 0]
            self._overflows += 1
        gap[0] = recv_ns
        gap[1] += 1
        gap[2] += size
        self._lost_records += 1
        self._lost_bytes += size
        if not self._queue:
            self._queue_gap(connection)  # one record larger than the inbox: no drain would come to tell of it
        return False

    def _take(self, bytes_max: int, records_max: int) -> list[Record]:
        """The oldest records within the limits, taken out of the queue. At least one."""
        queue = self._queue
        count = size = 0
        for record in queue[:records_max]:
            size += len(record[3])
            if size > bytes_max and count:
                size -= len(record[3])
                break
            count += 1
        taken = queue[:count]
        del queue[:count]
        self._bytes -= size
        return taken

    def _queue_gaps(self) -> None:
        for connection in list(self._gaps):
            self._queue_gap(connection)

    def _queue_gap(self, connection: int) -> None:
        """Queue the GAP record of a connection. It is tiny, and there is at most one more of them than
        admitted records: it needs no room of its own."""
        recv_ns, records, size = self._gaps.pop(connection)
        data = b"%d %d" % (records, size)
        self._queue.append((recv_ns, connection, REC_GAP, data))
        self._bytes += len(data)
