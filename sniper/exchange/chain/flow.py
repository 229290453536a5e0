"""Ordinary flow: the markets of the core's sim, played by accounts that own the money they trade with.

The sim's walk moves oracle prices, its book says what the makers quote, its trades what the takers do. Whoever
drives it calls `pulse` between blocks and `block` just before a block ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from sniper.exchange.chain.chain import Chain
from sniper.exchange.chain.genesis import terms_of
from sniper.exchange.chain.market import Market
from sniper.exchange.chain.purses import Purses
from sniper.exchange.chain.quoting import Level, Quoter
from sniper.exchange.facts import BUY, IOC, SELL, SHORT_TERM, ChainOrder, OrderId, SubaccountId
from sniper.exchange.terms import ACTIVE
from sniper.feed.sim.book import Book
from sniper.feed.sim.market import ORACLE_SHARE, ORACLE_SHARE_QUIET
from sniper.feed.sim.trades import Trades
from sniper.feed.sim.universe import Spec
from sniper.feed.sim.walk import Walk, Weather

TAKER_BLOCKS = 2  # good-til-block of a taker's order, from the next one on
CLIENT_IDS = 1 << 32
MILLION = 1_000_000


class FlowSettings(NamedTuple):
    """How much of the sim's markets is played."""

    levels_max: int = 40  # a side
    refill_blocks: int = 64  # one market's accounts are looked after each block, each once in so many


def taker_order(
    chain: Chain, taker: SubaccountId, client_id: int, market: Market, side: int, quantums: int, subticks: int
) -> ChainOrder:
    """A short-term IOC order that lives for the next blocks only."""
    return ChainOrder(
        OrderId(taker, client_id % CLIENT_IDS, SHORT_TERM, market.terms.clob_pair),
        side,
        quantums,
        subticks,
        chain.height + TAKER_BLOCKS,
        0,
        IOC,
        False,
        0,
        0,
        0,
    )


class Stall:
    """One market of the flow."""

    __slots__ = (
        "book",
        "chain_ticks",
        "height",
        "oracle_share",
        "place",
        "quoter",
        "random",
        "spec",
        "step",
        "trades",
        "walk",
    )

    def __init__(
        self, chain: Chain, spec: Spec, place: int, seed: int, start_ns: int, purses: Purses
    ) -> None:
        def generator(name: str) -> Random:
            return Random(f"{seed}/exchange/{spec.ticker}/{name}")

        terms = terms_of(spec)
        self.spec = spec
        self.place = place
        self.height = 0  # when it last quoted
        self.chain_ticks = terms.subticks_per_tick
        self.step = terms.step_base_quantums
        self.random = generator("flow").random
        self.walk = Walk(spec, generator("walk").random)
        self.book = Book(spec, self.walk.target_ticks, start_ns, generator("book").random)
        self.trades = Trades(spec, self.walk.index_ticks, 1, generator("trades").random)
        self.oracle_share = ORACLE_SHARE if spec.margin == "CROSS" else ORACLE_SHARE_QUIET
        self.quoter = Quoter(chain, spec.clob_pair, purses.makers[place])

    def levels(self, count: int) -> dict[Level, int]:
        """What the makers should quote."""
        bids, asks = self.book.best(count)
        scale, step = self.chain_ticks, self.step
        wanted = {(BUY, tick * scale): steps * step for tick, steps in bids}
        wanted.update({(SELL, tick * scale): steps * step for tick, steps in asks})
        return wanted

    def forget_taken(self) -> None:
        """Take out of the sim's book what strangers took from the makers, where the sim has not moved on."""
        book = self.book
        for (side, subticks), (wanted, left) in self.quoter.taken().items():
            at, tick = side - 1, subticks // self.chain_ticks
            if book.sides[at].get(tick) != wanted // self.step:
                continue
            if steps := left // self.step:
                book.sides[at][tick] = steps
            elif tick == (book.ask if at else book.bid):
                book.retreat(at, 1)
            else:
                del book.sides[at][tick]


class Flow:
    """The makers and takers of `specs` on a chain that lists them; settled markets stay still.

    seed: of the whole flow; the same seed and calls give the same orders.
    """

    def __init__(
        self,
        chain: Chain,
        specs: Sequence[Spec],
        *,
        seed: int = 1,
        settings: FlowSettings = FlowSettings(),  # noqa: B008
    ) -> None:
        self._chain = chain
        self._settings = settings
        self._weather = Weather(Random(f"{seed}/exchange/weather").random)
        moving = [spec for spec in specs if spec.changes_per_s]
        self._purses = Purses(chain, len(moving))
        self.stalls = [
            Stall(chain, spec, place, seed, chain.now_ns, self._purses) for place, spec in enumerate(moving)
        ]
        self._client_id = 0
        self._blocks = 0

    def open(self) -> None:
        """Money for everyone and the first oracle prices; both are there after the next block."""
        self._purses.open()
        self._chain.set_oracle({stall.spec.market_id: stall.walk.oracle() for stall in self.stalls})

    def jump(self, ticker: str, ppm: int) -> None:
        """Let a market's true price leap: its oracle price with the next block, its book after it.

        ValueError for a market that the flow does not play, or a price that would not be above 0.
        """
        for stall in self.stalls:
            if stall.spec.ticker == ticker and ppm > -MILLION:
                stall.walk.index_ticks *= 1.0 + ppm / MILLION
                self._chain.set_oracle({stall.spec.market_id: max(1, stall.walk.oracle())})
                return
        raise ValueError(f"no flow in {ticker!r} can move by {ppm} ppm")

    def pulse(self, now_ns: int) -> None:
        """Let the sim's books move on to `now_ns` and the makers follow."""
        self._chain.touch(now_ns)
        height = self._chain.height
        for stall in self.stalls:
            stall.book.run(now_ns)
            if (stall.book.changes or stall.height != height) and self._open(stall):
                stall.height = height
                stall.forget_taken()
                stall.book.changes.clear()
                stall.quoter.quote(stall.levels(self._settings.levels_max))

    def block(self, now_ns: int) -> None:
        """What happens once a block: prices move, takers trade, one market's accounts are looked after."""
        self._chain.touch(now_ns)
        self._weather.step()
        prices = {}
        for stall in self.stalls:
            walk, book = stall.walk, stall.book
            walk.step(self._weather)
            if stall.random() < stall.oracle_share:
                prices[stall.spec.market_id] = walk.oracle()
            book.target_ticks = walk.target_ticks
            book.renew()
            if self._open(stall):
                self._take(stall, now_ns)
        self._chain.set_oracle(prices)
        for stall in self.stalls[self._blocks % self._settings.refill_blocks :: self._settings.refill_blocks]:
            self._purses.refill(stall.place)
        self._blocks += 1

    def _open(self, stall: Stall) -> bool:
        return self._chain.core.markets[stall.spec.clob_pair].terms.status == ACTIVE

    def _take(self, stall: Stall, now_ns: int) -> None:
        heat = stall.walk.heat * self._weather.heat
        trades = stall.trades.clump(stall.book, heat, now_ns, self._chain.height + 1, 0)
        stall.trades.recent.clear()
        pair = stall.spec.clob_pair
        for trade in trades:
            buys = not trade.side
            # The sim's deleveragings lie off the grid; here every trade is an order at a tick.
            tick = trade.price // 100 if buys else -(-trade.price // 100)
            taker = self._purses.taker(stall.place, pair, buys, stall.random())
            self._client_id += 1
            order = taker_order(
                self._chain,
                taker,
                self._client_id,
                self._chain.core.markets[pair],
                BUY if buys else SELL,
                trade.steps * stall.step,
                max(1, tick) * stall.chain_ticks,
            )
            self._chain.place(order, "")
