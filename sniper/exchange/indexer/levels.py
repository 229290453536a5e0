"""The levels of one order book as the Indexer counts them: totals that off-chain news of orders raise and lower.

Nothing keeps such a book from crossing, as nothing does in the real Indexer (websocket.md 6.1).
"""

from __future__ import annotations

from collections.abc import Callable

from sniper.exchange.facts import BUY, SELL

Level = tuple[int, int]
"""(subticks, quantums)"""


class Levels:
    """Two sides of levels: subticks -> [quantums, second of the last change]."""

    __slots__ = ("sides", "version")

    def __init__(self) -> None:
        self.sides: dict[int, dict[int, list[int]]] = {BUY: {}, SELL: {}}
        self.version = 0

    def change(self, side: int, subticks: int, delta: int, now_s: int) -> int:
        """Add to a level. Returns its new total, or -1 where it would be negative: then nothing changes."""
        levels = self.sides[side]
        level = levels.get(subticks)
        total = delta if level is None else level[0] + delta
        if total < 0:
            if level is not None:
                level[1] = now_s
            return -1
        self.version += 1
        if not total:
            levels.pop(subticks, None)
        elif level is None:
            levels[subticks] = [total, now_s]
        else:
            level[0], level[1] = total, now_s
        return total

    def put(self, side: int, subticks: int, quantums: int, now_s: int) -> None:
        """Set a level to a total, 0 for none."""
        held = self.sides[side].get(subticks)
        self.change(side, subticks, quantums - (held[0] if held else 0), now_s)

    def uncrossed(self, levels_max: int) -> tuple[list[Level], list[Level]]:
        """Bids and asks, best first. Where they cross, the ask falls if the bid is newer or larger, else the bid."""
        bids, asks = self._sorted()
        bid = ask = 0
        while bid < len(bids) and ask < len(asks) and bids[bid] >= asks[ask]:
            held, other = self.sides[BUY][bids[bid]], self.sides[SELL][asks[ask]]
            if held[1] > other[1] or held[0] > other[0]:
                ask += 1
            else:
                bid += 1
        return (
            [(price, self.sides[BUY][price][0]) for price in bids[bid : bid + levels_max]],
            [(price, self.sides[SELL][price][0]) for price in asks[ask : ask + levels_max]],
        )

    def best(self) -> tuple[int, int]:
        """The highest bid and the lowest ask as they stand, crossed or not; 0 for an empty side."""
        bids, asks = self.sides[BUY], self.sides[SELL]
        return max(bids) if bids else 0, min(asks) if asks else 0

    def mid(self, text: Callable[[int], str]) -> str | None:
        """Half way between the best levels of the uncrossed book, None without two sides. text: of subticks."""
        bid, ask = self.best()
        if bid >= ask > 0 and bid:
            bids, asks = self.uncrossed(1)
            bid, ask = (bids[0][0] if bids else 0), (asks[0][0] if asks else 0)
        return text((bid + ask) * 5) if bid and ask else None

    def drop_stale(self, before_s: int) -> int:
        """The job in the background: of two levels that cross the older goes, if it is old. Returns how many went."""
        bids, asks = self._sorted()
        bid = ask = gone = 0
        while bid < len(bids) and ask < len(asks) and bids[bid] >= asks[ask]:
            if self.sides[BUY][bids[bid]][1] > self.sides[SELL][asks[ask]][1]:
                side, price = SELL, asks[ask]
                ask += 1
            else:
                side, price = BUY, bids[bid]
                bid += 1
            if self.sides[side][price][1] < before_s:
                del self.sides[side][price]
                self.version += 1
                gone += 1
        return gone

    def _sorted(self) -> tuple[list[int], list[int]]:
        return sorted(self.sides[BUY], reverse=True), sorted(self.sides[SELL])
