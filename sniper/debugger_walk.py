"""An engine that can be moved to any tick: forward by running, back by loading a state and running again."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import Final, NamedTuple

from sniper._ext.tape import COUNTER_NAMES
from sniper.debugger_source import Source
from sniper.engine import Engine
from sniper.journal_format import Tick
from sniper.loop import NO_COMMANDS, encode
from sniper.replaying import Difference, difference
from sniper.types import Command

ROWS: Final = COUNTER_NAMES.index("rows")
SNAPSHOT_TICKS: Final = 500
SNAPSHOTS_MAX: Final = 64
SNAPSHOTS_BYTES_MAX: Final = 256 << 20
KEPT_BYTES_MAX: Final = 64 << 20
FRESH_BYTES_MAX: Final = 8 << 20
"""Ticks of a feed that take more are followed by a state, so that they can be let go."""


class Snapshot(NamedTuple):
    """The engine's state after tick `number`, and whether the journal was followed until there."""

    number: int
    state: bytes
    equal: bool


class Snapshots:
    """States in memory, ordered by tick, bounded in number and bytes: dense near the newest, sparse far back."""

    def __init__(self, most: int = SNAPSHOTS_MAX, bytes_max: int = SNAPSHOTS_BYTES_MAX) -> None:
        self._most, self._bytes_max = most, bytes_max
        self._kept: list[Snapshot] = []
        self._bytes = 0

    @property
    def numbers(self) -> list[int]:
        """The ticks of those that are kept."""
        return [one.number for one in self._kept]

    def add(self, one: Snapshot) -> None:
        """Keep a state; others may have to go."""
        at = bisect_left(self.numbers, one.number)
        if at < len(self._kept) and self._kept[at].number == one.number:
            return
        self._kept.insert(at, one)
        self._bytes += len(one.state)
        while len(self._kept) > 2 and (len(self._kept) > self._most or self._bytes > self._bytes_max):
            self._thin()

    def before(self, tick: int) -> Snapshot | None:
        """The newest state before `tick`."""
        at = bisect_left(self.numbers, tick)
        return self._kept[at - 1] if at else None

    def drop_oldest(self) -> None:
        """Forget the first one."""
        self._bytes -= len(self._kept.pop(0).state)

    def _thin(self) -> None:
        """Drop the one that is missed least: the gap it leaves is small for its distance from the newest."""
        kept = self._kept
        newest = kept[-1].number
        gone = min(
            range(1, len(kept) - 1),
            key=lambda i: (kept[i + 1].number - kept[i - 1].number) / (newest - kept[i].number + 1),
        )
        self._bytes -= len(kept.pop(gone).state)


class Walk:
    """Moves over the ticks of a source. `engine` holds the state after tick `number`; `tick` is that tick as it was
    taken and `commands` what it gave, unless it stands at the first state. announce: told where a journal is left.
    """

    def __init__(self, source: Source, announce: Callable[[Difference], None]) -> None:
        self.source = source
        self.engine = Engine(source.settings)
        source.begin(self.engine)
        self.tick: Tick | None = None
        self.commands: tuple[Command, ...] = ()
        self.number = source.first
        self.rows_n = 0
        """Rows on the tape: those of this tick."""
        self.stopped: Callable[[], bool] = lambda: False
        """Asked between two ticks whether to stop here."""
        self.moved: Callable[[int], None] = lambda tick: None
        """Told every tick that was run."""
        self._announce = announce
        self._equal = True
        self._newest = source.first  # ticks up to here were run before
        self._kept_bytes = 0  # of the source when the last state was kept
        self._snapshots = Snapshots()
        if source.state_before(source.first + 1) >= 0:
            source.load(self.engine, source.first + 1)
        self._keep()

    @property
    def first(self) -> int:
        """The earliest state that can be reached."""
        return self._snapshots.numbers[0]

    def step(self) -> bool:
        """Run the next tick. False: there is none."""
        tick = self.source.tick(self.number + 1)
        if tick is None:
            return False
        if tick.number != self.number + 1:  # ticks are missing: a snapshot stands before the next one
            self.source.load(self.engine, tick.number)
            self._equal = True
        counted = self._rows_counted()
        self.commands = self.engine.tick(tick.now_ns, tick.records)
        self.rows_n = self._rows_counted() - counted
        self.number, self.tick = tick.number, tick
        if tick.number > self._newest:
            self._newest = tick.number
            self.source.done(self.engine, tick.now_ns, self.commands)
        if tick.digests is not None:
            self._compare(tick, tick.digests)
        self.moved(tick.number)
        if not tick.number % SNAPSHOT_TICKS or self.source.kept_bytes - self._kept_bytes > FRESH_BYTES_MAX:
            self._keep()
        return True

    def goto(self, tick: int) -> None:
        """Move to the state after `tick`, or as near to it as there are ticks."""
        wanted = max(tick, self.first)
        if wanted <= self.number or wanted > self.number + SNAPSHOT_TICKS:
            self._approach(wanted)
        while self.number < wanted and not self.stopped() and self.step():
            pass

    def _approach(self, wanted: int) -> None:
        """Load the newest state before `wanted`, so that `wanted` itself is run; stay where the walk is nearer."""
        kept = self._snapshots.before(max(wanted, self.first + 1))
        assert kept is not None, "the first state is always kept"
        journalled = self.source.state_before(wanted)
        if self.number < wanted and self.number >= max(journalled, kept.number):
            return
        if kept.number >= journalled:
            self.engine.load(kept.state)
            self.number, self._equal = kept.number, kept.equal
        else:
            self.number, self._equal = self.source.load(self.engine, wanted), True
        self.tick, self.commands, self.rows_n = None, (), 0

    def _rows_counted(self) -> int:
        return int(self.engine.tape.counters[ROWS])

    def _compare(self, tick: Tick, digests: bytes) -> None:
        """Announce the first tick that differs from the journal."""
        ours = self.engine.digests()
        commands = encode(self.commands) if self.commands else NO_COMMANDS
        equal = ours == digests and commands == tick.commands
        if self._equal and not equal:
            self._announce(difference(tick, ours))
        self._equal = equal

    def _keep(self) -> None:
        """Keep this state, and let go of the oldest ones together with their ticks where that is too much."""
        self._snapshots.add(Snapshot(self.number, self.engine.save(), self._equal))
        while self.source.kept_bytes > KEPT_BYTES_MAX and len(self._snapshots.numbers) > 1:
            self._snapshots.drop_oldest()
            self.source.forget(self._snapshots.numbers[0])
        self._kept_bytes = self.source.kept_bytes
