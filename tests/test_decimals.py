"""Exact decimal text: every case is checked against Python's own decimal module."""

from decimal import ROUND_HALF_UP, Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper import decimals
from sniper._ext.tape import MARKET_DTYPE

MANTISSAS = st.integers(-(2**63), 2**63 - 1)


@given(MANTISSAS, st.integers(-6, 30))
def test_text_is_exact_and_canonical(mantissa: int, places: int) -> None:
    text = decimals.text(mantissa, places)
    with localcontext() as context:
        context.prec = 80
        assert Decimal(text) == Decimal(mantissa).scaleb(-places)
    assert "e" not in text.lower() and "+" not in text
    assert not ("." in text and text[-1] in "0.")
    assert text != "-0"
    assert text.lstrip("-")[0] != "0" or text.lstrip("-") == "0" or text.lstrip("-")[1] == "."


@given(MANTISSAS, st.integers(-3, 18), st.integers(0, 20))
def test_fixed_has_its_places_and_rounds_half_away(mantissa: int, places_in: int, places: int) -> None:
    text = decimals.fixed(mantissa, places_in, places)
    assert (len(text.partition(".")[2]) == places) and (("." in text) == (places > 0))
    with localcontext() as context:
        context.prec = 80
        value = Decimal(mantissa).scaleb(-places_in)
        assert Decimal(text) == value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    assert not text.startswith("-0") or any(c in "123456789" for c in text)


@pytest.mark.parametrize(
    ("mantissa", "places", "expected"),
    [
        (971200, 1, "97120"),
        (-5, 3, "-0.005"),
        (0, 4, "0"),
        (12, -2, "1200"),
        (10**18, 18, "1"),
        (15, 1, "1.5"),
    ],
)
def test_text_examples(mantissa: int, places: int, expected: str) -> None:
    assert decimals.text(mantissa, places) == expected


def test_a_market_row_gives_prices_and_sizes() -> None:
    row = np.zeros(1, MARKET_DTYPE)[0]
    row["num"][decimals.F_TICK], row["dec"][decimals.F_TICK] = 5, 1
    row["num"][decimals.F_STEP], row["dec"][decimals.F_STEP] = 1, 4
    assert decimals.price_text(row, 194240) == "97120"
    assert decimals.price_text(row, 194241) == "97120.5"
    assert decimals.size_text(row, 12500) == "1.25"
    grid = decimals.grid(row)
    assert grid == decimals.Grid(5, 1, 1, 4)
    assert (grid.price(194240), grid.size(12500)) == ("97120.0", "1.2500")
