"""strategies.terms: fit markets, prices of entries and exits, costs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper.errors import ConfigError
from sniper.handview import FACTS, HandView
from sniper.strategies.holdings import entered
from sniper.strategies.parts import within_bounds
from sniper.strategies.terms import Terms, enter, fit, leave, priced, spread_bps, stop_and_target, through
from sniper.trading import BUY, SELL

TERMS = Terms()
NAN, INF = float("nan"), float("inf")


def test_a_market_as_it_should_be_is_fit() -> None:
    assert entered(fit(HandView(1), FACTS, TERMS)) and priced(FACTS)
    assert spread_bps(FACTS) == pytest.approx(9.995, abs=0.001)


@pytest.mark.parametrize(
    ("changes", "gate"),
    [
        ({"status": "PAUSED"}, "gate.status"),
        ({"trust": "stale"}, "gate.book"),
        ({"trust": "crossed"}, "gate.book"),
        ({"bid_ticks": 0}, "gate.price"),
        ({"ask_ticks": 0}, "gate.price"),
        ({"ask_ticks": 1000}, "gate.price"),
        ({"bid_steps": 0}, "gate.price"),
        ({"ask_steps": 0}, "gate.price"),
        ({"step_quantums": 0}, "gate.price"),
        ({"tick_usd": 0.0}, "gate.price"),
        ({"tick_usd": NAN}, "gate.price"),
        ({"oracle_usd": 0.0}, "gate.oracle"),
        ({"oracle_usd": INF}, "gate.oracle"),
        ({"ask_ticks": 1003}, "gate.spread"),
    ],
)
def test_each_thing_that_is_wrong_closes_its_own_gate(changes: dict[str, Any], gate: str) -> None:
    closed = {r.name for r in fit(HandView(1), FACTS._replace(**changes), TERMS) if not r.passed}
    assert gate in closed
    assert closed <= {gate, "gate.price", "gate.spread"}


def test_an_account_that_cannot_be_computed_closes_a_gate() -> None:
    view = HandView(1)
    view.set_account(computable=False)
    assert [r.name for r in fit(view, FACTS, TERMS) if not r.passed] == ["gate.account"]


def test_prices_of_entries_and_exits() -> None:
    facts = FACTS._replace(bid_ticks=10_000, ask_ticks=10_002)
    given = {"weight": 0.1, "score": 70.0, "stop": 1, "target": 2, "strategy": "s", "reasons": ()}
    buy, sell = (enter(facts, side, TERMS, **given) for side in (1, -1))
    assert (buy.side, buy.price_ticks, buy.time_in_force) == (BUY, 10_002 + 5, "ioc")
    assert (sell.side, sell.price_ticks) == (SELL, 10_000 - 5)
    rests = TERMS._replace(entry="post_only")
    assert [enter(facts, side, rests, **given).price_ticks for side in (1, -1)] == [10_000, 10_002]
    assert enter(facts, 1, rests, **given).time_in_force == "post_only"
    assert (buy.size_steps, buy.purpose, buy.weight, buy.stop_ticks, buy.target_ticks) == (
        0,
        "entry",
        0.1,
        1,
        2,
    )
    out = leave(facts, 7500, TERMS, score=40.0, strategy="s", reasons=())
    assert out is not None
    assert (out.side, out.price_ticks, out.size_steps) == (SELL, 10_000 - 30, 7)
    assert (out.purpose, out.reduce_only, out.time_in_force, out.kind) == ("exit", True, "ioc", "short_term")
    out = leave(facts, -1000, TERMS, score=40.0, strategy="s", reasons=())
    assert out is not None and (out.side, out.price_ticks, out.size_steps) == (BUY, 10_002 + 30, 1)
    assert leave(facts, 999, TERMS, score=40.0, strategy="s", reasons=()) is None, "less than a step"
    assert leave(facts._replace(trust="stale"), 7500, TERMS, score=40.0, strategy="s", reasons=()) is None
    assert through(FACTS._replace(bid_ticks=1, ask_ticks=2), -1, 9_000.0) == 1


@given(
    bid=st.integers(1, 10**6),
    width=st.integers(1, 50),
    side=st.sampled_from([-1, 1]),
    entry=st.sampled_from(["ioc", "post_only"]),
    stop=st.floats(0.0, 1e6) | st.just(NAN),
    target=st.floats(0.0, 1e6) | st.just(NAN),
)
def test_stop_and_target_stand_on_their_sides_or_a_gate_is_closed(
    bid: int, width: int, side: int, entry: Any, stop: float, target: float
) -> None:
    facts, terms = FACTS._replace(bid_ticks=bid, ask_ticks=bid + width), Terms(entry=entry)
    (stop_at, target_at), reasons = stop_and_target(facts, side, terms, stop, target)
    touch = (bid + width if side > 0 else bid) if entry == "ioc" else (bid if side > 0 else bid + width)
    if entered(reasons):
        assert stop_at >= 1 and (touch - stop_at) * side >= max(stop, width + 1) - 1e-6
        assert target == 0.0 or ((target_at - touch) * side >= target - 1e-6 and target_at >= 1)
        # The price at which a position is left must not be at its stop from the beginning.
        left_at = bid if side > 0 else bid + width
        assert (left_at - stop_at) * side > 0


def test_a_target_must_be_worth_its_costs() -> None:
    facts = FACTS._replace(bid_ticks=99_990, ask_ticks=100_010)  # 2 bps
    assert TERMS.round_trip_bps(2.0) == pytest.approx(12.0)
    assert TERMS._replace(entry="post_only").round_trip_bps(2.0) == pytest.approx(7.0)
    assert TERMS._replace(entry="post_only", maker_fee_ppm=-110.0).round_trip_bps(2.0) == pytest.approx(4.9)
    for target, passed in ((230.0, False), (250.0, True), (0.0, True)):
        costs = stop_and_target(facts, 1, TERMS, 100.0, target)[1][1]
        assert (costs.name, costs.passed) == ("gate.costs", passed)
        assert costs.needed == pytest.approx(24.0)


def test_a_stop_below_nothing_closes_its_gate() -> None:
    assert [r.passed for r in stop_and_target(FACTS, 1, TERMS, 1001.0, 0.0)[1]] == [False, True]
    assert [r.passed for r in stop_and_target(FACTS, -1, TERMS, 20.0, 1000.0)[1]] == [True, False]
    assert [r.passed for r in stop_and_target(FACTS, 1, TERMS, 0.0, 0.0)[1]] == [False, True]
    assert [r.passed for r in stop_and_target(FACTS, 1, TERMS, 20.0, 1e299)[1]] == [True, False]


@pytest.mark.parametrize(
    "wrong",
    [
        {"entry": "market"},
        {"slippage_bps": -1.0},
        {"positions_max": 0},
        {"weight_max": 1.5},
        {"answer_s": 0.0},
    ],
)
def test_terms_beyond_their_bounds_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        within_bounds(TERMS._replace(**wrong))


def test_terms_that_contradict_themselves_are_refused() -> None:
    TERMS.check()
    with pytest.raises(ConfigError, match="weight_min <= weight_max"):
        TERMS._replace(weight_max=0.9).check()
