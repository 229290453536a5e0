"""USDC between wallets and subaccounts: who may send what, and when it moves."""

from __future__ import annotations

import pytest

from sniper.exchange.facts import Executed, SubaccountChanged, SubaccountId, Transferred
from tests.small_chain import ALICE, BOB, CAROL, DAVE, SECOND_NS, USDC, block, chain, of, put, take, usdc

CHILD = SubaccountId(ALICE.owner, 128)  # the first child of parent 0


def test_everything_moves_with_the_block() -> None:
    made = chain()
    bank = made.bank(ALICE.owner)
    assert made.transfer(ALICE, CHILD, 5_000 * USDC, "T1").code == 0
    assert made.deposit(ALICE.owner, ALICE, 300 * USDC, "T2").code == 0
    assert made.withdraw(BOB, "dydx1new", 70 * USDC, "T3").code == 0
    assert made.send(ALICE.owner, "dydx1fresh", 9, "T4").code == 0
    assert not take(made) and made.purse(CHILD) is None
    news = block(made)
    wallet = SubaccountId("dydx1new", -1)
    assert of(news, Transferred)[0] == Transferred(ALICE, CHILD, 5_000 * USDC, "T1")
    assert of(news, Transferred)[2] == Transferred(BOB, wallet, 70 * USDC, "T3")
    assert [(item.tx_hash, item.outcome.code) for item in of(news, Executed)] == [
        (name, 0) for name in ("T1", "T2", "T3", "T4")
    ]
    assert {item.subaccount for item in of(news, SubaccountChanged)} == {ALICE, CHILD, BOB}
    assert made.purse(CHILD).usdc == 5_000 * USDC  # type: ignore[union-attr]
    assert made.bank("dydx1new") == 70 * USDC and made.bank("dydx1fresh") == 9
    assert made.bank(ALICE.owner) == bank - 300 * USDC - 9
    assert made.account("dydx1fresh") is not None


@pytest.mark.parametrize("quote", [0, -1])
def test_nothing_is_no_amount(quote: int) -> None:
    made = chain()
    for outcome in (
        made.transfer(ALICE, BOB, quote, "TX"),
        made.deposit(ALICE.owner, ALICE, quote, "TX"),
        made.withdraw(ALICE, ALICE.owner, quote, "TX"),
        made.send(ALICE.owner, BOB.owner, quote, "TX"),
    ):
        assert (outcome.code, outcome.codespace) == (2, "sending")


def test_refusals() -> None:
    made = chain()
    for outcome, code, codespace in (
        (made.transfer(ALICE, ALICE, 1, "TX"), 1, "sending"),
        (made.send(ALICE.owner, ALICE.owner, 1, "TX"), 1, "sending"),
        (made.send(ALICE.owner, "", 1, "TX"), 6, "sending"),
        (made.transfer(ALICE, SubaccountId(ALICE.owner, 128_001), 1, "TX"), 200, "subaccounts"),
        (made.transfer(ALICE, BOB, 100_001 * USDC, "TX"), 102, "subaccounts"),
        (made.withdraw(SubaccountId("dydx1nobody", 0), "dydx1nobody", 1, "TX"), 102, "subaccounts"),
        (made.deposit("dydx1nobody", ALICE, 1, "TX"), 5, "sdk"),
        (made.send(ALICE.owner, BOB.owner, 10**15, "TX"), 5, "sdk"),
    ):
        assert (outcome.code, outcome.codespace) == (code, codespace)
    assert "insufficient funds" in made.deposit("dydx1nobody", ALICE, 1, "TX").text


def test_only_free_collateral_can_leave() -> None:
    made = chain(money=1_000 * USDC)
    put(made, BOB, "sell", 0.1, 90_000)
    put(made, ALICE, "buy", 0.1, 90_000)
    net, initial, _ = made.standing(ALICE)
    assert made.withdraw(ALICE, ALICE.owner, net - initial + 1, "TX").code == 102
    assert made.withdraw(ALICE, ALICE.owner, net - initial, "TX").code == 0
    block(made)
    assert made.standing(ALICE).net_collateral == initial


def test_it_is_judged_again_in_the_block() -> None:
    made = chain()
    assert made.transfer(ALICE, BOB, 60_000 * USDC, "ONE").code == 0
    assert made.transfer(ALICE, CAROL, 60_000 * USDC, "TWO").code == 0
    news = block(made)
    assert [(item.tx_hash, item.outcome.code) for item in of(news, Executed)] == [("ONE", 0), ("TWO", 102)]
    assert (usdc(made, ALICE), usdc(made, CAROL)) == (40_000 * USDC, 100_000 * USDC)


def test_the_faucet_and_fees_of_transactions() -> None:
    made = chain()
    assert made.grant("dydx1new", 500).code == 0
    assert made.bank("dydx1new") == 500
    assert (made.grant("", 5).code, made.grant("dydx1new", -5).code) == (6, 2)
    assert made.charge("dydx1new", 501, "dydx1fees").code == 5
    assert made.charge("dydx1new", 100, "dydx1fees").code == 0
    assert made.charge("dydx1new", 0, "dydx1fees").code == 0
    assert (made.bank("dydx1new"), made.bank("dydx1fees")) == (400, 100)
    block(made)


def test_an_outage_of_five_minutes_stops_money_for_fifty_blocks() -> None:
    made = chain()
    block(made, 299 * SECOND_NS)
    assert made.gated(0) == (0, 0, 0)
    block(made, 300 * SECOND_NS)
    height = made.height
    assert made.gated(0) == made.gated(70) == (0, height, height + 50)
    assert made.transfer(DAVE, ALICE, 1, "TX").code == 102


def test_accounts_have_numbers_and_sequences() -> None:
    made = chain()
    numbers = [made.account(who.owner).number for who in (ALICE, BOB, CAROL, DAVE)]  # type: ignore[union-attr]
    assert numbers == [0, 1, 2, 3]
    made.bump(BOB.owner, b"key")
    made.bump(BOB.owner, b"")
    found = made.account(BOB.owner)
    assert found is not None and (found.sequence, found.public_key) == (2, b"key")
    assert made.account("dydx1nobody") is None
