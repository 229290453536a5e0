"""Where a resting order stands in the queue of its price, as far as the public feed lets one know.

Ahead of it are the steps displayed at its price when it came. They go by trades at that price, and by a share of what
leaves the level without a trade: somebody cancelled, before us or behind us. A trade and the fall of the level by it
come as two messages in either order and must count once. So what a fall moved us is only lent: a trade that is told
of within the next blocks takes it back before it counts itself. `ahead` and all that is lent together are never less
than what really stood before us when the first trade that was not told of yet came (with a share of 0 exactly so).
"""

from __future__ import annotations

import msgspec

from sniper.paper_settings import PPM

AGES = 3
"""A trade is told of at most so many blocks after the fall of the level by it, or before it."""


class Queue(msgspec.Struct):
    """The place of one resting order. All sizes in steps; lists by age in blocks.

    ahead: what is before us. shown: what the level displays, -1 where the book never told; then a trade at the price
    fills nothing before it does. falls: steps that left the level without a trade so far. moved: what falls moved us.
    traded: trades whose fall was not told of yet.
    """

    ahead: int
    shown: int
    falls: list[int]
    moved: list[int]
    traded: list[int]
    rest_ppm: int = 0

    def level(self, steps: int, share_ppm: int) -> None:
        """The level now displays so many steps. share_ppm: of cancelled steps, how many are taken to be before us.

        Whatever the share, no more can be before us than the level displays.
        """
        was, self.shown = self.shown, steps
        if was < 0:  # told for the first time: all of it may have been there before us
            self.ahead = max(self.ahead, steps)
            return
        fall = was - steps
        if fall <= 0:
            return
        fall -= _taken(self.traded, fall)
        credit, self.rest_ppm = divmod(self.rest_ppm + fall * share_ppm, PPM)
        before, self.ahead = self.ahead, min(max(0, self.ahead - credit), steps)
        self.falls[0] += fall
        self.moved[0] += before - self.ahead

    def trade(self, steps: int) -> int:
        """So many steps traded at our price. Returns how many of them came as far as us."""
        if self.shown < 0:
            return 0
        self.traded[0] += steps - _taken(self.falls, steps)
        self.ahead += _taken(self.moved, steps)
        return self.beyond(steps)

    def beyond(self, steps: int) -> int:
        """So many steps traded, or are offered, at a price beyond ours: first to those ahead. Returns what is left."""
        reached = max(0, steps - self.ahead)
        self.ahead = max(0, self.ahead - steps)
        self.shown = max(0, self.shown)
        return reached

    def block(self) -> None:
        """A block went by: what was lent grows older, the oldest is ours."""
        for ages in (self.falls, self.moved, self.traded):
            ages.pop()
            ages.insert(0, 0)


def joined(shown: int) -> Queue:
    """A place at the end of a level that displays so many steps, -1: not told."""
    return Queue(max(shown, 0), shown, [0] * AGES, [0] * AGES, [0] * AGES)


def _taken(ages: list[int], most: int) -> int:
    """Take up to `most` out of these ages, the oldest first. Returns how much there was."""
    left = most
    for age in range(AGES - 1, -1, -1):
        part = min(left, ages[age])
        ages[age] -= part
        left -= part
    return most - left
