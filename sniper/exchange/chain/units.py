"""Whole-number arithmetic of the chain (margin.md 1 and 8). QQ: quote quantums; ppm: 10^-6."""

from __future__ import annotations

MILLION = 1_000_000


def ceil_ppm(amount: int, ppm: int) -> int:
    """amount x ppm / 10^6, rounded toward +infinity; either may be negative."""
    return -((-amount * ppm) // MILLION)


def trunc_div(a: int, b: int) -> int:
    """a / b rounded toward zero, b > 0."""
    return a // b if a >= 0 else -(-a // b)


def ceil_div(a: int, b: int) -> int:
    """a / b rounded toward +infinity, b > 0."""
    return -(-a // b)


def power(exponent: int) -> tuple[int, int]:
    """10^exponent as (numerator, denominator)."""
    return (10**exponent, 1) if exponent >= 0 else (1, 10**-exponent)


def scaled_fraction(base_ppm: int, lower: int, upper: int, interest: int) -> int:
    """The initial margin fraction in ppm under open interest `interest`; it and both caps in QQ (margin.md 3)."""
    if upper == 0 or interest <= lower:
        return base_ppm
    if interest >= upper:
        return MILLION
    return base_ppm + (MILLION - base_ppm) * (interest - lower) // (upper - lower)


def half_away(total: int) -> int:
    """Half of a sum of two, rounded away from zero."""
    return (total + 1) // 2 if total > 0 else -((1 - total) // 2)
