"""The chain's funding formulas, with the worked examples of the protocol notes."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper.funding_rules import (
    HOUR_NS,
    SAMPLES_MAX,
    fewest_samples,
    index_change,
    likely_samples,
    payment,
    possible_samples,
    rate_ppm,
)
from tests import real

MINUTE_NS = 60_000_000_000


def test_the_tick_of_8_december_2025() -> None:
    """BTC-USD: 0.000002375 an hour is 19 ppm for 8 hours; at 89,993.8 the index moves by 21."""
    assert rate_ppm(2375, 9) == 19
    assert index_change(19, 899938, 1, -10) == 21
    assert index_change(19, 8_999_380_000, 5, -10) == 21  # the same price as the chain writes it
    assert index_change(-19, 899938, 1, -10) == -21
    assert payment(21, 5_000_000_000) == -105_000
    assert payment(21, -5_000_000_000) == 105_000


def test_the_number_of_samples_behind_a_rate() -> None:
    assert fewest_samples(254545454545455, 20) == 11  # BTC at 16:12: 224/11
    assert fewest_samples(-143181818, 14) == 11  # SOL: -126/11, told with fewer digits
    assert fewest_samples(2545454545454, 18) == 11  # as the decoder keeps it
    assert fewest_samples(2375, 9) == 1 and fewest_samples(0, 0) == 1
    assert fewest_samples(24, 7) == 5  # 19.2
    assert fewest_samples(123456789123456, 15) == 0
    assert fewest_samples(123, 10) == 0  # 0.0984 ppm: no sum of whole ppm over at most 60


@given(st.integers(1, SAMPLES_MAX), st.integers(-480_000, 480_000), st.integers(14, 20))
def test_any_mean_of_samples_is_recognised(n: int, total: int, digits: int) -> None:
    rate = Fraction(total, n * 8_000_000)
    mantissa = round(rate * 10**digits)
    if Fraction(mantissa, 10**digits) == rate or digits >= 18:
        assert fewest_samples(mantissa, digits) == Fraction(total, n).denominator
    else:
        found = fewest_samples(mantissa, digits)
        assert 0 < found <= Fraction(total, n).denominator


@given(st.integers(-(10**9), 10**9), st.integers(0, 12))
def test_rates_are_rounded_to_the_nearest(mantissa: int, decimals: int) -> None:
    exact = Fraction(mantissa, 10**decimals) * 8_000_000
    found = rate_ppm(mantissa, decimals)
    assert abs(found - exact) <= Fraction(1, 2)
    if abs(found - exact) == Fraction(1, 2):
        assert abs(found) > abs(exact)
    assert rate_ppm(-mantissa, decimals) == -found


@given(st.integers(-48_000, 48_000), st.integers(1, 10**9), st.integers(0, 12), st.integers(-12, 2))
def test_the_index_is_cut_off_twice(ppm: int, price: int, decimals: int, atomic: int) -> None:
    hour = int(3600 * ppm * Fraction(price, 10**decimals) * Fraction(10) ** (atomic + 6))
    assert index_change(ppm, price, decimals, atomic) == int(Fraction(hour, 28_800))


def test_samples_come_every_minute_from_half_past_the_first() -> None:
    seconds = {0: 0, 29.999: 0, 30: 1, 89: 1, 90: 2, 12 * 60: 12, 3599: 60}
    assert {s: possible_samples(int(s * 1e9)) for s in seconds} == seconds
    assert possible_samples(HOUR_NS * 2) == SAMPLES_MAX


@pytest.mark.parametrize(
    ("fewest", "possible", "likely"),
    [(11, 12, 11), (11, 22, 22), (1, 12, 12), (5, 14, 10), (13, 12, 13), (0, 12, 12), (3, 0, 0)],
)
def test_the_likely_number_of_samples(fewest: int, possible: int, likely: int) -> None:
    assert likely_samples(fewest, possible) == likely


def test_a_real_market_list_was_taken_after_41_samples() -> None:
    markets = json.loads(real.read("dydx-nautilus/http/list_perpetual_markets.json.gz"))["markets"]
    found = set()
    for item in markets.values():
        text = item["nextFundingRate"].lstrip("-").replace(".", "")
        decimals = len(item["nextFundingRate"].partition(".")[2])
        keep = 18
        mantissa, decimals = int(text) // 10 ** max(decimals - keep, 0), min(decimals, keep)
        found.add(fewest_samples(mantissa, decimals))
    assert found == {1, 41}
