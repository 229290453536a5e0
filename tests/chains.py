"""A chain of accounts and wallets alone, for the tests of the node: it notes every call and answers as it is told."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from typing import Any

from sniper.exchange.facts import (
    ACCEPTED,
    BlockEnded,
    ChainOrder,
    Holding,
    News,
    OrderId,
    Outcome,
    SubaccountId,
)
from sniper.exchange.interfaces import Account, Purse, Standing
from sniper.exchange.terms import ACTIVE, CROSS, ISOLATED, ChainTerms, EquityTier, FeeTier, Terms

BLOCK_NS = 650_000_000
START_NS = 1_767_225_600_000_000_000
BTC = Terms(
    0, 0, 0, "BTC-USD", ACTIVE, CROSS, -10, -9, 1_000_000, 100_000, -5, 20_000, 600_000, 0, 0, 100, 1000
)
ETH = Terms(
    1, 1, 1, "ETH-USD", ACTIVE, CROSS, -9, -9, 1_000_000, 100_000, -6, 20_000, 600_000, 0, 0, 100, 1000
)
ISO = Terms(
    7,
    9,
    1007,
    "ISO-USD",
    ACTIVE,
    ISOLATED,
    -6,
    -9,
    1_000_000,
    1_000_000,
    -8,
    50_000,
    600_000,
    10**12,
    2 * 10**12,
    0,
    800,
)


class AccountsChain:
    """See `interfaces.Chain`. answers: what a method answers next time, by its name; calls: what was asked."""

    def __init__(self) -> None:
        self.terms = ChainTerms()
        self.height = 100
        self.now_ns = START_NS
        self.news: list[News] = []
        self.calls: list[tuple[Any, ...]] = []
        self.answers: dict[str, Outcome] = {}
        self.accounts: dict[str, Account] = {}
        self.wallets: dict[str, int] = {}
        self.purses: dict[SubaccountId, Purse] = {}
        self.orders: dict[OrderId, ChainOrder] = {}
        self.listed = {terms.clob_pair: terms for terms in (BTC, ETH, ISO)}
        self.prices = {0: (9_000_000_000, -5), 1: (3_100_000_000, -6), 1007: (0, -8)}

    def open(self, address: str, usdc: int = 1_000_000_000, sequence: int = 0, key: bytes = b"") -> Account:
        """Make an account with a wallet."""
        self.accounts[address] = Account(address, len(self.accounts) + 10, sequence, key)
        self.wallets[address] = usdc
        return self.accounts[address]

    def _noted(self, name: str, *what: Any) -> Outcome:
        self.calls.append((name, *what))
        return self.answers.pop(name, ACCEPTED)

    def markets(self) -> Mapping[int, Terms]:
        return self.listed

    def oracle(self, market: int) -> tuple[int, int]:
        return self.prices[market]

    def open_interest(self, perpetual: int) -> int:
        return 500_000_000

    def funding_index(self, perpetual: int) -> int:
        return -7

    def purse(self, subaccount: SubaccountId) -> Purse | None:
        return self.purses.get(subaccount)

    def subaccounts(self) -> Sequence[SubaccountId]:
        return list(self.purses)

    def standing(self, subaccount: SubaccountId) -> Standing:
        return Standing(self.purses[subaccount].usdc, 0, 0)

    def account(self, address: str) -> Account | None:
        return self.accounts.get(address)

    def bank(self, address: str) -> int:
        return self.wallets.get(address, 0)

    def fee_tiers(self) -> Sequence[FeeTier]:
        return self.terms.fee_tiers

    def fee_tier_of(self, address: str) -> int:
        return 1

    def volume_of(self, address: str) -> tuple[int, int]:
        return 11, 22

    def equity_tiers(self) -> Sequence[EquityTier]:
        return self.terms.equity_tiers

    def stateful_order(self, order: OrderId) -> ChainOrder | None:
        return self.orders.get(order)

    def triggered(self, order: OrderId) -> bool:
        return True

    def filled(self, order: OrderId) -> int:
        return 3_000_000

    def gated(self, perpetual: int) -> tuple[int, int, int]:
        return 50, 0, 100

    def touch(self, now_ns: int) -> None:
        self.calls.append(("touch", now_ns))

    def place(self, order: ChainOrder, tx_hash: str) -> Outcome:
        return self._noted("place", order, tx_hash)

    def cancel(self, order: OrderId, good_til_block: int, good_til_s: int, tx_hash: str) -> Outcome:
        return self._noted("cancel", order, good_til_block, good_til_s, tx_hash)

    def batch_cancel(
        self,
        subaccount: SubaccountId,
        batches: Sequence[tuple[int, tuple[int, ...]]],
        good_til_block: int,
        tx_hash: str,
    ) -> Outcome:
        return self._noted("batch_cancel", subaccount, tuple(batches), good_til_block, tx_hash)

    def transfer(self, sender: SubaccountId, recipient: SubaccountId, quote: int, tx_hash: str) -> Outcome:
        return self._noted("transfer", sender, recipient, quote, tx_hash)

    def deposit(self, sender: str, recipient: SubaccountId, quote: int, tx_hash: str) -> Outcome:
        return self._noted("deposit", sender, recipient, quote, tx_hash)

    def withdraw(self, sender: SubaccountId, recipient: str, quote: int, tx_hash: str) -> Outcome:
        return self._noted("withdraw", sender, recipient, quote, tx_hash)

    def send(self, sender: str, recipient: str, quote: int, tx_hash: str) -> Outcome:
        return self._noted("send", sender, recipient, quote, tx_hash)

    def grant(self, address: str, quote: int) -> Outcome:
        if address not in self.accounts:
            self.open(address, 0)
        self.wallets[address] += quote
        return self._noted("grant", address, quote)

    def charge(self, address: str, quote: int, collector: str) -> Outcome:
        outcome = self._noted("charge", address, quote, collector)
        if not outcome.code:
            self.wallets[address] -= quote
            self.wallets[collector] = self.wallets.get(collector, 0) + quote
        return outcome

    def mark(self) -> tuple[int, int, int]:
        return len(self.calls), 0, 0

    def take_back(self, mark: tuple[int, int, int]) -> None:
        del self.calls[mark[0] :]

    def bump(self, address: str, public_key: bytes) -> None:
        self.calls.append(("bump", address))
        one = self.accounts[address]
        self.accounts[address] = one._replace(sequence=one.sequence + 1, public_key=public_key)

    def set_oracle(self, prices: Mapping[int, int]) -> None:
        self._noted("set_oracle", dict(prices))

    def set_terms(self, terms: Terms) -> None:
        self._noted("set_terms", terms)

    def end_block(self, now_ns: int) -> None:
        self.height += 1
        self.now_ns = now_ns
        self.news.append(BlockEnded(self.height, now_ns))

    def save(self) -> bytes:
        return pickle.dumps((self.accounts, self.wallets, self.purses, self.calls))

    def load(self, saved: bytes) -> None:
        self.accounts, self.wallets, self.purses, self.calls = pickle.loads(saved)

    def done(self, *names: str) -> list[tuple[Any, ...]]:
        """The calls of these names, `touch` left out."""
        return [call for call in self.calls if call[0] in names or (not names and call[0] != "touch")]


def holding(perpetual: int, quantums: int) -> Holding:
    """A position."""
    return Holding(perpetual, quantums, 0)
