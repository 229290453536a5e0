"""Refusals read as the SDK wraps its errors."""

from __future__ import annotations

from sniper.exchange.facts import Outcome
from sniper.exchange.node import codes
from sniper.exchange.node.codes import Refusal


def test_texts() -> None:
    assert codes.WRONG_SEQUENCE.of("what") == Outcome(32, "sdk", "what: incorrect account sequence")
    assert codes.WRONG_SEQUENCE.of("") == Outcome(32, "sdk", "incorrect account sequence")
    assert codes.IN_MEMPOOL.bare == Outcome(19, "sdk", "")
    assert codes.undefined("what") == Outcome(1, "undefined", "what")


def test_no_code_is_there_twice() -> None:
    known = [(one.codespace, one.code) for one in vars(codes).values() if isinstance(one, Refusal)]
    assert len(known) == len(set(known)) > 30
