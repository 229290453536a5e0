"""The state at the start is the chain's."""

from __future__ import annotations

from decimal import Decimal

from sniper.exchange.facts import Holding
from sniper.exchange.indexer.settings import IndexerSettings
from sniper.exchange.indexer.state import State
from sniper.exchange.interfaces import Purse
from tests.exchange_chain import BTC, ME, OTHER, ScriptedChain, order
from tests.exchange_indexing import Desk


def test_a_copy_shares_nothing_that_changes() -> None:
    state = Desk().indexer.store.state
    each = order(1)
    row = state.orders.opened(each)
    state.accounts.at(ME).usdc = 5
    found = state.copy()
    market = found.by_ticker["BTC-USD"]
    assert (
        market is found.markets[0] is found.by_perpetual[0] is found.by_oracle[0][0] is not state.markets[0]
    )
    assert found.orders.get(each.id) is found.orders.by_uuid(row.id) is not row
    assert [held.order for held in found.orders.of(ME)] == [each]
    found.orders.closed(row)
    state.accounts.at(ME).usdc = 6
    assert state.orders.get(each.id) is row and found.accounts.at(ME).usdc == 5


def test_what_is_there_before_the_first_news() -> None:
    chain = ScriptedChain()
    chain.indexes[0] = 77
    chain.purses[ME] = Purse(5, (Holding(0, -(10**9), 70),))
    chain.purses[OTHER] = Purse(-3, (Holding(0, 10**9, 70),))
    state = State(chain, IndexerSettings())
    assert (state.height, state.now_ns, state.tickers) == (chain.height, chain.now_ns, {"BTC-USD", "ETH-USD"})
    market = state.by_ticker["BTC-USD"]
    assert market is state.markets[0] is state.by_perpetual[0] is state.by_oracle[0][0]
    assert (market.index, market.interest, market.terms) == (77, 10**9, BTC)
    holder = state.accounts.get(ME)
    assert holder is not None and holder.usdc == 5 and holder.positions[0].size == -(10**9)
    assert holder.positions[0].unsettled(market.index, BTC) == Decimal("0.007")
