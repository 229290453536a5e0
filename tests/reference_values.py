"""Plain values for the twins: decimals as (integer, decimals), times as nanoseconds. Texts in, exact
integers out."""

from __future__ import annotations

import re
import sys
from datetime import date
from functools import lru_cache

sys.set_int_max_str_digits(0)

_DECIMAL = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?")
_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?(?:Z|\+00:00)"
)
_HEX24 = re.compile(r"[0-9a-f]{24}")

Decimal = tuple[int, int]
"""(n, d) stands for n / 10 ** d; d >= 0."""


@lru_cache(100_000)
def decimal(text: str, signed: bool = False) -> Decimal | None:
    """A plain decimal as written: `1.50` is (150, 2). None where the text is anything else."""
    match = _DECIMAL.fullmatch(text)
    if match is None or (match[1] and not signed):
        return None
    fraction = match[3] or ""
    return int(match[1] + match[2] + fraction), len(fraction)


def stripped(value: Decimal, least: int = 0) -> Decimal:
    """Without trailing zeros behind the point, but with at least so many decimals."""
    number, decimals = value
    while decimals > least and number % 10 == 0:
        number, decimals = number // 10, decimals - 1
    if decimals < least:
        number, decimals = number * 10 ** (least - decimals), least
    return number, decimals


def fits(value: Decimal) -> bool:
    """At most 18 decimals and 18 digits; needless zeros do not count."""
    number, decimals = stripped(value)
    return decimals <= 18 and abs(number) < 10**18


def multiple(value: Decimal, unit: Decimal) -> int | None:
    """How many units make up the value; None where it is not a whole number of them."""
    whole, rest = divmod(value[0] * 10 ** unit[1], unit[0] * 10 ** value[1])
    return None if rest else whole


def integer(text: str) -> int | None:
    """A whole number of at most 18 digits, perhaps negative."""
    found = decimal(text, signed=True)
    if found is None:
        return None
    number, decimals = stripped(found)
    return number if decimals == 0 and abs(number) < 10**18 else None


@lru_cache(100_000)
def time_ns(text: str) -> int | None:
    """Nanoseconds since 1970 of an ISO 8601 time in UTC, from 1970 to 2199; None where it is none."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(match[i]) for i in range(1, 7))
    if not 1970 <= year < 2200 or hour > 23 or minute > 59 or second > 59:
        return None
    try:
        days = date(year, month, day).toordinal() - date(1970, 1, 1).toordinal()
    except ValueError:
        return None
    seconds = ((days * 24 + hour) * 60 + minute) * 60 + second
    return seconds * 10**9 + int((match[7] or "").ljust(9, "0"))


def id_height(text: str) -> int:
    """The block height in a trade id of 24 lower-case hex digits, else 0."""
    return int(text[:8], 16) if _HEX24.fullmatch(text) else 0


def id_words(text: str) -> tuple[int, int] | None:
    """The two words that hold 24 lower-case hex digits exactly; None for any other id."""
    if _HEX24.fullmatch(text) is None:
        return None
    value = int(text, 16)
    return value >> 64, value & (2**64 - 1)
