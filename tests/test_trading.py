"""trading: values that strategies, risk, orders and venues pass to each other."""

from __future__ import annotations

from typing import get_args

from sniper import trading
from sniper.loop import encode
from sniper.types import Command


def test_commands_to_the_venue_are_commands_and_can_be_journalled() -> None:
    assert {trading.Place, trading.Cancel} <= set(get_args(Command))
    cancel = trading.Cancel(7, 0, "A-USD", "short_term", 12, 0, "score fell")
    assert encode([cancel]) == b'[["Cancel",7,0,"A-USD","short_term",12,0,"score fell"]]'


def test_an_intent_by_default_is_an_entry_that_risk_sizes() -> None:
    intent = trading.Intent(market=3, side=trading.BUY, price_ticks=100)
    assert (intent.purpose, intent.size_steps, intent.reduce_only, intent.weight) == ("entry", 0, False, 1.0)
