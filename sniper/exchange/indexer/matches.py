"""The matches of one block: what they do to orders, positions and balances, and how it is told."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from decimal import Decimal
from typing import NamedTuple

from sniper.exchange.facts import BUY, SELL, ChainOrder, Filled, SubaccountChanged, SubaccountId
from sniper.exchange.indexer import fills, orders, positions
from sniper.exchange.indexer.accounts import Holder
from sniper.exchange.indexer.fills import Fill, Trade
from sniper.exchange.indexer.markets import Market
from sniper.exchange.indexer.orders import Row
from sniper.exchange.indexer.positions import Position
from sniper.exchange.indexer.state import State
from sniper.exchange.indexer.telling import Telling
from sniper.exchange.indexer.writing import ZERO, Item, event_id, quotient, scale


class Booked(NamedTuple):
    """One side of a match as booked. touched: positions, each with a copy as it was right after."""

    holder: Holder
    fill: Fill
    order: Item | None
    touched: list[tuple[Position, Position]]


class Matches:
    """Those of one block."""

    def __init__(self, state: State, telling: Telling, height: int, now_ns: int) -> None:
        self._state = state
        self._telling = telling
        self._height, self._now_ns = height, now_ns
        self.trades: dict[int, list[Trade]] = {}
        self._booked: list[Booked] = []
        self._before: dict[tuple[SubaccountId, int], Position | None] = {}
        self._moments: dict[int, Position] = {}  # id() of a position held before the block -> as it was then
        self._contents: list[tuple[SubaccountId, Item]] = []

    def book(self, matched: Sequence[Filled]) -> None:
        """Book the matches, in their order."""
        for each in matched:
            market = self._state.markets[each.clob_pair]
            written = scale(market.terms)
            off_book = bool(each.price)  # a deleveraging, whose price is no tick
            price = (
                quotient(each.quote, each.quantums, market.terms)
                if off_book
                else written.price(each.subticks)
            )
            event = event_id(self._height, each.event)
            maker_side = SELL if each.taker_side == BUY else BUY
            maker_kind = fills.MAKER_KINDS.get(each.kind, each.kind)
            sides = (
                ("TAKER", each.kind, each.taker, each.taker_order, each.taker_side, each.taker_fee, each.taker_filled),
                ("MAKER", maker_kind, each.maker, each.maker_order, maker_side, each.maker_fee, each.maker_filled),
            )  # fmt: skip
            for liquidity, kind, party, order, side, fee, filled in sides:
                row = self._order(order, filled) if order is not None else None
                self._side(each, market, event, price, liquidity, kind, party, row, side, fee)
            trade = Trade(
                event,
                each.taker_side,
                each.quantums,
                price,
                fills.TRADE_KINDS.get(each.kind, each.kind),
                self._height,
                self._now_ns,
            )
            market.trades.append(trade)
            market.traded(each.quote, self._now_ns)
            self.trades.setdefault(each.clob_pair, []).append(trade)

    def _order(self, order: ChainOrder, filled: int) -> Row:
        row = self._state.orders.store(order)
        row.filled = filled
        if filled >= order.quantums:
            row.status, row.reason = orders.FILLED, ""
        else:
            row.status = self._state.orders.cancelled(order.id) or orders.OPEN
        row.updated_height, row.updated_ns = self._height, self._now_ns
        if not row.created_height:
            row.created_height = self._height
        return row

    def _side(
        self,
        each: Filled,
        market: Market,
        event: str,
        price: str,
        liquidity: str,
        kind: str,
        party: SubaccountId,
        row: Row | None,
        side: int,
        fee: int,
    ) -> None:
        terms = market.terms
        holder = self._state.accounts.at(party)
        held = holder.positions.get(terms.perpetual)
        if (party, terms.perpetual) not in self._before:
            self._before[party, terms.perpetual] = held
            if held is not None:
                self._moments[id(held)] = copy(held)
        fill = Fill(
            event,
            liquidity,
            kind,
            each.clob_pair,
            side,
            each.quantums,
            price,
            each.quote,
            fee,
            self._height,
            self._now_ns,
            row.id if row else "",
            orders.TYPES[row.order.condition] if row else "LIMIT",
            row.order.client_metadata if row else 0,
            each.tx_hash,
            held.size if held else 0,
            held.entry(terms) if held else ZERO,
        )
        market.interest -= max(held.size, 0) if held else 0
        touched = positions.fill(
            held,
            terms.perpetual,
            side,
            each.quantums,
            Decimal(price),
            fee,
            event,
            market.index,
            self._height,
            self._now_ns,
            terms,
        )
        for found in touched:
            if found.size:
                holder.positions[terms.perpetual] = found
            elif holder.positions.get(terms.perpetual) is found:
                del holder.positions[terms.perpetual]
                if kind == "LIQUIDATED":
                    found.status = positions.LIQUIDATED
                holder.over.append(found)
        now = holder.positions.get(terms.perpetual)
        market.interest += max(now.size, 0) if now else 0
        holder.fills.append(fill)
        item = None
        if self._telling.heard(party):
            item = orders.filled_item(row, terms) if row else None
            self._booked.append(Booked(holder, fill, item, [(each, copy(each)) for each in touched]))

    def settle(self, news: SubaccountChanged) -> None:
        """A balance and its positions after the block: the chain's word stands above what fills came to."""
        holder = self._state.accounts.at(news.subaccount)
        holder.usdc, holder.updated_height = news.usdc, self._height
        told: list[Position] = []
        for perpetual, quote in news.funding:
            held = self._before.get((news.subaccount, perpetual)) or holder.positions.get(perpetual)
            if held is not None:
                held.funding += quote
        for each in news.holdings:
            market = self._state.by_perpetual[each.perpetual]
            key = (news.subaccount, each.perpetual)
            before = self._before.get(key, holder.positions.get(each.perpetual))
            now = self._match(holder, market, each.quantums)
            if now is not None:
                now.index = each.funding_index
            if before is not None:
                told.append(self._moments.get(id(before), before).as_of(before))
            if now is not None and now is not before:
                told.append(now.emptied())
        named = {each.perpetual for each in news.holdings}
        for perpetual, held in holder.positions.items():
            if perpetual not in named:  # touching a subaccount settles the funding of all that it holds
                held.index = self._state.by_perpetual[perpetual].index
        if self._telling.heard(news.subaccount):
            contents: Item = {}
            if told:
                contents["perpetualPositions"] = [self._position(holder, each) for each in told]
            contents["assetPositions"] = [holder.balance_stream_item()]
            self._contents.append((news.subaccount, contents | {"blockHeight": str(self._height)}))

    def _match(self, holder: Holder, market: Market, quantums: int) -> Position | None:
        """The open position with the size that the chain names, whatever the fills came to; None when closed."""
        terms = market.terms
        held = holder.positions.get(terms.perpetual)
        size = held.size if held else 0
        if size == quantums:
            return held
        market.interest += max(quantums, 0) - max(size, 0)
        side = BUY if quantums > size else SELL
        event = event_id(self._height, 0)
        touched = positions.fill(
            held,
            terms.perpetual,
            side,
            abs(quantums - size),
            market.price,
            0,
            event,
            market.index,
            self._height,
            self._now_ns,
            terms,
        )
        for found in touched:
            if not found.size:
                holder.over.append(found)
        holder.positions.pop(terms.perpetual, None)
        if quantums:
            holder.positions[terms.perpetual] = touched[-1]
            return touched[-1]
        return None

    def _position(self, holder: Holder, held: Position) -> Item:
        market = self._state.by_perpetual[held.perpetual]
        return positions.stream_item(held, holder.subaccount, holder.id, market.terms, market.price)

    def tell(self) -> None:
        """Balances and positions first, then each fill with its order and position; then the trades."""
        for subaccount, contents in self._contents:
            self._telling.subaccount(subaccount, contents)
        for booked in self._booked:
            market = self._state.markets[booked.fill.clob_pair]
            contents = {"fills": [fills.fill_stream_item(booked.fill, booked.holder.id, market.terms)]}
            contents["perpetualPositions"] = [
                self._position(booked.holder, then.as_of(now)) for now, then in booked.touched
            ]
            if booked.order is not None:
                contents["orders"] = [booked.order]
            self._telling.subaccount(booked.holder.subaccount, contents | {"blockHeight": str(self._height)})
        for pair, trades in self.trades.items():
            market = self._state.markets[pair]
            self._telling.trades(market, [fills.trade_stream_item(each, market.terms) for each in trades])
