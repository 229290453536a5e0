"""The naive twin of the signals kernel: whole histories in lists, everything reckoned anew at every question.

Written from docs/signals.md and the textbooks' definitions of the indicators (as TA-Lib has them). Books and bars
have twins of their own; here they are given: the best levels of both sides, and the bars as the candles kernel
holds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import sqrt
from typing import NamedTuple

SECOND_NS = 10**9
MINUTE_NS, HOUR_NS, DAY_MINUTES = 60 * SECOND_NS, 3600 * SECOND_NS, 1440
EIGHTH_NS = SECOND_NS // 8
TURNS = 64
BUY, SELL = 0, 1

INTENSITIES = ["atr", "realised", "regime", "volume", "spread", "depth", "footprint"]


class Bar(NamedTuple):
    k: int
    high: float
    low: float
    close: float
    volume: float
    usd: float
    trades: int


class Trade(NamedTuple):
    ns: int
    side: int
    price: float
    coins: float
    liquidated: bool


class Book(NamedTuple):
    """Best first, (ticks, steps). trusted: live or crossed."""

    trusted: bool
    bids: Sequence[tuple[int, int]]
    asks: Sequence[tuple[int, int]]


# ---- indicators -----------------------------------------------------------------------------------


def mean(values: Sequence[float]) -> float:
    total = 0.0
    for value in values:
        total += value
    return total / len(values)


def smoothed(values: Sequence[float], seed: int, weight: float) -> list[float]:
    """Exponential mean that starts as the plain mean of the first `seed` values: its value at seed - 1 and after."""
    out = [mean(values[:seed])]
    for value in values[seed:]:
        out.append((1 - weight) * out[-1] + weight * value)
    return out


def macd(closes: Sequence[float]) -> tuple[float, float, float, float]:
    """Line, signal, histogram and the histogram of the bar before (12/26/9). Needs 34 closes."""
    slow = smoothed(closes, 26, 2 / 27)
    fast = smoothed(closes[14:], 12, 2 / 13)  # so that both start at the 26th close
    line = [f - s for f, s in zip(fast, slow, strict=True)]
    signal = smoothed(line, 9, 2 / 10)
    before = line[-2] - signal[-2] if len(signal) > 1 else 0.0
    return line[-1], signal[-1], line[-1] - signal[-1], before


def rsi(closes: Sequence[float]) -> float:
    """Needs 15 closes."""
    changes = [b - a for a, b in pairwise(closes)]
    gain = smoothed([max(c, 0.0) for c in changes], 14, 1 / 14)[-1]
    loss = smoothed([max(-c, 0.0) for c in changes], 14, 1 / 14)[-1]
    return 50.0 if gain == loss == 0 else 100 - 100 / (1 + gain / loss) if loss else 100.0


def true_ranges(bars: Sequence[Bar]) -> list[float]:
    return [max(b.high - b.low, abs(b.high - a.close), abs(b.low - a.close)) for a, b in pairwise(bars)]


def atr(bars: Sequence[Bar]) -> float:
    """Needs 15 bars."""
    return smoothed(true_ranges(bars), 14, 1 / 14)[-1]


def wilder_sums(values: Sequence[float]) -> list[float]:
    """The sum of the first 13, then each time less a 14th of itself plus the next: from the 14th value on."""
    total, out = 13 * mean(values[:13]), []
    for value in values[13:]:
        total = total - total / 14 + value
        out.append(total)
    return out


def adx(bars: Sequence[Bar]) -> tuple[float, float, float]:
    """ADX, +DI, -DI. Needs 28 bars."""
    plus, minus = [], []
    for a, b in pairwise(bars):
        up, down = b.high - a.high, a.low - b.low
        plus.append(up if up > down and up > 0 else 0.0)
        minus.append(down if down > up and down > 0 else 0.0)
    rows = list(zip(wilder_sums(plus), wilder_sums(minus), wilder_sums(true_ranges(bars)), strict=True))
    value = 0.0
    for i, (p, m, _) in enumerate(rows):
        if p + m > 0:
            dx = 100 * abs(p - m) / (p + m)
            value = value + dx / 14 if i < 14 else (value * 13 + dx) / 14
    p, m, r = rows[-1]
    return value, 100 * p / r if r else 0.0, 100 * m / r if r else 0.0


def bollinger(closes: Sequence[float]) -> tuple[float, float]:
    """Middle and standard deviation of 20 closes."""
    middle = mean(closes[-20:])
    return middle, sqrt(mean([(c - middle) ** 2 for c in closes[-20:]]))


def fading_mean(values: Sequence[float], span: int) -> float:
    """Exponential mean; while there are few values a plain one, which weighs the newest more."""
    out = 0.0
    for n, value in enumerate(values, 1):
        weight = max(1 / n, 2 / (span + 1))
        out = out * (1 - weight) + value * weight
    return out


def returns(closes: Sequence[float]) -> list[float]:
    return [b / a - 1 if a else 0.0 for a, b in pairwise(closes)]


def vwap(bars: Sequence[Bar], minutes: int) -> float:
    today = [b for b in bars if b.k * minutes // DAY_MINUTES == bars[-1].k * minutes // DAY_MINUTES]
    coins = sum(b.volume for b in today)
    return sum(b.usd for b in today) / coins if coins else bars[-1].close


def indicators(bars: Sequence[Bar], open_close: float, minutes: int) -> tuple[float, ...]:
    """What `Indicators` of sniper/viewing.py says. bars: the closed ones."""
    if len(bars) < 34:
        return (len(bars), False, *[0.0] * 17)
    closes = [b.close for b in bars]
    line, signal, histogram, before = macd(closes)
    middle, deviation = bollinger(closes)
    strength, plus, minus = adx(bars)
    open_line, _, open_histogram, _ = macd([*closes, open_close])
    return (
        len(bars), True, closes[-1], line, signal, histogram, before, rsi(closes), atr(bars), middle,
        4 * deviation / middle if middle else 0.0, strength, plus, minus, vwap(bars, minutes), bars[-1].volume,
        mean([b.volume for b in bars[-20:]]), open_line, open_histogram,
    )  # fmt: skip


# ---- what happens between bars --------------------------------------------------------------------


def left(then_ns: int, now_ns: int, half_life_s: int) -> float:
    """What is left of 1; time moves in eighths of a second and never back."""
    eighths = max(now_ns // EIGHTH_NS - then_ns // EIGHTH_NS, 0)
    return float(0.5 ** (eighths / (8 * half_life_s)))


@dataclass
class Side:
    """One side of the touch, and what trades took from it."""

    tick: int = 0
    coins: float = 0.0
    taken_tick: int = 0
    taken: float = 0.0
    taken_ns: int = 0

    def take(self, tick: int, coins: float, ns: int) -> None:
        self.taken = coins + (self.taken * left(self.taken_ns, ns, 128) if tick == self.taken_tick else 0.0)
        self.taken_tick, self.taken_ns = tick, ns

    def look(self, tick: int, coins: float, better: bool, ns: int) -> float:
        """The best level is this now. Returns how much of what was taken came back."""
        grown = 0.0
        if tick and tick == self.taken_tick:
            if tick == self.tick:
                grown = coins - self.coins
            elif self.tick and better:
                grown = coins
        self.taken *= left(self.taken_ns, ns, 128)
        self.taken_ns = max(ns, self.taken_ns)
        grown = max(min(grown, self.taken), 0.0)
        self.taken -= grown
        self.tick, self.coins = tick, coins
        return grown


@dataclass
class Market:
    """Everything that was ever heard of one market."""

    tick: float = 0.0
    step: float = 0.0
    trades: list[Trade] = field(default_factory=list)
    recurring: list[Trade] = field(default_factory=list)
    refills: list[tuple[int, int, float]] = field(default_factory=list)
    sides: tuple[Side, Side] = field(default_factory=lambda: (Side(), Side()))
    book: Book = field(default_factory=lambda: Book(False, (), ()))
    bars: Sequence[Bar] = ()
    open: Bar | None = None
    oracle: float | None = None
    oracle_samples: list[tuple[int, float]] = field(default_factory=list)
    published: list[tuple[int, float]] = field(default_factory=list)  # (hour it speaks of, rate)
    charged: tuple[int, float] | None = None
    micro: tuple[int, float, float, int] | None = None  # since, value, mean, at

    def trade(self, trade: Trade) -> None:
        if [t.coins for t in self.trades[-16:]].count(trade.coins) >= 2:
            self.recurring.append(trade)
        self.trades.append(trade)
        hit = self.sides[1 - trade.side]  # a buyer takes asks
        hit.take(int(trade.price / self.tick + 0.5), trade.coins, trade.ns)

    def look(self, book: Book, ns: int) -> None:
        self.book = book
        for number, (side, levels) in enumerate(zip(self.sides, (book.bids, book.asks), strict=True)):
            tick, steps = levels[0] if levels else (0, 0)
            better = tick < side.tick if number else tick > side.tick
            grown = side.look(tick, steps * self.step, better, ns)
            if grown:
                self.refills.append((ns, number, grown))

    def sample_oracle(self, price: float, ns: int) -> None:
        minute = ns // MINUTE_NS
        if price > 0 and (not self.oracle_samples or minute > self.oracle_samples[-1][0]):
            self.oracle_samples.append((minute, price))

    def publish(self, rate: float, ns: int) -> None:
        hour = (ns - 30 * SECOND_NS) // HOUR_NS
        if self.published and hour > self.published[-1][0]:
            before = self.published[-1]
            if self.charged is None or before[0] > self.charged[0]:
                self.charged = before
        self.published.append((hour, rate))

    def history(self, rate: float, effective_ns: int) -> None:
        hour = effective_ns // HOUR_NS - 1
        if self.charged is None or hour >= self.charged[0]:
            self.charged = (hour, rate)

    def expected(self, now_ns: int) -> float:
        if not self.published:
            return 0.0
        hour = (now_ns - 30 * SECOND_NS) // HOUR_NS
        told, rate = self.published[-1]
        if hour > told or self.charged is None:
            return rate
        samples = (now_ns - 30 * SECOND_NS - hour * HOUR_NS) // MINUTE_NS + 1
        return samples / 60 * rate + (60 - samples) / 60 * self.charged[1]

    # ---- the score of one moment

    def measure(self, now_ns: int) -> dict[str, float]:
        """The parts that are known."""
        p: dict[str, float] = {}
        self.measure_book(p, now_ns)
        self.measure_bars(p, now_ns)
        if self.oracle is not None:
            p["oracle"] = self.oracle
            if "mid" in p:
                p["basis_bps"] = (p["mid"] / self.oracle - 1) * 10_000
        sampled = [(b / a - 1) ** 2 / (j - i) for (i, a), (j, b) in pairwise(self.oracle_samples)]
        if len(sampled) >= 15:
            p["sigma_oracle"] = sqrt(fading_mean(sampled, 60))
        p["sigma"] = max(p.get("sigma_bars", 0.0), p.get("sigma_oracle", 0.0))
        if p.get("atr"):
            p["liveliness"] = min(1.0, p["atr"] / (p["sigma"] * p["price"]))
        for name, side in (("bought", BUY), ("sold", SELL)):
            p[name] = sum(t.coins * left(t.ns, now_ns, 32) for t in self.trades if t.side == side)
        p["forced"] = sum(
            t.coins * left(t.ns, now_ns, 64) * (1 if t.side == BUY else -1)
            for t in self.trades
            if t.liquidated
        )
        for name, side in (("recurring_buys", BUY), ("recurring_sells", SELL)):
            p[name] = sum(t.coins * left(t.ns, now_ns, 128) for t in self.recurring if t.side == side)
        for name, side in (("refilled_bids", 0), ("refilled_asks", 1)):
            p[name] = sum(coins * left(ns, now_ns, 128) for ns, which, coins in self.refills if which == side)
        if self.published:
            p["funding"] = self.published[-1][1]
            p["funding_expected"] = self.expected(now_ns)
        return p

    def measure_book(self, p: dict[str, float], now_ns: int) -> None:
        bids, asks = self.book.bids, self.book.asks
        if not (self.book.trusted and bids and asks):
            self.micro = None
            return
        bid, ask = bids[0][0] * self.tick, asks[0][0] * self.tick
        p["mid"] = p["price"] = (bid + ask) / 2
        p["spread_bps"] = (ask - bid) / p["mid"] * 10_000
        for depth in (1, 3, 10):
            b, a = (sum(size for _, size in side[:depth]) for side in (bids, asks))
            p[f"imbalance_{depth}"] = (b - a) / (b + a)
            p["depth_usd"] = min(a, b) * self.step * p["mid"]
        x, y = bids[0][1], asks[0][1]
        p["microprice"] = micro = (bid * y + ask * x) / (x + y)
        if self.micro is None:
            self.micro = (now_ns, micro, micro, now_ns)
        since, value, average, at = self.micro
        average = value + (average - value) * left(at, now_ns, 16)
        self.micro = (since, micro, average, now_ns)
        p["microprice_mean"] = average

    def measure_bars(self, p: dict[str, float], now_ns: int) -> None:
        bars = self.bars
        if self.open is None:
            return
        p.setdefault("price", self.open.close)
        price, n = p["price"], len(bars)
        closes = [b.close for b in bars]
        if n > 10:
            p["momentum"] = price / closes[-11] - 1
        if n >= 15:
            p["rsi"], p["atr"] = rsi([*closes, price]), atr(bars)
            squares = [r * r for r in returns(closes)]
            closed = fading_mean(squares, 60)
            now = closed * 59 / 61 + (price / closes[-1] - 1) ** 2 * 2 / 61
            p["sigma_bars"] = sqrt(max(closed, now))
            p["drift"] = fading_mean(returns(closes), 30)
        if n >= 20:
            p["bollinger_mid"], deviation = bollinger(closes)
            p["bollinger_width"] = 4 * deviation / p["bollinger_mid"]
        if n >= 28:
            p["adx"], p["plus_di"], p["minus_di"] = adx(bars)
        if n >= 34:
            p["macd"], _, p["histogram"], _ = macd([*closes, price])
            p["macd_signal"] = macd(closes)[1]
        if n:
            p["vwap"] = vwap(bars, 1)
            gone = min(max((now_ns - (bars[-1].k + 1) * MINUTE_NS) / MINUTE_NS, 0.0), 1.0)
            p["volume"] = self.open.volume + (1 - gone) * bars[-1].volume
            p["usual_volume"] = fading_mean([b.volume for b in bars], 240)
            usual_trades = fading_mean([float(b.trades) for b in bars], 240)
            p["usual_trade"] = p["usual_volume"] / usual_trades if usual_trades else 0.0

    def score(self, now_ns: int) -> tuple[dict[str, float], dict[str, float]]:
        """(scores that are warmed up, parts)."""
        p = self.measure(now_ns)
        out: dict[str, float] = {}
        n, sigma, price = len(self.bars), p["sigma"], p.get("price", 0.0)
        usual = p.get("usual_volume", 0.0) + p.get("usual_trade", 0.0)
        lively = p.get("liveliness", 0.0)
        if n >= 15:
            if sigma:
                out["momentum"] = tanh_like(p["momentum"] / (sigma * sqrt(10)))
            out["rsi"] = 50 + lively * (50 - p["rsi"])
            out["atr"] = saturating(p["atr"] / price / 0.001)
        if sigma:
            out["realised"] = saturating(sigma / 0.001)
        if n >= 20:
            half = p["bollinger_width"] * p["bollinger_mid"] / 2
            away = tanh_like((p["bollinger_mid"] - price) / half if half else 0.0)
            out["bollinger"] = 50 + lively * (away - 50)
        if n >= 20 and usual:
            out["volume"] = 100 * max(part(p["volume"] - usual, p["volume"] + usual), 0.0)
            out["flow"] = 50 + 50 * part(p["bought"] - p["sold"], p["bought"] + p["sold"] + usual)
            out["liquidations"] = tanh_like(part(p["forced"], usual / 10))
            buys, sells = p["recurring_buys"], p["recurring_sells"]
            bids, asks = p["refilled_bids"], p["refilled_asks"]
            out["footprint"] = saturating(part(buys + sells + bids + asks, 2 * usual))
            out["recurring"] = 50 + 50 * part(buys - sells, buys + sells + usual / 2)
            out["replenished"] = 50 + 50 * part(bids - asks, bids + asks + usual / 2)
        if n >= 28:
            out["regime"] = lively * p["adx"]
        if n >= 34:
            out["trend"] = 50 + lively * (tanh_like(part(p["macd"] + p["histogram"], p["atr"])) - 50)
        if "mid" in p:
            for depth in (1, 3, 10):
                out[f"book_{depth}"] = 50 + 50 * p[f"imbalance_{depth}"]
            out["spread"] = 100 * 2 / (2 + p["spread_bps"])
            out["depth"] = saturating(p["depth_usd"] / 250_000)
            assert self.micro is not None
            if sigma and left(self.micro[0], now_ns, 16) <= 0.5:
                away = p["microprice"] / p["microprice_mean"] - 1
                out["microprice"] = tanh_like(away / (sigma / 2))
            if self.oracle:
                out["basis"] = tanh_like(-p["basis_bps"] / 5)
        if self.published:
            out["funding"] = tanh_like(-p["funding"] / 0.000025)
            out["funding_next"] = tanh_like(-p["funding_expected"] / 0.000025)
        return out, p


def part(x: float, of: float) -> float:
    return x / of if of else 0.0


def tanh_like(x: float) -> float:
    return 50 + 50 * x / (1 + abs(x))


def saturating(x: float) -> float:
    return 100 * x / (1 + x)


def neutral(name: str) -> float:
    return 0.0 if name in INTENSITIES else 50.0


def in_turn(markets: Sequence[int], before_ns: int | None, now_ns: int) -> list[int]:
    """The markets whose turn came since: each once a second, market m in the turn m mod 64."""
    turn = now_ns * TURNS // SECOND_NS
    if before_ns is None:
        return list(markets)
    first = before_ns * TURNS // SECOND_NS + 1
    return [m for m in markets if any(i % TURNS == m % TURNS for i in range(max(first, turn - 63), turn + 1))]
