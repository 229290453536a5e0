"""The candles of one market as the Indexer folds them: by block time, empty bars filled, the last one
rewritten.

One update for each block with trades; at the first block after an interval's end the old candle comes once
more with its closing mid price, then the new one, empty (all prices the last close) where that block has no
trade.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from sniper.feed.sim.text import iso, writer
from sniper.feed.sim.trades import CENTS, Trade
from sniper.feed.sim.universe import Spec

MINUTE_NS = 60_000_000_000
RESOLUTIONS = {
    "1MIN": MINUTE_NS,
    "5MINS": 5 * MINUTE_NS,
    "15MINS": 15 * MINUTE_NS,
    "30MINS": 30 * MINUTE_NS,
    "1HOUR": 60 * MINUTE_NS,
    "4HOURS": 240 * MINUTE_NS,
    "1DAY": 1440 * MINUTE_NS,
}


class Bar:
    """One candle in the making. Prices in hundredths of a tick, volumes in steps and price x steps."""

    __slots__ = (
        "close",
        "high",
        "interest",
        "low",
        "mid_close",
        "mid_open",
        "open",
        "started_ns",
        "steps",
        "trades",
        "usd",
    )

    def __init__(self, started_ns: int, price: int, mid_open: str, interest: str) -> None:
        self.started_ns = started_ns
        self.open = self.high = self.low = self.close = price
        self.steps = self.usd = self.trades = 0
        self.mid_open = mid_open
        self.mid_close = "null"
        self.interest = interest

    def add(self, price: int, steps: int) -> None:
        """Fold one trade in. The first one rewrites the open price of an empty candle."""
        if not self.trades:
            self.open = self.high = self.low = price
        self.high = max(self.high, price)
        self.low = min(self.low, price)
        self.close = price
        self.steps += steps
        self.usd += price * steps
        self.trades += 1


class Bars:
    """The candles of one market and resolution. `recent`: closed ones, oldest first; `bar`: the open one."""

    __slots__ = ("_head", "_price", "_size", "_usd", "bar", "interval_ns", "recent", "resolution")

    def __init__(self, spec: Spec, resolution: str, keep: int) -> None:
        self.resolution = resolution
        self.interval_ns = RESOLUTIONS[resolution]
        self.recent: deque[str] = deque(maxlen=keep)
        self.bar: Bar | None = None
        self._head = f'.000Z","ticker":"{spec.ticker}","resolution":"{resolution}","low":"'
        self._price = writer(spec.tick_decimals + 2)
        self._size = writer(spec.step_decimals)
        self._usd = writer(spec.tick_decimals + 2 + spec.step_decimals)

    def text(self, bar: Bar) -> str:
        """A candle as the Indexer writes it."""
        price = self._price
        return (
            f'{{"startedAt":"{iso(bar.started_ns)[:19]}{self._head}{price(bar.low)}","high":"{price(bar.high)}",'
            f'"open":"{price(bar.open)}","close":"{price(bar.close)}","baseTokenVolume":"{self._size(bar.steps)}",'
            f'"usdVolume":"{self._usd(bar.usd)}","trades":{bar.trades},"startingOpenInterest":"{bar.interest}",'
            f'"orderbookMidPriceOpen":{bar.mid_open},"orderbookMidPriceClose":{bar.mid_close}}}'
        )

    def block(self, ns: int, trades: Sequence[Trade], mid: str, interest: str) -> list[str]:
        """The updates of one block. `mid`: the quoted mid price; `interest`: the open interest, as text."""
        bar = self.bar
        if bar is None and not trades:
            return []
        updates = []
        started_ns = ns - ns % self.interval_ns
        if bar is None or started_ns > bar.started_ns:
            if bar is not None:
                bar.mid_close = mid
                updates.append(self.text(bar))
                self.recent.append(updates[0])
            bar = self.bar = Bar(started_ns, bar.close if bar else trades[0].price, mid, interest)
        elif not trades:
            return []
        for trade in trades:
            bar.add(trade.price, trade.steps)
        updates.append(self.text(bar))
        return updates

    def snapshot(self, count: int) -> list[str]:
        """The last candles, newest first."""
        open_bar = [self.text(self.bar)] if self.bar else []
        return (open_bar + list(reversed(self.recent)))[:count]

    def seed(self, past: Sequence[Trade], ns: int, interest: str, random: Callable[[], float]) -> None:
        """The candles of the time before `ns`: folded from `past` where it reaches, made up before that."""
        if not past:
            return
        interval = self.interval_ns
        now_ns = ns - ns % interval
        known_ns = max(past[0].ns - past[0].ns % interval, now_ns - interval * (self.recent.maxlen or 0))
        older: list[str] = []
        price = past[0].price
        per_bar = len(past) * interval / max(ns - past[0].ns, 1)
        steps = sum(trade.steps for trade in past) // len(past) + 1
        for back in range(1, (self.recent.maxlen or 0) + 1):
            started_ns = known_ns - back * interval
            if started_ns < now_ns - interval * (self.recent.maxlen or 0):
                break
            older.append(self.text(self._made_up(started_ns, price, per_bar, steps, interest, random)))
            price += int((random() - 0.5) * price / 1500)
        self.recent.extend(reversed(older))
        at = 0
        close = past[0].price
        for started_ns in range(known_ns, now_ns + interval, interval):
            while at < len(past) and past[at].ns < started_ns:
                close = past[at].price
                at += 1
            mid = self._mid(close)
            bar = Bar(started_ns, close, mid, interest)
            while at < len(past) and past[at].ns < started_ns + interval:
                bar.add(past[at].price, past[at].steps)
                at += 1
            close = bar.close
            if started_ns == now_ns:
                self.bar = bar
            else:
                bar.mid_close = self._mid(close)
                self.recent.append(self.text(bar))

    def _mid(self, price: int) -> str:
        return f'"{self._price(price)}"'

    def _made_up(
        self,
        started_ns: int,
        close: int,
        per_bar: float,
        steps: int,
        interest: str,
        random: Callable[[], float],
    ) -> Bar:
        bar = Bar(started_ns, close, self._mid(close), interest)
        bar.mid_close = self._mid(close)
        for _ in range(min(4, int(per_bar * (0.5 + random()) + random()))):
            price = close + int((random() - 0.5) * close / 1000) // CENTS * CENTS
            bar.add(price, steps)
        if bar.trades:
            more = max(0, int(per_bar) - 4)
            bar.add(close, steps * (1 + more))
            bar.trades += more
        return bar
