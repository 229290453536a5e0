"""Valid messages of every kind, seeded: what a server would write, in its own style or in a loose one.

`Market` walks a small price grid; `Messages` draws one message after the other as plain dicts and lists;
`compact`
and `loose` write them. Nothing here knows how messages are decoded.
"""

from __future__ import annotations

import json
import random
from typing import Any

CONNECTIONS = (
    "004a1efa-21bb-4b19-a2e9-a8ffadd6dc53",
    "3afef1ce-92d1-4f61-9009-14b656142d7e",
    "00000000-0000-4000-8000-000000000001",
)
RESOLUTIONS = ("1MIN", "5MINS", "15MINS", "30MINS", "1HOUR", "4HOURS", "1DAY")
MINUTES = {"1MIN": 1, "5MINS": 5, "15MINS": 15, "30MINS": 30, "1HOUR": 60, "4HOURS": 240, "1DAY": 1440}
STATUSES = ("ACTIVE", "PAUSED", "CANCEL_ONLY", "POST_ONLY", "INITIALIZING", "FINAL_SETTLEMENT")
compact = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def decimal(value: int, decimals: int) -> str:
    """`value` scaled down by 10 ** decimals, shortest plain text (negative decimals scale up)."""
    if decimals <= 0:
        return str(value * 10**-decimals)
    sign, digits = ("-", str(-value)) if value < 0 else ("", str(value))
    digits = digits.rjust(decimals + 1, "0")
    return sign + (digits[:-decimals] + "." + digits[-decimals:]).rstrip("0").rstrip(".")


def iso(ns: int, digits: int = 3) -> str:
    """A time in 2026 as the Indexer writes it: `ns` counts from 2026-11-21T00:00:00Z, at most a day."""
    seconds, rest = divmod(ns, 10**9)
    day, second = divmod(seconds, 86400)
    fraction = "." + f"{rest:09d}"[:digits] if digits else ""
    return f"2026-11-{21 + day:02d}T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}{fraction}Z"


class Market:
    """One market's grid and a price that wanders on it."""

    def __init__(
        self, ticker: str, pair: int, tick: tuple[int, int], step: tuple[int, int], mid: int
    ) -> None:
        self.ticker, self.pair, self.tick, self.step, self.mid = ticker, pair, tick, step, mid

    def price(self, ticks: int) -> str:
        return decimal(ticks * self.tick[0], self.tick[1])

    def size(self, steps: int) -> str:
        return decimal(steps * self.step[0], self.step[1])


def markets() -> list[Market]:
    """Grids as they occur: finer and coarser than 1, no power of ten. The last ticker is long, as some are."""
    return [
        Market("BTC-USD", 0, (1, 0), (1, 4), 97512),
        Market("ETH-USD", 1, (1, 1), (1, 3), 35124),
        Market("SOL-USD", 5, (1, 2), (1, 1), 18523),
        Market("PEPE-USD", 40, (1, 9), (1000000, 0), 9512),
        Market("ODD-USD", 77, (25, 2), (5, 1), 431),
        Market("BUFFI,UNISWAP_V3,0X4C1B1302220D7DE5C22B495E78B72F2DD2457D45-USD", 91, (10, 0), (10, 0), 120),
    ]


class Messages:
    """Draws messages, all chance from `source`. `next()` gives (connection, message)."""

    def __init__(self, source: random.Random) -> None:
        self.random = source
        self.markets = markets()
        self.ids = [0, 0, 0]
        self.ns = 0
        self.height = 41_230_000
        self.trade_ids: list[str] = ["03f89a550000000200000002"]
        self.plan = [self.markets_snapshot, self.block] + [
            lambda m=m: self.book_snapshot(m)
            for m in self.markets  # type: ignore[misc]
        ]
        self.plan.reverse()
        self.draws = (
            (0.42, self.book_update),
            (0.05, self.book_snapshot),
            (0.13, self.trades_update),
            (0.02, self.trades_snapshot),
            (0.01, self.markets_snapshot),
            (0.05, self.markets_trading),
            (0.06, self.oracle),
            (0.05, self.candle_update),
            (0.02, self.candles_snapshot),
            (0.05, self.block),
            (0.04, self.account),
            (0.07, self.control),
            (0.03, self.strange),
        )

    def next(self) -> tuple[int, dict[str, Any]]:
        """One message of connection 0, 1 or 2."""
        self.ns += int(self.random.random() ** 4 * 2_000_000_000)
        self.ns %= 8 * 86400 * 10**9
        draw, connection = self.random.random(), int(self.random.random() ** 3 * 3)
        self.connection = connection
        if self.plan:
            return connection, self.plan.pop()()
        for share, method in self.draws:
            draw -= share
            if draw < 0:
                return connection, method()
        return connection, self.book_update()

    # -- pieces -------------------------------------------------------------------------------------------

    def below(self, n: int) -> int:
        return int(self.random.random() * n)

    def pick(self, among: Any) -> Any:
        return among[int(self.random.random() * len(among))]

    def envelope(self, kind: str, channel: str | None = None, name: str | None = None) -> dict[str, Any]:
        """The keys before `contents`, in the server's order for this type."""
        self.ids[self.connection] += 1 if self.random.random() < 0.97 else self.below(4)
        message: dict[str, Any] = {
            "type": kind,
            "connection_id": CONNECTIONS[self.connection],
            "message_id": self.ids[self.connection],
        }
        if kind == "subscribed":
            message["channel"] = channel
        if name is not None:
            message["id"] = name
        if kind != "subscribed" and channel is not None:
            message["channel"] = channel
        if kind.endswith("data"):
            message["version"] = "1.0.0"
        return message

    def data(self, channel: str, name: str | None, make: Any) -> dict[str, Any]:
        """A channel_data or, half of the time, a channel_batch_data message with 0-5 contents."""
        if self.random.random() < 0.5:
            message = self.envelope("channel_data", channel, name)
            message["contents"] = make()
        else:
            message = self.envelope("channel_batch_data", channel, name)
            message["contents"] = [make() for _ in range(self.below(6))]
        return message

    def level(self, market: Market, side: int) -> tuple[str, str]:
        """Price and size texts near the touch; sometimes across it; a third of the sizes are zero."""
        random = self.random.random
        away = int(random() ** 3 * 40) - (3 if random() < 0.15 else 0)
        if random() < 0.04:  # the deep book, and ghosts on the wrong side of the touch
            away = int(random() ** 2 * 30_000) * (1 if random() < 0.8 else -1)
            away = max(away, 1 - market.mid) if side else min(away, market.mid - 2)
        steps = 0 if random() < 0.34 else 1 + int(random() ** 3 * 60000) if random() < 0.8 else 5
        return market.price(market.mid + (1 + away if side else -away)), market.size(steps)

    # -- channels -----------------------------------------------------------------------------------------

    def book_snapshot(self, market: Market | None = None) -> dict[str, Any]:
        market = market or self.pick(self.markets)
        message = self.envelope("subscribed", "v4_orderbook", market.ticker)
        count = self.below(12)
        sides = [[self.level(market, side) for _ in range(count)] for side in (0, 1)]
        message["contents"] = {
            key: [{"price": p, "size": s} for p, s in side]
            for key, side in zip(("bids", "asks"), sides, strict=True)
        }
        return message

    def book_update(self) -> dict[str, Any]:
        market = self.pick(self.markets)
        market.mid = max(60, market.mid + self.below(3) - 1)
        if self.random.random() < 0.003:  # a leap
            market.mid = max(60, market.mid + self.below(20_000) - 10_000)
        return self.data("v4_orderbook", market.ticker, lambda: self.book_entry(market))

    def book_entry(self, market: Market) -> dict[str, Any]:
        draw = self.random.random()
        keys = (
            ("bids",)
            if draw < 0.47
            else ("asks",)
            if draw < 0.94
            else ("asks", "bids")
            if draw < 0.97
            else ("bids", "asks")
        )
        count = 1 + self.below(3) if self.random.random() < 0.95 else 0
        return {key: [list(self.level(market, key == "asks")) for _ in range(count)] for key in keys}

    def trade_id(self) -> str:
        draw = self.random.random()
        if draw < 0.1:
            return str(self.pick(self.trade_ids))
        if draw < 0.15:
            made = f"8ee6d90d-272d-5edd-bf0f-{self.below(10**6):012d}"
        elif draw < 0.18:
            made = str(self.below(200))
        else:
            made = f"{self.height:08x}00000002{self.below(2**32):08x}"
        self.trade_ids.append(made)
        del self.trade_ids[:-50]
        return made

    def trade(self, market: Market, snapshot: bool) -> dict[str, Any]:
        random = self.random.random
        price = market.price(market.mid + self.below(5) - 2)
        if random() < 0.1:  # a deleveraging price is off tick
            price = self.quotient(market, self.pick((3, 3, 14, 18, 20)))
        made = {
            "id": self.trade_id(),
            "side": self.pick(("BUY", "SELL")),
            "size": market.size(1 + int(random() ** 3 * 60000)),
            "price": price,
            "type": "LIMIT" if random() < 0.9 else self.pick(("LIQUIDATED", "DELEVERAGED", "TWAP_SUBORDER")),
            "createdAt": iso(self.ns, self.pick((0, 3, 3, 3, 3, 6, 9))),
        }
        if snapshot:
            made["createdAtHeight"] = str(self.height)
        elif random() < 0.05:
            del made["type"]
        return made

    def quotient(self, market: Market, digits: int) -> str:
        """A price near the touch with so many digits behind the tick's, as a division leaves them."""
        return decimal(
            market.mid * market.tick[0] * 10**digits + self.below(10**digits), market.tick[1] + digits
        )

    def trades_snapshot(self) -> dict[str, Any]:
        market = self.pick(self.markets)
        message = self.envelope("subscribed", "v4_trades", market.ticker)
        message["contents"] = {"trades": [self.trade(market, True) for _ in range(self.below(8))]}
        return message

    def trades_update(self) -> dict[str, Any]:
        market = self.pick(self.markets)
        return self.data(
            "v4_trades",
            market.ticker,
            lambda: {"trades": [self.trade(market, False) for _ in range(self.below(4))]},
        )

    def market_object(self, market: Market) -> dict[str, Any]:
        random = self.random.random
        return {
            "clobPairId": str(market.pair),
            "ticker": market.ticker,
            "status": self.pick(STATUSES),
            "oraclePrice": self.oracle_price(market),
            "priceChange24H": decimal(self.below(10**9) - 5 * 10**8, 5),
            "volume24H": decimal(self.below(10**14), 4),
            "trades24H": self.below(10**6),
            "nextFundingRate": decimal(self.below(10**14) - 5 * 10**13, 20),
            "initialMarginFraction": "0.05",
            "maintenanceMarginFraction": "0.03",
            "openInterest": decimal(self.below(10**9), 4),
            "atomicResolution": self.below(12) - 10,
            "quantumConversionExponent": -9,
            "tickSize": market.price(1),
            "stepSize": market.size(1),
            "stepBaseQuantums": 1000000,
            "subticksPerTick": 100000,
            "marketType": self.pick(("CROSS", "ISOLATED")),
            "openInterestLowerCap": "0" if random() < 0.5 else "20000000",
            "openInterestUpperCap": "100000000",
            "baseOpenInterest": "782.0931",
            "defaultFundingRate1H": self.pick(("0", "0.0000125", "-0.001")),
        }

    def oracle_price(self, market: Market) -> str:
        return decimal(market.mid * market.tick[0] * 100000 + self.below(10**7), market.tick[1] + 5)

    def markets_snapshot(self) -> dict[str, Any]:
        message = self.envelope("subscribed", "v4_markets")
        message["contents"] = {"markets": {m.ticker: self.market_object(m) for m in self.markets}}
        return message

    def trading(self) -> dict[str, Any]:
        """Changed fields of one or two markets; now and then a new grid or a market nobody knew."""
        changes: dict[str, Any] = {}
        for _ in range(1 + self.below(2)):
            market, draw = self.pick(self.markets), self.random.random()
            if draw < 0.05:
                market.tick = self.pick(((1, 0), (1, 1), (1, 2), (25, 2), (1, 9)))
                market.mid = 500
                changes[market.ticker] = {"id": "7", "tickSize": market.price(1), "stepSize": market.size(1)}
            elif draw < 0.09:
                fresh = Market(f"N{self.below(20)}-USD", 100, (1, 3), (1, 0), 5000)
                whole = self.market_object(fresh)
                del whole["oraclePrice"]
                keys = list(whole)
                changes[fresh.ticker] = {k: whole[k] for k in keys if self.random.random() < 0.8}
            else:
                whole = self.market_object(market)
                keys = (
                    "volume24H",
                    "trades24H",
                    "openInterest",
                    "priceChange24H",
                    "nextFundingRate",
                    "status",
                    "baseOpenInterest",
                )
                changes[market.ticker] = {k: whole[k] for k in keys if self.random.random() < 0.5}
        return {"trading": changes}

    def markets_trading(self) -> dict[str, Any]:
        return self.data("v4_markets", None, self.trading)

    def oracle(self) -> dict[str, Any]:
        return self.data("v4_markets", None, self.oracle_prices)

    def oracle_prices(self) -> dict[str, Any]:
        prices: dict[str, Any] = {}
        for _ in range(1 + self.below(3)):
            market = self.pick(self.markets)
            prices[market.ticker] = {
                "oraclePrice": self.oracle_price(market)
                if self.random.random() < 0.95
                else self.pick((None, "")),
                "effectiveAt": iso(self.ns),
                "effectiveAtHeight": str(self.height),
                "marketId": market.pair,
            }
        return {"oraclePrices": prices}

    def candle(self, market: Market, resolution: str, back: int = 0) -> dict[str, Any]:
        width = MINUTES[resolution] * 60 * 10**9
        start = max(0, (self.ns // width - back) * width)
        low, high = market.mid - self.below(5), market.mid + self.below(5)
        made = {
            "startedAt": iso(start),
            "ticker": market.ticker,
            "resolution": resolution,
            "low": market.price(low),
            "high": market.price(high),
            "open": market.price(low),
            "close": market.price(high),
            "baseTokenVolume": market.size(self.below(10**6)),
            "usdVolume": decimal(self.below(10**12), 6),
            "trades": self.below(3000),
            "startingOpenInterest": decimal(self.below(10**9), 4),
            "orderbookMidPriceOpen": market.price(low),
            "orderbookMidPriceClose": None,
        }
        if self.random.random() < 0.1:
            made[self.pick(("low", "high", "open", "close"))] = self.quotient(market, self.pick((14, 18, 20)))
        if self.random.random() < 0.2:
            del made["resolution"]
        return made

    def candles_snapshot(self) -> dict[str, Any]:
        market, resolution = self.pick(self.markets), self.pick(RESOLUTIONS)
        message = self.envelope("subscribed", "v4_candles", f"{market.ticker}/{resolution}")
        message["contents"] = {
            "candles": [self.candle(market, resolution, back) for back in range(self.below(6))]
        }
        return message

    def candle_update(self) -> dict[str, Any]:
        market, resolution = self.pick(self.markets), self.pick(RESOLUTIONS)
        return self.data(
            "v4_candles", f"{market.ticker}/{resolution}", lambda: self.candle(market, resolution)
        )

    def funding(self, market: Market) -> dict[str, Any]:
        """One row of historicalFunding."""
        return {
            "ticker": market.ticker,
            "rate": decimal(self.below(10**10) - 5 * 10**9, 14),
            "price": self.oracle_price(market),
            "effectiveAtHeight": str(self.height),
            "effectiveAt": iso(self.ns),
        }

    def block(self) -> dict[str, Any]:
        self.height += 1 if self.random.random() < 0.95 else -self.below(3)
        if self.random.random() < 0.3:
            message = self.envelope("subscribed", "v4_block_height", "v4_block_height")
            message["contents"] = {"height": str(self.height), "time": iso(self.ns)}
            return message
        return self.data(
            "v4_block_height",
            "v4_block_height",
            lambda: {"blockHeight": str(self.height), "time": iso(self.ns)},
        )

    def account(self) -> dict[str, Any]:
        channel = self.pick(("v4_subaccounts", "v4_parent_subaccounts"))
        contents: dict[str, Any] = {
            "orders": [
                {
                    "id": "fcd701e4-6d41-5faa-b8d2-b5a1decf294c",
                    "size": "77",
                    "postOnly": True,
                    "goodTilBlockTime": None,
                }
            ],
            "blockHeight": str(self.height),
        }
        if self.random.random() < 0.3:
            message = self.envelope("subscribed", channel, "dydx155va0m7wz5n8zcqscn9afswwt04n4usj46wvp5/0")
            message["contents"] = contents if self.random.random() < 0.8 else {}
        else:
            message = self.data(channel, "dydx155va0m7wz5n8zcqscn9afswwt04n4usj46wvp5/0", lambda: contents)
            if channel == "v4_parent_subaccounts":
                message["subaccountNumber"] = 128
        return message

    def control(self) -> dict[str, Any]:
        market, draw = self.pick(self.markets), self.below(6)
        if draw == 0:
            self.ids[self.connection] = -1
            return self.envelope("connected")
        if draw == 1:
            return self.envelope("pong")
        if draw == 2:
            return self.envelope("unsubscribed", self.pick(("v4_orderbook", "v4_trades")), market.ticker)
        if draw == 3:
            return self.envelope("unsubscribed", "v4_markets")
        head = self.envelope("error")
        message = {"type": "error", "message": self.pick(("Internal error", 'Invalid channel: "x"'))} | head
        if draw == 5:
            message |= {
                "channel": self.pick(("v4_candles", "v4_orderbook", "v4_none")),
                "id": self.pick((market.ticker, "FOO-USD")),
            }
        return message

    def strange(self) -> dict[str, Any]:
        """Types, channels and markets that nobody knows."""
        draw = self.below(4)
        if draw == 0:
            return self.envelope("telegram") | {"contents": [1, {"a": None}]}
        if draw == 1:
            return self.envelope("channel_data", "v5_orderbook", "BTC-USD") | {
                "contents": {"bids": [["1", "1"]]}
            }
        if draw == 2:
            return self.envelope("channel_data", "v4_orderbook", "NONE-USD") | {
                "contents": {"bids": [["1", "1"]]}
            }
        return self.envelope("subscribed", "v4_orderbook", "NONE-USD") | {
            "contents": {"bids": [{"price": "1", "size": "2"}], "asks": []}
        }


ESCAPED = {"/": "\\/", '"': '\\"', "\\": "\\\\"}


def loose(value: Any, random: random.Random) -> str:
    """The same message as another server might write it: keys shuffled, blanks, unknown keys, escapes."""
    blank = BLANKS[int(random.random() * len(BLANKS))]
    if isinstance(value, dict):
        items = [quoted(k, random) + blank + ":" + blank + loose(v, random) for k, v in value.items()]
        if random.random() < 0.5:
            items.append(UNKNOWN[int(random.random() * len(UNKNOWN))])
        if random.random() < 0.7:
            random.shuffle(items)
        return "{" + blank + (blank + ",").join(items) + blank + "}"
    if isinstance(value, list | tuple):
        return "[" + blank + ("," + blank).join([loose(v, random) for v in value]) + blank + "]"
    return quoted(value, random) if isinstance(value, str) else compact(value)


BLANKS = ("", " ", " ", "  ", "\n", "\t", "\r\n ")
UNKNOWN = (
    '"x_unknown" : {"a": [1, "b\\"", null, true]}',
    '"offset":"12"',
    '"naïve" : "価格"',
    '"":-1.5e+10',
    '"x":[[],{},[[1]]]',
)


def quoted(text: str, random: random.Random) -> str:
    """A JSON string; one in thirty has a character written as an escape."""
    if not text or random.random() > 0.033:
        return compact(text)
    at = int(random.random() * len(text))
    code = f"{ord(text[at]):04x}" if random.random() < 0.5 else f"{ord(text[at]):04X}"
    return compact(text[:at])[:-1] + "\\u" + code + compact(text[at + 1 :])[1:]
