"""Connections as the core judges them: silence, lost messages, crossed books, and what to ask of the feed.

The feed looks after its sockets by itself; this stage looks at what came in, in tape time, so that a replay
comes to the same conclusions. A connection is judged by its block heights (every connection has that channel)
and by silence, never by the silence of one market: the median market trades 16 times a day.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from sniper._ext.decode import LOUD_KINDS
from sniper._ext.tape import (
    CHANNEL_NAMES,
    COUNTER_NAMES,
    KIND_NAMES,
    STAGE_NAMES,
    STATUS_NAMES,
    TRUST_NAMES,
    Tape,
)
from sniper.trading import VENUE_CONNECTION
from sniper.types import Command, Reconnect, Resubscribe, Watch

KIND = {name: i for i, name in enumerate(KIND_NAMES)}
GAP, MARKET, LINK, CONNECTED, BOOK, UNSUBSCRIBED, ERROR = (
    KIND[name] for name in ("GAP", "MARKET", "LINK", "CONNECTED", "BOOK", "UNSUBSCRIBED", "ERROR")
)
NO_MARKET = 0xFFFF
NEW, RETICKED = 256, 512
LINK_CLOSED = 3
ACTIVE = STATUS_NAMES.index("ACTIVE")
LIVE = TRUST_NAMES.index("live")
ORDERBOOK = CHANNEL_NAMES[1]
STAGE = 2 * STAGE_NAMES.index("links")
RESUBSCRIBES, RECONNECTS = COUNTER_NAMES.index("resubscribes"), COUNTER_NAMES.index("reconnects")
OTHERS, KINDS = 0, 4  # of Tape.used
CHECK_NS = 250_000_000
"""Connections and books are judged after this time at the earliest, where something is amiss or rows call for it."""
AGAIN_NS = 30_000_000_000
"""A market or connection that was asked for is asked for again after this time at the earliest."""
WORD = (1 << 64) - 1


class Links:
    """Judges connections and books where something is amiss, and on the rows that call for it."""

    def __init__(
        self,
        tape: Tape,
        decoder: Any,
        books: Any,
        *,
        tickers: tuple[str, ...],
        watch_max: int,
        stale_block_ns: int,
        silence_ns: int,
        crossed_ns: int,
        missing_id_ns: int,
    ) -> None:
        self._tape, self._decoder, self._books = tape, decoder, books
        self._rows, self._others, self._used = tape.rows, tape.others, tape.used
        # A memoryview reads one number faster than NumPy does.
        used: Any = tape.used  # a buffer, though NumPy's types say so from Python 3.12 on only
        self._kinds = memoryview(used)[KINDS : KINDS + 1]
        self._counters, self._digests = tape.counters, tape.digests
        self._wanted, self._watch_max = tickers, watch_max
        self._stale_block_ns, self._silence_ns = stale_block_ns, silence_ns
        self._crossed_ns, self._missing_id_ns = crossed_ns, missing_id_ns
        self._due_ns = 0
        self.watched: tuple[str, ...] = ()
        """Tickers that the feed was last asked to watch."""
        self.silent: dict[int, bool] = {}
        """Connection -> whether it is judged silent."""
        self._quiet: tuple[int, ...] = ()
        decoder.allow(stale_block_ns, silence_ns, missing_id_ns)
        books.allow(crossed_ns)
        self._looks = decoder.calm, books.crossed_since
        self._closed: set[int] = set()
        self._asked: dict[int, int] = {}  # market -> when its book was last asked for anew
        self._broken: dict[int, int] = {}  # connection -> when a reconnect was last asked for
        self._spoilt: dict[int, int] = {}  # market whose book misses a refused update -> its connection
        # market -> when its book was last asked for because of that. A snapshot does not make it forget: the next
        # bad update may follow at once, and the one after, and each would ask for another snapshot.
        self._mended: dict[int, int] = {}
        self._digest = (7, 8)
        self._publish()

    def apply(self, now_ns: int) -> tuple[Command, ...]:
        """Look at this tick's rows and, when it is time, at every connection. Returns commands for the feed.

        Where the steps of decoder and books say nothing in a tick, this would do nothing and need not be called.
        """
        loud, due = self._kinds[0] & LOUD_KINDS, now_ns >= self._due_ns
        if not loud:
            if not due:
                return ()
            calm, crossed_since = self._looks
            if not self._spoilt and calm(now_ns) and not crossed_since(now_ns - self._crossed_ns):
                return ()
        commands: list[Command] = []
        if loud:
            self._read_rows(now_ns, commands)
        if due:
            self._due_ns = now_ns + CHECK_NS
            self._check(now_ns, commands)
        self._decoder.expect(self._quiet, bool(self._spoilt))
        if not commands:
            return ()
        for command in commands:
            self._fold(now_ns, str(tuple(command)))
        self._counters[RESUBSCRIBES] += sum(isinstance(c, Resubscribe) for c in commands)
        self._counters[RECONNECTS] += sum(isinstance(c, Reconnect) for c in commands)
        return tuple(commands)

    def _read_rows(self, now_ns: int, commands: list[Command]) -> None:
        """Rows that change what we want from the feed: new markets, new ticks, lost records, closed links."""
        rows = self._rows[self._others[: int(self._used[OTHERS])]]
        listed = False
        connections = self._books.tops["connection"]
        for kind, side, ref, flags, market in zip(
            *(rows[name].tolist() for name in ("kind", "side", "ref", "flags", "market")), strict=True
        ):
            if kind == MARKET:
                listed = listed or bool(flags & NEW) or not self.watched
                if flags & RETICKED:
                    self._resubscribe(market, now_ns, "tick or step changed", commands, at_once=True)
            elif kind == GAP:
                for lost in self._books.on_connection(ref):
                    self._resubscribe(lost, now_ns, "records were lost", commands, at_once=True)
            elif kind == LINK and side >= LINK_CLOSED:
                self._closed.add(ref)
            elif kind == CONNECTED:
                self._closed.discard(ref)
                self._broken.pop(ref, None)
                self._asked = {m: t for m, t in self._asked.items() if int(connections[m]) != ref}
                self._spoilt = {m: connection for m, connection in self._spoilt.items() if connection != ref}
            elif kind == BOOK:
                self._asked.pop(market, None)
                self._spoilt.pop(market, None)
            elif kind == ERROR and market != NO_MARKET and int(connections[market]) in (ref, -1):
                self._spoilt[market] = ref
        if listed:
            self._watch(commands)
        if self._spoilt:
            self._mend(now_ns, commands)

    def _watch(self, commands: list[Command]) -> None:
        """Ask for the markets that are wanted and known, if they are other ones than before."""
        n = self._decoder.markets_n
        markets = self._decoder.markets[:n]
        known = (markets["known"] & 3) == 3
        tickers = self._decoder.tickers
        if self._wanted:
            ready = {tickers[i] for i in np.flatnonzero(known).tolist()}
            watch = tuple(t for t in self._wanted if t in ready)
        else:
            watch = tuple(tickers[i] for i in np.flatnonzero(known & (markets["status"] == ACTIVE)).tolist())
            watch = watch[: self._watch_max]
        if watch and watch != self.watched:
            self.watched = watch
            commands.append(Watch(watch))

    def _check(self, now_ns: int, commands: list[Command]) -> None:
        """Silence, missing message ids and books that stay crossed."""
        if not self._decoder.calm(now_ns):
            self._look_at_connections(now_ns, commands)
        if self._spoilt:
            self._mend(now_ns, commands)
        for market in self._books.crossed_since(now_ns - self._crossed_ns):
            self._resubscribe(market, now_ns, "crossed for too long", commands)

    def _look_at_connections(self, now_ns: int, commands: list[Command]) -> None:
        """Others are silent than before, or messages are missing."""
        quiet = self._decoder.quiet(now_ns, self._stale_block_ns, self._silence_ns)
        if quiet != self._quiet:
            self._judge(now_ns, quiet)
        for connection, ids in self._decoder.overdue(now_ns, self._missing_id_ns):
            if connection == VENUE_CONNECTION:
                continue  # the venue looks after its own messages
            self._books.lost(connection)
            self._fold(now_ns, f"lost {connection} {ids}")
            if (
                connection not in self._closed
                and now_ns - self._broken.get(connection, -AGAIN_NS) >= AGAIN_NS
            ):
                self._broken[connection] = now_ns
                commands.append(Reconnect(connection, f"{ids} messages never came"))

    def _judge(self, now_ns: int, quiet: tuple[int, ...]) -> None:
        """Other connections are silent than before."""
        for i in sorted({*self._quiet, *quiet}):
            silent = i in quiet
            # the venue looks after its own messages
            if i != VENUE_CONNECTION and silent != self.silent.get(i, False):
                self.silent[i] = silent
                self._books.silence(i, silent)
                self._fold(now_ns, f"silent {i} {silent}")
        self._quiet = quiet

    def _resubscribe(
        self, market: int, now_ns: int, cause: str, commands: list[Command], *, at_once: bool = False
    ) -> None:
        """Ask for a fresh snapshot of a book, not more often than AGAIN_NS for the same standing trouble."""
        connection = int(self._books.tops["connection"][market])
        asked_ns = self._asked.get(market)
        if connection < 0 or connection in self._closed:
            return
        if asked_ns is not None and now_ns - asked_ns < (1 if at_once else AGAIN_NS):
            return
        self._asked[market] = now_ns
        commands.append(Resubscribe(connection, ORDERBOOK, self._decoder.ticker(market), cause))

    def _mend(self, now_ns: int, commands: list[Command]) -> None:
        """Ask for the books that miss a refused update, each once in AGAIN_NS whatever comes."""
        for market, connection in sorted(self._spoilt.items()):
            asked_ns = max(self._mended.get(market, -AGAIN_NS), self._asked.get(market, -AGAIN_NS))
            if now_ns - asked_ns < AGAIN_NS or connection in self._closed:
                continue
            ticker = self._decoder.ticker(market)
            if ticker not in self.watched:
                del self._spoilt[market]
                continue
            self._mended[market] = self._asked[market] = now_ns
            commands.append(Resubscribe(connection, ORDERBOOK, ticker, "an update was refused"))

    def _fold(self, now_ns: int, text: str) -> None:
        """What this stage decided, into its digest (FNV-1a over the text, then mixed with the time)."""
        a, b = self._digest
        for byte in text.encode():
            a = ((a ^ byte) * 0x100000001B3) & WORD
        b = ((b ^ now_ns ^ a) * 0x9E3779B97F4A7C15) & WORD
        self._digest = (a, b)
        self._publish()

    def _publish(self) -> None:
        self._digests[STAGE : STAGE + 2] = self._digest

    def digest(self) -> tuple[int, int]:
        """The running 128-bit digest over every decision, as two integers."""
        return self._digest

    def save(self) -> bytes:
        """The state as bytes."""
        return msgspec.msgpack.encode(
            [
                self._due_ns,
                list(self.watched),
                sorted(self.silent.items()),
                sorted(self._closed),
                sorted(self._asked.items()),
                sorted(self._broken.items()),
                sorted(self._spoilt.items()),
                sorted(self._mended.items()),
                list(self._digest),
                list(self._quiet),
            ]
        )

    def load(self, state: bytes) -> None:
        """Take over a state that `save` wrote. ValueError on anything else."""
        try:
            due, watched, silent, closed, asked, broken, spoilt, mended, digest, quiet = (
                msgspec.msgpack.decode(state, type=_State)
            )
            self._decoder.expect(quiet, bool(spoilt))
        except (msgspec.MsgspecError, IndexError) as problem:
            raise ValueError(f"not a state of the links: {problem}") from None
        self._due_ns = due
        self.watched = tuple(watched)
        self.silent = dict(silent)
        self._quiet = quiet
        self._closed = set(closed)
        self._asked = dict(asked)
        self._broken = dict(broken)
        self._spoilt = dict(spoilt)
        self._mended = dict(mended)
        self._digest = digest
        self._publish()


_State = tuple[
    int,
    list[str],
    list[tuple[int, bool]],
    list[int],
    list[tuple[int, int]],
    list[tuple[int, int]],
    list[tuple[int, int]],
    list[tuple[int, int]],
    tuple[int, int],
    tuple[int, ...],
]
