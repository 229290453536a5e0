"""Risk told naively, from the protocol's text: fractions, whole numbers of any size, every combination tried.

An account here is {market: size in BQ} and USDC in QQ; a market is the dict of strings that the Indexer sends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product
from math import ceil, floor, trunc
from typing import Any, NamedTuple

M = 10**6


class Open(NamedTuple):
    """An order that may fill in full or not at all."""

    market: int
    side: int
    steps: int
    ticks: int
    fee_ppm: int


def of(market: Mapping[str, Any], name: str) -> Fraction:
    return Fraction(str(market[name]))


def value(market: Mapping[str, Any], size: int, move_ppm: int = 0) -> int:
    """Notional in QQ, toward zero, with the oracle price moved."""
    coins = Fraction(size) * Fraction(10) ** int(market["atomicResolution"])
    return trunc(coins * of(market, "oraclePrice") * M * Fraction(M + move_ppm, M))


def required(market: Mapping[str, Any], size: int, move_ppm: int = 0) -> tuple[int, int]:
    """(initial, maintenance) margin without open-interest scaling."""
    notional = abs(value(market, size, move_ppm))
    base = of(market, "initialMarginFraction")
    fraction = floor(of(market, "maintenanceMarginFraction") / base * M)
    initial = ceil(notional * base)
    return initial, ceil(Fraction(initial * fraction, M))


def quote(market: Mapping[str, Any], steps: int, ticks: int) -> Fraction:
    """USD x 10^6 of a fill."""
    return steps * of(market, "stepSize") * ticks * of(market, "tickSize") * M


def totals(
    markets: Sequence[Mapping[str, Any]],
    usdc: int,
    held: Mapping[int, int],
    fills: Sequence[Open],
    moves: Mapping[int, int] | None = None,
) -> tuple[int, int, int]:
    """(net, initial, maintenance) after these fills, then these moves."""
    sizes, moves = dict(held), moves or {}
    for fill in fills:
        market = markets[fill.market]
        paid = quote(market, fill.steps, fill.ticks)
        fee = ceil(paid * fill.fee_ppm / M)
        sign = -1 if fill.side else 1
        usdc -= ceil(sign * paid) + fee
        sizes[fill.market] = sizes.get(fill.market, 0) + sign * fill.steps * int(market["stepBaseQuantums"])
    net = usdc
    initial = maintenance = 0
    for index, size in sizes.items():
        net += value(markets[index], size, moves.get(index, 0))
        im, mm = required(markets[index], size, moves.get(index, 0))
        initial, maintenance = initial + im, maintenance + mm
    return net, initial, maintenance


def subsets(orders: Sequence[Open]) -> list[list[Open]]:
    """Every set of orders that may fill."""
    return [
        [order for order, there in zip(orders, mask, strict=True) if there]
        for mask in product((False, True), repeat=len(orders))
    ]


def worth(market: Mapping[str, Any], steps: int) -> Fraction:
    """QQ of so many steps at the oracle price."""
    return steps * of(market, "stepSize") * of(market, "oraclePrice") * M
