"""Our own books: what fills, fees, funding and transfers make of each position and of the cash, in integers.

The venue's own figures for profit mean different things in different places (rest.md 3), so they are not used.
Everything is QQ. Of every subaccount

    equity = capital + realised + unrealised - fees + funding

holds exactly, where equity is cash, unsettled funding and the value of the positions, and capital is what was
there at the first snapshot (positions at their entry prices) with later transfers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

import msgspec

from sniper.trading import BUY, Fill, Position

MICRO: Final = 1_000_000
"""Funding accrues in millionths of a quantum: index change x size. Settling rounds it down (funding.md 3)."""
CHANGES_MAX: Final = 8
"""So many blocks with fills are remembered of each position, for funding news that comes after them."""
CHARGES_MAX: Final = 24
"""So many hours of funding are remembered of each market, for fills whose news comes after them."""


_Pair = tuple[int, int]
_Three = tuple[int, int, int]


class Split(NamedTuple):
    """Where a profit comes from. fees: paid, a rebate is negative; funding: received, unsettled included."""

    realised: int = 0
    unrealised: int = 0
    fees: int = 0
    funding: int = 0

    @property
    def total(self) -> int:
        """What it all comes to."""
        return self.realised + self.unrealised - self.fees + self.funding


class Payment(NamedTuple):
    """Funding that was settled on one position: QQ received."""

    subaccount: int
    market: int
    quote: int


def shares(fill: Fill, size_quantums: int) -> tuple[int, int, int]:
    """Of a fill that meets a position of this signed size: the size that closes it, its quote and its fee.

    The rest opens. Quote and fee are shared out by size, cut off towards zero; the opening part has what is left.
    """
    against = size_quantums < 0 if fill.side == BUY else size_quantums > 0
    closing = min(abs(size_quantums), fill.size_quantums) if against else 0
    fee = abs(fill.fee) * closing // fill.size_quantums
    return closing, fill.quote * closing // fill.size_quantums, -fee if fill.fee < 0 else fee


class _Line:
    """One position by our own books, and what its market has brought before it was opened."""

    __slots__ = ("changes", "entry_quote", "fees", "funding", "opened_ns", "past", "realised", "size")

    def __init__(self) -> None:
        self.size = self.entry_quote = self.realised = self.fees = self.funding = self.opened_ns = 0
        self.past = (0, 0, 0)  # realised, fees, funding of positions that are closed
        self.changes: deque[tuple[int, int]] = deque(maxlen=CHANGES_MAX)  # (height, change of size)

    def open_anew(self, opened_ns: int) -> None:
        """A position begins: what the last one brought belongs to the past."""
        realised, fees, funding = self.past
        self.past = realised + self.realised, fees + self.fees, funding + self.funding
        self.realised = self.fees = self.funding = self.entry_quote = 0
        self.opened_ns = opened_ns

    def resize(self, height: int, change: int) -> None:
        """The size changed in a block."""
        self.size += change
        if self.changes and self.changes[-1][0] == height:
            change += self.changes.pop()[1]
        self.changes.append((height, change))

    def size_at(self, height: int) -> int:
        """The size at the end of a block, as far back as changes are kept."""
        found = self.size
        for at, change in self.changes:
            if at > height:
                found -= change
        return found

    def state(self) -> tuple[Any, ...]:
        """All of it, for `of`."""
        brought = (self.realised, self.fees, self.funding)
        return self.size, self.entry_quote, self.opened_ns, brought, self.past, list(self.changes)

    @classmethod
    def of(cls, state: Any) -> _Line:
        """A line as `state` gave it."""
        line = cls()
        line.size, line.entry_quote, line.opened_ns, brought, line.past, changes = state
        line.realised, line.fees, line.funding = brought
        line.changes.extend(changes)
        return line


class _Purse:
    """The cash of one subaccount by our own books."""

    __slots__ = ("base_height", "capital", "cash", "pending")

    def __init__(self) -> None:
        self.cash = self.capital = self.base_height = 0
        self.pending: dict[int, int] = {}  # market -> millionths of QQ to be received


class Profit:
    """Books of every subaccount of ours. `payments`: funding settled since it was last emptied."""

    def __init__(self) -> None:
        self._lines: dict[tuple[int, int], _Line] = {}
        self._purses: dict[int, _Purse] = {}
        self._charges: dict[int, deque[tuple[int, int]]] = {}  # market -> (height, index change)
        self.payments: list[Payment] = []

    def base(self, subaccount: int, usdc: int, positions: Iterable[Position], height: int) -> None:
        """The first snapshot of a subaccount: everything up to this height is in it."""
        purse = self._purses[subaccount] = _Purse()
        purse.cash, purse.capital, purse.base_height = usdc, usdc, height
        for held in positions:
            line = self._lines[subaccount, held.market] = _Line()
            line.size, line.entry_quote, line.opened_ns = held.size_quantums, held.entry_quote, held.opened_ns
            line.funding, line.past = held.funding, (0, 0, -held.funding)  # shown, but no profit of ours
            purse.capital += held.entry_quote

    def base_height(self, subaccount: int) -> int:
        """Height of the first snapshot, -1 while there was none."""
        purse = self._purses.get(subaccount)
        return -1 if purse is None else purse.base_height

    def apply(self, fill: Fill) -> None:
        """Book one fill of a subaccount that has a base."""
        self.settle(fill.subaccount)
        purse = self._purses[fill.subaccount]
        line = self._line(fill.subaccount, fill.market)
        sign = 1 if fill.side == BUY else -1
        closing, quote, fee = shares(fill, line.size)
        if closing:
            share = abs(line.entry_quote) * closing // abs(line.size)
            share = -share if line.entry_quote < 0 else share
            line.entry_quote -= share
            line.realised -= sign * quote + share
            line.fees += fee
            line.resize(fill.height, sign * closing)
        if closing < fill.size_quantums:
            if not line.size:
                line.open_anew(fill.venue_ns)
            line.entry_quote += sign * (fill.quote - quote)
            line.fees += fill.fee - fee
            line.resize(fill.height, sign * (fill.size_quantums - closing))
        purse.cash -= sign * fill.quote + fill.fee
        for height, change in self._charges.get(fill.market, ()):
            if height >= fill.height:  # the news of this fill came after that of the hour
                self._accrue(purse, fill.market, -change * sign * fill.size_quantums)

    def transfer(self, subaccount: int, quote: int) -> None:
        """USDC that came in (or went out) from elsewhere."""
        self.settle(subaccount)
        purse = self._purses[subaccount]
        purse.cash += quote
        purse.capital += quote

    def charge(self, market: int, height: int, change: int) -> None:
        """The funding index of a market changed at the end of block `height`: positions at that moment pay."""
        charges = self._charges.setdefault(market, deque(maxlen=CHARGES_MAX))
        charges.append((height, change))
        for subaccount, purse in self._purses.items():
            line = self._lines.get((subaccount, market))
            if line is not None and height > purse.base_height:
                self._accrue(purse, market, -change * line.size_at(height))

    def settle(self, subaccount: int) -> None:
        """The chain touches the subaccount: unsettled funding becomes cash, its sum rounded down.

        The positions' parts are rounded down, too; the quanta left over go to those that lost most by it.
        """
        purse = self._purses[subaccount]
        if not purse.pending:
            return
        pending = sorted(purse.pending.items())
        purse.pending.clear()
        total = 0
        for _, micro in pending:
            total += micro
        paid = total // MICRO
        purse.cash += paid
        left = paid
        for _, micro in pending:
            left -= micro // MICRO
        order = sorted(pending, key=lambda part: (-(part[1] % MICRO), part[0]))
        lucky = {market for market, _ in order[:left]}
        for market, micro in pending:
            quote = micro // MICRO + (market in lucky)
            self._line(subaccount, market).funding += quote
            self.payments.append(Payment(subaccount, market, quote))

    def cash(self, subaccount: int) -> int:
        """USDC by our books, unsettled funding included."""
        purse = self._purses.get(subaccount)
        return 0 if purse is None else purse.cash + self._unsettled(purse)

    def capital(self, subaccount: int) -> int:
        """What was there at first, and what was transferred since."""
        purse = self._purses.get(subaccount)
        return 0 if purse is None else purse.capital

    def size(self, subaccount: int, market: int) -> int:
        """The position by our books, BQ."""
        line = self._lines.get((subaccount, market))
        return 0 if line is None else line.size

    def position(self, subaccount: int, market: int) -> Position:
        """The position by our books; its funding is what was settled."""
        line = self._lines.get((subaccount, market)) or _Line()
        return Position(
            market,
            subaccount,
            line.size,
            line.entry_quote,
            line.funding,
            line.realised,
            line.fees,
            line.opened_ns,
        )

    def split(self, subaccount: int, value: Callable[[int, int], int], market: int | None = None) -> Split:
        """Where the profit of a subaccount (or of one market in it) comes from, positions closed before included.

        value(market, size): the value of a size now.
        """
        realised = unrealised = fees = funding = 0
        for (owner, at), line in self._lines.items():
            if owner != subaccount or market not in (None, at):
                continue
            realised += line.realised + line.past[0]
            fees += line.fees + line.past[1]
            funding += line.funding + line.past[2]
            if line.size:
                unrealised += value(at, line.size) - line.entry_quote
        purse = self._purses.get(subaccount)
        if purse is not None and market is None:
            funding += self._unsettled(purse)
        elif purse is not None and market is not None:
            funding += purse.pending.get(market, 0) // MICRO
        return Split(realised, unrealised, fees, funding)

    def _line(self, subaccount: int, market: int) -> _Line:
        line = self._lines.get((subaccount, market))
        if line is None:
            line = self._lines[subaccount, market] = _Line()
        return line

    def _accrue(self, purse: _Purse, market: int, micro: int) -> None:
        if micro:
            purse.pending[market] = purse.pending.get(market, 0) + micro

    def _unsettled(self, purse: _Purse) -> int:
        total = 0
        for micro in purse.pending.values():
            total += micro
        return total // MICRO

    def state(self) -> SavedProfit:
        """The state as plain values."""
        return SavedProfit(
            [(*key, *line.state()) for key, line in self._lines.items()],
            [
                (owner, purse.cash, purse.capital, purse.base_height, list(purse.pending.items()))
                for owner, purse in self._purses.items()
            ],
            [(market, list(charges)) for market, charges in self._charges.items()],
        )

    def restore(self, found: SavedProfit) -> None:
        """Take over what `state` gave."""
        self._lines, self._purses = {}, {}
        for owner, market, *rest in found.lines:
            self._lines[owner, market] = _Line.of(rest)
        for owner, cash, capital, height, pending in found.purses:
            purse = self._purses[owner] = _Purse()
            purse.cash, purse.capital, purse.base_height, purse.pending = cash, capital, height, dict(pending)
        self._charges = {market: deque(charges, CHARGES_MAX) for market, charges in found.charges}
        self.payments.clear()


class SavedProfit(msgspec.Struct, array_like=True):
    """What `Profit.state` gives."""

    lines: list[tuple[int, int, int, int, int, _Three, _Three, list[_Pair]]]
    purses: list[tuple[int, int, int, int, list[_Pair]]]
    charges: list[tuple[int, list[_Pair]]]
