"""The Indexer's services behind the sockets: what takes the news in, and the jobs that run beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from sniper.exchange.facts import (
    BUY,
    SELL,
    BlockEnded,
    FundingForeseen,
    News,
    OrderGone,
    OrderOpened,
    OrderResting,
)
from sniper.exchange.indexer.blocks import Blocks
from sniper.exchange.indexer.faults import Mischief
from sniper.exchange.indexer.markets import Market
from sniper.exchange.indexer.offchain import OffChain
from sniper.exchange.indexer.settings import IndexerSettings
from sniper.exchange.indexer.state import State
from sniper.exchange.indexer.telling import Telling
from sniper.exchange.indexer.topics import Topics, Unheard
from sniper.exchange.indexer.writing import Item
from sniper.exchange.interfaces import ChainReading

SECOND_NS: Final = 1_000_000_000
GHOST_TICKS: Final = 4
"""So far beyond the other side's best level a level may appear that is not there."""


class Store:
    """Off-chain news acts at once; the news of a block waits for its end."""

    def __init__(
        self,
        chain: ChainReading,
        settings: IndexerSettings,
        topics: Topics,
        mischief: Mischief,
        state: State | None = None,
    ) -> None:
        self._chain = chain
        self._settings = settings
        self._mischief = mischief
        self.state = state or State(chain, settings)
        self._telling = Telling(topics, mischief)
        self._off_chain = OffChain(self.state, self._telling)
        self._blocks = Blocks(chain, self.state, self._telling, self._off_chain)
        self._block: list[News] = []
        self._by_kind: dict[type[Any], Callable[[Any], None]] = {
            OrderOpened: self._off_chain.opened,
            OrderResting: self._rests,
            OrderGone: self._off_chain.gone,
            FundingForeseen: self._foreseen,
            BlockEnded: self._ended,
        }

    def take(self, news: Sequence[News]) -> None:
        """Take in what the chain said."""
        by_kind, keep = self._by_kind, self._block.append
        for each in news:
            act = by_kind.get(type(each))
            if act is None:
                keep(each)
            else:
                act(each)

    def copy(self) -> Store:
        """Another store in the same state, whom nobody hears: what answers requests behind a lagging replica."""
        found = Store(self._chain, self._settings, Unheard(), Mischief(0), self.state.copy())
        found._block = list(self._block)
        found._blocks.go_on_from(self._blocks)
        found._off_chain.go_on_from(self._off_chain)
        return found

    def count(self, now_ns: int) -> None:
        """The job of every 30 s: statistics of the markets, and what has changed of them to the subscribers."""
        found: Item = {}
        for market in self.state.markets.values():
            changed = market.count(now_ns)
            if changed:
                found[market.ticker] = changed
        if found:
            self._telling.markets({"trading": found})

    def uncross(self, now_ns: int) -> None:
        """The job of every 15 s: drop old levels that cross newer ones. Nobody is told."""
        before_s = now_ns // SECOND_NS - self._settings.stale_level_s
        for market in self.state.markets.values():
            market.levels.drop_stale(before_s)

    def haunt(self, market: Market, now_ns: int) -> bool:
        """Let a level appear beyond the other side and stay, as when a removal is lost. Needs both sides."""
        bid, ask = market.levels.best()
        if not bid or not ask:
            return False
        random, terms = self._mischief.random, market.terms
        side = BUY if random() < 0.5 else SELL
        away = int(random() * GHOST_TICKS) * terms.subticks_per_tick
        subticks = ask + away if side == BUY else max(bid - away, terms.subticks_per_tick)
        quantums = (1 + int(random() * 1000)) * terms.step_base_quantums
        self._off_chain.level(market, side, subticks, quantums, now_ns)
        return True

    def _rests(self, news: OrderResting) -> None:
        self._off_chain.resting(news)
        if self._mischief.strikes("crossed"):
            market = self.state.markets.get(news.id.clob_pair)
            if market is not None:
                self.haunt(market, news.now_ns)

    def _foreseen(self, news: FundingForeseen) -> None:
        for perpetual, rate in news.rates:
            market = self.state.by_perpetual.get(perpetual)
            if market is not None:
                market.next_funding = rate

    def _ended(self, news: BlockEnded) -> None:
        block, self._block = self._block, []
        self._blocks.take(block, news)
