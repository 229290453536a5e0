"""The arithmetic of one market: the examples of margin.md 1 and 8."""

from __future__ import annotations

from sniper.exchange.chain.market import CROSS_POOL, Market
from tests.small_chain import BTC, ETH, ISO, USDC


def market(terms: object, oracle: int = 0) -> Market:
    made = Market(terms)  # type: ignore[arg-type]
    made.oracle = oracle
    return made


def test_the_checked_examples_of_fill_values() -> None:
    assert market(BTC).quote(123_000_000, 8_995_800_000) == 1_106_483_400
    assert market(ETH).quote(1_001_000_000, 3_103_100_000) == 3_106_203_100


def test_notional_at_the_oracle_price() -> None:
    btc = market(BTC, 8_991_920_000)
    assert btc.notional(123_000_000) == 1_106_006_160
    assert btc.notional(-123_000_000) == -1_106_006_160
    assert btc.maintenance(1_106_006_160) == 13_272_075
    # Toward zero on both sides.
    assert (btc.notional(1), btc.notional(-1)) == (8, -8)


def test_maintenance_is_rounded_up_twice() -> None:
    terms = BTC._replace(initial_margin_ppm=20_001, maintenance_fraction_ppm=600_001)
    assert market(terms).maintenance(49) == 1
    assert market(terms).maintenance(10**12) == 12_000_620_001  # ceil(20,001,000,000 x 0.600001)


def test_the_fraction_follows_open_interest() -> None:
    iso = market(ISO, 10 * 10**8)
    assert iso.fraction_ppm(3_500 * 10**6) == 525_000
    assert iso.fraction_ppm(0) == 50_000
    assert market(BTC, 10**10).fraction_ppm(10**18) == 20_000


def test_prices_in_subticks_and_ticks() -> None:
    btc = market(BTC)
    assert btc.subticks_of(8_991_920_000) == (8_991_920_000, 1)
    iso = market(ISO)
    assert iso.subticks_of(10 * 10**8) == (10**10, 1)  # 10 USD x 10^(-6 + 9 + 6)
    coarse = market(BTC._replace(price_exponent=-7))
    assert coarse.subticks_of(12_345_678_901) == (12_345_678_901, 100)
    assert coarse.tick_below(12_345_678_901, 100) == 123_400_000
    assert coarse.tick_above(12_345_678_901, 100) == 123_500_000
    assert coarse.tick_above(12_340_000_000, 100) == coarse.tick_below(12_340_000_000, 100) == 123_400_000


def test_pools_and_spread() -> None:
    assert (market(BTC).pool, market(ISO).pool) == (CROSS_POOL, 70)
    assert (market(BTC).spread_ppm, market(ISO).spread_ppm) == (8_000, 20_000)


def test_traded_prices() -> None:
    btc = market(BTC)
    for price in (500, 300, 700):
        btc.traded(price)
    assert (btc.low, btc.high) == (300, 700)
    assert USDC == 10**6
