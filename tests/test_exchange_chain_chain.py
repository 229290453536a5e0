"""The door: what it answers, and that it keeps to the interface."""

from __future__ import annotations

import pytest

from sniper.exchange import interfaces
from sniper.exchange.chain.chain import Chain
from sniper.exchange.facts import CONDITIONAL, LONG_TERM, OrderId, OrderOpened
from sniper.exchange.interfaces import Purse, Standing
from sniper.exchange.terms import ChainTerms
from tests.small_chain import (
    ALICE,
    BOB,
    BTC,
    ETH,
    ISO,
    PRICES,
    USDC,
    block,
    chain,
    coins,
    of,
    order,
    put,
    subticks,
    take,
)


def as_interface(made: interfaces.Chain) -> interfaces.Chain:
    """mypy holds the class against the protocol here."""
    return made


def test_the_answers_of_a_chain_at_rest() -> None:
    made = as_interface(chain())
    assert made.terms == ChainTerms()
    assert set(made.markets()) == {0, 1, 7}
    assert made.oracle(700) == (PRICES[700], -8)
    assert (made.open_interest(70), made.funding_index(70)) == (0, 0)
    assert made.purse(ALICE) == Purse(100_000 * USDC, ())
    assert made.standing(ALICE) == Standing(100_000 * USDC, 0, 0)
    assert [tier.taker_ppm for tier in made.fee_tiers()] == [500, 450, 400, 350, 300, 250, 250]
    assert [tier.maker_ppm for tier in made.fee_tiers()] == [100, 100, 50, 0, 0, -70, -110]
    assert [tier.orders_max for tier in made.equity_tiers()] == [0, 1, 5, 10, 100, 200]
    assert made.gated(70) == (0, 0, 0)
    unknown = OrderId(ALICE, 1, LONG_TERM, 0)
    assert (made.stateful_order(unknown), made.triggered(unknown), made.filled(unknown)) == (None, False, 0)
    with pytest.raises(KeyError):
        made.oracle(12_345)


def test_a_purse_is_as_of_the_last_block_and_a_standing_is_live() -> None:
    made = chain()
    put(made, BOB, "sell", 0.1, 90_000)
    put(made, ALICE, "buy", 0.1, 90_000)
    assert made.purse(ALICE) == Purse(100_000 * USDC, ())
    assert made.live_purse(ALICE).holdings[0].quantums == coins(0.1)
    assert made.standing(ALICE).initial == 180 * USDC
    assert made.open_interest(0) == coins(0.1)


def test_kinds_of_orders_go_their_ways() -> None:
    made = chain()
    short, long = order(ALICE, "buy", 0.1, 80_000), order(ALICE, "buy", 0.1, 80_000, flags=LONG_TERM)
    stop = order(
        ALICE, "sell", 0.1, 80_000, flags=CONDITIONAL, condition=1, trigger_subticks=subticks(85_000)
    )
    for placed in (short, long, stop):
        assert made.place(placed, "TX").code == 0
    assert [item.order for item in of(take(made), OrderOpened)] == [short]
    block(made)
    assert made.stateful_order(long.id) == long and made.stateful_order(stop.id) == stop
    assert made.stateful_order(short.id) is None
    assert made.batch_cancel(ALICE, [(0, (short.id.client_id,))], 120, "TX").code == 0
    assert made.cancel(long.id, 0, long.good_til_s, "TX").code == 0
    block(made)
    assert list(made.core.stateful) == [stop.id]


def test_news_carry_the_time_that_was_told() -> None:
    made = chain()
    made.touch(made.now_ns + 77)
    made.touch(made.now_ns + 5)
    put(made, ALICE, "buy", 0.1, 80_000)
    assert {item.now_ns for item in take(made)} == {made.now_ns + 77}  # type: ignore[union-attr]


def test_the_genesis_holds_insurance_and_no_market_twice() -> None:
    made = Chain((BTC, ETH, ISO), prices=PRICES, insurance=500)
    assert made.core.insurance == {-1: 500, 70: 500}
    assert made.core.supply == 1_000
    with pytest.raises(ValueError, match="two markets"):
        Chain((BTC, BTC))
    with pytest.raises(ValueError, match="two markets"):
        Chain((BTC, ETH._replace(perpetual=0)))


def test_a_digest_is_of_the_whole_state() -> None:
    one, other = chain(), chain()
    assert one.digest() == other.digest() and len(one.digest()) == 32
    placed = order(ALICE, "buy", 0.1, 80_000)
    one.place(placed, "TX")
    assert one.digest() != other.digest()
    other.place(placed, "TX")
    assert one.digest() == other.digest()
