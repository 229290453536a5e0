"""How a taker meets the book: the levels of the uncrossed view, less what we took of them ourselves.

The market of the feed does not know of our orders. What one of them took from a level is remembered until that level
is told of again, so that two orders do not take the same liquidity twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from sniper._ext.tape import TRUST_NAMES
from sniper.trading import BUY
from sniper.venues.order import PaperOrder

LIVE, CROSSED = TRUST_NAMES.index("live"), TRUST_NAMES.index("crossed")
STEPS_MAX = 1 << 62
TAKEN_MAX = 1 << 16
"""Levels remembered as taken from; the oldest are forgotten beyond."""

Level = tuple[int, int, int]
"""(market, side of the book, ticks)."""


class Meeting(NamedTuple):
    """What a taker meets next: so many steps at a price, or (steps 0) an order of our own."""

    ticks: int
    steps: int
    maker: PaperOrder | None = None


def beyond(side: int, ticks: int, limit: int) -> bool:
    """Whether a price on the other side is strictly better for an order of `side` than its limit."""
    return ticks < limit if side == BUY else ticks > limit


class Depth:
    """The books as they are left for us."""

    def __init__(self, books: Any) -> None:
        self._books = books
        self._trust = books.tops["trust"]
        self.taken: dict[Level, int] = {}
        """Steps that we took from a level since it was told of last, oldest first."""
        self.instead: tuple[int, int] | None = None
        """(market, ticks): there all of the other side stands, whatever the book shows (fill model `bars`)."""

    def live(self, market: int) -> bool:
        """Whether the book may be matched against; a stale or empty one may not."""
        return int(self._trust[market]) in (LIVE, CROSSED)

    def uncrossed(self, market: int) -> bool:
        """Whether the book is trusted and not even its raw levels cross."""
        return int(self._trust[market]) == LIVE

    def best(self, market: int, side: int) -> int:
        """The best price of one side of the view, 0: none. What we took is not looked at."""
        bid, _, ask, _ = self._books.top(market)
        return int(ask if side else bid)

    def levels(self, market: int, side: int, limit: int) -> list[tuple[int, int]]:
        """(ticks, steps) of one side of the book up to and including `limit`, best first. Empty if not live."""
        if self.instead is not None and self.instead[0] == market:
            ticks = self.instead[1]
            return [] if (ticks > limit if side else ticks < limit) else [(ticks, STEPS_MAX)]
        if not self.live(market):
            return []
        found = []
        for ticks, steps in self._books.levels(market, side).tolist():
            if ticks > limit if side else ticks < limit:
                break
            left = steps - self.taken.get((market, side, ticks), 0)
            if left > 0:
                found.append((ticks, left))
        return found

    def shown(self, market: int, side: int, ticks: int) -> int:
        """Steps displayed at a price of the raw book; -1 where the book does not tell.

        It does not tell of prices worse than its worst level: snapshots end after a hundred.
        """
        if not self.live(market):
            return -1
        levels = self._books.levels(market, side, raw=True)
        if not len(levels):
            return 0
        worst = int(levels[-1, 0])
        if ticks > worst if side else ticks < worst:
            return -1
        same = levels[levels[:, 0] == ticks]
        return int(same[0, 1]) if len(same) else 0

    def take(self, market: int, side: int, ticks: int, steps: int) -> None:
        """Remember that so many steps of a level are ours now."""
        if self.instead is not None:
            return  # no level of the book: the feed would never tell of it
        key = (market, side, ticks)
        self.taken[key] = self.taken.get(key, 0) + steps
        if len(self.taken) > TAKEN_MAX:
            del self.taken[next(iter(self.taken))]

    def told(self, market: int, side: int, ticks: int) -> None:
        """The feed told of a level: what it says is all there is."""
        if self.taken:
            self.taken.pop((market, side, ticks), None)

    def told_all(self, market: int) -> None:
        """A new snapshot of a book."""
        for key in [key for key in self.taken if key[0] == market]:
            del self.taken[key]


def meetings(
    levels: Iterable[tuple[int, int]], makers: Iterable[PaperOrder], side: int, limit: int
) -> Iterator[Meeting]:
    """What a taker of `side` meets on its way to `limit`, in the order of price and time.

    levels: of the other side, best first. makers: our own resting orders there, best first. At one price an order of
    ours comes behind those that stood there before it.
    """
    own = [maker for maker in makers if not beyond(side, limit, maker.price)]
    for ticks, steps in levels:
        passed = 0
        while own and not beyond(side, ticks, own[0].price):
            maker = own[0]
            if maker.price == ticks:
                first = min(steps, maker.queue.ahead) - passed
                if first > 0:
                    passed += first
                    yield Meeting(ticks, first)
            yield Meeting(maker.price, 0, own.pop(0))
        if steps > passed:
            yield Meeting(ticks, steps - passed)
    for maker in own:
        yield Meeting(maker.price, 0, maker)
