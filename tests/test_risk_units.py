"""risk_units: what ticks and steps are worth, exactly."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

from hypothesis import given
from hypothesis import strategies as st

from sniper._ext.tape import Tape
from sniper.risk_units import scaled, unit_of
from tests import reference_risk as naive
from tests.ordering import MARKETS, known

PEPE = {
    "clobPairId": "3",
    "tickSize": "0.00000001",
    "stepSize": "1000000",
    "atomicResolution": 1,
    "quantumConversionExponent": -9,
    "stepBaseQuantums": 100_000,
    "subticksPerTick": 1_000_000,
    "oraclePrice": "0.0000123456",
    "initialMarginFraction": "0.05",
    "maintenanceMarginFraction": "0.03",
}
ALL = MARKETS | {"PEPE-USD": PEPE}
ROWS = list(ALL.values())
UNITS = [unit_of(known(Tape(), ALL), market) for market in range(3)]


@given(st.integers(0, 2), st.integers(0, 10**9), st.integers(1, 10**7), st.integers(-900_000, 10**6))
def test_all_of_it_is_the_exact_value_rounded_as_named(
    market: int, steps: int, ticks: int, move: int
) -> None:
    unit, row = UNITS[market], ROWS[market]
    assert unit is not None and unit.step_quantums == row["stepBaseQuantums"]
    assert unit.quote(steps, ticks) == floor(naive.quote(row, steps, ticks))
    assert unit.quote_up(steps, ticks) == ceil(naive.quote(row, steps, ticks))
    worth = naive.worth(row, steps)
    assert unit.worth(steps) == ceil(worth)
    assert unit.steps(unit.worth(steps)) in (steps, steps + 1) or unit.worth(1) <= 1
    assert unit.steps(floor(worth)) <= steps and unit.steps(-1) == 0
    for size in (steps, -steps):
        assert unit.notional(size, move) == naive.value(row, size, move)
    moved = naive.of(row, "oraclePrice") * (10**6 + move) / 10**6
    assert unit.oracle_ticks(move) == floor(moved / naive.of(row, "tickSize"))
    price = ticks * naive.of(row, "tickSize")
    for side, sign in ((0, 1), (1, -1)):
        worse = sign * (price - naive.of(row, "oraclePrice")) / naive.of(row, "oraclePrice") * 10**6
        assert unit.worse_ppm(side, ticks) == ceil(worse)


def test_a_market_that_lacks_something_has_no_unit() -> None:
    bare = {name: {k: v for k, v in row.items() if k != "stepBaseQuantums"} for name, row in MARKETS.items()}
    decoder = known(Tape(), bare)
    assert [unit_of(decoder, market) for market in (-1, 0, 1, 2)] == [None] * 4
    zero = {"A-USD": MARKETS["BTC-USD"] | {"oraclePrice": "0"}}
    assert unit_of(known(Tape(), zero), 0) is None


def test_scaled() -> None:
    assert Fraction(*scaled(15, 2)) == 1500 and Fraction(*scaled(15, -3)) == Fraction(15, 1000)
