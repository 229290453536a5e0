"""viewing: the facts in a view."""

from __future__ import annotations

from sniper.viewing import MarketFacts


def facts(bid: int, ask: int) -> MarketFacts:
    return MarketFacts(
        0,
        "A-USD",
        "ACTIVE",
        False,
        "live",
        bid,
        1,
        ask,
        1,
        0.1,
        0.01,
        1000,
        10.0,
        0,
        0.0,
        0.05,
        0.03,
        0.0,
        0.0,
        0.0,
    )


def test_the_middle_needs_both_sides() -> None:
    assert facts(10, 11).mid_ticks == 10.5
    assert facts(0, 11).mid_ticks == facts(10, 0).mid_ticks == 0.0
