"""Equity, collateral and balances against the integer formulas of margin.md and funding.md."""

from __future__ import annotations

from fractions import Fraction

import pytest

from sniper.exchange.facts import SubaccountId
from sniper.exchange.indexer.accounts import Accounts
from tests.exchange_chain import BTC, ETH, ME, US, ScriptedChain, changed
from tests.exchange_indexing import Desk
from tests.exchange_play import PLAYERS, Play


def ratio(text: str) -> Fraction:
    return Fraction(text)


@pytest.mark.parametrize("seed", range(3))
def test_equity_and_free_collateral_are_those_of_the_ledger(seed: int) -> None:
    desk = Desk()
    play = Play(desk, seed)
    unsettled_seen = False
    for _ in range(60):
        play.block()
        for player, purse in play.purses.items():
            found = desk.ok(f"/v4/addresses/{player.owner}/subaccountNumber/{player.number}")["subaccount"]
            cash = Fraction(purse.usdc, 10**6)
            due = Fraction(0)
            equity = margin = Fraction(0)
            for p, (q, index) in purse.held.items():
                terms, price = ((BTC, -5), (ETH, -6))[p][0], Fraction(play.price[p], 10 ** (5, 6)[p])
                due += Fraction(-(play.index[p] - index) * q, 10**12)
                value = q * price / 10**-terms.atomic_resolution
                equity += value
                margin += abs(value) * Fraction(terms.initial_margin_ppm, 10**6)
            unsettled_seen = unsettled_seen or bool(due)
            equity += cash + due
            assert ratio(found["equity"]) == equity
            assert ratio(found["freeCollateral"]) == equity - margin
            usdc = found["assetPositions"].get("USDC")
            shown = ratio(usdc["size"]) * (1 if usdc["side"] == "LONG" else -1) if usdc else 0
            assert shown == cash + due
            sizes = {t: ratio(each["size"]) for t, each in found["openPerpetualPositions"].items()}
            assert sizes == {
                ("BTC-USD", "ETH-USD")[p]: Fraction(q, 10 ** (10, 9)[p]) for p, (q, _) in purse.held.items()
            }
    assert unsettled_seen


def test_a_parent_sums_its_children() -> None:
    desk = Desk()
    play = Play(desk, 4)
    for _ in range(30):
        play.block()
    found = desk.ok(f"/v4/addresses/{US}/parentSubaccountNumber/0")["subaccount"]
    children = found["childSubaccounts"]
    assert [each["subaccountNumber"] for each in children] == [0, 128]
    assert ratio(found["equity"]) == sum(ratio(each["equity"]) for each in children)
    assert ratio(found["freeCollateral"]) == sum(ratio(each["freeCollateral"]) for each in children)
    assert list(found) == [
        "address",
        "parentSubaccountNumber",
        "equity",
        "freeCollateral",
        "childSubaccounts",
    ]
    whole = desk.ok(f"/v4/addresses/{US}")
    assert [each["subaccountNumber"] for each in whole["subaccounts"]] == [0, 1, 128]
    assert list(whole["subaccounts"][0]) == [
        "address", "subaccountNumber", "equity", "freeCollateral", "openPerpetualPositions", "assetPositions",
        "marginEnabled", "updatedAtHeight", "latestProcessedBlockHeight",
    ]  # fmt: skip


def test_a_balance_of_nothing_is_missing_in_answers_and_short_in_updates() -> None:
    desk = Desk()
    desk.connect()
    desk.subscribe("v4_subaccounts", f"{US}/0")
    desk.block(changed(0))
    (update,) = [each["contents"] for each in desk.read()]
    assert (update["assetPositions"][0]["side"], update["assetPositions"][0]["size"]) == ("SHORT", "0")
    assert desk.ok(f"/v4/addresses/{US}/subaccountNumber/0")["subaccount"]["assetPositions"] == {}
    assert desk.ok("/v4/assetPositions", address=US, subaccountNumber=0) == {"positions": []}
    desk.block(changed(-1_500_000))
    (found,) = desk.ok("/v4/assetPositions", address=US, subaccountNumber=0)["positions"]
    assert found == {"size": "1.5", "symbol": "USDC", "side": "SHORT", "assetId": "0", "subaccountNumber": 0}


def test_an_indexer_that_begins_late_knows_the_purses() -> None:
    first = Desk()
    play = Play(first, 6)
    for _ in range(40):
        play.block()
    for player in list(play.purses):
        play.settle(player)
    from sniper.exchange.facts import Holding
    from sniper.exchange.interfaces import Purse

    chain = ScriptedChain()
    chain.indexes = dict(play.index)
    chain.prices = {0: (play.price[0], -5), 1: (play.price[1], -6)}
    for player, purse in play.purses.items():
        held = tuple(Holding(p, q, index) for p, (q, index) in purse.held.items())
        chain.purses[player] = Purse(purse.usdc, held)
    late = Desk(chain)
    for player in PLAYERS:
        path = f"/v4/addresses/{player.owner}/subaccountNumber/{player.number}"
        found = late.ok(path)["subaccount"]
        cash = Fraction(play.purses[player].usdc, 10**6)
        value = sum(
            Fraction(q, 10 ** (10, 9)[p]) * Fraction(play.price[p], 10 ** (5, 6)[p])
            for p, (q, _) in play.purses[player].held.items()
        )
        assert ratio(found["equity"]) == cash + value


def test_subaccounts_begin_when_they_are_first_named() -> None:
    accounts = Accounts(10)
    assert accounts.get(ME) is None
    holder = accounts.at(ME)
    assert accounts.get(ME) is holder is accounts.at(ME)
    accounts.at(SubaccountId(US, 129))
    accounts.at(SubaccountId(US, 128))
    assert [each.subaccount.number for each in accounts.children(US, 0)] == [0, 128]
    assert len(list(accounts.every())) == 3 and accounts.children("nobody", 0) == []
