"""Whether a block did nothing to us but go by, which is what most blocks do while we hold a position and wait.

What `Blocks` would do with a block depends on our orders, what we hold, the terms of the markets, the time of the block
and the prices told of since the one before. While none of ours rests, the first three change only in ticks that do not
pass here. So they are looked at once, and come to a time and to bounds of prices that hold until such a tick. A tick
that does not pass is taken as if there were nothing here: what passes may be less than what does nothing to us.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from sniper._ext.extremes import Bounds
from sniper._ext.tape import Tape
from sniper.venues.blocks import SECOND_NS, Blocks
from sniper.venues.floor import Floor
from sniper.venues.order import UNTRIGGERED
from sniper.venues.terms import Price, compared

FAR = (1 << 63) - 1
LOW, HIGH = 0, 1


class Quiet:
    """Lets the ticks of a floor and its blocks pass. wanted (uint8 by market): not 0 where a market is followed."""

    def __init__(self, tape: Tape, wanted: NDArray[np.uint8], floor: Floor, blocks: Blocks) -> None:
        self._floor, self._blocks = floor, blocks
        self._bounds = Bounds(tape, wanted, floor.markets.oracle, partial(tuple.__new__, Price))
        self._known = False

    def changed(self) -> None:
        """Orders, holdings or terms may be others than before."""
        self._known = False

    def passed(self, height: int) -> int:
        """The height of the block of this tick, if all that the tick did is taken in with this; -1 if nothing is.

        height: of the last block that was carried out.
        """
        if not (self._known or self._look()):
            return -1
        floor = self._floor
        if floor.ledger.holdings and floor.collateral.liquidatable():
            return -1
        found = self._bounds.passed(height)
        if found >= 0:
            floor.memory.reach(found)
            self._blocks.forget_traded()
        return found

    def _look(self) -> bool:
        """Find out until when, and between which prices, nothing can happen. False: something can, with any block."""
        floor, state = self._floor, self._blocks.state
        if floor.resting_count or floor.depth.taken or state.cancelling:
            return False
        orders = floor.orders.values()
        if any(order.state != UNTRIGGERED for order in orders) or self._blocks.finally_settled():
            return False
        if bool(floor.ledger.holdings) != bool(state.hour_ns):
            return False  # the block begins or ends the wait for an hour
        times = [order.good_til_s * SECOND_NS for order in orders]
        if state.hour_ns:
            times.append(state.hour_ns)
        bounds = self._triggers()
        if bounds is None:
            return False
        try:
            self._bounds.set(min(times, default=FAR), bounds)
        except (ValueError, OverflowError):  # more than the kernel compares
            return False
        self._known = True
        return True

    def _triggers(self) -> list[tuple[int, int, int, int]] | None:
        """(market, highest trigger below, lowest above, decimals). None: a price that is known lies not between."""
        floor, state = self._floor, self._blocks.state
        found: dict[int, list[int]] = {}
        for order in floor.orders.values():
            trigger = order.trigger_ticks * floor.markets.known(order.market).tick
            bound = found.setdefault(order.market, [0, FAR])
            if order.rising:
                bound[HIGH] = min(bound[HIGH], trigger)
            else:
                bound[LOW] = max(bound[LOW], trigger)
        bounds = []
        for market, (fall, rise) in found.items():
            decimals = floor.markets.known(market).tick_decimals
            for known in (floor.markets.oracle, state.low, state.high):
                price = known.get(market)
                if price is not None and not (
                    compared(Price(fall, decimals), price) < 0 < compared(Price(rise, decimals), price)
                ):
                    return None
            bounds.append((market, fall, rise, decimals))
        return bounds
