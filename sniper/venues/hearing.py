"""What the paper venue takes from a tick: the rows of the markets in which we have business, in their order."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from sniper._ext.tape import KIND_NAMES, Tape
from sniper.quantums import lent
from sniper.venues.account_frames import INTERNAL_ERROR
from sniper.venues.blocks import Block, Blocks
from sniper.venues.floor import Floor
from sniper.venues.terms import Price

KIND = {name: i for i, name in enumerate(KIND_NAMES)}
LEVEL, TRADE, ORACLE, MARKET, BLOCK, BOOK = (
    KIND[name] for name in ("LEVEL", "TRADE", "ORACLE", "MARKET", "BLOCK", "BOOK")
)
SNAPSHOT, DUPLICATE, LIQUIDATED, DELEVERAGED, RETICKED = 1, 2, 32, 64, 512  # Event.flags
NO_MARKET = 0xFFFF
OTHERS = 0  # of Tape.used: how many rows are no levels
FEW = 24  # rows that are looked at one by one
COLUMNS = ("kind", "side", "market", "price", "size", "flags", "venue_ns", "ref")


class Hearing:
    """Reads rows onto a floor and its blocks. height: of the last block that was carried out."""

    def __init__(self, tape: Tape, floor: Floor, blocks: Blocks) -> None:
        self._rows, self._trades, self._updates = tape.rows, tape.trades, tape.markets
        self._columns = tuple(lent(tape.rows[name]) for name in COLUMNS)
        self._others, self._used = lent(tape.others), lent(tape.used)
        self._floor, self._blocks = floor, blocks
        self._wanted = np.zeros(NO_MARKET + 1, np.bool_)  # by market: whether its rows are read
        self._wanted[NO_MARKET] = True
        self.followed: dict[int, None] = {}
        self.height = 0
        self._unread = 0  # how many rows were picked from without their levels

    def follow(self, markets: Iterable[int]) -> None:
        """Read the rows of these markets from now on, and of no others."""
        wanted = dict.fromkeys(markets)
        self._floor.markets.keep(wanted)
        if wanted != self.followed:
            self._wanted[list(self.followed)] = False
            self._wanted[list(wanted)] = True
            self.followed = wanted

    def picks(self, n: int) -> list[int]:
        """Indexes of the rows of followed markets, and of those that are of no market.

        While nothing of ours rests, and nothing that we took is remembered, levels tell nothing. Within a tick that
        changes with its second block at the earliest.
        """
        market, followed = self._columns[2], self.followed
        self._unread = 0
        if not (self._floor.resting_count or self._floor.depth.taken):
            found, of_none = [], 0
            for i in self._others[: self._used[OTHERS]]:
                if market[i] in followed:
                    found.append(i)
                elif market[i] == NO_MARKET:
                    found.append(i)
                    of_none += 1
            if of_none < 2:
                self._unread = n
                return found
        return self._all(n)

    def _all(self, n: int) -> list[int]:
        """The same with levels."""
        if n > FEW:
            picked: list[int] = np.flatnonzero(self._wanted[self._rows["market"][:n]]).tolist()
            return picked
        market, followed = self._columns[2], self.followed
        return [i for i in range(n) if market[i] in followed or market[i] == NO_MARKET]

    def read(self, now_ns: int, picks: list[int]) -> list[int]:
        """These rows, in their order. Returns the markets whose books changed."""
        floor, markets = self._floor, self._floor.markets
        kinds, sides, places, prices, sizes, flagss, times, refs = self._columns
        changed: dict[int, None] = {}
        anew: dict[int, None] = {}
        block: Block | None = None
        for i in picks:
            kind, side, market = kinds[i], sides[i], places[i]
            price, size, flags = prices[i], sizes[i], flagss[i]
            if kind == LEVEL:
                changed[market] = None
                if not flags & SNAPSHOT:
                    floor.depth.told(market, side, price)
                    floor.level(market, side, price, size)
            elif kind == TRADE:
                if not flags & (SNAPSHOT | DUPLICATE | DELEVERAGED):
                    self._trade(i, now_ns)
            elif kind == ORACLE:
                if price > 0:
                    markets.oracle[market] = Price(price, flags >> 24)
            elif kind == MARKET:
                if flags & RETICKED:
                    self._regrid(market, now_ns)
                markets.changed(market, self._updates[refs[i]])
            elif kind == BOOK:
                anew[market] = None
                floor.depth.told_all(market)
            elif kind == BLOCK and price > self.height:
                if block is not None:
                    self._blocks.block(block, now_ns)
                self.height = price
                rates = dict(markets.rate) if self._blocks.funding_due(times[i]) else {}
                block = Block(price, times[i], rates)
        for market in anew:
            floor.snapshot(market)
        if block is not None:
            self._blocks.block(block, now_ns)
        if self._unread and floor.resting_count:  # an order came to the book with the block
            told = [i for i in range(self._unread) if kinds[i] == LEVEL and places[i] in self.followed]
            return list(dict.fromkeys([places[i] for i in told]))
        return list(changed)

    def _trade(self, row: int, now_ns: int) -> None:
        """A trade of the market: what is due to our resting orders, and to triggers."""
        _, sides, places, prices, sizes, flagss, times, refs = self._columns
        market, flags = places[row], flagss[row]
        price = Price(prices[row], flags >> 24)
        self._blocks.traded(market, price)
        if not self._floor.resting(market, 1 - sides[row]):
            return
        terms = self._floor.markets.known(market)
        steps = sizes[row] * 10**terms.step_decimals // (terms.step * 10 ** (flags >> 16 & 0xFF))
        self._floor.traded(
            market,
            sides[row],
            price,
            steps,
            height=int(self._trades["height"][refs[row]]) or self.height,
            at_ns=times[row],
            told_ns=now_ns,
            liquidated=bool(flags & LIQUIDATED),
        )

    def _regrid(self, market: int, now_ns: int) -> None:
        """The tick or step of a market changed: prices of our orders there mean nothing any more."""
        floor = self._floor
        plan = floor.reports.plan_block(now_ns)
        for order in [order for order in floor.orders.values() if order.market == market]:
            floor.take_off(order, INTERNAL_ERROR, self.height, now_ns, plan)
