"""Margin requirements and the test of an update: the worked examples of margin.md, and its table of cases."""

from __future__ import annotations

import pytest

from sniper.exchange.chain import ledger
from sniper.exchange.interfaces import Standing
from tests.small_chain import ALICE, BOB, CAROL, USDC, block, chain, coins, position, put, usdc


def test_the_reference_numbers_of_a_standing() -> None:
    made = chain()
    put(made, BOB, "sell", 0.0123, 89_919)
    put(made, ALICE, "buy", 0.0123, 89_919)
    made.set_oracle({0: 8_991_920_000})  # 89,919.2 USD
    block(made)
    # margin.md 8: value 1,106,006,160, IMR 22,120,124, MMR 13,272,075.
    cash = usdc(made, ALICE)
    assert made.standing(ALICE) == Standing(cash + 1_106_006_160, 22_120_124, 13_272_075)
    cash = usdc(made, BOB)
    assert made.standing(BOB) == Standing(cash - 1_106_006_160, 22_120_124, 13_272_075)
    assert made.standing(CAROL) == Standing(100_000 * USDC, 0, 0)


@pytest.mark.parametrize(
    ("before", "after", "good"),
    [
        ((0, 0, 0), (10, 10, 6), True),  # just enough
        ((0, 0, 0), (9, 10, 6), False),  # newly under-collateralised
        ((9, 20, 12), (5, 10, 6), True),  # half the risk, the ratio better
        ((10, 20, 12), (5, 10, 6), True),  # half the risk, the same ratio
        ((10, 20, 12), (4, 10, 6), False),  # half the risk, the ratio worse
        ((10, 20, 12), (13, 22, 13), False),  # a better ratio with more risk
        ((-10, 20, 12), (-5, 10, 6), True),
        ((-10, 20, 12), (-6, 10, 6), False),
        ((10, 20, 12), (-1, 0, 0), False),  # nothing left but debt
        ((-5, 0, 0), (-4, 0, 0), True),  # debt alone, and less of it
        ((-5, 0, 0), (-5, 0, 0), False),
        ((-5, 0, 0), (-4, 10, 6), False),
    ],
)
def test_the_acceptance_test(before: tuple[int, int, int], after: tuple[int, int, int], good: bool) -> None:
    assert ledger.not_riskier(before, after) is good


def test_reducing_at_a_fair_price_passes_below_the_initial_margin() -> None:
    made = chain(money=2_000 * USDC)
    for other in (BOB, CAROL):
        put(made, other, "sell", 0.5, 90_000)
    put(made, ALICE, "buy", 1, 90_000)
    assert position(made, ALICE) == coins(1)
    made.set_oracle({0: 89_500 * 10**5})
    block(made)
    net, initial, maintenance = made.standing(ALICE)
    assert maintenance < net < initial
    assert made.withdraw(ALICE, ALICE.owner, 1, "TX").code == 102
    put(made, BOB, "buy", 0.5, 89_500)
    put(made, ALICE, "sell", 0.5, 89_500)
    assert position(made, ALICE) == coins(0.5)
    put(made, CAROL, "sell", 0.1, 89_500)
    put(made, ALICE, "buy", 0.1, 89_500)
    assert position(made, ALICE) == coins(0.6)


def test_open_interest_scales_the_initial_margin_with_the_match_itself() -> None:
    made = chain()
    # Caps 20,000 and 50,000 USDC. A match of 35,000 USDC alone brings the fraction to 52.5 %.
    put(made, BOB, "sell", 3_500, 10, "ISO")
    put(made, ALICE, "buy", 3_500, 10, "ISO")
    assert made.open_interest(70) == coins(3_500, "ISO")
    # margin.md 3: half way between the caps the fraction is 5 % + 95 % / 2 = 52.5 %; the maintenance stays at 3 %.
    assert made.standing(ALICE)[1:] == (18_375 * USDC, 1_050 * USDC)
    assert made.standing(BOB)[1:] == (18_375 * USDC, 1_050 * USDC)
    # Handing the position on does not change the open interest.
    put(made, CAROL, "buy", 3_500, 10, "ISO")
    put(made, ALICE, "sell", 3_500, 10, "ISO")
    assert made.open_interest(70) == coins(3_500, "ISO")
    # Beyond the upper cap everything is paid in full.
    made = chain(money=51_000 * USDC)
    put(made, BOB, "sell", 5_000, 10, "ISO")
    put(made, ALICE, "buy", 5_000, 10, "ISO")
    assert made.standing(ALICE).initial == 50_000 * USDC
    made = chain(money=49_000 * USDC)
    put(made, BOB, "sell", 5_000, 10, "ISO")
    put(made, ALICE, "buy", 5_000, 10, "ISO")
    assert made.open_interest(70) == 0


def test_a_position_through_zero_counts_longs_only() -> None:
    made = chain()
    put(made, BOB, "sell", 0.2, 90_000)
    put(made, ALICE, "buy", 0.2, 90_000)
    put(made, CAROL, "buy", 0.3, 90_000)
    put(made, ALICE, "sell", 0.3, 90_000)
    assert (position(made, ALICE), made.open_interest(0)) == (-coins(0.1), coins(0.3))
    block(made)


def test_funding_is_settled_with_one_floor_over_all_positions() -> None:
    made = chain()
    for who, other in ((ALICE, BOB),):
        put(made, other, "sell", 0.5, 90_000)
        put(made, who, "buy", 0.5, 90_000)
        put(made, other, "sell", 0.001, 3_000, "ETH")
        put(made, who, "buy", 0.001, 3_000, "ETH")
    cash = {who: usdc(made, who) for who in (ALICE, BOB)}
    made.core.perpetuals[0].funding_index += 21
    made.core.perpetuals[1].funding_index += 1
    core = made.core
    # funding.md 4: 0.5 BTC and 21 units are 105,000 QQ. 0.001 ETH adds 1 QQ: -105,001 and 105,001.
    assert ledger.unsettled(core, core.subaccounts[ALICE]) == -105_001
    assert ledger.unsettled(core, core.subaccounts[BOB]) == 105_001
    core.perpetuals[1].funding_index -= 3  # two units to the long side: 1,000,000 BQ x 2 / 10^6 = 2
    assert ledger.unsettled(core, core.subaccounts[ALICE]) == -104_998
    for who in (ALICE, BOB):
        ledger.settle(core, core.subaccounts[who])
        assert usdc(made, who) == cash[who] + (-104_998 if who is ALICE else 104_998)
    assert core.clearing == 0
    assert core.subaccounts[ALICE].settled == {0: -105_000, 1: 2}
    block(made)


def test_dust_of_funding_goes_against_the_account() -> None:
    made = chain()
    core = made.core
    put(made, BOB, "sell", 1, 10, "ISO")
    put(made, ALICE, "buy", 1, 10, "ISO")
    for who in (ALICE, BOB):
        core.subaccounts[who].positions[70][0] //= 2**7  # odd sizes, which no order makes
    core.perpetuals[70].open_interest //= 2**7
    core.perpetuals[70].funding_index += 77
    amounts = [ledger.unsettled(core, core.subaccounts[who]) for who in (ALICE, BOB)]
    assert amounts == [-1, 0] and 77 * (10**6 // 2**7) % 10**6
    for who in (ALICE, BOB):
        ledger.settle(core, core.subaccounts[who])
    assert core.clearing == 1
