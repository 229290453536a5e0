"""The books of all parties, kept again from what an account message says and what the documents say of it.

Written from margin.md 1, 3 and 6, funding.md 3 and orders.md 8, with fractions and decimals, knowing nothing of the
venue's ledger. `fill` and `hour` are told in the order of the chain; `messages` reads a whole session.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Any

USDC = 10**6


def exactly(text: str) -> Fraction:
    return Fraction(Decimal(text))


def toward_zero(value: Fraction) -> int:
    return floor(value) if value >= 0 else ceil(value)


class Books:
    """USDC in QQ and positions in coins of five parties. atomic: of each ticker. taker, maker: fees in ppm."""

    def __init__(self, usdc: int, insurance: int, atomic: dict[str, int], taker: int, maker: int) -> None:
        self.usdc = {"account": usdc, "market": 0, "fees": 0, "insurance": insurance, "dust": 0}
        self.coins: dict[str, Fraction] = {}
        self.since: dict[str, int] = {}
        self.index: dict[str, int] = {}
        self.atomic, self.ppm = atomic, {"TAKER": taker, "MAKER": maker}

    def hour(self, ticker: str, rate: str, oracle: str) -> None:
        """An hour's funding: the index in QQ of 10^-6 a base quantum."""
        ppm = exactly(rate) * 8 * 10**6
        whole = floor(abs(ppm) + Fraction(1, 2))
        step = toward_zero(
            3600
            * (whole if ppm >= 0 else -whole)
            * exactly(oracle)
            * Fraction(10) ** (6 + self.atomic[ticker])
        )
        self.index[ticker] = self.index.get(ticker, 0) + toward_zero(Fraction(step, 28_800))

    def settle(self) -> None:
        """Every touch settles all positions: ours and the other side's, each rounded down."""
        due = Fraction(0)
        for ticker, coins in self.coins.items():
            quantums = coins / Fraction(10) ** self.atomic[ticker]
            due -= (self.index.get(ticker, 0) - self.since.get(ticker, 0)) * quantums
        ours, theirs = floor(due / 10**6), floor(-due / 10**6)
        self.usdc["account"] += ours
        self.usdc["market"] += theirs
        self.usdc["dust"] -= ours + theirs
        self.since = dict(self.index)

    def fill(self, item: dict[str, Any]) -> None:
        """One item of `fills`."""
        self.settle()
        ticker, coins = item["ticker"], exactly(item["size"])
        value = coins * exactly(item["price"]) * USDC
        quote = toward_zero(exactly(item["quoteAmount"]) * USDC)
        assert abs(value - quote) < 1, "the value is size x price"
        sign = 1 if item["side"] == "BUY" else -1
        fee = int(exactly(item["fee"]) * USDC)
        taker = "insurance" if item["type"] in ("LIQUIDATED", "DELEVERAGED") else "fees"
        if item["type"] == "LIMIT":
            assert fee == ceil(Fraction(quote * self.ppm[item["liquidity"]], USDC)), (
                "ppm of the value, rounded up"
            )
        if item["type"] == "DELEVERAGED":
            assert fee == 0
        self.coins[ticker] = self.coins.get(ticker, Fraction(0)) + sign * coins
        self.usdc["account"] -= sign * quote + fee
        self.usdc["market"] += sign * quote
        self.usdc[taker] += fee

    def check(self, contents: dict[str, Any]) -> None:
        """A message with fills says what the account is after them."""
        for asset in contents.get("assetPositions", ()):
            sign = 1 if asset["side"] == "LONG" else -1
            assert sign * exactly(asset["size"]) * USDC == self.usdc["account"]
        for position in contents.get("perpetualPositions", ()):
            held = self.coins.get(position["market"], Fraction(0))
            assert exactly(position["size"]) == (held if position["status"] == "OPEN" else 0)
            if position["status"] == "OPEN":
                assert (position["side"] == "LONG") == (held > 0)

    def messages(self, news: Sequence[dict[str, Any]], hours: dict[int, list[tuple[str, str, str]]]) -> None:
        """All account messages in their order; hours: by the height whose end charged funding."""
        charged: set[int] = set()
        for contents in news:
            fills = contents.get("fills", ())
            if fills:
                height = int(contents["blockHeight"])
                for at in sorted(hours):
                    if at < height and at not in charged:
                        self.charge(hours[at])
                        charged.add(at)
            for item in fills:
                self.fill(item)
            self.check(contents)
        for at in sorted(hours):
            if at not in charged:
                self.charge(hours[at])

    def charge(self, markets: list[tuple[str, str, str]]) -> None:
        for ticker, rate, oracle in markets:
            self.hour(ticker, rate, oracle)
