"""The naive twin of the book kernel: a dict of levels a side, sorted anew for every question.

Rows are dicts as tests/reference_decode.py makes them; `apply` stamps `bid` and `ask` on them. Trust,
crossings
and the uncrossed view follow issue 2 and section 6.1 of the protocol notes: a local update counter a level,
the
levels of one snapshot share one, and the loser of a crossed pair is masked, never deleted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

BID, ASK = 0, 1
EMPTY, LIVE, CROSSED, STALE, REBUILDING = range(5)
SNAPSHOT, RETICKED = 1, 512
ORDERBOOK, CLOSED = 1, 3


class Level(NamedTuple):
    """One price of one side: how much rests there, and which update said so."""

    ticks: int
    steps: int
    counter: int


def best_first(levels: Iterable[Level], side: int) -> list[Level]:
    """The levels, best price first."""
    return sorted(levels, key=lambda level: level.ticks, reverse=side == BID)


def uncrossed(bids: list[Level], asks: list[Level]) -> tuple[list[Level], list[Level]]:
    """The view of a book in which no bid reaches an ask. Both lists best first; nothing is changed.

    While the best bid is at or above the best ask the older update of the two is masked; when both come from
    one update the smaller size is masked; equal sizes mask both.
    """
    b = a = 0
    while b < len(bids) and a < len(asks) and bids[b].ticks >= asks[a].ticks:
        bid, ask = bids[b], asks[a]
        mine, theirs = (bid.counter, bid.steps), (ask.counter, ask.steps)
        b += mine <= theirs
        a += theirs <= mine
    return bids[b:], asks[a:]


@dataclass
class Book:
    """One market."""

    sides: tuple[dict[int, Level], dict[int, Level]] = field(default_factory=lambda: ({}, {}))
    state: int = EMPTY
    stale: bool = False
    connection: int = 0
    counter: int = 0
    snapshots: int = 0
    unknown_removes: int = 0
    orphans: int = 0
    crossings: int = 0
    crossed_ns: int = 0
    crossed_since_ns: int | None = None

    def raw(self, side: int) -> list[Level]:
        """All levels, best first."""
        return best_first(self.sides[side].values(), side)

    def view(self) -> tuple[list[Level], list[Level]]:
        """The uncrossed view, best first."""
        return uncrossed(self.raw(BID), self.raw(ASK))

    def top(self) -> tuple[int, int]:
        """Best bid and ask of the uncrossed view in ticks, 0 where there is none."""
        bids, asks = self.view()
        return (bids[0].ticks if bids else 0, asks[0].ticks if asks else 0)

    def raw_top(self) -> tuple[int, int]:
        """Best bid and ask as they stand, 0 where there is none."""
        return max(self.sides[BID], default=0), min(self.sides[ASK], default=0)

    @property
    def crossed(self) -> bool:
        """Whether the raw book is crossed or locked now."""
        bids, asks = self.sides
        return bool(bids) and bool(asks) and max(bids) >= min(asks)

    def set(self, side: int, ticks: int, steps: int, counter: int) -> None:
        """One absolute level total. 0 removes; removing what is not there is normal and counted."""
        levels = self.sides[side]
        if steps:
            levels[ticks] = Level(ticks, steps, counter)
        elif levels.pop(ticks, None) is None:
            self.unknown_removes += 1

    @property
    def trust(self) -> int:
        """How far the book can be trusted."""
        if self.state != LIVE:
            return self.state
        return STALE if self.stale else CROSSED if self.crossed else LIVE

    def time_crossing(self, now_ns: int) -> None:
        """Count a crossing when it begins, its duration when it ends."""
        if self.crossed and self.crossed_since_ns is None:
            self.crossings += 1
            self.crossed_since_ns = now_ns
        elif not self.crossed and self.crossed_since_ns is not None:
            self.crossed_ns += now_ns - self.crossed_since_ns
            self.crossed_since_ns = None

    def give_up(self, state: int) -> None:
        """Empty; what comes before the next snapshot does not count. A book that waits already goes on
        waiting."""
        if self.state == LIVE or state == EMPTY:
            self.clear()
            self.state, self.stale = state, False

    def clear(self) -> None:
        """No levels."""
        self.sides[BID].clear()
        self.sides[ASK].clear()


class BooksTwin:
    """All books. `apply` takes the rows of a tick in order and stamps them."""

    def __init__(self) -> None:
        self.books: dict[int, Book] = {}

    def apply(self, rows: list[dict[str, Any]]) -> None:
        """Every row: first its effect, then the stamp."""
        for row in rows:
            self.effect(row)
            book = self.books.get(row["market"])
            if book is not None:
                row["bid"], row["ask"] = book.top()

    def effect(self, row: dict[str, Any]) -> None:
        """What one row does to the books."""
        kind, now_ns = row["kind"], row["recv_ns"]
        if kind == "BOOK":
            book = self.books.setdefault(row["market"], Book())
            book.clear()
            book.state, book.connection, book.stale = LIVE, row["ref"], False
            book.snapshots += 1
            book.counter += 1
        elif kind == "LEVEL":
            book = self.books.setdefault(row["market"], Book())
            if book.state != LIVE:
                book.orphans += 1
                return
            book.counter += 0 if row["flags"] & SNAPSHOT else 1
            book.set(row["side"], row["price"], row["size"], book.counter)
        elif kind == "MARKET" and row["flags"] & RETICKED and row["market"] in self.books:
            book = self.books[row["market"]]
            book.give_up(REBUILDING)
        elif kind == "UNSUBSCRIBED" and row["side"] == ORDERBOOK and row["market"] in self.books:
            book = self.books[row["market"]]
            if book.connection == row["ref"]:
                book.give_up(REBUILDING)
        elif kind == "CONNECTED":
            for other in self.books.values():
                if other.connection == row["ref"]:
                    other.give_up(EMPTY)
                    other.time_crossing(now_ns)
            return
        elif kind == "GAP" or (kind == "LINK" and row["side"] >= CLOSED):
            for other in self.books.values():
                if other.connection == row["ref"] and other.state == LIVE:
                    other.stale = True
            return
        elif kind == "ERROR" and row["market"] in self.books:
            book = self.books[row["market"]]
            if book.connection == row["ref"] and book.state == LIVE:
                book.stale = True
            return
        else:
            return
        book.time_crossing(now_ns)
