"""What a block does to the account: stateful orders come and go, triggers, expiry, funding, liquidation.

The paper venue hears of a block when the feed does. What the chain's nodes do right after it (placing stateful and
triggered orders, liquidating) meets the book as it is then, and belongs to the next block.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from sniper.funding import MISSED_MAX
from sniper.funding_rules import HOUR_NS, index_change, rate_ppm
from sniper.paper_settings import PPM
from sniper.trading import BUY
from sniper.venues import account_frames as frames
from sniper.venues.floor import Floor
from sniper.venues.liquidating import Liquidating
from sniper.venues.models import FILLS, slots
from sniper.venues.order import RESTING, UNTRIGGERED, WAITING, Key, PaperOrder
from sniper.venues.terms import Price, compared, whole_ticks

SECOND_NS = 1_000_000_000
CLAMP = 5
"""Traded prices count for triggers within so many times the least change of the oracle price (orders.md 3)."""


class Block(NamedTuple):
    """A block that the feed told of. rates: nextFundingRate by market as it was before it."""

    height: int
    time_ns: int
    rates: Mapping[int, Price]


class BlockState(msgspec.Struct):
    """hour_ns: when funding is next due, 0 while nothing is held. low, high, first: prices traded since a block."""

    hour_ns: int = 0
    cancelling: dict[Key, None] = {}
    low: dict[int, Price] = {}
    high: dict[int, Price] = {}
    first: dict[int, Price] = {}


class Blocks:
    """Carries out blocks on a floor."""

    def __init__(self, floor: Floor, liquidating: Liquidating) -> None:
        self._floor, self._liquidating = floor, liquidating
        self.state = BlockState()
        self._in_bars = FILLS[floor.settings.fill].in_bars

    def traded(self, market: int, first: Price, lowest: Price, highest: Price) -> None:
        """Trades that count for triggers: the first of them, and their extremes."""
        state = self.state
        low, high = state.low.get(market), state.high.get(market)
        if low is None or high is None:
            state.low[market], state.high[market], state.first[market] = lowest, highest, first
            return
        if compared(lowest, low) < 0:
            state.low[market] = lowest
        if compared(highest, high) > 0:
            state.high[market] = highest

    def forget_traded(self) -> None:
        """A block went by: what counts for triggers begins anew."""
        state = self.state
        if state.first:
            state.low.clear()
            state.high.clear()
            state.first.clear()

    def funding_due(self, time_ns: int) -> bool:
        """Whether a block of this time is the first at or after an hour while something is held."""
        return bool(self._floor.ledger.holdings) and 0 < self.state.hour_ns <= time_ns

    def watch_hours(self, block_ns: int) -> None:
        """Begin to wait for the next hour when something is held, and end it when nothing is."""
        if not self._floor.ledger.holdings:
            self.state.hour_ns = 0
        elif not self.state.hour_ns and block_ns:
            self.state.hour_ns = block_ns - block_ns % HOUR_NS + HOUR_NS

    def block(self, block: Block, now_ns: int) -> None:
        """One block, told of now."""
        floor, height = self._floor, block.height
        floor.memory.reach(height)
        states = {order.state for order in floor.orders.values()}
        entering = self._include(block, now_ns) if WAITING in states else []
        self._cancel_and_expire(block, now_ns)
        if self.funding_due(block.time_ns):
            self._fund(block)
        self.watch_hours(block.time_ns)
        self._settle_markets(height, now_ns)
        triggered = self._trigger(block, now_ns) if WAITING in states or UNTRIGGERED in states else []
        met = {order.key: self._met(order) for order in triggered} if self._in_bars else {}
        entering += triggered
        self.forget_traded()
        for order in [order for order in floor.orders.values() if order.short_term]:
            if order.good_til_block <= height:
                floor.take_off(order, frames.EXPIRED, height, now_ns, floor.reports.plan(now_ns))
        for order in entering:
            if order.key in floor.orders:
                floor.depth.instead = (order.market, met[order.key]) if order.key in met else None
                self._enter(order, height + 1, now_ns)
                floor.depth.instead = None
        for order in floor.orders.values():
            order.queue.block()
        self._liquidating.block(height + 1, now_ns)

    def _include(self, block: Block, now_ns: int) -> list[PaperOrder]:
        """Stateful orders that waited are in the block now. Returns those that come to the book."""
        floor = self._floor
        waiting = [order for order in floor.orders.values() if order.state == WAITING]
        room = slots(floor.settings, floor.collateral.totals().net)
        taken = sum(not order.short_term and order.state != WAITING for order in floor.orders.values())
        entering = []
        for order in sorted(waiting, key=lambda order: order.seq):
            order.placed_height = block.height
            plan = floor.reports.plan_block(now_ns)
            if taken >= room:
                floor.take_off(order, frames.EQUITY_TIER, block.height, block.time_ns, plan)
                continue
            taken += 1
            if order.kind == "conditional":
                order.state = UNTRIGGERED
            else:
                order.state = RESTING
                entering.append(order)
            status = "UNTRIGGERED" if order.state == UNTRIGGERED else "OPEN"
            floor.reports.changed(order, status, "", block.height, block.time_ns, plan)
        return entering

    def _cancel_and_expire(self, block: Block, now_ns: int) -> None:
        floor = self._floor
        for order in [order for order in floor.orders.values() if not order.short_term]:
            reason = ""
            if self.state.cancelling and order.key in self.state.cancelling:
                reason = frames.USER_CANCELED
            elif order.good_til_s * SECOND_NS <= block.time_ns:
                reason = frames.EXPIRED
            if reason:
                plan = floor.reports.plan_block(now_ns)
                floor.take_off(order, reason, block.height, block.time_ns, plan)
        self.state.cancelling.clear()

    def _fund(self, block: Block) -> None:
        """Move the index of every market we hold, once for each hour that has come."""
        floor = self._floor
        hours = (block.time_ns - self.state.hour_ns) // HOUR_NS + 1
        charged = min(hours, MISSED_MAX + 1)
        for market in floor.ledger.holdings:
            rate, oracle = block.rates.get(market, Price(0, 0)), floor.markets.oracle[market]
            ppm = rate_ppm(rate.number, rate.decimals)
            atomic = floor.markets.known(market).atomic
            floor.ledger.accrue(market, charged * index_change(ppm, oracle.number, oracle.decimals, atomic))
        self.state.hour_ns += hours * HOUR_NS
        floor.collateral.keep(floor.ledger)

    def _settle_markets(self, height: int, now_ns: int) -> None:
        """Markets in final settlement: no orders, no positions."""
        floor = self._floor
        if not self.finally_settled():
            return
        for order in list(floor.orders.values()):
            if self._final(order.market):
                plan = floor.reports.plan_block(now_ns)
                floor.take_off(order, frames.FINAL_SETTLEMENT, height, now_ns, plan)
        for market in list(floor.ledger.holdings):
            if self._final(market):
                self._liquidating.settle(market, height, now_ns)

    def finally_settled(self) -> bool:
        """Whether a market in which we have orders or positions is in final settlement."""
        business = [order.market for order in self._floor.orders.values()]
        business += self._floor.ledger.holdings
        return any(self._final(market) for market in dict.fromkeys(business))

    def _final(self, market: int) -> bool:
        return self._floor.markets.known(market).status == "FINAL_SETTLEMENT"

    def _trigger(self, block: Block, now_ns: int) -> list[PaperOrder]:
        """Conditional orders whose price has come."""
        floor = self._floor
        untriggered = [order for order in floor.orders.values() if order.state == UNTRIGGERED]
        entering = []
        if len(untriggered) > 1:  # in a bar nobody knows which came first: the stop did
            untriggered.sort(key=lambda one: (self._in_bars and one.trigger != "stop_loss", one.seq))
        for order in untriggered:
            if self._triggered(order):
                order.state = RESTING
                entering.append(order)
                plan = floor.reports.plan_block(now_ns)
                floor.reports.changed(order, "OPEN", "", block.height, block.time_ns, plan)
        return entering

    def _triggered(self, order: PaperOrder) -> bool:
        """Whether the oracle price or a traded price, held near it, has reached the trigger."""
        markets, market = self._floor.markets, order.market
        terms, oracle = markets.known(market), markets.oracle[market]
        rising = order.rising
        seen = [oracle] if oracle.number > 0 else []
        extreme = (self.state.high if rising else self.state.low).get(market)
        if extreme is not None and self._in_bars:
            seen.append(extreme)  # the extreme of a bar stands for where the oracle price was, too
        elif extreme is not None and seen:
            width = CLAMP * self._floor.settings.min_price_change_ppm
            top = Price(oracle.number * (PPM + width), oracle.decimals + 6)
            bottom = Price(oracle.number * (PPM - width), oracle.decimals + 6)
            if compared(extreme, top) > 0:
                extreme = top
            elif compared(extreme, bottom) < 0:
                extreme = bottom
            seen.append(extreme)
        trigger = Price(order.trigger_ticks * terms.tick, terms.tick_decimals)
        signs = [compared(trigger, price) for price in seen]
        if self._in_bars and order.trigger != "stop_loss":
            return any(sign < 0 if rising else sign > 0 for sign in signs)
        return any(sign <= 0 if rising else sign >= 0 for sign in signs)

    def _met(self, order: PaperOrder) -> int:
        """At what price an order finds the other side that was triggered inside a bar, in ticks.

        At its trigger; a stop that the bar's open lay beyond, at the open. Half the book's width goes against it.
        """
        floor, market, ticks = self._floor, order.market, order.trigger_ticks
        half = max(0, floor.depth.best(market, 1) - floor.depth.best(market, 0) + 1) // 2
        first = self.state.first.get(market)
        down, up = (0, 0) if first is None else whole_ticks(floor.markets.known(market), first)
        if order.side == BUY:
            return max(ticks, up if order.trigger == "stop_loss" else 0) + half
        return max(
            1, (min(ticks, down) if first is not None and order.trigger == "stop_loss" else ticks) - half
        )

    def _enter(self, order: PaperOrder, height: int, now_ns: int) -> None:
        floor = self._floor
        plan = floor.reports.plan(now_ns)
        order.arrived_ns = now_ns
        if floor.enter(order, height, now_ns, plan) == frames.POST_ONLY_WOULD_CROSS:
            floor.take_off(order, frames.POST_ONLY_WOULD_CROSS, height, now_ns, plan)
