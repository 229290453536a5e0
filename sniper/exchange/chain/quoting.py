"""Levels as maker orders: what a book should show becomes short-term orders of ordinary accounts.

One order a level. It is renewed before its good-til-block, replaced when its size changes, cancelled when its level
goes. What strangers took of it stays taken until the level changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sniper.exchange.chain.book import Resting
from sniper.exchange.chain.chain import Chain
from sniper.exchange.facts import BUY, GTT, SHORT_TERM, ChainOrder, OrderId, SubaccountId

RENEW_BLOCKS = 3  # before it expires
LIFE_BLOCKS = 22  # at least; and up to as many more as SPREAD_BLOCKS, so that they do not all expire at once
SPREAD_BLOCKS = 16
CLIENT_IDS = 1 << 32

Level = tuple[int, int]
"""(side, subticks)."""


class Quote:
    """One level that was quoted: the order, and BQ as they were wanted."""

    __slots__ = ("id", "order", "until", "wanted")

    def __init__(self, order: ChainOrder, wanted: int) -> None:
        self.order = order
        self.id = order.id
        self.until = order.good_til_block
        self.wanted = wanted


class Quoter:
    """The maker orders of one market."""

    def __init__(self, chain: Chain, clob_pair: int, makers: Sequence[SubaccountId]) -> None:
        self._chain = chain
        self._pair = clob_pair
        self._makers = makers
        self._quotes: dict[Level, Quote] = {}
        self._client_id = 0

    def taken(self) -> dict[Level, tuple[int, int]]:
        """Levels of which somebody took a part since they were quoted: BQ (wanted, left)."""
        resting_of = self._chain.core.markets[self._pair].book.orders.get
        found = {}
        for level, quote in self._quotes.items():
            resting = resting_of(quote.id)
            left = resting.remaining if resting else 0
            if left < quote.wanted:
                found[level] = (quote.wanted, left)
        return found

    def quote(self, levels: Mapping[Level, int]) -> None:
        """Make the makers' orders those of `levels`, (side, subticks) -> BQ. First what goes, then what comes."""
        quotes = self._quotes
        orders = self._chain.core.markets[self._pair].book.orders
        chain, height = self._chain, self._chain.height
        renewed_until = height + RENEW_BLOCKS
        changed = []
        gone = []
        for level, wanted in levels.items():
            quote = quotes.get(level)
            if quote is None:
                changed.append((level, wanted))
                continue
            if quote.until > renewed_until:
                if wanted == quote.wanted:
                    continue  # it rests, or what is missing was taken
                resting = orders.get(quote.id)
                if (resting.remaining if resting else 0) == wanted:
                    quote.wanted = wanted
                    continue
            changed.append((level, wanted))
            gone.append(quote)
        for level in [level for level in quotes if level not in levels]:
            self._cancel(orders, quotes.pop(level))
        for quote in gone:
            self._cancel(orders, quote)
        for level, wanted in changed:
            order = self._order(*level, wanted, height)
            chain.place(order, "")
            quotes[level] = Quote(order, wanted)

    def _cancel(self, orders: Mapping[OrderId, Resting], quote: Quote) -> None:
        if quote.id in orders:
            self._chain.cancel(quote.id, quote.until, 0, "")

    def _order(self, side: int, subticks: int, quantums: int, height: int) -> ChainOrder:
        self._client_id = number = (self._client_id + 1) % CLIENT_IDS
        maker = self._makers[number % len(self._makers)]
        life = LIFE_BLOCKS + number % SPREAD_BLOCKS
        return ChainOrder(
            OrderId(maker, number, SHORT_TERM, self._pair),
            side,
            quantums,
            subticks,
            height + life,
            0,
            GTT,
            False,
            0,
            0,
            0,
        )


def uncrossed(levels: dict[Level, int]) -> dict[Level, int]:
    """The levels without those that meet the other side: of a pair that does, the smaller one goes."""
    bids = sorted((subticks for side, subticks in levels if side == BUY), reverse=True)
    asks = sorted(subticks for side, subticks in levels if side != BUY)
    gone: set[Level] = set()
    bid = ask = 0
    while bid < len(bids) and ask < len(asks) and bids[bid] >= asks[ask]:
        if levels[BUY, bids[bid]] <= levels[3 - BUY, asks[ask]]:
            gone.add((BUY, bids[bid]))
            bid += 1
        else:
            gone.add((3 - BUY, asks[ask]))
            ask += 1
    return {level: quantums for level, quantums in levels.items() if level not in gone} if gone else levels
