"""The look at what surrounds the engine: connections, inbox, journal, process."""

from __future__ import annotations

import os
from typing import Any

from sniper._ext.tape import COUNTER_NAMES
from sniper.panels.palette import LINK
from sniper.panels.row import SECOND_NS, clean
from sniper.panels.view import Feed, LinkRow

RATE_EVERY_NS = SECOND_NS
GROWTH_EVERY_NS = 60 * SECOND_NS
WARM_UP_NS = 60 * SECOND_NS
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
REJECTED, REJECTED_LEVELS = COUNTER_NAMES.index("rejected"), COUNTER_NAMES.index("rejected_levels")
WORST_FIRST = (
    "refused",
    "limited",
    "closed",
    "silent",
    "stopped",
    "waiting",
    "connecting",
    "open",
    "subscribing",
    "live",
)


class Rate:
    """Something counted up, per second, over the last second or so."""

    __slots__ = ("_from", "_since_ns", "per_s")

    def __init__(self) -> None:
        self._from = self._since_ns = -1
        self.per_s = 0

    def update(self, total: int, at_ns: int) -> int:
        """The rate after the total stood at `total` at this time."""
        if self._since_ns < 0:
            self._from, self._since_ns = total, at_ns
        elif at_ns - self._since_ns >= RATE_EVERY_NS:
            self.per_s = max(0, total - self._from) * SECOND_NS // (at_ns - self._since_ns)
            self._from, self._since_ns = total, at_ns
        return self.per_s


class FeedLook:
    """Reads the feed's own status and what the decoder noted of each connection."""

    def __init__(self, engine: Any, feed: Any, inbox: Any, journal: Any, inbox_max: tuple[int, int]) -> None:
        self._feed, self._inbox, self._journal = feed, inbox, journal
        self._inbox_max = inbox_max
        self._counters = engine.tape.counters
        connections = engine.decoder.connections
        self._columns = tuple(
            connections[name]
            for name in ("frames", "bytes", "last_ns", "height", "block_recv_ns", "lost_ids")
        )
        self._rates: dict[int, tuple[Rate, Rate]] = {}
        self._memory = Memory()

    def state(self) -> str:
        """The worst state among the connections."""
        states = {connection.state for connection in self._feed.status()}
        return next((state for state in WORST_FIRST if state in states), "none")

    def look(self, wanted: int, now_ns: int, at_ns: int) -> Feed:
        """Connections and totals; `now_ns` is the engine's time, `at_ns` a clock that runs, for rates."""
        connections = self._feed.status()
        inbox, (records_max, bytes_max) = self._inbox, self._inbox_max
        peak = max(1000 * inbox.records_high // records_max, 1000 * inbox.bytes_high // bytes_max)
        journal = self._journal.status if self._journal is not None else None
        resident, growth = self._memory.look(at_ns)
        return Feed(
            tuple(self._link(connection, now_ns, at_ns) for connection in connections[:wanted]),
            len(connections),
            inbox.records,
            inbox.bytes,
            records_max,
            bytes_max,
            min(1000, peak),
            inbox.overflows,
            journal.state if journal is not None else "off",
            journal.bytes if journal is not None else 0,
            journal.files if journal is not None else 0,
            clean(journal.error) if journal is not None else "",
            int(self._counters[REJECTED]),
            int(self._counters[REJECTED_LEVELS]),
            resident,
            growth,
        )

    def _link(self, connection: Any, now_ns: int, at_ns: int) -> LinkRow:
        number = connection.index
        frames = size = last_ns = height = block_ns = lost = 0
        if number < len(self._columns[0]):
            frames, size, last_ns, height, block_ns, lost = (int(column[number]) for column in self._columns)
        rates = self._rates.get(number)
        if rates is None:
            rates = self._rates[number] = (Rate(), Rate())
        return LinkRow(
            number,
            clean(connection.name),
            connection.state if connection.state in LINK else clean(connection.state),
            rates[0].update(frames, at_ns),
            rates[1].update(size, at_ns),
            round(1000 * connection.uptime_ratio),
            connection.reconnects,
            connection.gaps,
            lost,
            height,
            max(0, now_ns - block_ns) if block_ns else None,
            max(0, now_ns - last_ns) if last_ns else None,
        )


class Memory:
    """Resident memory and how fast it grows after a warm-up; zero where the system does not say."""

    def __init__(self) -> None:
        self._due_ns = 0
        self._resident = 0
        self._started_ns = -1
        self._from: tuple[int, int] | None = None
        self._growth: int | None = None

    def look(self, at_ns: int) -> tuple[int, int | None]:
        """(bytes, bytes a minute or None while it cannot be told)"""
        if self._started_ns < 0:
            self._started_ns = at_ns
        if at_ns >= self._due_ns:
            self._due_ns = at_ns + SECOND_NS
            self._resident = _resident()
            if self._from is None and at_ns - self._started_ns >= WARM_UP_NS:
                self._from = (at_ns, self._resident)
            elif self._from is not None and at_ns - self._from[0] >= GROWTH_EVERY_NS:
                self._growth = (self._resident - self._from[1]) * GROWTH_EVERY_NS // (at_ns - self._from[0])
        return self._resident, self._growth


def _resident() -> int:
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * PAGE_BYTES
    except (OSError, IndexError, ValueError):
        return 0
