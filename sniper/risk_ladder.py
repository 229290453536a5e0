"""What is done on each rung: cancel entries, reduce the worst contributor, flatten.

The worst contributor is the position that frees most for what its exit costs: maintenance margin, and the loss that
it would bring over the distance that is wanted, against the price of walking the book and the fee. As much of it is
closed as brings the account back below the rung with all positions falling at once, then of the next. What is on its
way counts as done until it is over and seen, or for `retry_ns`.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sniper.order_record import Claim
from sniper.risk_candidate import FORCED
from sniper.risk_margin import BEYOND, Margin, share_up
from sniper.risk_operator import FLOORS
from sniper.risk_rungs import CANCEL, FLATTEN, REDUCE, RUNG_NAMES, Assessment, Part
from sniper.risk_settings import MILLION, RiskSettings
from sniper.risk_units import Unit, unit_of
from sniper.trading import BUY, SELL, Intent, Reason, Withdraw
from sniper.viewing import MarketFacts, View

LIVE: Final = ("live", "crossed")
FOLLOWING: Final = 6
"""Reductions that follow one another within the retry time."""
COPIES: Final = 3
"""How often each exit is sent at once where the chain may refuse one until another has filled: of all of a position,
reduce-only, so that those that come too many do nothing."""
STANDING: Final = ("sent", "acked", "replacing", "unknown")
"""States of orders that a cancel may still help against."""
Fill = Callable[[int, int, int], tuple[int, int, int]]
"""`Books.fill`: (market, side of the book, steps) -> (worst tick, steps filled, sum of ticks x steps)."""


class Exit(NamedTuple):
    """A position as a candidate for reduction. Amounts in QQ for closing all of it."""

    part: Part
    unit: Unit
    facts: MarketFacts
    steps: int
    live: bool
    cost: int
    """What closing loses against the assumed price, fee included; at least 1."""
    freed: int
    """Maintenance margin, and the loss over the distance that is wanted."""
    fall: int
    """That loss alone, with the maintenance margin that goes or comes with the price."""
    loss: int = 0
    """The cost as it is: negative where the book is better than the assumed price."""


class Sent(NamedTuple):
    """A reduction on its way."""

    ns: int
    steps: int
    level: int
    tries: int


class Ladder:
    """Makes intents and withdrawals of a rung. decoder: for exact units. fill: walks the books. margin: for what the
    chain accepts."""

    def __init__(self, settings: RiskSettings, decoder: Any, fill: Fill, margin: Margin) -> None:
        self.settings, self._ladder = settings, settings.ladder
        self._decoder, self._fill, self._margin = decoder, fill, margin
        self.sent: dict[int, Sent] = {}
        """Market -> its last reduction."""
        self.asked: dict[int, int] = {}
        """Client id -> when its withdrawal was last asked for."""

    def act(
        self, view: View, assessment: Assessment, rung: int, ordered: str, claims: Sequence[Claim]
    ) -> list[Intent | Withdraw]:
        """What the rung, or what the operator ordered, asks for now."""
        level = max(rung, FLOORS[ordered])
        wanted: list[Intent | Withdraw] = []
        if level >= CANCEL:
            wanted += self._withdraw(view.now_ns, level, claims, "entry")
        if level >= REDUCE and assessment.parts:
            wanted += self._withdraw(view.now_ns, level, claims, "exit")
            wanted += self._reduce(view, assessment, rung, ordered, claims)
        return wanted

    def _withdraw(self, now_ns: int, level: int, claims: Iterable[Claim], purpose: str) -> list[Withdraw]:
        """Cancels for what rests: each again after the retry time. IOC orders end by themselves."""
        open_ids = {claim.client_id for claim in claims}
        self.asked = {client: ns for client, ns in self.asked.items() if client in open_ids}
        found = []
        for claim in claims:
            asked_ns = self.asked.get(claim.client_id, -BEYOND)
            stands = claim.state in STANDING and claim.purpose == purpose and not claim.reduce_only
            if stands and now_ns - asked_ns >= self._ladder.retry_ns:
                self.asked[claim.client_id] = now_ns
                found.append(Withdraw(claim.client_id, f"ladder: {RUNG_NAMES[level]}"))
        return found

    def _reduce(
        self, view: View, assessment: Assessment, rung: int, ordered: str, claims: Iterable[Claim]
    ) -> list[Intent]:
        """Reductions, the worst contributor first. All of everything where the rung or the operator says so."""
        level = max(rung, FLOORS[ordered])
        exits = sorted(self._exits(view, assessment), key=_order)
        self.sent = {market: sent for market, sent in self.sent.items() if market in view.positions}
        # a higher rung neither waits nor counts what a lower one sent
        last = {market: sent for market, sent in self.sent.items() if sent.level >= level}
        under_way = {
            market
            for market, sent in last.items()
            if view.now_ns - sent.ns < self._wait_ns(sent, rung, level, claims, market)
        }
        if rung >= FLATTEN or FLOORS[ordered] >= REDUCE:
            shares = [MILLION] * len(exits)
        else:
            shares = self._shares(assessment, exits, last, under_way)
        losses = 0
        for one in exits:
            losses += one.loss
        # The chain may refuse one exit until another has filled, and who arrives first is chance: it does so below
        # initial margin, or where an exit's own loss leads there.
        short = view.account.net < view.account.initial
        found = []
        for one, share_ppm in zip(exits, shares, strict=True):
            if share_ppm <= 0 or one.part.market in under_way:
                continue
            before = last.get(one.part.market)
            steps = min(one.steps, share_up(one.steps, share_ppm))
            tries = before.tries + 1 if before else 0
            self.sent[one.part.market] = Sent(view.now_ns, steps, level, tries)
            parts = self._bearable(one, steps)
            short = short or len(parts) > 1
            for part in parts:
                found.append(self._intent(assessment, one, losses, part, rung, ordered, tries))
        return found * COPIES if short and rung >= FLATTEN and len(exits) > 1 else found

    def _bearable(self, one: Exit, steps: int) -> tuple[int, ...]:
        """An exit in the parts in which the chain takes it: what it accepts of it now, then the rest.

        A book that has left its oracle price behind costs more than the other positions' initial margin leaves. The
        chain refuses a fill whole; what is too much now passes once another exit has freed margin.
        """
        part, unit = one.part, one.unit
        side = SELL if part.size > 0 else BUY
        if not one.live:
            return (steps,)
        _, filled, ticks = self._fill(part.market, 1 - side, steps)
        if filled < steps:
            return (steps,)
        ticks = ticks // steps if side == SELL else -(-ticks // steps)
        fee_ppm = self.settings.gates.taker_fee_ppm
        largest = self._margin.largest(self.settings.account, part.market, side, ticks, fee_ppm)
        first = largest // unit.step_quantums
        return (first, steps - first) if 0 < first < steps else (steps,)

    def _wait_ns(self, before: Sent, rung: int, level: int, claims: Iterable[Claim], market: int) -> int:
        """How long the next reduction waits for the last one: until it is over, and of a part that is to be closed also
        until what it filled is seen. Where everything must be closed at once nothing is waited for, a few times: one
        may have come before its time, and two that both fill cannot turn a position round."""
        if rung >= FLATTEN and before.tries < FOLLOWING:
            return self._ladder.retry_ns // FOLLOWING
        for claim in claims:
            if claim.market == market and claim.purpose in FORCED:
                seen = claim.state == "fading" and (level >= FLATTEN or not claim.optimistic)
                if not seen:
                    return self._ladder.retry_ns
        return self._ladder.retry_ns // FOLLOWING

    def _exits(self, view: View, assessment: Assessment) -> list[Exit]:
        k = self._begins(assessment)[1] * (MILLION + self._ladder.hysteresis_ppm) / MILLION
        found = []
        for part in assessment.parts:
            unit = unit_of(self._decoder, part.market)
            if unit is None or abs(part.size) < unit.step_quantums:
                continue
            facts = view.market(part.market)
            steps = abs(part.size) // unit.step_quantums
            live = facts.trust in LIVE and (facts.bid_ticks if part.size > 0 else facts.ask_ticks) > 0
            cost = (
                self._cost(part, unit, steps)
                if live
                else share_up(part.notional, self._ladder.reduce_collar_ppm)
            )
            fall = share_up(max(0, part.fall), min(int(k * part.sigma * MILLION) + 1, 10 * MILLION))
            found.append(
                Exit(part, unit, facts, steps, live, max(1, cost), part.maintenance + fall, fall, cost)
            )
        return found

    def _cost(self, part: Part, unit: Unit, steps: int) -> int:
        """What walking the book loses against the assumed price; what the book lacks costs the flatten collar."""
        _, filled, ticks = self._fill(part.market, BUY if part.size > 0 else SELL, steps)
        quote = unit.quote(1, ticks)
        worth = part.notional * filled // steps
        gap = worth - quote if part.size > 0 else quote - worth
        thin = share_up(part.notional - worth, self._ladder.flatten_collar_ppm)
        return gap + thin + share_up(quote, self.settings.gates.taker_fee_ppm)

    def _begins(self, a: Assessment) -> tuple[int, float]:
        """Danger and distance at which closing begins now: the earlier, the more has to be closed to leave the rung."""
        ladder = self._ladder
        if a.leap:
            return ladder.stop_ppm, ladder.stop_sigmas
        if a.stale:
            return ladder.cancel_ppm, ladder.cancel_sigmas
        return ladder.reduce_ppm, ladder.reduce_sigmas

    def _shares(
        self, a: Assessment, exits: list[Exit], last: Mapping[int, Sent], under_way: Container[int]
    ) -> list[int]:
        """How much of each position has to be closed, in ppm, so that the rung is left. last: the last reduction of
        each market. under_way: the markets where its end is not known yet, so that it counts as closed.

        need: how much danger is above its target, in millionths of a QQ. short: what net collateral above maintenance
        margin lacks to bear the fall of all positions over the wanted distance, all at once: in a crash they go
        together, and what one order leaves behind has to live until the next one fills.
        """
        target = self._begins(a)[0] * (MILLION - self._ladder.hysteresis_ppm) // MILLION
        need = a.maintenance * MILLION - target * a.net
        short = -a.spare
        for one in exits:
            short += one.fall
        shares = [0] * len(exits)
        anything_live = any(one.live for one in exits)
        for i, one in enumerate(exits):
            if one.part.market in under_way:
                shares[i] = min(MILLION, last[one.part.market].steps * MILLION // one.steps)
        for done, share in zip(exits, shares, strict=True):
            need -= (done.part.maintenance * MILLION - target * done.cost) * share // MILLION
            short -= (done.freed - done.cost) * share // MILLION
        for i, one in enumerate(exits):
            if shares[i] or (anything_live and not one.live):
                continue
            share = 0
            gain = one.part.maintenance * MILLION - target * one.cost
            if need > 0:
                share = -(-need * MILLION // gain) if gain > 0 else MILLION
            if short > 0:
                gain = one.freed - one.cost
                share = max(share, -(-short * MILLION // gain) if gain > 0 else MILLION)
            if a.stale:
                # nobody knows how deep it is: one part after the other goes, none smaller than the last
                before = last.get(one.part.market)
                share = max(share, before.steps * MILLION // one.steps if before else 1)
            elif not share:
                continue
            shares[i] = share = min(MILLION, max(share, self._ladder.reduce_share_ppm_min))
            need -= (one.part.maintenance * MILLION - target * one.cost) * share // MILLION
            short -= (one.freed - one.cost) * share // MILLION
        return shares

    def _intent(
        self, a: Assessment, one: Exit, losses: int, steps: int, rung: int, ordered: str, tries: int
    ) -> Intent:
        part, ladder = one.part, self._ladder
        side = SELL if part.size > 0 else BUY
        # what is not seen cannot be asked for its price
        urgent = rung >= FLATTEN or not one.live or a.stale
        collar = ladder.flatten_collar_ppm if urgent else ladder.reduce_collar_ppm
        if ordered == "kill":  # nothing is on fire: near the touch first, then farther with each try
            collar = max(collar, min(ladder.flatten_collar_ppm, collar << min(tries, 20)))
        return Intent(
            part.market,
            side,
            limit_ticks(a, one, losses, side, collar, self.settings.gates.taker_fee_ppm),
            steps,
            purpose="flatten" if max(rung, FLOORS[ordered]) >= FLATTEN else "reduce",
            reduce_only=True,
            strategy="ladder",
            reasons=(
                Reason("danger_ppm", float(min(a.danger_ppm, BEYOND)), float(self._ladder.reduce_ppm), False),
                Reason("distance_sigmas", a.sigmas, self._ladder.reduce_sigmas, False),
                Reason("freed_usd", one.freed / MILLION, one.cost / MILLION, True),
            ),
        )


def limit_ticks(a: Assessment, one: Exit, losses: int, side: int, collar_ppm: int, fee_ppm: int) -> int:
    """The limit of an exit: a collar below (above) the worse of touch and assumed price, at most the price at which
    the position's share of equity is gone. Beyond that the chain refuses the fill (margin.md 3), or equity is lost.

    losses: what closing everything loses at the books. Where equity can pay for that, each exit has what its own book
    takes and a share of the rest, by maintenance margin: shares of the whole would ask a book that runs ahead of its
    oracle price for more than it gives, while the others need less than theirs. While the feed is silent nobody knows
    how prices fell: by notional, that is all by the same part, where that gives more. The chain still refuses too much.
    """
    unit, part = one.unit, one.part
    sign = -1 if side == SELL else 1
    base = unit.oracle_ticks(sign * part.move_ppm)
    touch = one.facts.bid_ticks if side == SELL else one.facts.ask_ticks
    if one.live:
        base = min(base, touch) if side == SELL else max(base, touch)
    limit = base * (MILLION + sign * collar_ppm) // MILLION
    if a.net > 0 and a.maintenance > 0:
        fee, rest = share_up(part.notional, fee_ppm), a.net - losses
        weight, whole = part.maintenance, a.maintenance
        if a.stale:
            total = 0
            for other in a.parts:
                total += other.notional
            if part.notional * whole > weight * total:
                weight, whole = part.notional, total
        taken, shared = (one.loss, rest) if rest > 0 else (0, a.net)
        share = max(0, taken + shared * weight // whole - fee)
        bound = max(0, part.notional + sign * share) * unit.price_den // (one.steps * unit.price_num)
        limit = max(limit, bound + 1) if side == SELL else min(limit, bound)
    return max(1, limit)


def _order(one: Exit) -> tuple[bool, float, int]:
    """Live books first, then what frees most per cost, then by market."""
    return not one.live, -(one.freed / one.cost), one.part.market
