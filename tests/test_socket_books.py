"""After each fault of the network the books equal those of a fresh start.

A stand-in Indexer changes its books all the time; the feed, the inbox and the engine run as in a live
session. After the fault, a second engine connects anew: both must hold the books that the server has, level
by level.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from sniper._ext.tape import COUNTER_NAMES, TRUST_NAMES
from sniper.engine import Engine, Settings
from sniper.feed.backoff import Waits
from sniper.feed.plan import Wanted
from sniper.feed.settings import SocketSettings
from sniper.feed.socket import SocketFeed
from sniper.feed.subscriptions import Pace, Subscriptions
from sniper.inbox import Inbox
from sniper.loop import Loop
from tests.loopback import PATIENCE_S, Indexer

TICK, STEP = Decimal("0.5"), Decimal("0.001")
WAITS = Waits(first_s=0.02, longest_s=0.1, restart_spread_s=0.02, limited_first_s=0.1, limited_longest_s=0.4)
PACE = Pace(per_s=1000.0, apart_s=0.22, retry_s=0.05, answer_s=2.0)
SECOND_NS = 1_000_000_000
QUICK = Settings(
    stale_block_ns=SECOND_NS, silence_ns=SECOND_NS, crossed_ns=SECOND_NS // 5, missing_id_ns=SECOND_NS // 5
)


class Market:
    """The books of the stand-in, which change at random without ever crossing."""

    def __init__(self, server: Indexer, tickers: list[str], seed: int) -> None:
        self.server = server
        self.random = Random(seed)
        self.books: dict[str, tuple[dict[int, int], dict[int, int]]] = {}
        listed: dict[str, Any] = {}
        for number, ticker in enumerate(tickers):
            mid = 1000 + number
            bids = {mid - i: self.random.randint(1, 9999) for i in range(1, 30)}
            asks = {mid + i: self.random.randint(1, 9999) for i in range(1, 30)}
            self.books[ticker] = (bids, asks)
            listed[ticker] = {
                "clobPairId": str(number),
                "ticker": ticker,
                "status": "ACTIVE",
                "oraclePrice": str(mid * TICK),
                "tickSize": str(TICK),
                "stepSize": str(STEP),
                "atomicResolution": -9,
                "quantumConversionExponent": -9,
                "stepBaseQuantums": 1000000,
                "subticksPerTick": 100000,
                "marketType": "CROSS",
            }
            server.contents[("v4_orderbook", ticker)] = self.snapshot(ticker)
            server.contents[("v4_trades", ticker)] = {"trades": []}
        server.contents[("v4_markets", "v4_markets")] = {"markets": listed}
        self.height = 100
        self.server.contents[("v4_block_height", "v4_block_height")] = self.block("height")
        self._done = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def block(self, key: str) -> dict[str, str]:
        return {
            key: str(self.height),
            "time": f"2026-01-01T00:{self.height // 60 % 60:02}:{self.height % 60:02}.000Z",
        }

    def snapshot(self, ticker: str) -> dict[str, list[dict[str, str]]]:
        return {
            name: [{"price": str(p * TICK), "size": str(s * STEP)} for p, s in self.levels(ticker, side)]
            for side, name in enumerate(("bids", "asks"))
        }

    def levels(self, ticker: str, side: int) -> list[tuple[int, int]]:
        return sorted(self.books[ticker][side].items(), reverse=side == 0)

    def change(self) -> None:
        """A few level changes in one market, published."""
        ticker = self.random.choice(list(self.books))
        updates = []
        for _ in range(self.random.randint(1, 4)):
            side = self.random.randrange(2)
            book, other = self.books[ticker][side], self.books[ticker][1 - side]
            best = (min(other) - 1) if side == 0 else (max(other) + 1)  # never crosses the other side
            price = best - self.random.randrange(40) if side == 0 else best + self.random.randrange(40)
            size = self.random.choice((0, self.random.randint(1, 9999)))
            if size == 0 and (price not in book or len(book) < 5):
                continue
            book[price] = size
            if not size:
                del book[price]
            name = ("bids", "asks")[side]
            updates.append({name: [[str(price * TICK), str(size * STEP) if size else "0"]]})
        if updates:
            self.server.publish("v4_orderbook", ticker, updates, contents=self.snapshot(ticker))

    def new_block(self) -> None:
        self.height += 1
        self.server.publish("v4_block_height", "", [self.block("blockHeight")], contents=self.block("height"))

    def _run(self) -> None:
        while not self._done.wait(0.002):
            with self._lock:
                self.change()
                if self.random.random() < 0.2:
                    self.new_block()

    @contextmanager
    def still(self) -> Iterator[None]:
        """Nothing changes meanwhile."""
        with self._lock:
            yield

    def stop(self) -> None:
        self._done.set()
        self._thread.join(PATIENCE_S)


class Run:
    """A feed, an inbox and an engine, turned by `until`."""

    def __init__(self, url: str, tickers: list[str], records_max: int = 1 << 16, **changes: Any) -> None:
        given: dict[str, Any] = {
            "url": url,
            "wanted": Wanted(),
            "waits": WAITS,
            "pace": PACE,
            "stagger_s": 0.0,
            "silence_s": 0.5,
            "frame_bytes_max": 200_000,
        }
        self.tickers = tickers
        self.feed = SocketFeed(SocketSettings(**(given | changes)))
        self.inbox = Inbox(records_max, 64 << 20)
        self.engine = Engine(QUICK)
        self.feed.start(self.inbox)

    def turn(self) -> None:
        self.inbox.wait(0.005)
        records = self.inbox.drain(4 << 20, 4096)
        now_ns = self.feed.now_ns()
        self.feed.send(now_ns, self.engine.tick(now_ns, records))

    def until(self, true: Callable[[], bool], what: str) -> None:
        end_s = time.monotonic() + PATIENCE_S
        while not true():
            assert time.monotonic() < end_s, f"{what}: {self.feed.status()} {self.trust()}"
            self.turn()

    def trust(self) -> list[str]:
        return [TRUST_NAMES[self.top(ticker)["trust"]] for ticker in self.tickers if self.market(ticker) >= 0]

    def market(self, ticker: str) -> int:
        return self.engine.decoder.market(ticker)

    def top(self, ticker: str) -> Any:
        return self.engine.books.tops[self.market(ticker)]

    def live(self) -> bool:
        return all(c.state == "live" for c in self.feed.status()) and self.trust() == ["live"] * len(
            self.tickers
        )

    def heights(self) -> list[int]:
        count = len(self.feed.status())
        return [int(h) for h in self.engine.decoder.connections["height"][:count]]

    def levels(self) -> dict[tuple[str, int, bool], list[tuple[int, int]]]:
        return {
            (ticker, side, raw): [
                (price, size)
                for price, size in self.engine.books.levels(self.market(ticker), side, 1000, raw).tolist()
            ]
            for ticker in self.tickers
            for side in (0, 1)
            for raw in (False, True)
        }

    def counter(self, name: str) -> int:
        return int(self.engine.tape.counters[COUNTER_NAMES.index(name)])


def names(count: int) -> list[str]:
    return [f"M{i}-USD" for i in range(count)]


@contextmanager
def session(count: int = 3, seed: int = 1, **changes: Any) -> Iterator[tuple[Indexer, Market, Run]]:
    """A live run on a changing market. At the end its books must equal those of a fresh one, and the
    server's.
    """
    with Indexer() as server:
        market = Market(server, names(count), seed)
        run = Run(server.url, names(count), **changes)
        try:
            run.until(run.live, "live")
            yield server, market, run
            run.until(run.live, "live again")
            flow(run, 30)
            assert_equals_a_fresh_start(server, market, run, changes)
        finally:
            run.feed.stop()
            market.stop()


def flow(run: Run, frames: int) -> None:
    """Let this many more frames come in."""
    goal = sum(c.frames for c in run.feed.status()) + frames
    run.until(lambda: sum(c.frames for c in run.feed.status()) >= goal, "frames")


def assert_equals_a_fresh_start(server: Indexer, market: Market, run: Run, changes: dict[str, Any]) -> None:
    fresh = Run(server.url, run.tickers, **(changes | {"records_max": 1 << 16}))
    try:
        fresh.until(fresh.live, "the fresh run is live")
        flow(fresh, 10)
        with market.still():
            market.new_block()  # behind everything else: whoever has seen it has seen all
            for each in (run, fresh):
                each.until(
                    lambda each=each: each.heights() == [market.height] * len(each.heights()), "last block"
                )
                assert each.live()
            truth = {
                (ticker, side, raw): market.levels(ticker, side)
                for ticker in run.tickers
                for side in (0, 1)
                for raw in (False, True)
            }
            assert run.levels() == truth
            assert fresh.levels() == truth
            assert run.counter("rejected") == fresh.counter("rejected") == 0
    finally:
        fresh.feed.stop()


def reconnects(run: Run) -> int:
    return sum(c.reconnects for c in run.feed.status())


def connected_again(run: Run, times: int = 1) -> None:
    run.until(lambda: reconnects(run) >= times and run.live(), "connected again")


@pytest.mark.parametrize("batched", [False, True])
def test_without_a_fault(batched: bool) -> None:
    with session(batched=frozenset(("v4_orderbook",) if batched else ())) as (_, _, run):
        flow(run, 200)


@pytest.mark.parametrize("code", [1008, 1011, 1012])
def test_after_a_close(code: int) -> None:
    with session(seed=code) as (server, _, run):
        flow(run, 50)
        server.close(code)
        connected_again(run)


def test_after_three_aborts() -> None:
    with session() as (server, _, run):
        for turn in (1, 2, 3):
            flow(run, 20)
            server.abort()
            connected_again(run, turn)


def test_after_429_twice_at_the_handshake() -> None:
    with session() as (server, _, run):
        server.too_many = 2
        server.abort()
        run.until(lambda: run.feed.status()[0].state == "limited", "limited")
        run.until(lambda: run.trust() == ["stale"] * 3, "stale")
        connected_again(run)
        assert server.too_many == 0


def test_after_a_silence() -> None:
    with session() as (server, _, run):
        server.mute = True
        run.until(lambda: run.trust() == ["stale"] * 3, "stale")
        server.mute = False
        connected_again(run)


def test_a_silence_that_ends_in_time_loses_the_updates_but_not_for_long() -> None:
    """Messages that the server never sent leave holes in the ids: the engine asks for a new connection."""
    with session() as (server, _, run):
        with _still_server(server):
            server.session.take_id()
        connected_again(run)


@contextmanager
def _still_server(server: Indexer) -> Iterator[None]:
    """Run the block between two turns of the server's loop."""
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        entered.set()
        leave.wait(PATIENCE_S)

    server._loop.call_soon_threadsafe(hold)
    assert entered.wait(PATIENCE_S)
    try:
        yield
    finally:
        leave.set()


def test_split_messages() -> None:
    with session() as (server, market, run):
        with market.still():
            book = market.books["M0-USD"][0]
            price = max(book)
            book[price] += 7
            server.contents[("v4_orderbook", "M0-USD")] = market.snapshot("M0-USD")
            text = json.dumps(
                {
                    "type": "channel_data",
                    "connection_id": "session-0",
                    "message_id": server.session.take_id(),
                    "id": "M0-USD",
                    "channel": "v4_orderbook",
                    "version": "1.0.0",
                    "contents": {"bids": [[str(price * TICK), str(book[price] * STEP)]]},
                }
            )
            server.raw(list(text))
        flow(run, 20)
        assert reconnects(run) == 0


def test_after_an_oversized_message() -> None:
    with session() as (server, _, run):
        server.raw("x" * 200_001)
        connected_again(run)


def test_after_records_that_found_no_room() -> None:
    with session(records_max=100) as (_, _, run):
        end_s = time.monotonic() + PATIENCE_S
        while not run.inbox.overflows:
            assert time.monotonic() < end_s
            time.sleep(0.01)
        run.until(lambda: run.counter("gaps") > 0 and run.counter("resubscribes") >= 3, "asked for anew")


def test_after_a_failed_snapshot() -> None:
    with session() as (server, _, run):
        text = "Internal error, could not fetch data for subscription: v4_orderbook."
        server.refuse[("v4_orderbook", "M1-USD")] = [text, text]
        server.abort()
        connected_again(run)
        assert server.subscribed().count(("v4_orderbook", "M1-USD")) == 4


def test_after_a_ghost_level_that_stays() -> None:
    """The server never says that the level is gone, but a fresh snapshot does not have it."""
    with session() as (server, _, run):
        server.publish("v4_orderbook", "M2-USD", [{"bids": [[str(5000 * TICK), "1"]]}])
        run.until(lambda: run.counter("crossings") > 0, "crossed")
        run.until(lambda: run.counter("resubscribes") > 0, "asked for anew")
        run.until(run.live, "live")
        assert reconnects(run) == 0


def test_duplicates_change_nothing() -> None:
    with session() as (server, market, run):
        with market.still():
            ticker = "M0-USD"
            updates = [{"bids": [[str(p * TICK), str(s * STEP)]]} for p, s in market.levels(ticker, 0)]
            server.publish("v4_orderbook", ticker, updates * 3)
        flow(run, 20)


def test_one_of_two_connections_fails() -> None:
    with session(count=40) as (server, _, run):
        flow(run, 100)
        server.abort(1)
        connected_again(run)
        assert sorted(c.reconnects for c in run.feed.status()) == [0, 1]


def test_after_a_reconnect_that_the_engine_asked_for_while_another_fault_is_under_way() -> None:
    with session() as (server, _, run):
        server.close(1012)
        server.refuse[("v4_orderbook", "M0-USD")] = [
            "Internal error, could not fetch data for subscription: v4_orderbook."
        ]
        connected_again(run)
        server.abort()
        server.too_many = 1
        connected_again(run, 2)


def test_the_loop_runs_on_the_feed_and_ends_with_its_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    with Indexer() as server:
        market = Market(server, names(3), 1)
        try:
            feed = SocketFeed(SocketSettings(server.url, wanted=Wanted(), pace=PACE))
            loop = Loop(Engine(QUICK), feed, Inbox(1 << 16, 64 << 20), clock_ns=feed.now_ns)
            assert loop.run(duration_ns=SECOND_NS // 2) == "duration"
            assert TRUST_NAMES[loop.engine.books.tops["trust"][0]] == "live"

            def broken(*_: object) -> None:
                raise ZeroDivisionError("in the sender")

            monkeypatch.setattr(Subscriptions, "take", broken)
            feed = SocketFeed(SocketSettings(server.url))
            loop = Loop(Engine(QUICK), feed, Inbox(1 << 16, 64 << 20), clock_ns=feed.now_ns)
            with pytest.raises(ZeroDivisionError, match="in the sender"):
                loop.run(duration_ns=int(PATIENCE_S) * SECOND_NS)
        finally:
            market.stop()
