"""A venue whose commands are written before they leave: stands between the loop and the venue.

What the database says comes back as records of the inbox, so it is journalled and a replay meets it again: a command
that had to be withheld is answered, the gate learns whether the database writes, a new block of client ids is told.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

from sniper.engine import Engine
from sniper.errors import SniperError
from sniper.inbox import Inbox
from sniper.loop import Venue
from sniper.order_table import NOT_SENT
from sniper.state import State
from sniper.state_news import News
from sniper.trading import VENUE_CONNECTION, Cancel, Place
from sniper.types import REC_OPERATOR, REC_VENUE

IDS_LEFT_MIN: Final = 1024
RETRY_IDS_NS: Final = 10 * 10**9


class WrittenVenue:
    """A venue of the loop around `venue`. writer: of the client ids, a block of which is in the engine's settings.

    ahead: whether to write commands before handing them on; not for a venue whose own sender does so.
    """

    def __init__(
        self, venue: Venue, state: State, engine: Engine, writer: int = 0, ahead: bool = True
    ) -> None:
        assert engine.desk is not None, "a venue without a desk gets no commands"
        self._venue, self._state, self._engine, self._writer = venue, state, engine, writer
        self._ahead = ahead
        self._orders = engine.desk.orders
        self._news = News(state, engine.desk, engine.decoder)
        self._words: deque[tuple[int, bytes]] = deque()
        self._problem = ""
        self._ids_due_ns = 0
        self._asked = False

    def observe(self, now_ns: int, rows: int) -> None:
        """A tick was run: the venue looks at it, and what it changed is written."""
        self._venue.observe(now_ns, rows)
        self._news.look(self._engine.ticks, now_ns)
        if self._state.problem != self._problem:
            self._tell(self._state.problem)
        if self._orders.ids_left >= IDS_LEFT_MIN:
            self._asked = False
        elif not self._asked and now_ns >= self._ids_due_ns:
            self._asked, self._ids_due_ns = True, now_ns + RETRY_IDS_NS
            self._state.thread.do(self._reserve)

    def send(self, now_ns: int, commands: Sequence[Place | Cancel]) -> None:
        """Onto the disk, then to the venue. What must not leave is answered as refused."""
        if not self._ahead:
            self._venue.send(now_ns, commands)
            return
        leaving, withheld = self._state.intents(self._engine.ticks, now_ns, commands)
        for command, why in withheld:
            verb = "cancel" if isinstance(command, Cancel) else "place"
            self._words.append(
                (REC_VENUE, f"{verb} {command.client_id} {NOT_SENT} {line(why)}".encode("utf-8", "replace"))
            )
        if leaving:
            self._venue.send(now_ns, leaving)

    def due(self, now_ns: int) -> int | None:
        """Now, if there is something to tell; else when the venue has something."""
        return now_ns if self._words else self._venue.due(now_ns)

    def pull(self, until_ns: int, inbox: Inbox) -> None:
        """Hand over what there is to tell."""
        while self._words:
            kind, word = self._words.popleft()
            inbox.put(until_ns, VENUE_CONNECTION, kind, word)
        self._venue.pull(until_ns, inbox)

    def ended(self, now_ns: int) -> None:
        """The session ends: write what a later one goes on with."""
        self._news.last(self._engine.ticks, now_ns)

    def _tell(self, problem: str) -> None:
        self._problem = problem
        word = f"state stopped {line(problem)}" if problem else "state writing"
        self._words.append((REC_OPERATOR, word.encode("utf-8", "replace")))

    def _reserve(self) -> None:
        """A new block of client ids, by the thread of the database."""
        try:
            first, last = self._state.reserve(self._writer)
        except SniperError as problem:
            self._asked = False
            self._state.thread.fail(problem.message)
            return
        self._words.append((REC_OPERATOR, b"ids %d %d" % (first, last)))


def line(text: str) -> str:
    """Text that fits into a record of one line."""
    return " ".join(text.split())[:200]
