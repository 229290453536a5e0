"""How others would do it: books and trades in Python, with the standard library or the fastest libraries.

Each keeps what our kernels keep at the least: raw books, the best bid and ask after every frame, distinct
trades, their volumes. None of them validates, keeps an uncrossed view or a digest, or could be replayed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import msgspec
import orjson
from sortedcontainers import SortedDict

Summary = dict[str, dict[str, Any]]
"""{ticker: {"bids": [(price, size)..] best first, "asks": .., "trades": (count, last, buy, sell)}}"""


class Tally:
    """Distinct trades of one market."""

    def __init__(self, zero: Any) -> None:
        self.ids: set[str] = set()
        self.last = zero
        self.volumes = [zero, zero]

    def add(self, trade: dict[str, Any], number: Callable[[str], Any]) -> None:
        if trade["id"] in self.ids:
            return
        self.ids.add(trade["id"])
        self.last = number(trade["price"])
        self.volumes[trade["side"] != "BUY"] += number(trade["size"])


class Naive:
    """json, Decimal, two dicts a market; the best prices by max and min."""

    number: Callable[[str], Any] = Decimal

    def __init__(self) -> None:
        self.books: dict[str, tuple[Any, Any]] = {}
        self.tallies: dict[str, Tally] = {}
        self.best: dict[str, tuple[Any, Any]] = {}

    def parse(self, frame: bytes) -> Any:
        return json.loads(frame)

    def sides(self) -> tuple[Any, Any]:
        return {}, {}

    def touch(self, bids: Any, asks: Any) -> tuple[Any, Any]:
        return max(bids), min(asks)

    def run(self, frames: Iterable[bytes]) -> None:
        """Apply all frames."""
        number = self.number
        for frame in frames:
            message = self.parse(frame)
            channel = message["channel"]
            if channel == "v4_trades":
                tally = self.tallies.get(message["id"])
                if tally is None:
                    tally = self.tallies[message["id"]] = Tally(number("0"))
                for trade in message["contents"]["trades"]:
                    tally.add(trade, number)
                continue
            if channel != "v4_orderbook":
                continue
            if message["type"] == "subscribed":
                bids, asks = self.books[message["id"]] = self.sides()
                for side, name in ((bids, "bids"), (asks, "asks")):
                    for level in message["contents"][name]:
                        side[number(level["price"])] = number(level["size"])
            else:
                bids, asks = self.books[message["id"]]
                for entry in message["contents"]:
                    for name, levels in entry.items():
                        side = bids if name == "bids" else asks
                        for price, size in levels:
                            amount = number(size)
                            if amount:
                                side[number(price)] = amount
                            else:
                                side.pop(number(price), None)
            if bids and asks:
                self.best[message["id"]] = self.touch(bids, asks)

    def summary(self, decimals: dict[str, tuple[int, int]]) -> Summary:
        """The state in whole numbers of 10 ** -decimals (price, size)."""
        out: Summary = {}
        for ticker, (bids, asks) in self.books.items():
            p, s = decimals[ticker]
            tally = self.tallies.get(ticker) or Tally(self.number("0"))
            out[ticker] = {
                "bids": sorted(((whole(k, p), whole(v, s)) for k, v in bids.items()), reverse=True),
                "asks": sorted((whole(k, p), whole(v, s)) for k, v in asks.items()),
                "trades": (len(tally.ids), whole(tally.last, p), *(whole(v, s) for v in tally.volumes)),
            }
        return out


def whole(value: Any, decimals: int) -> int:
    """value * 10 ** decimals, rounded: floats are only nearly right."""
    shifted: int = round(value * 10**decimals)
    return shifted


class Sorted(Naive):
    """The fastest pieces there are in Python: orjson, floats, sortedcontainers."""

    number = float

    def parse(self, frame: bytes) -> Any:
        return orjson.loads(frame)

    def sides(self) -> tuple[Any, Any]:
        return SortedDict(), SortedDict()

    def touch(self, bids: Any, asks: Any) -> tuple[Any, Any]:
        return bids.peekitem(-1)[0], asks.peekitem(0)[0]


class SortedMsgspec(Sorted):
    """The same with msgspec."""

    decode = msgspec.json.Decoder().decode

    def parse(self, frame: bytes) -> Any:
        return self.decode(frame)
