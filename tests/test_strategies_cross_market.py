"""strategies.cross_market: spreads with both legs, followers, and no order unless it is enabled."""

from __future__ import annotations

from typing import Any

import pytest

from sniper.errors import ConfigError
from sniper.handview import START_NS, HandView
from sniper.strategies.cross_market import CrossMarket
from sniper.strategies.holdings import cause
from sniper.strategies.pair_table import CrossMarketSettings
from sniper.strategies.terms import Terms
from sniper.trading import BUY, SELL, Intent, Reason, Withdraw

SECOND = 1_000_000_000
FREE = Terms(taker_fee_ppm=0.0, spread_bps_max=50.0, weight_max=0.2)
BASE = {
    "pairs": (("A-USD", "B-USD"),),
    "sample_s": 1.0,
    "window": 40,
    "samples_min": 20,
    "hold_ms": 0,
    "trade_spreads": True,
    "terms": FREE,
}
WAVE = (0, 20, 0, -20)


class Case:
    """A-USD waves around 10,000 ticks by 20, B-USD stands still: z is known after 20 samples."""

    def __init__(self, warm: int = 40, **changes: Any) -> None:
        self.view = HandView(3)
        self.strategy = CrossMarket((), (), CrossMarketSettings(**(BASE | changes)))
        self.seconds = 0
        for market in range(3):
            self.price(market, 10_000)
        for second in range(warm):
            self.price(0, 10_000 + WAVE[second % 4])
            assert not self.step()

    def price(self, market: int, bid: int) -> None:
        self.view.set_facts(market, bid_ticks=bid, ask_ticks=bid + 2)

    def step(self, *changed: int, seconds: int = 1) -> list[Intent | Withdraw]:
        self.seconds += seconds
        view = self.view.at(START_NS + self.seconds * SECOND, changed or None)
        return list(self.strategy.decide(view))

    def told(self, market: int = 0) -> dict[str, Reason]:
        return {r.name: r for r in self.strategy.explain(self.view, market)}

    def closed(self, market: int = 0) -> list[str]:
        return [n for n, r in self.told(market).items() if n.startswith("gate.") and not r.passed]


def legs(wanted: list[Intent | Withdraw], purpose: str = "entry") -> list[tuple[int, int]]:
    assert all(isinstance(one, Intent) and one.purpose == purpose for one in wanted)
    return [(one.market, one.side) for one in wanted if isinstance(one, Intent)]


@pytest.mark.parametrize(("bid", "sides"), [(10_050, (SELL, BUY)), (9_950, (BUY, SELL))])
def test_the_dear_leg_is_sold_and_the_cheap_one_bought_with_equal_shares(
    bid: int, sides: tuple[int, int]
) -> None:
    case = Case()
    case.price(0, bid)
    assert [case.told(m)["side"].found for m in (0, 1)] == [1.0 if side == BUY else -1.0 for side in sides]
    wanted = case.step()
    assert legs(wanted) == [(0, sides[0]), (1, sides[1])]
    first, second = wanted
    assert isinstance(first, Intent) and isinstance(second, Intent)
    assert first.weight == second.weight == 0.2 and first.reasons == second.reasons
    assert first.time_in_force == "ioc" and first.stop_ticks and not first.target_ticks
    assert {"gate.z", "gate.other_book", "gate.book"} <= {r.name for r in first.reasons}
    assert first.score > 75.0


def test_a_spread_within_its_band_is_left_alone() -> None:
    case = Case()
    case.price(0, 10_020)
    assert not case.step() and case.closed() == ["gate.z"]
    assert {"z.A-USD/B-USD", "score.A-USD/B-USD", "first_leads.A-USD/B-USD"} <= set(case.told(1))
    assert case.told(2) == {"gate.pair": Reason("gate.pair", 0.0, 1.0, False)}


@pytest.mark.parametrize(
    ("changes", "facts", "gate"),
    [
        ({"trade_spreads": False}, {}, "gate.enabled"),
        ({"samples_min": 40}, {}, "gate.samples"),
        ({"enter_z": 2.0, "leave_z": 1.5, "stop_z": 2.5}, {}, "gate.not_broken"),
        ({"terms": FREE._replace(taker_fee_ppm=5_000.0)}, {}, "gate.costs"),
        ({"terms": FREE._replace(positions_max=1)}, {}, "gate.rank"),
        ({"hold_ms": 5_000}, {}, "gate.hold"),
        ({}, {"status": "PAUSED"}, "gate.other_status"),
        ({}, {"oracle_usd": 0.0}, "gate.other_oracle"),
        ({}, {"trust": "stale"}, "gate.other_book"),
    ],
)
def test_each_gate_of_a_spread(changes: dict[str, Any], facts: dict[str, Any], gate: str) -> None:
    case = Case(warm=38, **changes)
    case.price(0, 10_050)
    case.view.set_facts(1, **facts)
    assert not case.step()
    assert gate in case.closed()


def test_pairs_that_were_not_listed_must_move_alike() -> None:
    found = []
    for alike in (True, False):
        case = Case(warm=0, pairs=(), universe_max=2, correlation_min=0.5, select_s=1.0)
        case.view.set_facts(2, open_interest_usd=0.0)
        for second in range(60):
            case.price(0, 10_000 + 10 * (second % 7))
            case.price(1, 10_000 + (10 * (second % 7) if alike else 10 * (second % 5)))
            case.step()
        found.append("gate.correlation" not in case.closed())
    assert found == [True, False]


class Held(Case):
    """Both legs are open: A-USD sold at 10,050, B-USD bought."""

    def __init__(self, **changes: Any) -> None:
        super().__init__(**changes)
        self.price(0, 10_050)
        assert legs(self.step()) == [(0, SELL), (1, BUY)]
        self.view.open(0, SELL, 10, 10_050.0, "cross_market")
        self.view.open(1, BUY, 10, 10_002.0, "cross_market")
        assert not self.step()


def test_both_legs_are_left_when_the_spread_is_back() -> None:
    case = Held()
    case.price(0, 10_005)
    wanted = case.step()
    assert legs(wanted, "exit") == [(0, BUY), (1, SELL)]
    assert isinstance(wanted[0], Intent) and cause(wanted[0].reasons) == "exit.back"
    assert {"exit.back", "exit.broken", "exit.alone"} <= set(case.told(0))


def test_both_legs_are_left_when_the_spread_is_broken() -> None:
    case = Held()
    case.price(0, 10_400)
    wanted = case.step()
    assert legs(wanted, "exit") == [(0, BUY), (1, SELL)]
    assert isinstance(wanted[0], Intent) and cause(wanted[0].reasons) == "exit.broken"


def test_a_spread_that_is_not_known_any_more_is_neither_back_nor_broken() -> None:
    case = Held()
    case.strategy._table.pairs[1].samples = 0
    assert not case.step()


def test_a_spread_that_came_to_nothing_may_be_asked_for_again() -> None:
    case = Case(terms=FREE._replace(answer_s=2.0, retry_s=0.0))
    case.price(0, 10_050)
    assert len(case.step()) == 2 and not case.step()
    assert legs(case.step()) == [(0, SELL), (1, BUY)]


def test_both_legs_together_stay_within_the_caps() -> None:
    case = Case(terms=FREE._replace(weight_total_max=0.3, weight_side_max=0.25))
    case.price(0, 10_050)
    assert [one.weight for one in case.step() if isinstance(one, Intent)] == pytest.approx([0.15, 0.15])
    case = Case(terms=FREE._replace(weight_total_max=0.3, weight_side_max=0.25))
    case.view.open(2, BUY, 10, 10_000.0, "other")
    case.price(0, 10_050)
    assert [one.weight for one in case.step() if isinstance(one, Intent)] == pytest.approx([0.05, 0.05])


def test_a_leg_that_is_alone_is_left() -> None:
    case = Case()
    case.price(0, 10_050)
    case.step()
    case.view.open(1, BUY, 10, 10_002.0, "cross_market")
    for _ in range(4):
        assert not case.step(), "the other leg may still come"
    case.step()
    assert legs(case.step(), "exit") == [(1, SELL)]
    case = Held()
    case.view.close(0)
    case.step()
    assert legs(case.step(), "exit") == [(1, SELL)]
    case = Held()
    case.strategy._holdings.held[0].closing = "exit.stop"
    assert (1, SELL) in legs(case.step(), "exit")


def test_a_leg_whose_pair_is_not_known_any_more_is_left() -> None:
    case = Case()
    case.view.open(2, BUY, 10, 10_000.0, "cross_market")
    assert legs(case.step(), "exit") == [(2, SELL)]


def test_a_spread_gives_one_entry_until_it_was_back() -> None:
    case = Held(terms=FREE._replace(cooldown_s=0.0))
    case.view.close(0)
    case.view.close(1)
    case.price(0, 10_055)
    case.step()
    assert not case.step() and "gate.distinct" in case.closed()
    case.price(0, 10_000)
    case.step()
    case.price(0, 10_080)
    assert len(case.step()) == 2


def follower(enabled: bool = True, costs_min: float = 0.5) -> Case:
    """B-USD repeats what A-USD did one sample before; A-USD has just jumped. Orders are enabled only then."""
    terms = FREE._replace(costs_min=costs_min)
    case = Case(warm=0, window=200, trade_spreads=False, lag_sigmas=1.5, lag_min=0.5, terms=terms)
    before = 10_000
    for second in range(60):
        case.price(1, before)
        before = 10_000 + (7, -5, 11, -9, 3, 8)[second * second % 6] * (second % 3)
        case.price(0, before)
        case.step()
    case.price(0, 10_100)
    case.price(1, before)
    assert not case.step()
    case.strategy._settings = case.strategy._settings._replace(trade_lag=enabled)
    return case


def test_a_follower_is_entered_on_the_move_of_its_leader() -> None:
    case = follower()
    wanted = case.step(1)
    assert legs(wanted) == [(1, BUY)]
    (intent,) = wanted
    assert isinstance(intent, Intent) and intent.target_ticks > 10_012
    assert {"gate.leads", "gate.move", "gate.costs"} <= {r.name for r in intent.reasons}
    case.view.open(1, BUY, 10, 10_002.0, "cross_market")
    assert not case.step(1, seconds=20)
    wanted = case.step(1, seconds=11)
    assert legs(wanted, "exit") == [(1, SELL)]
    assert isinstance(wanted[0], Intent) and cause(wanted[0].reasons) == "exit.lag"


@pytest.mark.parametrize(
    ("changes", "gate"), [({"costs_min": 100.0}, "lag.costs"), ({"enabled": False}, "lag.enabled")]
)
def test_a_follower_is_entered_only_if_it_is_worth_it_and_orders_are_enabled(
    changes: dict[str, Any], gate: str
) -> None:
    case = follower(**changes)
    assert not case.step(1)
    assert [n for n, r in case.told(1).items() if n.startswith("lag.") and not r.passed] == [gate]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"exit_z": 2.2}, "exit_z < leave_z"),
        ({"samples_min": 50}, "samples_min is more than window"),
        ({"terms": Terms(entry="post_only")}, "entry must be ioc"),
        ({"pairs": (("A-USD", "A-USD"),)}, "the same market twice"),
        ({"universe_max": 1}, "universe_max"),
        ({"pairs": (("A-USD", "B-USD"),) * 257}, "pairs = "),
    ],
)
def test_settings_that_cannot_be_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as error:
        Case(warm=0, **changes)
    assert said in str(error.value)


def test_a_state_that_names_a_pair_it_does_not_hold_is_refused() -> None:
    case = Case()
    case.price(0, 10_050)
    case.step()
    case.strategy._table.pairs.clear()
    with pytest.raises(ValueError, match="does not hold"):
        case.strategy.load(case.strategy.save())
