"""The chain's matching once more, slowly: lists, no levels, no indices. Written from orders.md and margin.md.

Every question is answered by going through all orders. Liquidations, funding and transfers are not part of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from hashlib import sha256
from math import ceil, floor
from typing import Any

M = 10**6
BUY, SELL = 1, 2
SHORT, CONDITIONAL, LONG = 0, 32, 64
IOC, POST_ONLY, FOK = 1, 2, 3
WINDOW = 40


def ceil_ppm(x: int, ppm: int) -> int:
    return -((-x * ppm) // M)


def trunc_div(a: int, b: int) -> int:
    q = abs(a) // abs(b)
    return q if (a < 0) == (b < 0) else -q


@dataclass
class Person:
    usdc: int
    held: dict[int, int] = field(default_factory=dict)


@dataclass
class Rest:
    order: Any
    left: int


class Twin:
    """terms: of the markets by clob pair; prices: their oracle integers; people: USDC by account."""

    def __init__(
        self, terms: dict[int, Any], prices: dict[int, int], people: dict[Any, int], height: int, now_s: int
    ):
        self.terms = terms
        self.prices = {pair: prices[entry.market] for pair, entry in terms.items()}
        self.people = {who: Person(usdc) for who, usdc in people.items()}
        self.height, self.now_s = height, now_s
        self.resting: list[Rest] = []  # in the order in which they came
        self.done: dict[Any, int] = {}  # id: BQ filled
        self.keep: dict[Any, int] = {}  # short-term id: the height after which its fills are forgotten
        self.cancelled: dict[Any, int] = {}
        self.matched: dict[Any, Any] = {}
        self.fills: list[tuple[Any, ...]] = []
        self.state: dict[Any, list[Any]] = {}  # stateful id: [order, triggered]
        self.queue: list[tuple[str, Any, int]] = []
        self.ending: list[Any] = []
        self.traded: dict[int, list[int]] = {}
        self.new_prices: dict[int, int] = {}

    # Margin (margin.md 3 and 8).

    def worth(self, pair: int, bq: int) -> int:
        terms = self.terms[pair]
        e = terms.price_exponent + terms.atomic_resolution + 6
        v = bq * self.prices[pair]
        return v * 10**e if e >= 0 else trunc_div(v, 10**-e)

    def quote(self, pair: int, bq: int, subticks: int) -> int:
        return bq * subticks // 10 ** -self.terms[pair].quantum_conversion_exponent

    def interest(self, people: dict[Any, Person], pair: int) -> int:
        return sum(max(0, person.held.get(pair, 0)) for person in people.values())

    def risk(self, person: Person, interests: dict[int, int]) -> tuple[int, int, int]:
        nc, imr, mmr = person.usdc, 0, 0
        for pair, bq in person.held.items():
            terms = self.terms[pair]
            value = self.worth(pair, bq)
            oi = self.worth(pair, interests[pair])
            base, lower, upper = (
                terms.initial_margin_ppm,
                terms.open_interest_lower_cap,
                terms.open_interest_upper_cap,
            )
            if upper == 0 or oi <= lower:
                f = base
            elif oi >= upper:
                f = M
            else:
                f = base + (M - base) * (oi - lower) // (upper - lower)
            nc += value
            imr += ceil_ppm(abs(value), f)
            mmr += ceil_ppm(ceil_ppm(abs(value), base), terms.maintenance_fraction_ppm)
        return nc, imr, mmr

    def judged(self, who: Any, after: dict[Any, Person], pair: int) -> str:
        """What the chain says of an account that would be as in `after`."""
        was, becomes = self.people.get(who, Person(0)), after[who]
        isolated = [p for p in becomes.held if self.terms[p].kind == "ISOLATED"]
        if isolated and len(becomes.held) > 1:
            return "isolated"
        now_all = {p: self.interest(self.people, p) for p in self.terms}
        then_all = {p: self.interest(after, p) for p in self.terms}
        nc, imr, mmr = self.risk(becomes, then_all)
        if nc >= imr:
            return ""
        old_nc, _, old_mmr = self.risk(was, now_all)
        if mmr == 0 or old_mmr == 0:
            return "" if mmr == old_mmr == 0 and nc > old_nc else "poor"
        return "" if mmr <= old_mmr and nc * old_mmr >= old_nc * mmr else "poor"

    def with_match(
        self, taker: Any, maker: Any, pair: int, side: int, bq: int, value: int, fees: tuple[int, int]
    ) -> dict[Any, Person]:
        after = dict(self.people)
        sign = 1 if side == BUY else -1
        for who, signed, fee in ((taker, sign, fees[0]), (maker, -sign, fees[1])):
            old = after.get(who, Person(0))
            held = dict(old.held)
            held[pair] = held.get(pair, 0) + signed * bq
            if not held[pair]:
                del held[pair]
            after[who] = Person(old.usdc - signed * value - fee, held)
        return after

    # The book.

    def best_first(self, pair: int, side: int) -> list[Rest]:
        found = [rest for rest in self.resting if rest.order.id.clob_pair == pair and rest.order.side == side]
        return sorted(found, key=lambda rest: rest.order.subticks * (-1 if side == BUY else 1))

    def off(self, order_id: Any) -> None:
        self.resting = [rest for rest in self.resting if rest.order.id != order_id]
        if order_id.flags:
            self.ending.append(order_id)

    def add_filled(self, order: Any, bq: int) -> None:
        self.done[order.id] = self.done.get(order.id, 0) + bq
        self.matched[order.id] = order
        if order.id.flags == SHORT:
            self.keep[order.id] = max(self.keep.get(order.id, 0), order.good_til_block + WINDOW)
        elif self.done[order.id] == order.quantums:
            self.ending.append(order.id)

    def place(self, order: Any) -> int:
        code = self.refusal(order)
        if code:
            return code
        if order.id.flags != SHORT:
            self.queue.append(("place", order, 0))
            return 0
        return self.enter(order)

    def refusal(self, order: Any, in_block: bool = False) -> int:
        terms = self.terms[order.id.clob_pair]
        if order.subticks % terms.subticks_per_tick:
            return 6
        if order.quantums % terms.step_base_quantums:
            return 4
        if order.id.flags == SHORT:
            if order.good_til_block < self.height + 1:
                return 10
            return 11 if order.good_til_block > self.height + 1 + WINDOW else 0
        if order.good_til_s <= self.now_s:
            return 3003
        if not in_block:
            if any(act == "cancel" and what == order.id for act, what, _ in self.queue):
                return 3008
            if any(act == "place" and what.id == order.id for act, what, _ in self.queue):
                return 3005
        if order.id in self.state:
            return 3005
        return 3007 if order.id.flags == LONG and not self.affordable(order) else 0

    def affordable(self, order: Any) -> bool:
        """As if filled in full with the maker fee, at the worse of its price and the oracle's."""
        pair, terms = order.id.clob_pair, self.terms[order.id.clob_pair]
        e = terms.price_exponent + terms.atomic_resolution + 6 - terms.quantum_conversion_exponent
        oracle = self.prices[pair] * Fraction(10) ** e
        subticks = (
            max(order.subticks, ceil(oracle)) if order.side == BUY else min(order.subticks, floor(oracle))
        )
        value = self.quote(pair, order.quantums, subticks)
        fees = (ceil_ppm(value, self.rates[1]), 0)
        ghost = "nobody"
        after = self.with_match(order.id.subaccount, ghost, pair, order.side, order.quantums, value, fees)
        return not self.judged(order.id.subaccount, after, pair)

    rates = (500, 100)

    def enter(self, order: Any) -> int:
        pair, order_id = order.id.clob_pair, order.id
        mine = [rest.order for rest in self.resting if rest.order.id == order_id]
        if order_id.flags == SHORT:
            if self.cancelled.get(order_id, 0) >= order.good_til_block:
                return 7
            for old in (*mine, *([self.matched[order_id]] if order_id in self.matched else [])):
                older = (old.good_til_block, self.digest(old)) >= (order.good_til_block, self.digest(order))
                same = (old.side, old.time_in_force, old.reduce_only)
                if older or same != (order.side, order.time_in_force, order.reduce_only):
                    return 20
        held = self.people.get(order_id.subaccount, Person(0)).held.get(pair, 0)
        if order.reduce_only and (held >= 0 if order.side == BUY else held <= 0):
            return 2001
        left = order.quantums - self.done.get(order_id, 0)
        if left <= 0:
            return 24
        if order.time_in_force == IOC and left < order.quantums:
            return 20 if mine else 2004
        self.resting = [rest for rest in self.resting if rest.order.id != order_id]
        code, why, left = self.match(order, left)
        if why or not left or order.time_in_force == IOC:
            if order_id.flags:
                self.ending.append(order_id)
        else:
            self.resting.append(Rest(order, left))
        return code

    def digest(self, order: Any) -> bytes:
        from sniper.exchange.chain.order_hash import (
            serialised,
        )  # compared with the protocol's library elsewhere

        return sha256(serialised(order)).digest()

    def match(self, order: Any, left: int) -> tuple[int, str, int]:
        """(code, why it stopped, what is left)."""
        pair, taker = order.id.clob_pair, order.id.subaccount
        for rest in self.best_first(pair, BUY + SELL - order.side):
            maker_order = rest.order
            meets = (
                order.subticks >= maker_order.subticks
                if order.side == BUY
                else order.subticks <= maker_order.subticks
            )
            if not left or not meets:
                break
            maker = maker_order.id.subaccount
            if maker == taker:
                self.off(maker_order.id)
                continue
            bq = min(left, rest.left)
            if order.reduce_only:
                bq = min(bq, abs(self.people[taker].held.get(pair, 0)))
                if not bq:
                    break
            value = self.quote(pair, bq, maker_order.subticks)
            fees = (ceil_ppm(value, self.rates[0]), ceil_ppm(value, self.rates[1]))
            after = self.with_match(taker, maker, pair, order.side, bq, value, fees)
            of_maker, of_taker = self.judged(maker, after, pair), self.judged(taker, after, pair)
            if of_maker:
                self.off(maker_order.id)
            if of_taker:
                return (2005 if of_taker == "isolated" else 0), of_taker, left
            if of_maker:
                continue
            if order.time_in_force == POST_ONLY:
                return 2003, "crosses", left
            self.people = after
            self.fills.append((pair, taker, maker, order.side, bq, maker_order.subticks, value, *fees))
            self.traded.setdefault(pair, []).append(maker_order.subticks)
            self.add_filled(order, bq)
            self.add_filled(maker_order, bq)
            left -= bq
            rest.left -= bq
            self.resting = [other for other in self.resting if other.left]
            if order.reduce_only and not self.people[taker].held.get(pair, 0):
                break
        if left and order.reduce_only and not self.people[taker].held.get(pair, 0):
            return 0, "reduced", left
        return 0, "", left

    def cancel(self, order_id: Any, good_til_block: int, good_til_s: int) -> int:
        if order_id.flags != SHORT:
            if good_til_s <= self.now_s:
                return 3003
            if any(act == "cancel" and what == order_id for act, what, _ in self.queue):
                return 32
            found = [self.state[order_id][0]] if order_id in self.state else []
            found += [what for act, what, _ in self.queue if act == "place" and what.id == order_id]
            if not found:
                return 3006
            if good_til_s < found[0].good_til_s:
                return 29
            self.queue.append(("cancel", order_id, good_til_s))
            return 0
        if good_til_block < self.height + 1:
            return 10
        if good_til_block > self.height + 1 + WINDOW:
            return 11
        if self.cancelled.get(order_id, 0) >= good_til_block:
            return 9
        self.resting = [
            rest
            for rest in self.resting
            if rest.order.id != order_id or rest.order.good_til_block > good_til_block
        ]
        self.cancelled[order_id] = good_til_block
        return 0

    # A block.

    def end(self, order_id: Any) -> None:
        self.state.pop(order_id, None)
        self.done.pop(order_id, None)
        self.resting = [rest for rest in self.resting if rest.order.id != order_id]

    def block(self, now_s: int) -> None:
        ended = set()
        for order_id in self.ending:
            if order_id in self.state:
                ended.add(order_id)
                self.end(order_id)
        self.ending, self.matched = [], {}
        queue, self.queue = self.queue, []
        fresh = []
        for act, what, _ in queue:
            if act == "place" and what.id not in ended and not self.refusal(what, in_block=True):
                self.state[what.id] = [what, False]
                fresh.append(what.id)
            elif act == "cancel" and what not in ended and what in self.state:
                ended.add(what)
                self.end(what)
        self.prices.update(self.new_prices)
        self.new_prices = {}
        for order_id in [i for i, (order, _) in self.state.items() if order.good_til_s <= now_s]:
            self.end(order_id)
        entering = [i for i in fresh if i in self.state and i.flags == LONG]
        for order_id, entry in self.state.items():
            if order_id.flags == CONDITIONAL and not entry[1] and self.triggers(entry[0]):
                entry[1] = True
                entering.append(order_id)
        self.traded = {}
        self.height, self.now_s = self.height + 1, now_s
        self.resting = [
            rest for rest in self.resting if rest.order.id.flags or rest.order.good_til_block > self.height
        ]
        self.cancelled = {i: gtb for i, gtb in self.cancelled.items() if gtb > self.height}
        alive = {rest.order.id: rest.order.good_til_block for rest in self.resting}
        for order_id in [i for i, until in self.keep.items() if until <= self.height]:
            if order_id in alive:
                self.keep[order_id] = alive[order_id] + WINDOW
            else:
                del self.keep[order_id], self.done[order_id]
        for order_id in entering:
            if self.enter(self.state[order_id][0]):
                self.ending.append(order_id)

    def triggers(self, order: Any) -> bool:
        pair, terms = order.id.clob_pair, self.terms[order.id.clob_pair]
        e = terms.price_exponent + terms.atomic_resolution + 6 - terms.quantum_conversion_exponent
        oracle = self.prices[pair] * Fraction(10) ** e
        reach = Fraction(5 * terms.min_price_change_ppm, M)
        clamped = [
            min(max(price, oracle * (1 - reach)), oracle * (1 + reach)) for price in self.traded.get(pair, [])
        ]
        prices = [oracle, *clamped]
        if (order.side == BUY) == (order.condition == 1):
            return max(prices) >= order.trigger_subticks
        return min(prices) <= order.trigger_subticks
