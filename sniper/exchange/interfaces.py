"""How Indexer and node see the chain, and how the house drives all three. The chain itself lies in `chain`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from sniper.exchange.facts import ChainOrder, Holding, News, OrderId, Outcome, SubaccountId
from sniper.exchange.terms import ChainTerms, EquityTier, FeeTier, Terms


class Account(NamedTuple):
    """An address as the chain keeps it: its number and the sequence that its next transaction must carry."""

    address: str
    number: int
    sequence: int
    public_key: bytes  # compressed secp256k1, b"" before the first transaction


class Purse(NamedTuple):
    """A subaccount: USDC in QQ (signed) and open positions, funding not yet settled left out."""

    usdc: int
    holdings: tuple[Holding, ...]


class Standing(NamedTuple):
    """A subaccount under the chain's margin rules, all in QQ, unsettled funding counted."""

    net_collateral: int
    initial: int
    maintenance: int


class ChainReading(Protocol):
    """What may be asked of the chain at any time. Nothing here changes it."""

    @property
    def terms(self) -> ChainTerms: ...
    @property
    def height(self) -> int: ...  # of the last committed block
    @property
    def now_ns(self) -> int: ...  # the time of the last committed block

    def markets(self) -> Mapping[int, Terms]: ...  # by clob pair id
    def oracle(self, market: int) -> tuple[int, int]: ...  # (integer, exponent); (0, exponent) while unknown
    def open_interest(self, perpetual: int) -> int: ...  # BQ
    def funding_index(self, perpetual: int) -> int: ...
    def purse(self, subaccount: SubaccountId) -> Purse | None: ...  # None: never funded
    def subaccounts(self) -> Sequence[SubaccountId]: ...
    def standing(self, subaccount: SubaccountId) -> Standing: ...
    def account(self, address: str) -> Account | None: ...
    def bank(self, address: str) -> int: ...  # USDC of a wallet outside of subaccounts, QQ
    def fee_tiers(self) -> Sequence[FeeTier]: ...
    def fee_tier_of(self, address: str) -> int: ...  # index into fee_tiers
    def volume_of(self, address: str) -> tuple[int, int]: ...  # 30 days, QQ: (as taker, as maker)
    def equity_tiers(self) -> Sequence[EquityTier]: ...
    def stateful_order(self, order: OrderId) -> ChainOrder | None: ...
    def triggered(self, order: OrderId) -> bool: ...  # a conditional one that waits for its trigger no more
    def filled(self, order: OrderId) -> int: ...  # BQ of it, while remembered
    # When withdrawals and transfers stop, heights, 0 for never: (negative account seen, outage seen, free again).
    def gated(self, perpetual: int) -> tuple[int, int, int]: ...


class Chain(ChainReading, Protocol):
    """What changes the chain. Each call appends to `news`; whoever drives it drains the list after every call."""

    @property
    def news(self) -> list[News]: ...  # take a copy, then clear() it

    def touch(self, now_ns: int) -> None: ...  # wall or virtual time goes on; never ends a block by itself
    # Clob messages of transactions that the node found in order. Stateful ones are judged now and executed in the
    # next block; short-term ones meet the book now.
    def place(self, order: ChainOrder, tx_hash: str) -> Outcome: ...
    def cancel(self, order: OrderId, good_til_block: int, good_til_s: int, tx_hash: str) -> Outcome: ...
    def batch_cancel(
        self,
        subaccount: SubaccountId,
        batches: Sequence[tuple[int, tuple[int, ...]]],
        good_til_block: int,
        tx_hash: str,
    ) -> Outcome: ...
    # Money; executed in the next block, judged when asked and again then.
    def transfer(
        self, sender: SubaccountId, recipient: SubaccountId, quote: int, tx_hash: str
    ) -> Outcome: ...
    def deposit(self, sender: str, recipient: SubaccountId, quote: int, tx_hash: str) -> Outcome: ...
    def withdraw(self, sender: SubaccountId, recipient: str, quote: int, tx_hash: str) -> Outcome: ...
    def send(self, sender: str, recipient: str, quote: int, tx_hash: str) -> Outcome: ...
    def grant(
        self, address: str, quote: int
    ) -> Outcome: ...  # the faucet: new USDC into a wallet; makes the account
    def charge(
        self, address: str, quote: int, collector: str
    ) -> Outcome: ...  # a transaction's fee, at once, from wallet to wallet; sdk 5 where it is not there
    # What waits for the next block can be taken back until then: stateful messages and money that came since a mark.
    def mark(self) -> tuple[int, int, int]: ...
    def take_back(self, mark: tuple[int, int, int]) -> None: ...
    # Accounts: the node keeps the rules, the chain the facts.
    def bump(self, address: str, public_key: bytes) -> None: ...  # sequence + 1, key remembered
    # What time and governance do.
    def set_oracle(
        self, prices: Mapping[int, int]
    ) -> None: ...  # market id -> integer; told with the next block
    def set_terms(self, terms: Terms) -> None: ...  # lists or changes a market with the next block
    def end_block(self, now_ns: int) -> None: ...
    def save(self) -> bytes: ...
    def load(self, saved: bytes) -> None: ...


class Indexer(Protocol):
    """The Indexer as its clients meet it. Out come (connection, text in UTF-8, close code, reason).

    text None: the connection is closed with that code; 1006 means that it breaks off without a close frame.
    """

    def take(self, news: Sequence[News], now_ns: int) -> None: ...
    def connect(self, connection: int, now_ns: int) -> None: ...
    def receive(self, connection: int, text: bytes, now_ns: int) -> None: ...
    def gone(self, connection: int) -> None: ...
    def outgoing(self, now_ns: int) -> list[tuple[int, bytes | None, int, str]]: ...
    def due_ns(
        self,
    ) -> int: ...  # when `outgoing` will next have something without news; a batch, a delayed snapshot
    def rest(self, path: str, query: str, client: str, now_ns: int) -> tuple[int, dict[str, str], bytes]: ...


class Node(Protocol):
    """The node as gRPC callers meet it: bytes of a transaction in, outcome and hash out.

    Messages to the order book go on to the chain at once. Everything else a block executes: `before_block` hands
    those to the chain and counts sequences up, so whoever ends a block calls it just before, and `after_block` just
    after it.
    """

    def broadcast(self, tx: bytes, now_ns: int) -> tuple[Outcome, str]: ...
    def simulate(self, tx: bytes, now_ns: int) -> tuple[Outcome, int]: ...  # and the gas that it would use
    def before_block(self, now_ns: int) -> None: ...
    def after_block(self) -> None: ...
