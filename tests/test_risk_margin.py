"""risk_margin: margin terms, commitments, shocks, slots."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper.risk_margin import BEYOND, Commitment, Shock, Terms, equity_slots, share_up
from sniper.risk_settings import GateSettings
from tests.risking import BTC, ETH, USD, Scene


@given(st.integers(0, 10**18), st.integers(1, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_required_margin_rounds_up_twice(notional: int, base: int, fraction: int, more: int) -> None:
    initial = min(10**6, base + more)
    first = ceil(Fraction(notional * base, 10**6))
    wanted = (ceil(Fraction(notional * initial, 10**6)), ceil(Fraction(first * fraction, 10**6)))
    assert Terms(initial, base, fraction).required(notional) == wanted
    assert share_up(notional, base) == first


def test_the_worked_example_of_the_chain() -> None:
    assert Terms(20_000, 20_000, 600_000).required(1_106_006_160) == (22_120_124, 13_272_075)
    assert Terms(525_000, 50_000, 600_000).required(1_106_006_160) == (580_653_234, 33_180_185)


def test_a_commitment_keeps_the_worst_limit_of_each_side() -> None:
    one = Commitment()
    assert (one.buy_ticks, one.sell_ticks) == (0, BEYOND)
    for side, steps, ticks in ((0, 3, 100), (0, 2, 90), (1, 5, 110), (1, 1, 120)):
        one.add(side, steps, ticks)
    other = one.copy()
    other.add(0, 1, 200)
    assert (one.buys, one.buy_ticks, one.sells, one.sell_ticks) == (5, 100, 6, 110)
    assert (other.buys, other.buy_ticks) == (6, 200)


def test_a_shock_moves_the_named_and_all_others() -> None:
    scene = Scene()
    scene.hold(BTC, 1000)
    scene.hold(ETH, -1000)
    shock = Shock((("BTC-USD", -80_000), ("*", -150_000)), scene.decoder, scene.margin)
    found = shock.totals(0)
    assert found is not None
    assert shock.moves[:3].tolist() == [-80_000, -150_000, 0]
    assert found.net == 10_000 * USD - 800 * USD + 600 * USD
    assert (found.initial, found.maintenance) == (252_000_000, 151_200_000)


def test_a_shock_without_a_word_on_a_market_leaves_it() -> None:
    scene = Scene()
    shock = Shock((("ETH-USD", 5),), scene.decoder, scene.margin)
    assert shock.totals(0) is not None
    assert shock.moves[:2].tolist() == [0, 5]


@pytest.mark.parametrize(
    ("net", "slots"), [(-5, 0), (0, 0), (20 * USD - 1, 0), (20 * USD, 1), (999 * USD, 5), (10**12, 200)]
)
def test_equity_tiers(net: int, slots: int) -> None:
    assert equity_slots(GateSettings(), net) == slots
