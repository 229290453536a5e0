"""The queue of one price, order by order, ours among them: the twin of the paper venue's queue knows the truth.

The venue only hears what a feed tells: totals of the level and trades, each late by less than two blocks, in either
order. `play` lets both run and raises where the venue fills before the turn of our order.
"""

from __future__ import annotations

from collections import deque

from sniper.venues.queue import joined

OURS = -1


class Street:
    """One price level, order by order. Others have ids from 0 on; `line` is the queue, front first."""

    def __init__(self, ahead: list[int], size: int) -> None:
        self.sizes: dict[int, int] = dict(enumerate(ahead))
        self.line = [*self.sizes, OURS]
        self.sizes[OURS] = size
        self.filled = 0
        self.next = len(ahead)
        self.gone = 0

    @property
    def total(self) -> int:
        """What the feed displays: it does not know of us."""
        return sum(size for who, size in self.sizes.items() if who != OURS)

    def add(self, size: int) -> None:
        self.sizes[self.next] = size
        self.line.append(self.next)
        self.next += 1

    def cancel(self, which: int) -> None:
        others = [who for who in self.line if who != OURS]
        if others:
            who = others[which % len(others)]
            self.line.remove(who)
            self.gone += self.sizes.pop(who)

    def trade(self, size: int) -> int:
        """The recorded market trades `size` of its own orders; `filled` notes what of it would have reached us."""
        size = min(size, self.total)
        ahead = 0
        for who in self.line:
            if who == OURS:
                break
            ahead += self.sizes[who]
        self.filled += max(0, min(size - ahead, self.sizes[OURS] - self.filled))
        left = size
        for who in [who for who in self.line if who != OURS]:
            part = min(left, self.sizes[who])
            self.sizes[who] -= part
            left -= part
            if not self.sizes[who]:
                self.line.remove(who)
                del self.sizes[who]
        return size


class Heard:
    """The venue's side: a queue that is told of levels and trades when they arrive."""

    def __init__(self, street: Street, size: int, share_ppm: int) -> None:
        self.queue = joined(street.total)
        self.left, self.share_ppm = size, share_ppm
        self.levels: deque[tuple[int, int]] = deque()
        self.trades: deque[tuple[int, int, int]] = deque()
        self.filled = 0
        self.block = 0
        self.bound = 0
        """What can have come as far as us at most: all that traded or left, less what was ahead."""

    def level(self) -> None:
        if self.levels:
            _, total = self.levels.popleft()
            self.queue.level(total, self.share_ppm)

    def trade(self) -> None:
        if self.trades:
            _, size, true_filled = self.trades.popleft()
            part = min(self.queue.trade(size), self.left)
            self.left -= part
            self.filled += part
            assert self.share_ppm or self.filled <= true_filled, "filled before its turn"
            assert self.filled <= self.bound, "filled before so much traded or left"

    def next_block(self) -> None:
        """A block goes by; news of the one before have all come by now."""
        self.block += 1
        while self.levels and self.levels[0][0] < self.block - 1:
            self.level()
        while self.trades and self.trades[0][0] < self.block - 1:
            self.trade()
        self.queue.block()


def play(ahead: list[int], size: int, events: list[tuple[str, int]], share_ppm: int) -> tuple[Street, Heard]:
    """Let these events happen: ("add" | "cancel" | "trade", n), ("hear level" | "hear trade" | "block", 0)."""
    street = Street(ahead, size)
    heard = Heard(street, size, share_ppm)
    traded = 0
    for what, value in events:
        if what == "hear level":
            heard.level()
        elif what == "hear trade":
            heard.trade()
        elif what == "block":
            heard.next_block()
        else:
            if what == "add":
                street.add(value)
            elif what == "cancel":
                street.cancel(value)
            else:
                found = street.trade(value)
                traded += found
                if found:
                    heard.trades.append((heard.block, found, street.filled))
            heard.bound = max(0, min(traded, traded + street.gone - sum(ahead)))
            heard.levels.append((heard.block, street.total))
    while heard.levels:
        heard.level()
    while heard.trades:
        heard.trade()
    return street, heard
