"""Addresses have the form of real ones."""

from __future__ import annotations

import bech32 as reference
from hypothesis import given
from hypothesis import strategies as st

from sniper.exchange.chain.addresses import address_of, bech32


@given(st.binary(min_size=20, max_size=20))
def test_bech32_is_what_the_library_says(data: bytes) -> None:
    text = bech32("dydx", data)
    prefix, values = reference.bech32_decode(text)
    assert prefix == "dydx" and values is not None
    assert bytes(reference.convertbits(values, 5, 8, False)) == data


def test_names_have_addresses() -> None:
    assert address_of("a") != address_of("b") and address_of("a") == address_of("a")
    assert address_of("a").startswith("dydx1") and len(address_of("a")) == 43
