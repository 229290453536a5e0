"""The facts of an account: an empty message says nothing."""

from __future__ import annotations

from sniper.account_facts import Message, Refusal


def test_an_empty_message_says_nothing() -> None:
    assert not any(Message())
    assert issubclass(Refusal, ValueError)
