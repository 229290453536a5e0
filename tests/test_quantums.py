"""Exact numbers: decimals, values, times."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper.quantums import (
    Inexact,
    Scale,
    Scales,
    divided_notional,
    exact,
    floored,
    iso_ns,
    mean_ticks,
    notional,
    shifted,
    truncated,
)
from tests import messages as m
from tests.accounts import BTC, ETH, PEPE, Scene


@given(st.integers(-(10**20), 10**20), st.integers(0, 20))
def test_a_decimal_keeps_every_digit(mantissa: int, decimals: int) -> None:
    text = f"{Decimal(mantissa).scaleb(-decimals):f}"
    found, places = exact(text)
    assert Fraction(found, 10**places) == Fraction(text)


@pytest.mark.parametrize(
    "text",
    ["", "-", ".", "1.", ".5", "+1", "1e5", " 1", "1 ", "--1", "0x1", "nan", "1_0", "١", "1" * 65],  # noqa: RUF001
)
def test_what_is_no_plain_decimal(text: str) -> None:
    with pytest.raises(Inexact):
        exact(text)


@given(st.integers(-(10**12), 10**12), st.integers(-12, 12))
def test_rounding_towards_zero_and_down(mantissa: int, power: int) -> None:
    value = Fraction(mantissa) * Fraction(10) ** power
    assert truncated(mantissa, power) == int(value)
    assert floored(mantissa, power) == value.numerator // value.denominator
    if value.denominator == 1:
        assert shifted(mantissa, power) == value
    else:
        with pytest.raises(Inexact):
            shifted(mantissa, power)


def test_the_worked_values_of_the_margin_rules() -> None:
    assert notional(123_000_000, -10, 89_958, 0) == 1_106_483_400
    assert notional(123_000_000, -10, 8_991_920_000, 5) == 1_106_006_160
    assert notional(1_001_000_000, -9, 31031, 1) == 3_106_203_100
    assert notional(-7, 1, 9876, 9) == -691  # -691.32, towards zero


@given(st.datetimes(datetime(1970, 1, 1), datetime(2199, 12, 31)))
def test_times_are_those_of_the_calendar(at: datetime) -> None:
    at = at.replace(tzinfo=UTC)
    micros = (at - datetime(1970, 1, 1, tzinfo=UTC)) // (at.resolution)
    assert iso_ns(at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")) == micros * 1000
    assert iso_ns(at.isoformat()) == micros * 1000


def test_short_and_long_fractions_of_a_second() -> None:
    assert iso_ns("1970-01-01T00:00:01Z") == 10**9
    assert iso_ns("1970-01-01T00:00:00.000000001Z") == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2025-12-08",
        "2025-12-08T16:00:00",
        "2025-12-08T16:00:00+01:00",
        "2025-13-08T16:00:00Z",
        "2025-02-29T16:00:00Z",
        "2025-04-31T16:00:00Z",
        "1900-01-01T00:00:00Z",
        "2025-12-08T24:00:00Z",
        "2025-12-08T16:60:00Z",
        "2025-12-08 16:00:00Z",
        "2025-12-08T16:00:00.0000000001Z",
        "2025-12-8T16:00:00Z",
        "x" * 70 + "Z",
    ],
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(Inexact):
        iso_ns(text)


def test_scales_come_from_the_market_table_and_follow_it() -> None:
    scene = Scene()
    scales = Scales(scene.decoder)
    assert scales.of("BTC-USD") == Scale(BTC, -10, 1_000_000, 1, 0)
    assert scales.of("ETH-USD") == Scale(ETH, -9, 1_000_000, 1, 1)
    assert scales.at(PEPE) == Scale(PEPE, 1, 1, 1, 9)
    assert scales.of("NO-USD") is None and scales.at(99) is None and scales.at(-1) is None
    scene.say(m.trading(3, BTC_USD={"tickSize": "0.5"}, NEW_USD={"tickSize": "1", "stepSize": "1"}))
    assert scales.of("BTC-USD") == Scale(BTC, -10, 1_000_000, 1, 0)
    scales.clear()
    assert scales.of("BTC-USD") == Scale(BTC, -10, 1_000_000, 5, 1)
    assert scales.of("NEW-USD") is None  # nothing is known of its quantums
    odd = m.market("ODD-USD", "1", "1", atomicResolution=99, stepBaseQuantums=1)
    scene.say(m.markets(odd, message_id=4))
    assert scales.of("ODD-USD") is None


def test_the_mean_price_in_ticks() -> None:
    assert mean_ticks(1_106_483_400, 123_000_000, Scale(0, -10, 1_000_000, 1, 0)) == 89_958.0
    assert mean_ticks(3_106_203_100, 1_001_000_000, Scale(0, -9, 1_000_000, 1, 1)) == 31_031.0
    assert mean_ticks(98_760, 1000, Scale(0, 1, 1, 1, 9)) == 9876.0


@given(st.integers(1, 10**15), st.integers(1, 10**12), st.integers(0, 12), st.integers(13, 20))
def test_a_divided_price_gives_back_what_was_divided(quote: int, size: int, coins: int, digits: int) -> None:
    # Cut after so many digits behind the point that a whole position at it is off by less than half a QQ.
    decimals = digits + 6
    price = quote * 10 ** (coins + decimals - 6) // size
    assert divided_notional(size, -coins, price, decimals) == quote
    assert divided_notional(size * 10, 0, 3, 1) == size * 3 * 10**6


def test_the_nearest_and_not_the_one_below() -> None:
    # a deleveraging of the stand-in exchange, told by REST: no quoteAmount, 18 digits of the price
    assert notional(232_000_000, -10, 100_960_853_922_413_793, 12) == 2_342_291_810
    assert divided_notional(232_000_000, -10, 100_960_853_922_413_793, 12) == 2_342_291_811
    assert divided_notional(2, 1, 15, 2) == 3_000_000
