"""The accounts of the flow: lent from a treasury, looked after, of finite depth."""

from __future__ import annotations

from sniper.exchange.chain.chain import Chain
from sniper.exchange.chain.purses import MAKER_QUOTE, TAKER_QUOTE, TREASURY, TREASURY_QUOTE, Purses
from tests.small_chain import BLOCK_NS, BTC, ETH, PRICES, START_NS, block, put


def opened() -> tuple[Chain, Purses]:
    made = Chain((BTC, ETH), prices=PRICES, now_ns=START_NS, height=100)
    purses = Purses(made, 2)
    purses.open()
    made.end_block(START_NS + BLOCK_NS)
    return made, purses


def test_all_of_it_comes_from_the_treasury() -> None:
    made, purses = opened()
    lent = sum(
        made.standing(who).net_collateral for place in (*purses.makers, *purses.takers) for who in place
    )
    assert lent == 2 * (3 * MAKER_QUOTE + 4 * TAKER_QUOTE)
    assert made.bank(TREASURY) == TREASURY_QUOTE - lent
    assert len({*purses.makers[0], *purses.makers[1], *purses.takers[0], *purses.takers[1]}) == 14


def test_the_poor_get_more_while_it_lasts() -> None:
    made, purses = opened()
    maker, taker = purses.makers[0][0], purses.takers[0][0]
    made.withdraw(maker, "dydx1away", MAKER_QUOTE * 2 // 3, "TX")
    made.withdraw(taker, "dydx1away", TAKER_QUOTE * 99 // 100, "TX")
    block(made)
    purses.refill(1)
    block(made)
    assert made.standing(maker).net_collateral < MAKER_QUOTE // 2
    purses.refill(0)
    block(made)
    assert made.standing(maker).net_collateral == MAKER_QUOTE
    assert made.standing(taker).net_collateral == TAKER_QUOTE
    made.send(TREASURY, "dydx1away", made.bank(TREASURY), "TX")
    made.withdraw(maker, "dydx1away", MAKER_QUOTE * 2 // 3, "TX")
    block(made)
    purses.refill(0)
    block(made)
    assert made.standing(maker).net_collateral < MAKER_QUOTE // 2


def test_a_taker_stops_at_its_leverage() -> None:
    made, purses = opened()
    takers = purses.takers[0]
    assert [purses.taker(0, 0, True, draw) for draw in (0.0, 0.3, 0.6, 0.99)] == takers
    put(made, purses.makers[0][0], "sell", 7, 90_000, good_til_block=110)
    put(made, takers[0], "buy", 7, 90_000, good_til_block=110)  # 630,000 of 250,000 USDC: more than twice
    assert purses.taker(0, 0, True, 0.0) != takers[0]
    assert purses.taker(0, 0, False, 0.0) == takers[0]
