"""Random orders against the naive twin: same codes, fills, books, balances after every message."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sniper.exchange.chain.chain import Chain
from sniper.exchange.chain.checks import faults
from sniper.exchange.facts import (
    BUY,
    CONDITIONAL,
    GTT,
    IOC,
    LONG_TERM,
    POST_ONLY,
    SELL,
    SHORT_TERM,
    STOP_LOSS,
    TAKE_PROFIT,
    ChainOrder,
    OrderId,
)
from sniper.exchange.terms import EquityTier, FeeTier, LiquidationTerms
from tests.reference_exchange import Twin
from tests.small_chain import ALICE, BLOCK_NS, BOB, BTC, CAROL, DAVE, ETH, ISO, PRICES, SECOND_NS, USDC, chain

PEOPLE = (ALICE, BOB, CAROL, DAVE)
MONEY = 3_000 * USDC
TERMS = {
    0: BTC._replace(min_price_change_ppm=200),
    1: ETH,
    7: ISO._replace(
        default_funding_ppm=0, open_interest_lower_cap=300 * USDC, open_interest_upper_cap=3_000 * USDC
    ),
}


def pair() -> tuple[Chain, Twin]:
    made = chain(
        money=MONEY,
        markets=tuple(TERMS.values()),
        fee_tiers=(FeeTier(0, 500, 100),),
        equity_tiers=(EquityTier(-(10**18), 10**6),),
        liquidation=LiquidationTerms(subaccounts_max=0),
    )
    twin = Twin(TERMS, PRICES, dict.fromkeys(PEOPLE, MONEY), made.height, made.now_ns // SECOND_NS)
    return made, twin


def compare(made: Chain, twin: Twin) -> None:
    core = made.core
    for number, market in core.markets.items():
        assert not market.book.crossed
        for side in (BUY, SELL):
            ours = [(held.order, held.remaining) for held in market.book.walk(side)]
            assert ours == [(rest.order, rest.left) for rest in twin.best_first(number, side)]
        assert market.open_interest == twin.interest(twin.people, number)
    for who in PEOPLE:
        sub = core.subaccounts[who]
        held = {
            core.perpetuals[perpetual].terms.clob_pair: position[0]
            for perpetual, position in sub.positions.items()
        }
        assert (sub.usdc, held) == (twin.people[who].usdc, twin.people[who].held)
    fills = [
        (
            fill.clob_pair,
            fill.taker,
            fill.maker,
            fill.taker_side,
            fill.quantums,
            fill.subticks,
            fill.quote,
            fill.taker_fee,
            fill.maker_fee,
        )
        for fill in core.fills
    ]
    assert fills == twin.fills
    assert core.filled == twin.done
    assert {i: [state.order, state.triggered] for i, state in core.stateful.items()} == twin.state


def act(made: Chain, twin: Twin, random: Random, known: list[ChainOrder]) -> None:
    draw = random.random()
    number = random.choice((0, 0, 1, 7))
    terms = TERMS[number]
    if draw < 0.05:
        twin.fills.clear()
        made.end_block(made.now_ns + random.choice((BLOCK_NS, 3 * SECOND_NS, 30 * SECOND_NS)))
        twin.block(made.now_ns // SECOND_NS)
        assert faults(made.core) == []
        made.news.clear()
    elif draw < 0.07:
        price = int(PRICES[terms.market] * random.uniform(0.985, 1.015))
        made.set_oracle({terms.market: price})
        moved = abs(price - made.oracle(terms.market)[0]) * 10**6
        if moved >= made.oracle(terms.market)[0] * terms.min_price_change_ppm:
            twin.new_prices[number] = price
        else:
            twin.new_prices.pop(number, None)
    elif draw < 0.2 and known:
        order = random.choice(known[-30:])
        until = order.good_til_block + random.choice((-1, 0, 0, 0, 2)) if not order.id.flags else 0
        until_s = order.good_til_s + random.choice((-1, 0, 0, 1)) if order.id.flags else 0
        if until > 0 or until_s > 0:
            assert made.cancel(order.id, until, until_s, "TX").code == twin.cancel(order.id, until, until_s)
    else:
        order = drawn(made, random, number, known)
        known.append(order)
        assert made.place(order, "TX").code == twin.place(order), order


def drawn(made: Chain, random: Random, number: int, known: list[ChainOrder]) -> ChainOrder:
    """An order a few ticks around the first oracle price, of a size that some can pay."""
    terms = TERMS[number]
    market = made.core.markets[number]
    price, by = market.subticks_of(PRICES[terms.market])
    flags = random.choice((SHORT_TERM,) * 8 + (LONG_TERM, CONDITIONAL))
    order_id = OrderId(random.choice(PEOPLE), random.randrange(1000), flags, number)
    if known and random.random() < 0.15:
        order_id = random.choice(known[-30:]).id
        terms, market = TERMS[order_id.clob_pair], made.core.markets[order_id.clob_pair]
        price, by = market.subticks_of(PRICES[terms.market])
    tick, step = terms.subticks_per_tick, terms.step_base_quantums
    middle, spread = price // by // tick, max(4, price // by // tick // 200)
    side = random.choice((BUY, SELL))
    conditional = order_id.flags == CONDITIONAL
    force = random.choice((GTT, GTT, IOC, POST_ONLY))
    if order_id.flags == LONG_TERM and force == IOC:
        force = GTT
    usd = random.choice((20, 300, 3_000, 30_000, 100_000))
    size = max(1, usd * 10**6 * 10**9 * by // price // step)
    return ChainOrder(
        order_id,
        side,
        size * step + (step // 2 if random.random() < 0.01 else 0),
        (middle + random.randrange(-spread, spread)) * tick + (1 if random.random() < 0.01 else 0),
        0 if order_id.flags else made.height + random.randrange(0, 46),
        made.now_ns // SECOND_NS + random.randrange(0, 400) if order_id.flags else 0,
        force,
        force == IOC and random.random() < 0.4,
        random.randrange(5),
        random.choice((STOP_LOSS, TAKE_PROFIT)) if conditional else 0,
        (middle + random.randrange(-spread, spread)) * tick if conditional else 0,
    )


def run(seed: int, acts: int) -> set[int]:
    made, twin = pair()
    random = Random(seed)
    known: list[ChainOrder] = []
    for _ in range(acts):
        act(made, twin, random, known)
        compare(made, twin)
    return {fill[0] for fill in twin.fills}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**40))
def test_the_chain_and_its_twin_agree(seed: int) -> None:
    run(seed, 120)


@pytest.mark.parametrize("seed", range(4))
def test_they_agree_for_long(seed: int) -> None:
    run(seed, 1_200)


def test_the_twin_can_disagree() -> None:
    made, twin = pair()
    random = Random(9)
    known: list[ChainOrder] = []
    twin.rates = (500, 101)
    with pytest.raises(AssertionError):
        for _ in range(2_000):
            act(made, twin, random, known)
            compare(made, twin)
