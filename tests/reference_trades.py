"""The naive twin of the trades kernel: a set of id texts and exact sums a market."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

DUPLICATE = 2


def exact(value: int, decimals: int) -> Fraction:
    """The number that `value` with so many decimals stands for."""
    return Fraction(value, 10**decimals)


@dataclass
class Tally:
    """One market: distinct trades, the price of the one that arrived last, coins bought and sold."""

    seen: set[str] = field(default_factory=set)
    count: int = 0
    duplicates: int = 0
    last_price: Fraction | None = None
    volume: list[Fraction] = field(default_factory=lambda: [Fraction(0), Fraction(0)])


class TradesTwin:
    """`apply` takes rows of a tick in order; TRADE rows of an id seen before get the flag DUPLICATE."""

    def __init__(self) -> None:
        self.markets: dict[int, Tally] = {}

    def apply(self, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            if row["kind"] != "TRADE":
                continue
            tally = self.markets.setdefault(row["market"], Tally())
            text = row["trade"]["id"]
            if text in tally.seen:
                row["flags"] |= DUPLICATE
                tally.duplicates += 1
                continue
            tally.seen.add(text)
            tally.count += 1
            tally.last_price = exact(row["price"], row["flags"] >> 24)
            tally.volume[row["side"]] += exact(row["size"], row["flags"] >> 16 & 0xFF)
