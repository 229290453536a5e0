"""Who owns what: our account and everybody else, in whole numbers, every entry twice.

The parties are our account, the anonymous market that we trade with, the collector of fees, the insurance fund and
a party for the dust of rounding. What one gets another gives: the sums over all parties never change.
"""

from __future__ import annotations

import msgspec

from sniper.paper_settings import PPM

ACCOUNT, MARKET, FEES, INSURANCE, DUST = PARTIES = ("account", "market", "fees", "insurance", "dust")


class Holding(msgspec.Struct):
    """Our position in one market since it was opened. BQ and QQ; base signed, the rest not, funding received > 0.

    index: the market's funding index when funding was last settled (ppm of a QQ a BQ).
    """

    base: int
    index: int
    event: str
    most: int = 0
    opened: int = 0
    opened_quote: int = 0
    closed: int = 0
    closed_quote: int = 0
    funding: int = 0

    def open(self, base: int, quote: int) -> None:
        """More of the same side."""
        self.opened += abs(base)
        self.opened_quote += quote
        self.base += base
        self.most = max(self.most, abs(self.base))

    def close(self, base: int, quote: int) -> None:
        """Less of it."""
        self.closed += abs(base)
        self.closed_quote += quote
        self.base += base


class Ledger(msgspec.Struct):
    """Balances in QQ by party, positions in BQ by party and market, funding indexes by market."""

    usdc: dict[str, int]
    bases: dict[str, dict[int, int]]
    holdings: dict[int, Holding] = {}
    indexes: dict[int, int] = {}
    volume: dict[int, int] = {}
    """QQ traded by day since 1970, of the last 30 days."""

    def base(self, market: int) -> int:
        """Our position in a market, signed."""
        holding = self.holdings.get(market)
        return holding.base if holding is not None else 0

    def pay(self, giver: str, taker: str, quote: int) -> None:
        """Move QQ from one party to another; a negative amount goes the other way."""
        self.usdc[giver] -= quote
        self.usdc[taker] += quote

    def trade(self, market: int, base: int, quote: int, event: str) -> list[Holding]:
        """We take `base` BQ (negative: give) from the market for `quote` QQ. Returns positions that this closed.

        quote > 0 is what a buyer pays or a seller gets. Funding must be settled before.
        """
        self.pay(ACCOUNT, MARKET, quote if base > 0 else -quote)
        self._move(MARKET, ACCOUNT, market, base)
        holding = self.holdings.get(market)
        ended = []
        if holding is not None and holding.base * base < 0:
            closing = base if abs(base) <= abs(holding.base) else -holding.base
            part = quote * abs(closing) // abs(base)
            holding.close(closing, part)
            base, quote = base - closing, quote - part
            if not holding.base:
                ended.append(self.holdings.pop(market))
                holding = None
        if base:
            if holding is None:
                holding = self.holdings[market] = Holding(0, self.indexes.get(market, 0), event)
            holding.open(base, quote)
        return ended

    def grant(self, market: int, base: int, quote: int, event: str) -> None:
        """Begin with a position that was opened for `quote` QQ before we looked: no money moves."""
        self._move(MARKET, ACCOUNT, market, base)
        holding = self.holdings[market] = Holding(0, self.indexes.get(market, 0), event)
        holding.open(base, quote)

    def accrue(self, market: int, delta: int) -> None:
        """The funding index of a market moved."""
        self.indexes[market] = self.indexes.get(market, 0) + delta

    def unsettled(self) -> int:
        """Funding that we are due (> 0) or owe but that is not in our balance yet, as settling would round it."""
        return sum(self._due(market) for market in self.holdings) // PPM

    def settle(self) -> int:
        """Move the funding due into the balances, rounding against each side; the rest is dust. Returns our part."""
        due = sum(self._due(market) for market in self.holdings)
        ours, theirs = due // PPM, -due // PPM
        self.usdc[ACCOUNT] += ours
        self.usdc[MARKET] += theirs
        self.usdc[DUST] -= ours + theirs
        for market, holding in self.holdings.items():
            holding.funding += self._due(market) // PPM
            holding.index = self.indexes.get(market, 0)
        return ours

    def sums(self) -> tuple[int, dict[int, int]]:
        """QQ and BQ a market over all parties: what never changes."""
        bases: dict[int, int] = {}
        for held in self.bases.values():
            for market, base in held.items():
                bases[market] = bases.get(market, 0) + base
        return sum(self.usdc.values()), bases

    def _due(self, market: int) -> int:
        """Funding of one position in ppm of a QQ: positive when received (funding.md 3)."""
        holding = self.holdings[market]
        return -(self.indexes.get(market, 0) - holding.index) * holding.base

    def _move(self, giver: str, taker: str, market: int, base: int) -> None:
        for party, amount in ((giver, -base), (taker, base)):
            held = self.bases[party]
            held[market] = held.get(market, 0) + amount


def opened(usdc: int, insurance: int) -> Ledger:
    """A ledger in which we have so many QQ and the insurance fund so many; the others begin with nothing."""
    balances = dict.fromkeys(PARTIES, 0) | {ACCOUNT: usdc, INSURANCE: insurance}
    return Ledger(balances, {ACCOUNT: {}, MARKET: {}})
