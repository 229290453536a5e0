"""The door of the chain: what Indexer, node and the house may ask and do (`interfaces.Chain`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b

from sniper.exchange.chain import blocks, fees, funding, ledger, memclob, money, saving, stateful
from sniper.exchange.chain.core import Core, Moving
from sniper.exchange.facts import (
    ACCEPTED,
    SHORT_TERM,
    ChainOrder,
    Holding,
    News,
    OrderId,
    Outcome,
    SubaccountId,
)
from sniper.exchange.interfaces import Account, Purse, Standing
from sniper.exchange.terms import ChainTerms, EquityTier, FeeTier, Terms


class Chain:
    """A chain at a height and time, with its markets and the money of its insurance funds.

    markets: terms of the genesis. prices: oracle prices of the genesis, market id -> integer. insurance: QQ of
    every insurance fund at the start (the cross pool's and each isolated market's). seed: of everything that the
    protocol leaves to chance. ValueError: two markets with one id.
    """

    def __init__(
        self,
        markets: Iterable[Terms],
        *,
        terms: ChainTerms = ChainTerms(),  # noqa: B008 - a tuple of constants
        prices: Mapping[int, int] | None = None,
        insurance: int = 10**12,
        seed: int = 1,
        now_ns: int = 0,
        height: int = 1,
    ) -> None:
        self._core = core = Core(terms, seed, now_ns, height)
        for market_terms in markets:
            if market_terms.clob_pair in core.markets or market_terms.perpetual in core.perpetuals:
                raise ValueError(f"two markets with the id of {market_terms.ticker}")
            market = core.list_market(market_terms)
            market.oracle = market.index = (prices or {}).get(market_terms.market, 0)
            if market.pool not in core.insurance:
                core.insurance[market.pool] = insurance
                core.supply += insurance
        funding.start(core)

    # Reading.

    @property
    def core(self) -> Core:
        """The state itself, for whoever checks or saves it."""
        return self._core

    @property
    def terms(self) -> ChainTerms:
        return self._core.terms

    @property
    def height(self) -> int:
        return self._core.height

    @property
    def now_ns(self) -> int:
        return self._core.now_ns

    @property
    def news(self) -> list[News]:
        return self._core.news

    def markets(self) -> Mapping[int, Terms]:
        """The terms of every market, by clob pair id."""
        return {pair: market.terms for pair, market in self._core.markets.items()}

    def oracle(self, market: int) -> tuple[int, int]:
        """An oracle price: (integer, exponent). KeyError for a market that is not listed."""
        found = self._core.by_oracle[market]
        return found.oracle, found.terms.price_exponent

    def open_interest(self, perpetual: int) -> int:
        """BQ of all longs."""
        return self._core.perpetuals[perpetual].open_interest

    def funding_index(self, perpetual: int) -> int:
        """The funding index of a perpetual."""
        return self._core.perpetuals[perpetual].funding_index

    def purse(self, subaccount: SubaccountId) -> Purse | None:
        """A subaccount as of the last block; None if it was never funded."""
        return self._core.committed.get(subaccount)

    def subaccounts(self) -> Sequence[SubaccountId]:
        """Every funded subaccount as of the last block, in the order of their first funding."""
        return list(self._core.committed)

    def standing(self, subaccount: SubaccountId) -> Standing:
        """A subaccount under the margin rules, with what matched since the last block."""
        return Standing(*ledger.standing(self._core, self._core.subaccount(subaccount)))

    def account(self, address: str) -> Account | None:
        """What the chain knows of an address."""
        return self._core.accounts.get(address)

    def bank(self, address: str) -> int:
        """USDC of a wallet in QQ."""
        return self._core.wallets.get(address, 0)

    def fee_tiers(self) -> Sequence[FeeTier]:
        """The fee tiers, lowest volume first."""
        return self._core.terms.fee_tiers

    def fee_tier_of(self, address: str) -> int:
        """The index of an owner's tier."""
        return fees.tier_of(self._core, address)

    def volume_of(self, address: str) -> tuple[int, int]:
        """The volume of 30 days in QQ: (as taker, as maker)."""
        return self._core.volumes.get(address, (0, 0))

    def equity_tiers(self) -> Sequence[EquityTier]:
        """How many stateful orders which net collateral allows."""
        return self._core.terms.equity_tiers

    def stateful_order(self, order: OrderId) -> ChainOrder | None:
        """A stateful order in the chain's state."""
        state = self._core.stateful.get(order)
        return state.order if state else None

    def triggered(self, order: OrderId) -> bool:
        """Whether a conditional order's trigger was met."""
        state = self._core.stateful.get(order)
        return bool(state and state.triggered)

    def filled(self, order: OrderId) -> int:
        """BQ filled of an order, while it is remembered."""
        return self._core.filled.get(order, 0)

    def gated(self, perpetual: int) -> tuple[int, int, int]:
        """Heights, 0 for never: a negative account seen, an outage seen, money moves again."""
        return money.gated(self._core, self._core.perpetuals[perpetual].pool)

    def live_purse(self, subaccount: SubaccountId) -> Purse:
        """A subaccount with everything that matched since the last block."""
        sub = self._core.subaccount(subaccount)
        return Purse(
            sub.usdc,
            tuple(Holding(perpetual, held[0], held[1]) for perpetual, held in sorted(sub.positions.items())),
        )

    # What changes it.

    def touch(self, now_ns: int) -> None:
        """Time goes on; what happens from now on is told with it."""
        self._core.clock_ns = max(self._core.clock_ns, now_ns)

    def place(self, order: ChainOrder, tx_hash: str) -> Outcome:
        """Place an order; code 0 says that it was good and processed, not that it rests or filled."""
        if order.id.flags == SHORT_TERM:
            return memclob.place(self._core, order)
        return stateful.place(self._core, order, tx_hash)

    def cancel(self, order: OrderId, good_til_block: int, good_til_s: int, tx_hash: str) -> Outcome:
        """Cancel an order: a short-term one by height, a stateful one by time."""
        if order.flags == SHORT_TERM:
            return memclob.cancel(self._core, order, good_til_block)
        return stateful.cancel(self._core, order, good_til_s, tx_hash)

    def batch_cancel(
        self,
        subaccount: SubaccountId,
        batches: Sequence[tuple[int, tuple[int, ...]]],
        good_til_block: int,
        tx_hash: str,
    ) -> Outcome:
        """Cancel many short-term orders: (clob pair, client ids) each."""
        return memclob.batch_cancel(self._core, subaccount, batches, good_til_block)

    def transfer(self, sender: SubaccountId, recipient: SubaccountId, quote: int, tx_hash: str) -> Outcome:
        """USDC from subaccount to subaccount with the next block."""
        return self._move(sender, recipient, quote, tx_hash)

    def deposit(self, sender: str, recipient: SubaccountId, quote: int, tx_hash: str) -> Outcome:
        """USDC from a wallet into a subaccount with the next block."""
        return self._move(SubaccountId(sender, money.WALLET), recipient, quote, tx_hash)

    def withdraw(self, sender: SubaccountId, recipient: str, quote: int, tx_hash: str) -> Outcome:
        """USDC from a subaccount into a wallet with the next block."""
        return self._move(sender, SubaccountId(recipient, money.WALLET), quote, tx_hash)

    def send(self, sender: str, recipient: str, quote: int, tx_hash: str) -> Outcome:
        """USDC from wallet to wallet with the next block."""
        return self._move(
            SubaccountId(sender, money.WALLET), SubaccountId(recipient, money.WALLET), quote, tx_hash
        )

    def _move(self, sender: SubaccountId, recipient: SubaccountId, quote: int, tx_hash: str) -> Outcome:
        wrong = money.judge(self._core, sender, recipient, quote)
        if wrong:
            return wrong
        self._core.pending.append(Moving(sender, recipient, quote, tx_hash))
        return ACCEPTED

    def grant(self, address: str, quote: int) -> Outcome:
        """The faucet: new USDC into a wallet at once; makes the account."""
        return money.grant(self._core, address, quote)

    def charge(self, address: str, quote: int, collector: str) -> Outcome:
        """A transaction's fee at once, from wallet to wallet; sdk 5 where it is not there."""
        return money.charge(self._core, address, quote, collector)

    def mark(self) -> tuple[int, int, int]:
        """Where the messages that wait for the next block stand, for `take_back`."""
        core = self._core
        return len(core.pending), len(core.new_stateful), len(core.new_cancels)

    def take_back(self, mark: tuple[int, int, int]) -> None:
        """Forget stateful messages and money that came since a mark of the same block."""
        core = self._core
        pending, orders, cancels = mark
        del core.pending[pending:]
        for placed in list(core.new_stateful)[orders:]:
            del core.new_stateful[placed]
        for cancelled in list(core.new_cancels)[cancels:]:
            del core.new_cancels[cancelled]

    def bump(self, address: str, public_key: bytes) -> None:
        """A transaction of this address was accepted: its sequence rises, its key is known."""
        self._core.know(address)
        old = self._core.accounts[address]
        self._core.accounts[address] = old._replace(
            sequence=old.sequence + 1, public_key=public_key or old.public_key
        )

    def set_oracle(self, prices: Mapping[int, int]) -> None:
        """New oracle prices for the next block, market id -> integer > 0. ValueError for another."""
        if any(price <= 0 for price in prices.values()):
            raise ValueError("an oracle price is a whole number above 0")
        self._core.new_prices.update(prices)

    def set_terms(self, terms: Terms) -> None:
        """List or change a market with the next block. ValueError: a change of status that the chain forbids,
        or other ids than the market has."""
        core = self._core
        old = core.new_terms.get(terms.clob_pair)
        if old is None and terms.clob_pair in core.markets:
            old = core.markets[terms.clob_pair].terms
        if old is None:
            if terms.perpetual in core.perpetuals or terms.market in core.by_oracle:
                raise ValueError(f"{terms.ticker} has the perpetual or price of another market")
        elif terms.status not in blocks.TRANSITIONS[old.status]:
            raise ValueError(f"{terms.ticker} cannot go from {old.status} to {terms.status}")
        elif (terms.perpetual, terms.market) != (old.perpetual, old.market):
            raise ValueError(f"{terms.ticker} keeps its perpetual and price")
        core.new_terms[terms.clob_pair] = terms

    def end_block(self, now_ns: int) -> None:
        """Commit the next block. ValueError: before the last one."""
        if now_ns < self._core.now_ns:
            raise ValueError("a block cannot end before the last one")
        blocks.end_block(self._core, now_ns)

    def save(self) -> bytes:
        """The whole state. News that nobody took yet is not part of it."""
        return saving.save(self._core)

    def load(self, saved: bytes) -> None:
        """Take over a state that `save` gave. ValueError on anything else, before any change."""
        self._core = saving.load(saved)

    def digest(self) -> str:
        """128 bits of the whole state, as 32 hex digits."""
        return blake2b(self.save(), digest_size=16).hexdigest()
