"""orderbook: level rows to books, with the best bid and ask after every frame."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sortedcontainers import SortedDict

from bench.contest import Case, Contender, play
from bench.frames import MARKETS
from bench.streams import book_frames, decoded
from sniper._ext.orderbook import Books

LEVELS = sum(len(levels) for _, levels in book_frames())


def fresh() -> tuple[Any, ...]:
    tape, n = decoded()
    return Books(tape).apply, n


def one_call(apply: Callable[[int], None], n: int) -> None:
    apply(n)


def books(side: Callable[[], Any]) -> list[tuple[Any, Any]]:
    return [(side(), side()) for _ in MARKETS]


def walk(state: list[tuple[Any, Any]], touch: Callable[[Any, Any], Any]) -> None:
    for snapshot, levels in book_frames():
        bids, asks = state[levels[0].market]
        if snapshot:
            bids.clear()
            asks.clear()
        for _, side, price, size in levels:
            book = asks if side else bids
            if size:
                book[price] = size
            else:
                book.pop(price, None)
        touch(bids, asks)


def extremes(bids: dict[int, int], asks: dict[int, int]) -> tuple[int, int]:
    return max(bids), min(asks)


def ends(bids: Any, asks: Any) -> tuple[int, int]:
    return bids.peekitem(-1)[0], asks.peekitem(0)[0]


CASES = [
    Case(
        "orderbook",
        "level",
        Contender("raw book and uncrossed view", fresh, one_call, LEVELS),
        Contender("dict", lambda: (books(dict), extremes), walk, LEVELS),
        (Contender("sortedcontainers", lambda: (books(SortedDict), ends), walk, LEVELS),),
    )
]


@pytest.mark.parametrize("contender", [c for case in CASES for c in case.contenders], ids=lambda c: c.name)
def test_orderbook(benchmark: Any, contender: Contender) -> None:
    play(benchmark, contender)
