"""cli.margin_lines: what is read, what is refused, and that both ways of working it out agree with the twin."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper.cli.margin_lines import decimal_text, document, exactly, in_kernel, measured, read
from tests import reference_margin as twin
from tests.margins import drawn_account, market_object

BTC = {
    "oraclePrice": "89919.2",
    "initialMarginFraction": "0.02",
    "maintenanceMarginFraction": "0.012",
    "atomicResolution": -10,
}


def line(usdc: Any = 5, positions: Any = (("BTC-USD", 10**9),), **market: Any) -> bytes:
    """An account with one market, whose fields may be given; None takes one away."""
    made = {key: value for key, value in {**BTC, **market}.items() if value is not None}
    listed = [{"market": name, "size_quantums": size} for name, size in positions]
    return json.dumps(
        {"usdc_quantums": usdc, "markets": {"BTC-USD": made}, "positions": listed}, default=str
    ).encode()


def drawn(r: random.Random) -> tuple[bytes, list[twin.Market], twin.Account]:
    """A line, and what the twin needs for it."""
    objects = [market_object(r, i, r.random() < 0.4) for i in range(6)]
    markets = [twin.Market.read(one) for one in objects]
    account = drawn_account(r, markets)
    account = twin.Account(account.usdc, 0, account.sizes)
    order = list(account.sizes)
    r.shuffle(order)
    made = {
        "usdc_quantums": account.usdc,
        "markets": {one["ticker"]: one for one in objects},
        "positions": [
            {"market": objects[m]["ticker"], "size_quantums": account.sizes[m], "note": "x"} for m in order
        ],
        "name": "some account",
    }
    return json.dumps(made).encode(), markets, account


@pytest.mark.parametrize("seed", range(60))
def test_both_ways_agree_with_the_twin(seed: int) -> None:
    text, markets, account = drawn(random.Random(seed))
    read_back = read(text)
    exact = exactly(read_back)
    assert in_kernel(read_back) in (exact, None)
    shown = document(read_back, measured(read_back))
    found = twin.risk(markets, account)
    assert (shown["net_collateral"], shown["imr"], shown["mmr"]) == (
        found.net,
        found.initial,
        found.maintenance,
    )
    assert shown["free_collateral"] == found.net - found.initial
    for one, (ticker, size) in zip(shown["positions"], read_back.positions, strict=True):
        m = int(ticker[1:-4])
        assert one["market"] == ticker and one["notional"] == twin.notional(markets[m], size)
        price = twin.liquidation_price(markets, account, m)
        if price is None:
            assert one["liquidation_price"] is None
        else:
            assert abs(Fraction(one["liquidation_price"]) - price) <= price * Fraction(1, 10**19)
            assert len(one["liquidation_price"].replace(".", "").lstrip("0")) >= 20


def test_the_kernel_answers_what_it_can() -> None:
    answered = [in_kernel(read(drawn(random.Random(seed))[0])) is not None for seed in range(100)]
    assert 60 < sum(answered) < 100


@pytest.mark.parametrize(
    "change",
    [
        {"oraclePrice": "1234567890123456789.5"},
        {"oraclePrice": "0.0000000000000000001"},
        {"oraclePrice": 1e-30},
        {"atomicResolution": -40},
        {"initialMarginFraction": "0.01"},
        {"initialMarginFraction": "2"},
        {"maintenanceMarginFraction": "0.01200000000000000000001"},
        {"positions": [("BTC-USD", 10**40)]},
        {"usdc": -(10**30)},
    ],
)
def test_what_is_beyond_the_kernel_is_still_exact(change: dict[str, Any]) -> None:
    text = line(**change)
    account = read(text)
    assert in_kernel(account) is None
    made = json.loads(text)
    markets = [twin.Market.read(made["markets"]["BTC-USD"])]
    sizes = {0: made["positions"][0]["size_quantums"]}
    found = twin.risk(markets, twin.Account(made["usdc_quantums"], 0, sizes))
    margin = measured(account)
    assert (margin.net, margin.initial, margin.maintenance) == (found.net, found.initial, found.maintenance)
    price = twin.liquidation_price(markets, twin.Account(made["usdc_quantums"], 0, sizes), 0)
    assert margin.positions == ((twin.notional(markets[0], sizes[0]), price),)


def test_more_positions_than_the_kernel_has_room_for() -> None:
    count = 1001
    made = {
        "usdc_quantums": 0,
        "markets": {f"M{i}": BTC for i in range(count)},
        "positions": [{"market": f"M{i}", "size_quantums": 10**9} for i in range(count)],
    }
    assert measured(read(json.dumps(made).encode())).net == count * 8_991_920_000


@pytest.mark.parametrize(
    ("change", "ppm"),
    [
        ({"openInterest": "35", "openInterestLowerCap": "20", "openInterestUpperCap": "50"}, 525_000),
        ({"openInterest": 35, "openInterestLowerCap": 20.0, "openInterestUpperCap": 5e1}, 525_000),
        ({"openInterest": "35", "openInterestUpperCap": "0"}, 50_000),
        ({"openInterest": "35", "openInterestLowerCap": "", "openInterestUpperCap": "35"}, 1_000_000),
        ({}, 50_000),
    ],
)
def test_caps_may_be_absent(change: dict[str, Any], ppm: int) -> None:
    given = {"oraclePrice": "1", "initialMarginFraction": "0.05", "atomicResolution": -6, **change}
    account = read(line(positions=[("BTC-USD", 10**6)], **given))
    assert in_kernel(account) == exactly(account)
    assert measured(account).initial == ppm


def test_a_position_of_nothing() -> None:
    account = read(line(positions=[("BTC-USD", 0)]))
    assert in_kernel(account) == exactly(account)
    assert measured(account) == (5, 0, 0, ((0, None),))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"{", "not JSON: Expecting property name"),
        (b"\xff", "not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b"7", "an object with usdc_quantums is needed, not 7"),
        (b"{}", "usdc_quantums is missing"),
        (b'{"usdc_quantums":NaN}', "NaN is no number"),
        (b'{"usdc_quantums":1,"usdc_quantums":2}', "a key comes twice"),
        (b'{"usdc_quantums":' + b"9" * 5000 + b"}", "a whole number of 5000 digits"),
        (line(usdc="5"), 'usdc_quantums is "5", not a whole number'),
        (line(usdc=True), "usdc_quantums is true, not a whole number"),
        (line(usdc=1.5), "usdc_quantums is 1.5, not a whole number"),
        (b'{"usdc_quantums":1,"markets":[],"positions":[]}', "markets is [], not an object"),
        (b'{"usdc_quantums":1,"markets":{},"positions":{}}', "positions is {}, not a list"),
        (b'{"usdc_quantums":1,"markets":{},"positions":[3]}', "an object with market is needed, not 3"),
        (line(positions=[("BTC-USD", "1")]), "size_quantums is"),
        (line(positions=[("ETH-USD", 1)]), "a position in ETH-USD, which is not among the markets"),
        (line(positions=[("BTC-USD", 1), ("BTC-USD", 2)]), "two positions in BTC-USD"),
        (line(oraclePrice=None), "BTC-USD: oraclePrice is missing"),
        (line(oraclePrice=""), "BTC-USD: oraclePrice is missing"),
        (line(oraclePrice="0"), "BTC-USD: oraclePrice is 0"),
        (line(oraclePrice="-1"), 'oraclePrice is "-1", not a number of at least 0'),
        (line(oraclePrice=" 1"), 'oraclePrice is " 1", not a number of at least 0'),
        (line(oraclePrice="1e999"), "too many digits"),
        (line(oraclePrice="1" * 300), "too many digits"),
        (line(oraclePrice="Infinity"), "not a number"),
        (line(oraclePrice=[1]), "oraclePrice is [1], not a number"),
        (line(oraclePrice=False), "oraclePrice is false, not a number"),
        (line(initialMarginFraction="x" * 99), "not a number of at least 0"),
        (line(initialMarginFraction=None), "initialMarginFraction is missing"),
        (line(initialMarginFraction="0"), "a maintenance margin without an initial margin"),
        (line(maintenanceMarginFraction=None), "maintenanceMarginFraction is missing"),
        (line(atomicResolution=None), "atomicResolution is missing"),
        (line(atomicResolution="-10"), 'atomicResolution is "-10", not a whole number'),
        (line(atomicResolution=101), "atomicResolution is 101"),
        (line(openInterestUpperCap="5"), "openInterest is missing"),
        (line(openInterestUpperCap="-5"), "not a number of at least 0"),
    ],
)
def test_what_is_refused(text: bytes, said: str) -> None:
    with pytest.raises(ValueError) as refusal:
        read(text)
    assert said in str(refusal.value) and "\n" not in str(refusal.value) and len(str(refusal.value)) < 200


def test_markets_that_nothing_is_held_in_are_not_read() -> None:
    assert read(line(positions=[], oraclePrice="none")).positions == ()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(80000), "80000.000000000000000"),
        (Fraction(1, 3), "0.33333333333333333333"),
        (Fraction(2, 3 * 10**30), "0.00000000000000000000000000000066666666666666666667"),
        (Fraction(10**25, 3), "3333333333333333333300000"),
        (Fraction(10**20 - 1), "99999999999999999999"),
        (Fraction(199999999999999999999, 200), "1000000000000000000.0"),
    ],
)
def test_decimal_text(value: Fraction, text: str) -> None:
    assert decimal_text(value) == text


@given(st.fractions(min_value=Fraction(1, 10**40), max_value=10**40, max_denominator=10**45))
def test_decimal_text_is_near_and_plain(value: Fraction) -> None:
    text = decimal_text(value)
    assert "E" not in text and abs(Fraction(text) - value) <= value / 10**19
    assert Decimal(text) > 0
