"""Rows written by hand for the kernels from books to signals: what no decoder would let through, too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sniper._ext.candles import Candles
from sniper._ext.orderbook import Books
from sniper._ext.signals import SIGNALS, Signals
from sniper._ext.tape import FIELD_NAMES, KIND_NAMES, MARKET_DTYPE, Tape
from sniper._ext.trades import Trades

KIND = {name: i for i, name in enumerate(KIND_NAMES)}
SNAPSHOT, DUPLICATE, DOUBT, LIQUIDATED, DELEVERAGED, RETICKED, FROM_REST = 1, 2, 16, 32, 64, 512, 2048
MARKETS_MAX = 4
T0 = 1_767_225_600_000_000_000  # a midnight
SECOND, MINUTE = 10**9, 60 * 10**9
Row = dict[str, Any]


class Rows:
    """A tape whose rows are written by hand, and the kernels that read them. Ticks of 1, steps of 1 at first."""

    def __init__(self, resolutions: tuple[int, ...] = (0, 1, 2, 4), bars_max: int = 64) -> None:
        self.tape = Tape(1 << 16, 64)
        self.markets = np.zeros(MARKETS_MAX, MARKET_DTYPE)
        self.books = Books(self.tape, MARKETS_MAX)
        self.trades = Trades(self.tape, MARKETS_MAX)
        self.candles = Candles(self.tape, MARKETS_MAX, bars_max)
        self.resolutions = resolutions
        self.signals = self.fresh()
        self.now_ns = T0
        self.ids = 1
        for market in range(MARKETS_MAX):
            self.set(market, tickSize=(1, 0), stepSize=(1, 0))

    def fresh(self) -> Signals:
        return Signals(
            self.tape,
            self.markets,
            self.books,
            self.candles,
            resolutions=self.resolutions,
            markets_max=MARKETS_MAX,
        )

    def set(self, market: int, **fields: tuple[int, int]) -> None:
        """Fields of the market table, each mantissa and decimals."""
        for name, (mantissa, decimals) in fields.items():
            i = FIELD_NAMES.index(name)
            self.markets[market]["num"][i], self.markets[market]["dec"][i] = mantissa, decimals
            self.markets[market]["known"] |= 1 << i

    def tick(self, *rows: Row, now_ns: int | None = None) -> list[int]:
        """Write, apply, update; returns which markets were scored. recv_ns and now_ns default to a second later."""
        self.now_ns = self.now_ns + SECOND if now_ns is None else now_ns
        self.write(rows)
        for kernel in (self.books, self.trades, self.candles, self.signals):
            kernel.apply(len(rows))
        self.signals.update(self.now_ns)
        return self.signals.changed()

    def write(self, rows: Sequence[Row]) -> None:
        """The tape as the decoder would leave it. A candle's values stand under `candle`."""
        table, others, kinds, candles = self.tape.rows, [], 0, 0
        for i, row in enumerate(rows):
            table[i] = np.zeros(1, table.dtype)[0]
            table[i]["recv_ns"] = self.now_ns
            for name, value in row.items():
                if name == "candle":
                    table[i]["ref"] = candles
                    self.candle(candles, row["side"], value)
                    candles += 1
                else:
                    table[i][name] = KIND[value] if name == "kind" else value
            if row["kind"] == "TRADE":
                self.tape.trades[i]["id_high"], self.tape.trades[i]["id_low"] = i, self.ids + i
                table[i]["ref"] = i
            if row["kind"] != "LEVEL":
                others.append(i)
                kinds |= 1 << KIND[row["kind"]]
        self.ids += len(rows)
        self.tape.others[: len(others)] = others
        self.tape.used[:] = (len(others), kinds >> KIND["TRADE"] & 1, candles, 0, kinds)

    def candle(self, at: int, resolution: int, values: Mapping[str, int]) -> None:
        entry = self.tape.candles[at]
        entry["resolution"] = resolution
        for name, value in values.items():
            entry[name] = value

    def scores(self, market: int = 0) -> dict[str, float]:
        return dict(zip(SIGNALS, self.signals.row(market), strict=True))

    def warm(self, market: int = 0) -> set[str]:
        """Names of the signals that are warmed up."""
        return {name for i, name in enumerate(SIGNALS) if self.signals.ready(market) >> i & 1}

    def bars(self, closes: Sequence[int], market: int = 0, volume: int = 60, trades: int = 60) -> None:
        """A snapshot of candles of one minute; the last of them is open, and a block says that it is now."""
        start = self.now_ns // MINUTE - len(closes) + 1
        self.now_ns += SECOND
        rows = [bar(market, start + i, close, volume, trades) for i, close in enumerate(closes)]
        self.tick(*rows, {"kind": "BLOCK", "price": 1, "venue_ns": self.now_ns, "market": 0xFFFF})

    def snapshot(self, bid: int, ask: int, bids: int = 10, asks: int = 10, market: int = 0) -> None:
        """A book with one level a side."""
        self.tick(
            {"kind": "BOOK", "market": market, "size": 2, "flags": SNAPSHOT},
            level(0, bid, bids, market),
            level(1, ask, asks, market),
        )


def level(side: int, ticks: int, steps: int, market: int = 0) -> Row:
    return {"kind": "LEVEL", "side": side, "price": ticks, "size": steps, "market": market}


def trade(side: int, price: int, size: int, flags: int = 0, market: int = 0, venue_ns: int = 0) -> Row:
    return {
        "kind": "TRADE", "side": side, "price": price, "size": size, "flags": flags, "market": market,
        "venue_ns": venue_ns,
    }  # fmt: skip


def bar(market: int, minute: int, close: int, volume: int, trades: int) -> Row:
    prices = dict.fromkeys(("open", "high", "low", "close"), close)
    values = {"started_ns": minute * MINUTE, "volume": volume, "trades": trades, "usd_volume": close * volume}
    return {"kind": "CANDLE", "market": market, "side": 0, "flags": SNAPSHOT, "candle": prices | values}
