"""debugger_walk: any tick can be reached from any other, with the same state."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from sniper import debugger_walk
from sniper.debugger_source import FeedSource, JournalSource
from sniper.debugger_walk import Snapshot, Snapshots, Walk
from sniper.engine import Engine
from sniper.inbox import Inbox
from sniper.journal import Journal
from sniper.journal_format import Gap
from sniper.journal_reader import JournalReader
from sniper.replaying import Difference
from tests import played
from tests.tamper import rewrite_frame
from tests.test_debugger_source import Busy

TICKS = played.turns(played.frames(700), 2)


def digests() -> list[str]:
    engine = Engine(played.SETTINGS)
    found = [engine.digest]
    for tick in TICKS:
        engine.tick(*tick)
        found.append(engine.digest)
    return found


DIGESTS = digests()


def walk_over(path: Path, told: list[Difference] | None = None) -> Walk:
    return Walk(JournalSource(JournalReader(path)), (told if told is not None else []).append)


@pytest.mark.parametrize("every", [7, 500])
def test_any_tick_from_any_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every: int) -> None:
    monkeypatch.setattr(debugger_walk, "SNAPSHOT_TICKS", every)
    played.journalled(tmp_path / "a.mcap", TICKS, snapshot_every=60)
    told: list[Difference] = []
    walk = walk_over(tmp_path / "a.mcap", told)
    rng = random.Random(every)
    for tick in [0, 1, 0, len(TICKS), len(TICKS) - 1, *(rng.randrange(len(TICKS) + 1) for _ in range(60))]:
        walk.goto(tick)
        assert (walk.number, walk.engine.digest) == (tick, DIGESTS[tick])
        assert (walk.tick.records if walk.tick else None) == (TICKS[tick - 1][1] if tick else None)
        assert walk.rows_n == 0 or walk.tick is not None
    walk.goto(10**9)
    assert walk.number == len(TICKS) and not walk.step()
    walk.goto(-5)
    assert walk.number == walk.first == 0
    assert told == []
    walk.source.close()


def test_back_100_and_next_100_give_the_same_digest(tmp_path: Path) -> None:
    played.journalled(tmp_path / "a.mcap", TICKS, snapshot_every=90)
    walk = walk_over(tmp_path / "a.mcap")
    walk.goto(250)
    digest = walk.engine.digest
    walk.goto(150)
    assert walk.engine.digest == DIGESTS[150] != digest
    for _ in range(100):
        assert walk.step()
    assert walk.engine.digest == digest


def test_a_later_file_begins_with_its_own_state(tmp_path: Path) -> None:
    played.journalled(tmp_path, TICKS, rotate_every=100)
    walk = walk_over(sorted(tmp_path.iterdir())[1])
    assert walk.first == walk.number == 99 and walk.engine.digest == DIGESTS[99] and walk.tick is None
    walk.goto(50)
    assert walk.number == 99
    walk.goto(120)
    assert walk.engine.digest == DIGESTS[120]


def test_a_feed_is_walked_back_over_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debugger_walk, "SNAPSHOT_TICKS", 10)
    monkeypatch.setattr(debugger_walk, "KEPT_BYTES_MAX", 8_000)
    feed = Busy()
    walk = Walk(FeedSource(feed, played.SETTINGS, Inbox(1000, 1 << 20), 10_000_000), [].append)
    found = {0: walk.engine.digest}
    while walk.step():
        found[walk.number] = walk.engine.digest
        assert walk.source.kept_bytes < 30_000
    last, sent = walk.number, len(feed.sent)
    assert 0 < walk.first < last - 10
    for tick in (last - 1, walk.first, walk.first + 3, last, 0):
        walk.goto(tick)
        assert walk.number == max(tick, walk.first) and walk.engine.digest == found[walk.number]
    assert len(feed.sent) == sent  # commands go out once


def test_large_ticks_are_followed_by_a_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debugger_walk, "FRESH_BYTES_MAX", 2_000)
    monkeypatch.setattr(debugger_walk, "KEPT_BYTES_MAX", 6_000)
    walk = Walk(FeedSource(Busy(), played.SETTINGS, Inbox(1000, 1 << 20), 10_000_000), [].append)
    while walk.step():
        assert walk.source.kept_bytes < 10_000


def test_a_difference_is_announced_once_and_names_the_tick(tmp_path: Path) -> None:
    played.journalled(tmp_path / "a.mcap", TICKS, snapshot_every=1000)
    rewrite_frame(tmp_path / "a.mcap", tmp_path / "b.mcap", 44, b'{"type":"pong"}')
    told: list[Difference] = []
    walk = walk_over(tmp_path / "b.mcap", told)
    walk.goto(60)
    assert told == [Difference(44, "decode", None)]
    walk.goto(50)
    walk.goto(60)
    assert told[1:] == [Difference(44, "decode", None)]  # it was run again from the first state
    walk.goto(20)
    walk.goto(43)
    assert len(told) == 2


def test_missing_ticks_are_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(played.SETTINGS)
    played.journalled(tmp_path / "a.mcap", TICKS[:50], snapshot_every=1000)
    with JournalReader(tmp_path / "a.mcap") as reader:
        all_ticks = list(reader)
        first = reader.state_before(1)[1]
    for tick in TICKS[:30]:
        engine.tick(*tick)
    states = {0: first, 30: engine.save()}
    kept = all_ticks[:20] + all_ticks[30:]
    monkeypatch.setattr(JournalReader, "gaps", [Gap(21, 30, 0, "disk full")])
    monkeypatch.setattr(JournalReader, "snapshots", [(number, 0) for number in states])
    monkeypatch.setattr(
        JournalReader, "seek", lambda self, number: iter([t for t in kept if t.number >= number])
    )
    monkeypatch.setattr(
        JournalReader, "state_before", lambda self, tick: max(s for s in states.items() if s[0] < tick)
    )
    told: list[Difference] = []
    walk = walk_over(tmp_path / "a.mcap", told)
    walk.goto(20)
    assert walk.step() and walk.number == 31 and walk.engine.digest == DIGESTS[31]
    walk.goto(25)
    assert walk.number == 31  # the nearest one behind the gap
    walk.goto(15)
    assert walk.engine.digest == DIGESTS[15]
    walk.goto(50)
    assert walk.engine.digest == DIGESTS[50] and told == []


def test_it_stops_between_two_ticks_when_asked(tmp_path: Path) -> None:
    played.journalled(tmp_path / "a.mcap", TICKS)
    walk = walk_over(tmp_path / "a.mcap")
    walk.stopped = lambda: walk.number == 70
    walk.goto(90)
    assert (walk.number, walk.engine.digest) == (70, DIGESTS[70])


def test_snapshots_are_bounded_dense_near_the_newest_and_keep_both_ends() -> None:
    kept = Snapshots(most=10, bytes_max=1 << 20)
    for number in range(0, 1000, 5):
        kept.add(Snapshot(number, b"x" * 10, True))
        kept.add(Snapshot(number, b"y" * 10, True))
    assert len(kept.numbers) == 10 and kept.numbers[0] == 0 and kept.numbers[-1] == 995
    gaps = [b - a for a, b in zip(kept.numbers, kept.numbers[1:], strict=False)]
    assert gaps[-1] <= 10 < gaps[0]
    assert kept.before(0) is None and kept.before(1) == Snapshot(0, b"x" * 10, True)
    kept.drop_oldest()
    assert kept.numbers[0] > 0
    small = Snapshots(most=10, bytes_max=25)
    for number in range(5):
        small.add(Snapshot(number, b"x" * 10, True))
    assert small.numbers == [0, 4]


def test_an_empty_journal_has_one_state(tmp_path: Path) -> None:
    with Journal(tmp_path / "a.mcap", {"settings": played.HEADER["settings"]}) as journal:
        journal.snapshot(0, 0, Engine(played.SETTINGS).save())
    walk = walk_over(tmp_path / "a.mcap")
    assert not walk.step() and walk.number == 0
