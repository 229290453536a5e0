"""strategies.funding: which side is paid, what it must earn, and rates that are used for nothing."""

from __future__ import annotations

from typing import Any

import pytest

from sniper.errors import ConfigError
from sniper.handview import START_NS, HandView
from sniper.strategies.funding import Funding, FundingSettings
from sniper.strategies.holdings import cause
from sniper.strategies.terms import Terms
from sniper.trading import BUY, SELL, Intent, Reason, Withdraw

HOUR = 3_600_000_000_000
BEGIN_NS = START_NS // HOUR * HOUR + HOUR // 2
GOOD = {"expected": 0.002, "realised": 0.002, "samples": 30, "age_ns": 10_000_000_000, "stale": False}


class Case:
    """Half an hour ahead of the payment, on two markets that pay nothing yet."""

    def __init__(self, **changes: Any) -> None:
        settings = FundingSettings()._replace(hold_hours=10.0, hold_ms=0, check_s=1.0, **changes)
        self.view, self.strategy = HandView(2), Funding((), (), settings)
        for market in (0, 1):
            self.view.set_facts(market, bid_ticks=99_990, ask_ticks=100_010)  # 2 bps
            self.view.set_funding(market, next_ns=BEGIN_NS + HOUR // 2, samples=30, age_ns=10**10)

    def at(self, seconds: float, *changed: int) -> list[Intent | Withdraw]:
        now_ns = BEGIN_NS + round(seconds * 1e9)
        return list(self.strategy.decide(self.view.at(now_ns, changed or (0, 1))))

    def told(self, market: int = 0) -> dict[str, Reason]:
        return {r.name: r for r in self.strategy.explain(self.view, market)}

    def closed(self, market: int = 0) -> list[str]:
        return [n for n, r in self.told(market).items() if n.startswith("gate.") and not r.passed]


def only(wanted: list[Intent | Withdraw]) -> Intent:
    (intent,) = wanted
    assert isinstance(intent, Intent)
    return intent


@pytest.mark.parametrize(("sign", "side"), [(1.0, SELL), (-1.0, BUY)])
def test_the_side_that_is_paid_is_entered(sign: float, side: int) -> None:
    case = Case()
    assert not case.at(0)
    case.view.set_funding(1, expected=0.002 * sign, realised=0.002 * sign)
    intent = only(case.at(1))
    assert (intent.market, intent.side, intent.purpose, intent.target_ticks) == (1, side, "entry", 0)
    # Needed an hour: 12 bps of fees and spread over 10 hours, and 0.01 of 0.001 x sqrt 60.
    needed = 0.0012 / 10 + 0.01 * 0.001 * 60**0.5
    told = {r.name: r for r in intent.reasons}
    assert told["rate"] == Reason("rate", pytest.approx(0.002), pytest.approx(needed), True)
    assert intent.score == pytest.approx(100 * 0.002 / (0.002 + needed))


def test_costs_and_risk_decide_what_pays() -> None:
    """The same rate is enough for a calm market and not for a wild one, over ten hours and not over one."""
    for changes, facts, entries in (
        ({}, {}, 1),
        ({}, {"sigma": 0.02}, 0),
        ({"risk_share": 0.0}, {"sigma": 0.02}, 1),
        ({"terms": Terms(taker_fee_ppm=15_000.0)}, {}, 0),
    ):
        case = Case(**changes)
        case.view.set_funding(0, expected=0.001, realised=0.001)
        case.view.set_facts(0, **facts)
        wanted = case.at(0)
        assert len(wanted) == entries
        if not entries:
            assert "gate.score" in case.closed()


def test_only_what_was_really_paid_is_expected_to_last() -> None:
    rates = []
    for realised in (0.002, 0.001, 0.0, -0.002):
        case = Case()
        case.view.set_funding(0, expected=0.002, realised=realised)
        rates.append(case.told()["rate"].found)
    assert rates == pytest.approx([0.002, (0.002 + 9 * 0.001) / 10, 0.0002, 0.0002])


@pytest.mark.parametrize(
    ("changes", "gate"),
    [
        ({"stale": True}, "gate.fresh"),
        ({"samples": 14}, "gate.samples"),
        ({"age_ns": 151 * 10**9}, "gate.age"),
        ({"age_ns": -1}, "gate.age"),
        ({"expected": 0.02}, "gate.believable"),
        ({"realised": 0.02}, "gate.believable"),
        ({"expected": float("nan")}, "gate.believable"),
        ({"next_ns": BEGIN_NS + 19 * 10**9}, "gate.not_too_late"),
        ({"next_ns": BEGIN_NS + 2401 * 10**9}, "gate.not_too_early"),
        ({"expected": 0.0001}, "gate.score"),
    ],
)
def test_each_gate_of_a_rate(changes: dict[str, Any], gate: str) -> None:
    case = Case()
    case.view.at(BEGIN_NS)
    case.view.set_funding(0, **GOOD)
    assert not case.closed()
    case.view.set_funding(0, **changes)
    assert not case.at(0) and gate in case.closed()
    case.view.set_funding(0, **(GOOD | {"next_ns": BEGIN_NS + HOUR // 2}))
    assert case.at(1)


def test_a_rate_must_be_good_for_a_while_and_is_looked_at_now_and_then() -> None:
    case = Case()
    case.strategy = Funding((), (), FundingSettings(hold_ms=10_000, check_s=5.0))
    case.view.set_funding(0, **GOOD)
    asked: list[int] = []
    inner = case.view.funding
    case.view.funding = lambda market: (asked.append(market), inner(market))[1]  # type: ignore[method-assign]
    for tenth in range(0, 99):
        assert not case.at(tenth / 10.0, 0)
    assert asked == [0, 0]
    assert case.at(10.0, 0)


def test_the_best_pays_first_and_shares_grow_with_it() -> None:
    case = Case(terms=Terms(positions_max=1, weight_max=0.2))
    case.view.set_funding(0, **GOOD)
    case.view.set_funding(1, **(GOOD | {"expected": 0.004, "realised": 0.004}))
    assert only(case.at(0)).market == 1
    assert "gate.rank" in case.closed(0)
    weak = Case()
    weak.view.set_funding(0, **(GOOD | {"expected": 0.0004, "realised": 0.0004}))
    strong = Case()
    strong.view.set_funding(0, **GOOD)
    assert only(weak.at(0)).weight < only(strong.at(0)).weight


class Held(Case):
    def __init__(self) -> None:
        super().__init__()
        self.view.set_funding(0, **GOOD)
        assert only(self.at(0)).side == SELL
        self.view.open(0, SELL, 10, 100_000.0, "funding", stop_ticks=103_000)
        assert not self.at(1)


def test_a_position_is_left_when_it_no_longer_pays() -> None:
    case = Held()
    needed = case.told()["rate"].needed
    case.view.set_funding(0, expected=0.31 * needed, realised=0.31 * needed)
    assert not case.at(2), "less than an entry needs, but more than nothing"
    case.view.set_funding(0, expected=0.29 * needed, realised=0.29 * needed)
    intent = only(case.at(3))
    assert cause(intent.reasons) == "exit.unpaid" and intent.side == BUY


def test_a_position_is_left_when_it_has_to_pay() -> None:
    case = Held()
    case.view.set_funding(0, expected=-0.002, realised=-0.002)
    assert cause(only(case.at(2)).reasons) == "exit.unpaid"


@pytest.mark.parametrize("bad", [{"stale": True}, {"samples": 3}, {"age_ns": 10**12}])
def test_a_rate_that_is_used_for_nothing_ends_nothing(bad: dict[str, Any]) -> None:
    case = Held()
    case.view.set_funding(0, **(bad | {"expected": -0.002, "realised": -0.002}))
    assert not case.at(2)
    assert not case.told()["exit.unpaid"].passed
    case.view.set_facts(0, bid_ticks=102_999, ask_ticks=103_000)
    assert cause(only(case.at(3)).reasons) == "exit.stop"


def test_explain_of_what_is_held_says_what_would_end_it() -> None:
    case = Held()
    told = case.told()
    assert {"exit.stop", "exit.time", "exit.unpaid", "part.expected"} <= set(told)
    assert "exit.unpaid" not in case.told(1)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"leave_score": 40.0}, "50 <= leave_score"),
        ({"lead_s_min": 3000.0}, "lead_s_min < lead_s_max"),
        ({"stop_bps_min": 900.0}, "stop_bps_min <= stop_bps_max"),
        ({"samples_min": 0}, "samples_min = 0"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as error:
        Case(**changes)
    assert said in str(error.value)
    with pytest.raises(ConfigError, match="less than one payment"):
        Funding((), (), FundingSettings(hold_hours=0.5))
