"""Where the debugger's ticks come from: a journal, or a feed on tape time whose ticks are kept in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Protocol

from sniper.engine import Engine, Settings
from sniper.errors import UsageError
from sniper.inbox import Inbox
from sniper.journal_format import Tick
from sniper.journal_reader import JournalReader
from sniper.journal_settings import settings
from sniper.loop import Venue, apart
from sniper.replaying import take
from sniper.types import Command

RECORD_BYTES: Final = 120
"""What a kept record costs beside its data, roughly."""


class Source(Protocol):
    """Ticks by number, and states to begin from."""

    settings: Settings
    endless: bool
    first: int
    """The tick of the state that everything begins with (0: before all ticks)."""
    kept_bytes: int
    """What the ticks kept in memory take."""

    def begin(self, engine: Engine) -> None:
        """The engine that will run the ticks."""

    def tick(self, number: int) -> Tick | None:
        """Tick `number`; a later one where it is missing, None after the last one."""

    def done(self, engine: Engine, now_ns: int, commands: Sequence[Command]) -> None:
        """A new tick was run and gave these commands."""

    def state_before(self, tick: int) -> int:
        """The number of the newest state before `tick` that the source has, -1 where there is none."""

    def load(self, engine: Engine, tick: int) -> int:
        """Load that state and give its number."""

    def forget(self, number: int) -> None:
        """Tick `number` and those before it will not be wanted again."""

    def close(self) -> None:
        """Let go of files."""


class JournalSource:
    """The ticks of a journal, read from the place where they are wanted."""

    endless = False
    kept_bytes = 0

    def __init__(self, reader: JournalReader) -> None:
        self.reader = reader
        self.settings = settings(reader.header, reader.files[0])
        self._numbers = [number for number, _ in reader.snapshots]
        if not self._numbers:
            raise UsageError(
                f"{reader.files[0]} holds no snapshot, so nothing can be run",
                "Name another file of this run.",
            )
        self.first = self._numbers[0]
        self._ticks: Iterator[Tick] | None = None
        self._held: Tick | None = None  # the one that `_ticks` gave last

    def begin(self, engine: Engine) -> None:
        """A journal holds what a venue answered."""

    def tick(self, number: int) -> Tick | None:
        """Tick `number`, or the next one that the journal holds."""
        held = self._held
        if held is None or not held.number < number <= held.number + 1 or self._ticks is None:
            self._ticks = self.reader.seek(number)
        self._held = next(self._ticks, None)
        return self._held

    def done(self, engine: Engine, now_ns: int, commands: Sequence[Command]) -> None:
        """What a journal's commands led to is in the journal."""

    def state_before(self, tick: int) -> int:
        """The number of the newest snapshot before `tick`."""
        return max((number for number in self._numbers if number < tick), default=-1)

    def load(self, engine: Engine, tick: int) -> int:
        """Load the newest snapshot before `tick`; JournalError where this version cannot read it."""
        number, state = self.reader.state_before(tick)
        take(engine, self.reader, number, state)
        return number

    def forget(self, number: int) -> None:
        """Nothing of a journal is kept in memory."""

    def close(self) -> None:
        """Close the journal."""
        self._ticks = None
        self.reader.close()


class FeedSource:
    """The ticks that the loop would make of a feed on tape time, the last ones kept so that they can run again.

    Built as `Loop` builds them: with the same config `step` and `run` give the same digests.
    """

    def __init__(
        self,
        feed: Any,
        settings: Settings,
        inbox: Inbox,
        tick_ns: int,
        venue_of: Callable[[Engine], Venue | None] | None = None,
    ) -> None:
        """venue_of: makes the venue of an engine that decides."""
        if feed.clock != "tape":
            raise UsageError(
                "a live feed cannot be stepped: its time does not stand still",
                "Journal it with 'sniper run', then name the journal; or set feed.source=sim or replay.",
            )
        self.settings = settings
        self.first = 0
        self.endless = True
        self._feed, self._inbox, self._tick_ns = feed, inbox, tick_ns
        self._now_ns = 0
        self._begun = False
        self._kept: deque[Tick] = deque()
        self.kept_bytes = 0
        self._last = 0
        self._venue_of = venue_of
        self._venue: Venue | None = None
        feed.start(inbox)

    def begin(self, engine: Engine) -> None:
        """Make the venue that sees what this engine sees."""
        if self._venue_of is not None:
            self._venue = self._venue_of(engine)

    def tick(self, number: int) -> Tick | None:
        """A kept tick, or the next one of the feed."""
        if number <= self._last:
            return self._kept[number - self._kept[0].number]
        assert number == self._last + 1, "a feed is read in order"
        feed, inbox = self._feed, self._inbox
        if inbox.records == 0:
            due_ns = feed.due(self._now_ns)
            if due_ns is None:
                self.endless = False
                return None
            whole_ticks = getattr(feed, "whole_ticks", False)
            answer_ns = self._venue.due(self._now_ns) if self._venue is not None and not whole_ticks else None
            if answer_ns is not None:
                due_ns = min(due_ns, max(answer_ns, self._now_ns))
            whole = whole_ticks or not self._begun
            self._begun = True
            self._now_ns = max(self._now_ns, due_ns if whole else min(due_ns, self._now_ns + self._tick_ns))
            feed.pull(self._now_ns, inbox)
            if self._venue is not None:
                self._venue.pull(self._now_ns, inbox)
        records = inbox.drain(self.settings.bytes_max, self.settings.records_max)
        tick = Tick(number, self._now_ns, records, None, None)
        self._last = number
        self._kept.append(tick)
        self.kept_bytes += _cost(tick)
        return tick

    def done(self, engine: Engine, now_ns: int, commands: Sequence[Command]) -> None:
        """Let the venue see a new tick, and hand the commands over."""
        if self._venue is not None:
            self._venue.observe(now_ns, engine.rows)
        if commands:
            orders, others = apart(commands)
            if orders and self._venue is not None:
                self._venue.send(now_ns, orders)
            if others:
                self._feed.send(now_ns, others)

    def state_before(self, tick: int) -> int:
        """A feed has no states of its own, but for the new engine it begins with."""
        return -1

    def load(self, engine: Engine, tick: int) -> int:
        """See `state_before`."""
        raise AssertionError("a feed has no states")

    def forget(self, number: int) -> None:
        """Let go of the ticks up to `number`."""
        while self._kept and self._kept[0].number <= number:
            self.kept_bytes -= _cost(self._kept.popleft())

    def close(self) -> None:
        """Stop the feed."""
        self._feed.stop()


def _cost(tick: Tick) -> int:
    return RECORD_BYTES * (1 + len(tick.records)) + sum(len(record[3]) for record in tick.records)
