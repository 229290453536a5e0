"""A market that falls by a script, on the sim: its prices, how thin its books get, and a feed that goes silent.

A fall is a factor on the index of the sim's walk, block by block, and the books follow it at once. Two feeds made of
one script and seed show the same market; one of them may be deaf for a while, as after a loss of the line: nothing
comes, then connections are opened anew and snapshots tell what was missed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from random import Random
from typing import NamedTuple

from sniper.feed.sim import Sim
from sniper.feed.sim.feed import START_HEIGHT, START_NS
from sniper.feed.sim.market import Market
from sniper.feed.sim.server import BACK_NS, Server
from sniper.feed.sim.universe import Spec
from sniper.feed.sim.walk import BLOCK_S, Walk, Weather
from sniper.feed.sim.wire import Inbox

SECOND_NS = 1_000_000_000
MILLION = 1_000_000
CANDLES = ("1MIN",)
KEPT = 100  # trades and candles of a snapshot


class Script(NamedTuple):
    """What happens. Times in ns of feed time, `start_ns` and `deaf_from_ns` since the beginning.

    moves: (ticker, change of its price in ppm), all falling or rising together. steps: into how many steps the way
    is cut at random places; 1 is a gap within one block, 0 an even fall. depth_ppm: sizes of books, of those of the
    sim.
    """

    moves: tuple[tuple[str, int], ...]
    start_ns: int
    over_ns: int
    deaf_from_ns: int = 0
    deaf_ns: int = 0
    steps: int = 0
    depth_ppm: int = MILLION

    @property
    def deaf_until_ns(self) -> int:
        """When the feed hears again."""
        return self.deaf_from_ns + self.deaf_ns


class Course:
    """How much of the way is done at a time: 0 before the start, 1 at the end, never back."""

    def __init__(self, script: Script, random: Random) -> None:
        self._script = script
        cuts = sorted(random.random() for _ in range(script.steps))
        shares = [random.random() + 0.05 for _ in cuts]
        self._steps: list[tuple[float, float]] = []
        """(share of the time, share of the way done from then on)."""
        done = total = 0.0
        for share in shares:
            total += share
        for cut, share in zip(cuts, shares, strict=True):
            done += share
            self._steps.append((cut, done / total))

    def done(self, ns: int) -> float:
        """Share of the way, ns after the beginning."""
        script = self._script
        if ns < script.start_ns:
            return 0.0
        if ns >= script.start_ns + script.over_ns:
            return 1.0
        share = (ns - script.start_ns) / script.over_ns
        if not self._steps:
            return share
        reached = 0.0
        for cut, done in self._steps:
            if cut <= share:
                reached = done
        return reached


class FallingWalk(Walk):
    """A walk of the sim with a course on top. `ns`: time since the beginning, set ahead of each block."""

    __slots__ = ("_book", "_course", "_factor", "_move", "ns")

    def __init__(self, spec: Spec, seed: int, course: Course, move_ppm: int) -> None:
        super().__init__(spec, Random(f"{seed}/feed/{spec.ticker}/walk").random)
        self._lowest, self._highest = self._start / 1000.0, self._start * 1000.0
        self._course, self._move, self._factor, self.ns = course, move_ppm / MILLION, 1.0, 0
        self._book: Market | None = None

    def follow(self, market: Market) -> None:
        """Whose book goes along."""
        self._book = market

    def step(self, weather: Weather) -> None:
        """Move on by one block, and the touch with it: who makes prices reads the same news."""
        super().step(weather)
        factor = 1.0 + self._move * self._course.done(self.ns)
        if factor == self._factor:
            return
        self.index_ticks *= factor / self._factor
        self._factor = factor
        assert self._book is not None, "a walk follows its market"
        book = self._book.book
        gap = int(self.target_ticks - (book.bid + book.ask) / 2)
        if gap > 0:
            book.retreat(1, gap)
            book.improve(0, gap)
        elif gap < 0:
            book.retreat(0, -gap)
            book.improve(1, -gap)


class Gate:
    """An inbox that lets nothing through while it is shut."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox, self.shut = inbox, False

    def put(self, recv_ns: int, connection: int, kind: int, data: bytes, /) -> bool:
        """Pass a record on, or lose it."""
        return not self.shut and self._inbox.put(recv_ns, connection, kind, data)


class FallingSim(Sim):
    """The sim with a script. deaf: whether it goes silent when the script says so."""

    def __init__(self, script: Script, seed: int, *, deaf: bool, tickers: Sequence[str] = ()) -> None:
        moves: Mapping[str, int] = dict(script.moves)
        super().__init__(
            seed=seed,
            markets=tuple(tickers) or tuple(moves),
            candles=CANDLES,
            batched_orderbook=deaf,
            batched_trades=True,
            grid_ms=50,
        )
        self._script, self._deaf = script, deaf
        self._gate: Gate | None = None
        course = Course(script, Random(f"{seed}/drill/course"))
        self._walks: list[FallingWalk] = []
        for ticker, market in list(self.markets.items()):
            spec = market.spec
            spec = spec._replace(depth=spec.depth * script.depth_ppm / MILLION)
            made = Market(spec, seed, START_NS, START_HEIGHT, CANDLES, KEPT, KEPT)
            walk = FallingWalk(spec, seed, course, moves.get(ticker, 0))
            walk.follow(made)
            made.walk = walk
            self.markets[ticker] = made
            self._walks.append(walk)

    def start(self, inbox: Inbox) -> None:
        """Begin, and plan the silence."""
        self._gate = Gate(inbox)
        super().start(self._gate)
        script = self._script
        if self._deaf and script.deaf_ns:
            self._agenda.put(START_NS + script.deaf_from_ns, self._shut)
            self._agenda.put(START_NS + script.deaf_until_ns, self._open)

    def pull(self, until_ns: int, inbox: Inbox) -> None:
        """Let everything up to then happen; the records go where `start` was told."""
        assert self._gate is not None, "a feed is started first"
        super().pull(until_ns, self._gate)

    def _shut(self, now_ns: int) -> None:
        assert self._gate is not None
        self._gate.shut = True

    def _open(self, now_ns: int) -> None:
        """The line is back: the old connections are gone, new ones are opened."""
        assert self._gate is not None and self._server is not None
        self._gate.shut = False
        for wire in self._server.wires:
            if wire.open:
                wire.closed(now_ns, 1006, "connection lost")
                self._agenda.put(now_ns + BACK_NS, partial(self._server._connect, wire))

    def _block(self, server: Server, now_ns: int) -> None:
        for walk in self._walks:
            walk.ns = self._block_ns - START_NS
        super()._block(server, now_ns)


BLOCK_NS = round(BLOCK_S * SECOND_NS)
