"""A trading subaccount and its children: the venue's word on each, our own books beside it, and where they differ.

Takes the facts of `account_messages` one message after the other. Fills count once each, transfers too; a fill at
or below the height of a subaccount's first snapshot is part of that snapshot, one above it is booked.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from sniper.account_facts import Holding, Message, Transfer, Whole
from sniper.account_state import Saved, Subaccount
from sniper.profit import Profit, SavedProfit
from sniper.trading import Fill, Position

FAMILY: Final = 128
"""Subaccount n is a child of n mod 128 (margin.md 4)."""
USDC: Final = -1
"""Market of a `Difference` in the balance of all subaccounts together."""
RECENT_MAX, EARLY_MAX, MOVES_MAX = 256, 1024, 256


class Difference(NamedTuple):
    """Where our books disagree with the venue. market USDC (-1): the balances of all subaccounts, in QQ."""

    subaccount: int
    market: int
    venue: int
    own: int
    since_ns: int


class Family:
    """Subaccount `traded` and its children, n + 128k. Mappings are changed in place: they may be held on to."""

    def __init__(self, traded: int, fills_max: int) -> None:
        self.traded = traded
        self._fills_max = fills_max
        self.usdc: dict[int, int] = {}
        self.positions: dict[int, Position] = {}
        self.children: dict[int, dict[int, Position]] = {}
        self.transfers: deque[Transfer] = deque(maxlen=MOVES_MAX)
        self.transferred = 0
        self.recent: deque[Fill] = deque(maxlen=RECENT_MAX)
        self.profit = Profit()
        self.fills: list[Fill] = []
        """Fills that were booked, until somebody empties the list; likewise `adopted`."""
        self.adopted: list[Position] = []
        self.late = 0
        """Fills so old that they may have been counted before."""
        self.subaccounts: dict[int, Subaccount] = {}
        self._family_height = -1
        self._seen: dict[str, int] = {}  # fill id -> height, oldest first
        self._forgotten = 0  # height up to which ids may have been forgotten
        self._early: dict[str, Fill] = {}  # fills of subaccounts whose snapshot has not come
        self._moved: dict[str, None] = {}
        self._from = 0  # an earlier session knew every fill up to this height
        self._since: dict[tuple[int, int], int] = {}  # where our books differ, and since when

    def since(self, height: int, known: Iterable[str]) -> None:
        """An earlier session knew every fill up to a height, and these above it: the others are news."""
        self._from = height
        self._seen |= dict.fromkeys(known, height)

    def ours(self, number: int) -> bool:
        """Does a subaccount belong to the family?"""
        return number % FAMILY == self.traded % FAMILY

    def take(self, message: Message, now_ns: int) -> list[tuple[int, int]]:
        """Take in one message: snapshot first, then what moved. Returns (subaccount, market) of what it touched."""
        touched: set[tuple[int, int]] = set()
        settled = len(self.profit.payments)
        wholes = [whole for whole in message.wholes if self.ours(whole.subaccount)]
        if message.family:
            self._family_height = max(self._family_height, message.height)
            named = {whole.subaccount for whole in wholes}
            gone = [number for number in self.subaccounts if number not in named]
            wholes += [Whole(number, 0, (), message.height) for number in gone]
        for whole in wholes:
            self._whole(whole, touched)
        for holding in message.holdings:
            if self.ours(holding.subaccount):
                for market in self._at(holding.subaccount).hold((holding,)):
                    touched.add((holding.subaccount, market))
        for balance in message.balances:
            if self.ours(balance.subaccount):
                self._at(balance.subaccount).money(balance)
        for fill in message.fills:
            if self.ours(fill.subaccount):
                self._fill(fill, touched)
        for transfer in message.transfers:
            if self.ours(transfer.subaccount):
                self._transfer(transfer, touched)
        for payment in self.profit.payments[settled:]:
            touched.add((payment.subaccount, payment.market))
        for number, subaccount in self.subaccounts.items():
            self.usdc[number] = subaccount.balance
        found = sorted(touched)
        self._refresh(found, now_ns)
        return found

    def position(self, number: int, market: int) -> Position | None:
        """An open position of a subaccount."""
        book = self.positions if number == self.traded else self.children.get(number, {})
        return book.get(market)

    def charge(self, charges: Iterable[tuple[int, int, int]], now_ns: int) -> None:
        """The funding index of each market changed at the end of a block: (market, height, change)."""
        for market, height, change in charges:
            self.profit.charge(market, height, change)
            for subaccount in self.subaccounts.values():
                subaccount.charge(height, market, change)
        for number, subaccount in self.subaccounts.items():
            self.usdc[number] = subaccount.balance
        self._refresh((), now_ns)

    def held(self, number: int, market: int) -> Holding | None:
        """The venue's last word on a position, closed ones included."""
        subaccount = self.subaccounts.get(number)
        return None if subaccount is None else subaccount.holdings.get(market)

    def differences(self, now_ns: int, settle_ns: int) -> list[Difference]:
        """Where our books have disagreed with the venue for longer than settle_ns, by subaccount and market."""
        found = []
        for (number, market), since_ns in sorted(self._since.items()):
            if now_ns - since_ns >= settle_ns:
                venue, own = self._cash() if market == USDC else self._sizes(number, market)
                found.append(Difference(number, market, venue, own, since_ns))
        return found

    def _at(self, number: int) -> Subaccount:
        found = self.subaccounts.get(number)
        if found is None:
            found = self.subaccounts[number] = Subaccount(number)
        return found

    def _whole(self, whole: Whole, touched: set[tuple[int, int]]) -> None:
        number = whole.subaccount
        for market in self._at(number).whole(whole):
            touched.add((number, market))
        if self.profit.base_height(number) >= 0:
            return
        held = [
            Position(
                item.market,
                number,
                item.size_quantums,
                item.entry_quote,
                item.net_funding,
                0,
                0,
                item.opened_ns,
            )
            for item in whole.holdings
            if item.size_quantums
        ]
        self.adopted += held
        self._found(number, whole.usdc, held, whole.height, touched)

    def _found(
        self, number: int, usdc: int, held: list[Position], height: int, touched: set[tuple[int, int]]
    ) -> None:
        """Our books of a subaccount begin; fills that came before are booked now, those in the snapshot are not."""
        self.profit.base(number, usdc, held, height)
        waiting = [fill for fill in self._early.values() if fill.subaccount == number]
        for fill in sorted(waiting, key=lambda fill: fill.height):
            del self._early[fill.fill_id]
            self._fill(fill, touched)

    def _based(self, number: int, touched: set[tuple[int, int]]) -> int:
        """Height of the first snapshot, -1 before it. A child that its parent's snapshot lacks began empty then."""
        height = self.profit.base_height(number)
        if height < 0 <= self._family_height:
            height = self._family_height
            self._found(number, 0, [], height, touched)
        return height

    def _fill(self, fill: Fill, touched: set[tuple[int, int]]) -> None:
        if fill.fill_id in self._seen or fill.fill_id in self._early:
            return
        based = self._based(fill.subaccount, touched)
        if based < 0:
            self._early[fill.fill_id] = fill
            if len(self._early) > EARLY_MAX:
                del self._early[next(iter(self._early))]
            return
        held = 0 < fill.height <= based  # our books begin with it
        if held and not 0 < self._from < fill.height:
            return
        if 0 < fill.height <= self._forgotten:
            self.late += 1
            return
        self._seen[fill.fill_id] = fill.height
        if len(self._seen) > self._fills_max:
            self._forgotten = max(self._forgotten, self._seen.pop(next(iter(self._seen))))
        if not held:
            self.profit.apply(fill)
        self.fills.append(fill)
        self.recent.append(fill)
        touched.add((fill.subaccount, fill.market))

    def _transfer(self, transfer: Transfer, touched: set[tuple[int, int]]) -> None:
        key = f"{transfer.key} {transfer.subaccount}"
        based = self._based(transfer.subaccount, touched)
        if key in self._moved or based < 0 or 0 < transfer.height <= based:
            return  # counted, or part of the first snapshot
        self._moved[key] = None
        if len(self._moved) > MOVES_MAX:
            del self._moved[next(iter(self._moved))]
        self.profit.transfer(transfer.subaccount, transfer.quote)
        self.transfers.append(transfer)
        self.transferred += transfer.quote

    def _refresh(self, touched: Iterable[tuple[int, int]], now_ns: int) -> None:
        """Positions as they stand now, and whether both books agree on them."""
        unsorted = []
        for number, market in touched:
            book = self.positions if number == self.traded else self.children.setdefault(number, {})
            held, own = self.held(number, market), self.profit.position(number, market)
            size = 0 if held is None else held.size_quantums
            if held is None or not size:
                book.pop(market, None)
            else:
                if market not in book:
                    unsorted.append(book)
                if own.size_quantums != size:
                    own = own._replace(
                        size_quantums=size, entry_quote=held.entry_quote, opened_ns=held.opened_ns
                    )
                book[market] = own
            self._judge((number, market), size != self.profit.size(number, market), now_ns)
        for book in unsorted:
            items = sorted(book.items())
            book.clear()
            book.update(items)
        venue, cash = self._cash()
        self._judge((self.traded, USDC), venue != cash, now_ns)

    def _judge(self, key: tuple[int, int], differs: bool, now_ns: int) -> None:
        if differs:
            self._since.setdefault(key, now_ns)
        else:
            self._since.pop(key, None)

    def _sizes(self, number: int, market: int) -> tuple[int, int]:
        held = self.held(number, market)
        return 0 if held is None else held.size_quantums, self.profit.size(number, market)

    def _cash(self) -> tuple[int, int]:
        """USDC of all subaccounts that our books know, by the venue and by us. What moves between them cancels."""
        venue = own = 0
        for number, subaccount in self.subaccounts.items():
            if self.profit.base_height(number) >= 0:
                venue += subaccount.balance
                own += self.profit.cash(number)
        return venue, own

    def save(self) -> SavedFamily:
        """The state as plain values, for `load`."""
        return SavedFamily(
            [part.save() for part in self.subaccounts.values()],
            self.profit.state(),
            list(self.transfers),
            self.transferred,
            list(self.recent),
            self._family_height,
            list(self._seen.items()),
            self._forgotten,
            list(self._early.values()),
            list(self._moved),
            list(self._since.items()),
            self.late,
            self._from,
        )

    def load(self, found: SavedFamily) -> None:
        """Take over what `save` gave."""
        self.profit.restore(found.profit)
        self.subaccounts = {part.number: part.restored() for part in found.subaccounts}
        self.transfers.clear()
        self.transfers.extend(found.transfers)
        self.recent.clear()
        self.recent.extend(found.recent)
        self.transferred, self.late, self._from = found.transferred, found.late, found.since_height
        self._family_height, self._forgotten = found.family_height, found.forgotten
        self._seen, self._moved = dict(found.seen), dict.fromkeys(found.moved)
        self._early = {fill.fill_id: fill for fill in found.early}
        self.positions.clear()
        self.children.clear()
        self.usdc.clear()
        for number, part in self.subaccounts.items():
            self.usdc[number] = part.balance
        self._refresh(sorted((n, m) for n, part in self.subaccounts.items() for m in part.holdings), 0)
        self._since = dict(found.since)


class SavedFamily(msgspec.Struct, array_like=True):
    """What `Family.save` gives."""

    subaccounts: list[Saved]
    profit: SavedProfit
    transfers: list[Transfer]
    transferred: int
    recent: list[Fill]
    family_height: int
    seen: list[tuple[str, int]]
    forgotten: int
    early: list[Fill]
    moved: list[str]
    since: list[tuple[tuple[int, int], int]]
    late: int
    since_height: int = 0
