"""Gas and fees of what is not for the order book."""

from __future__ import annotations

import hashlib
from math import ceil

import bech32
from dydx_v4_client.node.fee import calculate_fee
from hypothesis import given
from hypothesis import strategies as st

from sniper.exchange.facts import Outcome
from sniper.exchange.node import fees
from sniper.exchange.node.envelope import Transaction, opened
from sniper.exchange.node.fees import USDC, fee_of, gas_of, least_fee
from tests.wallets import a_transfer, address, an_order, signed, wallet


def parsed(*messages: object, **more: int) -> Transaction:
    found = opened(signed(wallet(0), *messages, **more))
    assert isinstance(found, Transaction)
    return found


@given(st.integers(1, 10**9))
def test_what_the_client_pays_is_enough(used: int) -> None:
    limit, amount = calculate_fee(used)
    assert least_fee(limit) <= amount
    assert least_fee(limit) == ceil(limit * 25 / 1000) or limit > 10**12


def test_the_order_book_is_free() -> None:
    assert fee_of(parsed(an_order(address(0)), fee=0, gas=0)) == 0
    assert gas_of(parsed(an_order(address(0)), fee=0)) == 0


def test_the_collector_is_the_chains() -> None:
    words = bech32.convertbits(hashlib.sha256(b"fee_collector").digest()[:20], 8, 5)
    assert words is not None
    assert bech32.bech32_encode("dydx", words) == fees.COLLECTOR


def test_coins() -> None:
    one = parsed(a_transfer(address(0)))

    def code(*coins: tuple[str, str]) -> int:
        found = fee_of(one._replace(fee=coins))
        return found.code if isinstance(found, Outcome) else 0

    assert code((USDC, "25000")) == 0
    assert code((USDC, "24999")) == 13
    assert code((USDC, "-5")) == code((USDC, "٣")) == code((USDC, "")) == code((USDC, "9" * 31)) == 10
    assert code(("adydx", "5")) == 5
    assert code(("adydx", "0"), (USDC, "25000")) == 0
    assert code(("other", "99999999")) == 13
