"""The core: records of one tick in, commands out. Everything it knows came through `tick`.

No clock, no chance, no threads, no files here: the same records at the same times give the same state, the same
commands and the same digests, today and next year. The stages stand in `tick` in the order of their work; each
binds its arrays once and reads the rows that the decoder wrote.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, NamedTuple, Protocol

import msgspec
import numpy as np

from sniper._ext.candles import Candles
from sniper._ext.column import Column
from sniper._ext.decode import Decoder
from sniper._ext.orderbook import Books
from sniper._ext.tape import STAGE_NAMES, Tape
from sniper._ext.trades import Trades
from sniper.desk import Desk, DeskSettings
from sniper.links import Links
from sniper.types import Command, Record

STAGES: tuple[str, ...] = STAGE_NAMES
MARKET_STAGES = STAGES[:5]
"""The stages up to links. Those behind them are the decision half (`desk.py`), which may be off."""
STATE_VERSION = 2


Markets = Annotated[int, msgspec.Meta(ge=1, le=8192)]
Nanoseconds = Annotated[int, msgspec.Meta(ge=0, le=10**18)]


class Settings(NamedTuple):
    """What the core is set to. It stands in every journal's header, so that a replay can build the same engine.

    tickers: markets to watch, () for every active one, at most `watch_max`. Times in nanoseconds. desk: None for an
    engine that decides nothing.
    """

    tickers: tuple[str, ...] = ()
    watch_max: Markets = 256
    markets_max: Markets = 1024
    bytes_max: Annotated[int, msgspec.Meta(ge=1024, le=4 << 20)] = 4 << 20
    records_max: Annotated[int, msgspec.Meta(ge=1, le=65_536)] = 4096
    bars_max: Annotated[int, msgspec.Meta(ge=2, le=65_536)] = 256
    stale_block_ns: Nanoseconds = 10_000_000_000
    silence_ns: Nanoseconds = 30_000_000_000
    crossed_ns: Nanoseconds = 15_000_000_000
    missing_id_ns: Nanoseconds = 30_000_000_000
    desk: DeskSettings | None = None


class Engine:
    """The stages and their state: `tape decoder books trades candles links` may be read between two ticks."""

    def __init__(self, settings: Settings = Settings()) -> None:  # noqa: B008 - an immutable tuple
        self.settings = settings
        self.tape = Tape(settings.bytes_max, settings.records_max)
        self.decoder = Decoder(self.tape, settings.markets_max)
        self.books = Books(self.tape, settings.markets_max)
        self.trades = Trades(self.tape, settings.markets_max)
        self.candles = Candles(self.tape, settings.markets_max, settings.bars_max)
        self.links = Links(
            self.tape,
            self.decoder,
            self.books,
            tickers=settings.tickers,
            watch_max=settings.watch_max,
            stale_block_ns=settings.stale_block_ns,
            silence_ns=settings.silence_ns,
            crossed_ns=settings.crossed_ns,
            missing_id_ns=settings.missing_id_ns,
        )
        self.ticks = 0
        self.now_ns = 0
        self.rows = 0
        """How many rows the last tick wrote on the tape."""
        self.desk: Desk | None = None
        if settings.desk is not None:
            self.desk = Desk(self.tape, self.decoder, self.books, self.candles, settings.desk)
        self.stages = MARKET_STAGES if self.desk is None else STAGES
        self.stage_ns = [0] * len(self.stages)
        """What each stage of the last tick took, if it was given a clock."""
        # One look-up a tick: a bound method that is an attribute costs as much to find as to call.
        self._work = (
            self.decoder.apply,
            Column(self.books, self.trades, self.candles, self.decoder).run,
            self.links.apply,
            None if self.desk is None else self.desk.tick,
        )
        self._digests = self.tape.digests.tobytes

    def tick(
        self, now_ns: int, records: list[Record], clock: Callable[[], int] | None = None
    ) -> tuple[Command, ...]:
        """One turn: the records taken from the inbox, in order. Returns what the feed is asked to do.

        now_ns must not go back. A clock, if given, only measures the stages (into `stage_ns`).
        """
        if now_ns < self.now_ns:
            raise ValueError(f"time went back from {self.now_ns} to {now_ns}")
        self.now_ns = now_ns
        self.ticks += 1
        decode, follow, link, decide = self._work
        if clock is None:
            n = self.rows = decode(records)
            commands = link(now_ns) if follow(now_ns, n) else ()
            if decide is not None and (orders := decide(self.ticks, now_ns, n, records)):
                return (*commands, *orders)
            return commands
        t0 = clock()
        n = self.rows = decode(records)
        t1 = clock()
        self.books.apply(n)
        t2 = clock()
        self.trades.apply(n)
        t3 = clock()
        self.candles.apply(n)
        t4 = clock()
        commands = link(now_ns)
        t5 = clock()
        self.stage_ns = [t1 - t0, t2 - t1, t3 - t2, t4 - t3, t5 - t4]
        if self.desk is not None:
            commands = (*commands, *self.desk.tick(self.ticks, now_ns, n, records, clock))
            self.stage_ns += self.desk.stage_ns
        return commands

    def digests(self) -> bytes:
        """The running digests, 16 bytes a stage in the order of STAGES."""
        return self._digests()

    @property
    def digest(self) -> str:
        """All stages' digests folded into one, 32 hex digits."""
        return combined(self.digests())

    def save(self) -> bytes:
        """The whole state as bytes."""
        return msgspec.msgpack.encode(
            _State(
                STATE_VERSION,
                self.ticks,
                self.now_ns,
                self.tape.counters.tobytes(),
                self.digests(),
                [part.save() for part in self._parts()],
            )
        )

    def load(self, state: bytes) -> None:
        """Take over a state that `save` wrote with the same settings.

        ValueError on anything else; an engine that refused a state may hold half of it: make a new one.
        """
        try:
            found = msgspec.msgpack.decode(state, type=_State)
        except msgspec.MsgspecError as problem:
            raise ValueError(f"not an engine state: {problem}") from None
        if found.version != STATE_VERSION or len(found.parts) != len(self._parts()):
            raise ValueError(f"not an engine state of version {STATE_VERSION}")
        counters = np.frombuffer(found.counters, np.int64)
        digests = np.frombuffer(found.digests, np.uint64)
        if counters.shape != self.tape.counters.shape or digests.shape != self.tape.digests.shape:
            raise ValueError("engine state does not fit this version")
        for part, saved in zip(self._parts(), found.parts, strict=True):
            part.load(saved)
        self.tape.counters[:] = counters
        self.tape.digests[:] = digests
        self.ticks, self.now_ns = found.ticks, found.now_ns

    def _parts(self) -> tuple[_Part, ...]:
        """What has state, in the order of STAGES; the decision half is one part."""
        market = self.decoder, self.books, self.trades, self.candles, self.links
        return market if self.desk is None else (*market, self.desk)


class _Part(Protocol):
    """What has state."""

    def save(self) -> bytes: ...
    def load(self, state: bytes) -> None: ...


class _State(msgspec.Struct, array_like=True):
    version: int
    ticks: int
    now_ns: int
    counters: bytes
    digests: bytes
    parts: list[bytes]


def combined(digests: bytes) -> str:
    """Digests of all stages -> one of 128 bits, as 32 hex digits."""
    mask = (1 << 64) - 1
    a, b = 0x9E3779B97F4A7C15, 0xD1B54A32D192ED03
    for word in np.frombuffer(digests, np.uint64).tolist():
        product = (a ^ word) * ((b ^ word) | 1)
        a, b = (product & mask) ^ b, (product >> 64) ^ ((word << 1) & mask) ^ a
    return f"{a:016x}{b:016x}"
