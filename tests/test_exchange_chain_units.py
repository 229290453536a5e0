"""Whole-number arithmetic against exact fractions."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, trunc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper.exchange.chain.units import ceil_div, ceil_ppm, half_away, power, scaled_fraction, trunc_div

WHOLE = st.integers(-(10**24), 10**24)


@given(WHOLE, st.integers(-(10**7), 10**7))
def test_ceil_ppm(amount: int, ppm: int) -> None:
    assert ceil_ppm(amount, ppm) == ceil(Fraction(amount * ppm, 10**6))


def test_fees_round_toward_plus_infinity() -> None:
    # orders.md 8: a fee of 0.2 is 1, a rebate of 0.5 is nothing.
    assert ceil_ppm(400, 500) == 1
    assert ceil_ppm(5_000, -100) == 0


@given(WHOLE, st.integers(1, 10**12))
def test_divisions(a: int, b: int) -> None:
    assert trunc_div(a, b) == trunc(Fraction(a, b))
    assert ceil_div(a, b) == ceil(Fraction(a, b))


@given(st.integers(-30, 30))
def test_power(exponent: int) -> None:
    numerator, denominator = power(exponent)
    assert Fraction(numerator, denominator) == Fraction(10) ** exponent


@pytest.mark.parametrize(
    ("base", "lower", "upper", "interest", "expected"),
    [
        (50_000, 20, 50, 35, 525_000),  # margin.md 8: half way between the caps
        (50_000, 20, 50, 20, 50_000),
        (50_000, 20, 50, 50, 1_000_000),
        (50_000, 20, 50, 5_000, 1_000_000),
        (50_000, 0, 0, 10**18, 50_000),
        (20_000, 0, 3, 1, 346_666),
    ],
)
def test_scaled_fraction(base: int, lower: int, upper: int, interest: int, expected: int) -> None:
    assert scaled_fraction(base, lower, upper, interest) == expected


def test_half_away() -> None:
    assert [half_away(total) for total in (0, 1, 2, 3, -1, -2, -3)] == [0, 1, 1, 2, -1, -1, -2]
