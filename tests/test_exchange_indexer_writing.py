"""Numbers as the Indexer writes them: exact, plain, and rounded only where its database rounds."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper.exchange.indexer import writing
from sniper.exchange.terms import Terms
from tests.exchange_chain import BTC, ETH

BIG = st.integers(-(10**30), 10**30)


@given(BIG, st.integers(-20, 20))
def test_plain_is_exact_and_has_no_exponent(mantissa: int, power: int) -> None:
    text = writing.plain(Decimal(mantissa).scaleb(power, writing.EXACT))
    assert Fraction(text) == mantissa * Fraction(10) ** power
    assert "E" not in text and text != "-0" and not (text.endswith("0") and "." in text)


@given(BIG, BIG)
def test_sums_and_products_are_exact(a: int, b: int) -> None:
    x, y = Decimal(a).scaleb(-9, writing.EXACT), Decimal(b).scaleb(-13, writing.EXACT)
    assert Fraction(writing.plus(x, y)) == Fraction(x) + Fraction(y)
    assert Fraction(writing.minus(x, y)) == Fraction(x) - Fraction(y)
    assert Fraction(writing.times(x, y)) == Fraction(x) * Fraction(y)
    assert Fraction(writing.negative(x)) == -Fraction(x)


@given(st.integers(-(10**18), 10**18), st.integers(1, 10**12))
def test_averages_are_rounded_to_twenty_decimals_halves_away_from_zero(total: int, parts: int) -> None:
    found = Fraction(writing.average(Decimal(total), Decimal(parts)))
    exact = Fraction(total, parts) * 10**20
    rounded = (2 * abs(exact) + 1) // 2
    assert found == Fraction(int(rounded) if total >= 0 else -int(rounded), 10**20)
    assert writing.average(Decimal(total), Decimal(0)) == 0


@pytest.mark.parametrize(
    ("quote", "quantums", "terms", "text"),
    [
        (158_183_862_576, 18_364_000_000, BTC, "86138.021441951645"),  # SELECT 158183.862576 / 1.8364
        (10_000_000, 30_000_000_000, BTC, "3.3333333333333333"),  # SELECT 10 / 3
        (1_000_000, 30_000_000_000, BTC, "0.33333333333333333333"),  # SELECT 1 / 3
        (100_000_000, 30_000_000_000, BTC, "33.3333333333333333"),
        (90_000_000_000, 10_000_000_000, BTC, "90000"),
    ],
)
def test_prices_of_deleveragings_are_what_the_database_divides(
    quote: int, quantums: int, terms: Terms, text: str
) -> None:
    assert writing.quotient(quote, quantums, terms) == text


def test_grids() -> None:
    assert (writing.scale(BTC).tick, writing.scale(BTC).step) == ("1", "0.0001")
    assert (writing.scale(ETH).tick, writing.scale(ETH).step) == ("0.1", "0.001")
    assert (
        writing.scale(BTC).price(8_995_800_000) == "89958"
        and writing.scale(BTC).size(123_000_000) == "0.0123"
    )


@pytest.mark.parametrize(("quote", "text"), [(0, "0"), (-1, "-0.000001"), (1_106_483_400, "1106.4834")])
def test_money(quote: int, text: str) -> None:
    assert writing.usd(quote) == text == writing.plain(writing.dollars(quote))


def test_oracle_prices_and_events() -> None:
    assert writing.plain(writing.oracle(8_991_920_000, -5)) == "89919.2"
    assert writing.plain(writing.oracle(5, 3)) == "5000"
    assert writing.event_id(66_624_083, 14) == "03f89a53000000020000000e"
    assert writing.ppm(20_000) == "0.02"
