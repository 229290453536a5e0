"""Plays recorded messages through decoder, books and trades, without engine, inbox or loop.

A line is one WebSocket message or `{"recv_ms":..,"msg":{..}}`; its time is recv_ms, else one millisecond a line;
its connection is numbered by `connection_id` in order of first sight.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sniper._ext.decode import Decoder
from sniper._ext.orderbook import Books
from sniper._ext.tape import COUNTER_NAMES, KIND_NAMES, REASON_NAMES, Tape
from sniper._ext.trades import Trades

REST = 1


class Play:
    """Kernels that take messages one by one. `rows` are those of the last one (copied)."""

    def __init__(self, markets: bytes | None = None) -> None:
        self.tape = Tape()
        self.decoder, self.books, self.trades = Decoder(self.tape), Books(self.tape), Trades(self.tape)
        self.connections: dict[str, int] = {}
        self.kinds: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.now_ns = 0
        self.rows: NDArray[np.void] = self.tape.rows[:0].copy()
        if markets is not None:
            self.record(REST, b"perpetualMarkets 200 \n" + markets)
            assert self.rows["kind"][0] == KIND_NAMES.index("REST"), "the market list was refused"
        self.kinds.clear()

    def record(self, kind: int, data: bytes, connection: int = 0) -> NDArray[np.void]:
        """One record in a tick of its own."""
        n = self.decoder.apply([(self.now_ns, connection, kind, data)])
        self.books.apply(n)
        self.trades.apply(n)
        self.rows = self.tape.rows[:n].copy()
        for row in self.rows:
            self.kinds[KIND_NAMES[row["kind"]]] += 1
            if KIND_NAMES[row["kind"]] == "ERROR":
                self.refusals[REASON_NAMES[row["side"]]] += 1
        return self.rows

    def line(self, line: bytes) -> NDArray[np.void]:
        """One line of a recording."""
        self.now_ns += 1_000_000
        message = json.loads(line)
        if "recv_ms" in message:
            self.now_ns = message["recv_ms"] * 1_000_000
            message = message["msg"]
            line = json.dumps(message, separators=(",", ":")).encode()
        name = message.get("connection_id", "")
        return self.record(0, line, self.connections.setdefault(name, len(self.connections)))

    def lines(self, lines: Iterable[bytes]) -> Play:
        """All lines of a recording."""
        for line in lines:
            self.line(line)
        return self

    def counters(self) -> dict[str, int]:
        """The counters by name, those that are not 0."""
        values = dict(zip(COUNTER_NAMES, self.tape.counters.tolist(), strict=False))
        return {name: value for name, value in values.items() if value}

    def digest(self) -> tuple[Any, ...]:
        """The digests of all three."""
        return self.decoder.digest(), self.books.digest(), self.trades.digest()

    def side(self, ticker: str, side: int, depth: int = 10**6, raw: bool = True) -> list[tuple[int, int]]:
        """Levels (ticks, steps), best first."""
        market = self.decoder.market(ticker)
        return [(int(t), int(s)) for t, s in self.books.levels(market, side, depth, raw)]

    def top(self, ticker: str) -> Any:
        """The row of Books.tops."""
        return self.books.tops[self.decoder.market(ticker)]
