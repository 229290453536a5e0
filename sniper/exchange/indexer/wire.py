"""One client's connection as the Indexer sees it: its counter, its subscriptions, and what may happen to its frames."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from sniper.exchange.indexer.faults import HTML, Mischief
from sniper.exchange.indexer.topics import Key

SECOND_NS = 1_000_000_000
HELD_MAX = 50_000  # frames that wait for one client before its connection breaks off
RESTART, HEARTBEAT, RATE_LIMIT, BROKEN = 1012, 1011, 1008, 1006
Frame = tuple[int, bytes | None, int, str]
"""(connection, text, close code, reason); text None: close."""


class Held(NamedTuple):
    """A frame that goes out later."""

    due_ns: int
    frame: bytes


class Wire:
    """One connection. message_id: the newest that was given out."""

    __slots__ = (
        "_attempts",
        "_free_ns",
        "_held",
        "_invalid",
        "_mischief",
        "_out",
        "asked",
        "batch_head",
        "closed",
        "data_head",
        "id",
        "message_id",
        "number",
        "silent_until_ns",
        "subscriptions",
    )

    def __init__(self, number: int, uuid: str, out: list[Frame], mischief: Mischief) -> None:
        self.number, self.id = number, uuid
        self.message_id = 0
        self.closed = False
        self.subscriptions: dict[Key, bool] = {}  # batched
        self.asked: dict[Key, int] = {}  # subscribes that wait for their snapshots
        self.silent_until_ns = 0
        self._out = out
        self._mischief = mischief
        self._attempts: dict[Key, deque[int]] = {}
        self._invalid: deque[int] = deque()
        self._held: deque[Held] = deque()
        self._free_ns = 0
        self.data_head = f'{{"type":"channel_data","connection_id":"{uuid}","message_id":'.encode()
        self.batch_head = f'{{"type":"channel_batch_data","connection_id":"{uuid}","message_id":'.encode()

    def reserve(self) -> int:
        """The next message id."""
        self.message_id += 1
        return self.message_id

    def send(self, frame: bytes, now_ns: int) -> None:
        """Put a frame on the wire."""
        if self.closed:
            return
        if self._mischief.plain and not self._held and now_ns >= self.silent_until_ns:
            self._out.append((self.number, frame, 0, ""))
            return
        mischief = self._mischief
        if mischief.strikes("gap"):
            return
        if mischief.strikes("malformed"):
            frame = mischief.spoilt(frame)
        elif mischief.strikes("html"):
            frame = HTML
        due_ns = max(now_ns, self.silent_until_ns, self._free_ns)
        speed = mischief.faults.slow_bytes_per_s
        if speed:
            due_ns = self._free_ns = due_ns + len(frame) * SECOND_NS // speed
        if self._held:
            due_ns = max(due_ns, self._held[-1].due_ns)
        if due_ns > now_ns or self._held:  # order is kept
            self._held.append(Held(due_ns, frame))
            if len(self._held) > HELD_MAX:
                self.close(BROKEN, "")
        else:
            self._out.append((self.number, frame, 0, ""))

    @property
    def due_ns(self) -> int | None:
        """When the next frame that is held back goes out."""
        return self._held[0].due_ns if self._held else None

    @property
    def waiting(self) -> int:
        """How many frames are held back."""
        return len(self._held)

    def release(self, now_ns: int) -> None:
        """Let go of what was held back long enough."""
        while self._held and self._held[0].due_ns <= now_ns:
            self._out.append((self.number, self._held.popleft().frame, 0, ""))

    def close(self, code: int, reason: str) -> None:
        """End the connection; what was held back is lost."""
        if not self.closed:
            self.closed = True
            self._held.clear()
            self._out.append((self.number, None, code, reason))

    def attempts_exceed(self, key: Key, most: int, now_ns: int) -> bool:
        """Count a subscribe to this key: are there more than so many within a second?"""
        if len(self._attempts) > 1_024:
            newest = {each: times for each, times in self._attempts.items() if times[-1] > now_ns - SECOND_NS}
            self._attempts = newest
        return _exceed(self._attempts.setdefault(key, deque(maxlen=most + 1)), most, now_ns)

    def invalid_exceed(self, most: int, now_ns: int) -> bool:
        """Count an invalid message: are there more than so many within a second?"""
        return _exceed(self._invalid, most, now_ns)


def _exceed(times: deque[int], most: int, now_ns: int) -> bool:
    while times and times[0] <= now_ns - SECOND_NS:
        times.popleft()
    times.append(now_ns)
    return len(times) > most
