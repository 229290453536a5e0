"""What stands under `contents` of each channel, for the decoder twin: levels, trades, candles, blocks.

A Reader collects: `rows`, `reasons` to refuse, staged changes of markets and blocks, counts. Nothing outside
it
changes before the whole message was read.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from tests.reference_json import Members, Number
from tests.reference_values import (
    Decimal,
    decimal,
    fits,
    id_height,
    multiple,
    stripped,
    time_ns,
)

if TYPE_CHECKING:
    from tests.reference_decode import DecoderTwin

INT64_MAX = 2**63 - 1
TEXT_MAX = 256
SNAPSHOT, OFF_TICK, DOUBT, INEXACT, FROM_REST = 1, 8, 16, 1024, 2048
TRADE_TYPES = {"LIMIT": 0, "LIQUIDATED": 32, "DELEVERAGED": 64}
OTHER_TYPE = 128
RESOLUTIONS = ("1MIN", "5MINS", "15MINS", "30MINS", "1HOUR", "4HOURS", "1DAY")
NO_MARKET = 0xFFFF
ZERO = {
    "kind": "",
    "venue_ns": 0,
    "price": 0,
    "size": 0,
    "ref": 0,
    "flags": 0,
    "market": NO_MARKET,
    "side": 0,
    "bid": 0,
    "ask": 0,
}
LEVEL = frozenset(("price", "size"))
TRADE = frozenset(("id", "side", "size", "price", "type", "createdAt", "createdAtHeight"))
CANDLE_NUMBERS = ("open", "high", "low", "close", "baseTokenVolume", "usdVolume", "startingOpenInterest")
CANDLE = frozenset((*CANDLE_NUMBERS, "startedAt", "trades"))


def make_row(kind: str, **fields: Any) -> dict[str, Any]:
    """A row with every field that was not named 0."""
    return ZERO | {"kind": kind} | fields


class Reader:
    """Collects what one message says. `fail` notes a reason and goes on with nothing."""

    def __init__(self, twin: DecoderTwin, document: Any, connection: int) -> None:
        self.twin, self.document, self.connection = twin, document, connection
        self.reasons: set[str] = set()
        self.rows: list[dict[str, Any]] = []
        self.staged: dict[str, dict[str, Any]] = {}
        self.blocks: dict[int, tuple[int, int]] = {}
        self.counts: Counter[str] = Counter()
        self.levels = 0
        self.snapshot = False
        self.flags = 0

    def fail(self, *reasons: str) -> None:
        """Refuse the message for one of these reasons."""
        self.reasons.update(reasons)

    def row(self, kind: str, **fields: Any) -> None:
        """One more row."""
        self.rows.append(make_row(kind, **fields))

    def take(self, members: Members, known: frozenset[str] | None) -> dict[str, Any]:
        """The known keys of an object (None: all of them are), each of which may come once."""
        found: dict[str, Any] = {}
        for key, value in members:
            if known is None or key in known:
                if key in found:
                    self.fail("DUPLICATE_KEY")
                found[key] = value
        return found

    def text(self, value: Any) -> str | None:
        """A JSON string that is used, so ASCII."""
        if type(value) is not str:
            return self.fail("BAD_VALUE")
        if self.document.foreign(value):
            return self.fail("NON_ASCII")
        return value if value.isascii() and len(value) <= TEXT_MAX else self.fail("BAD_VALUE")

    def number(self, value: Any) -> Decimal | None:
        """A price or a size: a plain decimal in a JSON string."""
        text = self.text(value)
        found = None if text is None else decimal(text)
        if text is not None and (found is None or not fits(found)):
            return self.fail("BAD_VALUE")
        return found

    def quotient(self, value: Any, tick: int) -> tuple[Decimal | None, int]:
        """A price that a division may have made. One too long to hold loses its digits behind those of the tick."""
        text = self.text(value)
        found = None if text is None else decimal(text)
        if text is not None and (found is None or not plausible(found)):
            return self.fail("BAD_VALUE"), 0
        if found is None or fits(found):
            return found, 0
        number, decimals = stripped(found)
        places = min(decimals, 18, tick)
        while number // 10 ** (decimals - places) >= 10**18:
            places -= 1
        return (number // 10 ** (decimals - places), places), INEXACT

    def statistic(self, value: Any) -> Decimal | None:
        """Any number, as a string or bare, signed, however long; None where it is absent (null or empty)."""
        if value is None or (value == "" and type(value) is str):
            return None
        text = value if type(value) is Number else self.text(value)
        found = None if text is None else decimal(text, signed=True)
        if text is not None and (found is None or not plausible(found)):
            return self.fail("BAD_VALUE")
        return found

    def whole(self, value: Any) -> int | None:
        """Any whole number, as a string or bare; None where it is absent (null or empty)."""
        found = self.statistic(value)
        if found is None:
            return None
        number, decimals = stripped(found)
        return number if decimals == 0 and fits(found) else self.fail("BAD_VALUE")

    def needed(self, members: dict[str, Any], keys: frozenset[str] | set[str]) -> bool:
        """Whether all keys are there."""
        if keys <= members.keys():
            return True
        self.fail("MISSING_KEY")
        return False

    def time(self, value: Any) -> int:
        """Nanoseconds since 1970."""
        text = self.text(value)
        found = None if text is None else time_ns(text)
        if text is not None and found is None:
            self.fail("BAD_VALUE")
        return found or 0

    def height(self, value: Any) -> int | None:
        """A block height or a count: a whole number that is not negative; None where it is absent."""
        found = self.whole(value)
        return self.fail("BAD_VALUE") if found is not None and found < 0 else found

    def scaled(self, number: Decimal | None, least: int) -> Decimal | None:
        """A decimal without needless zeros but with at least so many decimals."""
        if number is None:
            return None
        number = stripped(number, least)
        return number if abs(number[0]) <= INT64_MAX else self.fail("BAD_VALUE")


def plausible(value: Decimal) -> bool:
    """A statistic may have any digits behind the point, but its whole part fits and it is not absurdly
    small."""
    number, decimals = stripped(value)
    while abs(number) >= 10**18 and decimals:
        number, decimals = (
            int(number / 10) if abs(number) < 10 else -(-number // 10) if number < 0 else number // 10,
            decimals - 1,
        )
    return abs(number) < 10**18 and decimals <= 60


class Contents(Reader):
    """The channels, but for v4_markets."""

    def book(self, element: Members, market: dict[str, Any]) -> None:
        """The sides of one object, in text order."""
        flags = self.flags | (SNAPSHOT if self.snapshot else 0)
        head = len(self.rows)
        for key, side in self.take(element, frozenset(("bids", "asks"))).items():
            if type(side) is not list:
                self.fail("BAD_VALUE")
                continue
            for level in side:
                self.level(level, 0 if key == "bids" else 1, market, flags)
        if self.snapshot:
            self.row(
                "BOOK", market=market["index"], size=len(self.rows) - head, ref=self.connection, flags=flags
            )
            self.rows.insert(head, self.rows.pop())

    def level(self, level: Any, side: int, market: dict[str, Any], flags: int) -> None:
        """One level of either shape."""
        if isinstance(level, Members):
            members = self.take(level, LEVEL)
            if not self.needed(members, LEVEL):
                return
            price_text, size_text = members["price"], members["size"]
        elif type(level) is list and len(level) == 2:
            price_text, size_text = level
        else:
            return self.fail("BAD_VALUE")
        price, size = self.number(price_text), self.number(size_text)
        if price is None or size is None:
            return
        tick, step = market["num"]["tickSize"], market["num"]["stepSize"]
        ticks, steps = multiple(price, tick), multiple(size, step)
        if ticks is None or steps is None:
            return self.fail("OFF_GRID")
        if ticks == 0 or ticks * tick[0] > INT64_MAX or steps * step[0] > INT64_MAX:
            return self.fail("BAD_VALUE")
        self.row(
            "LEVEL",
            side=side,
            price=ticks,
            size=steps,
            market=market["index"],
            flags=flags,
            ref=self.connection,
        )

    def listed(self, element: Members, key: str) -> list[Members]:
        """The objects listed under `key`, oldest first in a snapshot."""
        found = self.take(element, frozenset((key,)))
        if not self.needed(found, {key}):
            return []
        if type(found[key]) is not list or not all(isinstance(e, Members) for e in found[key]):
            self.fail("BAD_VALUE")
            return []
        return found[key][::-1] if self.snapshot else found[key]

    def trades(self, element: Members, market: dict[str, Any]) -> None:
        """Trades of one object; snapshots are written newest first."""
        for item in self.listed(element, "trades"):
            members = self.take(item, TRADE)
            if self.needed(members, TRADE - {"type", "createdAtHeight"}):
                self.trade(members, market)

    def trade(self, members: dict[str, Any], market: dict[str, Any]) -> None:
        """One trade."""
        tick, step = (stripped(market["num"][key]) for key in ("tickSize", "stepSize"))
        name, side, created = (
            self.text(members["id"]),
            self.text(members["side"]),
            self.time(members["createdAt"]),
        )
        whole, inexact = self.quotient(members["price"], tick[1])
        price, size = self.scaled(whole, tick[1]), self.scaled(self.number(members["size"]), step[1])
        flags = self.flags | (SNAPSHOT if self.snapshot else 0) | inexact
        if "type" in members:
            kind = self.text(members["type"])
            flags |= TRADE_TYPES.get(kind or "", OTHER_TYPE)
        if name == "" or (side is not None and side not in ("BUY", "SELL")):
            self.fail("BAD_VALUE")
        height = self.height(members.get("createdAtHeight")) or id_height(name or "")
        if price is None or size is None or name is None:
            return
        if price[0] == 0 or size[0] == 0:
            self.fail("BAD_VALUE")
        if multiple(price, tick) is None:
            flags |= OFF_TICK
        oracle = market["num"].get("oraclePrice")
        # a snapshot may reach back for days, so its prices are not held against today's oracle
        if not self.snapshot and oracle is not None and far(price, oracle):
            flags |= DOUBT
            self.counts["trade_far"] += 1
        flags |= price[1] << 24 | size[1] << 16
        self.row(
            "TRADE",
            side=int(side == "SELL"),
            price=price[0],
            size=size[0],
            venue_ns=created,
            market=market["index"],
            flags=flags,
            trade={"id": name, "height": height},
        )

    def candles(self, element: Members, market: dict[str, Any], resolution: int) -> None:
        """A list of candles in a snapshot, one bare candle in an update."""
        for item in self.listed(element, "candles") if self.snapshot else [element]:
            members = self.take(item, CANDLE)
            if self.needed(members, CANDLE - {"startingOpenInterest"}):
                self.candle(members, market, resolution)

    def candle(self, members: dict[str, Any], market: dict[str, Any], resolution: int) -> None:
        """One candle. Ticker and resolution are those of the envelope's id."""
        tick = stripped(market["num"]["tickSize"])[1]
        prices = {key: self.quotient(members[key], tick) for key in CANDLE_NUMBERS[:4]}
        values = {key: value for key, (value, _) in prices.items()}
        inexact = max(flag for _, flag in prices.values())
        values["baseTokenVolume"] = self.number(members["baseTokenVolume"])
        values["usdVolume"] = self.statistic(members["usdVolume"])
        started, trades = self.time(members["startedAt"]), self.height(members["trades"])
        if trades is None or None in values.values():
            return self.fail("BAD_VALUE") if not self.reasons else None
        values["startingOpenInterest"] = self.statistic(members.get("startingOpenInterest")) or (0, 0)
        self.counts["candles"] += 1
        self.row(
            "CANDLE",
            side=resolution,
            price=values["close"],
            size=values["baseTokenVolume"],
            venue_ns=started,
            market=market["index"],
            flags=self.flags | (SNAPSHOT if self.snapshot else 0) | inexact,
            candle=values | {"startedAt": started, "trades": trades, "resolution": resolution},
        )
        return None

    def block(self, element: Members) -> None:
        """A block height: `height` in snapshots, `blockHeight` in updates."""
        members = self.take(element, frozenset(("height", "blockHeight", "time")))
        keys = [key for key in ("height", "blockHeight") if key in members]
        if len(keys) == 2:
            return self.fail("DUPLICATE_KEY")
        if not keys or not self.needed(members, {"time"}):
            return self.fail("MISSING_KEY")
        height, ns = self.height(members[keys[0]]), self.time(members["time"])
        if height is None:
            return self.fail("BAD_VALUE") if not self.reasons else None
        last = self.blocks.get(self.connection, self.twin.blocks.get(self.connection, (0, 0)))
        lower = height < last[0]
        earlier = not lower and last[0] > 0 and ns < last[1]
        flags = self.flags | (SNAPSHOT if self.snapshot else 0) | (DOUBT if lower or earlier else 0)
        self.counts["height_back"] += lower
        self.counts["time_back"] += earlier
        self.counts["blocks"] += 1
        self.blocks[self.connection] = height, ns
        self.row("BLOCK", price=height, venue_ns=ns, ref=self.connection, flags=flags)
        return None


def far(price: Decimal, oracle: Decimal) -> bool:
    """More than a quarter above, or a fifth below."""
    mine, theirs = price[0] * 10 ** oracle[1], oracle[0] * 10 ** price[1]
    return mine * 4 > theirs * 5 or mine * 5 < theirs * 4
