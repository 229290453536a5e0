"""The life of one connection as one transition table. Pure: time is passed in.

    idle -> waiting -> connecting -> open -> subscribing <-> live
                ^          |          |          |            |
                |          +----------+--- closed (wait) <----+
                +---- limited (HTTP 429, long wait)             stopped: from everywhere

`waiting` and `limited` end when their time is over (`wake_s`). What happens in no row of the table is a
fault of ours.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from sniper.feed.backoff import Backoff


class State(StrEnum):
    """Where a connection stands."""

    IDLE = "idle"
    WAITING = "waiting"
    CONNECTING = "connecting"
    OPEN = "open"
    SUBSCRIBING = "subscribing"
    LIVE = "live"
    CLOSED = "closed"
    LIMITED = "limited"
    STOPPED = "stopped"


class Happening(StrEnum):
    """What can happen to a connection."""

    START = "start"
    DUE = "due"  # the wait is over
    OPENED = "opened"  # the WebSocket handshake is done
    CONNECTED = "connected"  # the Indexer said `connected`
    WANTING = "wanting"  # a subscription is missing
    COMPLETE = "complete"  # every subscription is confirmed
    SILENT = "silent"  # we gave it up
    LOST = "lost"  # it closed, broke or could not be made
    REFUSED = "refused"  # TLS or an HTTP status other than 429
    TOO_MANY = "too many"  # HTTP 429
    REST = "rest"  # the socket is cleaned up; the wait begins
    STOP = "stop"


_S, _H = State, Happening
_UP: Final = frozenset((_S.SUBSCRIBING, _S.LIVE))
_ENDED: Final = frozenset((_S.CLOSED, _S.LIMITED))

TRANSITIONS: Final[dict[tuple[State, Happening], State]] = {
    (_S.IDLE, _H.START): _S.WAITING,
    (_S.WAITING, _H.DUE): _S.CONNECTING,
    (_S.CONNECTING, _H.OPENED): _S.OPEN,
    (_S.CONNECTING, _H.LOST): _S.CLOSED,
    (_S.CONNECTING, _H.REFUSED): _S.CLOSED,
    (_S.CONNECTING, _H.SILENT): _S.CLOSED,
    (_S.CONNECTING, _H.TOO_MANY): _S.LIMITED,
    (_S.OPEN, _H.CONNECTED): _S.SUBSCRIBING,
    (_S.OPEN, _H.LOST): _S.CLOSED,
    (_S.OPEN, _H.REFUSED): _S.CLOSED,
    (_S.OPEN, _H.SILENT): _S.CLOSED,
    (_S.SUBSCRIBING, _H.COMPLETE): _S.LIVE,
    (_S.SUBSCRIBING, _H.CONNECTED): _S.SUBSCRIBING,
    (_S.SUBSCRIBING, _H.LOST): _S.CLOSED,
    (_S.SUBSCRIBING, _H.SILENT): _S.CLOSED,
    (_S.LIVE, _H.WANTING): _S.SUBSCRIBING,
    (_S.LIVE, _H.CONNECTED): _S.LIVE,
    (_S.LIVE, _H.COMPLETE): _S.LIVE,
    (_S.LIVE, _H.LOST): _S.CLOSED,
    (_S.LIVE, _H.SILENT): _S.CLOSED,
    (_S.CLOSED, _H.REST): _S.WAITING,
    (_S.CLOSED, _H.LOST): _S.CLOSED,  # the socket that we gave up on says so itself
    (_S.CLOSED, _H.OPENED): _S.CLOSED,  # ... or came up after all
    (_S.CLOSED, _H.CONNECTED): _S.CLOSED,
    (_S.CLOSED, _H.REFUSED): _S.CLOSED,
    (_S.CLOSED, _H.TOO_MANY): _S.LIMITED,
    (_S.LIMITED, _H.DUE): _S.CONNECTING,
    (_S.STOPPED, _H.START): _S.WAITING,
    **{(state, _H.STOP): _S.STOPPED for state in State},
    **{(_S.STOPPED, late): _S.STOPPED for late in Happening if late is not _H.START},
    # Wanting and complete say something of the subscriptions: they move only a connection that is up.
    **{(s, h): s for s in State if s not in _UP for h in (_H.WANTING, _H.COMPLETE)},
    (_S.SUBSCRIBING, _H.WANTING): _S.SUBSCRIBING,
}


class Link:
    """State, waits and uptime of one connection. Times are seconds of any clock that never goes back."""

    def __init__(self, backoff: Backoff, now_s: float) -> None:
        self._backoff = backoff
        self._begun_s = now_s
        self._up_s = 0.0
        self._up_since_s = now_s
        self._wait_s = 0.0
        self.state = State.IDLE
        self.since_s = now_s
        self.wake_s = now_s
        self.opens = 0

    def step(self, happening: Happening, now_s: float, *, code: int = 0, alive_s: float = 0.0) -> State:
        """Take one step; gives the new state.

        code: the close code, with LOST. alive_s: for how long frames came on the connection that ends.
        Raises ValueError for what the table does not hold.
        """
        old = self.state
        new = TRANSITIONS.get((old, happening))
        if new is None:
            raise ValueError(f"connection: {happening} in state {old}")
        if happening in (Happening.LOST, Happening.REFUSED, Happening.SILENT, Happening.TOO_MANY):
            self._end(old, new, now_s, code, alive_s)
        elif happening is Happening.REST:
            self.wake_s = now_s + self._wait_s
        elif happening is Happening.START:
            self.wake_s = now_s
        elif happening is Happening.OPENED and new is State.OPEN:
            self.opens += 1
        if new is not old:
            if new in _UP and old not in _UP:
                self._up_since_s = now_s
            elif old in _UP and new not in _UP:
                self._up_s += now_s - self._up_since_s
            self.state = new
            self.since_s = now_s
        return new

    def _end(self, old: State, new: State, now_s: float, code: int, alive_s: float) -> None:
        """Draw the wait, once for each connection that ended."""
        if new not in _ENDED or (old in _ENDED and new is not State.LIMITED):
            return
        self._backoff.alive(alive_s)
        if new is State.LIMITED:
            self.wake_s = now_s + self._backoff.after_limit()
        else:
            self._wait_s = self._backoff.after_failure(code)

    def delay(self, delay_s: float, now_s: float) -> None:
        """Begin the first wait at START: connections are opened one after the other, not at once."""
        self.wake_s = now_s + delay_s

    @property
    def reconnects(self) -> int:
        """How often it was opened again."""
        return max(self.opens - 1, 0)

    @property
    def up(self) -> bool:
        """Whether the Indexer has said `connected` on the present socket."""
        return self.state in _UP

    def uptime_ratio(self, now_s: float) -> float:
        """The share of the time since the beginning in which it was up."""
        up_s = self._up_s + (now_s - self._up_since_s if self.state in _UP else 0.0)
        lived_s = now_s - self._begun_s
        return min(up_s / lived_s, 1.0) if lived_s > 0.0 else 0.0
