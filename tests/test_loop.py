"""The loop: which records a tick takes and when, what is written down, how it ends."""

from __future__ import annotations

import gc
import itertools
import random
import threading
import time
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from sniper import loop as loop_module
from sniper.engine import Engine, Settings
from sniper.inbox import Inbox
from sniper.journal import Journal, JournalReader
from sniper.loop import Loop, encode
from sniper.stopping import Stopping
from sniper.types import REC_FRAME, REC_OPERATOR, Command, Connection, Reconnect, Resubscribe, Watch
from tests import messages as m

MS = 1_000_000
SECOND = 1000 * MS


class Tape:
    """A feed of given frames at given milliseconds."""

    clock = "tape"

    def __init__(self, *frames: tuple[int, bytes], whole_ticks: bool = False) -> None:
        self.frames = [(at * MS, data) for at, data in frames]
        self.whole_ticks = whole_ticks
        self.sent: list[Command] = []
        self.started = self.stopped = 0

    def start(self, inbox: Inbox) -> None:
        self.started += 1

    def due(self, now_ns: int) -> int | None:
        return self.frames[0][0] if self.frames else None

    def pull(self, until_ns: int, inbox: Inbox) -> None:
        taken = 0
        while self.frames and self.frames[0][0] <= until_ns and not (self.whole_ticks and taken):
            at, data = self.frames.pop(0)
            inbox.put(at, 0, REC_FRAME, data)
            taken += 1

    def send(self, now_ns: int, commands: Sequence[Command]) -> None:
        self.sent += commands

    def stop(self) -> None:
        self.stopped += 1

    def status(self) -> list[Connection]:
        return []


class Spy(Engine):
    """An engine that remembers its ticks."""

    def __init__(self, settings: Settings = Settings()) -> None:  # noqa: B008
        super().__init__(settings)
        self.seen: list[tuple[int, int]] = []

    def tick(self, now_ns: int, records: list[Any], clock: Any = None) -> tuple[Command, ...]:
        self.seen.append((now_ns // MS, len(records)))
        return super().tick(now_ns, records, clock)


def make(feed: Any, engine: Engine | None = None, **options: Any) -> Loop:
    options.setdefault("speed", 0.0)
    return Loop(engine or Spy(), feed, Inbox(10_000, 1 << 26), **options)


def test_a_tick_takes_exactly_what_is_due() -> None:
    loop = make(Tape((1000, b"{}"), (1000, b"{}"), (1020, b"{}"), (1200, b"{}")))
    assert loop.run() == "exhausted"
    assert loop.engine.seen == [(1000, 2), (1020, 1), (1070, 0), (1120, 0), (1170, 0), (1200, 1)]


def test_whole_ticks_have_no_ticks_between_them() -> None:
    loop = make(Tape((1000, b"{}"), (1000, b"{}"), (5000, b"{}"), (4000, b"{}"), whole_ticks=True))
    loop.run()
    assert loop.engine.seen == [(1000, 1), (1000, 1), (5000, 1), (5000, 1)]


def test_what_one_drain_leaves_comes_in_the_next_tick_at_the_same_time() -> None:
    engine = Spy(Settings(records_max=2))
    make(Tape(*((7, b"{}") for _ in range(5))), engine).run()
    assert engine.seen == [(7, 2), (7, 2), (7, 1)]


def test_it_ends_after_so_many_ticks_or_so_much_time() -> None:
    endless = lambda: Tape(*((10 * i, b"{}") for i in range(1000)))  # noqa: E731
    loop = make(endless())
    assert (loop.run(ticks=7), loop.engine.ticks) == ("ticks", 7)
    assert (loop.run(ticks=3), loop.engine.ticks) == ("ticks", 10)
    loop = make(endless())
    assert (loop.run(duration_ns=95 * MS), loop.engine.seen[-1]) == ("duration", (90, 1))


def test_the_feed_is_stopped_whatever_happens() -> None:
    class Broken(Spy):
        def tick(self, now_ns: int, records: list[Any], clock: Any = None) -> tuple[Command, ...]:
            raise AssertionError("ours")

    feed = Tape((1, b"{}"))
    assert gc.isenabled()
    with pytest.raises(AssertionError, match="ours"):
        make(feed, Broken()).run()
    assert (feed.started, feed.stopped, gc.isenabled()) == (1, 1, True)


def test_commands_go_to_the_feed() -> None:
    feed = Tape((1, m.connected()), (2, m.markets(m.market("BTC-USD"))))
    make(feed).run()
    assert feed.sent == [Watch(("BTC-USD",))]


def test_a_signal_ends_it_between_two_ticks() -> None:
    stopping = Stopping()
    engine = Spy()
    loop = make(Tape(*((i, b"{}") for i in range(1000))), engine, stopping=stopping)

    class Watch_:
        def before(self, records: Any) -> None: ...

        def after(self, records: Any, commands: Any) -> None:
            if engine.ticks == 5:
                stopping.exit_code = 130

    loop._look, loop._costs = Watch_(), Costs()
    assert (loop.run(), engine.ticks) == ("signal", 5)


class Costs:
    """Takes what the loop measured."""

    def __init__(self) -> None:
        self.found: list[tuple[Any, ...]] = []

    def add(self, *measured: Any) -> None:
        self.found.append(measured)


class Screen:
    def __init__(self, quit_after: int) -> None:
        self.draws, self.quit_after = 0, quit_after

    @property
    def quit(self) -> bool:
        return self.draws >= self.quit_after

    def draw_if_due(self, now_ns: int, view_builder: Any) -> bool:
        self.draws += 1
        return True


class Eyes:
    def __init__(self) -> None:
        self.calls: list[tuple[str, int]] = []

    def before(self, records: Any) -> None:
        self.calls.append(("before", len(records)))

    def after(self, records: Any, commands: Any) -> None:
        self.calls.append(("after", len(commands)))


def test_the_watcher_sees_every_tick_and_the_display_may_quit() -> None:
    eyes, costs = Eyes(), Costs()
    frames = ((1, m.connected()), (2, m.markets(m.market("BTC-USD"))), *((i, b"{}") for i in range(3, 90)))
    loop = make(Tape(*frames), look=eyes, costs=costs, display=Screen(4))
    assert loop.run() == "quit"
    assert eyes.calls[:4] == [("before", 1), ("after", 0), ("before", 1), ("after", 1)]
    assert len(eyes.calls) == 8
    assert len(costs.found) == 4


def test_pacing_sleeps_and_changes_nothing() -> None:
    frames = [(i * 20, b"{}") for i in range(1, 8)]
    fast, slow = Spy(), Spy()
    make(Tape(*frames), fast).run()
    start = time.monotonic()
    make(Tape(*frames), slow, speed=1.0).run()
    assert time.monotonic() - start >= 0.119
    assert (slow.seen, slow.digests()) == (fast.seen, fast.digests())


def test_a_long_sleep_still_draws_and_hears_a_signal() -> None:
    stopping, screen = Stopping(), Screen(10**6)
    loop = make(
        Tape((0, b"{}"), (60_000, b"{}"), whole_ticks=True), speed=1.0, stopping=stopping, display=screen
    )
    loop._look, loop._costs = Eyes(), Costs()
    start = time.monotonic()

    def signal_after_three_draws() -> None:
        while screen.draws < 3 and time.monotonic() - start < 20:
            time.sleep(0.02)
        stopping.exit_code = 143

    threading.Thread(target=signal_after_three_draws).start()
    assert loop.run() == "signal"
    assert time.monotonic() - start < 40
    assert screen.draws >= 3


def test_the_journal_holds_every_tick_ahead_of_its_work(tmp_path: Path) -> None:
    path = tmp_path / "run.mcap"
    frames = (
        (1, m.connected()),
        (2, m.markets(m.market("BTC-USD"))),
        (500, m.book("BTC-USD", 2, [("99", "1")])),
    )
    engine = Spy()
    with Journal(path, {}) as journal:
        make(Tape(*frames), engine, journal=journal).run()
    ticks = list(JournalReader(path))
    assert [(t.now_ns // MS, len(t.records)) for t in ticks] == engine.seen
    assert ticks[-1].digests == engine.digests()
    assert [t.commands for t in ticks][:3] == [b"[]", b'[["Watch",["BTC-USD"]]]', b"[]"]
    twin = Engine()
    for t in ticks:
        assert encode(twin.tick(t.now_ns, t.records)) == t.commands
        assert twin.digests() == t.digests


def test_that_the_journal_stopped_and_why_is_a_record_of_the_inbox(tmp_path: Path) -> None:
    words: list[bytes] = []

    class Hearing(Spy):
        def tick(self, now_ns: int, records: Any, *more: Any) -> Any:
            words.extend(data for _, _, kind, data in records if kind == REC_OPERATOR)
            if now_ns == 2 * MS:
                journal._thread.stop("no room\n left" + "!" * 300, 1)
            return super().tick(now_ns, records, *more)

    with Journal(tmp_path / "run.mcap", {}) as journal:
        make(
            Tape((1, m.connected()), (2, m.connected()), (500, m.connected())), Hearing(), journal=journal
        ).run()
    assert words == [b"journal stopped no room left" + b"!" * 188]


def test_an_engine_that_fails_leaves_its_tick_in_the_journal(tmp_path: Path) -> None:
    class Broken(Spy):
        def tick(self, now_ns: int, records: list[Any], clock: Any = None) -> tuple[Command, ...]:
            if self.ticks == 2:
                raise AssertionError("ours")
            return super().tick(now_ns, records, clock)

    path = tmp_path / "run.mcap"
    with Journal(path, {}) as journal, pytest.raises(AssertionError):
        make(Tape(*((i, b'{"n":%d}' % i) for i in range(1, 9))), Broken(), journal=journal).run()
    ticks = list(JournalReader(path))
    assert [t.digests is None for t in ticks] == [False, False, True]
    assert ticks[-1].records == [(3 * MS, 0, REC_FRAME, b'{"n":3}')]


def test_snapshots_come_when_due_and_nothing_waits(tmp_path: Path) -> None:
    path = tmp_path / "run.mcap"
    frames = [(i * 100, b"{}") for i in range(1, 100)]
    with Journal(path, {}) as journal:
        make(Tape(*frames), journal=journal, snapshot_ns=2 * SECOND).run()
    at = [now_ns // MS for _, now_ns in JournalReader(path).snapshots]
    assert at[0] == 0
    assert len(at) == 5
    assert all(2000 <= later - earlier <= 2100 for earlier, later in itertools.pairwise(at[1:]))


def test_a_busy_feed_gets_its_snapshots_late(tmp_path: Path) -> None:
    path = tmp_path / "run.mcap"
    frames = [(i * 20, b"{}") for i in range(1, 500)]
    with Journal(path, {}) as journal:
        make(Tape(*frames), journal=journal, snapshot_ns=2 * SECOND).run()
    at = [now_ns // MS for _, now_ns in JournalReader(path).snapshots]
    assert [round(t / 1000) for t in at] == [0, 4, 8]


def test_files_rotate_and_each_replays_alone(tmp_path: Path) -> None:
    dice = random.Random(1)
    frames = [(i * 100, b'{"filler":"%s"}' % dice.randbytes(2000).hex().encode()) for i in range(1, 400)]
    with Journal(tmp_path, {}, file_bytes_max=4096, chunk_bytes=1 << 16, room_wait_s=30) as journal:
        make(Tape(*frames), journal=journal, speed=20.0).run()
    files = sorted(tmp_path.glob("*.mcap"))
    assert len(files) > 1
    for file in files:
        reader = JournalReader(file)
        engine = Engine()
        number, state = reader.state_before(next(iter(reader)).number)
        if number:
            engine.load(state)
        for t in reader:
            engine.tick(t.now_ns, t.records)
            assert engine.digests() == t.digests


class Live:
    """A feed in real time: its thread puts frames until stopped."""

    clock = "real"

    def __init__(self, frames: list[bytes]) -> None:
        self.frames = frames
        self.idle_calls = 0
        self.thread: threading.Thread | None = None

    def start(self, inbox: Inbox) -> None:
        def put() -> None:
            for frame in self.frames:
                inbox.put(time.time_ns(), 0, REC_FRAME, frame)
                time.sleep(0.002)

        self.thread = threading.Thread(target=put)
        self.thread.start()

    def send(self, now_ns: int, commands: Sequence[Command]) -> None:
        self.idle_calls += not commands

    def stop(self) -> None:
        assert self.thread is not None
        self.thread.join()

    def status(self) -> list[Connection]:
        return []


def test_a_live_feed_is_ticked_at_once_and_when_idle() -> None:
    engine = Spy()
    loop = make(Live([b"{}"] * 20), engine, tick_ns=30 * MS, clock_ns=time.time_ns)
    assert loop.run(duration_ns=300 * MS) == "duration"
    assert sum(n for _, n in engine.seen) == 20
    assert len(engine.seen) >= 20
    assert (engine.seen[-1][1], engine.now_ns >= 300 * MS) == (0, True)
    assert [at for at, _ in engine.seen] == sorted(at for at, _ in engine.seen)


class Ring:
    """A circle of references: only the collector frees it."""

    def __init__(self) -> None:
        self.itself = self


class Losing(Live):
    """A feed that loses a circle which has grown old, as a connection does that ends after a while."""

    def start(self, inbox: Inbox) -> None:
        super().start(inbox)
        self.held: Ring | None = Ring()  # not earlier: what stands before the run is frozen
        self.lost = weakref.ref(self.held)

    def send(self, now_ns: int, commands: Sequence[Command]) -> None:
        super().send(now_ns, commands)
        if self.idle_calls == 8:
            self.held = None


@pytest.mark.parametrize(("every", "gone"), [(5, True), (1000, False)])
def test_garbage_that_grew_old_is_taken_away_as_well(
    monkeypatch: pytest.MonkeyPatch, every: int, gone: bool
) -> None:
    monkeypatch.setattr(loop_module, "COLLECT_S", 0.0)
    monkeypatch.setattr(loop_module, "COLLECT_OLD", every)
    feed = Losing([])
    make(feed, tick_ns=MS, clock_ns=time.time_ns).run(ticks=30)
    assert (feed.lost() is None) is gone


def test_a_live_feed_needs_a_clock() -> None:
    with pytest.raises(AssertionError, match="clock"):
        make(Live([])).run(ticks=1)


def test_commands_as_json() -> None:
    commands = (Watch(("A", "B")), Resubscribe(1, "c", "t", "why"), Reconnect(2, "x"))
    assert encode(commands) == b'[["Watch",["A","B"]],["Resubscribe",1,"c","t","why"],["Reconnect",2,"x"]]'
