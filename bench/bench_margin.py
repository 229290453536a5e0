"""margin: one account with its liquidation prices, the acceptance test, and 10,000 scenarios at once."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from random import Random
from typing import Any

import numpy as np
import pytest

from bench.contest import Case, Contender, play
from sniper._ext.liquidation import Liquidation
from sniper._ext.tape import FIELD_NAMES, MARKET_DTYPE, Tape

ROUNDS, FEW, SCENARIOS = 2_000, 20, 10_000
BASE_PPM, FRACTION_PPM, ATOMIC = 50_000, 600_000, -8
FIELDS = {"oraclePrice": None, "initialMarginFraction": (5, 2), "maintenanceMarginFraction": (3, 2)}
WHOLES = {
    "atomicResolution": ATOMIC,
    "quantumConversionExponent": -9,
    "stepBaseQuantums": 10**6,
    "subticksPerTick": 10**5,
}


@cache
def book(positions: int) -> tuple[list[int], list[int]]:
    """(prices in 10 ** -5 USD, signed sizes in base quantums), each position worth 10 to 10,000 USD."""
    random = Random(positions)
    prices = [random.randrange(10_000, 10**9) for _ in range(positions)]
    sizes = [int(10 ** random.uniform(1, 4) * 10**13 / p) * random.choice((1, -1)) for p in prices]
    return prices, sizes


@cache
def kernel(positions: int) -> Liquidation:
    """An account with so many positions, each in a market of its own."""
    prices, sizes = book(positions)
    table = np.zeros(positions, MARKET_DTYPE)
    for name, value in FIELDS.items():
        field = FIELD_NAMES.index(name)
        table["num"][:, field], table["dec"][:, field] = value or (prices, 5)
        table["known"] |= 1 << field
    for name, whole in WHOLES.items():
        field = FIELD_NAMES.index(name)
        table["whole"][:, field - FIELD_NAMES.index("clobPairId")] = whole
        table["known"] |= 1 << field
    made = Liquidation(Tape(1024, 1), table, 200, 1)
    for market, size in enumerate(sizes):
        made.set_position(0, market, size)
    made.set_usdc(0, 10**11)
    made.update()
    assert made.account(0)[-1]
    return made


def ours(set_usdc: Any, update: Any) -> None:
    for usdc in range(10**11, 10**11 + ROUNDS):
        set_usdc(0, usdc)
        update()


def decimals(prices: list[Decimal], sizes: list[Decimal], markets: range) -> None:
    """Margin and liquidation prices as one would write them with Decimal; the chain's roundings left out."""
    imf, mmf, one = Decimal("0.05"), Decimal("0.03"), Decimal(1)
    for usdc in range(FEW):
        worths = [p * s for p, s in zip(prices, sizes, strict=True)]
        net = usdc + sum(worths)
        maintenance = sum(abs(w) for w in worths) * mmf
        _ = net / (sum(abs(w) for w in worths) * imf), maintenance / net
        for m in markets:
            size = abs(sizes[m])
            others = maintenance - abs(worths[m]) * mmf
            sign = one if sizes[m] > 0 else -one
            _ = (net - worths[m] - others) / (size * mmf - sign * size)


def floats(prices: Any, sizes: Any) -> None:
    """The same with arrays of floats."""
    for usdc in range(FEW):
        worths = prices * sizes
        gross = np.abs(worths)
        net, maintenance = usdc + worths.sum(), gross.sum() * 0.03
        _ = net / (gross.sum() * 0.05), maintenance / net
        _ = (net - worths - (maintenance - gross * 0.03)) / (np.abs(sizes) * 0.03 - sizes)


def exact(positions: int) -> Contender:
    made = kernel(positions)
    return Contender("exact, with distances", lambda: (made.set_usdc, made.update), ours, ROUNDS)


def with_decimals(positions: int) -> Contender:
    prices, sizes = ([Decimal(x) for x in column] for column in book(positions))
    return Contender("Decimal", lambda: (prices, sizes, range(positions)), decimals, FEW)


def with_floats(positions: int) -> Contender:
    prices, sizes = (np.array(column, float) for column in book(positions))
    return Contender("numpy, floats", lambda: (prices, sizes), floats, FEW)


@cache
def moves() -> Any:
    return np.random.default_rng(1).integers(-400_000, 400_000, (SCENARIOS, 200), np.int32)


def grid(ask: Any, scenarios: Any) -> None:
    ask(0, scenarios)


def matrix(worths: Any, scenarios: Any) -> None:
    factors = 1 + scenarios * 1e-6
    _ = factors @ worths, factors @ (np.abs(worths) * 0.03)


def worths() -> Any:
    prices, sizes = (np.array(column, float) for column in book(200))
    return prices * sizes


def questions(ask: Any) -> None:
    for _ in range(ROUNDS):
        ask(0, 3, 0, 10_000, 500)


CASES = [
    *(
        Case(
            f"margin, {positions} position{'s' * (positions > 1)}",
            "account",
            exact(positions),
            with_decimals(positions),
            (with_floats(positions),),
        )
        for positions in (1, 20, 200)
    ),
    Case(
        "scenarios, 10,000 x 200",
        "grid",
        Contender("exact", lambda: (kernel(200).grid, moves()), grid, 1),
        None,
        (Contender("numpy, floats", lambda: (worths(), moves()), matrix, 1),),
    ),
    Case("largest order", "order", Contender("exact", lambda: (kernel(20).largest,), questions, ROUNDS)),
]


@pytest.mark.parametrize("contender", [c for case in CASES for c in case.contenders], ids=lambda c: c.name)
def test_margin(benchmark: Any, contender: Contender) -> None:
    play(benchmark, contender)
