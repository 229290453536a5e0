"""risk_protect: every position has its stop on the chain, where the venue grants a slot."""

from __future__ import annotations

from typing import Any

import pytest

from sniper.order_table import misfit
from sniper.risk_settings import GateSettings, ProtectionSettings, RiskSettings
from sniper.trading import BUY, SELL, Answer, Intent, Trip, Withdraw
from tests.ordering import news
from tests.risking import BTC, ETH, USD, Scene


def look(scene: Scene) -> list[Intent | Withdraw]:
    """What protection asks for, a quarter of a second later."""
    scene.later(0.25)
    return list(scene.risk.protect(scene.view))


def protect(scene: Scene) -> list[Intent]:
    """What protection asks for, sent and accepted."""
    wanted = look(scene)
    for command in scene.send(*wanted):
        verb = "place" if hasattr(command, "size_steps") else "cancel"
        scene.orders.apply((), (), [Answer(verb, command.client_id, 0, "")], scene.view.now_ns, 0, 0)
        order = scene.orders.of(command.client_id)
        if verb == "cancel" and order:
            scene.orders.apply([news(order, "CANCELED")], (), (), scene.view.now_ns, 0, 0)
    return [one for one in wanted if isinstance(one, Intent)]


def trip(market: int, side: int, stop: int) -> Trip:
    return Trip(1, market, side, 100, 100_000.0, 0, stop, 0, 100_000.0, "sniper", "score")


def test_a_position_gets_a_stop_that_the_chain_will_take() -> None:
    scene = Scene(usdc=1_000 * USD)
    scene.hold(BTC, 300)
    scene.hold(ETH, -500)
    first, second = protect(scene)
    assert [misfit(one) for one in (first, second)] == ["", ""]
    assert (first.market, first.side, first.size_steps, first.kind, first.trigger) == (BTC, SELL, 300, "conditional",
                                                                                     "stop_loss")  # fmt: skip
    assert (second.market, second.side, second.purpose, second.reduce_only) == (ETH, BUY, "protect", True)
    # liquidation of BTC 940 USD away on 2,964: 31.7 %; 60 % of that is more than the most allowed, 15 %
    assert first.trigger_ticks == 85_000 and first.price_ticks == 80_750
    assert second.trigger_ticks == 46_000 and second.price_ticks == 48_300
    assert look(scene) == [] and scene.risk.unprotected == ()


def test_near_liquidation_the_stop_lies_on_the_way_there() -> None:
    scene = Scene(usdc=300 * USD)
    scene.hold(BTC, 300)  # 10x: 264 USD of 2,964: 8.9 %
    (one,) = protect(scene)
    assert one.trigger_ticks == pytest.approx(100_000 * (1 - 0.6 * 264 / 2964), abs=2)


def test_the_strategys_stop_counts_if_it_is_nearer() -> None:
    scene = Scene()
    scene.hold(BTC, 100)
    scene.view.trips[BTC] = trip(BTC, 0, 97_000)
    (one,) = protect(scene)
    assert one.trigger_ticks == 97_000
    scene.view.trips[BTC] = trip(BTC, 0, 97_400)  # 0.4 %: not worth another order
    assert look(scene) == []
    scene.view.trips[BTC] = trip(BTC, 0, 98_000)
    (one,) = protect(scene)
    assert one.trigger_ticks == 98_000
    (old,) = look(scene)
    assert old == Withdraw(1, "another stop stands")
    scene.view.trips[BTC] = trip(BTC, 0, 60_000)
    assert [one.trigger_ticks for one in protect(scene)] == []  # 98,000 is where a stop may stay


def test_a_short_has_its_stop_above() -> None:
    scene = Scene()
    scene.hold(BTC, -100)
    scene.view.trips[BTC] = trip(BTC, 1, 103_000)
    (one,) = protect(scene)
    assert (one.side, one.trigger_ticks, one.price_ticks) == (BUY, 103_000, 108_150)
    scene.view.trips[BTC] = trip(BTC, 1, 102_000)
    assert [one.trigger_ticks for one in protect(scene)] == [102_000]


def test_a_larger_position_gets_a_larger_stop_and_the_old_one_goes_when_the_new_one_stands() -> None:
    scene = Scene()
    scene.hold(BTC, 100)
    protect(scene)
    scene.hold(BTC, 50)
    wanted = look(scene)
    assert [one.size_steps for one in wanted if isinstance(one, Intent)] == [150] and len(wanted) == 1
    scene.send(*wanted)
    assert look(scene) == []  # sent, not accepted yet
    scene.orders.apply((), (), [Answer("place", 2, 0, "")], scene.view.now_ns, 0, 0)
    assert look(scene) == [Withdraw(1, "another stop stands")]


def test_a_smaller_position_keeps_its_stop_and_none_has_none() -> None:
    scene = Scene()
    scene.hold(BTC, 100)
    protect(scene)
    scene.hold(BTC, -40)
    assert look(scene) == []
    scene.hold(BTC, -60)
    assert look(scene) == [Withdraw(1, "no position to protect")]
    protect(scene)
    assert look(scene) == [] and scene.orders.all_open() == ()


def test_the_other_way_round_the_stop_is_wrong() -> None:
    scene = Scene()
    scene.hold(BTC, 100)
    protect(scene)
    scene.hold(BTC, -200)
    (one,) = [one for one in look(scene) if isinstance(one, Intent)]
    assert one.side == BUY


def test_without_a_free_slot_the_old_stop_goes_first_and_what_is_bare_is_said() -> None:
    scene = Scene(RiskSettings(gates=GateSettings(equity_tiers=((0, 1),))))
    scene.hold(BTC, 100)
    scene.hold(ETH, 500)
    (one,) = protect(scene)  # the larger one
    assert one.market == ETH and look(scene) == [] and scene.risk.unprotected == (BTC,)
    assert BTC not in scene.risk.protector.bare, "no slot was free"
    scene.hold(ETH, 500)
    assert look(scene) == [Withdraw(1, "its slot is needed for a better stop")]
    protect(scene)
    assert [one.size_steps for one in protect(scene)] == [1000]
    none = Scene(RiskSettings(gates=GateSettings(equity_tiers=((0, 0),))))
    none.hold(BTC, 100)
    assert look(none) == [] and none.risk.unprotected == (BTC,)


def test_a_position_that_stays_bare_though_a_slot_is_free_is_closed() -> None:
    scene = Scene(RiskSettings(protection=ProtectionSettings(bare_blocks_max=10)))
    scene.hold(BTC, 100)
    scene.hold(ETH, -500)
    for blocks, reductions in ((0, 0), (9, 0), (10, 2), (11, 0), (19, 0), (20, 2)):
        scene.view.height = 100 + blocks
        found = [one for one in look(scene) if isinstance(one, Intent) and one.purpose == "reduce"]
        assert len(found) == reductions, blocks
        scene.risk.load(scene.risk.save())  # it counts on
    first, second = sorted(found, key=lambda one: one.market)
    assert (first.market, first.side, first.size_steps, first.reduce_only) == (BTC, SELL, 100, True)
    assert (second.market, second.side, second.size_steps) == (ETH, BUY, 500)
    assert first.price_ticks == 95_000 and misfit(first) == misfit(second) == ""
    protect(scene)
    look(scene)
    assert scene.risk.unprotected == ()
    scene.view.height += 100
    assert not look(scene)


def test_without_a_slot_nothing_is_closed_for_want_of_a_stop() -> None:
    scene = Scene(RiskSettings(gates=GateSettings(equity_tiers=((0, 0),))))
    scene.hold(BTC, 100)
    for scene.view.height in (100, 200, 300):
        assert look(scene) == [] and scene.risk.unprotected == (BTC,)


def test_two_stops_a_block() -> None:
    scene = Scene(usdc=1_000 * USD)
    scene.hold(BTC, 100)
    scene.hold(ETH, 500)
    scene.risk._pace.add(scene.view.now_ns, 100, "conditional")
    assert len(protect(scene)) == 1 and len(protect(scene)) == 0
    scene.later(1, blocks=1)
    assert len(protect(scene)) == 1


def test_a_height_that_stands_still_keeps_a_position_without_its_stop_for_seconds_only() -> None:
    """Told too high, or not told at all: what a block allows is used up, and no news of the next one come."""
    scene = Scene(usdc=1_000 * USD)
    scene.hold(BTC, 100)
    scene.hold(ETH, 500)
    assert len(protect(scene)) == 2
    ended = [news(order, "CANCELED") for order in scene.orders.all_open()]
    scene.orders.apply(ended, (), (), scene.view.now_ns, 0, 0)  # another's cancels: both stand without again
    sent_ns = scene.view.now_ns
    while not protect(scene):
        assert scene.risk.unprotected == (BTC, ETH) and scene.view.now_ns - sent_ns < 4 * 10**9
    assert scene.view.now_ns - sent_ns == 3 * 10**9
    assert look(scene) == [] and scene.risk.unprotected == ()


def test_when_liquidation_comes_nearer_the_stop_moves() -> None:
    scene = Scene(usdc=1_000 * USD)
    scene.hold(BTC, 300)
    protect(scene)
    scene.usdc -= 600 * USD  # a loss elsewhere: 364 USD of 2,964, 12.3 %: 85,000 is beyond
    scene.settle()
    (one,) = protect(scene)
    assert one.trigger_ticks == pytest.approx(100_000 * (1 - 0.6 * 364 / 2964), abs=2)


def test_a_trend_does_not_move_the_stop() -> None:
    scene = Scene(usdc=300 * USD)
    scene.hold(BTC, 300)
    protect(scene)
    scene.view.overrides[BTC] = {"drift": -1.0}
    assert look(scene) == []


def test_when_the_price_runs_away_the_stop_follows_at_last() -> None:
    scene = Scene()
    scene.hold(BTC, 100)
    protect(scene)
    scene.price(BTC, "105000")
    assert look(scene) == []  # 19 % above the trigger
    scene.price(BTC, "107000")
    (one,) = [one for one in look(scene) if isinstance(one, Intent)]
    assert one.trigger_ticks == 90_950


def test_a_stop_that_would_end_soon_is_renewed() -> None:
    scene = Scene()
    scene.hold(BTC, 100)
    protect(scene)
    scene.later(26.9 * 86_400)
    assert look(scene) == []
    scene.later(0.2 * 86_400)
    assert [one.size_steps for one in look(scene) if isinstance(one, Intent)] == [100]


@pytest.mark.parametrize("state", ["unknown", "fading"])
def test_a_stop_of_doubtful_fate_does_not_count(state: str) -> None:
    scene = Scene()
    scene.hold(BTC, 100)
    scene.send(*look(scene))
    if state == "unknown":
        scene.later(3)
    else:
        scene.orders.apply(
            [news(scene.orders.all_open()[0], "BEST_EFFORT_CANCELED")], (), (), scene.view.now_ns, 0, 0
        )
    assert scene.orders.all_open()[0].state == state
    assert len([one for one in look(scene) if isinstance(one, Intent)]) == 1 and scene.risk.unprotected == (
        BTC,
    )


def test_it_looks_only_now_and_then_and_not_at_what_cannot_be_computed() -> None:
    scene = Scene()
    scene.hold(BTC, 100)
    assert look(scene) and not scene.risk.protect(scene.view)
    scene.settle(computable=False)
    assert look(scene) == []


def test_a_position_smaller_than_a_step_is_not_protected() -> None:
    scene = Scene()
    scene.hold(BTC, 1)
    scene.margin.set_position(0, BTC, 5)
    scene.settle()
    assert look(scene) == []


def test_settings() -> None:
    fields: dict[str, Any] = {"distance_ppm_max": 50_000, "collar_ppm": 10_000}
    scene = Scene(RiskSettings(protection=ProtectionSettings(**fields)))
    scene.hold(BTC, 100)
    (one,) = protect(scene)
    assert (one.trigger_ticks, one.price_ticks) == (95_000, 94_050)
