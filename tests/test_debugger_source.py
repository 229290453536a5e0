"""debugger_source: ticks of a journal by number; ticks of a feed as the loop makes them, kept and let go."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from sniper.debugger_source import FeedSource, JournalSource
from sniper.engine import Engine
from sniper.errors import UsageError
from sniper.feed.replay import Replay
from sniper.inbox import Inbox
from sniper.journal import Journal
from sniper.journal_reader import JournalReader
from sniper.journal_settings import header
from sniper.loop import Loop
from sniper.types import Command, Connection
from tests import played

TICKS = played.turns(played.frames(400), 2)


class Busy:
    """A feed on tape time whose records come several between two ticks."""

    clock = "tape"

    def __init__(self, gap_ns: int = 7_000_000) -> None:
        self.records = [(played.BEGIN_NS + i * gap_ns, data) for i, data in enumerate(played.frames(300))]
        self.at = 0
        self.sent: list[tuple[int, Sequence[Command]]] = []

    def start(self, inbox: Inbox) -> None:
        """No thread."""

    def stop(self) -> None:
        """No thread."""

    def status(self) -> list[Connection]:
        """Nothing to say."""
        return []

    def send(self, now_ns: int, commands: Sequence[Command]) -> None:
        """Remember them."""
        self.sent.append((now_ns, commands))

    def due(self, now_ns: int) -> int | None:
        """The next record's time."""
        return self.records[self.at][0] if self.at < len(self.records) else None

    def pull(self, until_ns: int, inbox: Inbox) -> None:
        """All that is due."""
        while self.at < len(self.records) and self.records[self.at][0] <= until_ns:
            inbox.put(self.records[self.at][0], 0, 0, self.records[self.at][1])
            self.at += 1


def test_ticks_of_a_journal_come_by_number_in_any_order(tmp_path: Path) -> None:
    played.journalled(tmp_path / "a.mcap", TICKS, snapshot_every=40)
    source = JournalSource(JournalReader(tmp_path / "a.mcap"))
    for number in (1, 2, 3, 100, 101, 5, 6, 6, len(TICKS)):
        tick = source.tick(number)
        assert tick is not None and tick.number == number and tick.records == TICKS[number - 1][1]
    assert source.tick(len(TICKS) + 1) is None
    assert source.state_before(1) == 0 and source.state_before(0) == -1 and source.state_before(40) == 39
    engine = Engine(source.settings)
    assert source.load(engine, 90) == 79 == engine.ticks
    source.forget(5)
    source.close()


def test_a_journal_without_any_snapshot_cannot_be_stepped(tmp_path: Path) -> None:
    with Journal(tmp_path / "a.mcap", header(played.SETTINGS, "{}", 1)):
        pass
    with JournalReader(tmp_path / "a.mcap") as reader, pytest.raises(UsageError, match="holds no snapshot"):
        JournalSource(reader)


@pytest.mark.parametrize("gap_ns", [7_000_000, 90_000_000])
def test_a_feed_gives_the_ticks_that_the_loop_makes(gap_ns: int) -> None:
    wanted = Engine(played.SETTINGS)
    looped = Busy(gap_ns)
    assert Loop(wanted, looped, Inbox(1000, 1 << 20), tick_ns=50_000_000, speed=0).run() == "exhausted"
    feed, engine = Busy(gap_ns), Engine(played.SETTINGS)
    source = FeedSource(feed, played.SETTINGS, Inbox(1000, 1 << 20), 50_000_000)
    assert source.endless
    number = 0
    while (tick := source.tick(number + 1)) is not None:
        number = tick.number
        source.done(engine, tick.now_ns, engine.tick(tick.now_ns, tick.records))
        assert source.tick(number) is tick  # as often as wanted
    assert (engine.digest, engine.ticks) == (wanted.digest, wanted.ticks)
    assert feed.sent == looped.sent and feed.sent
    assert not source.endless
    bytes_before = source.kept_bytes
    source.forget(10)
    kept = source.tick(11)
    assert kept is not None and kept.number == 11 and 0 < source.kept_bytes < bytes_before
    source.forget(number)
    assert source.kept_bytes == 0
    assert source.state_before(9) == -1
    with pytest.raises(AssertionError):
        source.load(engine, 9)
    source.close()


def test_a_recording_as_a_feed_has_a_tick_a_line(tmp_path: Path) -> None:
    (tmp_path / "f.ndjson").write_bytes(b"\n".join(played.frames(50)))
    source = FeedSource(Replay(tmp_path / "f.ndjson"), played.SETTINGS, Inbox(10, 1 << 20), 50_000_000)
    assert [source.tick(i) is not None for i in range(1, 52)] == [True] * 50 + [False]


def test_a_live_feed_cannot_be_stepped() -> None:
    feed = Busy()
    feed.clock = "real"
    with pytest.raises(UsageError, match="cannot be stepped"):
        FeedSource(feed, played.SETTINGS, Inbox(1, 1), 1)
