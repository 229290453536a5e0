"""Trades of one market: clumps in a block, and the recent ones for a snapshot.

Prices are whole hundredths of a tick, because deleveraging trades happen at a bankruptcy price off the tick
grid.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from math import sqrt
from typing import NamedTuple

from sniper.feed.sim import shapes
from sniper.feed.sim.book import Book
from sniper.feed.sim.text import iso, trade_id, writer
from sniper.feed.sim.universe import Spec
from sniper.feed.sim.walk import BLOCK_S

CENTS = 100  # price units to a tick
LIQUIDATED_SHARE = 0.004
DELEVERAGED_SHARE = 0.0004
DAY_S = 86_400.0
HEAT_MEAN = 1.27  # of walk times weather, as bounded below

_TRADE = shapes.inverse(shapes.TRADE_USD)
_WAIT = shapes.inverse(shapes.WAIT)
_CLUMP_MEAN = sum(shapes.CLUMP) / len(shapes.CLUMP)
SLOTS = shapes.SLOTS


class Trade(NamedTuple):
    """One trade; side 0 BUY 1 SELL (the taker's), price in hundredths of a tick."""

    ns: int
    height: int
    event: int
    side: int
    price: int
    steps: int
    kind: str


class Trades:
    """The trades of one market. `recent` holds the last ones as the snapshot writes them, oldest first."""

    __slots__ = ("_price_text", "_size_text", "_steps_per_usd", "chance", "random", "recent")

    def __init__(self, spec: Spec, index_ticks: float, keep: int, random: Callable[[], float]) -> None:
        self.random = random
        self.chance = spec.trades_per_day / DAY_S * BLOCK_S / _CLUMP_MEAN / HEAT_MEAN
        self._steps_per_usd = spec.depth * 10 ** (spec.tick_decimals + spec.step_decimals) / index_ticks
        self._price_text = writer(spec.tick_decimals + 2)
        self._size_text = writer(spec.step_decimals)
        self.recent: deque[str] = deque(maxlen=keep)

    def _steps(self) -> int:
        at = self.random() * SLOTS
        left = int(at)
        return max(
            1, int((_TRADE[left] + (_TRADE[left + 1] - _TRADE[left]) * (at - left)) * self._steps_per_usd)
        )

    def _kind(self) -> str:
        draw = self.random()
        if draw >= LIQUIDATED_SHARE:
            return "LIMIT"
        return "DELEVERAGED" if draw < DELEVERAGED_SHARE else "LIQUIDATED"

    def clump(self, book: Book, heat: float, ns: int, height: int, event: int) -> list[Trade]:
        """The trades of this block, mostly none; they take from the book. `event`: the first one's index."""
        random = self.random
        if random() >= self.chance * min(max(heat, 0.4), 3.0):
            return []
        mid = (book.bid + book.ask) / 2
        # Takers lean towards where the price is going.
        side = 0 if random() < (0.65 if book.target_ticks > mid else 0.35) else 1
        trades = []
        for _ in range(shapes.CLUMP[int(random() * len(shapes.CLUMP))]):
            kind = self._kind()
            tick, steps = book.take(1 - side, self._steps())
            price = tick * CENTS
            if kind == "DELEVERAGED":
                price += int((random() - 0.5) * CENTS * 20)
            trade = Trade(ns, height, event, side, price, steps, kind)
            trades.append(trade)
            self.recent.append(self.snapshot_text(trade))
            event += 1 + int(random() * 3)
            if random() < 0.15:
                side = 1 - side
        return trades

    def past(self, count: int, ns: int, height: int, index_ticks: float, sigma: float) -> list[Trade]:
        """Trades from before the start, oldest first: the walk run backwards from `index_ticks`."""
        random = self.random
        trades: list[Trade] = []
        price = index_ticks
        while self.chance and len(trades) < count:
            draw = random() * SLOTS
            left = int(draw)
            blocks = 1 + int((_WAIT[left] + (_WAIT[left + 1] - _WAIT[left]) * (draw - left)) / self.chance)
            height -= blocks
            ns -= blocks * int(BLOCK_S * 1000) * 1_000_000
            move = sigma * sqrt(blocks) * (random() + random() + random() - 1.5) * 2.0
            price = min(max(price * (1.0 + move), index_ticks / 2), index_ticks * 2)
            side = int(random() * 2)
            for event in range(shapes.CLUMP[int(random() * len(shapes.CLUMP))] - 1, -1, -1):
                tick = int(price) + 1 - side
                trades.append(Trade(ns, height, event, side, tick * CENTS, self._steps(), "LIMIT"))
        trades = trades[:count]
        trades.reverse()
        self.recent.extend(map(self.snapshot_text, trades))
        return trades

    def update_text(self, trade: Trade) -> str:
        """A trade as an update writes it: without its height."""
        return (
            f'{{"id":"{trade_id(trade.height, 0, trade.event)}","size":"{self._size_text(trade.steps)}",'
            f'"price":"{self._price_text(trade.price)}","side":"{"SELL" if trade.side else "BUY"}",'
            f'"createdAt":"{iso(trade.ns)}","type":"{trade.kind}"}}'
        )

    def snapshot_text(self, trade: Trade) -> str:
        """A trade as a snapshot writes it."""
        return (
            f'{{"id":"{trade_id(trade.height, 0, trade.event)}","side":"{"SELL" if trade.side else "BUY"}",'
            f'"size":"{self._size_text(trade.steps)}","price":"{self._price_text(trade.price)}",'
            f'"type":"{trade.kind}","createdAt":"{iso(trade.ns)}","createdAtHeight":"{trade.height}"}}'
        )
