"""What the Indexer makes of its node's news between blocks: best-effort statuses of orders, and the order books."""

from __future__ import annotations

from sniper.exchange.facts import FILL_OR_KILL, IOC, SHORT_TERM, OrderGone, OrderId, OrderOpened, OrderResting
from sniper.exchange.indexer import orders
from sniper.exchange.indexer.markets import Market
from sniper.exchange.indexer.orders import Row
from sniper.exchange.indexer.state import State
from sniper.exchange.indexer.telling import Telling
from sniper.exchange.indexer.writing import Item

EARLY_MAX = 4_096


class OffChain:
    """Orders that come, rest and go."""

    def __init__(self, state: State, telling: Telling) -> None:
        self._state = state
        self._telling = telling
        self._early: dict[
            OrderId, int
        ] = {}  # stateful orders that rest before the block of their placement came

    def opened(self, news: OrderOpened) -> None:
        """The node took an order in."""
        market = self._state.markets.get(news.order.id.clob_pair)
        if market is None:
            return
        held = self._state.orders.get(news.order.id)
        if held is not None and held.rests:
            self._unrest(held, market, news.now_ns)
        row = self._state.orders.opened(news.order)
        row.cached = row.filled
        if self._telling.heard(news.order.id.subaccount):
            self._tell(row, orders.opened_item(row, market.terms))

    def resting(self, news: OrderResting) -> None:
        """An order rests, or what is filled of it has changed while it does."""
        row = self._state.orders.get(news.id)
        if row is None or not row.live:
            if news.id.flags != SHORT_TERM:
                self._early[news.id] = news.filled_quantums
                if len(self._early) > EARLY_MAX:
                    del self._early[next(iter(self._early))]
            return
        row.cached = news.filled_quantums
        if row.order.time_in_force in (IOC, FILL_OR_KILL):
            return
        remaining = max(row.order.quantums - news.filled_quantums, 0)
        delta, row.rests, row.resting = remaining - row.resting, True, remaining
        if delta:
            market = self._state.markets[news.id.clob_pair]
            self.level(market, row.order.side, row.order.subticks, delta, news.now_ns)

    def gone(self, news: OrderGone) -> None:
        """The node let go of an order, or says so (`left_book`): the Indexer believes it either way."""
        row = self._state.orders.get(news.id)
        if row is None or not row.live:
            return
        market = self._state.markets[news.id.clob_pair]
        status = orders.CANCELLED if news.final else orders.BEST_EFFORT_CANCELLED
        remaining = row.order.quantums - row.filled
        if remaining > 0 and row.stored:
            row.status = status
            row.reason = f"ORDER_REMOVAL_REASON_{orders.REASONS[news.reason]}"
        silent = news.reason == orders.FULLY_FILLED or (
            news.reason == orders.USER_CANCELLED and remaining <= 0
        )
        if not silent and self._telling.heard(news.id.subaccount):
            filled = max(news.filled_quantums, row.cached)
            self._tell(row, orders.removed_item(row, market.terms, status, news.reason, filled))
        if row.rests:
            self._unrest(row, market, news.now_ns)
        self._state.orders.closed(row, status)

    def placed(self, row: Row) -> None:
        """A block took a stateful order in: it may rest already."""
        filled = self._early.pop(row.order.id, None)
        if filled is not None:
            self.resting(OrderResting(row.order.id, filled, self._state.now_ns))

    def removed(self, row: Row, now_ns: int) -> None:
        """A block ended a stateful order: off its level."""
        self._early.pop(row.order.id, None)
        if row.rests:
            self._unrest(row, self._state.markets[row.order.id.clob_pair], now_ns)
        self._state.orders.closed(row)

    def go_on_from(self, other: OffChain) -> None:
        """Be where another one is."""
        self._early = dict(other._early)

    def level(self, market: Market, side: int, subticks: int, delta: int, now_ns: int) -> None:
        """Raise or lower a level, and tell its new total."""
        total = market.levels.change(side, subticks, delta, now_ns // 1_000_000_000)
        if total >= 0:
            self._telling.level(market, side, subticks, total)

    def _unrest(self, row: Row, market: Market, now_ns: int) -> None:
        if row.resting:
            self.level(market, row.order.side, row.order.subticks, -row.resting, now_ns)
        row.rests, row.resting = False, 0

    def _tell(self, row: Row, item: Item) -> None:
        contents = {"orders": [item], "blockHeight": str(self._state.height)}
        self._telling.subaccount(row.order.id.subaccount, contents)
