"""Deleveraging at the bankruptcy price, final settlement at the oracle price, and stopped withdrawals."""

from __future__ import annotations

from sniper.exchange.chain.deleveraging import bankruptcy_quote
from sniper.exchange.facts import Filled, MarketChanged, OrderGone, StatefulGone
from sniper.exchange.terms import ACTIVE, FINAL_SETTLEMENT, INITIALIZING
from tests.small_chain import (
    ALICE,
    BOB,
    BTC,
    CAROL,
    USDC,
    block,
    chain,
    coins,
    of,
    position,
    put,
    subticks,
    usdc,
)
from tests.test_exchange_chain_liquidation import FREE, POOR, WHOLE, fall, worked


def test_the_bankruptcy_price() -> None:
    made = worked()
    core = made.core
    core.markets[0].oracle = 80_500 * 10**5
    sub = core.subaccounts[POOR]
    # margin.md 6: 80,000 USD a coin for the whole; a part takes its share of the equity with it.
    assert bankruptcy_quote(core, sub, core.markets[0], -coins(0.1)) == 8_000 * USDC
    assert bankruptcy_quote(core, sub, core.markets[0], -coins(0.05)) == 4_000 * USDC
    # 0.0001 coins are 8.05 USDC; their share of 50 is 0.05: rounded up for the account.
    assert bankruptcy_quote(core, sub, core.markets[0], -coins(0.0001)) == 8_000_000


def test_an_account_in_debt_is_set_off_against_the_other_side() -> None:
    made = worked()
    cash = usdc(made, BOB)
    (fill,) = [item for item in fall(made, 79_000) if isinstance(item, Filled)]
    # In debt by 100 USDC: Bob, who is short, buys back at 80,000 instead of 79,000.
    assert (fill.kind, fill.taker, fill.maker) == ("DELEVERAGED", POOR, BOB)
    assert (fill.price, fill.subticks, fill.quote) == ("80000", subticks(80_000), 8_000 * USDC)
    assert fill.taker_order is fill.maker_order is None
    assert (fill.taker_fee, fill.maker_fee) == (0, 0)
    assert (usdc(made, POOR), position(made, POOR)) == (0, 0)
    assert (usdc(made, BOB), position(made, BOB)) == (cash - 8_000 * USDC, 0)
    assert made.gated(0) == (0, 0, 0)


def test_an_account_below_maintenance_without_takers_waits() -> None:
    made = worked()
    assert not [item for item in fall(made) if isinstance(item, Filled)]
    assert position(made, POOR) == coins(0.1)


def test_several_others_share_it() -> None:
    made = chain(fee_tiers=FREE, liquidation=WHOLE)
    made.grant(POOR.owner, 1_000 * USDC)
    made.deposit(POOR.owner, POOR, 1_000 * USDC, "TX")
    block(made)
    for who, size in ((ALICE, 0.03), (BOB, 0.03), (CAROL, 0.08)):
        put(made, who, "sell", size, 90_000, good_til_block=140)
    put(made, POOR, "buy", 0.1, 90_000, good_til_block=140)
    block(made)
    told = [item for item in fall(made, 79_000) if isinstance(item, Filled)]
    assert sum(fill.quantums for fill in told) == coins(0.1)
    assert {fill.price for fill in told} == {"80000"}
    assert 2 <= len({fill.maker for fill in told}) <= 3
    assert usdc(made, POOR) == position(made, POOR) == 0


def test_debt_that_nobody_can_take_stops_withdrawals_for_fifty_blocks() -> None:
    made = worked()
    core = made.core
    # Bob, short 0.1, keeps 97 USDC of equity at 79,000: buying back at 80,000 would cost him 100.
    core.supply -= core.subaccounts[BOB].usdc - 7_997 * USDC
    core.subaccounts[BOB].usdc = 7_997 * USDC
    made.set_oracle({0: 79_000 * 10**5})
    assert not of(block(made), Filled)
    assert position(made, POOR) == coins(0.1)
    seen = made.height + 1
    assert made.gated(0) == made.gated(1) == (seen, 0, seen + 50)
    assert made.gated(70) == (0, 0, 0)  # the isolated market has a pool of its own
    refused = made.withdraw(CAROL, CAROL.owner, 1, "TX")
    assert (refused.code, refused.codespace) == (102, "subaccounts")
    assert made.transfer(CAROL, ALICE, 1, "TX").code == 102
    assert made.deposit(CAROL.owner, CAROL, 1, "TX").code == 0
    # While the debt is there the height moves on; once it is gone the blocks are counted.
    block(made)
    assert made.gated(0)[0] == seen + 1
    made.deposit(CAROL.owner, POOR, 1_000 * USDC, "TX")
    block(made)
    again = made.gated(0)[2]
    while made.height + 1 < again:
        block(made)
    assert made.withdraw(CAROL, CAROL.owner, 1, "TX").code == 102
    block(made)
    assert made.withdraw(CAROL, CAROL.owner, 1, "TX").code == 0


def test_final_settlement_ends_orders_and_closes_at_the_oracle_price() -> None:
    made = chain(fee_tiers=FREE)
    put(made, BOB, "sell", 0.1, 90_000)
    put(made, ALICE, "buy", 0.1, 90_000)
    put(made, CAROL, "buy", 0.1, 89_000, client_id=1)
    put(made, CAROL, "buy", 0.1, 89_000, client_id=2, flags=64)
    put(
        made,
        CAROL,
        "sell",
        0.1,
        89_000,
        client_id=3,
        flags=32,
        condition=1,
        trigger_subticks=subticks(80_000),
    )
    block(made)
    made.set_oracle({0: 91_000 * 10**5})
    made.set_terms(BTC._replace(status=FINAL_SETTLEMENT))
    news = block(made)
    assert of(news, MarketChanged) == [MarketChanged(0)]
    assert made.markets()[0].status == FINAL_SETTLEMENT
    gone = {item.id.client_id: item.reason for item in (*of(news, OrderGone), *of(news, StatefulGone))}
    assert gone == {1: 14, 2: 14, 3: 14}
    assert not made.core.markets[0].book.orders
    told = of(block(made), Filled)
    assert [(fill.kind, fill.price) for fill in told] == [("DELEVERAGED", "91000")]
    assert position(made, ALICE) == position(made, BOB) == 0
    assert usdc(made, ALICE) == 100_100 * USDC
    assert usdc(made, BOB) == 99_900 * USDC
    assert not of(block(made), Filled)
    made.set_terms(BTC._replace(status=INITIALIZING))
    block(made)
    made.set_terms(BTC._replace(status=ACTIVE))
    block(made)
    assert put(made, ALICE, "buy", 0.1, 90_000) == 0
