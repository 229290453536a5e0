"""Commands on their way to the node, and what the node does when one arrives (orders.md 3, 6, 7).

All times of a command are drawn when it is sent: its arrival, its answer, the news of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush

import msgspec

from sniper.order_ids import order_uuid, subaccount_uuid
from sniper.paper_settings import PPM, PaperSettings
from sniper.trading import BUY, SELL, Cancel, Place
from sniper.venues import account_frames as frames
from sniper.venues.admission import (
    CODES,
    Budget,
    malformed,
    out_of_time,
    out_of_window,
    replaces,
    short_cancel_refused,
)
from sniper.venues.blocks import Blocks
from sniper.venues.chance import Chance
from sniper.venues.floor import Floor
from sniper.venues.models import LATENCIES, slots
from sniper.venues.order import FLAGS, WAITING, Key, PaperOrder
from sniper.venues.reports import Plan
from sniper.venues.terms import Terms, ticks_over

NEVER = 1 << 62


class Flight(msgspec.Struct, array_like=True):
    """One command on its way: a placement or a cancel, and the times of what it causes."""

    arrive_ns: int
    seq: int
    answer_ns: int
    plan: Plan
    answered: bool
    """False: the answer is lost, only its absence will be told."""
    place: Place | None
    cancel: Cancel | None


class ArrivalsState(msgspec.Struct, array_like=True):
    """What `Arrivals` holds."""

    flights: list[Flight]
    seq: int
    chance: Chance
    short: Budget
    stateful: Budget


class Arrivals:
    """Takes commands, and hands those that have arrived to the floor."""

    def __init__(self, settings: PaperSettings, floor: Floor, blocks: Blocks, chance: Chance) -> None:
        self._settings, self._floor, self._blocks = settings, floor, blocks
        self._latency = LATENCIES[settings.latency]
        self._subaccount = subaccount_uuid(settings.address, settings.subaccount)
        self._state = ArrivalsState(
            [], 0, chance, Budget(settings.short_limits), Budget(settings.stateful_limits)
        )
        self._heap: list[tuple[int, int, Flight]] = []

    @property
    def next_ns(self) -> int:
        """When the next command arrives, NEVER while none is under way."""
        return self._heap[0][0] if self._heap else NEVER

    def send(self, now_ns: int, commands: Sequence[Place | Cancel]) -> None:
        """Commands leave. Each takes the same number of draws, whatever it is."""
        state, latency = self._state, self._latency
        for command in commands:
            if not 0 <= command.client_id < 1 << 32:
                raise ValueError(f"client id {command.client_id} is not a uint32")
            draw = state.chance.between
            arrive_ns = now_ns + draw(*latency.there)
            answer_ns = arrive_ns + draw(*latency.back)
            plan = Plan(arrive_ns + draw(*latency.news), arrive_ns + draw(*latency.block))
            lost = draw(0, PPM - 1) < self._settings.lost_ppm
            if lost:
                answer_ns = now_ns + self._settings.timeout_ns
            place, cancel = (command, None) if isinstance(command, Place) else (None, command)
            flight = Flight(arrive_ns, state.seq, answer_ns, plan, not lost, place, cancel)
            state.seq += 1
            if len(self._heap) < self._settings.under_way_max:
                heappush(self._heap, (arrive_ns, flight.seq, flight))
            else:
                self._answer(flight, 5001)

    def arrive(self, now_ns: int, height: int, block_ns: int) -> None:
        """Everything that arrived until now meets the market of now. height, time: of the newest block."""
        while self.next_ns <= now_ns:
            flight = heappop(self._heap)[2]
            self._floor.memory.reach(height)
            if flight.place is not None:
                self._answer(flight, self._place(flight.place, flight, now_ns, height, block_ns))
            elif flight.cancel is not None:
                self._answer(flight, self._cancel(flight.cancel, flight, height))

    def save(self) -> ArrivalsState:
        """What is under way, as one value."""
        self._state.flights = [flight for _, _, flight in self._heap]
        return self._state

    def load(self, state: ArrivalsState) -> None:
        """Take over what `save` gave."""
        self._state = state
        self._heap = [(flight.arrive_ns, flight.seq, flight) for flight in state.flights]

    def _answer(self, flight: Flight, code: int) -> None:
        verb, command = ("place", flight.place) if flight.place is not None else ("cancel", flight.cancel)
        assert command is not None
        text = CODES[code] if code else "accepted"
        if not flight.answered:
            code, text = -1, "no answer"
        self._floor.reports.outbox.say(flight.answer_ns, verb, command.client_id, code, text)

    # --- placements -------------------------------------------------------------------------------------------

    def _place(self, place: Place, flight: Flight, now_ns: int, height: int, block_ns: int) -> int:
        """The code of a placement; accepted short-term orders have met the book then."""
        floor = self._floor
        terms = floor.markets.terms(place.market)
        if terms is None or terms.ticker != place.ticker:
            return 8
        floor.markets.follow(place.market)
        code = malformed(place, terms)
        if code:
            return code
        if not height or floor.markets.oracle[place.market].number <= 0:
            return 47
        short = place.kind == "short_term"
        budget = self._state.short if short else self._state.stateful
        if not budget.spend(height):
            return 5001
        if short:
            code = out_of_window(place.good_til_block, height, self._settings.block_window)
        else:
            code = out_of_time(place.good_til_s, block_ns)
        code = code or self._status(place, terms)
        if code:
            return code
        key = (place.client_id, FLAGS[place.kind], place.market)
        return (self._short if short else self._stateful)(place, key, terms, flight, now_ns, height)

    def _status(self, place: Place, terms: Terms) -> int:
        """34 unless the market's status allows the order."""
        if terms.status == "ACTIVE":
            return 0
        if terms.status != "INITIALIZING" or place.kind != "short_term" or place.time_in_force != "post_only":
            return 34
        over = ticks_over(terms, place.price_ticks, self._floor.markets.oracle[place.market])
        return 34 if (over > 0 if place.side == BUY else over < 0) else 0

    def _short(self, place: Place, key: Key, terms: Terms, flight: Flight, now_ns: int, height: int) -> int:
        floor = self._floor
        if place.good_til_block <= floor.memory.cancelled.get(key, 0):
            return 7
        old = floor.orders.get(key)
        code = replaces(place, old) if old is not None else 0
        if code:
            return code
        filled = old.filled if old is not None else floor.memory.filled.get(key, (0, 0))[0]
        if filled >= place.size_steps:
            return 24
        if filled and place.time_in_force == "ioc":
            return 2004
        code = self._account(place, terms)
        if not code and old is None and len(floor.orders) >= self._settings.orders_max:
            code = 5001
        if code:
            return code
        order = self._order(place, flight)
        order.filled = filled
        if old is not None:
            floor.take_off(old, frames.REPLACED, height + 1, now_ns, flight.plan)
            order.news_ns = old.news_ns
        if floor.enter(order, height + 1, now_ns, flight.plan) == frames.POST_ONLY_WOULD_CROSS:
            return 2003
        return 0

    def _stateful(
        self, place: Place, key: Key, terms: Terms, flight: Flight, now_ns: int, height: int
    ) -> int:
        floor = self._floor
        if key in floor.orders:
            return 3005
        if key in floor.memory.removed:
            return 3009
        code = self._account(place, terms)
        if code:
            return code
        taken = sum(not order.short_term for order in floor.orders.values())
        if taken >= slots(self._settings, floor.collateral.totals().net):
            return 10001
        if len(floor.orders) >= self._settings.orders_max:
            return 5001
        order = self._order(place, flight)
        base = place.size_steps * terms.step_quantums
        if place.kind == "long_term" and not floor.collateral.affords(
            place.market, place.side, base, place.price_ticks, floor.tier(now_ns).maker_ppm
        ):
            return 3007
        order.state = WAITING
        floor.orders[key] = order
        return 0

    def _account(self, place: Place, terms: Terms) -> int:
        """What our positions have against an order: reduce-only and isolated markets."""
        if (
            place.reduce_only
            and place.kind == "short_term"
            and not self._floor.reducible(place.market, place.side)
        ):
            return 2001
        return 2005 if self._floor.crowded(terms) else 0

    def _order(self, place: Place, flight: Flight) -> PaperOrder:
        terms = self._floor.markets.known(place.market)
        flags = FLAGS[place.kind]
        return PaperOrder(
            place.client_id,
            place.market,
            place.ticker,
            order_uuid(self._subaccount, place.client_id, terms.clob_pair, flags),
            BUY if place.side == BUY else SELL,
            place.size_steps,
            place.price_ticks,
            place.kind,
            place.time_in_force,
            place.reduce_only,
            place.good_til_block,
            place.good_til_s,
            place.trigger,
            place.trigger_ticks,
            flight.seq,
            flight.arrive_ns,
        )

    # --- cancels ----------------------------------------------------------------------------------------------

    def _cancel(self, cancel: Cancel, flight: Flight, height: int) -> int:
        """The code of a cancel; accepted short-term ones are carried out then, stateful ones by the next block."""
        floor = self._floor
        terms = floor.markets.terms(cancel.market)
        if terms is None or terms.ticker != cancel.ticker:
            return 8
        if cancel.kind not in FLAGS:
            return 3000
        if not height:
            return 47
        key = (cancel.client_id, FLAGS[cancel.kind], cancel.market)
        order = floor.orders.get(key)
        if cancel.kind != "short_term":
            return self._cancel_stateful(cancel, key, order)
        if not self._state.short.spend(height):
            return 5001
        code = short_cancel_refused(cancel, floor.memory, key, height, self._settings.block_window)
        if code:
            return code
        floor.memory.keep_cancel(key, cancel.good_til_block)
        if order is None:
            return 0
        if cancel.good_til_block >= order.good_til_block:
            floor.take_off(order, frames.USER_CANCELED, height + 1, flight.arrive_ns, flight.plan)
        else:  # the trap: it is reported as cancelled, yet stays on the book (orders.md 3)
            floor.reports.removed(order, frames.USER_CANCELED, flight.plan)
        return 0

    def _cancel_stateful(self, cancel: Cancel, key: Key, order: PaperOrder | None) -> int:
        if cancel.good_til_s <= 0:
            return 3001
        if order is None:
            return 3010 if key in self._floor.memory.removed else 3006
        if cancel.good_til_s < order.good_til_s:
            return 29
        if key in self._blocks.state.cancelling:
            return 32
        self._blocks.state.cancelling[key] = None
        return 0
