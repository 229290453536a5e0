"""bar_table: numbers of text, exactly."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from sniper._ext.bar_table import table


@given(st.decimals(min_value=-(10**6), max_value=10**6, allow_nan=False, allow_infinity=False, places=7))
def test_numbers_are_read_exactly(value: Decimal) -> None:
    for text in (f"{value:f}", f"{value:E}", f"{value:f}000"):
        _, numbers, decimals, bad = table(f"5,{text},1,1,1,1".encode(), (0, 1, 2, 3, 4, 5), 9)
        assert bad == -1 and Decimal(int(numbers[0, 0])).scaleb(-int(decimals[1, 0])) == value


@given(st.binary(max_size=60), st.permutations(range(6)))
def test_no_text_breaks_the_table(text: bytes, places: list[int]) -> None:
    table(text, tuple(places), 100)
