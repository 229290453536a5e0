"""decode, book and trades in a row: what `sniper bench frames` measures."""

from __future__ import annotations

from typing import Any

import pytest

from bench.contest import Case, Contender, play
from bench.peers import Naive, Sorted, SortedMsgspec
from bench.streams import FRAMES, calls, stream
from sniper._ext.decode import Decoder
from sniper._ext.orderbook import Books
from sniper._ext.tape import Tape
from sniper._ext.trades import Trades


def fresh(batch: int, style: str = "server") -> tuple[Any, ...]:
    tape = Tape()
    return Decoder(tape).apply, Books(tape).apply, Trades(tape).apply, calls(batch, style)


def each(decode: Any, book: Any, trade: Any, batches: Any) -> None:
    for records in batches:
        n = decode(records)
        book(n)
        trade(n)


def peer(name: str, kind: type[Naive]) -> Contender:
    return Contender(name, lambda: (kind(), stream()), kind.run, FRAMES)


CASES = [
    Case(
        "decode + book + trades",
        "frame",
        Contender("64 frames a call", lambda: fresh(64), each, FRAMES),
        peer("json + Decimal + dict", Naive),
        (peer("orjson + sortedcontainers", Sorted), peer("msgspec + sortedcontainers", SortedMsgspec)),
    ),
    Case("  one call a frame", "frame", Contender("1 a call", lambda: fresh(1), each, FRAMES)),
    Case("  loose frames", "frame", Contender("loose", lambda: fresh(64, "loose"), each, FRAMES)),
]


@pytest.mark.parametrize("contender", [c for case in CASES for c in case.contenders], ids=lambda c: c.name)
def test_books_and_trades(benchmark: Any, contender: Contender) -> None:
    play(benchmark, contender)
