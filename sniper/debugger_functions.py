"""The functions of the debugger's expressions: what the engine knows, as exact values."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from sniper._ext.signals import PART_NAMES, SIGNALS
from sniper._ext.tape import COUNTER_NAMES, FIELD_NAMES, RESOLUTION_NAMES, TRUST_NAMES
from sniper.debugger_desk import desk_functions
from sniper.debugger_walk import Walk
from sniper.decimals import Grid, grid
from sniper.expression import NUMBER, TEXT, Function, Value, near

SIDES = ("bid", "ask")
ORACLE = FIELD_NAMES.index("oraclePrice")
BPS_MAX = 10_000
M, R, S = ("market", TEXT), ("resolution", TEXT), ("side", TEXT)
COUNTED = {
    "rejected": "messages refused so far",
    "gaps": "inbox overflows so far",
    "missing_ids": "message ids that never came so far",
    "frames": "messages so far",
    "resubscribes": "books asked for anew so far",
    "reconnects": "connections asked for anew so far",
}


def functions(walk: Walk) -> dict[str, Function]:
    """All functions by name, looking at the state where the walk stands."""
    read = _Reads(walk)
    table: dict[str, Function] = {}

    def add(
        name: str, parameters: tuple[tuple[str, str], ...], call: Callable[..., Value], text: str
    ) -> None:
        table[name] = Function(parameters, TEXT if name == "trust" else NUMBER, call, text, read.check)

    for name, text in (("bid", "best bid of the uncrossed view"), ("ask", "best ask of the uncrossed view")):
        add(name, (M,), lambda m, name=name: read.price(m, name), text)
        add(f"raw_{name}", (M,), lambda m, name=name: read.price(m, f"raw_{name}"), f"best raw {name}")
        add(f"{name}_size", (M,), lambda m, name=name: read.touch(m, name), f"size at the {text}, in coins")
    add("mid", (M,), read.mid, "price between bid and ask")
    add("spread", (M,), read.spread, "ask - bid, a price")
    add("spread_ticks", (M,), read.spread_ticks, "ask - bid in ticks")
    add("depth", (M, S, ("bps", NUMBER)), read.depth, "coins within so many basis points of the mid price")
    add("trust", (M,), read.trust, f"of the book: {', '.join(TRUST_NAMES)}")
    add("oracle", (M,), read.oracle, "oracle price")
    add("last", (M,), read.last, "price of the last trade")
    add("trades", (M,), read.trades, "distinct trades so far")
    for name in ("crossings", "unknown_removes"):
        add(
            name, (M,), lambda m, name=name: read.top(m, name), f"{name.replace('_', ' ')} of the book so far"
        )
    for name in ("open", "high", "low", "close"):
        add(
            name,
            (M, R),
            lambda m, r, name=name: read.bar(m, r, name, "price_dec"),
            f"{name} of the current candle",
        )
    add("volume", (M, R), lambda m, r: read.bar(m, r, "volume", "size_dec"), "coins in the current candle")
    for name, text in COUNTED.items():
        add(name, (), lambda name=name: read.counter(name), text)
    add("tick", (), lambda: walk.number, "number of the tick")
    add("now", (), lambda: Fraction(walk.engine.now_ns, 10**9), "time of the feed, seconds since 1970")
    add("records", (), lambda: len(walk.tick.records) if walk.tick else 0, "records that this tick took")
    add("commands", (), lambda: len(walk.commands), "commands that this tick gave")
    return table | desk_functions(walk, read.check)


class _Reads:
    """Reads one value each of the engine where the walk stands; None: there is none."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk

    def check(self, parameter: str, text: str) -> str | None:
        """What is wrong with a text that stands for a market, side or resolution."""
        known = {
            "market": self._walk.engine.decoder.tickers,
            "side": list(SIDES),
            "resolution": list(RESOLUTION_NAMES),
            "signal": list(SIGNALS),
            "part": list(PART_NAMES),
        }.get(parameter, [text])
        if text in known or (parameter == "market" and not known):
            return None  # before the list of markets came every name may be one
        hint = near(text, known)
        return f"unknown {parameter} {text}{'; ' if hint else ''}{hint}"

    def _market(self, ticker: str) -> int:
        return self._walk.engine.decoder.market(ticker)

    def _grid(self, market: int) -> Grid:
        return grid(self._walk.engine.decoder.markets[market])

    def _price(self, market: int, ticks: int) -> Fraction:
        units = self._grid(market)
        return Fraction(ticks * units.tick, 10**units.tick_decimals)

    def _size(self, market: int, steps: int) -> Fraction:
        units = self._grid(market)
        return Fraction(steps * units.step, 10**units.step_decimals)

    def top(self, ticker: str, name: str) -> int | None:
        """One field of a book's row of `tops`."""
        market = self._market(ticker)
        return None if market < 0 else int(self._walk.engine.books.tops[name][market])

    def price(self, ticker: str, name: str) -> Fraction | None:
        """A price of the book's touch."""
        ticks = self.top(ticker, name)
        return self._price(self._market(ticker), ticks) if ticks else None

    def spread_ticks(self, ticker: str) -> int | None:
        """Ticks between bid and ask."""
        bid, ask = self.top(ticker, "bid"), self.top(ticker, "ask")
        return ask - bid if bid and ask else None

    def spread(self, ticker: str) -> Fraction | None:
        """The same as a price."""
        ticks = self.spread_ticks(ticker)
        return None if ticks is None else self._price(self._market(ticker), ticks)

    def mid(self, ticker: str) -> Fraction | None:
        """The price in the middle."""
        bid, ask = self.price(ticker, "bid"), self.price(ticker, "ask")
        return None if bid is None or ask is None else (bid + ask) / 2

    def touch(self, ticker: str, name: str) -> Fraction | None:
        """Coins at the best level of a side."""
        market = self._market(ticker)
        if market < 0:
            return None
        levels = self._walk.engine.books.levels(market, SIDES.index(name), 1)
        return self._size(market, int(levels[0, 1])) if len(levels) else None

    def depth(self, ticker: str, side: str, bps: Fraction | int) -> Fraction | None:
        """Coins within so many basis points."""
        if side not in SIDES or not 0 <= bps <= BPS_MAX or self.mid(ticker) is None:
            return None
        market = self._market(ticker)
        return self._size(market, self._walk.engine.books.within(market, SIDES.index(side), int(bps)))

    def trust(self, ticker: str) -> str | None:
        """The name of the book's trust state."""
        trust = self.top(ticker, "trust")
        return None if trust is None else TRUST_NAMES[trust]

    def oracle(self, ticker: str) -> Fraction | None:
        """The oracle price of the market table."""
        market = self._market(ticker)
        if market < 0:
            return None
        row = self._walk.engine.decoder.markets[market]
        known = int(row["known"]) >> ORACLE & 1
        return Fraction(int(row["num"][ORACLE]), 10 ** int(row["dec"][ORACLE])) if known else None

    def trades(self, ticker: str) -> int | None:
        """How many distinct trades there were."""
        market = self._market(ticker)
        return None if market < 0 else int(self._walk.engine.trades.stats[market]["count"])

    def last(self, ticker: str) -> Fraction | None:
        """Price of the last trade."""
        if not self.trades(ticker):
            return None
        stat = self._walk.engine.trades.stats[self._market(ticker)]
        return Fraction(int(stat["last_price"]), 10 ** int(stat["last_dec"]))

    def bar(self, ticker: str, resolution: str, name: str, scale: str) -> Fraction | None:
        """One value of the candle that is open now."""
        market = self._market(ticker)
        if market < 0 or resolution not in RESOLUTION_NAMES:
            return None
        bar = self._walk.engine.candles.current(market, RESOLUTION_NAMES.index(resolution))
        return None if bar is None else Fraction(int(bar[name]), 10 ** int(bar[scale]))

    def counter(self, name: str) -> int:
        """One of the engine's counters."""
        return int(self._walk.engine.tape.counters[COUNTER_NAMES.index(name)])
