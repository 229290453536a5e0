"""The table of refusals."""

from __future__ import annotations

import pytest

from sniper.exchange.chain import codes
from sniper.exchange.facts import Outcome


def test_a_refusal_wraps_the_text_of_its_code() -> None:
    assert codes.refuse(24) == Outcome(24, "clob", "Order is fully filled")
    assert codes.refuse(24, "why").text == "why: Order is fully filled"
    assert codes.refuse(5, codespace=codes.SDK) == Outcome(5, "sdk", "insufficient funds")


def test_an_unknown_code_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        codes.refuse(99_999)


def test_every_code_that_a_client_meets_is_there() -> None:
    # orders.md 7, those that this chain itself can give.
    for code in (
        4,
        5,
        6,
        7,
        8,
        9,
        10,
        11,
        20,
        24,
        29,
        32,
        34,
        44,
        45,
        48,
        50,
        2001,
        2003,
        2004,
        2005,
        3000,
        3001,
    ):
        assert codes.TEXTS["clob", code]
    for code in (3002, 3003, 3004, 3005, 3006, 3007, 3008, 3010, 6000, 6001, 9003, 10001):
        assert codes.TEXTS["clob", code]
