"""What the Indexer makes of a block: orders that are final, fills, positions, balances, trades, candles, funding.

The news of a block waits until the block ends. Then a subaccount's balance and positions are told before the fills
that led to them, as the chain emits these events: a position that a block opens is first told with its size and
without an entry price.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final

from sniper.exchange import facts
from sniper.exchange.facts import (
    BlockEnded,
    Filled,
    FundingTicked,
    MarketChanged,
    OraclePriced,
    OrderId,
    StatefulGone,
    StatefulPlaced,
    StatefulTriggered,
    SubaccountChanged,
    Transferred,
)
from sniper.exchange.indexer import fills, orders
from sniper.exchange.indexer.accounts import Profit
from sniper.exchange.indexer.markets import Market, Tick
from sniper.exchange.indexer.matches import Matches
from sniper.exchange.indexer.offchain import OffChain
from sniper.exchange.indexer.orders import Row
from sniper.exchange.indexer.positions import FUNDING_SCALE, Position, unsettled
from sniper.exchange.indexer.state import State
from sniper.exchange.indexer.telling import Telling
from sniper.exchange.indexer.topics import parent_of
from sniper.exchange.indexer.writing import Item, coins, oracle, scale
from sniper.exchange.interfaces import ChainReading
from sniper.feed.sim.text import iso, writer

HOUR_NS: Final = 3_600_000_000_000

Acts = dict[type[Any], Callable[[Any], None]]


class Blocks:
    """Takes in whole blocks."""

    def __init__(self, chain: ChainReading, state: State, telling: Telling, off_chain: OffChain) -> None:
        self._chain = chain
        self._state = state
        self._telling = telling
        self._off_chain = off_chain
        self._height = self._now_ns = 0
        self._next_hour_ns = 0
        self._first: Acts = {OraclePriced: self._priced, MarketChanged: self._listed}
        self._then: Acts = {
            StatefulPlaced: self._placed,
            StatefulTriggered: self._triggered,
            StatefulGone: self._over,
            FundingTicked: self._funded,
        }

    def take(self, news: Sequence[Any], end: BlockEnded) -> None:
        """One block."""
        state = self._state
        self._height, self._now_ns = end
        first_of_hour = self._hour()
        interests = {pair: market.interest_text() for pair, market in state.markets.items()}
        self._each(news, self._first)
        state.height, state.now_ns = end
        matches = Matches(state, self._telling, self._height, self._now_ns)
        matches.book([each for each in news if type(each) is Filled])
        for each in news:
            if type(each) is SubaccountChanged:
                matches.settle(each)
        matches.tell()
        self._transfers([each for each in news if type(each) is Transferred])
        self._each(news, self._then)
        self._candles(matches.trades, interests)
        if first_of_hour:
            self._profits()
        self._telling.height(self._height, iso(self._now_ns))

    def go_on_from(self, other: Blocks) -> None:
        """Be where another one is."""
        self._next_hour_ns = other._next_hour_ns

    def _each(self, news: Sequence[Any], acts: Acts) -> None:
        for each in news:
            act = acts.get(type(each))
            if act is not None:
                act(each)

    def _hour(self) -> bool:
        before, self._next_hour_ns = self._next_hour_ns, (self._now_ns // HOUR_NS + 1) * HOUR_NS
        return bool(before) and self._now_ns >= before

    def _priced(self, news: OraclePriced) -> None:
        items: Item = {}
        for number, price, exponent in news.prices:
            for market in self._state.by_oracle.get(number, ()):
                market.priced(price, exponent, self._now_ns)
                items[market.ticker] = market.oracle_item(self._height, self._now_ns)
        if items:
            self._telling.markets({"oraclePrices": items})

    def _listed(self, news: MarketChanged) -> None:
        market = self._state.list_market(self._chain, news.clob_pair)
        self._telling.markets({"trading": {market.ticker: market.listed_item()}})

    def _touch(self, row: Row) -> None:
        row.updated_height, row.updated_ns = self._height, self._now_ns
        if not row.created_height:
            row.created_height = self._height

    def _placed(self, news: StatefulPlaced) -> None:
        table = self._state.orders
        waits = news.order.condition != facts.NO_CONDITION
        row = table.store(news.order)
        row.filled, row.reason, row.created_height = 0, "", 0
        row.status = orders.UNTRIGGERED if waits else orders.OPEN
        self._touch(row)
        self._tell(row)
        if not waits:
            table.opened(news.order)
            self._off_chain.placed(row)

    def _triggered(self, news: StatefulTriggered) -> None:
        row = self._state.orders.get(news.id)
        if row is None:
            return
        row.status = orders.OPEN
        self._touch(row)
        self._tell(row)
        self._state.orders.opened(row.order)
        self._off_chain.placed(row)

    def _over(self, news: StatefulGone) -> None:
        row = self._state.orders.get(news.id)
        if row is None:
            return
        if row.filled < row.order.quantums:
            row.status = orders.CANCELLED
            row.reason = f"ORDER_REMOVAL_REASON_{orders.REASONS[news.reason]}"
            self._touch(row)
            if news.reason != orders.FULLY_FILLED:
                self._tell(row)
        self._off_chain.removed(row, self._now_ns)

    def _tell(self, row: Row) -> None:
        order: OrderId = row.order.id
        if self._telling.heard(order.subaccount):
            item = orders.placed_item(row, self._state.markets[order.clob_pair].terms)
            contents = {"orders": [item], "blockHeight": str(self._height)}
            self._telling.subaccount(order.subaccount, contents)

    def _transfers(self, news: Sequence[Transferred]) -> None:
        height = str(self._height)
        for index, each in enumerate(news):
            row = fills.moved(
                self._height, index, each.sender, each.recipient, each.quote, each.tx_hash, self._now_ns
            )
            family = each.sender.number >= 0 and each.recipient.number >= 0 and _related(row)
            for party, sent in ((each.sender, True), (each.recipient, False)):
                if party.number < 0:
                    continue
                holder = self._state.accounts.at(party)
                holder.transfers.append(row)
                holder.net_transfers += -row.quote if sent else row.quote
                if self._telling.heard(party):
                    item = {"transfers": fills.transfer_stream_item(row, sent), "blockHeight": height}
                    self._telling.subaccount(party, item, {"blockHeight": height} if family else None)

    def _funded(self, news: FundingTicked) -> None:
        moved: dict[int, tuple[Market, int, str, Decimal]] = {}
        for perpetual, rate, index, price, exponent in news.ticks:
            market = self._state.by_perpetual.get(perpetual)
            if market is None:
                continue
            tick = Tick(fills.hourly(rate), oracle(price, exponent), self._height, self._now_ns)
            moved[perpetual] = (market, market.index, tick.rate, tick.price)
            market.ticks.append(tick)
            market.index = index
        for holder in self._state.accounts.every():
            for perpetual, held in holder.positions.items():
                if perpetual in moved:
                    holder.payments.append(self._payment(held, *moved[perpetual]))

    def _payment(
        self, held: Position, market: Market, before: int, rate: str, price: Decimal
    ) -> fills.Payment:
        terms = market.terms
        return fills.Payment(
            held.perpetual,
            terms.ticker,
            price,
            held.size,
            rate,
            unsettled(held.size, before, market.index, terms),
            Decimal(market.index).scaleb(FUNDING_SCALE - terms.atomic_resolution),
            self._height,
            self._now_ns,
        )

    def _candles(self, traded: dict[int, list[fills.Trade]], interests: dict[int, str]) -> None:
        for pair, market in self._state.markets.items():
            trades = traded.get(pair, [])
            if not trades and not market.candles.due(self._now_ns):
                continue
            found = [(Decimal(trade.price), coins(trade.quantums, market.terms)) for trade in trades]
            mid = market.levels.mid(writer(scale(market.terms).price_decimals + 1))
            for candle in market.candles.block(self._now_ns, found, interests.get(pair, "0"), mid):
                if self._telling.candles_heard(market, candle.resolution):
                    self._telling.candle(market, candle.resolution, candle.item(market.ticker))

    def _profits(self) -> None:
        for holder in self._state.accounts.every():
            equity, _ = holder.equity(self._state.by_perpetual)
            holder.profits.append(Profit(equity, holder.net_transfers, self._height, self._now_ns))


def _related(row: fills.Moved) -> bool:
    """Do both ends of a transfer belong to one parent?"""
    same = row.sender.owner == row.recipient.owner
    return same and parent_of(row.sender.number) == parent_of(row.recipient.number)
