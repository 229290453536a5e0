"""How the chain liquidates our account: block by block, position by position (margin.md 6).

A liquidation order takes the book up to its fillable price. What it gets above the bankruptcy price pays a fee to the
insurance fund, what it lacks the fund pays. Below zero equity, or where the fund cannot pay, the position is closed
against the market at the bankruptcy price instead.
"""

from __future__ import annotations

from sniper.quantums import notional
from sniper.trading import BUY, SELL
from sniper.venues import account_frames as frames
from sniper.venues.account_frames import Match
from sniper.venues.chance import Chance
from sniper.venues.collateral import OURS
from sniper.venues.floor import Floor
from sniper.venues.ledger import INSURANCE, Holding
from sniper.venues.matching import meetings
from sniper.venues.terms import Terms, quote_of


class Liquidating:
    """Liquidates the account of a floor. paid: what the insurance fund paid for it in this block."""

    def __init__(self, floor: Floor, chance: Chance) -> None:
        self._floor, self._rules = floor, floor.settings.liquidation
        self.chance = chance

    def block(self, height: int, now_ns: int) -> None:
        """One block: positions in an order that nobody can foresee, each at most once, while there is need."""
        floor = self._floor
        markets = list(floor.ledger.holdings)
        spent = paid = 0
        while markets:
            if not floor.collateral.liquidatable():
                return
            market = markets.pop(self.chance.between(0, len(markets) - 1))
            if floor.collateral.totals().net < 0:
                self._deleverage(market, height, now_ns)
                continue
            value, loss, stuck = self._liquidate(market, height, now_ns, spent, paid)
            spent += value
            paid += loss
            if stuck:
                self._deleverage(market, height, now_ns)

    def settle(self, market: int, height: int, now_ns: int) -> None:
        """Close our position in a market that is settled for good, at its oracle price."""
        floor = self._floor
        base, oracle = floor.ledger.base(market), floor.markets.oracle[market]
        value = notional(base, floor.markets.known(market).atomic, oracle.number, oracle.decimals)
        self._close(market, abs(base), abs(value), height, now_ns)

    def _liquidate(
        self, market: int, height: int, now_ns: int, spent: int, paid: int
    ) -> tuple[int, int, bool]:
        """One liquidation order. Returns QQ taken, QQ that the fund paid, and whether the fund could not pay."""
        floor, kernel = self._floor, self._floor.collateral.kernel
        terms = floor.markets.known(market)
        side = SELL if floor.ledger.base(market) > 0 else BUY
        limit = kernel.fillable(OURS, market)
        left = kernel.liquidation_size(OURS, market, spent)
        if spent >= self._rules.account_notional_max:
            left = 0
        plan = floor.reports.plan(now_ns)
        matches: list[Match] = []
        ended: list[Holding] = []
        value = loss = 0
        stuck = False
        levels = floor.depth.levels(market, 1 - side, limit)
        for ticks, steps, maker in meetings(levels, floor.resting(market, 1 - side), side, limit):
            if left <= 0 or not floor.ledger.base(market):
                break
            if maker is not None:
                floor.take_off(maker, frames.SELF_TRADE, height, now_ns, plan)
                continue
            part = min(left, steps * terms.step_quantums)
            quote = quote_of(terms, part, ticks)
            fee = kernel.insurance(OURS, market, part, quote)
            if fee < 0:
                stuck = loss + paid - fee > self._rules.account_loss_max
                stuck = stuck or floor.ledger.usdc[INSURANCE] + fee < 0
            if stuck:
                break
            event = floor.reports.events.next(height)
            ended += floor.book(market, part if side == BUY else -part, quote, fee, INSURANCE, event)
            floor.depth.take(market, 1 - side, ticks, -(-part // terms.step_quantums))
            price = frames.price_text(terms, ticks)
            matches.append(self._match(terms, side, part, quote, fee, price, "LIQUIDATED", event, now_ns))
            left -= part
            value += quote
            loss += max(0, -fee)
        if matches:
            floor.reports.traded(matches, ended, plan)
        return value, loss, stuck

    def _deleverage(self, market: int, height: int, now_ns: int) -> None:
        """Close a whole position against the market at its bankruptcy price, which is never 0 or below."""
        base = self._floor.ledger.base(market)
        received = self._floor.collateral.kernel.bankruptcy(OURS, market, abs(base))
        self._close(market, abs(base), max(1, received if base > 0 else -received), height, now_ns)

    def _close(self, market: int, taken: int, quote: int, height: int, now_ns: int) -> None:
        floor = self._floor
        base = floor.ledger.base(market)
        terms = floor.markets.known(market)
        side = SELL if base > 0 else BUY
        event = floor.reports.events.next(height)
        ended = floor.book(market, -base, quote, 0, INSURANCE, event)
        price = frames.average(terms, quote, taken)
        match = self._match(terms, side, taken, quote, 0, price, "DELEVERAGED", event, now_ns)
        floor.reports.traded([match], ended, floor.reports.plan(now_ns))

    def _match(
        self,
        terms: Terms,
        side: int,
        base: int,
        quote: int,
        fee: int,
        price: str,
        kind: str,
        event: str,
        at_ns: int,
    ) -> Match:
        height = self._floor.reports.events.height
        return Match(terms.market, side, base, quote, fee, price, True, kind, event, "", height, at_ns)
