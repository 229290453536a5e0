"""Walks through history, page by page."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper.feed.pages import PAGE_MAX, Query, Walk, candle_pages, fill_pages


def iso(minute: int) -> str:
    return f"2026-01-{1 + minute // 1440:02}T{minute // 60 % 24:02}:{minute % 60:02}:00.000Z"


def answer(walk: Walk, server: Any) -> list[Query]:
    """Let the server answer every query; gives the queries."""
    asked = []
    try:
        query = next(walk)
        while True:
            asked.append(dict(query))
            assert len(asked) < 1000, "the walk does not end"
            query = walk.send(json.dumps(server(query)).encode())
    except StopIteration:
        return asked


class Candles:
    """A history of one candle a minute; `got`: what was handed out."""

    def __init__(self, minutes: int) -> None:
        self.minutes = minutes
        self.got: list[str] = []

    def __call__(self, query: Query) -> Any:
        below = query.get("toISO", "9")
        found = [t for m in range(self.minutes) if (t := iso(m)) < str(below)][::-1][: int(query["limit"])]
        self.got += found
        return {"candles": [{"startedAt": t, "close": "1"} for t in found]}


def test_one_page_of_candles() -> None:
    server = Candles(5000)
    assert answer(candle_pages("BTC-USD", "1MIN", 300), server) == [
        {"ticker": "BTC-USD", "resolution": "1MIN", "limit": 300}
    ]


def test_candles_walk_back_from_the_oldest() -> None:
    server = Candles(5000)
    asked = answer(candle_pages("BTC-USD", "1MIN", 2500), server)
    assert [(q["limit"], q.get("toISO")) for q in asked] == [
        (1000, None),
        (1000, iso(4000)),
        (500, iso(3000)),
    ]
    assert server.got == [iso(m) for m in range(4999, 2499, -1)]


@given(st.integers(0, 2200), st.integers(0, 3000))
def test_candles_end_at_the_beginning_of_history_and_are_fetched_once(minutes: int, bars: int) -> None:
    server = Candles(minutes)
    answer(candle_pages("BTC-USD", "1MIN", bars), server)
    assert server.got == [iso(m) for m in range(minutes)][::-1][:bars]


def test_a_server_that_ignores_to_iso_does_not_hold_us() -> None:
    page = {"candles": [{"startedAt": iso(m)} for m in range(1000)]}
    assert len(answer(candle_pages("BTC-USD", "1MIN", 10_000), lambda query: page)) == 2


def test_a_body_of_another_kind_is_refused() -> None:
    walk = candle_pages("BTC-USD", "1MIN", 10)
    next(walk)
    with pytest.raises(msgspec.DecodeError):
        walk.send(b'{"errors":[]}')


class Fills:
    """Fills by height, newest first; heights may repeat."""

    def __init__(self, heights: list[int]) -> None:
        self.fills = [(f"f{i}", h) for i, h in enumerate(sorted(heights, reverse=True))]
        self.got: set[str] = set()

    def __call__(self, query: Query) -> Any:
        top = int(query.get("createdBeforeOrAtHeight", 10**9))
        found = [f for f in self.fills if f[1] <= top][: int(query["limit"])]
        self.got |= {name for name, _ in found}
        return {"fills": [{"id": name, "createdAtHeight": str(height)} for name, height in found]}


def test_fills_walk_down_by_height() -> None:
    server = Fills(list(range(100, 130)))
    asked = answer(fill_pages("dydx1", 0, since_height=110, limit=8), server)
    assert [q.get("createdBeforeOrAtHeight") for q in asked] == [None, 122, 115]
    assert {f"f{i}" for i in range(20)} <= server.got


@given(
    heights=st.lists(st.integers(0, 60), max_size=120),
    limit=st.integers(2, 20),
    since=st.integers(0, 60),
)
def test_every_fill_comes_unless_one_block_has_more_than_a_page(
    heights: list[int], limit: int, since: int
) -> None:
    server = Fills(heights)
    answer(fill_pages("dydx1", 0, since, limit), server)
    if max((heights.count(h) for h in heights), default=0) < limit:
        assert {name for name, height in server.fills if height >= since} <= server.got


def test_a_server_that_ignores_the_height_does_not_hold_us() -> None:
    page = {"fills": [{"id": str(i), "createdAtHeight": "50"} for i in range(PAGE_MAX)]}
    assert len(answer(fill_pages("dydx1", 0, 0), lambda query: page)) == 3
