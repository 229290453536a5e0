"""Protection as a state to hold: every position has a stop that rests on the chain and survives our own death.

Conditional, reduce-only, IOC. Its trigger is the strategy's stop, or else a share of the way to the liquidation price;
never beyond that share. A stop that lies wrongly or covers too little is replaced: the new one first where a slot is
free, else the old one goes first. A stop without a position is withdrawn. A position that stays without one for too
many blocks, though a slot is free, is closed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from sniper.risk_rungs import Assessment, Part
from sniper.risk_settings import MILLION, SECOND_NS, ProtectionSettings
from sniper.risk_units import Unit, unit_of
from sniper.trading import BUY, SELL, Intent, Order, Reason, Withdraw
from sniper.viewing import View

RENEW_S: Final = 86_400
"""A stop that ends within this time is replaced."""
STANDING: Final = ("sent", "acked")


class Place(NamedTuple):
    """Where a stop belongs. Ticks; nearest and farthest: where one that rests already may stay."""

    trigger: int
    nearest: int
    farthest: int


class Protector:
    """Asks for the stops that are missing and the withdrawal of those that are too many."""

    def __init__(self, settings: ProtectionSettings, decoder: Any) -> None:
        self._settings, self._decoder = settings, decoder
        self.unprotected: tuple[int, ...] = ()
        """Markets whose position has no stop, as of the last look."""
        self.bare: dict[int, int] = {}
        """Since which height each of them could have had one, or when it was last reduced for that."""

    def look(
        self, view: View, assessment: Assessment, orders: Sequence[Order], room: Callable[[], tuple[int, int]]
    ) -> list[Intent | Withdraw]:
        """What is missing. orders: all open ones. room: asked once a stop is missing, for the stateful orders that
        the chain still takes, by its equity tier and by its rates."""
        wanted: list[Intent | Withdraw] = []
        slots = budget = -1
        asked = False
        bare = []
        parts = assessment.parts
        stops: dict[int, list[Order]] = {part.market: [] for part in parts}
        for order in orders:
            if order.purpose != "protect":
                continue
            if order.market in stops:
                stops[order.market].append(order)
            elif order.state in STANDING:
                wanted.append(Withdraw(order.client_id, "no position to protect"))
        largest_first = parts if len(parts) < 2 else sorted(parts, key=_largest_first)
        for part in largest_first:
            unit = unit_of(self._decoder, part.market)
            if unit is None or abs(part.size) < unit.step_quantums:
                continue
            mine = stops[part.market]
            place = self._place(view, assessment, part, unit)
            good = [order for order in mine if self._good(order, part, place, unit, view.now_ns)]
            if good:
                if len(mine) > 1:
                    wanted += self._spare(mine, good)
                continue
            if not asked:
                (slots, budget), asked = room(), True
            if not [order for order in mine if order.state in STANDING]:
                bare.append(part.market)
                wanted += self._overdue(part, unit, view.height, slots > 0 or bool(mine))
            if slots > 0 and budget > 0:
                slots, budget = slots - 1, budget - 1
                wanted.append(self._intent(part, place, unit))
            elif slots <= 0 and mine:
                wanted += [
                    Withdraw(order.client_id, "its slot is needed for a better stop")
                    for order in mine
                    if order.state in STANDING
                ]
        self.unprotected = tuple(sorted(bare)) if bare else ()
        if self.bare:
            self.bare = {market: since for market, since in self.bare.items() if market in bare}
        return wanted

    def _overdue(self, part: Part, unit: Unit, height: int, granted: bool) -> list[Intent]:
        """A position has no stop: when that has lasted for too long it goes."""
        if not granted or height <= 0:
            self.bare.pop(part.market, None)
            return []
        since = self.bare.setdefault(part.market, height)
        if height - since < self._settings.bare_blocks_max:
            return []
        self.bare[part.market] = height
        return [self._close(part, unit, height - since)]

    def _close(self, part: Part, unit: Unit, blocks: int) -> Intent:
        sign = -1 if part.size > 0 else 1
        return Intent(
            part.market,
            SELL if part.size > 0 else BUY,
            max(1, unit.oracle_ticks(sign * self._settings.collar_ppm)),
            abs(part.size) // unit.step_quantums,
            purpose="reduce",
            reduce_only=True,
            strategy="protection",
            reasons=(Reason("bare_blocks", float(blocks), float(self._settings.bare_blocks_max), False),),
        )

    def _spare(self, mine: list[Order], good: list[Order]) -> list[Withdraw]:
        """What is too many, once one that is good is there for sure."""
        sure = [order.client_id for order in good if order.state == "acked"]
        return [
            Withdraw(order.client_id, "another stop stands")
            for order in mine
            if sure and order.client_id != sure[-1] and order.state in STANDING
        ]

    def _place(self, view: View, a: Assessment, part: Part, unit: Unit) -> Place:
        s, long, fall = self._settings, part.size > 0, part.fall
        sign = -1 if long else 1
        way_ppm = max(0, a.net - a.maintenance) * MILLION // fall if fall > 0 else MILLION
        usual = min(way_ppm * s.share_ppm // MILLION, s.distance_ppm_max)
        # one that rests may stay until it is half of what is left nearer to liquidation, or the price ran away
        wide = min(way_ppm * (MILLION + s.share_ppm) // (2 * MILLION), s.distance_ppm_max * 4 // 3)
        trigger = max(1, unit.oracle_ticks(sign * usual))
        trip = view.trip(part.market)
        stop = trip.stop_ticks if trip else 0
        if stop and (stop >= trigger if long else stop <= trigger):
            slack = max(1, stop * s.move_ppm // MILLION)
            return (
                Place(stop, stop + slack, stop - slack) if long else Place(stop, stop - slack, stop + slack)
            )
        farthest = max(1, unit.oracle_ticks(sign * max(wide, usual)))
        return Place(trigger, unit.oracle_ticks(-sign * MILLION // 2), farthest)

    def _good(self, order: Order, part: Part, place: Place, unit: Unit, now_ns: int) -> bool:
        """Whether a stop stands where it belongs, covers the position and lasts."""
        low, high = place.nearest, place.farthest
        if low > high:
            low, high = high, low
        return (
            order.state in STANDING
            and order.side == (SELL if part.size > 0 else BUY)
            and low <= order.trigger_ticks <= high
            and order.size_steps - order.filled_steps >= abs(part.size) // unit.step_quantums
            and order.good_til_s - now_ns // SECOND_NS > RENEW_S
        )

    def _intent(self, part: Part, place: Place, unit: Unit) -> Intent:
        sign = -1 if part.size > 0 else 1
        price = place.trigger * (MILLION + sign * self._settings.collar_ppm) // MILLION
        return Intent(
            part.market,
            SELL if part.size > 0 else BUY,
            max(1, price),
            abs(part.size) // unit.step_quantums,
            purpose="protect",
            kind="conditional",
            time_in_force="ioc",
            reduce_only=True,
            trigger="stop_loss",
            trigger_ticks=place.trigger,
            strategy="protection",
            reasons=(Reason("trigger_ticks", float(place.trigger), float(place.farthest), True),),
        )


def _largest_first(part: Part) -> tuple[int, int]:
    return -part.notional, part.market
