"""What a strategy holds and has asked for: shares of the capital, when to leave, what to take back.

A share is taken with the intent of an entry and given back when the position is closed, or when the entry left
neither order nor position behind. So the shares of all that is open or under way never exceed the caps. Positions
that somebody else opened are left alone; each counts as a full share.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sniper.strategies.held import Held, HeldRow, held_of
from sniper.strategies.parts import LARGE, SECOND_NS
from sniper.strategies.terms import BPS, Terms, leave, priced
from sniper.trading import BUY, Intent, Order, Position, Reason, Trip, Withdraw
from sniper.viewing import MarketFacts, View

Judge = Callable[[View, int, Held, MarketFacts, Trip | None], Sequence[Reason]]
"""Reasons of a strategy's own for leaving a position, or for taking its entry back: any that passed suffices."""

GOING = ("cancelling", "fading")
"""States of orders that need not be taken back again."""

HoldingsState = tuple[list[HeldRow], list[tuple[int, int]]]


class Holdings:
    """All of it. name: of the strategy. hold_max_s: the longest that a position is held."""

    def __init__(self, name: str, terms: Terms, hold_max_s: float) -> None:
        self._name, self._terms = name, terms
        self._hold_max_s, self._hold_max_ns = hold_max_s, int(hold_max_s * SECOND_NS)
        self._answer_ns = int(terms.answer_s * SECOND_NS)
        self._exit_retry_ns = int(terms.exit_retry_s * SECOND_NS)
        self.held: dict[int, Held] = {}
        self._until: dict[int, int] = {}  # market -> no entry before
        self.unmade: list[tuple[int, int]] = []
        """(market, group) of the entries that came to nothing in the last `manage`."""

    # Looking after what there is

    def manage(self, view: View, judge: Judge) -> list[Intent | Withdraw]:
        """Follow what became of entries and positions; say what is to be left and taken back."""
        wanted: list[Intent | Withdraw] = []
        self.unmade.clear()
        now_ns, changed = view.now_ns, view.changed
        for market, position in view.positions.items():
            if market not in self.held and market in changed:
                self._adopt(view, market, position)
        for market, held in tuple(self.held.items()):
            found = view.positions.get(market)
            if found is None or (found.size_quantums > 0) != (held.side > 0):
                if self._gone(view, market, held) or market not in changed:
                    continue
                self._take_back(view, market, held, judge, wanted)
                continue
            if not held.opened:
                held.opened, held.since_ns = True, min(found.opened_ns, now_ns)
                held.until_ns = held.since_ns + self._hold_max_ns
            overdue = (
                held.closing or now_ns >= held.until_ns
            ) and now_ns - held.tried_ns >= self._exit_retry_ns
            if overdue or market in changed:
                self._attend(view, market, held, found, judge, wanted)
        return wanted

    def _adopt(self, view: View, market: int, position: Position) -> None:
        """A position of ours that the state does not know, as after a start without it."""
        trip = view.trip(market)
        if trip is not None and trip.strategy == self._name and position.size_quantums:
            side = 1 if position.size_quantums > 0 else -1
            self.held[market] = Held(side, self._terms.weight_max, position.opened_ns, 50.0, 0)

    def _gone(self, view: View, market: int, held: Held) -> bool:
        """Give the share back where the position was closed, or the entry came to nothing."""
        if held.opened:
            del self.held[market]
            self._until[market] = view.now_ns + int(self._terms.cooldown_s * SECOND_NS)
            return True
        if view.now_ns - held.since_ns >= self._answer_ns and not view.orders(market):
            del self.held[market]
            self._until[market] = view.now_ns + int(self._terms.retry_s * SECOND_NS)
            self.unmade.append((market, held.group))
            return True
        return False

    def _attend(
        self,
        view: View,
        market: int,
        held: Held,
        position: Position,
        judge: Judge,
        wanted: list[Intent | Withdraw],
    ) -> None:
        """A position: find out whether to leave it, and leave it."""
        facts, trip, now_ns = view.market(market), view.trip(market), view.now_ns
        said = judge(view, market, held, facts, trip)
        if not held.closing:
            stop, target, late = self._over(facts, held, trip, now_ns)
            if stop or target or late:
                held.closing = "exit.stop" if stop else "exit.target" if target else "exit.time"
            elif said:
                held.closing = cause(said)
        if self._terms.entry == "post_only":
            self._withdraw(view, market, held, facts, held.closing, wanted)
        if not held.closing or now_ns - held.tried_ns < self._exit_retry_ns:
            return
        size = position.size_quantums
        if under_way(view.orders(market)) * facts.step_quantums >= abs(size):
            return  # risk would refuse it: nothing is left to close
        held.tried_ns = now_ns
        reasons = (*self.exits(facts, held, trip, now_ns), *said)
        if not cause(reasons):
            reasons = (Reason(held.closing, 1.0, 1.0, True), *reasons)
        intent = leave(facts, size, self._terms, score=held.score, strategy=self._name, reasons=reasons)
        if intent is not None and facts.status == "ACTIVE":
            wanted.append(intent)

    def _take_back(
        self, view: View, market: int, held: Held, judge: Judge, wanted: list[Intent | Withdraw]
    ) -> None:
        """An entry that is not filled yet: take it back where its reason is gone."""
        facts = view.market(market)
        self._withdraw(view, market, held, facts, cause(judge(view, market, held, facts, None)), wanted)

    def _withdraw(
        self,
        view: View,
        market: int,
        held: Held,
        facts: MarketFacts,
        why: str,
        wanted: list[Intent | Withdraw],
    ) -> None:
        """Take back the entries of this market that rest too long or too far off, or all where there is a cause."""
        now_ns, terms = view.now_ns, self._terms
        if now_ns - held.withdrawn_ns < self._exit_retry_ns:
            return
        for order in view.orders(market):
            if order.purpose != "entry" or order.state in GOING:
                continue
            ahead = facts.bid_ticks if order.side == BUY else -facts.ask_ticks
            behind = ahead - (order.price_ticks if order.side == BUY else -order.price_ticks)
            said = why
            if not said and now_ns - order.sent_ns >= terms.rest_s * SECOND_NS:
                said = "rested too long"
            elif not said and priced(facts) and behind * BPS > terms.chase_bps * facts.mid_ticks:
                said = "the market went away"
            if said:
                held.withdrawn_ns = now_ns
                wanted.append(Withdraw(order.client_id, said))

    def _over(
        self, facts: MarketFacts, held: Held, trip: Trip | None, now_ns: int
    ) -> tuple[bool, bool, bool]:
        """Whether stop or target was reached, or the time is up. Prices count only where the book can be believed."""
        hit = made = False
        if trip is not None and priced(facts):
            if held.side > 0:
                hit = facts.bid_ticks <= trip.stop_ticks
                made = 0 < trip.target_ticks <= facts.bid_ticks
            else:
                hit = 0 < trip.stop_ticks <= facts.ask_ticks
                made = facts.ask_ticks <= trip.target_ticks
        return hit, made, held.opened and now_ns >= held.until_ns

    def exits(
        self, facts: MarketFacts, held: Held, trip: Trip | None, now_ns: int
    ) -> tuple[Reason, Reason, Reason]:
        """Stop, target and time in words: what was found and what ends the position."""
        hit, made, late = self._over(facts, held, trip, now_ns)
        touch = float(facts.bid_ticks if held.side > 0 else facts.ask_ticks)
        stop, target = (trip.stop_ticks, trip.target_ticks) if trip is not None else (0, 0)
        age_s = (now_ns - held.since_ns) / SECOND_NS if held.opened else 0.0
        return (
            Reason("exit.stop", touch, float(stop), hit),
            Reason("exit.target", touch, float(target), made),
            Reason("exit.time", age_s, self._hold_max_s, late),
        )

    # Room for more

    def gates(self, view: View, market: int) -> tuple[Reason, ...]:
        """Whether a market is free for an entry."""
        there = market in self.held or market in view.positions
        wait_s = max(0, self._until.get(market, 0) - view.now_ns) / SECOND_NS
        orders = len(view.orders(market))
        return (
            Reason("gate.flat", float(there), 0.0, not there),
            Reason("gate.orders", float(orders), 0.0, not orders),
            Reason("gate.cooldown", wait_s, 0.0, wait_s == 0.0),
        )

    def waits(self, market: int, now_ns: int) -> bool:
        """Whether an entry has to wait after the last one, or after a position."""
        return now_ns < self._until.get(market, 0)

    def used(self, view: View) -> int:
        """How many positions there are, those under way and those of others included."""
        count = len(self.held)
        for market in view.positions:
            if market not in self.held:
                count += 1
        return count

    def left(self, view: View) -> tuple[float, float, float]:
        """What the caps leave in all, for longs and for shorts. A position of somebody else is a full share."""
        longs = shorts = 0.0
        for held in self.held.values():
            if held.side > 0:
                longs += held.weight
            else:
                shorts += held.weight
        terms = self._terms
        for market, position in view.positions.items():
            if market not in self.held:
                if position.size_quantums > 0:
                    longs += terms.weight_max
                else:
                    shorts += terms.weight_max
        return (
            terms.weight_total_max - (longs + shorts),
            terms.weight_side_max - longs,
            terms.weight_side_max - shorts,
        )

    def room(
        self, view: View, side: int, weight: float, correlated: float = 0.0, correlated_max: float = LARGE
    ) -> tuple[float, tuple[Reason, ...]]:
        """How much of `weight` the caps leave, and what each of them leaves.

        correlated: the shares of what is held, each times its correlation with the new one.
        """
        terms, (total, longs, shorts) = self._terms, self.left(view)
        left = (
            ("room.total", total),
            ("room.side", longs if side > 0 else shorts),
            ("room.correlated", correlated_max - correlated),
        )
        granted = min(weight, terms.weight_max)
        for _, amount in left:
            granted = min(granted, amount)
        granted = max(0.0, granted)
        return granted, (
            *(Reason(name, amount, weight, amount >= weight) for name, amount in left if amount < LARGE),
            Reason("gate.room", granted, terms.weight_min, granted >= terms.weight_min),
        )

    def place(
        self,
        view: View,
        side: int,
        weight: float,
        ahead: int = 0,
        correlated: float = 0.0,
        correlated_max: float = LARGE,
    ) -> tuple[float, tuple[Reason, ...]]:
        """The share that an entry gets, and its place after those that are there and `ahead` others."""
        granted, reasons = self.room(view, side, weight, correlated, correlated_max)
        rank, most = self.used(view) + ahead + 1, self._terms.positions_max
        return granted, (Reason("gate.rank", float(rank), float(most), rank <= most), *reasons)

    def take(self, market: int, side: int, weight: float, now_ns: int, score: float, group: int = 0) -> None:
        """A share for an entry that is asked for now."""
        self.held[market] = Held(side, weight, now_ns, score, group)

    # State

    def save(self) -> HoldingsState:
        """The state as plain values."""
        return [held.row(market) for market, held in self.held.items()], list(self._until.items())

    @staticmethod
    def checked(state: HoldingsState) -> tuple[dict[int, Held], dict[int, int]]:
        """What `load` takes over. ValueError where it cannot have been saved."""
        rows, until = state
        return held_of(rows), dict(until)

    def load(self, state: tuple[dict[int, Held], dict[int, int]]) -> None:
        """Take over what `checked` let through."""
        self.held, self._until = state
        self.unmade.clear()


def cause(reasons: Sequence[Reason]) -> str:
    """The name of the first reason for leaving that passed, "" for none."""
    for reason in reasons:
        if reason.passed and reason.name.startswith("exit."):
            return reason.name
    return ""


def entered(reasons: Sequence[Reason]) -> bool:
    """Whether every gate is open."""
    shut = [name for name, _, _, passed in reasons if not passed]
    return not [name for name in shut if name.startswith("gate.")]


def under_way(orders: Sequence[Order]) -> int:
    """Steps that exits which were sent may still close: until their end is known, they count as if they filled."""
    steps = 0
    for order in orders:
        if order.purpose == "exit":
            steps += order.size_steps - order.filled_steps
    return steps
