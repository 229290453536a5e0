"""written_venue: on the disk before the wire, and all that the database says comes in by the inbox."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apsw
import pytest

from sniper.engine import Engine
from sniper.errors import PermissionProblem
from sniper.feed.sim import Sim
from sniper.inbox import Inbox
from sniper.journal import Journal
from sniper.journal_reader import JournalReader
from sniper.journal_settings import header
from sniper.loop import Loop
from sniper.order_table import NOT_SENT
from sniper.replaying import verify
from sniper.state import State
from sniper.trading import VENUE_CONNECTION, Cancel, Place, Refused
from sniper.types import REC_OPERATOR, REC_VENUE
from sniper.written_venue import IDS_LEFT_MIN, WrittenVenue
from tests import paper_run
from tests.durable import cancel, opened, place
from tests.loopback import until
from tests.test_state_news import BUSY, SECONDS


class Inner:
    """A venue that notes what reaches it, and what of it was on the disk by then."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.sent: list[Place | Cancel] = []
        self.durable: list[int] = []

    def observe(self, now_ns: int, rows: int) -> None:
        pass

    def send(self, now_ns: int, commands: Sequence[Place | Cancel]) -> None:
        self.sent += commands
        reader = apsw.Connection(str(self.state.path), flags=apsw.SQLITE_OPEN_READONLY)
        self.durable.append(reader.execute("SELECT count(*) FROM intents").get)
        reader.close()

    def due(self, now_ns: int) -> int | None:
        return None

    def pull(self, until_ns: int, inbox: Inbox) -> None:
        pass


def records(venue: WrittenVenue) -> list[tuple[int, bytes]]:
    inbox = Inbox(1000, 1 << 20)
    venue.pull(5, inbox)
    found = inbox.drain(1 << 20, 1000)
    assert all(one[:2] == (5, VENUE_CONNECTION) for one in found)
    return [(kind, data) for _, _, kind, data in found]


def refusing(state: State, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """The disk is full until the event is set."""
    room, write = threading.Event(), state._write

    def full(*args: Any) -> None:
        if not room.is_set():
            raise apsw.FullError("database or disk is full")
        write(*args)

    monkeypatch.setattr(state, "_write", full)
    monkeypatch.setattr(state.thread, "_write", full)
    return room


def test_commands_are_on_the_disk_when_the_venue_gets_them(tmp_path: Path) -> None:
    state = opened(tmp_path)
    inner = Inner(state)
    venue = WrittenVenue(inner, state, paper_run.engine())
    venue.send(1, [place(5), place(6)])
    venue.send(2, [cancel(5)])
    assert inner.sent == [place(5), place(6), cancel(5)] and inner.durable == [2, 3]
    assert venue.due(9) is None and records(venue) == []
    behind = WrittenVenue(inner, state, paper_run.engine(), ahead=False)  # its own sender notes them
    behind.send(3, [place(7)])
    assert inner.durable[-1] == 3
    state.close()


def test_what_may_not_leave_is_answered_and_the_gate_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = opened(tmp_path)
    inner = Inner(state)
    venue = WrittenVenue(inner, state, paper_run.engine())
    room = refusing(state, monkeypatch)
    venue.send(1, [place(5), place(6, reduce_only=True), cancel(4)])
    venue.observe(1, 0)
    assert inner.sent == [place(6, reduce_only=True), cancel(4)]
    assert venue.due(9) == 9
    assert records(venue) == [
        (REC_VENUE, b"place 5 %d not written: database or disk is full" % NOT_SENT),
        (REC_OPERATOR, b"state stopped database or disk is full"),
    ]
    room.set()
    until(lambda: not state.problem)
    venue.observe(2, 0)
    assert records(venue) == [(REC_OPERATOR, b"state writing")]
    assert state.all("SELECT verb, client_id FROM intents") == [("place", 6), ("cancel", 4)]
    with pytest.raises(OSError, match="had another order"):
        state.note([Wanted(place(6, side=1))])
    state.note([Wanted(place(8))])
    state.close()


class Wanted:
    def __init__(self, command: Place | Cancel) -> None:
        self.command = command


def test_a_session_on_a_full_disk_goes_on_opens_nothing_and_replays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = opened(tmp_path / "state", "paper", reborn=True)
    room = refusing(state, monkeypatch)
    state.thread.fail("database or disk is full")
    engine = session(state, tmp_path / "full.mcap")
    assert engine.desk is not None
    gates = {one.outcome.gate for one in engine.desk.decisions if isinstance(one.outcome, Refused)}
    assert "state" in gates and not engine.desk.orders.finished and not engine.desk.account.positions
    with JournalReader(tmp_path / "full.mcap") as reader:
        assert verify(reader).equal
    room.set()
    state.close()


def session(state: State, journal: Path, first: int = 1, last: int = 65_535) -> Engine:
    """A busy paper session, written and journalled."""
    desk = paper_run.desk_settings(options=BUSY)
    orders = desk.orders._replace(first_client_id=first, last_client_id=last)
    engine = paper_run.engine(options=BUSY)
    engine = Engine(engine.settings._replace(desk=desk._replace(orders=orders)))
    inbox = Inbox(1 << 16, 64 << 20)
    inner = paper_run.paper(engine)
    inner.start(inbox)
    venue = WrittenVenue(inner, state, engine)
    with Journal(journal, header(engine.settings, "{}", 1)) as kept:
        loop = Loop(engine, Sim(seed=1, markets=6), inbox, speed=0, venue=venue, journal=kept)
        loop.run(None, round(SECONDS * paper_run.SECOND_NS))
    return engine


def test_ids_are_reserved_ahead_and_the_journal_replays_without_the_database(tmp_path: Path) -> None:
    state = opened(tmp_path / "state", "paper", reborn=True)
    first, last = state.reserve(count=6)  # fewer than the session needs
    engine = session(state, tmp_path / "ids.mcap", first, last)
    blocks = state.all("SELECT first, last FROM client_ids ORDER BY first")
    used = [i for (i,) in state.all("SELECT client_id FROM intents WHERE verb = 'place' ORDER BY seq")]
    assert len(used) > 6 and used == sorted(set(used))
    assert all(any(low <= i <= high for low, high in blocks) for i in used)
    assert engine.desk is not None and engine.desk.orders.ids_left > IDS_LEFT_MIN and len(blocks) == 2
    state.close()
    state.path.unlink()
    with JournalReader(tmp_path / "ids.mcap") as reader:
        assert verify(reader).equal


def test_without_new_ids_it_asks_again_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = opened(tmp_path)
    engine = paper_run.engine()
    assert engine.desk is not None
    engine.desk.orders._ids = [(1, 10)]
    venue = WrittenVenue(Inner(state), state, engine)
    asked: list[int] = []

    def reserve(writer: int) -> tuple[int, int]:
        asked.append(writer)
        if len(asked) == 1:
            raise PermissionProblem("no such folder")
        return 100, 200

    monkeypatch.setattr(state, "reserve", reserve)
    venue.observe(1, 0)
    until(lambda: asked == [0] and not venue._asked)
    venue.observe(2, 0)
    assert asked == [0], "not at once"
    venue.observe(20 * 10**9, 0)
    until(lambda: len(asked) == 2)
    until(lambda: venue.due(1) == 1)
    venue.observe(60 * 10**9, 0)
    assert (REC_OPERATOR, b"ids 100 200") in records(venue) and len(asked) == 2
    state.close()
