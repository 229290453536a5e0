"""The whole state of the chain as plain data."""

from __future__ import annotations

from hashlib import blake2b, sha256
from typing import NamedTuple

from sniper.exchange.chain.market import Market
from sniper.exchange.facts import ChainOrder, Filled, News, OrderId, SubaccountId
from sniper.exchange.interfaces import Account, Purse
from sniper.exchange.terms import ChainTerms, Terms


class Subaccount:
    """USDC in QQ and positions, perpetual id -> [signed BQ, funding index when last settled].

    settled: QQ of funding settled per perpetual since the last block.
    """

    __slots__ = ("id", "positions", "settled", "usdc")

    def __init__(self, subaccount_id: SubaccountId) -> None:
        self.id = subaccount_id
        self.usdc = 0
        self.positions: dict[int, list[int]] = {}
        self.settled: dict[int, int] = {}


class Stateful(NamedTuple):
    """A stateful order in the chain's state. placed: a count that keeps the order of placing."""

    order: ChainOrder
    triggered: bool
    placed: int


class Placing(NamedTuple):
    """A stateful order that waits for the next block."""

    order: ChainOrder
    tx_hash: str


class Cancelling(NamedTuple):
    """The cancel of a stateful order that waits for the next block."""

    order_id: OrderId
    good_til_s: int
    tx_hash: str


class Moving(NamedTuple):
    """USDC that waits for the next block to move; a party with number -1 is a wallet."""

    sender: SubaccountId
    recipient: SubaccountId
    quote: int
    tx_hash: str


Pending = Placing | Cancelling | Moving


class Core:
    """State of chain, accounts and memclob. What belongs to the block that is being gathered stands last."""

    def __init__(self, terms: ChainTerms, seed: int, now_ns: int, height: int) -> None:
        self.terms = terms
        self.seed = seed
        self.height = height  # of the last committed block
        self.now_ns = now_ns  # its time
        self.clock_ns = now_ns  # time as last told
        self.news: list[News] = []
        self.markets: dict[int, Market] = {}  # by clob pair
        self.perpetuals: dict[int, Market] = {}
        self.by_oracle: dict[int, Market] = {}  # by market id
        # Money, QQ. All of it together is `supply`.
        self.subaccounts: dict[SubaccountId, Subaccount] = {}
        self.wallets: dict[str, int] = {}
        self.insurance: dict[int, int] = {}  # by pool
        self.collector = 0  # fees taken
        self.clearing = 0  # funding taken from those who settled, minus funding paid out to them
        self.supply = 0
        self.accounts: dict[str, Account] = {}
        # Fees: volumes of the day and of the 29 days before, (as taker, as maker) by owner.
        self.days: list[tuple[int, dict[str, tuple[int, int]]]] = []
        self.volumes: dict[str, tuple[int, int]] = {}
        self.rates: dict[str, tuple[int, int]] = {}  # (taker, maker) ppm of owners who traded
        # Orders.
        self.filled: dict[OrderId, int] = {}
        self.filled_until: dict[OrderId, int] = {}
        self.forget_at: dict[int, list[OrderId]] = {}
        self.stateful: dict[OrderId, Stateful] = {}
        self.placed = 0
        self.per_subaccount: dict[SubaccountId, int] = {}  # stateful orders in state
        # Funding epochs and when the market updater speaks next.
        self.next_sample_ns = 0
        self.next_tick_ns = 0
        self.next_foreseen_ns = 0
        # Heights at which money was stopped: by pool for negative accounts, for all after an outage.
        self.negative_at: dict[int, int] = {}
        self.outage_at = 0
        # As of the last block.
        self.committed: dict[SubaccountId, Purse] = {}
        # The block that is being gathered.
        self.touched: dict[SubaccountId, None] = {}
        self.fills: list[Filled] = []
        self.matched: dict[OrderId, ChainOrder] = {}
        self.removals: dict[OrderId, int] = {}  # stateful orders to drop, with the reason
        self.pending: list[Pending] = []
        self.new_stateful: dict[OrderId, ChainOrder] = {}
        self.new_cancels: dict[OrderId, int] = {}
        self.new_terms: dict[int, Terms] = {}
        self.new_prices: dict[int, int] = {}
        self.block_volumes: dict[str, tuple[int, int]] = {}

        self.operations_hash = ""
        self.set_height(height)

    @property
    def next_height(self) -> int:
        """The height of the block that is being gathered."""
        return self.height + 1

    def set_height(self, height: int) -> None:
        """A block is committed. What matches from now on stands in the next block's transaction of operations."""
        self.height = height
        text = f"{self.terms.chain_id}/operations/{height + 1}"
        self.operations_hash = sha256(text.encode()).hexdigest().upper()

    def draw(self, below: int, what: str) -> int:
        """A number below `below`, the same for the same seed, height and purpose."""
        text = f"{self.seed}/{self.height}/{what}".encode()
        return int.from_bytes(blake2b(text, digest_size=8).digest(), "big") % below

    def list_market(self, terms: Terms) -> Market:
        """Take over a market's terms; a new market gets an empty book."""
        market = self.markets.get(terms.clob_pair)
        if market is None:
            market = self.markets[terms.clob_pair] = Market(terms)
            self.perpetuals[terms.perpetual] = market
            self.by_oracle[terms.market] = market
        else:
            market.set_terms(terms)
        return market

    def subaccount(self, subaccount_id: SubaccountId) -> Subaccount:
        """The subaccount; an empty one, not remembered, where it was never funded."""
        return self.subaccounts.get(subaccount_id) or Subaccount(subaccount_id)

    def know(self, address: str) -> None:
        """Make the account of an address that the chain has not met."""
        if address not in self.accounts:
            self.accounts[address] = Account(address, len(self.accounts), 0, b"")
            self.wallets.setdefault(address, 0)
