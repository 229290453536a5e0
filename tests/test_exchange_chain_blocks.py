"""What a block does and in which order: oracle prices, governance, holdings that changed."""

from __future__ import annotations

import pytest

from sniper.exchange.facts import (
    LONG_TERM,
    BlockEnded,
    Executed,
    Filled,
    Holding,
    MarketChanged,
    OraclePriced,
    OrderGone,
    OrderResting,
    StatefulPlaced,
    SubaccountChanged,
    Transferred,
)
from sniper.exchange.terms import ACTIVE, FINAL_SETTLEMENT, INITIALIZING
from tests.small_chain import ALICE, BOB, BTC, ETH, ISO, PRICES, USDC, block, chain, coins, of, put


def test_the_order_of_a_block() -> None:
    made = chain()
    put(made, BOB, "sell", 0.1, 90_000, good_til_block=102)
    put(made, ALICE, "buy", 0.05, 90_000)
    made.transfer(ALICE, BOB, 5, "TX")
    put(made, ALICE, "buy", 0.1, 80_000, flags=LONG_TERM)
    made.set_oracle({0: 90_001 * 10**5})
    made.set_terms(ETH._replace(initial_margin_ppm=30_000))
    made.news.clear()
    assert [type(item) for item in block(made)] == [
        Filled,
        Transferred,
        Executed,
        StatefulPlaced,
        Executed,
        OraclePriced,
        MarketChanged,
        SubaccountChanged,
        SubaccountChanged,
        BlockEnded,
        OrderGone,  # Bob's order has expired
        OrderResting,  # Alice's has entered the book
    ]


def test_a_small_move_of_the_oracle_price_is_left_out() -> None:
    made = chain(markets=(BTC._replace(min_price_change_ppm=1_000), ETH))
    for price, told in ((90_089, False), (90_090, True), (90_090, False), (89_999, True)):
        made.set_oracle({0: price * 10**5})
        assert [item.prices for item in of(block(made), OraclePriced)] == (
            [((0, price * 10**5, -5),)] if told else []
        )
    # A market without a threshold takes any change, none is none, an unknown market is left out.
    made.set_oracle({1: PRICES[1] + 1, 99: 5})
    assert of(block(made), OraclePriced) == [OraclePriced(((1, PRICES[1] + 1, -6),))]
    made.set_oracle({1: PRICES[1] + 1})
    assert not of(block(made), OraclePriced)
    with pytest.raises(ValueError, match="above 0"):
        made.set_oracle({0: 0})


def test_matches_of_a_block_are_judged_by_the_prices_before_it() -> None:
    made = chain(money=1_000 * USDC)
    put(made, BOB, "sell", 0.5, 90_000)
    made.set_oracle({0: 80_000 * 10**5})
    put(made, ALICE, "buy", 0.5, 90_000)
    assert len(made.core.fills) == 1
    block(made)


def test_terms_change_with_the_block() -> None:
    made = chain()
    put(made, BOB, "sell", 0.1, 90_000)
    put(made, ALICE, "buy", 0.1, 90_000)
    made.set_terms(BTC._replace(initial_margin_ppm=100_000))
    assert made.standing(ALICE).initial == 180 * USDC
    block(made)
    assert made.standing(ALICE).initial == 900 * USDC
    assert made.standing(ALICE).maintenance == 540 * USDC


def test_a_new_market_is_listed() -> None:
    made = chain(markets=(BTC,))
    made.set_terms(ISO._replace(status=INITIALIZING))
    made.set_oracle({700: 10 * 10**8})
    assert put(made, ALICE, "buy", 1, 9, "ISO", time_in_force=2) == 8
    block(made)
    assert made.oracle(700) == (0, -8)  # priced before it was there
    assert put(made, ALICE, "buy", 1, 9, "ISO", time_in_force=2) == 34
    made.set_oracle({700: 10 * 10**8})
    block(made)
    assert put(made, ALICE, "buy", 1, 9, "ISO", time_in_force=2) == 0


@pytest.mark.parametrize(
    ("before", "after", "good"),
    [
        (INITIALIZING, ACTIVE, True),
        (INITIALIZING, FINAL_SETTLEMENT, True),
        (ACTIVE, FINAL_SETTLEMENT, True),
        (ACTIVE, INITIALIZING, False),
        (FINAL_SETTLEMENT, INITIALIZING, True),
        (FINAL_SETTLEMENT, ACTIVE, False),
        (ACTIVE, ACTIVE, True),
    ],
)
def test_transitions_of_status(before: str, after: str, good: bool) -> None:
    made = chain(markets=(BTC._replace(status=before),))
    if good:
        made.set_terms(BTC._replace(status=after))
        block(made)
        assert made.markets()[0].status == after
    else:
        with pytest.raises(ValueError, match="cannot go"):
            made.set_terms(BTC._replace(status=after))


def test_ids_of_a_market_stay() -> None:
    made = chain()
    for wrong in (BTC._replace(perpetual=5), BTC._replace(market=5), BTC._replace(clob_pair=44)):
        with pytest.raises(ValueError, match="perpetual"):
            made.set_terms(wrong)


def test_only_what_changed_of_an_account_is_told() -> None:
    made = chain()
    for market, price in (("BTC", 90_000), ("ETH", 3_000)):
        put(made, BOB, "sell", 0.1, price, market)
        put(made, ALICE, "buy", 0.1, price, market)
    (alice, _) = of(block(made), SubaccountChanged)
    assert alice.holdings == (Holding(0, coins(0.1), 0), Holding(1, coins(0.1, "ETH"), 0))
    put(made, BOB, "buy", 0.1, 3_000, "ETH")
    put(made, ALICE, "sell", 0.1, 3_000, "ETH")
    told = {item.subaccount: item for item in of(block(made), SubaccountChanged)}
    assert told[ALICE].holdings == (Holding(1, 0, 0),)
    # Opened and closed within a block: only the money changed.
    put(made, BOB, "sell", 0.1, 3_000, "ETH")
    put(made, ALICE, "buy", 0.1, 3_000, "ETH")
    put(made, BOB, "buy", 0.1, 3_000, "ETH")
    put(made, ALICE, "sell", 0.1, 3_000, "ETH")
    told = {item.subaccount: item for item in of(block(made), SubaccountChanged)}
    assert told[ALICE].holdings == ()


def test_time_never_goes_back() -> None:
    made = chain()
    with pytest.raises(ValueError, match="before"):
        made.end_block(made.now_ns - 1)
