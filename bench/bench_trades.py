"""trades: each trade once, counts, volumes, the last price."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

from bench.contest import Case, Contender, play
from bench.peers import Tally
from bench.streams import decoded, stream
from sniper._ext.trades import Trades


@cache
def trades() -> list[tuple[str, dict[str, Any]]]:
    """(ticker, trade object) of the stream, parsed."""
    messages = (json.loads(frame) for frame in stream())
    return [(m["id"], t) for m in messages if m["channel"] == "v4_trades" for t in m["contents"]["trades"]]


def fresh() -> tuple[Any, ...]:
    tape, n = decoded()
    return Trades(tape).apply, n


def one_call(apply: Any, n: int) -> None:
    apply(n)


def walk(tallies: dict[str, Tally]) -> None:
    for ticker, trade in trades():
        tally = tallies.get(ticker)
        if tally is None:
            tally = tallies[ticker] = Tally(Decimal(0))
        tally.add(trade, Decimal)


CASES = [
    Case(
        "trades",
        "trade",
        Contender("ids of any text", fresh, one_call, len(trades())),
        Contender("set + Decimal", lambda: ({},), walk, len(trades())),
    )
]


@pytest.mark.parametrize("contender", [c for case in CASES for c in case.contenders], ids=lambda c: c.name)
def test_trades(benchmark: Any, contender: Contender) -> None:
    play(benchmark, contender)
