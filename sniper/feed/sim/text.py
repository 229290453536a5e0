"""How the Indexer writes things: plain decimals, ISO times, ids. Integers in, text out."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

DAY_MS = 86_400_000


def decimal(number: int, decimals: int) -> str:
    """number * 10 ** -decimals as the shortest plain decimal: no exponent, no trailing zeros."""
    if number < 0:
        return "-" + decimal(-number, decimals)
    if decimals <= 0:
        return str(number) + "0" * -decimals if number else "0"
    digits = str(number)
    if len(digits) <= decimals:
        digits = digits.rjust(decimals + 1, "0")
    whole, fraction = digits[:-decimals], digits[-decimals:].rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole


def writer(decimals: int) -> Callable[[int], str]:
    """`decimal` of non-negative numbers with fixed decimals: what the hot path calls for each level."""
    if decimals == 0:
        return str
    if decimals < 0:
        zeros = "0" * -decimals
        return lambda number: str(number) + zeros if number else "0"

    def write(number: int) -> str:
        digits = str(number)
        if len(digits) <= decimals:
            digits = digits.rjust(decimals + 1, "0")
        if digits[-1] != "0":
            return digits[:-decimals] + "." + digits[-decimals:]
        whole, fraction = digits[:-decimals], digits[-decimals:].rstrip("0")
        return whole + "." + fraction if fraction else whole

    return write


def quotient(numerator: int, denominator: int, decimals: int = 20) -> str:
    """numerator / denominator, rounded half away from zero, as the Indexer's division prints it."""
    scaled = (2 * abs(numerator) * 10**decimals + denominator) // (2 * denominator)
    return decimal(-scaled if numerator < 0 else scaled, decimals)


@lru_cache(maxsize=64)
def _date(days: int) -> str:
    """Year-month-day of a number of days since 1970 (the Gregorian calendar counted from 1 March)."""
    shifted = days + 719_468
    era = shifted // 146_097
    day_of_era = shifted - era * 146_097
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted_month = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * shifted_month + 2) // 5 + 1
    month = shifted_month + 3 if shifted_month < 10 else shifted_month - 9
    return f"{year_of_era + era * 400 + (month <= 2):04d}-{month:02d}-{day:02d}"


def iso(ns: int) -> str:
    """A time in nanoseconds since 1970 as the Indexer writes it: milliseconds, UTC, `Z`."""
    days, ms = divmod(ns // 1_000_000, DAY_MS)
    return (
        f"{_date(days)}T{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}.{ms % 1000:03d}Z"
    )


def uuid4(random: Callable[[], float]) -> str:
    """A random version 4 UUID of a seeded generator."""
    parts = [int(random() * 65_536) for _ in range(8)]
    parts[3] = parts[3] & 0x0FFF | 0x4000
    parts[4] = parts[4] & 0x3FFF | 0x8000
    hexes = [f"{part:04x}" for part in parts]
    return "".join(hexes[:2]) + "-" + "-".join(hexes[2:5]) + "-" + "".join(hexes[5:])


def trade_id(height: int, transaction: int, event: int) -> str:
    """24 hex digits: height, transaction index + 2, event index, each as 32 bits big-endian."""
    return f"{height:08x}{transaction + 2:08x}{event:08x}"
