"""The account as it would be: positions, open orders taken as filled, and what was approved in this tick.

Of the buys and the sells of one market the side counts that leaves the larger position; the markets add up. Whole
numbers by the chain's own rules; the totals of what is held come from the margin kernel, and only what would
change is computed here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from sniper.order_record import Claim
from sniper.risk_margin import BEYOND, NO_FILLS, Commitment, Fills, Margin, Shock, Terms, Totals, share_up
from sniper.risk_settings import RiskSettings
from sniper.risk_units import MILLION, Unit, unit_of
from sniper.trading import Intent
from sniper.viewing import MarketFacts, View

ROOT_OF_60: Final = 7.745966692414834
"""Sigma of an hour in sigmas of a minute."""


NOBODY: Final = Commitment()
"""No order at all; never changed."""


class Outlook:
    """One tick's judgement of orders stands on this. Build it anew for every check.

    claims: what is left of all open orders. It grows by `commit` with each order that is approved.
    """

    def __init__(
        self,
        view: View,
        decoder: Any,
        margin: Margin,
        claims: Sequence[Claim],
        shocks: Sequence[Shock],
        settings: RiskSettings,
    ) -> None:
        self.view, self.margin, self.claims = view, margin, claims
        self.settings, self.gates = settings, settings.gates
        self.account = view.account
        self._decoder, self._shocks = decoder, shocks
        self._units: dict[int, Unit | None] = {}
        self._facts: dict[int, MarketFacts] = {}
        self._terms: dict[int, Terms | None] = {}
        self._commitments: dict[int, Commitment] = {}
        self._stressed: list[Totals | None] | None = None
        self._memo: dict[tuple[Any, ...], Any] = {}  # what holds until the next order is approved
        for claim in claims:
            if not claim.reduce_only and claim.steps:
                self.commitment(claim.market).add(claim.side, claim.steps, claim.price_ticks)

    # ---- one market ---------------------------------------------------------------------------------------------

    def facts(self, market: int) -> MarketFacts:
        """The market now."""
        found = self._facts.get(market)
        if found is None:
            found = self._facts[market] = self.view.market(market)
        return found

    def unit(self, market: int) -> Unit | None:
        """Exact worth of its ticks and steps, None while not known."""
        if market not in self._units:
            self._units[market] = unit_of(self._decoder, market)
        return self._units[market]

    def terms(self, market: int) -> Terms | None:
        """Margin terms, None where they are not computable."""
        if market not in self._terms:
            initial, base, fraction, _, trouble = self.margin.terms_of(market)
            self._terms[market] = None if trouble else Terms(initial, base, fraction)
        return self._terms[market]

    def held(self, market: int) -> int:
        """The position in BQ, signed."""
        position = self.view.positions.get(market)
        return position.size_quantums if position else 0

    def held_steps(self, market: int) -> int:
        """The position in whole steps, signed."""
        unit, size = self.unit(market), self.held(market)
        if unit is None:
            return 0
        return size // unit.step_quantums if size >= 0 else -(-size // unit.step_quantums)

    def commitment(self, market: int) -> Commitment:
        """What open and approved orders may still do here."""
        found = self._commitments.get(market)
        if found is None:
            found = self._commitments[market] = Commitment()
        return found

    def sigma_hour(self, market: int) -> float:
        """Volatility of an hour as a fraction, the configured one while the market's own is not known."""
        sigma = self.facts(market).sigma * ROOT_OF_60
        return sigma if sigma > 0.0 else self.settings.ladder.sigma_unknown_ppm / MILLION

    def fee_ppm(self, time_in_force: str) -> int:
        """Fee that a fill may cost."""
        return self.gates.maker_fee_ppm if time_in_force == "post_only" else self.gates.taker_fee_ppm

    def commit(self, intent: Intent, steps: int) -> None:
        """An order was approved."""
        self._memo.clear()
        commitment = self.commitment(intent.market)
        if intent.purpose in ("exit", "reduce", "flatten"):
            commitment.leaving += steps
        if not intent.reduce_only:
            commitment.add(intent.side, steps, intent.price_ticks)

    def without(self, claim: Claim) -> Outlook:
        """The same without one open order: the one that an intent would replace."""
        other = Outlook(self.view, self._decoder, self.margin, (), self._shocks, self.settings)
        other.claims, other._stressed = self.claims, self._stressed
        other._units, other._facts, other._terms = self._units, self._facts, self._terms
        other._commitments = {market: one.copy() for market, one in self._commitments.items()}
        other.commitment(claim.market).add(claim.side, -claim.steps, BEYOND if claim.side else 0)
        return other

    # ---- exposure -----------------------------------------------------------------------------------------------

    def exposed(self, market: int, side: int = 0, steps: int = 0) -> tuple[int, int, int]:
        """(longest, shortest, largest) position in steps that this market may come to with so many steps more."""
        held, commitment = self.held_steps(market), self._commitments.get(market, NOBODY)
        longest = max(0, held + commitment.buys + (0 if side else steps))
        shortest = max(0, commitment.sells + (steps if side else 0) - held)
        return longest, shortest, max(longest, shortest)

    def exposures(self, skip: int) -> tuple[int, int, int]:
        """Worth in QQ of all longs, all shorts, and the larger of both in every market, of all markets but one."""
        found: tuple[int, int, int] | None = self._memo.get(("exposures", skip))
        if found is not None:
            return found
        longs = shorts = total = 0
        for market in self.markets(skip):
            unit = self.unit(market)
            if market != skip and unit is not None:
                longest, shortest, largest = self.exposed(market)
                longs += unit.worth(longest)
                shorts += unit.worth(shortest)
                total += unit.worth(largest)
        found = self._memo["exposures", skip] = longs, shorts, total
        return found

    def markets(self, also: int) -> list[int]:
        """Markets with a position or an order, and this one."""
        return sorted({also, *self.view.positions, *self._commitments})

    def changing(self, also: int) -> list[int]:
        """Markets with an order, and this one."""
        return sorted({also, *self._commitments})

    # ---- margin -------------------------------------------------------------------------------------------------

    def outcomes(self, market: int, order: Fills = NO_FILLS) -> list[tuple[int, int]]:
        """(size in BQ, cash in QQ) of a market if nothing fills, all buys, all sells, both; with `order` among them.

        What lies between is no worse than the worst of these: margin is convex in the size. Both may be the worst of
        all, for both may fill at a loss.
        """
        unit, held = self.unit(market), self.held(market)
        found = [(held, 0)]
        if unit is None:
            return found
        commitment = self._commitments.get(market, NOBODY)
        buys, high = commitment.buys, commitment.buy_ticks
        sells, low = commitment.sells, commitment.sell_ticks
        fee_ppm = self.gates.taker_fee_ppm if buys or sells else order.fee_ppm
        if order.steps and order.side:
            sells, low = sells + order.steps, min(low, order.ticks)
        elif order.steps:
            buys, high = buys + order.steps, max(high, order.ticks)
        if buys:
            quote = unit.quote_up(buys, high)
            found.append((held + buys * unit.step_quantums, -quote - share_up(quote, fee_ppm)))
        if sells:
            quote = unit.quote(sells, low)
            found.append((held - sells * unit.step_quantums, quote - share_up(quote, fee_ppm)))
        if buys and sells:
            (bought, paid), (sold, got) = found[1:]
            found.append((bought + sold - held, paid + got))
        return found

    def changes(self, market: int, order: Fills = NO_FILLS, move_ppm: int = 0) -> list[Totals] | None:
        """By what each outcome changes the account, prices moved. None where that cannot be computed."""
        outcomes = self.outcomes(market, order)
        if len(outcomes) == 1:
            return [Totals(0, 0, 0)]
        unit, terms, held = self.unit(market), self.terms(market), self.held(market)
        if unit is None or terms is None:
            return None
        before = unit.notional(held, move_ppm)
        initial, maintenance = terms.required(abs(before))
        found = []
        for size, cash in outcomes:
            now = unit.notional(size, move_ppm)
            im, mm = terms.required(abs(now))
            found.append(Totals(cash + now - before, im - initial, mm - maintenance))
        return found

    def margin_slack(self, order: Fills) -> int:
        """Net collateral above initial margin and reserve, QQ, after the worst of all fills; negative: too little."""
        return self._once("margin", order, self._margin_slack)

    def stress_slack(self, order: Fills) -> int:
        """What the worst fills and the worst stress leave above maintenance margin over the greatest danger allowed."""
        return self._once("stress", order, self._stress_slack)

    def distance_slack(self, order: Fills) -> int:
        """What is left above maintenance margin when the price of any one position has moved by the least distance."""
        return self._once("distance", order, self._distance_slack)

    def _once(self, name: str, order: Fills, slack: Callable[[Fills], int]) -> int:
        """Sizing and gates ask the same: one computation serves both."""
        found: int | None = self._memo.get((name, order))
        if found is None:
            found = self._memo[name, order] = slack(order)
        return found

    def _margin_slack(self, order: Fills) -> int:
        keep = MILLION - self.gates.margin_reserve_ppm
        slack = self.account.net * keep - self.account.initial * MILLION
        for market in self.changing(order.market):
            changes = self.changes(market, order if market == order.market else NO_FILLS)
            if changes is None:
                return -BEYOND
            slack += min([change.net * keep - change.initial * MILLION for change in changes])
        return slack // MILLION

    def _stress_slack(self, order: Fills) -> int:
        danger, least = self.gates.stress_danger_ppm_max, BEYOND
        if self._stressed is None:
            account = self.settings.account
            self._stressed = [shock.totals(account) for shock in self._shocks]
        markets = self.changing(order.market)
        for shock, base in zip(self._shocks, self._stressed, strict=True):
            if base is None:
                return -BEYOND
            slack = base.net * danger - base.maintenance * MILLION
            for market in markets:
                fills = order if market == order.market else NO_FILLS
                changes = self.changes(market, fills, int(shock.moves[market]))
                if changes is None:
                    return -BEYOND
                slack += min([change.net * danger - change.maintenance * MILLION for change in changes])
            least = min(least, slack // danger)
        return least

    def _distance_slack(self, order: Fills) -> int:
        spare, furthest = self.account.net - self.account.maintenance, 0
        for market in self.markets(order.market):
            own = market == order.market
            found = self._spent(market, order) if own else self._memo.get(("spent", market), False)
            if found is False:
                found = self._memo["spent", market] = self._spent(market, NO_FILLS)
            if found is None:
                return -BEYOND
            spare += found[0]
            furthest = max(furthest, found[1])
        return spare - furthest

    def _spent(self, market: int, order: Fills) -> tuple[int, int] | None:
        """(change of the spare collateral, fall over the least distance) of one market, each at its worst."""
        changes, unit, terms = self.changes(market, order), self.unit(market), self.terms(market)
        if changes is None or unit is None or terms is None:
            return None
        furthest = 0
        move_ppm = int(self.settings.sizing.distance_sigmas_min * self.sigma_hour(market) * MILLION) + 1
        for size, _ in self.outcomes(market, order):
            notional = abs(unit.notional(size))
            maintenance = terms.required(notional)[1]
            fall = notional - maintenance if size > 0 else notional + maintenance
            furthest = max(furthest, share_up(fall, move_ppm))
        return min([change.net - change.maintenance for change in changes]), furthest
