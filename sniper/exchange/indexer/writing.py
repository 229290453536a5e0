"""How the Indexer writes numbers: exact decimals without exponent, in coins and USD, from the chain's integers.

BQ: base quantums, 10^A coins. QQ: quote quantums, 10^-6 USDC. A price in subticks is subticks x 10^(C - 6 - A) USD,
where A is the atomic resolution and C the quantum conversion exponent (margin.md 1).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from sniper.exchange.terms import Terms
from sniper.feed.sim.text import decimal, writer

Item = dict[str, Any]
encode = msgspec.json.encode

EXACT = Context(prec=120, rounding=ROUND_HALF_UP)
"""Every product and sum here fits into so many digits."""
AVERAGE_DECIMALS = Decimal(1).scaleb(-20)
"""The database divides to so many decimals, halves away from zero."""
ZERO = Decimal(0)
WRITTEN_MAX = 1_024
"""So many sizes and prices of each market are kept as they are written."""


class Scale(NamedTuple):
    """How sizes and prices of one market are written and reckoned."""

    terms: Terms
    size: Callable[[int], str]  # BQ that are not negative
    price: Callable[[int], str]  # subticks
    price_decimals: int
    tick: str
    step: str


@lru_cache(maxsize=4096)
def scale(terms: Terms) -> Scale:
    """The scale of a market under these terms."""
    decimals = terms.atomic_resolution - terms.quantum_conversion_exponent + 6
    # The levels of a book come and go at the same prices, and with sizes of the same few makers.
    size = lru_cache(maxsize=WRITTEN_MAX)(writer(-terms.atomic_resolution))
    price = lru_cache(maxsize=WRITTEN_MAX)(writer(decimals))
    return Scale(terms, size, price, decimals, price(terms.subticks_per_tick), size(terms.step_base_quantums))


def coins(quantums: int, terms: Terms) -> Decimal:
    """A size in BQ, in coins, signed."""
    return Decimal(quantums).scaleb(terms.atomic_resolution, EXACT)


def usd(quote: int) -> str:
    """An amount in QQ."""
    return decimal(quote, 6)


def dollars(quote: int) -> Decimal:
    """An amount in QQ, in USDC."""
    return Decimal(quote).scaleb(-6, EXACT)


def oracle(price: int, exponent: int) -> Decimal:
    """An oracle price as the chain keeps it, in USD."""
    return Decimal(price).scaleb(exponent, EXACT)


def plain(value: Decimal) -> str:
    """Without exponent, without zeros that do not count, and never "-0"."""
    if not value:
        return "0"
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def times(a: Decimal, b: Decimal) -> Decimal:
    """The exact product."""
    return EXACT.multiply(a, b)


def plus(a: Decimal, b: Decimal) -> Decimal:
    """The exact sum."""
    return EXACT.add(a, b)


def minus(a: Decimal, b: Decimal) -> Decimal:
    """The exact difference."""
    return EXACT.subtract(a, b)


def negative(value: Decimal) -> Decimal:
    """The value with the other sign: a plain minus would round it."""
    return value.copy_negate()


def average(total: Decimal, parts: Decimal) -> Decimal:
    """total / parts to 20 decimals; 0 for no parts."""
    if not parts:
        return ZERO
    return EXACT.quantize(EXACT.divide(total, parts), AVERAGE_DECIMALS)


def quotient(quote: int, quantums: int, terms: Terms) -> str:
    """The price of so many BQ for so many QQ, with the decimals that the database's own division gives.

    PostgreSQL, numeric.c: at least 16 significant digits, counted in groups of four, and no fewer than a side has.
    """
    total, size = dollars(quote).normalize(EXACT), coins(quantums, terms).normalize(EXACT)
    (weight, first), (other, second) = _group(total), _group(size)
    groups = weight - other - (first <= second)
    decimals = max(16 - 4 * groups, -int(total.as_tuple().exponent), -int(size.as_tuple().exponent), 0)
    return plain(EXACT.quantize(EXACT.divide(total, size), Decimal(1).scaleb(-decimals)))


def _group(value: Decimal) -> tuple[int, int]:
    """Place and value of the first group of four digits, counted from the point."""
    place = value.adjusted() // 4
    return place, int(value.scaleb(-4 * place, EXACT))


def ppm(value: int) -> str:
    """Parts in a million as a fraction."""
    return decimal(value, 6)


def event_id(height: int, event: int) -> str:
    """The id of an event of the block's matches, which are its first transaction: 24 hex digits."""
    return f"{height:08x}{2:08x}{event:08x}"
