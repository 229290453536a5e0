"""The trading floor as far as our orders are concerned: they meet the book, rest, are filled and are taken off.

Every fill is settled in the ledger at once, after the chain's acceptance test; its news come with the block that
holds it. `Floor` is told of trades, levels and crossed quotes of the markets in which we have orders.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable

from sniper.paper_settings import PaperSettings
from sniper.trading import BUY, SELL
from sniper.venues import account_frames as frames
from sniper.venues.account_frames import Match
from sniper.venues.admission import Memory
from sniper.venues.collateral import Collateral
from sniper.venues.ledger import ACCOUNT, FEES, Holding, Ledger
from sniper.venues.matching import Depth, beyond, meetings
from sniper.venues.models import FILLS, FeeTier, fee_of, tier_now
from sniper.venues.order import RESTING, Key, PaperOrder
from sniper.venues.queue import joined
from sniper.venues.reports import Plan, Reports
from sniper.venues.terms import Markets, Price, Terms, quote_of, ticks_over

EMPTY: list[PaperOrder] = []
DAY_NS = 86_400_000_000_000
DAYS = 30


class Floor:
    """Our orders, by id and by side of their market. Stateful orders that are not on the book are here too."""

    def __init__(
        self,
        settings: PaperSettings,
        markets: Markets,
        depth: Depth,
        ledger: Ledger,
        collateral: Collateral,
        memory: Memory,
        reports: Reports,
    ) -> None:
        self.settings, self.markets, self.depth = settings, markets, depth
        self.ledger, self.collateral = ledger, collateral
        self.memory, self.reports = memory, reports
        self.orders: dict[Key, PaperOrder] = {}
        self.resting_count = 0
        """How many of them rest on the book."""
        self._sides: dict[tuple[int, int], list[PaperOrder]] = {}
        self._model = FILLS[settings.fill]

    # --- the account ------------------------------------------------------------------------------------------

    def crowded(self, terms: Terms) -> bool:
        """Whether a position in this market would break the rule of isolated markets."""
        others = [market for market in self.ledger.holdings if market != terms.market]
        return bool(others) and (
            terms.isolated or any(self.markets.known(market).isolated for market in others)
        )

    def reducible(self, market: int, side: int) -> int:
        """Steps by which an order of `side` can reduce our position, 0: none."""
        base = self.ledger.base(market)
        against = base if side == SELL else -base
        return max(0, against) // self.markets.known(market).step_quantums

    def book(self, market: int, base: int, quote: int, fee: int, to: str, event: str) -> list[Holding]:
        """Settle funding, exchange `base` BQ (negative: given) for `quote` QQ, pay a fee. Returns positions ended."""
        self.ledger.settle()
        ended = self.ledger.trade(market, base, quote, event)
        self.ledger.pay(ACCOUNT, to, fee)
        self.collateral.keep(self.ledger, market)
        return ended

    # --- fills ------------------------------------------------------------------------------------------------

    def fill(
        self,
        order: PaperOrder,
        ticks: int,
        steps: int,
        *,
        taker: bool,
        height: int,
        at_ns: int,
        kind: str = "LIMIT",
    ) -> tuple[Match | None, list[Holding], str]:
        """One fill of an order, if the account can bear it. Returns it, the positions it ended, or why not."""
        terms = self.markets.known(order.market)
        if self.crowded(terms):
            return None, [], frames.VIOLATES_ISOLATED
        tier = self.tier(at_ns)
        ppm = tier.taker_ppm if taker else tier.maker_ppm
        if kind != "LIMIT":
            ppm = max(0, ppm)  # against a liquidation no rebate is paid
        base = steps * terms.step_quantums
        if not self.collateral.affords(order.market, order.side, base, ticks, ppm):
            return None, [], frames.UNDERCOLLATERALIZED
        quote = quote_of(terms, base, ticks)
        fee = fee_of(quote, ppm)
        event = self.reports.events.next(height)
        ended = self.book(order.market, base if order.side == BUY else -base, quote, fee, FEES, event)
        self.count(at_ns, quote)
        order.filled += steps
        match = Match(
            order.market,
            order.side,
            base,
            quote,
            fee,
            frames.price_text(terms, ticks),
            taker,
            kind,
            event,
            order.order_id,
            self.reports.events.height,
            at_ns,
        )
        return match, ended, ""

    def count(self, at_ns: int, quote: int) -> None:
        """A fill counts towards the volume of 30 days."""
        volume, day = self.ledger.volume, at_ns // DAY_NS
        volume[day] = volume.get(day, 0) + quote
        for old in [old for old in volume if old <= day - DAYS]:
            del volume[old]

    def tier(self, at_ns: int) -> FeeTier:
        """The fees that our volume of 30 days has earned."""
        first = at_ns // DAY_NS - DAYS
        volume = sum(quote for day, quote in self.ledger.volume.items() if day > first)
        return tier_now(self.settings, volume)

    # --- takers -----------------------------------------------------------------------------------------------

    def enter(self, order: PaperOrder, height: int, now_ns: int, plan: Plan) -> str:
        """An order comes to the book: it takes what it can, then rests or goes. Returns why it went at once.

        Only a post-only order that would cross goes without any news: the node refused it.
        """
        cap = self.reducible(order.market, order.side) if order.reduce_only else order.left
        aim = order.filled + min(order.left, cap)
        matches: list[Match] = []
        ended: list[Holding] = []
        reason = ""
        levels = self.depth.levels(order.market, 1 - order.side, order.price)
        for ticks, steps, maker in meetings(
            levels, self.resting(order.market, 1 - order.side), order.side, order.price
        ):
            if order.filled == aim:
                break
            if maker is not None:
                self.take_off(maker, frames.SELF_TRADE, height, now_ns, plan)
                continue
            if order.time_in_force == "post_only":
                return frames.POST_ONLY_WOULD_CROSS
            part = min(aim - order.filled, steps)
            match, gone, reason = self.fill(order, ticks, part, taker=True, height=height, at_ns=now_ns)
            if match is None:
                break
            self.depth.take(order.market, 1 - order.side, ticks, part)
            matches.append(match)
            ended += gone
        if order.left and not reason:
            if order.filled == aim:
                reason = frames.RESIZED
            elif order.time_in_force == "ioc":
                reason = frames.WOULD_REST
        self._place(order, reason, height, now_ns, plan, matches, ended)
        return reason

    def _place(
        self,
        order: PaperOrder,
        reason: str,
        height: int,
        now_ns: int,
        plan: Plan,
        matches: list[Match],
        ended: list[Holding],
    ) -> None:
        """What follows from the walk: news, and the order rests or is gone."""
        if order.short_term:
            self.reports.opened(order, plan)
        if order.left and not reason:
            self.rest(order)
        else:
            self.forget(order)
        if reason and order.short_term:
            self.reports.removed(order, reason, plan)
        if matches:
            status = "OPEN" if order.left else "FILLED"
            if reason:
                status = "BEST_EFFORT_CANCELED" if order.short_term else "CANCELED"
            why = "" if order.short_term else reason
            self.reports.traded(matches, ended, plan, order, status, why)
        elif reason and not order.short_term:
            self.reports.changed(order, "CANCELED", reason, height, now_ns, plan)

    # --- makers -----------------------------------------------------------------------------------------------

    def resting(self, market: int, side: int) -> list[PaperOrder]:
        """Our resting orders of one side, best price first, then by arrival."""
        return self._sides.get((market, side), EMPTY)

    def traded(
        self,
        market: int,
        side: int,
        price: Price,
        steps: int,
        *,
        height: int,
        at_ns: int,
        told_ns: int,
        liquidated: bool,
    ) -> None:
        """The market traded so many steps; side: of the taker. Those of our orders that it reached are filled."""
        kind = "LIQUIDATION" if liquidated else "LIMIT"
        for order in list(self.resting(market, 1 - side)):
            over = ticks_over(self.markets.known(market), order.price, price)
            through = over > 0 if order.side == BUY else over < 0
            if not (through or over == 0):
                break
            if at_ns < order.arrived_ns or (order.short_term and height > order.good_til_block):
                continue
            if through:
                reached = order.queue.beyond(steps) if self._model.at_price else steps
            else:
                reached = order.queue.trade(steps) if self._model.at_price else 0
            part = min(reached, order.left)
            if part and self._hit(order, part, height, at_ns, self.reports.plan_block(told_ns), kind):
                steps -= part

    def level(self, market: int, side: int, ticks: int, steps: int) -> None:
        """The feed told of a level: the queues of our orders there change."""
        for order in self.resting(market, side):
            if order.price == ticks:
                order.queue.level(steps, self.settings.cancel_share_ppm)

    def snapshot(self, market: int) -> None:
        """A new snapshot of a book is there: what it displays at our prices bounds our queues."""
        for side in (BUY, SELL):
            for order in self.resting(market, side):
                shown = self.depth.shown(market, side, order.price)
                if shown >= 0:
                    order.queue.level(shown, 0)

    def crossed(self, market: int, height: int, now_ns: int) -> None:
        """Quotes of the other side beyond our prices would have traded with the queue, then with us."""
        if not self._model.by_quotes or not self.depth.uncrossed(market):
            return
        for side in (BUY, SELL):
            makers = self.resting(market, side)
            best = self.depth.best(market, 1 - side) if makers else 0
            if not best or not beyond(side, best, makers[0].price):
                continue
            for order in list(makers):
                for ticks, steps in self.depth.levels(market, 1 - side, order.price):
                    if order.left == 0 or not beyond(side, ticks, order.price):
                        break
                    before = order.queue.ahead
                    part = min(order.queue.beyond(steps), order.left)
                    used = min(steps, before) + part
                    self.depth.take(market, 1 - side, ticks, used)
                    if part and not self._hit(order, part, height, now_ns, self.reports.plan(now_ns)):
                        break

    def _hit(
        self, order: PaperOrder, steps: int, height: int, at_ns: int, plan: Plan, kind: str = "LIMIT"
    ) -> bool:
        """A resting order of ours is matched. False: the account could not bear it, and the order is gone."""
        match, ended, reason = self.fill(
            order, order.price, steps, taker=False, height=height, at_ns=at_ns, kind=kind
        )
        if match is None:
            self.take_off(order, reason, height, at_ns, plan)
            return False
        if not order.left:
            self.forget(order)
        self.reports.traded([match], ended, plan, order, "OPEN" if order.left else "FILLED")
        return True

    # --- coming and going -------------------------------------------------------------------------------------

    def rest(self, order: PaperOrder) -> None:
        """Put an order on the book, at the end of what is displayed at its price."""
        order.state = RESTING
        order.queue = joined(self.depth.shown(order.market, order.side, order.price))
        self.orders[order.key] = order
        self._insert(order)

    def forget(self, order: PaperOrder) -> None:
        """An order is gone, without news."""
        self.orders.pop(order.key, None)
        side = self._sides.get((order.market, order.side), [])
        if order in side:
            side.remove(order)
            self.resting_count -= 1
        if order.short_term and order.filled:
            self.memory.keep_filled(order)
        elif not order.short_term:
            self.memory.keep_removed(order.key)

    def take_off(self, order: PaperOrder, reason: str, height: int, now_ns: int, plan: Plan) -> None:
        """Remove an order and say why."""
        self.forget(order)
        if order.short_term:
            self.reports.removed(order, reason, plan)
        else:
            self.reports.changed(order, "CANCELED", reason, height, now_ns, plan)

    def restore(self, orders: Iterable[PaperOrder]) -> None:
        """Take over the orders of a saved venue."""
        self.orders = {order.key: order for order in orders}
        self._sides.clear()
        self.resting_count = 0
        for order in self.orders.values():
            if order.state == RESTING:
                self._insert(order)

    def _insert(self, order: PaperOrder) -> None:
        side = self._sides.setdefault((order.market, order.side), [])
        insort(side, order, key=lambda other: other.priority)
        self.resting_count += 1
