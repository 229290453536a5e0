"""The margin kernel: every worked example of the rules, and what it does with what it cannot compute."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper._ext.liquidation import (
    ACCOUNT_DTYPE,
    CLOSING_DTYPE,
    FAR_AWAY,
    POSITION_DTYPE,
    RULE_NAMES,
    STATE_NAMES,
    Liquidation,
)
from tests import reference_margin as twin
from tests.margin_differential import compare, turn
from tests.margins import Universe, put, row, universe
from tests.reference_margin import MILLION, Account, Market, Risk

BUY, SELL = 0, 1


def btc(**changes: Any) -> dict[str, Any]:
    """BTC-USD as it really was on 2025-12-08."""
    return {
        "ticker": "BTC-USD",
        "clobPairId": "0",
        "status": "ACTIVE",
        "oraclePrice": "89919.2",
        "initialMarginFraction": "0.02",
        "maintenanceMarginFraction": "0.012",
        "openInterest": "381.7348",
        "openInterestLowerCap": "0",
        "openInterestUpperCap": "0",
        "atomicResolution": -10,
        "quantumConversionExponent": -9,
        "stepBaseQuantums": 1_000_000,
        "subticksPerTick": 100_000,
        "tickSize": "1",
        "stepSize": "0.0001",
        **changes,
    }


def eth(**changes: Any) -> dict[str, Any]:
    """ETH-USD, with margins as given."""
    own = {"ticker": "ETH-USD", "clobPairId": "1", "tickSize": "0.1", "stepSize": "0.001"}
    return btc(**{**own, "atomicResolution": -9, "oraclePrice": "3000", **changes})


def strk() -> dict[str, Any]:
    """STRK-USD with a maintenance margin of 10 %."""
    return btc(
        ticker="STRK-USD",
        clobPairId="2",
        atomicResolution=-6,
        oraclePrice="1.75",
        initialMarginFraction="0.2",
        maintenanceMarginFraction="0.1",
        tickSize="0.0001",
        stepSize="1",
    )


def one(market: dict[str, Any], usdc: int, size: int) -> Universe:
    """Account 0 with one position."""
    world = universe([market])
    world.kernel.set_usdc(0, usdc)
    world.kernel.set_position(0, 0, size)
    world.kernel.update()
    return world


def price_of(kernel: Liquidation, market: int = 0) -> float:
    """Exact liquidation price of account 0, to the cent."""
    exact = kernel.liquidation_price(0, market)
    assert exact is not None
    shown = next(p for p in kernel.positions[0] if p["size"] and p["market"] == market)["liquidation_price"]
    assert shown == pytest.approx(exact[0] / exact[1], rel=1e-14)
    return round(exact[0] / exact[1], 2)


# ---- every worked example of the rules ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("market", "size", "ticks", "value"),
    [(btc(), 123_000_000, 89_958, 1_106_483_400), (eth(), 1_001_000_000, 31_031, 3_106_203_100)],
)
def test_the_value_of_a_fill(market: dict[str, Any], size: int, ticks: int, value: int) -> None:
    kernel = one(market, 10**12, -size).kernel
    closed = kernel.closing(0, np.array([[ticks, 10**9]]), np.array([1]), 0)
    assert closed["quote"].tolist() == [-value] and closed["left"].tolist() == [0]
    assert Market.read(market).fill(size, ticks) == value


def test_margin_of_a_position() -> None:
    found = row(one(btc(), 0, 123_000_000).kernel, 0)
    assert (found["net"], found["initial"], found["maintenance"]) == (1_106_006_160, 22_120_124, 13_272_075)


def test_open_interest_scales_the_initial_margin_alone() -> None:
    # 35M between caps of 20M and 50M, nearly
    market = btc(
        initialMarginFraction="0.05",
        maintenanceMarginFraction="0.03",
        openInterest="389.24",
        openInterestLowerCap="20000000",
        openInterestUpperCap="50000000",
    )
    world = one(market, 0, 123_000_000)
    worth = twin.toward_zero(Fraction("389.24") * Fraction("89919.2") * MILLION)
    expected = 50_000 + 950_000 * (worth - 20 * 10**12) // (30 * 10**12)
    assert world.kernel.terms_of(0) == (expected, 50_000, 600_000, worth, 0)
    # exactly half way
    market |= {"openInterest": "1000", "openInterestLowerCap": "74919200"}
    market["openInterestUpperCap"] = "104919200"
    world = one(market, 0, 123_000_000)
    assert world.kernel.terms_of(0)[0] == 525_000
    found = row(world.kernel, 0)
    assert (found["initial"], found["maintenance"]) == (580_653_234, 33_180_185)
    world.kernel.custom_imf(0, 0, 525_001)
    world.kernel.update()
    assert row(world.kernel, 0)["initial"] == 580_654_341
    assert row(world.kernel, 0)["maintenance"] == 33_180_185


@pytest.mark.parametrize(
    ("coins", "caps", "ppm"),
    [
        ("20", ("20", "50"), 50_000),
        ("50", ("20", "50"), 1_000_000),
        ("51", ("20", "50"), 1_000_000),
        ("35", ("20", "50"), 525_000),
        ("35", ("0", "0"), 50_000),
        ("35", (None, None), 50_000),
        ("35", ("35", "35"), 50_000),
        ("36", ("35", "35"), 1_000_000),
        ("35", ("50", "20"), 50_000),
        ("51", ("50", "20"), 1_000_000),
        ("0", ("0", "10"), 50_000),
    ],
)
def test_caps(coins: str, caps: tuple[str | None, str | None], ppm: int) -> None:
    market = btc(oraclePrice="1", initialMarginFraction="0.05", maintenanceMarginFraction="0.03")
    market |= {"openInterest": coins, "openInterestLowerCap": caps[0], "openInterestUpperCap": caps[1]}
    assert universe([market]).kernel.terms_of(0)[0] == ppm == twin.effective(Market.read(market))


def test_liquidation_prices() -> None:
    # E = USDC + notional
    market = eth(initialMarginFraction="0.1", maintenanceMarginFraction="0.05")
    assert price_of(one(market, 10_000 * MILLION, -3 * 10**9).kernel) == 3174.60
    assert price_of(one(btc(), (1000 - 8991) * MILLION - 920_000, 10**9).kernel) == 80_889.88
    world = universe([btc(), market, strk()])
    world.kernel.set_usdc(0, (1000 + 4500 - 1750) * MILLION)
    world.kernel.set_position(0, 2, 1000 * MILLION)
    world.kernel.set_position(0, 1, -15 * 10**8)
    world.kernel.update()
    assert row(world.kernel, 0)["net"] == 1000 * MILLION
    assert world.kernel.positions[0]["maintenance"][:2].tolist() == [225 * MILLION, 175 * MILLION]
    assert price_of(world.kernel, 1) == 3380.95


def doomed() -> Universe:
    """Long 0.1 BTC with 8,000 USDC borrowed, the oracle at 80,500."""
    return one(btc(oraclePrice="80500"), -8000 * MILLION, 10**9)


def test_a_liquidation_step_by_step() -> None:
    world = doomed()
    kernel, account = world.kernel, Account(-8000 * MILLION, 0, {0: 10**9})
    found = row(kernel, 0)
    assert (found["net"], found["maintenance"]) == (50 * MILLION, 96_600_000)
    assert STATE_NAMES[found["state"]] == "liquidatable"
    assert kernel.liquidatable(0)
    kernel.set_usdc(0, (96_600_000 - 50 * MILLION) - 8000 * MILLION)
    assert not kernel.liquidatable(0), "it keeps what it must, which counts before an update"
    kernel.set_usdc(0, (96_600_000 - 50 * MILLION) - 8000 * MILLION - 1)
    assert kernel.liquidatable(0), "one less is too little"
    kernel.set_usdc(0, -8000 * MILLION)
    assert kernel.fillable(0, 0) == 79_801
    # all of it at 80,000 is bankruptcy
    assert kernel.bankruptcy(0, 0, 10**9) == 8000 * MILLION
    fee = kernel.insurance(0, 0, 10**9, 8040 * MILLION)
    assert fee == 40 * MILLION
    assert -8000 * MILLION + 8040 * MILLION - fee == 0
    assert kernel.insurance(0, 0, 10**9, 7990 * MILLION) == -10 * MILLION
    # far above bankruptcy the fee is 1.5 %
    rich = one(btc(oraclePrice="80500"), -7960 * MILLION, 10**9).kernel
    assert rich.insurance(0, 0, 10**9, 8500 * MILLION) == 127_500_000
    # 10 % of 8,050 is less than the minimum of 1,000, which is 0.012422.. BTC
    assert kernel.liquidation_size(0, 0) == 124_000_000
    assert twin.liquidation_size(world.markets, account, 0, twin.Config()) == 124_000_000
    assert kernel.liquidation_size(0, 0, 99_500 * MILLION) == 62_000_000
    assert kernel.liquidation_size(0, 0, 10**12) == 1_000_000


def test_a_short_is_bought_back_above_the_oracle_price() -> None:
    kernel = one(btc(oraclePrice="80500"), 8100 * MILLION, -(10**9)).kernel
    assert row(kernel, 0)["state"] == 2
    # p (1 + ABR SMMR m), with ABR = 1 - 50 / 96.6, rounded down
    assert kernel.fillable(0, 0) == int(80_500 * (1 + (1 - 50 / 96.6) * 1.5 * 0.012))
    assert kernel.bankruptcy(0, 0, 10**9) == -8100 * MILLION


def test_the_liquidation_config_is_an_argument() -> None:
    world = universe([btc(oraclePrice="80500")], share_max_ppm=500_000, spread_ppm=0, liquidation_fee_ppm=0)
    world.kernel.set_usdc(0, -8000 * MILLION)
    world.kernel.set_position(0, 0, 10**9)
    assert world.kernel.liquidation_size(0, 0) == 500_000_000
    assert world.kernel.fillable(0, 0) == 80_500
    assert world.kernel.insurance(0, 0, 10**9, 8040 * MILLION) == 0
    with pytest.raises(ValueError, match="no negative"):
        universe([btc()], spread_ppm=-1)


def test_funding_of_a_real_hour() -> None:
    kernel = one(btc(oraclePrice="89993.8"), 0, 5 * 10**9).kernel
    assert kernel.funding_change(0, 19) == 21
    assert kernel.funding_due(0, np.full(16, 19)) == -105_000
    kernel.set_position(0, 0, -5 * 10**9)
    assert kernel.funding_due(0, np.full(16, 19)) == 105_000
    assert kernel.funding_change(0, -19) == -21 and kernel.funding_change(0, 0) == 0
    # one index unit is 0.01 USDC a BTC, 0.001 an ETH
    kernel.set_position(0, 0, -(10**10))
    kernel.fund(0, 1)
    assert kernel.settle(0) == 10_000
    assert universe([eth(oraclePrice="3103.1")]).kernel.funding_change(0, 1) == 0
    kernel = one(eth(), 0, 10**9).kernel
    kernel.fund(0, 1)
    assert kernel.settle(0) == -1_000


def test_funding_is_rounded_down_over_the_sum() -> None:
    world = universe([btc(), eth()])
    kernel = world.kernel
    kernel.set_position(0, 0, -5)
    kernel.set_position(0, 1, 1)
    kernel.fund(0, 100_001)
    kernel.fund(1, 3)
    kernel.update()
    # 500,005 - 3 millionths
    assert row(kernel, 0)["unsettled"] == 0 == twin.settlement([(100_001, -5), (3, 1)])
    kernel.fund(1, 500_003)
    kernel.update()
    assert row(kernel, 0)["unsettled"] == -1 == twin.settlement([(100_001, -5), (500_006, 1)])
    assert kernel.settle(0) == -1
    kernel.update()
    assert (row(kernel, 0)["usdc"], row(kernel, 0)["unsettled"]) == (-1, 0)
    kernel.set_unsettled(0, -7)
    kernel.update()
    assert row(kernel, 0)["unsettled"] == -7


def test_funding_beyond_what_is_exact() -> None:
    kernel = one(btc(), 0, 2**60).kernel
    rates = np.full(16, 10**9)
    assert kernel.funding_due(0, rates) == -kernel.funding_change(0, 10**9) * 2**60 // MILLION
    assert kernel.funding_due(0, np.full(16, 2**62)) == -kernel.funding_change(0, 2**62) * 2**60 // MILLION
    for _ in range(64):
        kernel.fund(0, 2**62)  # in all 2 ** 128 millionths
    kernel.update()
    assert row(kernel, 0)["state"] == 3
    kernel.set_position(0, 0, 10**30)
    with pytest.raises(ValueError, match="not computable"):
        kernel.funding_due(0, rates)
    kernel.clear(0)
    kernel.update()
    assert row(kernel, 0)["state"] == 0
    with pytest.raises(ValueError, match="oracle"):
        one(btc(oraclePrice=None), 0, 5).kernel.funding_due(0, rates)


# ---- the acceptance test ------------------------------------------------------------------------------------


def test_the_sizing_rule() -> None:
    """q = F / (P i + (L - P) + f L), rounded down to a step."""
    kernel = one(btc(), 1000 * MILLION, 0).kernel
    price, limit, fee = Fraction("89919.2"), 89_950, Fraction(500, MILLION)
    most = Fraction(1000) / (price * Fraction(2, 100) + (limit - price) + fee * limit)
    assert kernel.largest(0, 0, BUY, limit, 500) == int(most / Fraction("0.0001")) * 10**6
    most = Fraction(1000) / (price * Fraction(2, 100) + (price - 89_900) + fee * 89_900)
    assert kernel.largest(0, 0, SELL, 89_900, 500) == int(most / Fraction("0.0001")) * 10**6


def test_what_passes_below_the_initial_margin() -> None:
    # NC 100 with IMR 179.8 and MMR 107.9
    kernel = one(btc(), -8_891_920_000, 10**9).kernel
    assert STATE_NAMES[row(kernel, 0)["state"]] == "liquidatable"
    assert kernel.accepts(0, 0, SELL, 10**8, 89_920, 0) == (True, "not riskier")
    assert kernel.accepts(0, 0, SELL, 10**8, 88_900, 0) == (False, "still undercollateralized")
    assert kernel.accepts(0, 0, BUY, 10**6, 89_919, 0) == (False, "still undercollateralized")
    assert kernel.accepts(0, 0, SELL, 10**9, 89_919, 0) == (True, "initial margin")
    # nothing left and NC below 0
    assert kernel.accepts(0, 0, SELL, 10**9, 88_000, 0) == (False, "still undercollateralized")
    assert kernel.largest(0, 0, SELL, 89_920, 0) > 10**9
    fine = one(btc(), -8_000 * MILLION, 10**9).kernel
    assert fine.accepts(0, 0, BUY, 10**10, 89_920, 500) == (False, "newly undercollateralized")
    assert set(RULE_NAMES) >= {fine.accepts(0, 0, BUY, 10**6, 89_920, 500)[1]}


def test_the_match_itself_raises_the_open_interest() -> None:
    market = btc(oraclePrice="90000", openInterest="100", openInterestLowerCap="9000000")
    market["openInterestUpperCap"] = "18000000"
    world = one(market, 10_000 * MILLION, 0)
    size = 10**10
    # one BTC more: 98 % / 100 more than the base
    assert twin.effective(world.markets[0], size) == 29_800
    need = 90_000 * 29_800
    assert row(world.kernel, 0)["free"] == 10**10
    world.kernel.set_usdc(0, need)
    assert world.kernel.accepts(0, 0, BUY, size, 90_000, 0) == (True, "initial margin")
    world.kernel.set_usdc(0, need - 1)
    assert world.kernel.accepts(0, 0, BUY, size, 90_000, 0) == (False, "newly undercollateralized")
    assert world.kernel.accepts(0, 0, BUY, size, 90_000, 0, 0) == (True, "initial margin")
    assert world.kernel.largest(0, 0, BUY, 90_000, 0) == size - 10**6


@pytest.mark.parametrize("usdc", [1, 100, 1_800, 10**4, 10**5, 10**6, 10**7, 10**8, 10**9])
@pytest.mark.parametrize("held", [0, 10**10, -3 * 10**10])
@pytest.mark.parametrize(
    "caps", [("0", "0"), ("9000000", "18000000"), ("9900000", "9990000"), ("9900000", "9900000"), ("2", "1")]
)
@pytest.mark.parametrize("ticks", [90_000, 89_000, 91_000])
def test_largest_in_every_piece(usdc: int, held: int, caps: tuple[str, str], ticks: int) -> None:
    """Below the lower cap, between the caps and above; opening, closing and crossing; at a fair price and others."""
    market = btc(oraclePrice="90000", openInterest="100", openInterestLowerCap=caps[0])
    market["openInterestUpperCap"] = caps[1]
    kernel = one(market, usdc * MILLION - held * 9 // 10, held).kernel
    for side in (BUY, SELL):
        most, step = kernel.largest(0, 0, side, ticks, 500), 10**6
        if most:
            assert kernel.accepts(0, 0, side, most, ticks, 500)[0]
        for more in (*range(1, 20), *(3**k for k in range(3, 22)), abs(held) // step or 1):
            assert not kernel.accepts(0, 0, side, most + more * step, ticks, 500)[0], more


def test_largest_where_a_better_price_pays_for_the_margin() -> None:
    """Nothing can be opened at first, and more can: the room rises with the size, and falls above the caps."""
    market = btc(oraclePrice="90000", openInterest="100", openInterestLowerCap="9000000")
    market["openInterestUpperCap"] = "18000000"
    world = one(market, -1_000_000, 0)
    kernel = world.kernel
    assert not kernel.accepts(0, 0, BUY, 10**6, 80_000, 0)[0]
    most = kernel.largest(0, 0, BUY, 80_000, 0)
    assert most > 10**9 and kernel.accepts(0, 0, BUY, most, 80_000, 0)[0]
    for more in range(1, 200):
        assert not kernel.accepts(0, 0, BUY, most + more * 10**6, 80_000, 0)[0]


def test_the_smallest_requirements() -> None:
    """One quantum of requirement, however little is left of it."""
    market = btc(oraclePrice="1", atomicResolution=-6, openInterest="0")
    world = universe([market | {"initialMarginFraction": "0.000001", "maintenanceMarginFraction": "0"}])
    world.kernel.set_position(0, 0, 1)
    world.kernel.update()
    assert (row(world.kernel, 0)["initial"], row(world.kernel, 0)["maintenance"]) == (1, 0)
    market |= {"initialMarginFraction": "0.000001", "maintenanceMarginFraction": "0.000000000001"}
    world = one(market, 0, 1)
    assert world.kernel.terms_of(0)[1:3] == (1, 1)
    assert (row(world.kernel, 0)["initial"], row(world.kernel, 0)["maintenance"]) == (1, 1)
    world.kernel.set_position(0, 0, 10**6 + 1)
    nets, maintenances = world.kernel.grid(0, np.zeros((1, 1), np.int32))
    assert (nets.tolist(), maintenances.tolist()) == ([10**6 + 1], [1])


def test_orders_that_are_none() -> None:
    kernel = one(btc(), 10**9, 0).kernel
    for wrong in ((0, 0, 2, 1, 1, 0), (0, 0, 0, 1, 0, 0), (0, 0, 0, 0, 1, 0), (0, 0, 0, 1, 1, 10**7)):
        with pytest.raises(ValueError):
            kernel.accepts(*wrong)
    blind = universe([btc(subticksPerTick=None)]).kernel
    assert blind.accepts(0, 0, BUY, 10**6, 89_919, 0) == (False, "unknown")
    assert blind.largest(0, 0, BUY, 89_919, 0) == 0


# ---- distances ----------------------------------------------------------------------------------------------


def test_distances() -> None:
    world = universe([btc(), eth()])
    kernel = world.kernel
    sigmas, drifts = np.zeros(16), np.zeros(16)
    kernel.bind(sigmas, drifts)
    kernel.set_usdc(0, (1000 - 8991) * MILLION - 920_000)
    kernel.set_position(0, 0, 10**9)
    assert kernel.update() == 1
    price = 80889.87854251012
    percent = 100 * (89919.2 - price) / 89919.2
    found = kernel.positions[0][0]
    assert found["distance_percent"] == pytest.approx(percent)
    assert found["distance_usd"] == pytest.approx(89919.2 - price)
    assert (found["distance_sigmas"], found["distance_minutes"]) == (0.0, FAR_AWAY)
    sigmas[0], drifts[0] = 0.001, -0.0002
    assert kernel.update() == 0  # nothing but these changed
    found, account = kernel.positions[0][0], row(kernel, 0)
    assert found["distance_sigmas"] == pytest.approx(percent / 100 / 0.001 / 60**0.5)
    assert found["distance_minutes"] == pytest.approx(percent / 100 / 0.0002)
    assert [account[f"distance_{name}"] for name in ("percent", "sigmas", "minutes")] == pytest.approx(
        [found[f"distance_{name}"] for name in ("percent", "sigmas", "minutes")]
    )
    assert kernel.account(0)[8] == found["distance_sigmas"]
    drifts[0] = 0.0002
    kernel.update()
    assert kernel.positions[0][0]["distance_minutes"] == FAR_AWAY
    # already beyond it
    kernel.set_usdc(0, -8_950 * MILLION)
    kernel.update()
    found = kernel.positions[0][0]
    assert found["liquidation_price"] > 89919.2 and found["distance_percent"] < 0 > found["distance_sigmas"]
    assert found["distance_minutes"] == 0.0
    with pytest.raises(ValueError, match="16 places"):
        kernel.bind(np.zeros(3), drifts)


def test_a_position_that_cannot_be_liquidated_by_its_price() -> None:
    kernel = one(btc(), 10_000 * MILLION, 10**9).kernel
    found = kernel.positions[0][0]
    assert kernel.liquidation_price(0, 0) is None and kernel.factor(0) is None
    assert found["liquidation_price"] == 0.0 and found["distance_percent"] == FAR_AWAY
    assert row(kernel, 0)["factor"] == 0.0 and row(kernel, 0)["distance_sigmas"] == FAR_AWAY


def test_no_liquidation_price_where_maintenance_is_everything() -> None:
    market = btc(initialMarginFraction="1", maintenanceMarginFraction="1")
    kernel = one(market, -8_000 * MILLION, 10**9).kernel
    assert kernel.liquidation_price(0, 0) is None
    assert kernel.positions[0][0]["liquidation_price"] == 0.0
    short = one(market, 20_000 * MILLION, -(10**9)).kernel
    assert price_of(short) == 100_000.0


# ---- what is not computable ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "trouble"),
    [
        ({"oraclePrice": None}, 1),
        ({"oraclePrice": "0"}, 1),
        ({"initialMarginFraction": None}, 2),
        ({"maintenanceMarginFraction": None}, 2),
        ({"atomicResolution": None}, 2),
        ({"atomicResolution": -31}, 2),
        ({"initialMarginFraction": "1.1"}, 2),
        ({"initialMarginFraction": "-0.1"}, 2),
        ({"initialMarginFraction": "0"}, 2),
        ({"initialMarginFraction": "0.01"}, 2),
        ({"initialMarginFraction": "1", "maintenanceMarginFraction": "1.0000001"}, 2),
        ({"openInterestUpperCap": "-1"}, 4),
        ({"openInterestUpperCap": "5", "openInterest": None}, 4),
        ({"openInterestUpperCap": "5", "openInterest": "-1"}, 4),
    ],
)
def test_a_market_that_does_not_say_enough(change: dict[str, Any], trouble: int) -> None:
    world = one(btc(**change), 10**9, 10**9)
    kernel, found = world.kernel, row(world.kernel, 0)
    assert kernel.terms_of(0)[4] & trouble
    assert STATE_NAMES[found["state"]] == "unknown" and found["trouble"] & trouble
    assert (found["net"], found["initial"], found["leverage"], kernel.account(0)[-1]) == (0, 0, 0.0, False)
    assert found["distance_percent"] == found["distance_sigmas"] == 0.0
    assert kernel.unknown == 1 and world.tape.counters[41] == 1
    assert kernel.accepts(0, 0, SELL, 10**6, 89_919, 0) == (False, "unknown")
    assert kernel.largest(0, 0, SELL, 89_919, 0) == 0
    assert kernel.stress(0, np.zeros(16, np.int32)) is None and kernel.factor(0) is None
    for ask in (kernel.bankruptcy, kernel.insurance):
        with pytest.raises(ValueError, match="not computable"):
            ask(0, 0, 1, *((1,) if ask == kernel.insurance else ()))
    with pytest.raises(ValueError, match="not computable"):
        kernel.grid(0, np.zeros((1, 1), np.int32))
    with pytest.raises(ValueError, match="not computable"):
        kernel.closing(0, np.zeros((0, 2), np.int64), np.zeros(1, np.int64), 0)
    world.say({"BTC-USD": btc()})
    kernel.update()
    assert kernel.unknown == 0 and row(kernel, 0)["state"] == 0


def test_a_market_without_a_price_has_no_funding() -> None:
    with pytest.raises(ValueError, match="oracle"):
        universe([btc(oraclePrice=None)]).kernel.funding_change(0, 1)


@pytest.mark.parametrize("size", [2**61 + 1, 2**63, -(10**30), 2**61])
def test_what_is_too_large_is_unknown_and_never_wrong(size: int) -> None:
    world = one(btc(), 0, 10**9)
    before = row(world.kernel, 0)
    for account in (
        Account(0, 0, {0: size}),
        Account(size * 10, 0, {0: 10**9}),
        Account(0, size * 10**7, {}),
    ):
        put(world.kernel, 0, account)
        world.kernel.update()
        assert not compare(world, 0, account) and world.kernel.unknown == 1
    put(world.kernel, 0, Account(0, 0, {0: 10**9}))
    world.kernel.update()
    assert row(world.kernel, 0) == before and world.kernel.unknown == 0


def test_large_amounts_take_the_long_way_and_are_exact() -> None:
    market = btc(openInterest="900000000", openInterestLowerCap="1", openInterestUpperCap="999999999999999")
    world = one(market, 0, 10**9)
    for size in (1, 2 * 10**12, 10**14, 2 * 10**17, -(10**17) - 1):
        account = Account(12345 - twin.notional(world.markets[0], size), 0, {0: size})
        put(world.kernel, 0, account)
        world.kernel.update()
        assert compare(world, 0, account), size


def test_prices_of_many_decimals() -> None:
    """More than 18 decimals between base quantums and quote quantums: only the long way will do."""
    market = btc(oraclePrice="0.123456789123456789", atomicResolution=-14)
    world = one(market, 0, 1)
    account = Account(0, 0, {0: 10**13 + 7})
    put(world.kernel, 0, account)
    world.kernel.update()
    assert compare(world, 0, account)
    moves = np.array([[-500_000], [1]], np.int32)
    nets, maintenances = world.kernel.grid(0, moves)
    for at, move in enumerate((-500_000, 1)):
        found = twin.risk(world.markets, account, None, {0: 1 + Fraction(move, MILLION)})
        assert (nets[at], maintenances[at]) == (found.net, found.maintenance)


# ---- what if ------------------------------------------------------------------------------------------------


def test_stress_revalues_the_open_interest_too() -> None:
    market = btc(oraclePrice="90000", openInterest="100", openInterestLowerCap="9000000")
    market["openInterestUpperCap"] = "18000000"
    world = one(market, 0, 10**9)
    moves = np.zeros(16, np.int32)
    moves[0] = 500_000
    assert world.kernel.stress(0, moves) == (13_500 * MILLION, 162 * MILLION, 6_885 * MILLION)
    moves[0] = -MILLION
    assert world.kernel.stress(0, moves) == (0, 0, 0)
    moves[0] -= 1
    assert world.kernel.stress(0, moves) is None
    with pytest.raises(ValueError, match="places"):
        world.kernel.stress(0, np.zeros(3, np.int32))


def test_grid_refuses_what_it_cannot_do() -> None:
    kernel = one(btc(), 0, 10**9).kernel
    with pytest.raises(ValueError, match="below zero"):
        kernel.grid(0, np.array([[0], [-MILLION - 1]], np.int32))
    with pytest.raises(ValueError, match="the account has 1"):
        kernel.grid(0, np.zeros((3, 2), np.int32))
    with pytest.raises(ValueError):
        kernel.grid(0, np.zeros((3, 1), np.int64))
    nets, maintenances = kernel.grid(0, np.zeros((0, 1), np.int32))
    assert len(nets) == len(maintenances) == 0
    assert [x.tolist() for x in kernel.grid(1, np.zeros((2, 0), np.int32))] == [[0, 0], [0, 0]]


def test_the_cost_of_closing_everything() -> None:
    world = universe([btc(oraclePrice="90000"), eth()])
    kernel = world.kernel
    kernel.set_position(0, 0, 10**9)  # 0.1 BTC
    kernel.set_position(0, 1, -(10**9))  # 1 ETH
    kernel.update()
    levels = np.array([[89_990, 600], [89_000, 10_000], [30_010, 400]], np.int64)
    found = kernel.closing(0, levels, np.array([2, 3]), 500)
    assert found.dtype == CLOSING_DTYPE and found["market"].tolist() == [0, 1]
    assert found["quote"].tolist() == [5_399_400_000 + 3_560_000_000, -1_200_400_000]
    assert found["fee"].tolist() == [2_699_700 + 1_780_000, 600_200]
    assert found["left"].tolist() == [0, -600_000_000]
    assert found["cost"].tolist() == [9000 * MILLION - 8_959_400_000 + 4_479_700, 400_000 + 600_200]
    nothing = kernel.closing(0, np.zeros((0, 2), np.int64), np.array([0, 0]), 0)
    assert nothing["left"].tolist() == [10**9, -(10**9)] and not nothing["cost"].any()
    for wrong in (
        (levels, np.array([3]), 0),
        (levels, np.array([3, 2]), 0),
        (levels, np.array([2, 4]), 0),
        (levels[:, :1].copy(), np.array([2, 3]), 0),
        (-levels, np.array([2, 3]), 0),
        (levels, np.array([2, 3]), 10**7),
    ):
        with pytest.raises(ValueError):
            kernel.closing(0, *wrong)


# ---- accounts and positions ---------------------------------------------------------------------------------


def test_positions_stand_in_the_order_of_markets() -> None:
    world = universe([btc(ticker=f"M{i}-USD") for i in range(9)], positions_max=4)
    kernel = world.kernel
    for market in (5, 1, 7, 3):
        kernel.set_position(2, market, market)
    with pytest.raises(ValueError, match="4 positions"):
        kernel.set_position(2, 6, 6)
    kernel.set_position(2, 6, 0)
    kernel.set_position(2, 1, 0)
    kernel.set_position(2, 6, -6)
    kernel.update()
    shown = kernel.positions[2][: row(kernel, 2)["positions"]]
    assert shown["market"].tolist() == [3, 5, 6, 7] and shown["size"].tolist() == [3, 5, -6, 7]
    kernel.clear(2)
    kernel.update()
    assert row(kernel, 2)["positions"] == 0 and kernel.account(2)[:5] == (0, 0, 0, 0, 0)
    with pytest.raises(ValueError, match="no position"):
        kernel.bankruptcy(2, 3, 1)


def test_accounts_do_not_know_each_other() -> None:
    world = universe([btc(), eth()])
    kernel = world.kernel
    for account in (0, 1, 64, 128):
        kernel.set_usdc(account, account)
        kernel.set_position(account, account % 2, 10**9)
    assert kernel.update() == 4 and kernel.update() == 0
    world.say({"BTC-USD": btc(oraclePrice="90000")})
    assert kernel.update() == 3
    world.say({"ETH-USD": eth(oraclePrice="3001")})
    assert kernel.update() == 1
    world.say({"ETH-USD": eth(oraclePrice="3001.0", openInterest="5")})
    assert kernel.update() == 0  # what did not change its margin
    for account in (0, 64, 128):
        assert row(kernel, account)["net"] == account + 9000 * MILLION
    kernel.fund(0, 3)
    assert kernel.update() == 3
    assert kernel.set_usdc(5, 0) is None and kernel.update() == 0


@pytest.mark.parametrize(
    "change",
    [
        {"oraclePrice": "89919.3"},
        {"initialMarginFraction": "0.021"},
        {"maintenanceMarginFraction": "0.0121"},
        {"maintenanceMarginFraction": "0.0120000001"},
        {"atomicResolution": -9},
        {"openInterestLowerCap": "1", "openInterestUpperCap": "2"},
    ],
)
def test_any_term_of_a_market_that_changes_alone(change: dict[str, Any]) -> None:
    world = one(btc(), 0, 10**9)
    world.say({"BTC-USD": change})
    assert world.kernel.update() == 1
    fresh = one(btc(**change), 0, 10**9).kernel
    assert row(world.kernel, 0) == row(fresh, 0)
    assert world.kernel.positions[0][0] == fresh.positions[0][0]
    assert world.kernel.liquidation_price(0, 0) == fresh.liquidation_price(0, 0)


def test_what_there_is_not() -> None:
    kernel = universe([btc()], accounts_max=3).kernel
    for call in (
        lambda: kernel.set_usdc(3, 1),
        lambda: kernel.set_usdc(-1, 1),
        lambda: kernel.set_position(0, 16, 1),
        lambda: kernel.custom_imf(0, -1, 1),
        lambda: kernel.account(9),
        lambda: kernel.terms_of(99),
    ):
        with pytest.raises(IndexError):
            call()
    with pytest.raises(ValueError, match="ppm"):
        kernel.custom_imf(0, 0, MILLION + 1)
    with pytest.raises(ValueError, match="rows"):
        kernel.apply(10**9)
    with pytest.raises(ValueError, match="rates"):
        kernel.funding_due(0, np.zeros(1, np.int64))
    with pytest.raises(ValueError, match="maintenance"):
        one(btc(initialMarginFraction="1", maintenanceMarginFraction="0"), 0, 1).kernel.fillable(0, 0)
    with pytest.raises(ValueError, match="cannot be closed"):
        doomed().kernel.bankruptcy(0, 0, 10**9 + 1)
    with pytest.raises(ValueError, match="ticks and steps"):
        one(btc(subticksPerTick=None), 0, 10**9).kernel.fillable(0, 0)
    for settings in (
        {"positions_max": 0},
        {"positions_max": 1001},
        {"accounts_max": 0},
        {"accounts_max": 5000},
    ):
        with pytest.raises(ValueError):
            universe([btc()], **settings)


def test_what_is_lent_cannot_be_written() -> None:
    kernel = one(btc(), 0, 10**9).kernel
    assert kernel.accounts.dtype == ACCOUNT_DTYPE and kernel.positions.dtype == POSITION_DTYPE
    with pytest.raises(ValueError):
        kernel.accounts["usdc"][0] = 5
    with pytest.raises(ValueError):
        kernel.positions["size"][0, 0] = 5


# ---- against the twin ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
def test_drawn_accounts(seed: int) -> None:
    assert turn(random.Random(seed)) > 5


def test_two_hundred_positions() -> None:
    world = universe([btc(ticker=f"M{i}-USD", oraclePrice=f"{i + 1}.{i:03}") for i in range(200)])
    account = Account(10**13, 5, {i: (-1) ** i * (10**11 + 7**i % 10**9) for i in range(200)})
    put(world.kernel, 7, account)
    world.kernel.update()
    assert compare(world, 7, account)


@given(
    price=st.decimals("0.000000001", "999999999", places=9),
    atomic=st.integers(-20, 6),
    base=st.integers(0, MILLION),
    fraction=st.integers(0, MILLION),
    size=st.integers(-(2**62), 2**62),
    usdc=st.integers(-(2**62), 2**62),
    interest=st.integers(0, 10**15),
    caps=st.tuples(st.integers(0, 10**15), st.integers(0, 10**15)),
    custom=st.integers(0, MILLION),
)
def test_any_parameters(
    price: Any,
    atomic: int,
    base: int,
    fraction: int,
    size: int,
    usdc: int,
    interest: int,
    caps: tuple[int, int],
    custom: int,
) -> None:
    digits = f"{base * fraction:013}"
    market = btc(
        oraclePrice=f"{price:f}",
        atomicResolution=atomic,
        initialMarginFraction=f"{base // MILLION}.{base % MILLION:06}",
        maintenanceMarginFraction=f"{digits[:-12]}.{digits[-12:]}",
        openInterest=str(interest),
        openInterestLowerCap=str(caps[0]),
        openInterestUpperCap=str(caps[1]),
    )
    world = universe([market], accounts_max=1)
    account = Account(usdc, 0, {0: size} if size else {}, {0: custom})
    put(world.kernel, 0, account)
    world.kernel.update()
    assert compare(world, 0, account) == world.kernel.account(0)[-1]


def test_the_twin_says_what_the_rules_say() -> None:
    """The reference kernel's own checks, so that the twin is not checked by the kernel alone."""
    market = Market(Fraction("89919.2"), -10, 20_000, 600_000, Fraction("0.012"))
    assert twin.notional(market, 123_000_000) == 1_106_006_160
    assert twin.requirement(market, 123_000_000, 20_000) == (22_120_124, 13_272_075)
    account = Account(-(10**9), 0, {0: 123_000_000})
    assert twin.risk([market], account) == Risk(106_006_160, 22_120_124, 13_272_075)
    assert twin.settlement([(21, 5 * 10**9)]) == -105_000
    assert twin.settlement([(1, 1)]) == -1


def test_short_questions_say_what_the_rows_say() -> None:
    kernel = universe([btc(), eth()]).kernel
    kernel.set_usdc(0, 3_000_000_000)
    kernel.set_position(0, 0, 10**9)
    kernel.set_position(0, 1, -(10**9))
    kernel.update()
    rows = kernel.positions[0][:2]
    columns = ("market", "size", "notional", "maintenance")
    assert kernel.holdings(0) == [tuple(int(one[name]) for name in columns) for one in rows]
    assert kernel.trouble(0) == 0 and kernel.holdings(1) == [] and kernel.nearest(1) is None
    priced = [one for one in rows if one["liquidation_price"] > 0.0]
    least = min(priced, key=lambda one: float(one["distance_percent"]))
    assert kernel.nearest(0) == tuple(
        least[n].item() for n in ("market", "distance_percent", "distance_sigmas")
    )
    for question in (kernel.holdings, kernel.trouble, kernel.nearest):
        with pytest.raises(IndexError):
            question(kernel.accounts_max)
