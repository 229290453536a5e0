"""risk_outlook: the account with orders filled, against every combination of fills computed naively."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from sniper.order_record import Claim
from sniper.risk_margin import BEYOND, NO_FILLS, Fills, Shock
from sniper.risk_outlook import Outlook
from sniper.risk_settings import GateSettings, RiskSettings, SizingSettings
from tests import reference_risk as naive
from tests.ordering import MARKETS
from tests.risking import BTC, ETH, START_NS, USD, Scene

ROWS = list(MARKETS.values())
SETTINGS = RiskSettings(
    gates=GateSettings(maker_fee_ppm=500), sizing=SizingSettings(distance_sigmas_min=10.0)
)
SCENE = Scene(SETTINGS)
PRICES = {BTC: 100_000, ETH: 40_000}  # oracle prices in ticks


def claim(order: naive.Open, client_id: int = 1, **fields: Any) -> Claim:
    found = Claim(client_id, order.market, order.side, order.steps, order.ticks, "short_term", "ioc", False, "entry",
                  "acked", START_NS)  # fmt: skip
    return found._replace(**fields)


def outlook(scene: Scene, claims: list[Claim]) -> Outlook:
    gates = scene.settings.gates
    shocks = [Shock(stress, scene.decoder, scene.margin) for stress in gates.stresses]
    return Outlook(scene.view, scene.decoder, scene.margin, claims, shocks, scene.settings)


def fills_of(order: naive.Open) -> Fills:
    return Fills(*order)


@st.composite
def orders(draw: st.DrawFn) -> naive.Open:
    market = draw(st.sampled_from([BTC, ETH]))
    away = draw(st.integers(-20_000, 20_000))
    return naive.Open(
        market,
        draw(st.integers(0, 1)),
        draw(st.integers(1, 5000)),
        PRICES[market] * (10**6 + away) // 10**6,
        500,
    )


holdings = st.fixed_dictionaries({BTC: st.integers(-3000, 3000), ETH: st.integers(-8000, 8000)})


def scene_with(usdc: int, held: dict[int, int]) -> tuple[Scene, dict[int, int]]:
    """The one scene, holding so many steps at the oracle price."""
    for market in (BTC, ETH):
        size = SCENE.view.positions[market].size_quantums if market in SCENE.view.positions else 0
        if size:
            SCENE.hold(market, -size // SCENE.unit(market).step_quantums)
        if held[market]:
            SCENE.hold(market, held[market])
    SCENE.usdc += usdc - SCENE.view.account.net
    SCENE.settle()
    return SCENE, {m: steps * SCENE.unit(m).step_quantums for m, steps in held.items() if steps}


def slacks(o: Outlook, order: Fills) -> tuple[int, int, int]:
    return o.margin_slack(order), o.stress_slack(order), o.distance_slack(order)


def naive_slacks(
    scene: Scene, sizes: dict[int, int], fills: list[naive.Open]
) -> tuple[Fraction, Fraction, Fraction]:
    """The same three for one set of fills."""
    gates = scene.settings.gates
    net, initial, maintenance = naive.totals(ROWS, scene.usdc, sizes, fills)
    margin = net - initial - Fraction(net * gates.margin_reserve_ppm, 10**6)
    stress = Fraction(BEYOND)
    for moves in ({BTC: -80_000, ETH: -150_000}, {BTC: 80_000, ETH: 150_000}):
        after, _, required = naive.totals(ROWS, scene.usdc, sizes, fills, moves)
        stress = min(stress, after - Fraction(required * 10**6, gates.stress_danger_ppm_max))
    distance = Fraction(net - maintenance)
    finals = dict(sizes)
    for fill in fills:
        step = ROWS[fill.market]["stepBaseQuantums"]
        finals[fill.market] = finals.get(fill.market, 0) + (-fill.steps if fill.side else fill.steps) * step
    move = Fraction(int(10.0 * 0.001 * 7.745966692414834 * 10**6) + 1, 10**6)
    worst = Fraction(0)
    for market, size in finals.items():
        notional, required = abs(naive.value(ROWS[market], size)), naive.required(ROWS[market], size)[1]
        worst = max(worst, move * (notional - required if size > 0 else notional + required))
    return margin, stress, distance - worst


@settings(max_examples=60)
@given(st.integers(-2000, 20_000), holdings, st.lists(orders(), max_size=4), orders())
@example(0, {BTC: 1, ETH: 1}, [naive.Open(ETH, 0, 1, 40_000, 500)], naive.Open(ETH, 1, 1, 39_539, 500))
def test_no_set_of_fills_leaves_less_than_said(
    usd: int, held: dict[int, int], standing: list[naive.Open], new: naive.Open
) -> None:
    scene, sizes = scene_with(usd * USD, held)
    o = outlook(scene, [claim(order, i) for i, order in enumerate(standing)])
    found = slacks(o, fills_of(new))
    for fills in naive.subsets([*standing, new]):
        wanted = naive_slacks(scene, sizes, fills)
        assert all(mine <= least + 4 for mine, least in zip(found, wanted, strict=True)), fills


@settings(max_examples=60)
@given(st.integers(-2000, 20_000), holdings, orders())
def test_alone_an_order_is_judged_to_the_quantum(usd: int, held: dict[int, int], new: naive.Open) -> None:
    scene, sizes = scene_with(usd * USD, held)
    found = slacks(outlook(scene, []), fills_of(new))
    margin, stress, _ = (
        min(one) for one in zip(*(naive_slacks(scene, sizes, f) for f in naive.subsets([new])), strict=True)
    )
    assert abs(found[0] - margin) <= 4 and abs(found[1] - stress) <= 4


def test_what_is_approved_counts_for_the_next() -> None:
    scene = Scene()
    o = outlook(scene, [])
    before = o.margin_slack(NO_FILLS._replace(market=BTC))
    o.commit(scene.entry(BTC), 100)
    o.commit(scene.leave(BTC), 50)
    after = o.margin_slack(NO_FILLS._replace(market=BTC))
    assert before - after >= 20 * USD
    assert o.exposed(BTC) == (100, 0, 100)
    assert o.exposed(BTC, 1, 30) == (100, 30, 100)
    assert o.commitment(BTC).leaving == 50 and o.markets(ETH) == [BTC, ETH]


def test_exposure_takes_the_worse_side_of_each_market() -> None:
    scene = Scene(usdc=100_000 * USD)
    scene.hold(BTC, 100)
    scene.hold(ETH, -500)
    standing = [naive.Open(BTC, 1, 300, 100_000, 0), naive.Open(ETH, 0, 100, 40_000, 0)]
    o = outlook(scene, [claim(order, i) for i, order in enumerate(standing)])
    assert o.exposed(BTC) == (100, 200, 200) and o.exposed(ETH) == (0, 500, 500)
    assert o.exposures(skip=-1) == (1000 * USD, 4000 * USD, 4000 * USD)
    assert o.exposures(skip=BTC) == (0, 2000 * USD, 2000 * USD)


def test_orders_that_only_reduce_are_no_exposure() -> None:
    scene = Scene()
    scene.hold(BTC, 100)
    o = outlook(scene, [claim(naive.Open(BTC, 1, 100, 99_000, 0), reduce_only=True)])
    assert o.exposed(BTC) == (100, 0, 100)


def test_without_the_order_that_is_replaced() -> None:
    scene = Scene()
    old = claim(naive.Open(BTC, 0, 100, 99_000, 0))
    o = outlook(scene, [old, claim(naive.Open(BTC, 0, 50, 99_000, 0), 2)])
    other = o.without(old)
    assert (o.exposed(BTC)[0], other.exposed(BTC)[0]) == (150, 50)
    other.commit(scene.entry(BTC), 10)
    assert (o.exposed(BTC)[0], other.exposed(BTC)[0]) == (150, 60)


def test_a_market_that_cannot_be_computed_leaves_nothing() -> None:
    broken = {
        "A-USD": {k: v for k, v in MARKETS["BTC-USD"].items() if k != "initialMarginFraction"}
    } | MARKETS
    scene = Scene(markets=broken)
    o = outlook(scene, [])
    order = Fills(0, 0, 5, 100_000, 500)
    assert o.terms(0) is None and slacks(o, order) == (-BEYOND,) * 3


def test_unknown_volatility_is_assumed() -> None:
    scene = Scene()
    scene.view.overrides[BTC] = {"sigma": 0.0}
    o = outlook(scene, [])
    assert o.sigma_hour(BTC) == 0.02 and round(o.sigma_hour(ETH), 6) == 0.007746
