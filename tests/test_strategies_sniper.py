"""strategies.sniper: when it enters, what it enters first, with how much, and when it leaves."""

from __future__ import annotations

from typing import Any

import pytest

from sniper.errors import ConfigError
from sniper.handview import START_NS, HandView
from sniper.strategies.holdings import cause
from sniper.strategies.sniper import Sniper, SniperSettings
from sniper.strategies.terms import Terms
from sniper.strategies.weighing import Filter
from sniper.trading import BUY, SELL, Intent, Reason, Withdraw

SECOND = 1_000_000_000
SIGNALS, KINDS = ("up", "wave", "volume", "depth"), ("directional", "directional", "intensity", "intensity")
FILTERS = (Filter("volume", 40.0, points=20.0), Filter("depth", 30.0, 90.0))
SETTINGS = SniperSettings(
    weights=(("up", 3.0), ("wave", 1.0)), filters=FILTERS, hold_ms=2_000, exit_hold_ms=3_000, terms=Terms()
)
UP = (80.0, 80.0, 60.0, 60.0)


class Case:
    """The strategy and a view of four markets whose scores are neutral."""

    def __init__(self, **changes: Any) -> None:
        self.view, self.strategy = HandView(4, 4), Sniper(SIGNALS, KINDS, SETTINGS._replace(**changes))
        for market in range(4):
            self.view.set_scores(market, 50.0, 50.0, 60.0, 60.0)

    def at(self, seconds: float, *changed: int) -> list[Intent | Withdraw]:
        return list(self.strategy.decide(self.view.at(START_NS + round(seconds * SECOND), changed or None)))

    def entries(self, seconds: float, *changed: int) -> list[Intent]:
        return [i for i in self.at(seconds, *changed) if isinstance(i, Intent) and i.purpose == "entry"]

    def told(self, market: int = 0) -> dict[str, Reason]:
        return {r.name: r for r in self.strategy.explain(self.view, market)}

    def closed(self, market: int = 0) -> list[str]:
        return [n for n, r in self.told(market).items() if n.startswith("gate.") and not r.passed]


def test_a_score_must_be_up_for_a_while_and_gives_one_entry() -> None:
    case = Case()
    case.view.set_scores(1, *UP)
    assert not case.at(0) and not case.at(1.999)
    assert case.closed(1) == ["gate.hold"] and case.told(1)["gate.hold"].found == pytest.approx(1.999)
    (intent,) = case.entries(2)
    assert (intent.market, intent.side, intent.score) == (1, BUY, pytest.approx(80.0))
    assert not case.at(3), "distinct until changed"
    assert {"gate.distinct", "gate.flat"} <= set(case.closed(1))


def test_a_dip_between_the_thresholds_does_not_begin_the_wait_anew_and_one_below_does() -> None:
    for dip, seconds in ((62.0, 2.0), (59.0, 3.5)):
        case = Case()
        case.view.set_scores(0, *UP)
        case.at(0)
        case.view.set_scores(0, dip, dip)
        case.at(1)
        assert not case.entries(1.2)
        case.view.set_scores(0, *UP)
        case.at(1.5)
        assert not case.entries(seconds - 0.1)
        assert case.entries(seconds)


def test_a_score_that_fell_to_between_the_thresholds_enters_nothing() -> None:
    case = Case()
    case.view.set_scores(0, *UP)
    case.at(0)
    case.view.set_scores(0, 64.0, 64.0)
    assert not case.at(5) and case.closed() == ["gate.score"]
    assert (case.told()["gate.score"].found, case.told()["gate.score"].needed) == (pytest.approx(64.0), 65.0)


def test_low_scores_are_shorts() -> None:
    case = Case(hold_ms=0)
    case.view.set_scores(2, 15.0, 15.0)
    (intent,) = case.entries(0)
    assert (intent.market, intent.side, intent.score) == (2, SELL, pytest.approx(85.0))
    assert intent.stop_ticks > intent.price_ticks > intent.target_ticks


def test_the_score_says_what_was_found_what_was_needed_and_what_each_filter_cost() -> None:
    case = Case(hold_ms=0)
    case.view.set_scores(0, 72.0, 64.0, 22.0, 60.0)  # 70 before filters; the volume misses 18 of 40: 9 points
    assert not case.at(0)
    told = case.told()
    assert told["before_filters"].found == pytest.approx(70.0)
    assert told["cost.volume"] == Reason("cost.volume", pytest.approx(9.0), 20.0, False)
    assert told["gate.score"] == Reason("gate.score", pytest.approx(61.0), 65.0, False)
    assert told["points.up"].found == pytest.approx(16.5) and told["weight.up"].found == 3.0
    assert told["signal.wave"].found == 64.0
    assert case.closed() == ["gate.score"]
    case.view.set_scores(0, 72.0, 64.0, 40.0)
    assert len(case.entries(1)) == 1


@pytest.mark.parametrize(("depth", "passed"), [(30.0, True), (90.0, True), (29.9, False), (90.1, False)])
def test_a_gate_lets_through_what_is_within_and_nothing_else(depth: float, passed: bool) -> None:
    case = Case(hold_ms=0)
    case.view.set_scores(0, *UP[:3], depth)
    assert bool(case.entries(0)) == passed == ("gate.depth" not in case.closed())


def test_scores_that_are_not_ready_enter_nothing_and_forget_the_wait() -> None:
    case = Case()
    case.view.set_scores(0, *UP)
    case.at(0)
    case.view.masks[0] = 0b1011
    assert not case.at(1) and case.told()["gate.ready"] == Reason("gate.ready", 3.0, 4.0, False)
    case.view.masks[0] = 0b1111
    assert not case.entries(2.5)
    assert not case.entries(4.4)
    assert case.entries(4.5)
    spare = Case(hold_ms=0, filters=())
    spare.view.set_scores(0, *UP)
    spare.view.masks[0] = 0b0011
    assert spare.entries(0), "what has neither weight nor filter need not be ready"


@pytest.mark.parametrize(
    ("facts", "gate"),
    [
        ({"status": "PAUSED"}, "gate.status"),
        ({"trust": "rebuilding"}, "gate.book"),
        ({"ask_ticks": 0}, "gate.price"),
        ({"oracle_usd": 0.0}, "gate.oracle"),
        ({"ask_ticks": 1002}, "gate.spread"),
        ({"sigma": 0.0}, "gate.sigma"),
        ({"sigma": 1e-7, "bid_ticks": 9990, "ask_ticks": 10004}, "gate.costs"),
        ({"bid_ticks": 1, "ask_ticks": 2}, "gate.stop"),
    ],
)
def test_each_gate_of_the_market(facts: dict[str, Any], gate: str) -> None:
    case = Case(hold_ms=0, stop_bps_max=9_000.0)
    case.view.set_scores(0, *UP)
    case.view.set_facts(0, **facts)
    assert not case.at(0) and gate in case.closed()


def test_the_best_come_first_and_ties_go_by_market() -> None:
    case = Case(hold_ms=0, terms=Terms(positions_max=2), weight_correlated_max=1.0)
    for market, score in enumerate((80.0, 90.0, 80.0, 70.0)):
        case.view.set_scores(market, score, score)
    assert [i.market for i in case.entries(0)] == [1, 0]
    assert "gate.rank" in case.closed(2) and case.told(2)["gate.rank"].found == 3.0


def test_a_better_market_that_wants_in_keeps_its_place_for_a_while() -> None:
    case = Case(hold_ms=0, rank_ms=3_000, terms=Terms(positions_max=1))
    case.view.open(3, BUY, 10, 1000.0, "other")
    case.view.set_scores(0, 90.0, 90.0)
    case.view.set_scores(1, 80.0, 80.0)
    assert not case.at(0), "the only place is taken"
    case.view.close(3)
    assert not case.at(1, 1) and case.told(1)["gate.rank"].found == 2.0
    assert [i.market for i in case.entries(2, 0)] == [0]
    case = Case(hold_ms=0, rank_ms=3_000, terms=Terms(positions_max=1))
    case.view.open(3, BUY, 10, 1000.0, "other")
    case.view.set_scores(0, 90.0, 90.0)
    case.view.set_scores(1, 80.0, 80.0)
    case.at(0)
    case.view.close(3)
    assert [i.market for i in case.entries(3.1, 1)] == [1], "it was not seen for too long"


def test_the_share_grows_with_the_score_within_its_bounds() -> None:
    shares = []
    for score in (65.0, 75.0, 85.0, 99.0):
        case = Case(hold_ms=0, terms=Terms(weight_min=0.05, weight_max=0.25))
        case.view.set_scores(0, score, score)
        shares.append(case.entries(0)[0].weight)
    assert shares == pytest.approx([0.05, 0.15, 0.25, 0.25])


def test_markets_that_move_alike_share_a_cap_and_others_do_not() -> None:
    """Market 1 moves like market 0, market 2 by itself; with market 0 held there is room for market 2 only."""
    case = Case(
        hold_ms=0,
        correlation_sample_s=1.0,
        correlation_samples=40,
        correlation_samples_min=10,
        weight_correlated_max=0.3,
        terms=Terms(weight_min=0.06, weight_max=0.25),
    )
    wave = [0, 3, -2, 4, 1, -3, 2, -4, 5, -1]
    other = [1, 1, -2, -2, 1, 1, -2, 0, 2, 0]
    alike = [10_000, 10_000, 10_000, 10_000]
    for second in range(30):
        for market, path in enumerate((wave, wave, other, other)):
            alike[market] += 10 * path[second % 10]
            case.view.set_facts(market, bid_ticks=alike[market], ask_ticks=alike[market] + 2)
        assert not case.at(second)
    case.view.set_scores(0, 90.0, 90.0)
    (first,) = case.entries(31)
    assert first.weight == 0.25
    case.view.set_scores(1, 90.0, 90.0)
    case.view.set_scores(2, 90.0, 90.0)
    entries = case.entries(32)
    assert [i.market for i in entries] == [2]
    room = case.told(1)["room.correlated"]
    assert room.found == pytest.approx(0.05, abs=0.02) and "gate.room" in case.closed(1)
    # Against the market it would be a hedge, and no share of what moves alike.
    case.view.set_scores(1, 10.0, 10.0)
    assert [(i.market, i.side) for i in case.entries(33)] == [(1, SELL)]


def test_stop_and_target_come_from_the_volatility_within_bounds() -> None:
    for sigma, stop_bps in ((1e-6, 20.0), (0.001, 2.0 * 0.001 * 30.0**0.5 * 10_000.0), (0.1, 300.0)):
        case = Case(hold_ms=0, terms=Terms(costs_min=0.0))
        case.view.set_facts(0, bid_ticks=100_000, ask_ticks=100_002, sigma=sigma)
        case.view.set_scores(0, *UP)
        (intent,) = case.entries(0)
        assert (100_002 - intent.stop_ticks) / 100_001 * 10_000 == pytest.approx(stop_bps, abs=0.2)
        assert (intent.target_ticks - 100_002) / 100_001 * 10_000 == pytest.approx(2 * stop_bps, abs=0.2)


def held(case: Case, side: int = BUY) -> None:
    score = 80.0 if side == BUY else 20.0
    case.view.set_scores(0, score, score)
    assert case.entries(0)
    case.view.open(0, side, 10, 1000.0, "sniper", 900 if side == BUY else 1100)
    assert not case.at(1)


@pytest.mark.parametrize("side", [BUY, SELL])
def test_a_position_is_left_when_its_score_stays_weak(side: int) -> None:
    case = Case(hold_ms=0)
    held(case, side)

    def score(value: float) -> None:
        value = value if side == BUY else 100.0 - value
        case.view.set_scores(0, value, value)

    score(46.0)
    assert not case.at(10)
    score(44.0)
    assert not case.at(11) and not case.at(13.9)
    score(46.0)
    assert not case.at(14), "it came back"
    score(44.0)
    assert not case.at(15) and not case.at(17.9)
    assert not case.told()["exit.decay"].passed
    (intent,) = case.at(18)
    assert (
        isinstance(intent, Intent)
        and cause(intent.reasons) == "exit.decay"
        and intent.score == pytest.approx(44.0)
    )
    assert any(r.name == "points.up" for r in intent.reasons)


def test_a_score_that_is_not_ready_leaves_nothing() -> None:
    case = Case(hold_ms=0)
    held(case)
    case.view.set_scores(0, 10.0, 10.0)
    case.view.masks[0] = 0
    assert not case.at(10) and not case.at(20)
    case.view.masks[0] = 15
    assert not case.at(21) and case.at(24)


def test_explain_of_what_is_held_says_what_would_end_it() -> None:
    case = Case(hold_ms=0)
    held(case)
    case.view.raw[0] = {"macd": 1.5}
    told = case.told()
    assert {"exit.stop", "exit.target", "exit.time", "exit.decay"} <= set(told)
    assert told["exit.stop"] == Reason("exit.stop", 1000.0, 900.0, False)
    assert told["part.macd"].found == 1.5 and "exit.stop" not in case.told(1)


def test_an_entry_that_came_to_nothing_may_be_asked_for_again() -> None:
    case = Case(hold_ms=0)
    case.view.set_scores(0, *UP)
    assert case.entries(0) and not case.at(4)
    assert not case.at(5) and case.closed() == ["gate.cooldown"]
    assert not case.at(9.9)
    assert case.entries(10)


def test_after_an_exit_the_score_must_have_been_down_before_the_next_entry() -> None:
    case = Case(hold_ms=0, terms=Terms(cooldown_s=1.0))
    held(case)
    case.view.close(0)
    assert not case.at(10) and not case.at(20) and case.closed() == ["gate.distinct"]
    case.view.set_scores(0, 50.0, 50.0)
    case.at(21)
    case.view.set_scores(0, *UP)
    assert case.entries(22)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"weights": (("nothing", 1.0),)}, "nothing, which does not exist"),
        ({"leave_score": 70.0}, "leave_score <= enter_score"),
        ({"leave_score": 45.0, "exit_score": 40.0}, "50 <= leave_score"),
        ({"exit_score": 60.0}, "exit_score is not below"),
        ({"stop_bps_min": 400.0}, "stop_bps_min <= stop_bps_max"),
        ({"hold_ms": -1}, "hold_ms = -1"),
        ({"correlation_samples": 5}, "correlation_samples_min <= correlation_samples"),
        ({"terms": Terms(weight_max=0.9)}, "weight_max <= weight_side_max"),
        ({"terms": Terms(weight_max=-0.9)}, "weight_max = -0.9"),
        ({"enter_score": float("nan")}, "enter_score = nan"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as error:
        Case(**changes)
    assert said in str(error.value)
