"""The live feed: messages of the Indexer's WebSocket, untouched, into the inbox.

One thread for each connection (`wire.py`), and one that sends what is due: requests at their pace, and the
end of connections that fell silent. What the feed decides goes into the inbox too, as LINK records:
`connecting`, `open`, then one of `closed`, `refused` and `limited` (with `silent` ahead where we gave up),
and `stopped` at the end.

Connection 0 carries `v4_markets`. The other subscriptions follow when the first snapshot of the markets was
seen and the engine has said which markets to watch. After a reconnect everything is asked for again: there
is no resume.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterable
from random import Random
from typing import Final

from sniper.errors import ConfigError
from sniper.feed.backoff import Backoff
from sniper.feed.clock import real_clock
from sniper.feed.link_state import Happening, Link, State
from sniper.feed.plan import BLOCK_HEIGHT, MARKETS, Plan, Subscription, check_fits, place
from sniper.feed.rest import Rest
from sniper.feed.settings import SocketSettings
from sniper.feed.sniff import Control
from sniper.feed.subscriptions import Subscriptions
from sniper.feed.wire import Entrance, Verdict, Wire
from sniper.types import Ask, Connection, FeedCommand, Reconnect, Resubscribe, Watch

STOP_S: Final = 5.0
OPEN_STEPS: Final = 3  # TCP, TLS and HTTP: each has its own limit, all together this many times it
_NOTHING_DUE_S: Final = 1.0
_OPEN: Final = frozenset((State.OPEN, State.SUBSCRIBING, State.LIVE))


class SocketFeed:
    """A feed on real time: `start`, then `send` what the engine commands, `stop` at the end.

    Any exception in one of its threads is a fault of ours; it ends the feed and is raised by the next `send`.
    """

    clock = "real"
    exhausted = False

    def __init__(self, settings: SocketSettings, now_ns: Callable[[], int] | None = None) -> None:
        """now_ns: the clock of the run. Raises ConfigError when the markets cannot be placed."""
        check_fits(settings.tickers, settings.wanted)
        if settings.ca_file:
            try:
                ssl.create_default_context(cafile=settings.ca_file)
            except OSError as error:  # ssl.SSLError is one
                raise ConfigError(
                    f"feed.ca_file {settings.ca_file} cannot be read as PEM certificates: {error}",
                    "give the path of a file of certificate authorities, or leave it empty for the system's",
                ) from error
        self.now_ns = now_ns or real_clock()
        self._settings = settings
        self._changed = threading.Condition(threading.RLock())
        self._wires: list[Wire] = []
        self._plan: Plan = ((Subscription(MARKETS), Subscription(BLOCK_HEIGHT)),)
        self._tickers: tuple[str, ...] | None = None
        self._markets_seen = False
        self._stopping = False
        self._fault: BaseException | None = None
        self._inbox: Entrance | None = None
        self._sender: threading.Thread | None = None
        self.rest = (
            Rest(settings.rest_url, now_ns=self.now_ns, ca_file=settings.ca_file)
            if settings.rest_url
            else None
        )

    # The feed as the loop sees it

    def start(self, inbox: Entrance) -> None:
        """Open connection 0; the others follow with the first `Watch`."""
        if self._inbox is not None:
            raise RuntimeError("the feed was started before")
        self._inbox = inbox
        if self.rest is not None and self._settings.rest_markets:
            self.rest.start(inbox)
            self.rest.request("perpetualMarkets")
        with self._changed:
            self._follow_plan()
        self._sender = threading.Thread(target=self._send_due, name="sniper-feed-sender", daemon=True)
        self._sender.start()

    def send(self, now_ns: int, commands: Iterable[FeedCommand]) -> None:
        """Do what the engine commands. Raises ConfigError when a Watch needs more than 9 connections."""
        if self._fault is not None:
            raise self._fault
        with self._changed:
            for command in commands:
                if isinstance(command, Watch):
                    self._watch(command.tickers)
                elif isinstance(command, Resubscribe):
                    self._resubscribe(command)
                elif isinstance(command, Ask):
                    self._ask(command)
                else:
                    self._reconnect(command)
            self._changed.notify_all()

    def stop(self, deadline_s: float = STOP_S) -> None:
        """Close every connection and wait for the threads, deadline_s at most. May be called twice."""
        end_s = time.monotonic() + deadline_s
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for wire in self._wires:
            wire.stop()
        if self.rest is not None:
            self.rest.stop(end_s - time.monotonic())
        for wire in self._wires:
            wire.join(end_s - time.monotonic())
        if self._sender is not None and self._sender is not threading.current_thread():
            self._sender.join(max(end_s - time.monotonic(), 0.0))

    def status(self) -> list[Connection]:
        """What is known of each connection now."""
        now_s = time.monotonic()
        with self._changed:
            return [
                Connection(
                    index=wire.index,
                    name=self._settings.url,
                    state=str(wire.link.state),
                    since_ns=wire.since_ns,
                    frames=wire.frames,
                    bytes=wire.bytes,
                    reconnects=wire.link.reconnects,
                    gaps=wire.gaps,
                    uptime_ratio=wire.link.uptime_ratio(now_s),
                )
                for wire in self._wires
            ]

    # Commands (the lock is held)

    def _watch(self, tickers: tuple[str, ...]) -> None:
        new = tuple(ticker for ticker in tickers if ticker not in (self._tickers or ()))
        self._plan = place(tickers, self._settings.wanted, held=self._plan)
        self._tickers = tuple(tickers)
        self._follow_plan()
        self._open_gate()
        self._fetch_history(new)

    def _resubscribe(self, command: Resubscribe) -> None:
        if command.connection < len(self._wires):
            wire = self._wires[command.connection]
            if wire.subscriptions.again(command.channel, command.ticker):
                wire.settle(time.monotonic())

    def _ask(self, command: Ask) -> None:
        """By REST, if there is one: what gets no answer is asked for again by whoever asked."""
        if self.rest is not None:
            assert self._inbox is not None, "start comes first"
            self.rest.start(self._inbox)
            self.rest.request(command.endpoint, **dict(command.query))

    def _reconnect(self, command: Reconnect) -> None:
        if command.connection < len(self._wires):
            verdict = Verdict(Happening.LOST, "closed", 0, f"asked for: {command.cause}")
            wire = self._wires[command.connection]
            if wire.link.state in _OPEN:
                wire.give_up(verdict)

    def _follow_plan(self) -> None:
        """Give each connection its part of the plan; open, and close, connections as it needs."""
        assert self._inbox is not None, "start comes first"
        settings = self._settings
        opened = 0
        for index, subscriptions in enumerate(self._plan):
            if index == len(self._wires):
                now_s = time.monotonic()
                rng = Random(f"{settings.seed}/feed/{index}")
                wire = Wire(
                    index,
                    settings,
                    self._inbox,
                    self.now_ns,
                    Link(Backoff(rng, settings.waits), now_s),
                    Subscriptions(settings.pace, settings.batched),
                    self._changed,
                    self._heard,
                    self._failed,
                )
                self._wires.append(wire)
            wire = self._wires[index]
            wire.subscriptions.want(subscriptions)
            wire.settle(time.monotonic())
            if subscriptions and wire.link.state in (State.IDLE, State.STOPPED) and not self._stopping:
                wire.start(settings.stagger_s * opened)
                opened += 1
        for index, wire in enumerate(self._wires):
            if wire.link.state is not State.STOPPED and not (index < len(self._plan) and self._plan[index]):
                wire.stop()

    def _open_gate(self) -> None:
        if self._markets_seen and self._tickers is not None:
            for wire in self._wires:
                wire.subscriptions.open_gate()

    def _fetch_history(self, tickers: tuple[str, ...]) -> None:
        """Ask by REST for what the WebSocket does not tell."""
        settings = self._settings
        if self.rest is None or not (settings.funding_hours or settings.candle_bars):
            return
        assert self._inbox is not None
        self.rest.start(self._inbox)
        for ticker in tickers:
            if settings.funding_hours:
                self.rest.request("historicalFunding", ticker=ticker, limit=settings.funding_hours)
            for resolution in settings.wanted.resolutions if settings.candle_bars else ():
                self.rest.candles(ticker, resolution, settings.candle_bars)

    # Called by the connections' threads

    def _heard(self, control: Control) -> None:
        """A control message came on some connection (the lock is held)."""
        if control.type == "subscribed" and control.channel == MARKETS and not self._markets_seen:
            self._markets_seen = True
            self._open_gate()

    def _failed(self, fault: BaseException) -> None:
        """A fault of ours in some thread: end everything, and let `send` raise it."""
        with self._changed:
            if self._fault is None:
                self._fault = fault
            self._stopping = True
            self._changed.notify_all()
        for wire in self._wires:
            wire.stop()

    # The sender

    def _send_due(self) -> None:
        try:
            while True:
                with self._changed:
                    if self._stopping:
                        return
                    now_s = time.monotonic()
                    self._revive()
                    self._end_the_silent(now_s)
                    due = [(wire, text) for wire in self._wires if (text := wire.subscriptions.take(now_s))]
                    if not due:
                        self._changed.wait(max(self._next_s(now_s) - now_s, 0.0))
                        continue
                for wire, text in due:  # without the lock: a send may block for a moment
                    wire.send(text)
        except BaseException as fault:
            self._failed(fault)

    def _revive(self) -> None:
        """Start a connection anew that was stopped for want of subscriptions and has some again."""
        for wire in self._wires:
            if wire.link.state is State.STOPPED and wire.index < len(self._plan) and self._plan[wire.index]:
                wire.start(0.0)

    def _limit_s(self, wire: Wire) -> float:
        """When this connection is given up unless a message comes; infinity: not at all."""
        if wire.ending:
            return float("inf")
        if wire.link.state is State.CONNECTING:
            return wire.last_s + OPEN_STEPS * self._settings.open_s
        return wire.last_s + self._settings.silence_s if wire.link.state in _OPEN else float("inf")

    def _next_s(self, now_s: float) -> float:
        """When there is something to do, as far as known now."""
        nexts_s = (min(wire.subscriptions.next_s(), self._limit_s(wire)) for wire in self._wires)
        return min(now_s + _NOTHING_DUE_S, *nexts_s)

    def _end_the_silent(self, now_s: float) -> None:
        for wire in self._wires:
            if now_s < self._limit_s(wire):
                continue
            text = f"no message for {now_s - wire.last_s:.1f} s"
            if wire.link.state is State.CONNECTING:
                text = f"not open after {now_s - wire.last_s:.1f} s"
            else:
                wire.tell("silent", 0, text)
                wire.link.step(Happening.SILENT, now_s, alive_s=wire.alive_s)
            wire.give_up(Verdict(Happening.LOST, "closed", 0, text))
