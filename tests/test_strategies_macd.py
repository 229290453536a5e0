"""strategies.macd: crossings, the window they open, stops that follow, sizes that fit the risk."""

from __future__ import annotations

from typing import Any

import pytest

from sniper.errors import ConfigError
from sniper.handview import START_NS, HandView
from sniper.strategies.holdings import cause
from sniper.strategies.macd import Macd
from sniper.strategies.macd_study import MacdSettings
from sniper.strategies.terms import Terms
from sniper.trading import BUY, SELL, Intent, Reason, Withdraw

BAR = 300.0  # seconds
BEGIN_NS = START_NS // 300_000_000_000 * 300_000_000_000
GOOD = {
    "atr": 0.5,
    "adx": 40.0,
    "plus_di": 30.0,
    "minus_di": 10.0,
    "volume": 200.0,
    "bollinger_width": 0.02,
    "close": 100.0,
}


class Case:
    """The strategy on two markets; bar(h) closes a bar with this histogram in the next bucket of time."""

    def __init__(self, **changes: Any) -> None:
        self.view, self.strategy = HandView(2), Macd((), (), MacdSettings()._replace(**changes))
        self.bars = 100
        for market in (0, 1):
            for resolution in (2, 4):
                self.view.set_indicators(market, resolution, **(GOOD | {"histogram": 0.2}))
        self.seconds = 0.0

    def frames(self, histogram: float) -> None:
        for market in (0, 1):
            for resolution in (2, 4):
                self.view.set_indicators(market, resolution, histogram=histogram)

    def at(self, seconds: float, *changed: int) -> list[Intent | Withdraw]:
        """So many seconds after the last bar closed."""
        now_ns = BEGIN_NS + round((self.seconds + seconds) * 1e9)
        return list(self.strategy.decide(self.view.at(now_ns, changed or (0,))))

    def bar(self, histogram: float, market: int = 0, **changes: Any) -> list[Intent | Withdraw]:
        self.seconds += BAR
        self.bars += 1
        before = self.view.indicators(market, 1).histogram
        given = GOOD | {"histogram": histogram, "previous_histogram": before, "bars": self.bars} | changes
        self.view.set_indicators(market, 1, **given)
        return self.at(1.0, market)

    def told(self, market: int = 0) -> dict[str, Reason]:
        return {r.name: r for r in self.strategy.explain(self.view, market)}

    def closed(self, market: int = 0) -> list[str]:
        return [n for n, r in self.told(market).items() if n.startswith("gate.") and not r.passed]


def only(wanted: list[Intent | Withdraw]) -> Intent:
    (intent,) = wanted
    assert isinstance(intent, Intent)
    return intent


def test_a_crossing_up_is_bought_and_one_down_sold() -> None:
    case = Case()
    assert not case.bar(-0.2)
    intent = only(case.bar(0.2))
    assert (intent.side, intent.purpose, intent.strategy) == (BUY, "entry", "macd")
    # A strong trend: the stop stands 2.5 ATRs of 5 ticks off, the target 6.
    assert (intent.stop_ticks, intent.target_ticks) == (1001 - 13, 1001 + 30)
    assert {"gate.cross", "gate.frames", "gate.score", "filter.bar_volume", "regime"} <= {
        r.name for r in intent.reasons
    }
    case = Case()
    case.frames(-0.2)
    assert not case.bar(0.2)
    intent = only(case.bar(-0.2, plus_di=10.0, minus_di=30.0))
    assert (intent.side, intent.stop_ticks, intent.target_ticks) == (SELL, 1000 + 13, 1000 - 30)


def test_no_crossing_no_entry() -> None:
    case = Case()
    assert not case.bar(0.2) and not case.bar(0.3) and not case.bar(0.1)
    assert "gate.cross" in case.closed()


def test_at_the_beginning_the_sign_before_is_that_of_the_bar_before() -> None:
    for before, entries in ((-0.1, 1), (0.1, 0), (0.0, 0)):
        case = Case()
        case.view.set_indicators(0, 1, histogram=before)
        assert len(case.bar(0.2)) == entries


def test_a_histogram_of_exactly_nothing_has_the_sign_of_the_one_before() -> None:
    case = Case()
    case.bar(-0.2)
    assert not case.bar(0.0)
    assert only(case.bar(0.2)).side == BUY
    case = Case()
    case.bar(0.2)
    assert not case.bar(0.0) and not case.bar(0.2)


def test_a_crossing_counts_for_some_bars() -> None:
    for late, entries in ((1, 1), (2, 1), (3, 0)):
        case = Case()
        case.bar(-0.2)
        for _ in range(late):
            assert not case.bar(0.2, adx=5.0)
        assert len(case.bar(0.2)) == entries
        assert ("gate.cross" in case.closed()) == (not entries)


def test_a_crossing_gives_one_entry() -> None:
    case = Case()
    case.bar(-0.2)
    assert case.bar(0.2) and not case.at(2.0)
    case.view.open(0, BUY, 10, 1000.0, "macd")
    case.at(3.0)
    case.view.close(0)
    assert not case.at(4.0) and not case.bar(0.2)
    assert case.closed() == ["gate.distinct"]


def test_an_entry_that_came_to_nothing_may_be_asked_for_again_while_the_crossing_counts() -> None:
    case = Case()
    case.bar(-0.2)
    assert case.bar(0.2)
    assert not case.at(7.0) and case.closed() == ["gate.cooldown"]
    assert case.at(12.0)
    assert not case.bar(0.2)
    case.bar(0.2)
    case.bar(0.2)
    assert not case.at(20.0), "the crossing is too old"


def test_while_bars_allow_an_entry_the_book_is_asked_again_from_time_to_time() -> None:
    case = Case(try_ms=1_000)
    case.view.set_facts(0, trust="stale")
    case.bar(-0.2)
    assert not case.bar(0.2) and case.closed() == ["gate.book", "gate.price"]
    case.view.set_facts(0, trust="live")
    assert not case.at(1.5) and case.closed() == ["gate.try"]
    assert case.told()["gate.try"].found == pytest.approx(0.5)
    assert case.at(2.0)


def test_a_bucket_of_time_is_asked_for_one_bar_only() -> None:
    case = Case()
    asked: list[int] = []
    inner = case.view.indicators
    case.view.indicators = lambda market, resolution: (asked.append(resolution), inner(market, resolution))[1]  # type: ignore[method-assign]
    case.at(0.0)
    case.bar(-0.2)
    asked.clear()
    for second in range(2, 200):
        case.at(second)
    assert not asked
    case.at(BAR + 1.0)
    case.at(BAR + 2.0)
    assert asked == [1, 1], "as long as the bar of that bucket is not there"


def test_bars_that_begin_anew_forget_the_crossing() -> None:
    case = Case()
    case.bar(-0.2)
    case.bar(0.2, adx=5.0)
    case.bars = 40
    assert not case.bar(0.2) and "gate.cross" in case.closed()


def test_bars_that_are_not_warm_decide_nothing() -> None:
    case = Case()
    case.bar(-0.2)
    assert not case.bar(0.2, warm=False)
    assert only(case.bar(0.2, warm=True)).side == BUY, "the sign before is the last one that was known"


def test_the_best_score_comes_first() -> None:
    case = Case(terms=Terms(positions_max=1))
    case.bar(-0.2)
    case.bar(-0.2, market=1)
    case.view.set_indicators(0, 1, bars=999, histogram=0.2, previous_histogram=-0.2, plus_di=20.0)
    case.view.set_indicators(1, 1, bars=999, histogram=0.2, previous_histogram=-0.2)
    assert only(case.at(BAR + 1.0, 0, 1)).market == 1
    assert "gate.rank" in case.closed(0)


def test_the_share_is_what_loses_the_risk_at_the_stop() -> None:
    case = Case(risk_bps=20.0)
    case.bar(-0.2)
    intent = only(case.bar(0.2))
    assert intent.weight == pytest.approx(20.0 / (12.5 / 1000.5 * 10_000))
    case = Case(risk_bps=200.0, terms=Terms(weight_max=0.2))
    case.bar(-0.2)
    assert only(case.bar(0.2)).weight == 0.2


class Held(Case):
    def __init__(self, side: int = BUY, **changes: Any) -> None:
        super().__init__(**changes)
        sign = 1.0 if side == BUY else -1.0
        self.frames(0.2 * sign)
        self.bar(-0.2 * sign)
        wanted = self.bar(0.2 * sign, plus_di=20.0 + 10.0 * sign, minus_di=20.0 - 10.0 * sign)
        assert only(wanted).side == side
        self.view.open(0, side, 10, 1000.0, "macd")
        assert not self.at(2.0)


@pytest.mark.parametrize("side", [BUY, SELL])
def test_a_histogram_that_turns_ends_a_position(side: int) -> None:
    case = Held(side)
    sign = 1.0 if side == BUY else -1.0
    assert not case.bar(0.01 * sign)
    assert not case.bar(0.0)
    assert cause(only(case.bar(-0.01 * sign)).reasons) == "exit.histogram"


@pytest.mark.parametrize("side", [BUY, SELL])
def test_the_stop_follows_a_position_that_is_far_enough_in_profit(side: int) -> None:
    """In a strong trend 3 ATRs of 5 ticks."""
    case = Held(side)
    sign = 1 if side == BUY else -1

    def price(off: int, best: int) -> list[Intent | Withdraw]:
        at = 1000 + sign * off
        case.view.set_facts(
            0, bid_ticks=at if side == BUY else at - 1, ask_ticks=at + 1 if side == BUY else at
        )
        case.view.trips[0] = case.view.trips[0]._replace(best_ticks=1000.0 + sign * best)
        return case.at(case.view.tick + 3.0)

    assert not price(-1, 14), "14 ticks of profit are less than the distance"
    assert not price(1, 15)
    assert not price(6, 20)
    assert cause(only(price(5, 20)).reasons) == "exit.trail"


def test_a_position_is_left_after_so_many_bars() -> None:
    case = Held(hold_max_bars=2)
    assert not case.bar(0.2)
    assert cause(only(case.bar(0.2)).reasons) == "exit.time"


def test_explain_of_what_is_held_says_what_would_end_it() -> None:
    case = Held()
    told = case.told()
    assert {"exit.stop", "exit.target", "exit.time", "exit.histogram", "exit.trail", "part.macd"} <= set(told)
    assert case.strategy.resolutions == (1, 2, 4)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"resolution": "2MINS"}, '"2MINS" is not one of 1MIN'),
        ({"confirm": ("1MIN",)}, "not longer than resolution"),
        ({"confirm_min": 3}, "confirm_min is more"),
        ({"adx_ranging": 50.0}, "adx_ranging is not below"),
        ({"enter_score": (40.0, 60.0)}, "enter_score is below 50"),
        ({"atr_bps_min": 300.0}, "atr_bps_min is not below"),
        ({"weights": (("price", 1.0),)}, "price, which does not exist"),
        ({"stop_atr": (0.0, 1.0)}, "stop_atr"),
        ({"window_bars": 0}, "window_bars"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as error:
        Case(**changes)
    assert said in str(error.value)
