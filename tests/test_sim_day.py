"""The 24-hour statistics."""

from __future__ import annotations

from decimal import Decimal
from random import Random

from sniper.feed.sim.day import HOUR_NS, Day
from sniper.feed.sim.trades import CENTS, Trade
from sniper.feed.sim.universe import UNIVERSE

T0 = 1_767_225_600_000_000_000


def make(ticker: str) -> tuple[Day, int]:
    spec = UNIVERSE[ticker]
    oracle = int(spec.price_usd * 10.0**spec.oracle_decimals)
    return Day(spec, oracle, T0, Random(1).random), oracle


def read(day: Day, oracle: int) -> dict[str, Decimal]:
    return {key: Decimal(value.strip('"')) for key, value in day.fields(oracle)}


def test_the_first_figures_are_the_usual_ones() -> None:
    for ticker in ("BTC-USD", "PEPE-USD", "BONK-USD", "QTUM-USD", "MATIC-USD"):
        day, oracle = make(ticker)
        fields = read(day, oracle)
        assert fields["trades24H"] == UNIVERSE[ticker].trades_per_day
        assert fields["openInterest"] % (Decimal(10) ** -UNIVERSE[ticker].step_decimals) == 0
    interest_usd = read(*make("BTC-USD"))["openInterest"] * 99_000
    assert 80e6 < interest_usd < 300e6


def test_a_trade_counts_for_a_day() -> None:
    day, oracle = make("BTC-USD")
    before = read(day, oracle)
    day.block(T0 + 1, [Trade(0, 1, 1, 0, 100_000 * CENTS, 25_000, "LIMIT")], oracle)
    after = read(day, oracle)
    assert after["volume24H"] - before["volume24H"] == 250_000
    assert after["trades24H"] - before["trades24H"] == 1
    for hour in range(1, 25):
        day.block(T0 + hour * HOUR_NS, [], oracle + hour)
    later = read(day, oracle + 24)
    assert later["volume24H"] == 0 and later["trades24H"] == 0
    assert later["priceChange24H"] == Decimal(23).scaleb(-5), "over the 24 hours that are kept"


def test_the_open_interest_stays_within_a_factor_of_two() -> None:
    day, oracle = make("ETH-USD")
    first = day.interest_steps
    seen = {read(day, oracle)["openInterest"] for _ in range(5000)}
    assert len(seen) > 1000
    assert first // 2 <= day.interest_steps <= first * 2
