"""The only `while`: wait, drain, write ahead, tick, write behind, send, draw.

Two kinds of time. A feed whose clock is "real" (sockets) is waited for, and now is the real clock. A feed whose
clock is "tape" (sim, replay) says when its next record is due; now jumps there, and pacing only sleeps, so that
nothing that is computed depends on how fast the run goes.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import msgspec

from sniper.engine import Engine
from sniper.inbox import Inbox
from sniper.journal import Journal
from sniper.stopping import Stopping
from sniper.trading import VENUE_CONNECTION, Cancel, Place
from sniper.types import REC_OPERATOR, Command, Connection, FeedCommand, OrderCommand, Record

SLICE_S = 0.1
"""Longest sleep in one piece, so that signals and the display are looked at."""
COLLECT_S = 1.0
COLLECT_TICKS = 1 << 14
COLLECT_OLD = 30
"""Every so many times old garbage is looked for as well: a connection that was lost, or a call that failed, leaves a
circle with its socket and buffers, and has mostly grown old by then."""
NO_COMMANDS = b"[]"


class Feed(Protocol):
    """What the loop asks of every feed."""

    clock: str
    """"real" or "tape"."""

    def start(self, inbox: Inbox) -> None: ...
    def send(self, now_ns: int, commands: Sequence[FeedCommand]) -> None: ...
    def stop(self) -> None: ...
    def status(self) -> list[Connection]: ...


class TapeFeed(Feed, Protocol):
    """A feed that carries its own time and has no thread."""

    def due(self, now_ns: int) -> int | None: ...
    def pull(self, until_ns: int, inbox: Inbox) -> None: ...


class Venue(Protocol):
    """Where orders go. A venue on tape time (paper) has no thread; it answers through the inbox."""

    def observe(self, now_ns: int, rows: int) -> None:
        """A tick was run and wrote so many rows on the tape: the market moved, what is due happens."""

    def send(self, now_ns: int, commands: Sequence[OrderCommand]) -> None: ...
    def due(self, now_ns: int) -> int | None:
        """When the venue next has something to do or to say, None while it has nothing."""

    def pull(self, until_ns: int, inbox: Inbox) -> None:
        """Put what it has to say up to then."""


class Watcher(Protocol):
    """What looks at ticks from outside (the dashboard's eyes); it never changes anything."""

    def before(self, records: Sequence[Record]) -> None: ...
    def after(self, records: Sequence[Record], commands: Iterable[Command]) -> None: ...


class Attending(Protocol):
    """What speaks with the operator and shows that the loop lives."""

    def turn(self) -> None: ...


class Display(Protocol):
    """What draws."""

    quit: bool

    def draw_if_due(self, now_ns: int, view_builder: Any) -> bool: ...


class Loop:
    """Runs an engine on a feed until it ends, is told to stop or has done its share.

    tick_ns: longest time between two ticks. speed: of tape time, 0 for as fast as possible. journal: begun with
    the engine's state. venue: takes the orders. look: builds views; with it go `costs` and `display`.
    attending: is called after every tick.
    snapshot_ns: tape time between two snapshots in the journal.
    """

    def __init__(
        self,
        engine: Engine,
        feed: Any,
        inbox: Inbox,
        *,
        tick_ns: int = 50_000_000,
        speed: float = 1.0,
        journal: Journal | None = None,
        venue: Venue | None = None,
        snapshot_ns: int = 30_000_000_000,
        look: Any = None,
        costs: Any = None,
        display: Display | None = None,
        stopping: Stopping | None = None,
        attending: Attending | None = None,
        clock_ns: Callable[[], int] | None = None,
    ) -> None:
        self.engine, self.feed, self.inbox = engine, feed, inbox
        self.journal, self.venue = journal, venue
        self._journal_stopped = False
        self._tick_ns, self._speed = tick_ns, speed
        self._snapshot_ns, self._snapshot_due_ns = snapshot_ns, 0
        self._look, self._costs, self._display = look, costs, display
        self._stopping, self._attending = stopping or Stopping(), attending
        self._clock_ns = clock_ns
        self._drain = engine.settings.bytes_max, engine.settings.records_max
        self._collect_due_s, self._collections = 0.0, 0
        self.ended = ""
        """Why the run ended: exhausted, ticks, duration, quit or signal."""

    def run(self, ticks: int | None = None, duration_ns: int | None = None) -> str:
        """Run until the feed is exhausted, after so many ticks or so much feed time, or until told to stop.

        Returns why it ended. An exception of the engine passes through: the tick that has no `done` in the
        journal reproduces it.
        """
        was_enabled = gc.isenabled()
        gc.collect()
        gc.freeze()
        gc.disable()
        try:
            self.feed.start(self.inbox)
            if self.journal is not None:
                self.journal.snapshot(self.engine.ticks, self.engine.now_ns, self.engine.save())
            if self.feed.clock == "tape":
                self.ended = self._run_tape(ticks, duration_ns)
            else:
                self.ended = self._run_real(ticks, duration_ns)
        finally:
            self.feed.stop()
            gc.unfreeze()
            if was_enabled:
                gc.enable()
        return self.ended

    def _run_tape(self, ticks: int | None, duration_ns: int | None) -> str:
        engine, feed, inbox, venue = self.engine, self.feed, self.inbox, self.venue
        last_tick = engine.ticks + ticks if ticks is not None else None
        whole_ticks = getattr(feed, "whole_ticks", False)
        start_ns: int | None = None
        wall_ns = time.monotonic_ns()
        now_ns = engine.now_ns
        while True:
            if inbox.records == 0:
                due_ns = feed.due(now_ns)
                if due_ns is None:
                    return "exhausted"
                if venue is not None and not whole_ticks and (answer_ns := venue.due(now_ns)) is not None:
                    due_ns = min(due_ns, max(answer_ns, now_ns))
                if start_ns is None:
                    start_ns = now_ns = max(due_ns, now_ns)
                else:
                    now_ns = max(now_ns, due_ns if whole_ticks else min(due_ns, now_ns + self._tick_ns))
                if duration_ns is not None and now_ns - start_ns > duration_ns:
                    return "duration"
                feed.pull(now_ns, inbox)
                if venue is not None:
                    venue.pull(now_ns, inbox)
                if self._speed:
                    self._pace(wall_ns + int((now_ns - start_ns) / self._speed))
            self._turn(now_ns, inbox.drain(*self._drain))
            why = self._over(last_tick)
            if why:
                return why

    def _run_real(self, ticks: int | None, duration_ns: int | None) -> str:
        engine, inbox, venue = self.engine, self.inbox, self.venue
        assert self._clock_ns is not None, "a feed in real time needs a clock"
        clock_ns = self._clock_ns
        last_tick = engine.ticks + ticks if ticks is not None else None
        start_ns = now_ns = max(clock_ns(), engine.now_ns)
        wait_s = self._tick_ns / 1e9
        while True:
            if venue is None:
                inbox.wait(wait_s)
            else:
                answer_ns = venue.due(now_ns)
                left_ns = self._tick_ns if answer_ns is None else min(self._tick_ns, answer_ns - clock_ns())
                if left_ns > 0:
                    inbox.wait(left_ns / 1e9)
                venue.pull(max(now_ns, clock_ns()), inbox)
            records = inbox.drain(*self._drain)
            now_ns = max(now_ns, clock_ns())
            self._turn(now_ns, records)
            if not records:
                self.feed.send(now_ns, ())  # raises what went wrong in a thread of the feed
                self._collect()
            if duration_ns is not None and now_ns - start_ns >= duration_ns:
                return "duration"
            why = self._over(last_tick)
            if why:
                return why

    def _turn(self, now_ns: int, records: list[Record]) -> None:
        """One tick, with what goes before and after it."""
        engine, journal, look = self.engine, self.journal, self._look
        number = engine.ticks + 1
        if journal is not None:
            if journal.rotate_due:
                journal.rotate(engine.ticks, engine.now_ns, engine.save())
            elif now_ns >= self._snapshot_due_ns:
                self._snapshot(now_ns, records)
            journal.tick(number, now_ns, records)
        if look is None:
            commands = engine.tick(now_ns, records)
        else:
            look.before(records)
            clock = time.perf_counter_ns
            start_ns = clock()
            commands = engine.tick(now_ns, records, clock)
            self._costs.add(engine.stage_ns, clock() - start_ns)
        if journal is not None:
            journal.done(number, encode(commands) if commands else NO_COMMANDS, engine.digests())
        if self.venue is not None:
            self.venue.observe(now_ns, engine.rows)
        if commands:
            self._send(now_ns, commands)
        if journal is not None and journal.stopped != self._journal_stopped:
            self._tell_journal(now_ns, journal.stopped)
        if self._attending is not None:
            self._attending.turn()
        if look is not None:
            look.after(records, commands)
            if self._display is not None:
                self._display.draw_if_due(time.monotonic_ns(), look)
        if number & (COLLECT_TICKS - 1) == 0:
            self._sweep()

    def _send(self, now_ns: int, commands: tuple[Command, ...]) -> None:
        """Orders to the venue, everything else to the feed."""
        orders, others = apart(commands)
        if orders and self.venue is not None:
            self.venue.send(now_ns, orders)
        if others:
            self.feed.send(now_ns, others)

    def _tell_journal(self, now_ns: int, stopped: bool) -> None:
        """That the journal stopped, or writes again, is a fact from outside: it enters by the inbox like all others."""
        self._journal_stopped = stopped
        assert self.journal is not None
        why = " ".join(self.journal.status.error.split())[:200]
        word = f"journal stopped {why}" if stopped else "journal writing"
        self.inbox.put(now_ns, VENUE_CONNECTION, REC_OPERATOR, word.encode("utf-8", "replace"))

    def _snapshot(self, now_ns: int, records: list[Record]) -> None:
        """A snapshot when it is due and nothing waits, or, on a busy feed, when it is long overdue."""
        assert self.journal is not None
        if self._snapshot_due_ns and records and now_ns < self._snapshot_due_ns + self._snapshot_ns:
            return
        if self._snapshot_due_ns:
            self.journal.snapshot(self.engine.ticks, self.engine.now_ns, self.engine.save())
        self._snapshot_due_ns = now_ns + self._snapshot_ns

    def _over(self, last_tick: int | None) -> str:
        if self._stopping.exit_code is not None:
            return "signal"
        if self._display is not None and self._display.quit:
            return "quit"
        if last_tick is not None and self.engine.ticks >= last_tick:
            return "ticks"
        return ""

    def _pace(self, due_ns: int) -> None:
        """Sleep until the monotonic clock reads `due_ns`; draw and listen meanwhile."""
        while (left_ns := due_ns - time.monotonic_ns()) > 0:
            if self._stopping.exit_code is not None or (self._display is not None and self._display.quit):
                return
            self._collect()
            time.sleep(min(left_ns / 1e9, SLICE_S))
            if left_ns > SLICE_S * 1e9 and self._display is not None:
                self._display.draw_if_due(time.monotonic_ns(), self._look)

    def _collect(self) -> None:
        """Look for garbage while there is nothing else to do."""
        now_s = time.monotonic()
        if now_s >= self._collect_due_s:
            self._collect_due_s = now_s + COLLECT_S
            self._sweep()

    def _sweep(self) -> None:
        """Take young garbage away, now and then all of it: there is little, what stood at the start is frozen."""
        self._collections += 1
        gc.collect(1 if self._collections % COLLECT_OLD else 2)


def apart(commands: Iterable[Command]) -> tuple[list[OrderCommand], list[FeedCommand]]:
    """What is for the venue, and what is for the feed."""
    orders: list[OrderCommand] = []
    others: list[FeedCommand] = []
    for command in commands:
        if isinstance(command, Place | Cancel):
            orders.append(command)
        else:
            others.append(command)
    return orders, others


def encode(commands: Iterable[Command]) -> bytes:
    """Commands as JSON: `[["Watch",["BTC-USD"]],..]`, the same text for the same commands."""
    return msgspec.json.encode([[type(command).__name__, *command] for command in commands])
