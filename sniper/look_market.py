"""The look at one market: its book, its trades and its candles, copied out of the kernels."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from sniper._ext.tape import COUNTER_NAMES, RESOLUTION_NAMES, RESOLUTION_NS, TRUST_NAMES
from sniper.decimals import Grid, fixed, text
from sniper.look_frame import TAKERS
from sniper.panels.view import Bar, Book, Candles, Level, Print, Trades

NOTES = ((32, "liquidated"), (64, "deleveraged"), (128, "other type"), (4, "late"))  # Flag in _ext/event.pxd
MINUTE_NS = 60_000_000_000
MASKED_MAX = 64  # levels a side that are looked through for masked ones
SHOWN = itemgetter(0, 1, 2, 3, 4, 5, 9)  # of a raw bar, in the order of Bar
MATCH, MISMATCH = COUNTER_NAMES.index("candle_match"), COUNTER_NAMES.index("candle_mismatch")


class MarketLook:
    """Reads one market at a time. Keeps the last candles, because closed ones seldom change."""

    def __init__(self, engine: Any) -> None:
        self._books = engine.books
        self._trades = engine.trades
        self._candles = engine.candles
        self._counters = engine.tape.counters
        self._top = {name: i for i, name in enumerate(engine.books.tops.dtype.names)}
        self._closed = (-1, 0, b"")
        self._bars: tuple[Bar, ...] = ()
        self._scales = (0, 0)
        self._levels = engine.books.levels
        self._last_book: tuple[object, Book] = (None, Book())
        self._last_trades: tuple[object, Trades] = (None, Trades())
        self._last_candles: tuple[object, Candles] = (None, Candles())

    def book(self, market: int, ticker: str, grid: Grid, depth: int, now_ns: int) -> Book:
        """The raw levels of both sides, those masked by the uncrossed view marked."""
        top, at = self._books.tops[market].item(), self._top
        key = (market, grid, depth, top)
        if self._last_book[0] == key and not top[at["crossed"]]:
            return self._last_book[1]
        book = self._book(market, ticker, grid, depth, now_ns, top)
        self._last_book = (key, book)
        return book

    def _book(
        self, market: int, ticker: str, grid: Grid, depth: int, now_ns: int, top: tuple[int, ...]
    ) -> Book:
        at = self._top
        bid, ask = top[at["bid"]], top[at["ask"]]
        crossed_ns = top[at["crossed_ns"]]
        if top[at["crossed"]]:
            crossed_ns += max(0, now_ns - top[at["crossed_since_ns"]])
        raw_bid, raw_ask = top[at["raw_bid"]], top[at["raw_ask"]]
        bids, masked_bids = self._side(market, 0, depth, grid, bid, raw_bid)
        asks, masked_asks = self._side(market, 1, depth, grid, ask, raw_ask)
        book = Book(
            ticker=ticker,
            trust=TRUST_NAMES[top[at["trust"]]],
            bids=bids,
            asks=asks,
            bid=grid.price(bid) if bid else "",
            ask=grid.price(ask) if ask else "",
            raw_bid=grid.price(raw_bid) if raw_bid else "",
            raw_ask=grid.price(raw_ask) if raw_ask else "",
            crossings=top[at["crossings"]],
            crossed_ns=crossed_ns,
            unknown_removes=top[at["unknown_removes"]],
            masked=masked_bids + masked_asks,
        )
        if not bid or not ask:
            return book
        micro = self._books.microprice(market)
        places = grid.tick_decimals + 2
        return book._replace(
            spread_ticks=ask - bid,
            spread_bps=f"{20_000 * (ask - bid) / (ask + bid):.2f}",
            mid=text(5 * (bid + ask) * grid.tick, grid.tick_decimals + 1),
            microprice=f"{micro * grid.tick / 10**grid.tick_decimals:.{places}f}"
            if micro is not None
            else "",
        )

    def _side(
        self, market: int, side: int, depth: int, grid: Grid, touch: int, best: int
    ) -> tuple[tuple[Level, ...], int]:
        """The view's levels of one side, ahead of them the last it masks; and how many it masks in all."""
        levels: list[Level] = []
        masked = 0
        if best != touch:
            for ticks, steps in self._levels(market, side, MASKED_MAX, True).tolist():
                if touch and (ticks >= touch if side else ticks <= touch):
                    break
                levels.append(Level(grid.price(ticks), grid.size(steps), "", 0, True))
            masked = len(levels)
            del levels[: max(0, masked - depth)]
        total = 0
        tick, tick_decimals, step, step_decimals = grid
        for ticks, steps in self._levels(market, side, depth).tolist():
            total += steps
            price = fixed(ticks * tick, tick_decimals, tick_decimals)
            size = fixed(steps * step, step_decimals, step_decimals)
            sums = fixed(total * step, step_decimals, step_decimals)
            levels.append(Level(price, size, sums, total, False))
        return tuple(levels), masked

    def trades(self, market: int, ticker: str, wanted: int) -> Trades:
        """The newest trades and what they sum up to."""
        stat = self._trades.stats[market]
        late = int(self._candles.stats[market]["late"])
        key = (market, wanted, int(stat["count"]), int(stat["duplicates"]), late)
        if self._last_trades[0] == key:
            return self._last_trades[1]
        buy, sell, places = self._trades.volumes(market)
        prints = tuple(
            Print(
                venue_ns,
                TAKERS[side],
                fixed(price, price_dec, price_dec),
                fixed(size, size_dec, size_dec),
                _note(flags),
            )
            for _, venue_ns, price, size, flags, price_dec, size_dec, side, _ in self._trades.recent(
                market, wanted
            ).tolist()
        )
        trades = Trades(
            ticker,
            prints,
            key[2],
            text(buy, places),
            text(sell, places),
            (1000 * buy + (buy + sell) // 2) // (buy + sell) if buy + sell else None,
            key[3],
            late,
        )
        self._last_trades = (key, trades)
        return trades

    def candles(self, market: int, ticker: str, resolution: int, wanted: int) -> Candles:
        """The newest bars in one common scale."""
        # Trades, late ones, history and comparisons are counted; empty bars come with the clock alone.
        key = (
            market,
            resolution,
            wanted,
            self._candles.clock_ns // MINUTE_NS,
            self._candles.stats[market].item(),
        )
        if self._last_candles[0] == key:
            return self._last_candles[1]
        found = self._candles.bars(market, resolution, wanted)
        closed, last = found[:-1].tobytes(), found[-1:].tolist()
        if closed and self._closed == (market, resolution, closed) and _places(last) == self._scales:
            self._bars = (*self._bars[:-1], *_bars(last, *self._scales))
        else:
            raw = found.tolist()
            self._scales = _places(raw)
            self._bars = _bars(raw, *self._scales)
        self._closed = (market, resolution, closed)
        counters = self._counters
        candles = Candles(
            ticker,
            RESOLUTION_NAMES[resolution],
            RESOLUTION_NS[resolution],
            *self._scales,
            self._bars,
            int(counters[MATCH]),
            int(counters[MISMATCH]),
            int(self._candles.stats[market]["late"]),
        )
        self._last_candles = (key, candles)
        return candles


def _note(flags: int) -> str:
    return next((name for flag, name in NOTES if flags & flag), "") if flags else ""


def _places(raw: list[tuple[Any, ...]]) -> tuple[int, int]:
    """Decimals of the prices and of the sizes that all these bars can be told in."""
    return max((bar[10] for bar in raw), default=0), max((bar[11] for bar in raw), default=0)


def _bars(raw: list[tuple[Any, ...]], *scales: int) -> tuple[Bar, ...]:
    """The bars in a common scale; most are in it already."""
    if {bar[10:12] for bar in raw} <= {scales}:
        return tuple(map(Bar._make, map(SHOWN, raw)))
    return tuple(_bar(bar, *scales) for bar in raw)


def _bar(raw: tuple[Any, ...], price_places: int, size_places: int) -> Bar:
    start_ns, open_, high, low, close, volume, _, _, _, trades, price_dec, size_dec, _, _ = raw
    if price_dec != price_places:
        scale = 10 ** (price_places - price_dec)
        open_, high, low, close = open_ * scale, high * scale, low * scale, close * scale
    if size_dec != size_places:
        volume *= 10 ** (size_places - size_dec)
    return Bar(start_ns, open_, high, low, close, volume, trades)
