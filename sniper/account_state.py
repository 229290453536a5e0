"""The venue's word on one subaccount: balance and positions, each with the height of the news it came by.

Older news than what is held is dropped, item by item; of equal height the later one counts (several updates of
one block come in order). A closed position stays as a stone with its height, so that late news cannot revive it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from sniper.account_facts import Balance, Holding, Whole
from sniper.quantums import saturated

DUE_MAX: Final = 3
"""So many hours of unsettled funding are kept apart for each position; older ones as one sum."""
MICRO: Final = 1_000_000


class Due(NamedTuple):
    """Funding of one hour that the balance does not contain yet: the index changed at the end of block `height`."""

    height: int
    change: int
    size_quantums: int


class Subaccount:
    """One subaccount as the venue tells it."""

    __slots__ = ("_covered", "_due", "_older", "height", "holdings", "late", "number", "usdc")

    def __init__(self, number: int) -> None:
        self.number = number
        self.usdc = 0
        """QQ, as the venue said it. `balance` adds the funding that fell due since."""
        self.height = 0
        """Height of the news that usdc came by."""
        self.holdings: dict[int, Holding] = {}
        """Market -> the last word on it; closed ones have size 0."""
        self.late = 0
        """Items that were older than what is held."""
        self._covered = 0  # funding up to this height is in usdc
        self._due: dict[int, list[Due]] = {}
        self._older = (0, 0)  # height, millionths of QQ

    @property
    def balance(self) -> int:
        """USDC with the funding that fell due since; it fits 64 bits."""
        if not self._due and not self._older[1]:
            return self.usdc
        micro = self._older[1]
        for dues in self._due.values():
            for due in dues:
                micro -= due.change * due.size_quantums
        return saturated(self.usdc + micro // MICRO)

    def money(self, news: Balance) -> bool:
        """An update of the balance: the chain settled what was due with it. True: it was taken."""
        return self._money(news.usdc, news.height, news.height - 1)  # hours end behind the block's own fills

    def hold(self, news: Iterable[Holding]) -> list[int]:
        """Updates of positions in the order of their text. Returns the markets that they were taken for."""
        taken = []
        for item in news:
            held = self.holdings.get(item.market)
            if held is None:
                self.holdings[item.market] = item
                taken.append(item.market)
                continue
            another = held.position_id and item.position_id and held.position_id != item.position_id
            if item.height and item.height < held.height:
                self.late += 1
                continue
            if another and held.open and not item.open:
                continue  # of a position that flipped, the old one was closed
            opened_ns = item.opened_ns or (held.opened_ns if held.open and not another else 0)
            height = item.height or held.height
            self.holdings[item.market] = item._replace(height=height, opened_ns=opened_ns)
            taken.append(item.market)
            if item.market in self._due:  # fills of a block count for the hour that ends with it
                self._due[item.market] = [
                    due._replace(size_quantums=item.size_quantums) if height <= due.height else due
                    for due in self._due[item.market]
                ]
        return taken

    def whole(self, news: Whole) -> list[int]:
        """A snapshot: what it does not name is closed. Returns the markets that it was taken for."""
        self._money(news.usdc, news.height, news.height)
        named = {item.market: item._replace(height=news.height) for item in news.holdings}
        for market, held in self.holdings.items():
            if held.size_quantums and market not in named:
                named[market] = held._replace(
                    size_quantums=0, entry_quote=0, open=False, position_id="", height=news.height
                )
        return self.hold(named.values())

    def charge(self, height: int, market: int, change: int) -> None:
        """The funding index of a market changed at the end of block `height`."""
        held = self.holdings.get(market)
        if held is None or height <= self._covered:
            return
        dues = self._due.setdefault(market, [])
        dues.append(Due(height, change, held.size_quantums))
        if len(dues) > DUE_MAX:
            first = dues.pop(0)
            at, micro = self._older
            self._older = max(at, first.height), micro - first.change * first.size_quantums

    def _money(self, usdc: int, height: int, covered: int) -> bool:
        if height and height < self.height:
            self.late += 1
            return False
        self.usdc = usdc
        if not height:  # an old server: it is the newest that there is
            self._due.clear()
            self._older = (0, 0)
            return True
        self.height, self._covered = height, max(covered, self._covered)
        if self._older[0] <= covered:
            self._older = (0, 0)
        left = {m: [due for due in dues if due.height > covered] for m, dues in self._due.items()}
        self._due = {market: dues for market, dues in left.items() if dues}
        return True

    def save(self) -> Saved:
        """The state as plain values."""
        return Saved(
            self.number,
            self.usdc,
            self.height,
            list(self.holdings.values()),
            self.late,
            self._covered,
            list(self._due.items()),
            self._older,
        )


class Saved(msgspec.Struct, array_like=True):
    """What `Subaccount.save` writes."""

    number: int
    usdc: int
    height: int
    holdings: list[Holding]
    late: int
    covered: int
    due: list[tuple[int, list[Due]]]
    older: tuple[int, int]

    def restored(self) -> Subaccount:
        """The subaccount as it was."""
        found = Subaccount(self.number)
        found.usdc, found.height, found.late = self.usdc, self.height, self.late
        found.holdings = {item.market: item for item in self.holdings}
        found._covered, found._due, found._older = self.covered, dict(self.due), self.older
        return found
