"""One simulated market: its walk, book, trades, candles and statistics, moved on block by block.

A market knows nothing of connections and faults and has its own generators, so that neither what is
subscribed nor what goes wrong on the wire changes what happens here.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from sniper.feed.sim.bars import Bars
from sniper.feed.sim.book import Book
from sniper.feed.sim.day import Day
from sniper.feed.sim.funding import Funding
from sniper.feed.sim.text import decimal, writer
from sniper.feed.sim.trades import Trade, Trades
from sniper.feed.sim.universe import QUANTUM_EXPONENT, STEP_QUANTUMS, Spec
from sniper.feed.sim.walk import Walk, Weather

ORACLE_SHARE = 0.9  # of blocks in which the oracle price of a busy market changes
ORACLE_SHARE_QUIET = 0.5


class Market:
    """Everything that happens in one market. `block` moves it on; the feed reads what it leaves behind."""

    __slots__ = (
        "_oracle_head",
        "_oracle_share",
        "_oracle_text",
        "_random",
        "_said",
        "bars",
        "book",
        "candles",
        "day",
        "fresh",
        "funding",
        "oracle",
        "oracle_moved",
        "price_text",
        "size_text",
        "spec",
        "ticker",
        "trades",
        "walk",
    )

    def __init__(
        self,
        spec: Spec,
        seed: int,
        start_ns: int,
        height: int,
        resolutions: Sequence[str],
        trades_keep: int,
        candles_keep: int,
    ) -> None:
        def generator(name: str) -> Random:
            return Random(f"{seed}/feed/{spec.ticker}/{name}")

        self.spec = spec
        self.ticker = spec.ticker
        self._random = generator("oracle").random
        self.walk = Walk(spec, generator("walk").random)
        self.book = Book(spec, self.walk.target_ticks, start_ns, generator("book").random)
        self.price_text = writer(spec.tick_decimals)
        self.size_text = writer(spec.step_decimals)
        self._oracle_text = writer(spec.oracle_decimals)
        self.oracle = self.walk.oracle()
        self.oracle_moved = False
        self._oracle_share = ORACLE_SHARE if spec.margin == "CROSS" else ORACLE_SHARE_QUIET
        self._oracle_head = f'"{spec.ticker}":{{"oraclePrice":'
        self.day = Day(spec, self.oracle, start_ns, generator("day").random)
        self.funding = Funding(spec.default_funding_ppm, int(self.walk.premium_ppm), start_ns)
        past_random = generator("past").random
        self.trades = Trades(spec, self.walk.index_ticks, trades_keep, past_random)
        past = self.trades.past(trades_keep, start_ns, height, self.walk.index_ticks, self.walk.sigma)
        self.trades.random = generator("trades").random
        self.bars = [Bars(spec, resolution, candles_keep) for resolution in resolutions]
        for bars in self.bars:
            bars.seed(past, start_ns, self.day.interest, past_random)
        self.fresh: list[Trade] = []
        self.candles: list[list[str]] = [[] for _ in self.bars]
        self._said = dict(self._statistics())

    @property
    def settled(self) -> bool:
        """Whether the market is closed for good: an empty book, no trades, a price that stands still."""
        return not self.spec.changes_per_s

    def block(self, now_ns: int, block_ns: int, height: int, event: int, weather: Weather) -> int:
        """One block: price, trades, candles, funding. `event`: first free event index; returns the next."""
        self.oracle_moved = False
        if self.settled:
            return event
        book, walk = self.book, self.walk
        book.run(now_ns)
        walk.step(weather)
        book.target_ticks = walk.target_ticks
        book.renew()
        self.fresh = trades = self.trades.clump(book, walk.heat * weather.heat, block_ns, height, event)
        if self._random() < self._oracle_share:
            self.oracle = walk.oracle()
            self.oracle_moved = True
        self.funding.block(block_ns, book.bid, book.ask, walk.index_ticks)
        self.day.block(block_ns, trades, self.oracle)
        if self.bars:
            mid = '"' + decimal((book.bid + book.ask) * 5, self.spec.tick_decimals + 1) + '"'
            interest = self.day.interest
            for at, bars in enumerate(self.bars):
                self.candles[at] = bars.block(block_ns, trades, mid, interest)
        return trades[-1].event + 1 + int(trades[-1].steps % 3) if trades else event

    def oracle_text(self, effective_at: str, price: str | None = None) -> str:
        """An entry of `oraclePrices`. `effective_at`: its last keys; `price` overrides the real one."""
        text = f'"{self._oracle_text(self.oracle)}"' if price is None else price
        return f"{self._oracle_head}{text}{effective_at}{self.spec.market_id}}}"

    def oracle_scaled(self, percent: int) -> str:
        """The oracle price times percent / 100, as a JSON string: what an oracle jump shows."""
        return f'"{decimal(self.oracle * percent, self.spec.oracle_decimals + 2)}"'

    def statistics(self) -> str:
        """The entry of a `trading` message: the statistics that changed since the last one; "" for none."""
        fields = self._statistics()
        changed = [f'"{key}":{value}' for key, value in fields if self._said.get(key) != value]
        self._said.update(fields)
        return f'"{self.ticker}":{{{",".join(changed)}}}' if changed else ""

    def _statistics(self) -> list[tuple[str, str]]:
        if self.settled:
            return []
        return [*self.day.fields(self.oracle), ("nextFundingRate", f'"{self.funding.publish()}"')]

    def snapshot(self) -> str:
        """The market object of a `v4_markets` snapshot."""
        spec, said = self.spec, self._said
        zero = '"0"'
        interest = said.get("openInterest", zero)
        return (
            f'"{spec.ticker}":{{"clobPairId":"{spec.clob_pair}","ticker":"{spec.ticker}","status":"{spec.status}",'
            f'"oraclePrice":"{self._oracle_text(self.oracle)}",'
            f'"priceChange24H":{said.get("priceChange24H", zero)},'
            f'"volume24H":{said.get("volume24H", zero)},"trades24H":{said.get("trades24H", "0")},'
            f'"nextFundingRate":{said.get("nextFundingRate", zero)},'
            f'"initialMarginFraction":"{spec.initial_margin}",'
            f'"maintenanceMarginFraction":"{spec.maintenance_margin}","openInterest":{interest},'
            f'"atomicResolution":{spec.atomic_resolution},'
            f'"quantumConversionExponent":{QUANTUM_EXPONENT},'
            f'"tickSize":"{decimal(1, spec.tick_decimals)}","stepSize":"{decimal(1, spec.step_decimals)}",'
            f'"stepBaseQuantums":{STEP_QUANTUMS},"subticksPerTick":{spec.subticks_per_tick},'
            f'"marketType":"{spec.margin}","openInterestLowerCap":"{spec.interest_lower_cap}",'
            f'"openInterestUpperCap":"{spec.interest_upper_cap}","baseOpenInterest":{interest},'
            f'"defaultFundingRate1H":"{decimal(spec.default_funding_ppm * 125, 9)}"}}'
        )

    def book_snapshot(self, now_ns: int, depth: int) -> tuple[str, tuple[set[int], set[int]]]:
        """The `contents` of a book snapshot as of now, and the bid and ask ticks that lie beyond its depth.

        Changes that were not handed on yet are forgotten: the snapshot holds them.
        """
        self.book.run(now_ns)
        self.book.changes.clear()
        price, size = self.price_text, self.size_text
        best = self.book.best(depth)
        texts = [
            ",".join(f'{{"price":"{price(tick)}","size":"{size(steps)}"}}' for tick, steps in levels)
            for levels in best
        ]
        bids, asks = (
            set(levels) - {tick for tick, _ in shown}
            for levels, shown in zip(self.book.sides, best, strict=True)
        )
        return f'{{"bids":[{texts[0]}],"asks":[{texts[1]}]}}', (bids, asks)

    def trades_snapshot(self) -> str:
        """The `contents` of a trades snapshot, newest first."""
        return f'{{"trades":[{",".join(reversed(self.trades.recent))}]}}'

    def candles_snapshot(self, resolution: str, count: int) -> str:
        """The `contents` of a candles snapshot, newest first."""
        for bars in self.bars:
            if bars.resolution == resolution:
                return f'{{"candles":[{",".join(bars.snapshot(count))}]}}'
        raise ValueError(f"no {resolution} candles in this sim")
