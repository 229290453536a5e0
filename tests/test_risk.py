"""risk: orders judged together, the ladder from view to command, the operator, and a state that goes on alike."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sniper.risk import Risk
from sniper.risk_candidate import rank
from sniper.risk_settings import GateSettings, LadderSettings, RiskSettings, SizingSettings
from sniper.trading import Answer, Cancel, Intent, Place, Withdraw
from tests import reference_risk as naive
from tests.ordering import MARKETS
from tests.risking import BTC, ETH, USD, Scene
from tests.test_risk_outlook import naive_slacks

ROWS = list(MARKETS.values())


def test_nothing_wanted_nothing_judged() -> None:
    scene = Scene()
    before = scene.digest.value
    assert scene.risk.check(scene.view, []) == ([], [], []) and scene.risk.ladder(scene.view) == ()
    assert scene.digest.value == before


def test_what_is_approved_and_refused_is_in_the_digest() -> None:
    seen = set()
    for fields in ({}, {"size_steps": 50}, {"side": 1, "price_ticks": 99_000}, {"price_ticks": 102_000}):
        scene = Scene()
        scene.risk.check(scene.view, [scene.entry(**fields)])
        seen.add(scene.digest.value)
    assert len(seen) == 4


def test_each_that_is_approved_counts_for_those_behind_it() -> None:
    scene = Scene(RiskSettings(gates=GateSettings(exposure_usd_max=2_500)))
    approved, refused, _ = scene.risk.check(
        scene.view, [scene.entry(), scene.entry(ETH), scene.entry(ETH, 1)]
    )
    assert [one.intent.market for one in approved] == [BTC, ETH, ETH] and not refused
    assert scene.unit(ETH).worth(approved[2].intent.size_steps) <= 1_000 * USD
    approved, refused, _ = scene.risk.check(scene.view, [scene.entry(usd=1500), scene.entry(ETH, usd=1500)])
    assert [scene.unit(one.intent.market).worth(one.intent.size_steps) // USD for one in approved] == [
        1500,
        1000,
    ]


def test_the_strongest_entries_go_first_and_reductions_before_all() -> None:
    scene = Scene()
    scene.hold(ETH, -100)
    wanted = [scene.entry(score=60), scene.entry(score=20), scene.entry(score=75), scene.leave(ETH),
              scene.leave(ETH, purpose="flatten"), scene.leave(ETH, purpose="protect")]  # fmt: skip
    ranked = sorted(wanted, key=rank)
    assert [(one.purpose, one.score) for one in ranked] == [
        ("flatten", 50.0), ("exit", 50.0), ("protect", 50.0), ("entry", 20), ("entry", 75), ("entry", 60),
    ]  # fmt: skip
    assert rank(scene.entry(score=float("nan")))[1] == 0.0


TIGHT = RiskSettings(
    gates=GateSettings(
        exposure_market_usd_max=3_000, exposure_side_usd_max=4_000, exposure_usd_max=5_000, order_usd_max=2_500,
        leverage_ppm_max=2_000_000, orders_per_s_max=6, orders_reserved=2, margin_reserve_ppm=300_000,
        open_interest_ppm_max=1_000_000, maker_fee_ppm=500, unprotected=True,
    ),
    sizing=SizingSettings(distance_sigmas_min=10.0),
)  # fmt: skip


@st.composite
def intents(draw: st.DrawFn) -> dict[str, Any]:
    market = draw(st.sampled_from([BTC, ETH]))
    side = draw(st.integers(0, 1))
    touch = (100_011, 99_990) if market == BTC else (40_005, 39_996)
    return {
        "market": market,
        "side": side,
        "price_ticks": touch[side] * (10**6 + draw(st.integers(-6_000, 6_000))) // 10**6,
        "size_steps": draw(st.integers(0, 4_000 if market == ETH else 1_500)),
        "time_in_force": draw(st.sampled_from(["ioc", "post_only"])),
        "purpose": draw(st.sampled_from(["entry", "entry", "entry", "exit"])),
        "score": draw(st.sampled_from([0.0, 50.0, 60.0, 90.0])),
        "stop_ticks": 0,
        "weight": draw(st.sampled_from([0.3, 1.0])),
    }


def made(scene: Scene, usd: int, held: tuple[int, int], standing: list[dict[str, Any]]) -> Scene:
    for market, steps in zip((BTC, ETH), held, strict=True):
        if steps:
            scene.hold(market, steps)
    scene.usdc += usd * USD - scene.view.account.net
    scene.settle()
    scene.view.account = scene.view.account._replace(peak_net=0)
    scene.send(*(Intent(**one) for one in standing))
    scene.later(1)
    return scene


worlds = st.tuples(
    st.integers(500, 20_000),
    st.tuples(st.integers(-200, 200), st.integers(-400, 400)),
    st.lists(intents(), max_size=3),
    st.lists(intents(), min_size=1, max_size=5),
)


@settings(max_examples=80)
@given(worlds)
def test_no_approved_set_ever_breaks_a_limit(world: tuple[Any, ...]) -> None:
    """Positions, open orders and what was approved, in every combination of fills, told naively."""
    usd, held, standing, wanted = world
    scene = made(Scene(TIGHT), usd, held, standing)
    gates, equity = scene.settings.gates, scene.view.account.net
    open_before = [claim for claim in scene.orders.claims() if not claim.reduce_only]
    approved, _, _ = scene.risk.check(scene.view, [Intent(**one) for one in wanted])
    entries = [one.intent for one in approved if one.intent.purpose == "entry"]
    assert len(approved) <= gates.orders_per_s_max
    if not entries:
        return
    assert len(entries) <= gates.orders_per_s_max - gates.orders_reserved
    steps = dict(zip((BTC, ETH), held, strict=True))
    resting = [*open_before, *(one.intent for one in approved if not one.intent.reduce_only)]
    orders = [naive.Open(o.market, o.side, getattr(o, "steps", 0) or getattr(o, "size_steps", 0), o.price_ticks, 500)
              for o in resting]  # fmt: skip
    longs = {
        m: max(0, steps[m] + sum(o.steps for o in orders if o.market == m and not o.side)) for m in steps
    }
    shorts = {m: max(0, sum(o.steps for o in orders if o.market == m and o.side) - steps[m]) for m in steps}
    touched = {one.market for one in entries}
    value = {m: naive.worth(ROWS[m], 1) for m in steps}
    gross = sum(max(longs[m], shorts[m]) * value[m] for m in steps)
    for market in touched:
        assert max(longs[market], shorts[market]) * value[market] <= gates.exposure_market_usd_max * USD
    for side, sizes in ((0, longs), (1, shorts)):
        if any(one.side == side for one in entries):
            assert sum(sizes[m] * value[m] for m in steps) <= gates.exposure_side_usd_max * USD
    assert gross <= gates.exposure_usd_max * USD
    assert gross * 10**6 <= Fraction(equity) * gates.leverage_ppm_max
    for one in entries:
        assert naive.quote(ROWS[one.market], one.size_steps, one.price_ticks) <= gates.order_usd_max * USD
    quantums = {m: count * ROWS[m]["stepBaseQuantums"] for m, count in steps.items() if count}
    for fills in naive.subsets(orders):
        slacks = naive_slacks(scene, quantums, fills)
        assert min(slacks) >= -4, fills


@settings(max_examples=60)
@given(worlds, st.randoms(use_true_random=False))
def test_another_order_lets_nothing_else_through(world: tuple[Any, ...], random: Any) -> None:
    usd, held, standing, wanted = world
    found = []
    for shuffled in (list(wanted), random.sample(wanted, len(wanted))):
        scene = made(Scene(TIGHT), usd, held, standing)
        approved, refused, _ = scene.risk.check(scene.view, [Intent(**one) for one in shuffled])
        found.append((approved, refused, scene.digest.value))
    assert found[0] == found[1]


# ---- withdrawals and replacements --------------------------------------------------------------------------------


def resting(scene: Scene) -> None:
    """A post-only buy of 1,000 USD at 99,000, two blocks old."""
    (place,) = scene.send(scene.entry(time_in_force="post_only", price_ticks=99_000))
    scene.orders.apply((), (), [Answer("place", place.client_id, 0, "")], scene.view.now_ns, 100, 100)
    scene.later(1.3, blocks=2)


def test_a_withdrawal_of_an_open_order_passes_and_of_none_does_not() -> None:
    scene = Scene()
    resting(scene)
    wanted = [Withdraw(1, "why"), Withdraw(1, "again"), Withdraw(77, "whose?")]
    assert scene.risk.check(scene.view, wanted)[2] == [Withdraw(1, "again")]
    (cancel,) = scene.send(*wanted)
    assert isinstance(cancel, Cancel)


def test_an_order_that_is_moved_counts_once() -> None:
    scene = Scene(RiskSettings(gates=GateSettings(exposure_usd_max=1_050)))
    resting(scene)
    entry = scene.entry(time_in_force="post_only", price_ticks=99_100)
    approved, _, _ = scene.risk.check(scene.view, [entry])
    assert approved[0].intent.size_steps == 5  # beside the other one there is room for 50 USD
    scene.later(1)
    (place,) = scene.send(Withdraw(1, "price moved"), entry)
    assert isinstance(place, Place) and (place.client_id, place.size_steps) == (1, 100)
    assert scene.verdict(scene.entry(ETH, usd=60)) == []


def test_what_is_left_of_the_larger_one_stays_counted() -> None:
    scene = Scene(RiskSettings(gates=GateSettings(exposure_usd_max=1_050)))
    resting(scene)
    small = scene.entry(usd=300, time_in_force="post_only", price_ticks=99_100)
    approved, _, _ = scene.risk.check(scene.view, [Withdraw(1, "smaller"), small, scene.entry(ETH, usd=100)])
    assert [one.intent.size_steps for one in approved] == [30, scene.unit(ETH).steps(50 * USD)]


def test_if_the_new_one_is_refused_the_old_one_is_cancelled() -> None:
    scene = Scene()
    resting(scene)
    (cancel,) = scene.send(Withdraw(1, "x"), scene.entry(time_in_force="post_only", price_ticks=102_000))
    assert isinstance(cancel, Cancel)


# ---- the ladder from view to command -----------------------------------------------------------------------------


def test_the_ladder_climbs_acts_and_comes_down() -> None:
    scene = Scene(RiskSettings(ladder=LadderSettings(hold_ns=10**9, flatten_hold_ns=10**9)), usdc=1_000 * USD)
    resting(scene)
    scene.hold(BTC, 300)
    assert scene.risk.ladder(scene.view) == () and scene.risk.rung == 0
    scene.usdc -= 880 * USD  # 84 USD above maintenance margin bear a fall of 2.8 %: 3.7 sigmas
    scene.settle()
    before = scene.digest.value
    wanted = scene.risk.ladder(scene.view)
    assert scene.risk.rung == 3 and scene.digest.value != before
    assert isinstance(wanted[0], Withdraw) and isinstance(wanted[1], Intent)
    assert scene.verdict(scene.entry()) == ["ladder"]
    commands = scene.send(*wanted)
    assert {type(one) for one in commands} == {Cancel, Place}
    scene.hold(BTC, -300)
    rungs = []
    for _ in range(5):
        scene.later(1)
        scene.risk.ladder(scene.view)
        rungs.append(scene.risk.rung)
    assert rungs == [3, 2, 1, 0, 0] and scene.verdict(scene.entry()) != ["ladder"]


def falling(to_usd: int, parts: int) -> Scene:
    """3,000 USD of BTC on 800: 33 sigmas away. Then the price falls from 100,000, in so many parts."""
    scene = Scene(usdc=800 * USD)
    scene.hold(BTC, 300)
    assert scene.risk.ladder(scene.view) == () and 32.0 < scene.risk.assessment.sigmas < 34.0
    for part in range(1, parts + 1):
        scene.later(120.0 / parts)
        scene.price(BTC, str(100_000 - (100_000 - to_usd) * part // parts))
        scene.risk.ladder(scene.view)
    return scene


def test_a_leap_onto_the_ladder_is_answered_with_a_reduction_at_once() -> None:
    """Seven sigmas are no reason to close anything; seven that were 33 a look ago are: the next price may be as far."""
    scene = falling(78_600, 1)
    found = scene.risk.assessment
    assert found.leap and 4.0 < found.sigmas < 8.0 and scene.risk.rung == 3
    slow = falling(78_600, 120)
    found = slow.risk.assessment
    assert not found.leap and 4.0 < found.sigmas < 8.0 and 1 <= slow.risk.rung <= 2


def test_a_leap_is_over_after_the_reaction_time_and_saved_until_then() -> None:
    scene = falling(78_600, 1)
    other = Scene(usdc=800 * USD)
    other.risk.load(scene.risk.save())
    assert other.risk.save() == scene.risk.save() and other.risk.assessment.leap
    scene.later(2.9)
    scene.risk.ladder(scene.view)
    assert scene.risk.assessment.leap
    scene.later(0.1)
    scene.risk.ladder(scene.view)
    assert not scene.risk.assessment.leap and scene.risk.rung == 3, "the rung stays for its hold time"


def test_calm_costs_nothing_until_something_changes_or_a_while_is_over() -> None:
    scene = Scene()
    scene.hold(BTC, 100)
    scene.risk.ladder(scene.view)
    assessed = scene.risk.assessment
    for _ in range(4):
        scene.later(0.06)
        scene.settle()  # the same facts
        assert scene.risk.ladder(scene.view) == () and scene.risk.assessment is assessed
    scene.later(0.01)
    scene.risk.ladder(scene.view)
    assert scene.risk.assessment is not assessed
    scene.risk.ladder(scene.view)
    assessed = scene.risk.assessment
    scene.price(BTC, "100100")
    scene.risk.ladder(scene.view)
    assert scene.risk.assessment is not assessed
    scene.later(2, feed=False)
    scene.risk.ladder(scene.view)
    assert scene.risk.assessment.stale


def test_what_cannot_be_computed_leaves_the_ladder_where_it_is() -> None:
    bare = {"C-USD": {k: v for k, v in MARKETS["BTC-USD"].items() if k != "initialMarginFraction"}}
    scene = Scene(usdc=1_000 * USD, markets=MARKETS | bare)
    scene.hold(BTC, 300)
    scene.risk.ladder(scene.view)
    assessed = scene.risk.assessment
    scene.hold(2, 1)
    assert not scene.view.account.computable and scene.view.account.net == 0
    assert scene.risk.ladder(scene.view) == () and scene.risk.assessment is assessed and scene.risk.rung == 0


def test_an_account_at_rest_is_looked_at_when_something_of_it_changes() -> None:
    scene = Scene()

    def looked() -> bool:
        before = scene.risk._watch_due_ns
        scene.later(1)
        scene.risk.ladder(scene.view)
        return scene.risk._watch_due_ns != before

    assert looked() and not looked() and not looked()
    scene.view.account = scene.view.account._replace()  # equal, another object
    assert not looked()
    other = Scene()
    other.risk.load(scene.risk.save())
    assert other.risk.save() == scene.risk.save()
    scene.later(2, feed=False)
    scene.risk.ladder(scene.view)
    assert scene.risk.assessment.stale, "a feed that falls silent is seen"
    assert looked() and not scene.risk.assessment.stale and not looked()
    assert scene.risk.operator("pause", "drill") == "" and looked() and looked()
    assert scene.risk.operator("resume", "over") == "" and looked() and not looked()
    scene.hold(BTC, 300)
    assert looked() and looked() and scene.risk.assessment.parts
    scene.hold(BTC, -300)
    assert looked() and not scene.risk.assessment.parts and not looked()


def test_an_account_that_may_be_out_of_date_is_watched_all_the_same() -> None:
    scene = Scene(usdc=1_000 * USD)
    scene.hold(BTC, 300)
    scene.usdc -= 880 * USD
    scene.settle(computable=False)
    assert scene.risk.ladder(scene.view) and scene.risk.rung == 3


@pytest.mark.parametrize(("verb", "closes"), [("pause", False), ("reduce", True), ("kill", True)])
def test_the_operator_is_obeyed(verb: str, closes: bool) -> None:
    scene = Scene()
    resting(scene)
    scene.hold(ETH, 100)
    assert scene.risk.ladder(scene.view) == ()
    assert scene.risk.operator(verb, "drill") == ""
    wanted = scene.risk.ladder(scene.view)
    assert [type(one) for one in wanted] == ([Withdraw, Intent] if closes else [])
    assert scene.verdict(scene.entry()) == ["operator"] and scene.verdict(scene.leave(ETH)) == []
    assert scene.risk.operator("resume", "over") == ""
    assert scene.risk.ladder(scene.view) == () and scene.risk.rung == 0


def test_a_kill_holds_across_restarts() -> None:
    scene = Scene()
    scene.risk.operator("kill", "smoke")
    other = Scene()
    other.risk.load(scene.risk.save())
    assert other.risk.latch == scene.risk.latch == ("kill", "smoke")
    third = Scene(RiskSettings(killed=scene.risk.latch.reason))
    for one in (other, third):
        assert one.verdict(one.entry()) == ["operator"]
        assert one.risk.operator("resume", "") == "resume wants a reason"


def test_stresses_of_what_is_held() -> None:
    scene = Scene()
    scene.hold(BTC, 100)
    down, up = scene.risk.stressed()
    assert down is not None and up is not None
    assert (down.net, up.net) == (10_000 * USD - 80 * USD, 10_000 * USD + 80 * USD)


# ---- why ---------------------------------------------------------------------------------------------------------


def test_explain_says_what_every_gate_finds_and_changes_nothing() -> None:
    scene = Scene()
    scene.hold(ETH, 100)
    before = scene.risk.save(), scene.digest.value
    found = {
        reason.name: reason for reason in scene.risk.explain(scene.view, scene.entry(price_ticks=101_100))
    }
    assert not found["collar_oracle"].passed and not found["collar_book"].passed
    assert found["collar_oracle"].found == 11_000 and found["collar_oracle"].needed == 10_000
    assert found["trust"].passed and found["stress"].passed and found["asked"].found == 100
    assert [one.name for one in scene.risk.explain(scene.view, scene.entry(weight=5.0))] == ["form"]
    assert [one.name for one in scene.risk.explain(scene.view, scene.entry()._replace(market=9))] == [
        "market"
    ]
    exits = {reason.name for reason in scene.risk.explain(scene.view, scene.leave(ETH))}
    assert "reduces" in exits and "margin" not in exits
    assert (scene.risk.save(), scene.digest.value) == before


# ---- state -------------------------------------------------------------------------------------------------------


def lived(scene: Scene) -> Scene:
    """A risk in the middle of things."""
    resting(scene)
    scene.hold(BTC, 300)
    scene.risk.ladder(scene.view)
    scene.usdc -= 9_870 * USD
    scene.settle(losses_in_row=3)
    scene.send(*scene.risk.ladder(scene.view), *scene.risk.protect(scene.view))
    scene.risk.operator("journal", "stopped")
    scene.risk.operator("state", "stopped")
    return scene


def test_a_saved_state_goes_on_alike() -> None:
    one, two = lived(Scene()), Scene()
    two.view.now_ns, two.view.height, two.view.feed_ns = one.view.now_ns, one.view.height, one.view.feed_ns
    two.hold(BTC, 300)
    two.usdc = one.usdc
    two.settle()
    two.view.account = one.view.account
    two.orders.load(one.orders.save())
    two.risk.load(one.risk.save())
    two.digest.load(one.digest.value)
    assert two.risk.save() == one.risk.save() and two.risk.rung == one.risk.rung > 0
    for scene in (one, two):
        for i in range(30):
            scene.later(0.2, blocks=i % 3 == 0, feed=i < 10 or i > 25)
            if i == 12:
                scene.price(BTC, "99700")
            scene.send(*scene.risk.ladder(scene.view), *scene.risk.protect(scene.view), scene.entry(ETH))
    assert one.risk.save() == two.risk.save() and one.digest.value == two.digest.value


def test_what_is_no_state_is_refused_and_changes_nothing() -> None:
    scene = lived(Scene())
    good = scene.risk.save()
    for bad in (b"", b"\x90", good[:-1], good.replace(good[1:2], b"\x09", 1)):
        with pytest.raises(ValueError, match="state of risk"):
            scene.risk.load(bad)
    assert scene.risk.save() == good


def test_settings_that_do_not_fit_are_refused() -> None:
    scene = Scene()
    with pytest.raises(ValueError, match="orders_reserved"):
        Risk(RiskSettings(gates=GateSettings(orders_reserved=20)), scene.decoder, scene.margin, scene.orders,
             scene.books.fill, scene.digest)  # fmt: skip


# ---- bad input ---------------------------------------------------------------------------------------------------


wild = st.integers(-(1 << 70), 1 << 70)


@settings(max_examples=150)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "market": st.integers(-3, 5), "side": st.integers(-1, 3), "price_ticks": wild, "size_steps": wild,
            "trigger_ticks": wild, "stop_ticks": wild, "target_ticks": wild,
            "weight": st.floats(), "score": st.floats(),
            "purpose": st.sampled_from(["entry", "exit", "reduce", "protect", "flatten", "", "x"]),
            "kind": st.sampled_from(["short_term", "long_term", "conditional", "x"]),
            "time_in_force": st.sampled_from(["ioc", "gtt", "post_only", "fok"]),
            "trigger": st.sampled_from(["", "stop_loss", "x"]), "reduce_only": st.booleans(),
        },
    )
)  # fmt: skip
def test_any_intent_is_approved_soundly_or_refused_with_a_reason(fields: dict[str, Any]) -> None:
    scene = Scene()
    scene.hold(BTC, 100)
    intent = Intent(**({"market": 0, "side": 0, "price_ticks": 100_011, "size_steps": 10} | fields))
    before = scene.orders.save()
    approved, refused, _ = scene.risk.check(scene.view, [intent])
    assert len(approved) + len(refused) == 1 and scene.orders.save() == before
    for one in refused:
        assert one.gate and one.text and one.intent is intent
    commands = scene.orders.submit(approved, (), scene.view.now_ns, scene.view.height)
    assert len(commands) == len(approved) and scene.orders.dropped == ()


@settings(max_examples=30)
@given(st.sampled_from(["0.0001", "1", "30000", "99000", "150000", "9999999999", "0.00000000000001"]))
def test_absurd_oracle_prices_open_nothing_and_crash_nothing(price: str) -> None:
    scene = Scene()
    scene.hold(BTC, 20)
    book = dict(scene.books.sides)
    scene.price(BTC, price)
    scene.books.sides = book
    scene.risk.ladder(scene.view)
    scene.risk.protect(scene.view)
    assert len(scene.verdict(scene.entry(price_ticks=100_011, size_steps=5))) == 1
    assert scene.verdict(scene.leave(price_ticks=99_990)) == []
