"""Drives a sim as the loop does, and checks its frames against the Indexer's rules of the wire.

The checker decodes with json and keeps a book, ids and heights of its own; it shares nothing with the sim or
the kernels.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from sniper.feed.sim import Sim
from sniper.types import REC_FRAME, REC_LINK, Command, Watch

SECOND_NS = 1_000_000_000
TICK_NS = 50_000_000

Record = tuple[int, int, int, bytes]
KEYS = {
    "connected": ["type", "connection_id", "message_id"],
    "subscribed": ["type", "connection_id", "message_id", "channel", "id", "contents"],
    "channel_data": ["type", "connection_id", "message_id", "id", "channel", "version", "contents"],
    "channel_batch_data": ["type", "connection_id", "message_id", "id", "channel", "version", "contents"],
    "unsubscribed": ["type", "connection_id", "message_id", "channel", "id"],
    "error": ["type", "message", "connection_id", "message_id"],
}
VERSIONS = {
    "v4_orderbook": "1.0.0",
    "v4_trades": "2.1.0",
    "v4_markets": "1.0.0",
    "v4_candles": "1.0.0",
    "v4_block_height": "1.0.0",
}
DECIMAL = re.compile(r"-?(0|[1-9]\d*)(\.\d*[1-9])?")
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
TRADE_ID = re.compile(r"[0-9a-f]{24}")
CANDLE_KEYS = [
    "startedAt", "ticker", "resolution", "low", "high", "open", "close", "baseTokenVolume", "usdVolume",
    "trades", "startingOpenInterest", "orderbookMidPriceOpen", "orderbookMidPriceClose",
]  # fmt: skip


class Sink:
    """An inbox of one test: it keeps what came."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def put(self, recv_ns: int, connection: int, kind: int, data: bytes) -> bool:
        self.records.append((recv_ns, connection, kind, data))
        return True


class Driver:
    """A sim and a clock. `ticks` counts turns of a loop that waits at most TICK_NS."""

    def __init__(self, sim: Sim, *, watch: Sequence[str] | None = None, tick_ns: int = TICK_NS) -> None:
        self.sim = sim
        self.sink = Sink()
        self.ticks = 0
        self.tick_ns = tick_ns
        self.watch = tuple(sim.markets) if watch is None else tuple(watch)
        self.watched = False
        self.taken: Callable[[list[Record]], None] | None = None
        sim.start(self.sink)
        first = sim.due(0)
        assert first is not None
        self.start_ns = self.now_ns = first
        self.tick(first)

    @property
    def records(self) -> list[Record]:
        return self.sink.records

    def tick(self, now_ns: int) -> None:
        self.now_ns = now_ns
        before = len(self.records)
        self.sim.pull(now_ns, self.sink)
        self.ticks += 1
        if not self.watched and any(b'"contents":{"markets"' in r[3] for r in self.records[before:]):
            self.watched = True
            self.sim.send(now_ns, [Watch(self.watch)])
        if self.taken is not None:
            self.taken(self.records[before:])
            self.records.clear()

    def send(self, *commands: Command) -> None:
        self.sim.send(self.now_ns, commands)

    def run(self, seconds: float) -> list[Record]:
        """Go on for so long; returns what came in that time."""
        end_ns = self.now_ns + int(seconds * SECOND_NS)
        before = len(self.records)
        while True:
            due = self.sim.due(self.now_ns)
            if due is None:
                break
            next_ns = min(due, self.now_ns + self.tick_ns)
            if next_ns > end_ns:
                break
            self.tick(next_ns)
        if self.now_ns < end_ns:
            self.tick(end_ns)
        return self.records[before:]


def messages(records: Sequence[Record], connection: int | None = None) -> list[dict[str, Any]]:
    """The frames as JSON."""
    return [
        json.loads(data)
        for _, index, kind, data in records
        if kind == REC_FRAME and (connection is None or index == connection)
    ]


def links(records: Sequence[Record], connection: int = 0) -> list[str]:
    """The states and codes of a connection."""
    return [
        " ".join(data.decode().split()[:2])
        for _, index, kind, data in records
        if kind == REC_LINK and index == connection
    ]


class Checker:
    """The rules of the wire for a perfect feed; raises AssertionError where one is broken."""

    def __init__(self) -> None:
        self.ticks: dict[str, Decimal] = {}
        self.steps: dict[str, Decimal] = {}
        self.books: dict[str, tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]]] = {}
        self.trades: dict[str, list[str]] = {}
        self.candles: dict[str, dict[str, dict[str, Any]]] = {}
        self.ids: dict[str, set[int]] = {}
        self.last: dict[tuple[str, str, str], int] = {}
        self.heights: dict[int, int] = {}
        self.recv_ns = 0
        self.counts: dict[str, int] = {}
        self.oracle: dict[str, Decimal] = {}

    def __call__(self, records: Sequence[Record]) -> None:
        for record in records:
            self.record(record)

    def record(self, record: Record) -> None:
        recv_ns, connection, kind, data = record
        assert recv_ns >= self.recv_ns
        assert recv_ns % 10_000_000 == 0
        self.recv_ns = recv_ns
        if kind == REC_LINK:
            state, code, text = data.decode("ascii").split(" ", 2)
            assert state in ("connecting", "open", "closed", "stopped") and code.isdigit() and text
            return
        message = json.loads(data.decode("ascii"))
        assert json.dumps(message, separators=(",", ":")).encode() == data, "not compact"
        self.message(message, connection)

    def message(self, message: dict[str, Any], connection: int) -> None:
        kind, channel = message["type"], message.get("channel", "")
        keys = [k for k in KEYS[kind] if k != "id" or channel != "v4_markets"]
        assert list(message) == keys
        seen = self.ids.setdefault(message["connection_id"], set())
        assert message["message_id"] not in seen
        seen.add(message["message_id"])
        assert (kind == "connected") == (message["message_id"] == 0)
        self.counts[f"{kind} {channel}"] = self.counts.get(f"{kind} {channel}", 0) + 1
        name = message.get("id", "")
        key = (message["connection_id"], channel, name)
        if kind == "subscribed":
            self.snapshot(channel, name, message["contents"])
        elif kind.startswith("channel"):
            assert message["version"] == VERSIONS[channel]
            assert message["message_id"] > self.last[key], "within one subscription ids rise"
            contents = message["contents"]
            assert isinstance(contents, list) == (kind == "channel_batch_data")
            assert contents
            for entry in contents if isinstance(contents, list) else [contents]:
                self.update(channel, name, entry, connection)
            if channel == "v4_orderbook":
                bids, asks = self.books[name]
                assert not bids or not asks or max(bids) < min(asks), f"{name} crossed"
        if kind in ("subscribed", "channel_data", "channel_batch_data"):
            self.last[key] = message["message_id"]

    def level(self, name: str, price: str, size: str) -> tuple[Decimal, Decimal]:
        assert DECIMAL.fullmatch(price) and DECIMAL.fullmatch(size), (price, size)
        assert Decimal(price) > 0 and Decimal(price) % self.ticks[name] == 0
        assert Decimal(size) >= 0 and Decimal(size) % self.steps[name] == 0
        return Decimal(price), Decimal(size)

    def snapshot(self, channel: str, name: str, contents: dict[str, Any]) -> None:
        if channel == "v4_markets":
            assert list(contents) == ["markets"]
            for ticker, market in contents["markets"].items():
                self.market(ticker, market)
        elif channel == "v4_block_height":
            assert list(contents) == ["height", "time"] and contents["height"].isdigit()
            assert ISO.fullmatch(contents["time"])
        elif channel == "v4_orderbook":
            assert list(contents) == ["bids", "asks"]
            sides: list[dict[Decimal, Decimal]] = []
            for side in ("bids", "asks"):
                assert all(list(level) == ["price", "size"] for level in contents[side])
                levels = [self.level(name, level["price"], level["size"]) for level in contents[side]]
                assert all(size for _, size in levels) and len(levels) <= 100
                prices = [price for price, _ in levels]
                assert prices == sorted(set(prices), reverse=side == "bids")
                sides.append(dict(levels))
            assert not sides[0] or max(sides[0]) < min(sides[1])
            self.books[name] = (sides[0], sides[1])
        elif channel == "v4_trades":
            ids = [trade["id"] for trade in contents["trades"]]
            assert ids == sorted(set(ids), reverse=True)
            for trade in contents["trades"]:
                assert list(trade) == ["id", "side", "size", "price", "type", "createdAt", "createdAtHeight"]
                assert int(trade["id"][:8], 16) == int(trade["createdAtHeight"])
                self.trade(name, trade)
            known = self.trades.get(name, [])
            self.trades[name] = sorted({*known, *ids})
        else:
            assert channel == "v4_candles"
            starts = [candle["startedAt"] for candle in contents["candles"]]
            assert starts == sorted(set(starts), reverse=True)
            for candle in contents["candles"]:
                self.candle(name, candle)

    def market(self, ticker: str, market: dict[str, Any]) -> None:
        assert list(market) == [
            "clobPairId", "ticker", "status", "oraclePrice", "priceChange24H", "volume24H", "trades24H",
            "nextFundingRate", "initialMarginFraction", "maintenanceMarginFraction", "openInterest",
            "atomicResolution", "quantumConversionExponent", "tickSize", "stepSize", "stepBaseQuantums",
            "subticksPerTick", "marketType", "openInterestLowerCap", "openInterestUpperCap",
            "baseOpenInterest", "defaultFundingRate1H",
        ]  # fmt: skip
        for key, value in market.items():
            if isinstance(value, str) and key not in ("ticker", "status", "marketType"):
                assert DECIMAL.fullmatch(value), (key, value)
        assert market["ticker"] == ticker
        self.ticks[ticker], self.steps[ticker] = Decimal(market["tickSize"]), Decimal(market["stepSize"])
        self.oracle[ticker] = Decimal(market["oraclePrice"])
        # The two grids follow from the chain's own numbers.
        resolution = market["atomicResolution"]
        assert market["subticksPerTick"] * Decimal(10) ** (-15 - resolution) == self.ticks[ticker]
        assert market["stepBaseQuantums"] * Decimal(10) ** resolution == self.steps[ticker]

    def update(self, channel: str, name: str, contents: dict[str, Any], connection: int) -> None:
        if channel == "v4_orderbook":
            ((side, levels),) = contents.items()
            assert side in ("bids", "asks")
            ((price, size),) = levels
            tick, steps = self.level(name, price, size)
            book = self.books[name][side == "asks"]
            if steps:
                book[tick] = steps
            else:
                del book[tick]  # KeyError: a removal of what is not there
        elif channel == "v4_trades":
            assert list(contents) == ["trades"] and 1 <= len(contents["trades"]) <= 5
            for trade in contents["trades"]:
                assert list(trade) == ["id", "size", "price", "side", "createdAt", "type"]
                self.trade(name, trade)
                assert trade["id"] > self.trades[name][-1], "ids rise, none comes twice"
                self.trades[name].append(trade["id"])
            assert len({trade["createdAt"] for trade in contents["trades"]}) == 1
        elif channel == "v4_block_height":
            assert list(contents) == ["blockHeight", "time"] and ISO.fullmatch(contents["time"])
            height = int(contents["blockHeight"])
            assert height == self.heights.get(connection, height - 1) + 1
            self.heights[connection] = height
        elif channel == "v4_candles":
            self.candle(name, contents)
        elif list(contents) == ["oraclePrices"]:
            for ticker, price in contents["oraclePrices"].items():
                assert list(price) == ["oraclePrice", "effectiveAt", "effectiveAtHeight", "marketId"]
                assert DECIMAL.fullmatch(price["oraclePrice"]) and ISO.fullmatch(price["effectiveAt"])
                assert price["effectiveAtHeight"].isdigit() and isinstance(price["marketId"], int)
                self.oracle[ticker] = Decimal(price["oraclePrice"])
        else:
            assert list(contents) == ["trading"]
            for statistics in contents["trading"].values():
                allowed = {"priceChange24H", "volume24H", "trades24H", "openInterest", "nextFundingRate"}
                assert statistics and set(statistics) <= allowed

    def trade(self, name: str, trade: dict[str, Any]) -> None:
        assert TRADE_ID.fullmatch(trade["id"]) and trade["id"][8:16] == "00000002"
        assert trade["side"] in ("BUY", "SELL") and ISO.fullmatch(trade["createdAt"])
        assert trade["type"] in ("LIMIT", "LIQUIDATED", "DELEVERAGED")
        assert DECIMAL.fullmatch(trade["price"]) and Decimal(trade["price"]) > 0
        on_tick = Decimal(trade["price"]) % self.ticks[name] == 0
        assert on_tick or trade["type"] == "DELEVERAGED"
        assert DECIMAL.fullmatch(trade["size"]) and Decimal(trade["size"]) > 0
        assert Decimal(trade["size"]) % self.steps[name] == 0

    def candle(self, name: str, candle: dict[str, Any]) -> None:
        assert list(candle) == CANDLE_KEYS
        assert f"{candle['ticker']}/{candle['resolution']}" == name
        low, high, opened, closed = (Decimal(candle[key]) for key in ("low", "high", "open", "close"))
        assert low <= opened <= high and low <= closed <= high
        assert (candle["trades"] == 0) == (candle["baseTokenVolume"] == "0") == (candle["usdVolume"] == "0")
        self.candles.setdefault(name, {})[candle["startedAt"]] = candle

    def missing(self) -> int:
        """Message ids below the highest of their connection that never came."""
        return sum(max(ids) + 1 - len(ids) for ids in self.ids.values())
