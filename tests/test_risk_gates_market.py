"""risk_gates_market: every gate lets through up to its limit and no further."""

from __future__ import annotations

from typing import Any

import pytest

from sniper.risk_settings import GateSettings, RiskSettings
from sniper.trading import Intent
from tests.risking import BTC, ETH, START_NS, Scene


def settings(**fields: Any) -> RiskSettings:
    return RiskSettings(gates=GateSettings(**fields))


def refused(scene: Scene, intent: Intent) -> str:
    """The gate that refuses an intent, "" for none."""
    found = scene.verdict(intent)
    return found[0] if found else ""


def test_a_sound_entry_passes() -> None:
    scene = Scene()
    approved, none, _ = scene.risk.check(scene.view, [scene.entry()])
    assert not none and approved[0].intent.size_steps == 100
    assert refused(scene, scene.entry(ETH, 1)) == ""


# ---- the order ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"kind": "long_term"}, "3002"),
        ({"reduce_only": True}, "only reduces"),
        ({"weight": 0.0}, "weight"),
        ({"weight": 1.1}, "weight"),
        ({"weight": float("nan")}, "weight"),
        ({"score": float("nan")}, "score"),
        ({"score": 100.5}, "score"),
        ({"stop_ticks": 100_011}, "wrong side"),
        ({"stop_ticks": -1}, "wrong side"),
        ({"target_ticks": 100_000}, "wrong side"),
        ({"side": 1, "price_ticks": 99_990, "stop_ticks": 99_000}, "wrong side"),
        ({"size_steps": -5}, "(4)"),
        ({"size_steps": 1 << 50}, "a size"),
        ({"price_ticks": 1 << 60}, "a price"),
        ({"price_ticks": 0}, "(6)"),
        ({"purpose": "gamble"}, "gamble"),
    ],
)
def test_form(fields: dict[str, Any], why: str) -> None:
    scene = Scene()
    before = scene.risk.save()
    approved, (one,), _ = scene.risk.check(scene.view, [scene.entry(**fields)])
    assert not approved and one.gate == "form" and why in one.text
    assert scene.risk.save() == before


def test_a_market_that_is_not_known() -> None:
    scene = Scene()
    for market in (2, -1, 1 << 40):
        assert refused(scene, scene.entry()._replace(market=market)) == "market"


@pytest.mark.parametrize(
    ("status", "force", "gate"),
    [("ACTIVE", "ioc", ""), ("PAUSED", "ioc", "status"), ("", "ioc", "status"), ("POST_ONLY", "ioc", "status"),
     ("POST_ONLY", "post_only", ""), ("INITIALIZING", "post_only", "status"), ("FINAL_SETTLEMENT", "ioc", "status")],
)  # fmt: skip
def test_status(status: str, force: str, gate: str) -> None:
    scene = Scene()
    scene.view.overrides[BTC] = {"status": status}
    assert refused(scene, scene.entry(time_in_force=force)) == gate


def test_status_is_asked_of_reductions_too_but_not_known_is_no_reason_to_stay_in() -> None:
    scene = Scene()
    scene.hold(BTC, 100)
    for status, exits, forced in (("", "status", ""), ("PAUSED", "status", "status"), ("ACTIVE", "", "")):
        scene.view.overrides[BTC] = {"status": status}
        assert refused(scene, scene.leave()) == exits
        assert refused(scene, scene.leave(purpose="flatten")) == forced
        scene.later(2)


def test_isolated() -> None:
    scene = Scene()
    scene.view.overrides[BTC] = {"isolated": True}
    assert refused(scene, scene.entry()) == ""
    scene.hold(ETH, 100)
    assert refused(scene, scene.entry()) == "isolated"
    scene.hold(ETH, -100)
    scene.hold(BTC, 100)
    assert refused(scene, scene.entry()) == ""
    assert refused(scene, scene.entry(ETH)) == "isolated"


# ---- what we know -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "gate"),
    [({"trust": "crossed"}, ""), ({"trust": "stale"}, "trust"), ({"trust": "rebuilding"}, "trust"),
     ({"bid_ticks": 0}, "trust"), ({"ask_ticks": 0}, "trust"), ({"sigma": 0.0}, "volatility"),
     ({"oracle_ns": START_NS - 60 * 10**9}, ""), ({"oracle_ns": START_NS - 60 * 10**9 - 1}, "oracle_age"),
     ({"bid_ticks": 102_000, "ask_ticks": 102_010}, ""), ({"bid_ticks": 102_001, "ask_ticks": 102_010}, "oracle_gap"),
     ({"bid_ticks": 97_900, "ask_ticks": 97_999}, "oracle_gap")],
)  # fmt: skip
def test_trust_age_and_gap(fields: dict[str, Any], gate: str) -> None:
    scene = Scene(settings(collar_book_ppm=100_000))
    scene.view.overrides[BTC] = fields
    assert refused(scene, scene.entry()) == gate


def test_feed() -> None:
    scene = Scene()
    scene.later(10, feed=False)
    assert refused(scene, scene.entry()) == ""
    scene.later(0.001, feed=False)
    assert refused(scene, scene.entry()) == "feed"


def test_what_never_came_is_not_told_as_an_age() -> None:
    for fields, gate, words in (
        ({"oracle_ns": 0}, "oracle_age", "its oracle price never came; 60 s are allowed"),
        (
            {"oracle_ns": START_NS - 90 * 10**9},
            "oracle_age",
            "its oracle price came 90.0 s ago; 60 s are allowed",
        ),
    ):
        scene = Scene()
        scene.view.overrides[BTC] = fields
        _, (no,), _ = scene.risk.check(scene.view, [scene.entry()])
        assert (no.gate, no.text) == (gate, words)


def test_unknown() -> None:
    scene = Scene()
    scene.send(scene.entry(usd=100))
    scene.later(3)
    assert scene.orders.unknown(BTC) == 1
    assert refused(scene, scene.entry()) == "unknown"
    assert refused(scene, scene.entry(ETH)) == ""
    scene.later(5, blocks=8)
    assert refused(scene, scene.entry()) == ""


# ---- prices and pace ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "gate"),
    [({"price_ticks": 100_500}, ""), ({"price_ticks": 100_512}, "collar_book"),
     ({"price_ticks": 101_001}, "collar_oracle"),
     ({"price_ticks": 50_000}, ""), ({"side": 1, "price_ticks": 99_500}, ""),
     ({"side": 1, "price_ticks": 99_400}, "collar_book"), ({"side": 1, "price_ticks": 98_999}, "collar_oracle"),
     ({"side": 1, "price_ticks": 150_000}, "")],
)  # fmt: skip
def test_collars(fields: dict[str, Any], gate: str) -> None:
    assert refused(Scene(), Scene().entry(usd=500, **fields)) == gate


def test_an_exit_has_a_wider_collar_from_the_worse_of_both_prices_and_what_is_forced_none() -> None:
    scene = Scene()
    scene.hold(BTC, 100)
    scene.view.overrides[BTC] = {"bid_ticks": 90_000}  # the oracle price lags behind a falling book
    assert refused(scene, scene.leave(price_ticks=85_500)) == ""
    scene.later(2)
    assert refused(scene, scene.leave(price_ticks=85_499)) == "collar_exit"
    assert refused(scene, scene.leave(price_ticks=50_000, purpose="reduce")) == ""


def test_order_rate_keeps_a_share_for_orders_that_reduce() -> None:
    scene = Scene(settings(orders_per_s_max=4, orders_reserved=2))
    scene.hold(BTC, 100)
    small = scene.entry(ETH, usd=100)
    assert scene.verdict(small, small, small) == ["order_rate"]
    assert scene.verdict(scene.leave(size_steps=10), scene.leave(size_steps=10)) == []
    assert scene.verdict(scene.leave(size_steps=10)) == ["order_rate"]
    assert scene.verdict(scene.leave(size_steps=10, purpose="flatten")) == []
    scene.later(0.999)
    assert scene.verdict(small) == ["order_rate"]
    scene.later(0.001)
    assert scene.verdict(small) == []


def test_stateful_rate() -> None:
    scene = Scene(settings(stateful_reserved=10))
    entry = scene.entry(usd=50, kind="long_term", time_in_force="gtt")
    assert scene.verdict(entry, entry, entry) == ["stateful_rate"]
    for _ in range(4):
        scene.later(1, blocks=1)
        assert scene.verdict(entry, entry) == []
    scene.later(1, blocks=1)
    assert scene.verdict(entry) == ["stateful_rate"]
    scene.later(1, blocks=95)
    assert scene.verdict(entry) == []


# ---- protection ---------------------------------------------------------------------------------------------------


def test_protective_slot() -> None:
    tiers = ((0, 0), (20, 1))
    scene = Scene(settings(equity_tiers=tiers))
    assert refused(scene, scene.entry()) == ""
    scene.hold(ETH, 100)
    assert refused(scene, scene.entry()) == "protective_slot"
    assert refused(scene, scene.entry(ETH)) == ""
    free = Scene(settings(equity_tiers=((0, 0),), unprotected=True))
    assert refused(free, free.entry()) == ""
    none = Scene(settings(equity_tiers=((0, 0),)))
    assert refused(none, none.entry()) == "protective_slot"


def test_a_slot_that_is_taken_is_not_free_and_a_stop_counts_for_its_market() -> None:
    scene = Scene(settings(equity_tiers=((0, 2),)))
    scene.hold(ETH, 100)
    scene.send(*scene.risk.protect(scene.view))
    assert [claim.purpose for claim in scene.orders.claims()] == ["protect"]
    assert refused(scene, scene.entry()) == ""
    assert refused(scene, scene.entry(kind="long_term", time_in_force="gtt")) == "protective_slot"


def test_an_exhausted_budget_of_stateful_orders_keeps_from_opening() -> None:
    scene = Scene()
    for height in range(81, 101):
        scene.risk._pace.add(scene.view.now_ns - 10**10, height, "conditional")
    assert refused(scene, scene.entry()) == "protective_slot"


# ---- reductions ---------------------------------------------------------------------------------------------------


def test_a_reduction_goes_against_the_position_and_no_further() -> None:
    scene = Scene()
    assert refused(scene, scene.leave()) == "reduces"
    scene.hold(BTC, -100)
    assert refused(scene, scene.leave(side=1)) == "reduces"
    (one,), _, _ = scene.risk.check(scene.view, [scene.leave(size_steps=150)])
    assert one.intent.size_steps == 100


def test_nothing_that_keeps_from_opening_keeps_from_closing() -> None:
    scene = Scene()
    scene.hold(BTC, 100)
    scene.risk.operator("kill", "test")
    scene.risk.operator("journal", "stopped")
    scene.risk.operator("state", "stopped")
    scene.risk._rungs.rung = 4
    scene.view.overrides[BTC] = {"trust": "stale", "sigma": 0.0, "oracle_ns": 0}
    scene.later(100, feed=False)
    scene.settle(computable=False, net=-5, day_realised=-(10**12), losses_in_row=99)
    assert scene.verdict(scene.leave()) == []
    assert len(scene.verdict(scene.entry())) == 1
