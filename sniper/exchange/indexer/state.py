"""What the Indexer has taken in: markets, orders and subaccounts as of a block, and nothing of how it came."""

from __future__ import annotations

from copy import copy
from pickle import HIGHEST_PROTOCOL, dumps, loads

from sniper.exchange.indexer.accounts import Accounts
from sniper.exchange.indexer.markets import Market
from sniper.exchange.indexer.orders import OrderTable
from sniper.exchange.indexer.positions import Position
from sniper.exchange.indexer.settings import IndexerSettings
from sniper.exchange.interfaces import ChainReading

Rest = tuple[Accounts, dict[int, Market], dict[str, Market], dict[int, Market], dict[int, list[Market]]]


class State:
    """The whole of it. markets: by clob pair; height and now_ns: of the last block that was indexed."""

    def __init__(self, chain: ChainReading, settings: IndexerSettings) -> None:
        self.settings = settings
        self.orders = OrderTable(settings.orders_max, settings.live_orders_max)
        self.accounts = Accounts(settings.page_max)
        self.markets: dict[int, Market] = {}
        self.by_ticker: dict[str, Market] = {}
        self.by_perpetual: dict[int, Market] = {}
        self.by_oracle: dict[int, list[Market]] = {}
        self.height, self.now_ns = chain.height, chain.now_ns
        for clob_pair in sorted(chain.markets()):
            self.list_market(chain, clob_pair)
        for subaccount in chain.subaccounts():
            purse = chain.purse(subaccount)
            if purse is None:
                continue
            holder = self.accounts.at(subaccount)
            holder.usdc, holder.updated_height = purse.usdc, chain.height
            for held in purse.holdings:
                market = self.by_perpetual[held.perpetual]
                found = Position(
                    held.perpetual,
                    held.quantums > 0,
                    "0" * 24,
                    held.funding_index,
                    chain.height,
                    chain.now_ns,
                )
                found.grow(abs(held.quantums), market.price, market.terms)
                holder.positions[held.perpetual] = found
                market.interest += max(held.quantums, 0)
        self.tickers = frozenset(self.by_ticker)
        """Tickers that requests may name: read anew now and then, so that a new market is not known at once."""

    def list_market(self, chain: ChainReading, clob_pair: int) -> Market:
        """Take over the terms of a market that is new or has changed."""
        terms = chain.markets()[clob_pair]
        market = self.markets.get(clob_pair)
        if market is None:
            index = chain.funding_index(terms.perpetual)
            market = Market(terms, chain.oracle(terms.market), index, self.settings.page_max)
            self.markets[clob_pair] = market
            self.by_ticker[terms.ticker] = market
            self.by_perpetual[terms.perpetual] = market
            self.by_oracle.setdefault(terms.market, []).append(market)
        market.terms = terms
        return market

    def copy(self) -> State:
        """The same, sharing nothing that changes."""
        found = copy(self)
        found.orders = self.orders.copy()
        rest = (self.accounts, self.markets, self.by_ticker, self.by_perpetual, self.by_oracle)
        again: Rest = loads(dumps(rest, HIGHEST_PROTOCOL))  # what is one market here is one there
        found.accounts, found.markets, found.by_ticker, found.by_perpetual, found.by_oracle = again
        return found

    def learn_tickers(self) -> None:
        """Read the list of tickers anew."""
        self.tickers = frozenset(self.by_ticker)
