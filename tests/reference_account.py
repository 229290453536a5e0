"""The account once more, slowly: json, fractions and dicts, written from the protocol and not from `sniper`.

`Twin` takes WebSocket messages as parsed JSON and keeps what the venue says; `Cash` keeps a heap of events and
works everything out anew whenever it is asked.
"""

from __future__ import annotations

from fractions import Fraction
from math import floor
from typing import Any

ENDED = ("FILLED", "CANCELED")


class Twin:
    """What the venue says of one subaccount and its children (websocket.md 6.6 and 6.7)."""

    def __init__(self, parent: int) -> None:
        self.parent = parent
        self.usdc: dict[int, Fraction] = {}
        self.sizes: dict[tuple[int, str], Fraction] = {}
        self.fills: dict[str, dict[str, Any]] = {}
        self.orders: dict[str, dict[str, Any]] = {}
        self._money_height: dict[int, int] = {}
        self._size_height: dict[tuple[int, str], int] = {}
        self._order_height: dict[str, int] = {}
        self._snapshot_height: dict[int, int] = {}

    def message(self, message: dict[str, Any]) -> None:
        number = message.get("subaccountNumber", int(message["id"].split("/")[1]))
        contents = message["contents"]
        if message["type"] == "subscribed":
            self._snapshot(contents, number)
            return
        for part in contents if isinstance(contents, list) else [contents]:
            height = int(part.get("blockHeight", 0))
            for item in part.get("perpetualPositions", []):
                key = item.get("subaccountNumber", number), item["market"]
                if height >= self._size_height.get(key, 0):
                    self._size_height[key] = height
                    self.sizes[key] = _signed(item)
            for item in part.get("assetPositions", []):
                owner = item.get("subaccountNumber", number)
                if height >= self._money_height.get(owner, 0):
                    self._money_height[owner] = height
                    self.usdc[owner] = _signed(item)
            for item in part.get("orders", []):
                self._order(item, height)
            for item in part.get("fills", []):
                if int(item["createdAtHeight"]) > self._snapshot_height[number]:
                    self.fills.setdefault(item["id"], item | {"subaccount": number})

    def _snapshot(self, contents: dict[str, Any], number: int) -> None:
        whole = contents["subaccount"]
        height = int(whole["latestProcessedBlockHeight"])
        self._snapshot_height.setdefault(number, height)
        for key, size in list(self.sizes.items()):
            if key[0] == number and size and key[1] not in whole["openPerpetualPositions"]:
                self._put(key, Fraction(0), height)
        for ticker, item in whole["openPerpetualPositions"].items():
            self._put((number, ticker), _signed(item), height)
        if height >= self._money_height.get(number, 0):
            self._money_height[number] = height
            usdc = whole["assetPositions"].get("USDC")
            self.usdc[number] = _signed(usdc) if usdc else Fraction(0)
        for item in contents["orders"]:
            self._order(item, height)

    def _put(self, key: tuple[int, str], size: Fraction, height: int) -> None:
        if height >= self._size_height.get(key, 0):
            self._size_height[key] = height
            self.sizes[key] = size

    def _order(self, item: dict[str, Any], height: int) -> None:
        held = self.orders.get(item["id"])
        chain = not item["status"].startswith("BEST_EFFORT")
        at = int(item.get("updatedAtHeight", height)) if chain else 0
        before = self._order_height.get(item["id"], 0)
        if held is not None:
            if not chain and held["status"] in ENDED:
                return
            if chain and at and at < before:
                return
            if chain and held["status"] in ENDED and item["status"] not in ENDED and at <= before:
                return
        merged = (held or {}) | {key: value for key, value in item.items() if value is not None}
        merged["removalReason"] = item.get("removalReason")
        filled = [Fraction(o["totalFilled"]) for o in (held, item) if o and o.get("totalFilled") is not None]
        if filled:
            merged["totalFilled"] = str(max(filled))
        self.orders[item["id"]] = merged
        self._order_height[item["id"]] = max(at, before)


class Cash:
    """Books of one subaccount: a list of ("fill", market, signed size, quote, fee), ("funding", market, change) and
    ("transfer", quote) in their order, all integers; positions are in BQ, money in QQ."""

    def __init__(self, usdc: int) -> None:
        self.usdc = usdc
        self.events: list[tuple[Any, ...]] = []

    def sizes(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for event in self.events:
            if event[0] == "fill":
                found[event[1]] = found.get(event[1], 0) + event[2]
        return found

    def cash(self) -> int:
        """USDC with what is unsettled: any fill or transfer settles, rounding the sum of all positions down."""
        cash, due, sizes = self.usdc, Fraction(0), dict[str, int]()
        for kind, *rest in self.events:
            if kind == "funding":
                market, change = rest
                due -= Fraction(change * sizes.get(market, 0), 10**6)
                continue
            cash, due = cash + floor(due), Fraction(0)
            if kind == "transfer":
                cash += rest[0]
            else:
                market, size, quote, fee = rest
                cash += (quote if size < 0 else -quote) - fee
                sizes[market] = sizes.get(market, 0) + size
        return cash + floor(due)

    def equity(self, prices: dict[str, Fraction]) -> int:
        """Cash and the value of each position, cut off towards zero."""
        total = self.cash()
        for market, size in self.sizes().items():
            total += int(size * prices[market])
        return total

    def transferred(self) -> int:
        return sum(event[1] for event in self.events if event[0] == "transfer")

    def fees(self) -> int:
        return sum(event[4] for event in self.events if event[0] == "fill")

    def realised(self) -> Fraction:
        """By average entry price, without any rounding."""
        held: dict[str, tuple[int, Fraction]] = {}
        gained = Fraction(0)
        for event in self.events:
            if event[0] != "fill":
                continue
            _, market, change, quote, _ = event
            size, entry = held.get(market, (0, Fraction(0)))  # entry: mean price
            price = Fraction(quote, abs(change))
            if size * change >= 0:
                entry = (abs(size) * entry + quote) / (abs(size) + abs(change))
            else:
                closing = min(abs(size), abs(change))
                gained += closing * (price - entry) * (1 if size > 0 else -1)
                if abs(change) > abs(size):
                    entry = price
            held[market] = size + change, entry
        return gained


def _signed(item: dict[str, Any]) -> Fraction:
    size = abs(Fraction(item["size"]))
    return -size if item["side"] == "SHORT" else size
