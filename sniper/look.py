"""The look: copies what a draw needs out of the engine into a `View`. It reads and never writes.

One `Look` serves one run: `look(want)` is what the dashboard calls, `before` and `after` are what the loop
calls round each tick; both return at once unless there is something to note. Whole columns are turned into
Python numbers at once (`tolist`): reading NumPy scalars one by one is slow.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from time import perf_counter_ns
from typing import Any

from sniper._ext.tape import COUNTER_NAMES, TRUST_NAMES
from sniper.look_desk import DeskLook
from sniper.look_events import EventLog
from sniper.look_feed import FeedLook, Rate
from sniper.look_frame import Probe
from sniper.look_market import MarketLook
from sniper.look_table import TableLook
from sniper.panels.row import SECOND_NS, clean
from sniper.panels.view import Book, Candles, Feed, Header, Latency, Markets, Pipeline, Trades, View, Want
from sniper.resilience import described
from sniper.timing import Costs
from sniper.types import Command, Record

FRAMES = COUNTER_NAMES.index("frames")
COST_EVERY_NS = SECOND_NS // 2
MODE_SEVERITY = {"normal": "info", "degraded": "warning", "critical": "critical", "emergency": "critical"}
JOURNAL_BAD = "stopped"


class Look:
    """Looks at one engine and what surrounds it.

    source: what to call the feed on the screen; feed: has `status()`; inbox: the run's `Inbox`, inbox_max its
    (records, bytes); journal: the `Journal` or None; costs: what the loop measures; mode: how it trades, if it does.
    """

    def __init__(
        self,
        engine: Any,
        *,
        source: str,
        feed: Any,
        inbox: Any,
        costs: Costs,
        journal: Any = None,
        inbox_max: tuple[int, int] = (4096, 4 << 20),
        mode: str = "paper",
    ) -> None:
        self._engine = engine
        self._source = clean(source)
        self._costs = costs
        self._counters = engine.tape.counters
        self.events = EventLog(engine.tape, engine.decoder)
        self._probe = Probe(engine)
        self._market = MarketLook(engine)
        self._desk = DeskLook(engine, mode)
        self._table = TableLook(engine)
        self._feed = FeedLook(engine, feed, inbox, journal, inbox_max)
        self._journal = journal
        self._journal_state = self._state_problem = ""
        self._changes_ns = 0
        self._frames = Rate()
        self._durations = (costs.decode, costs.book, costs.tick)
        self._latencies = [Latency()] * len(self._durations)
        self._turn = 0
        self._latencies_due_ns = 0

    def before(self, records: Sequence[Record]) -> None:
        """Call it ahead of a tick with its records."""
        self._probe.before(records)

    def after(self, records: Sequence[Record], commands: Iterable[Command]) -> None:
        """Call it behind the tick, once the costs are noted."""
        engine = self._engine
        self.events.apply(engine.now_ns, commands)
        self._probe.after(engine.ticks, len(records), self._costs.last)

    def __call__(self, want: Want) -> View:
        """The view of this moment."""
        engine, table = self._engine, self._table
        at_ns = perf_counter_ns()
        now_ns = engine.now_ns
        table.refresh(at_ns)
        trust = table.trust()
        self.events.watch_trust(now_ns, trust)
        self._watch_journal(now_ns)
        self._watch_state(now_ns)
        self._watch_mode()
        market = table.index(want.ticker)
        ticker = table.ticker(market)
        header = self._header(ticker, trust, now_ns, at_ns)
        book, trades, candles = Book(), Trades(), Candles()
        if market >= 0:
            if want.depth:
                book = self._market.book(market, ticker, table.grid(market), want.depth, now_ns)
            if want.trades:
                trades = self._market.trades(market, ticker, want.trades)
            if want.bars:
                candles = self._market.candles(market, ticker, want.resolution, want.bars)
        pipeline = Pipeline()
        if want.rows:
            self._probe.arm(market, ticker, want.resolution)
            pipeline = self._probe.pipeline
        return View(
            header,
            book,
            trades,
            candles,
            table.table(ticker, want.markets) if want.markets else Markets(),
            pipeline,
            self._feed.look(want.links, now_ns, at_ns) if want.links else Feed(),
            self.events.newest(want.events),
            *self._desk.parts(want._replace(ticker=ticker), now_ns, table.order),
        )

    def _header(self, ticker: str, trust: bytes, now_ns: int, at_ns: int) -> Header:
        engine = self._engine
        if at_ns >= self._latencies_due_ns:  # one of them a draw, each of them every so often
            self._latencies_due_ns = at_ns + COST_EVERY_NS // len(self._latencies)
            self._turn = (self._turn + 1) % len(self._latencies)
            self._latencies[self._turn] = self._durations[self._turn].latency()
        decode, book, tick = self._latencies
        return Header(
            self._source,
            self._feed.state(),
            engine.ticks,
            now_ns,
            engine.digest,
            self._frames.update(int(self._counters[FRAMES]), at_ns),
            ticker,
            tuple((name, trust.count(i)) for i, name in enumerate(TRUST_NAMES) if i and i in trust),
            decode,
            book,
            tick,
            session=self._desk.session(),
        )

    def _watch_journal(self, now_ns: int) -> None:
        if self._journal is None:
            return
        status = self._journal.status
        if status.state != self._journal_state:
            self._journal_state = status.state
            bad = status.state == JOURNAL_BAD
            reason = f": {status.error}" if status.error else ""
            self.events.add(now_ns, "critical" if bad else "info", f"journal {status.state}{reason}")

    def _watch_state(self, now_ns: int) -> None:
        """That the database stopped, or writes again, is an event like that of the journal."""
        desk = self._engine.desk
        problem = desk.risk.ordered.state_why if desk is not None else ""
        if problem != self._state_problem:
            self._state_problem = problem
            self.events.add(
                now_ns,
                "critical" if problem else "info",
                f"database stopped: {problem}" if problem else "database writing again",
            )

    def _watch_mode(self) -> None:
        """Changes of what still works of the way to the venue are events."""
        desk = self._engine.desk
        if desk is None or desk.resilience.since_ns <= self._changes_ns:
            return
        seen_ns, self._changes_ns = self._changes_ns, desk.resilience.since_ns
        for change in desk.resilience.changes:
            if change.now_ns > seen_ns:
                self.events.add(change.now_ns, MODE_SEVERITY[change.after], f"mode {described(change)}")
