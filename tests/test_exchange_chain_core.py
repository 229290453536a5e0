"""The state as data: chance, hashes, accounts, markets."""

from __future__ import annotations

from sniper.exchange.chain.core import Core
from sniper.exchange.terms import ChainTerms
from tests.small_chain import ALICE, BTC, ISO


def core(seed: int = 1, height: int = 7) -> Core:
    return Core(ChainTerms(), seed, 0, height)


def test_chance_depends_on_seed_height_and_purpose_alone() -> None:
    assert [core().draw(1000, "a") for _ in range(3)] == [core().draw(1000, "a")] * 3
    drawn = {
        core().draw(10**9, "a"),
        core(2).draw(10**9, "a"),
        core(1, 8).draw(10**9, "a"),
        core().draw(10**9, "b"),
    }
    assert len(drawn) == 4
    assert {core(1, height).draw(3, "x") for height in range(50)} == {0, 1, 2}


def test_the_hash_of_operations_is_the_next_blocks() -> None:
    one = core()
    before = one.operations_hash
    one.set_height(8)
    assert (one.height, one.next_height) == (8, 9)
    assert one.operations_hash == core(height=8).operations_hash != before
    assert len(before) == 64 and before == before.upper()


def test_markets_are_found_by_every_number() -> None:
    one = core()
    market = one.list_market(ISO)
    assert one.markets[7] is one.perpetuals[70] is one.by_oracle[700] is market
    assert one.list_market(ISO._replace(status="INITIALIZING")) is market
    assert market.terms.status == "INITIALIZING"
    one.list_market(BTC)
    assert sorted(one.markets) == [0, 7]


def test_an_unknown_subaccount_is_empty_and_not_remembered() -> None:
    one = core()
    assert (one.subaccount(ALICE).usdc, one.subaccounts) == (0, {})
    one.know("dydx1a")
    one.know("dydx1b")
    one.know("dydx1a")
    assert [account.number for account in one.accounts.values()] == [0, 1]
    assert one.wallets == {"dydx1a": 0, "dydx1b": 0}
