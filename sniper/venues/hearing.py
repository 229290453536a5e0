"""What the paper venue takes from a tick: the rows of the markets in which we have business, in their order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from sniper._ext.extremes import Extremes
from sniper._ext.tape import KIND_NAMES, Tape
from sniper.quantums import lent
from sniper.venues.account_frames import INTERNAL_ERROR
from sniper.venues.blocks import Block, Blocks
from sniper.venues.floor import Floor
from sniper.venues.quiet import Quiet
from sniper.venues.terms import Price

KIND = {name: i for i, name in enumerate(KIND_NAMES)}
LEVEL, TRADE, ORACLE, MARKET, BLOCK, BOOK = (
    KIND[name] for name in ("LEVEL", "TRADE", "ORACLE", "MARKET", "BLOCK", "BOOK")
)
SNAPSHOT, DUPLICATE, LIQUIDATED, DELEVERAGED, RETICKED = 1, 2, 32, 64, 512  # Event.flags
NO_MARKET = 0xFFFF
FEW = 24  # rows that are looked at one by one
COLUMNS = ("kind", "side", "market", "price", "size", "flags", "venue_ns", "ref")


class Hearing:
    """Reads rows onto a floor and its blocks. height: of the last block that was carried out."""

    def __init__(self, tape: Tape, floor: Floor, blocks: Blocks) -> None:
        self._rows, self._trades, self._updates = tape.rows, tape.trades, tape.markets
        self._columns = tuple(lent(tape.rows[name]) for name in COLUMNS)
        self._floor, self._blocks = floor, blocks
        self._wanted = np.zeros(NO_MARKET + 1, np.bool_)  # by market: whether its rows are read
        self._marks = self._wanted.data  # a few of them are set without NumPy's detours
        self._marks[NO_MARKET] = True
        self._extremes = Extremes(tape, self._wanted.view(np.uint8)).of
        self.quiet = Quiet(tape, self._wanted.view(np.uint8), floor, blocks)
        self.followed: dict[int, None] = {}
        self.height = 0

    def follow(self, markets: Iterable[int]) -> None:
        """Read the rows of these markets from now on, and of no others."""
        wanted = dict.fromkeys(markets)
        self._floor.markets.keep(wanted)
        if wanted != self.followed:
            for market in self.followed:
                self._marks[market] = False
            for market in wanted:
                self._marks[market] = True
            self.followed = wanted

    def passed(self) -> bool:
        """Whether this tick did nothing to us but to bring a block; then it is taken in, and no more is to be done."""
        height = self.quiet.passed(self.height)
        if height < 0:
            return False
        self.height = height
        return True

    def hear(self, now_ns: int, n: int) -> list[int] | None:
        """Take in the n rows of this tick. Returns the markets whose books changed, None where nothing concerned us.

        While nothing of ours rests, and nothing that we took is remembered, levels tell nothing. Within a tick that
        changes with its second block at the earliest.
        """
        if not (self._floor.resting_count or self._floor.depth.taken):
            found = self._extremes(self.height)
            if found is not None:
                return self._quickly(now_ns, n, *found)
        picks = self._picks(n)
        return self._read(now_ns, picks) if picks else None

    def _quickly(
        self, now_ns: int, n: int, trades: Sequence[tuple[int, int, int, int]], rows: Sequence[int], at: int
    ) -> list[int] | None:
        """A tick as `Extremes` sums it up."""
        if not (trades or rows or at >= 0):
            return None
        kinds, _, places, prices, _, flags, _, refs = self._columns
        markets, block = self._floor.markets, None
        for market, *found in trades:
            first, low, high = [Price(prices[row], flags[row] >> 24) for row in found]
            self._blocks.traded(market, first, low, high)
        for row in rows:
            if block is None and row > at >= 0:
                block = self._block(at)
            if kinds[row] == ORACLE:
                if prices[row] > 0:
                    markets.oracle[places[row]] = Price(prices[row], flags[row] >> 24)
            else:
                self._market(places[row], flags[row], refs[row], now_ns)
        if at >= 0:
            self._blocks.block(block or self._block(at), now_ns)
            if self._floor.resting_count:  # an order came to the book with the block
                told = [i for i in range(n) if kinds[i] == LEVEL and places[i] in self.followed]
                return list(dict.fromkeys([places[i] for i in told]))
        return []

    def _block(self, row: int) -> Block:
        """The block that a row tells of: the newest one."""
        prices, times = self._columns[3], self._columns[6]
        self.height = prices[row]
        due = self._blocks.funding_due(times[row])
        return Block(prices[row], times[row], dict(self._floor.markets.rate) if due else {})

    def _market(self, market: int, flags: int, ref: int, now_ns: int) -> None:
        """The parameters of a market changed."""
        if flags & RETICKED:
            self._regrid(market, now_ns)
        self._floor.markets.changed(market, self._updates[ref])

    def _picks(self, n: int) -> list[int]:
        """Indexes of the rows of followed markets, and of those that are of no market."""
        if n > FEW:
            picked: list[int] = np.flatnonzero(self._wanted[self._rows["market"][:n]]).tolist()
            return picked
        market, followed = self._columns[2], self.followed
        return [i for i in range(n) if market[i] in followed or market[i] == NO_MARKET]

    def _read(self, now_ns: int, picks: list[int]) -> list[int]:
        """These rows, in their order. Returns the markets whose books changed."""
        floor, markets = self._floor, self._floor.markets
        kinds, sides, places, prices, sizes, flagss, _, refs = self._columns
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
                self._market(market, flags, refs[i], now_ns)
            elif kind == BOOK:
                anew[market] = None
                floor.depth.told_all(market)
            elif kind == BLOCK and price > self.height:
                if block is not None:
                    self._blocks.block(block, now_ns)
                block = self._block(i)
        for market in anew:
            floor.snapshot(market)
        if block is not None:
            self._blocks.block(block, now_ns)
        return list(changed)

    def _trade(self, row: int, now_ns: int) -> None:
        """A trade of the market: what is due to our resting orders, and to triggers."""
        _, sides, places, prices, sizes, flagss, times, refs = self._columns
        market, flags = places[row], flagss[row]
        price = Price(prices[row], flags >> 24)
        self._blocks.traded(market, price, price, price)
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
