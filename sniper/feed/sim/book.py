"""One order book: levels that come, change and go as recorded order flow does.

The book is kept in whole ticks and steps. The best prices move only by `retreat` and `improve`, which
follow the walk, so the book is never crossed; all other changes hit levels behind the touch. Placed levels
wait in lists (near, deep, slow) from which a removal picks any, so that lives are exponential. Every change
is appended to `changes`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt

from sniper.feed.sim import shapes
from sniper.feed.sim.universe import Spec
from sniper.feed.sim.walk import BLOCK_S

Change = tuple[int, int, int]
"""(side, tick, steps): side 0 bid, 1 ask; steps is the new total of the level, 0 removes it."""

SLOT_NS = 50_000_000  # the flush interval of the node that the Indexer follows
QUIET_SLOTS = 5  # a quiet market moves once in this many slots
QUIET_BELOW = 40.0  # level changes a second
LEVELS_MIN = 110  # a side, so that a snapshot of 100 is always full
LEVELS_MAX = 700  # a side
SIZES = 256  # sizes in use at a time; they are renewed one by one
TOUCH_BPS = 1.0  # levels this close to the touch have sizes like it
BEST_CHANGES_PER_S = 2.2
WIDE_S = 0.2  # how long an opened spread stays open

SLOTS = shapes.SLOTS
_DISTANCE = shapes.inverse(shapes.DISTANCE_BPS)
_BURST = shapes.inverse(shapes.BURST)
_SIZE = shapes.inverse(shapes.SIZE_USD)
_TOUCH = shapes.inverse(shapes.TOUCH_USD)
_STEP_BACK = shapes.inverse(shapes.STEP_BACK)
_BURST_MEAN = shapes.mean(_BURST)


class Book:
    """The levels of one market. `sides[0]` bids, `sides[1]` asks: tick -> steps. Empty when settled."""

    __slots__ = (
        "_burst",
        "_calm",
        "_distance",
        "_narrow",
        "_near",
        "_normal",
        "_open",
        "_pools",
        "_reach",
        "_removals",
        "_renewed",
        "_scale",
        "_sizes",
        "_steps_per_usd",
        "_struck",
        "_touch",
        "_touches",
        "ask",
        "bid",
        "changes",
        "next_ns",
        "random",
        "sides",
        "slot_ns",
        "target_ticks",
    )

    def __init__(self, spec: Spec, target_ticks: float, start_ns: int, random: Callable[[], float]) -> None:
        self.random = random
        self.target_ticks = target_ticks
        self.changes: list[Change] = []
        self.sides: tuple[dict[int, int], dict[int, int]] = ({}, {})
        rate = spec.changes_per_s
        quiet = rate < QUIET_BELOW
        self.slot_ns = SLOT_NS * QUIET_SLOTS if quiet else SLOT_NS
        self.next_ns = start_ns + SLOT_NS * (1 + int(random() * QUIET_SLOTS) if quiet else 1)
        slot_s = self.slot_ns / 1e9
        self._burst = rate * slot_s / _BURST_MEAN
        tick_bps = 1e4 / target_ticks
        self._normal = max(1, int(spec.spread_bps / tick_bps + 0.5))
        self._scale = max(0.11, 0.1 * spec.spread_bps) / tick_bps
        self._touch = int(TOUCH_BPS / tick_bps)
        self._near = int(shapes.NEAR_BPS / tick_bps)
        self._distance = [bps / tick_bps for bps in _DISTANCE]
        self._open = BEST_CHANGES_PER_S * 0.53 * sqrt(rate / 300.0) * slot_s
        self._narrow = min(0.7, slot_s / WIDE_S)
        # After a block everyone quotes anew: that slot draws from the top of the burst table, the others
        # from below.
        self._calm = max(0.1, 1.0 - slot_s / BLOCK_S)
        self._struck = False
        near_share = sum(bps < shapes.NEAR_BPS for bps in _DISTANCE) / SLOTS
        deep_share = shapes.PLACE * (1.0 - near_share)
        removals, targets = [], []
        for share, life_s, least in (
            (shapes.PLACE * near_share, shapes.NEAR_LIFE_S, 15.0),
            (deep_share * (1.0 - shapes.SLOW_SHARE), shapes.DEEP_LIFE_S, 20.0),
            (deep_share * shapes.SLOW_SHARE, shapes.SLOW_LIFE_S, 130.0),
        ):
            targets.append(max(least, rate / 2 * share * life_s))
            removals.append(share / targets[-1])
        self._removals = tuple(removals)
        self._steps_per_usd = spec.depth * 10 ** (spec.tick_decimals + spec.step_decimals) / target_ticks
        self._sizes = [self._draw(_SIZE) for _ in range(SIZES)]
        self._touches = [self._draw(_TOUCH) for _ in range(SIZES)]
        self._renewed = 0
        # Where levels behind the touch wait for their removal: near, deep and slow ones, for each side. They
        # may name levels that are gone, or the touch itself; those are forgotten when they are picked.
        self._pools: tuple[tuple[list[int], ...], ...] = (([], [], []), ([], [], []))
        self._reach = [0, 0]  # ticks behind the touch that held the levels that were asked for last
        self.bid = int(target_ticks - self._normal / 2)
        self.ask = self.bid + self._normal
        if rate:
            self._fill(targets)

    def _draw(self, table: list[float]) -> int:
        at = self.random() * SLOTS
        left = int(at)
        usd = table[left] + (table[left + 1] - table[left]) * (at - left)
        return max(1, int(usd * self._steps_per_usd))

    def _fill(self, targets: Sequence[float]) -> None:
        """Rest as many levels as there are in the long run, and as many as a snapshot needs."""
        for side, best in ((0, self.bid), (1, self.ask)):
            levels, (near, deep, slow) = self.sides[side], self._pools[side]
            levels[best] = self._touches[0]
            for _ in range(4 * int(targets[0] + targets[1] + targets[2])):
                tick = self._place_tick(side)
                pool, target = (near, targets[0]) if abs(tick - best) < self._near else (deep, targets[1])
                if pool is deep and len(pool) >= target:
                    pool, target = slow, targets[2]
                if tick not in levels and len(pool) < target:
                    pool.append(tick)
                    levels[tick] = self._sizes[int(self.random() * SIZES)]
            tick = best
            while len(levels) < LEVELS_MIN:
                tick += 1 if side else -1
                if tick not in levels:
                    slow.append(tick)
                    levels[tick] = self._sizes[int(self.random() * SIZES)]

    def _place_tick(self, side: int) -> int:
        at = self.random() * SLOTS
        left = int(at)
        low = self._distance[left]
        away = 1 + int(low + (self._distance[left + 1] - low) * (at - left))
        if side:
            return self.ask + away
        tick = self.bid - away
        # Farther below than zero: somewhere in the lower half of the book instead.
        return tick if tick > 0 else 1 + int((0.2 + 0.7 * (at - left)) * (self.bid - 1))

    def _set(self, side: int, tick: int, steps: int) -> None:
        self.sides[side][tick] = steps
        self.changes.append((side, tick, steps))

    def run(self, until_ns: int) -> None:
        """Let every slot that ends up to and including `until_ns` happen."""
        while self.next_ns <= until_ns:
            self.next_ns += self.slot_ns
            if self._burst:
                self._slot()

    def renew(self) -> None:
        """A block: everyone quotes anew. One new size comes into use, so that they never run out."""
        self._struck = True
        at = self._renewed = (self._renewed + 1) % SIZES
        self._sizes[at] = self._draw(_SIZE)
        self._touches[at] = self._draw(_TOUCH)
        for side, levels in enumerate(self.sides):
            # A leap of the price or too many removals have eaten a side: quote beyond its far end.
            tick = self.ask if side else self.bid
            while levels and len(levels) < LEVELS_MIN and tick > 1:
                tick += 1 if side else -1
                if tick not in levels:
                    self._pools[side][2].append(tick)
                    self._set(side, tick, self._sizes[int(self.random() * SIZES)])

    def _slot(self) -> None:
        random = self.random
        draw = random()
        if self.ask - self.bid > self._normal:
            if draw < self._narrow:
                self._close_up()
        elif draw < self._open:
            self._open_up(draw / self._open)
        share = random()
        if self._struck:
            self._struck = False
            share = self._calm + (1.0 - self._calm) * share
        else:
            share *= self._calm
        count = int(_BURST[int(share * SLOTS)] * self._burst + random())
        sizes = self._sizes
        emit = self.changes.append
        distance, bids, asks = self._distance, *self._pools
        near_removal, deep_removal, slow_removal = self._removals
        for _ in range(count):
            kind = random() * 2.0
            if kind < 1.0:
                side, best = 0, self.bid
                near, deep, slow = bids
            else:
                side, best = 1, self.ask
                near, deep, slow = asks
                kind -= 1.0
            levels = self.sides[side]
            if kind < shapes.PLACE:
                at = random() * SLOTS
                left = int(at)
                at -= left
                low = distance[left]
                away = 1 + int(low + (distance[left + 1] - low) * at)
                if side:
                    tick = best + away
                else:
                    tick = best - away
                    if tick <= 0:
                        # Farther below than zero: somewhere in the lower part of the book instead.
                        tick = 1 + int((0.2 + 0.7 * at) * (best - 1))
                if tick in levels and tick > 2:
                    tick += 1 if side else -1  # most quote a price of their own
                steps = (self._touches if away < self._touch else sizes)[int(random() * SIZES)]
                if tick not in levels:
                    if len(levels) >= LEVELS_MAX:
                        continue
                    (near if away < self._near else slow if at < shapes.SLOW_SHARE else deep).append(tick)
                levels[tick] = steps
                emit((side, tick, steps))
                continue
            kind -= shapes.PLACE
            if kind < shapes.TOUCH:
                levels[best] = steps = self._touches[int(random() * SIZES)]
                emit((side, best, steps))
                continue
            kind -= shapes.TOUCH
            pool = near
            chance = near_removal * len(near)
            if kind >= chance:
                kind -= chance
                pool = deep
                chance = deep_removal * len(deep)
                if kind >= chance:
                    kind -= chance
                    pool = slow
                    chance = slow_removal * len(slow)
            if kind < chance:
                index = int(kind / chance * len(pool))
                tick = pool[index]
                pool[index] = pool[-1]
                pool.pop()
                if tick != best:
                    if tick in levels:
                        del levels[tick]
                        emit((side, tick, 0))
                    continue
            else:
                pool = near if random() < shapes.UPDATE_NEAR else deep
                tick = pool[int(random() * len(pool))] if pool else best
            if tick in levels:
                levels[tick] = steps = (self._touches if tick == best else sizes)[int(random() * SIZES)]
                emit((side, tick, steps))

    def _open_up(self, share: float) -> None:
        """One side steps back; when the walk has run away, both sides move after it at once."""
        back = max(1, int(_STEP_BACK[int(share * SLOTS)] * self._scale + 0.5))
        gap = self.target_ticks - (self.bid + self.ask) / 2
        if gap > 2 * back + self._normal:
            self.retreat(1, int(gap))
            self.improve(0, int(gap))
        elif gap < -2 * back - self._normal:
            self.retreat(0, int(-gap))
            self.improve(1, int(-gap))
        elif gap >= 1 or (gap > -1 and self.random() < 0.5):
            self.retreat(1, back)
        else:
            self.retreat(0, back)

    def _close_up(self) -> None:
        """The spread closes: the other side follows, or the same one comes back, as the walk asks for."""
        excess = self.ask - self.bid - self._normal
        self.improve(0 if self.target_ticks > (self.bid + self.ask) / 2 else 1, excess)

    def retreat(self, side: int, ticks: int) -> None:
        """The best price of a side moves away from the other side; what it leaves is removed, best last."""
        levels = self.sides[side]
        if side:
            old = self.ask
            self.ask = best = old + ticks
            left: range | list[int] = range(best - 1, old - 1, -1)
        else:
            old = self.bid
            self.bid = best = max(2, old - ticks)
            left = range(best + 1, old + 1)
        if best not in levels:
            self._set(side, best, self._touches[int(self.random() * SIZES)])
        if ticks > len(levels):
            left = sorted(
                (tick for tick in levels if (tick < best if side else tick > best)), reverse=bool(side)
            )
        for tick in left:
            if tick in levels:
                del levels[tick]
                self.changes.append((side, tick, 0))

    def improve(self, side: int, ticks: int) -> None:
        """The best price of a side moves towards the other side, which must be farther away than that."""
        if side:
            old = self.ask
            self.ask = best = old - ticks
        else:
            old = self.bid
            self.bid = best = old + ticks
        assert self.bid < self.ask, "a book that crosses itself"
        self._pools[side][0].append(old)
        self._set(side, best, self._touches[int(self.random() * SIZES)])

    def take(self, side: int, usd_steps: int) -> tuple[int, int]:
        """A taker hits the best level of a side with up to so many steps. Returns (tick, steps traded)."""
        best = self.ask if side else self.bid
        resting = self.sides[side][best]
        if usd_steps < resting:
            self._set(side, best, resting - usd_steps)
            return best, usd_steps
        self.retreat(side, max(1, int(_STEP_BACK[int(self.random() * SLOTS)] * self._scale + 0.5)))
        return best, resting

    def best(self, depth: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """The best `depth` levels of both sides, best first: (tick, steps)."""
        bids, asks = self.sides
        return (
            [(tick, bids[tick]) for tick in self._first(0, depth)],
            [(tick, asks[tick]) for tick in self._first(1, depth)],
        )

    def _first(self, side: int, depth: int) -> list[int]:
        """The ticks of the best `depth` levels, best first. Only those about as near as last time are sorted."""
        levels = self.sides[side]
        far = self.ask + self._reach[1] if side else self.bid - self._reach[0]
        near = sorted([tick for tick in levels if (tick <= far if side else tick >= far)], reverse=not side)
        if len(near) < depth and len(near) < len(levels):
            near = sorted(levels, reverse=not side)
        found = near[:depth]
        if found:
            self._reach[side] = 1 + abs(found[-1] - found[0]) * 5 // 4
        return found
