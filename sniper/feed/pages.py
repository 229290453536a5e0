"""Walks through history, page by page. Pure: each is a generator that yields a query and is sent the answer's
body.

The Indexer's `page` parameter is not used: with it, fills and trades come oldest first. `limit` is at most
1000.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

import msgspec

PAGE_MAX: Final = 1000

Query = dict[str, str | int]
Walk = Generator[Query, bytes, None]


class _Candle(msgspec.Struct):
    startedAt: str


class _Candles(msgspec.Struct):
    candles: list[_Candle]


class _Fill(msgspec.Struct):
    id: str
    createdAtHeight: str


class _Fills(msgspec.Struct):
    fills: list[_Fill]


_decode_candles: Final = msgspec.json.Decoder(_Candles).decode
_decode_fills: Final = msgspec.json.Decoder(_Fills).decode


def candle_pages(ticker: str, resolution: str, bars: int) -> Walk:
    """The last `bars` candles, newest first: each page ends before the oldest `startedAt` of the one before.

    Stops early at the beginning of history, and at a page that brings nothing older. A body that is no list
    of candles raises msgspec.DecodeError.
    """
    oldest: str | None = None
    while bars > 0:
        query: Query = {"ticker": ticker, "resolution": resolution, "limit": min(bars, PAGE_MAX)}
        if oldest is not None:
            query["toISO"] = oldest
        candles = _decode_candles((yield query)).candles
        # ISO-8601 in UTC with milliseconds: the order of the texts is the order of the times.
        last = min((candle.startedAt for candle in candles), default=oldest)
        if last is None or last == oldest or (oldest is not None and last > oldest):
            return
        bars -= len(candles)
        if len(candles) < min(int(query["limit"]), PAGE_MAX):
            return
        oldest = last


def fill_pages(address: str, subaccount: int, since_height: int, limit: int = PAGE_MAX) -> Walk:
    """All fills of a subaccount down to since_height, newest first.

    The next page begins at the lowest height seen, that height included, because a page may end within a
    block: whoever reads the fills drops what it has by id. Where a whole page lies in one block the walk
    goes on below it.
    """
    seen: set[str] = set()
    height: int | None = None
    while True:
        query: Query = {"address": address, "subaccountNumber": subaccount, "limit": limit}
        if height is not None:
            query["createdBeforeOrAtHeight"] = height
        fills = _decode_fills((yield query)).fills
        lowest = min((int(fill.createdAtHeight) for fill in fills), default=-1)
        new = {fill.id for fill in fills} - seen
        seen |= new
        if len(fills) < limit or lowest < since_height or (height is not None and lowest > height):
            return
        height = lowest if new and lowest != height else lowest - 1
