"""The Indexer as one plain object: news in, frames and answers out. It has no clock and no sockets.

    indexer = LocalIndexer(chain, now_ns=now_ns)
    indexer.take(news, now_ns)                    # whenever the chain has said something
    indexer.connect(1, now_ns); indexer.receive(1, b'{"type":"subscribe",...}', now_ns)
    for connection, text, code, reason in indexer.outgoing(now_ns): ...
    status, headers, body = indexer.rest("/v4/height", "", "127.0.0.1", now_ns)

`due_ns` says when to ask for `outgoing` again though nothing happened. Of the same news and calls come the same bytes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from sniper.exchange.facts import News
from sniper.exchange.indexer.faults import NONE, Faults, Mischief
from sniper.exchange.indexer.rest import Rest
from sniper.exchange.indexer.screening import Screening
from sniper.exchange.indexer.sessions import Sessions
from sniper.exchange.indexer.settings import SECOND_NS, IndexerSettings
from sniper.exchange.indexer.snapshots import Snapshots
from sniper.exchange.indexer.state import State
from sniper.exchange.indexer.store import Store
from sniper.exchange.indexer.wire import Frame
from sniper.exchange.interfaces import ChainReading
from sniper.feed.sim.agenda import Agenda

GRID_NS: Final = 1_000_000
STRIKES: Final = ("disconnect", "restart", "silence", "crossed")


class LocalIndexer:
    """The Indexer of the stand-in exchange. `mischief` says what goes wrong, `screening` who is blocked.

    now_ns: the time at which it begins, 0 for that of the chain.
    """

    def __init__(
        self,
        chain: ChainReading,
        settings: IndexerSettings = IndexerSettings(),  # noqa: B008 - an immutable tuple
        faults: Faults = NONE,
        now_ns: int = 0,
    ) -> None:
        now_ns = now_ns or chain.now_ns
        self.settings = settings
        self.mischief = Mischief(settings.seed)
        self.screening = Screening()
        self._agenda = Agenda(now_ns, GRID_NS)
        self._snapshots = Snapshots(settings, lambda: self._state, self._fetch)
        snapshots = self._snapshots
        self.sessions = Sessions(settings, self._agenda, self.mischief, snapshots.valid, snapshots.read)
        self.store = Store(chain, settings, self.sessions.stream, self.mischief)
        self._replica: Store | None = None
        self._behind: deque[tuple[int, tuple[News, ...]]] = deque()
        self._rest = Rest(
            settings, self.mischief, self.screening, lambda: self._state, lambda: self.store.state
        )
        self._flush_ns = 0
        self._until_ns = now_ns
        for every_ns, act in (
            (settings.statistics_ns, self._count),
            (settings.uncross_ns, self._uncross),
            (settings.tickers_ns, self._learn),
            (SECOND_NS, self._trouble),
        ):
            self._repeat(every_ns, act, now_ns)
        self.set_faults(faults)

    @property
    def _state(self) -> State:
        """What requests see: the store's state, or that of the replica while it lags."""
        return (self._replica or self.store).state

    def take(self, news: Sequence[News], now_ns: int) -> None:
        """Take in what the chain said."""
        self._go(now_ns)
        self.store.take(news)
        if self._replica is not None:
            self._behind.append((now_ns + self.mischief.faults.replica_lag_ns, tuple(news)))

    def set_faults(self, faults: Faults) -> None:
        """From now on, these. Replica lag begins from what is known now, and ends at once."""
        if faults.replica_lag_ns and self._replica is None:
            self._replica = self.store.copy()
        elif not faults.replica_lag_ns:
            self._replica = None
            self._behind.clear()
        self.mischief.set(faults)

    def strike(self, name: str, now_ns: int, connection: int = -1) -> int:
        """One fault at once, to one connection or (-1) to all; returns how often it struck. Names: STRIKES."""
        if name not in STRIKES:
            raise ValueError(f"{name!r} is none of {', '.join(STRIKES)}")
        self._go(now_ns)
        numbers = [number for number in self.sessions.wires if connection in (-1, number)]
        if name == "restart":
            self.sessions.restart()
        elif name == "disconnect":
            for number in numbers:
                self.sessions.break_off(number)
        elif name == "silence":
            for number in numbers:
                self.sessions.silence(number, now_ns + self.mischief.faults.silence_ns)
        else:
            markets = self.store.state.markets.values()
            return sum(self.store.haunt(market, now_ns) for market in markets)
        return len(numbers)

    def connect(self, connection: int, now_ns: int) -> None:
        """A WebSocket client has connected, under a number of its own."""
        self._go(now_ns)
        self.sessions.connect(connection, now_ns)

    def receive(self, connection: int, text: bytes, now_ns: int) -> None:
        """A text frame of a client."""
        self._go(now_ns)
        self.sessions.receive(connection, text, now_ns)

    def gone(self, connection: int) -> None:
        """A client has left, or its connection was ended."""
        self.sessions.gone(connection)

    def outgoing(self, now_ns: int) -> list[Frame]:
        """What goes out now, in order. A text of None closes the connection, 1006 without a close frame."""
        self._go(now_ns)
        if self.sessions.stream.waiting and not self._flush_ns:
            # One timer for all: a batch goes out at the next multiple of the interval.
            self._flush_ns = (now_ns // self.settings.batch_ns + 1) * self.settings.batch_ns
        self.sessions.release(now_ns)
        found, self.sessions.out[:] = self.sessions.out[:], []
        return found

    def due_ns(self) -> int:
        """When `outgoing` will next have something though nothing happened."""
        due = [self._flush_ns or None, self._agenda.next_ns, self.sessions.due_ns]
        return min(each for each in due if each is not None)

    def rest(self, path: str, query: str, client: str, now_ns: int) -> tuple[int, dict[str, str], bytes]:
        """Answer a GET request of a client that is counted by its address."""
        self._go(now_ns)
        return self._rest.ask(path, query, client, now_ns)

    def _fetch(self, path: str, query: str) -> tuple[int, bytes]:
        return self._rest.fetch(path, query, self.sessions.stream.now_ns)

    def _go(self, now_ns: int) -> None:
        """Let time pass: what was due, in its order."""
        stream = self.sessions.stream
        self._until_ns = now_ns
        while True:
            due_ns = self._agenda.next_ns
            flush_ns = self._flush_ns
            if flush_ns and flush_ns <= now_ns and (due_ns is None or flush_ns <= due_ns):
                self._catch_up(flush_ns)
                stream.now_ns = flush_ns
                self._flush_ns = 0
                stream.flush()
            elif due_ns is not None and due_ns <= now_ns:
                self._catch_up(due_ns)
                stream.now_ns = due_ns
                self._agenda.run(due_ns)
            else:
                break
        self._catch_up(now_ns)
        self._agenda.run(now_ns)
        stream.now_ns = max(stream.now_ns, now_ns)

    def _catch_up(self, now_ns: int) -> None:
        """The replica takes in what is old enough."""
        while self._behind and self._behind[0][0] <= now_ns:
            _, news = self._behind.popleft()
            if self._replica is not None:
                self._replica.take(news)

    def _repeat(self, every_ns: int, act: Callable[[int], None], now_ns: int) -> None:
        """Run a job at every multiple of an interval."""
        self._agenda.put((now_ns // every_ns + 1) * every_ns, partial(self._job, every_ns, act))

    def _job(self, every_ns: int, act: Callable[[int], None], now_ns: int) -> None:
        act(now_ns)
        self._repeat(every_ns, act, self._until_ns)  # once, however long nobody let time pass

    def _stores(self) -> list[Store]:
        return [self.store] if self._replica is None else [self.store, self._replica]

    def _count(self, now_ns: int) -> None:
        for store in self._stores():
            store.count(now_ns)

    def _uncross(self, now_ns: int) -> None:
        for store in self._stores():
            store.uncross(now_ns)

    def _learn(self, now_ns: int) -> None:
        for store in self._stores():
            store.state.learn_tickers()

    def _trouble(self, now_ns: int) -> None:
        """Once a second: connections that break off, are closed or fall silent."""
        mischief = self.mischief
        if mischief.strikes("restart_per_s"):
            self.sessions.restart()
        for number, wire in list(self.sessions.wires.items()):
            if wire.closed:
                self.sessions.gone(number)
            elif mischief.strikes("disconnect_per_s"):
                self.sessions.break_off(number)
            elif mischief.strikes("silence_per_s"):
                self.sessions.silence(number, now_ns + mischief.faults.silence_ns)
