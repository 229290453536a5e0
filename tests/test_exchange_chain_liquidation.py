"""Liquidations: condition, size, fillable price, fee, insurance fund (margin.md 5 and 6)."""

from __future__ import annotations

import pytest

from sniper.exchange.chain import liquidation
from sniper.exchange.chain.chain import Chain
from sniper.exchange.facts import Filled, OrderGone, SubaccountChanged, SubaccountId
from sniper.exchange.interfaces import Standing
from sniper.exchange.terms import FeeTier, LiquidationTerms
from tests.small_chain import (
    ALICE,
    BOB,
    BTC,
    CAROL,
    DAVE,
    USDC,
    block,
    chain,
    coins,
    of,
    position,
    put,
    subticks,
    take,
    usdc,
)

FREE = (FeeTier(0, 0, 0),)
WHOLE = LiquidationTerms(position_portion_ppm_max=1_000_000)
POOR = SubaccountId("dydx1poor", 0)


def worked(insurance: int = 0, **terms: object) -> Chain:
    """margin.md 6: long 0.1 BTC with a USDC balance of -8,000, oracle price 80,500."""
    made = chain(insurance=insurance, **({"fee_tiers": FREE, "liquidation": WHOLE} | terms))
    made.grant(POOR.owner, 1_000 * USDC)
    made.deposit(POOR.owner, POOR, 1_000 * USDC, "TX")
    block(made)
    put(made, BOB, "sell", 0.1, 90_000, good_til_block=140)
    put(made, POOR, "buy", 0.1, 90_000, good_til_block=140)
    block(made)
    assert (usdc(made, POOR), position(made, POOR)) == (-8_000 * USDC, coins(0.1))
    return made


def fall(made: Chain, price: int = 80_500) -> list[object]:
    """The oracle price falls; the news of that block and of what follows it."""
    made.set_oracle({0: price * 10**5})
    return [*block(made), *block(made)]


def test_the_worked_example() -> None:
    made = worked()
    put(made, CAROL, "buy", 1, 80_400, good_til_block=140)
    core = made.core
    core.markets[0].oracle = 80_500 * 10**5
    assert made.standing(POOR) == Standing(50 * USDC, 161 * USDC, 96_600_000)
    # ABR 0.4824; the fillable price is 79,801 (79,800.97 rounded up, as it sells).
    assert liquidation.fillable_subticks(core, core.subaccounts[POOR], core.markets[0]) == subticks(79_801)
    (fill,) = [item for item in fall(made) if isinstance(item, Filled)]
    # The surplus over the bankruptcy price of 80,000 is 40 USDC, less than the fee of 1.5 %: all of it is taken.
    assert (fill.kind, fill.taker, fill.maker, fill.taker_order) == ("LIQUIDATED", POOR, CAROL, None)
    assert (fill.quote, fill.taker_fee, fill.maker_fee) == (8_040 * USDC, 40 * USDC, 0)
    assert (usdc(made, POOR), position(made, POOR)) == (0, 0)
    assert core.insurance[-1] == 40 * USDC


def test_the_fee_is_at_most_its_share_of_the_fill() -> None:
    made = worked(liquidation=WHOLE._replace(fee_ppm_max=1_000))
    put(made, CAROL, "buy", 1, 80_400, good_til_block=140)
    (fill,) = [item for item in fall(made) if isinstance(item, Filled)]
    assert fill.taker_fee == 8_040_000
    assert usdc(made, POOR) == 40 * USDC - 8_040_000


def test_the_insurance_fund_pays_below_the_bankruptcy_price() -> None:
    made = worked(insurance=30 * USDC)
    put(made, CAROL, "buy", 1, 79_801, good_til_block=140)
    (fill,) = [item for item in fall(made) if isinstance(item, Filled)]
    assert fill.taker_fee == -19_900_000  # 0.1 x (80,000 - 79,801)
    assert (usdc(made, POOR), position(made, POOR)) == (0, 0)
    assert made.core.insurance[-1] == 30 * USDC - 19_900_000


def test_no_fill_below_the_fillable_price_or_beyond_the_fund() -> None:
    made = worked(insurance=30 * USDC)
    put(made, CAROL, "buy", 1, 79_800, good_til_block=140)
    assert not [item for item in fall(made) if isinstance(item, Filled)]
    made = worked(insurance=19 * USDC)
    put(made, CAROL, "buy", 1, 79_801, good_til_block=140)
    assert not [item for item in fall(made) if isinstance(item, Filled)]
    made = worked(insurance=30 * USDC, liquidation=WHOLE._replace(subaccount_loss_max=19 * USDC))
    put(made, CAROL, "buy", 1, 79_801, good_til_block=140)
    assert not [item for item in fall(made) if isinstance(item, Filled)]
    assert position(made, POOR) == coins(0.1)


def test_a_short_is_bought_back_above_the_oracle_price() -> None:
    made = chain(fee_tiers=FREE, liquidation=WHOLE, insurance=10**9)
    made.grant(POOR.owner, 1_000 * USDC)
    made.deposit(POOR.owner, POOR, 1_000 * USDC, "TX")
    block(made)
    put(made, BOB, "buy", 0.1, 90_000, good_til_block=140)
    put(made, POOR, "sell", 0.1, 90_000, good_til_block=140)
    block(made)
    core = made.core
    core.markets[0].oracle = 99_500 * 10**5
    # NC 50, MMR 119.4, ABR 0.58124; p (1 + ABR x 1.5 x 1.2 %) = 100,541: rounded down.
    assert made.standing(POOR) == Standing(50 * USDC, 199 * USDC, 119_400_000)
    exact = 99_500 * (1 + (1 - 50 / 119.4) * 1.5 * 0.012)
    assert liquidation.fillable_subticks(core, core.subaccounts[POOR], core.markets[0]) == subticks(
        int(exact)
    )
    put(made, CAROL, "sell", 1, 100_000, good_til_block=140)
    (fill,) = [item for item in fall(made, 99_500) if isinstance(item, Filled)]
    # The bankruptcy price is 100,000: neither surplus nor loss.
    assert (fill.taker_fee, fill.taker_side) == (0, 1)
    assert (usdc(made, POOR), position(made, POOR)) == (0, 0)


def test_at_the_maintenance_margin_nothing_happens() -> None:
    made = worked()
    put(made, CAROL, "buy", 1, 80_971, good_til_block=140)
    # 8,000 / (0.1 x (1 - 1.2 %)) = 80,971.66 USD is where equity meets maintenance.
    assert not [item for item in fall(made, 80_972) if isinstance(item, Filled)]
    assert [item for item in fall(made, 80_971) if isinstance(item, Filled)]


def test_a_block_liquidates_a_tenth_or_the_smallest_amount() -> None:
    made = chain()
    size = liquidation.size_to_liquidate
    market = made.core.markets[0]
    assert size(made.core, market, coins(0.01)) == coins(0.01)  # 900 USDC
    assert size(made.core, market, coins(0.1)) == coins(0.0111)  # 1,000 of 9,000 USDC, whole steps
    assert size(made.core, market, -coins(1)) == coins(0.1)
    assert size(made.core, market, coins(100)) == coins(1.1111)  # never more than 100,000 USDC


def test_it_goes_on_block_after_block_until_the_account_is_well() -> None:
    made = worked(liquidation=LiquidationTerms())
    put(made, CAROL, "buy", 1, 80_450, good_til_block=140)
    made.set_oracle({0: 80_500 * 10**5})
    sizes = []
    for _ in range(12):
        sizes.extend(fill.quantums for fill in of(block(made), Filled))
    assert sizes[:2] == [124_000_000, 124_000_000]  # 1,000 USDC of what is left, in steps
    assert sum(sizes) == coins(0.1) - position(made, POOR)
    net, _, maintenance = made.standing(POOR)
    assert net >= maintenance or not position(made, POOR)


def test_makers_get_no_rebate_and_must_be_able_to_pay() -> None:
    made = worked()
    made.core.rates[CAROL.owner] = (250, -110)
    put(made, DAVE, "buy", 200, 80_450, good_til_block=140)
    put(made, CAROL, "buy", 1, 80_400, good_til_block=140)
    made.withdraw(DAVE, DAVE.owner, usdc(made, DAVE), "TX")
    block(made)
    take(made)
    news = fall(made)
    (fill,) = [item for item in news if isinstance(item, Filled)]
    assert (fill.maker, fill.maker_fee) == (CAROL, 0)
    assert next((item.id.subaccount, item.reason) for item in of(news, OrderGone)) == (DAVE, 3)


def test_its_own_orders_are_taken_off() -> None:
    made = worked()
    put(made, POOR, "buy", 0.1, 80_450, good_til_block=140)
    put(made, CAROL, "buy", 0.1, 80_400, good_til_block=140)
    news = fall(made)
    assert [fill.maker for fill in of(news, Filled)] == [CAROL]
    assert next((item.id.subaccount, item.reason) for item in of(news, OrderGone)) == (POOR, 5)


def test_the_deepest_account_comes_first() -> None:
    made = chain(money=1_800 * USDC, fee_tiers=FREE, liquidation=WHOLE)
    for size, who, other in ((0.95, ALICE, BOB), (0.99, CAROL, DAVE)):
        put(made, other, "sell", size, 90_000)
        put(made, who, "buy", size, 90_000)
        block(made)
    made.core.markets[0].oracle = 88_900 * 10**5
    assert [sub.id for sub in liquidation.liquidatable(made.core)] == [CAROL, ALICE]


@pytest.mark.parametrize("price", [88_500, 89_000])
def test_only_one_perpetual_of_an_account_in_a_block(price: int) -> None:
    made = chain(money=1_000 * USDC, fee_tiers=FREE)
    put(made, BOB, "sell", 0.25, 90_000)
    put(made, ALICE, "buy", 0.25, 90_000)
    put(made, BOB, "sell", 7, 3_000, "ETH")
    put(made, ALICE, "buy", 7, 3_000, "ETH")
    put(made, CAROL, "buy", 0.3, price, good_til_block=140)
    put(made, DAVE, "buy", 9, 2_950, "ETH", good_til_block=140)
    made.set_oracle({0: price * 10**5, 1: 2_940 * 10**6})
    block(made)
    counts = [len({fill.clob_pair for fill in of(block(made), Filled)}) for _ in range(5)]
    assert counts[0] == 1 and max(counts) == 1


def test_liquidated_accounts_are_told_with_the_block() -> None:
    made = worked()
    put(made, CAROL, "buy", 1, 80_400, good_til_block=140)
    changed = {item.subaccount: item for item in of(fall(made), SubaccountChanged)}
    assert changed[POOR].usdc == 0
    assert [(held.perpetual, held.quantums) for held in changed[POOR].holdings] == [(BTC.perpetual, 0)]
