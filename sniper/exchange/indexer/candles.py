"""Candles of one market, made from the trades of whole blocks (websocket.md 6.4).

A candle begins with the first block of its interval. Where that block has no trade, and any candle was there before,
it begins empty at the last close; its open, high and low are written anew by its first trade.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from decimal import Decimal

from sniper.exchange.indexer.topics import RESOLUTIONS
from sniper.exchange.indexer.writing import ZERO, Item, plain, plus, times
from sniper.feed.sim.text import iso

SECOND_NS = 1_000_000_000


class Candle:
    """One candle. Prices and volumes exact; mids as text or None."""

    __slots__ = (
        "base",
        "close",
        "high",
        "interest",
        "low",
        "mid_close",
        "mid_open",
        "open",
        "resolution",
        "start_s",
        "trades",
        "usd",
    )

    def __init__(self, resolution: str, start_s: int, price: Decimal, interest: str, mid: str | None) -> None:
        self.resolution, self.start_s = resolution, start_s
        self.open = self.high = self.low = self.close = price
        self.base = self.usd = ZERO
        self.trades = 0
        self.interest, self.mid_open, self.mid_close = interest, mid, mid

    def add(self, price: Decimal, size: Decimal) -> None:
        """Count a trade."""
        if not self.trades:
            self.open = self.high = self.low = price
        self.high, self.low, self.close = max(self.high, price), min(self.low, price), price
        self.base = plus(self.base, size)
        self.usd = plus(self.usd, times(price, size))
        self.trades += 1

    def item(self, ticker: str) -> Item:
        """The candle as stream and REST write it."""
        return {
            "startedAt": iso(self.start_s * SECOND_NS),
            "ticker": ticker,
            "resolution": self.resolution,
            "low": plain(self.low),
            "high": plain(self.high),
            "open": plain(self.open),
            "close": plain(self.close),
            "baseTokenVolume": plain(self.base),
            "usdVolume": plain(self.usd),
            "trades": self.trades,
            "startingOpenInterest": self.interest,
            "orderbookMidPriceOpen": self.mid_open,
            "orderbookMidPriceClose": self.mid_close,
        }


class Candles:
    """The candles of one market, the oldest forgotten."""

    __slots__ = ("of",)

    def __init__(self, candles_max: int) -> None:
        self.of: dict[str, deque[Candle]] = {name: deque(maxlen=candles_max) for name in RESOLUTIONS}

    def due(self, now_ns: int) -> bool:
        """Would a block of this time begin a candle?"""
        newest = self.of["1MIN"]
        return bool(newest) and newest[-1].start_s != now_ns // SECOND_NS // 60 * 60

    def block(
        self, now_ns: int, trades: Sequence[tuple[Decimal, Decimal]], interest: str, mid: str | None
    ) -> list[Candle]:
        """A block at this time with these trades (price, size). Returns the candles to tell, in that order.

        interest: open interest before the block, in coins. mid: of the book now.
        """
        told = []
        for resolution, seconds in RESOLUTIONS.items():
            ring = self.of[resolution]
            start_s = now_ns // SECOND_NS // seconds * seconds
            last = ring[-1] if ring else None
            if last is None or last.start_s != start_s:
                if last is None and not trades:
                    continue
                if last is not None:
                    last.mid_close = mid
                    told.append(last)
                first = trades[0][0] if last is None else last.close
                last = Candle(resolution, start_s, first, interest, mid)
                ring.append(last)
            elif not trades:
                continue
            for price, size in trades:
                last.add(price, size)
            told.append(last)
        return told
