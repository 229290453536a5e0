"""The naive twin of the candles kernel: dictionaries and Decimal, the same rules told a second time.

Every bar is an object in `bars[resolution][number]` of its market; nothing is a ring, a mantissa or a fast
path. Only two facts of the kernel's numbers are kept: a bar has a scale (decimals of price and size), and a
value that would not fit an int64 at that scale is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Context, Decimal
from typing import NamedTuple

MINUTE_NS = 60 * 10**9
INTERVALS = [m * MINUTE_NS for m in (1, 5, 15, 30, 60, 240, 1440)]
GRACE_NS = 10 * 10**9
TIME_MAX_NS = 1 << 62
COMPLETE, CLOSED, AMENDED, INDEXER, SAME, DIFFERS, INEXACT, NO_USD = (1 << i for i in range(8))
EXACT = Context(prec=200)


def number(mantissa: int, dec: int) -> Decimal:
    return Decimal(mantissa).scaleb(-dec, EXACT)


def mantissa(value: Decimal, dec: int) -> int:
    scaled = value.scaleb(dec, EXACT)
    assert scaled == int(scaled)
    return int(scaled)


def fits(value: Decimal, dec: int) -> bool:
    return abs(mantissa(value, dec)) < 1 << 63


class View(NamedTuple):
    """A candle as the Indexer told it: (mantissa, decimals) each."""

    started_ns: int
    open: tuple[int, int]
    high: tuple[int, int]
    low: tuple[int, int]
    close: tuple[int, int]
    volume: tuple[int, int]
    usd: tuple[int, int]
    trades: int


class Row(NamedTuple):
    """What the twin reads of a row."""

    kind: str
    market: int = 0
    side: int = 0
    price: int = 0
    size: int = 0
    price_dec: int = 0
    size_dec: int = 0
    ns: int = 0
    ref: int = 0
    duplicate: bool = False
    history: bool = False
    inexact: bool = False
    view: View | None = None


@dataclass
class Bar:
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    price_dec: int
    size_dec: int
    usd_dec: int
    flags: int = 0
    volume: Decimal = Decimal(0)
    buy: Decimal = Decimal(0)
    usd: Decimal = Decimal(0)
    trades: int = 0
    first_ns: int = 0
    last_ns: int = 0

    def told(self, start_ns: int) -> tuple[int, ...]:
        """The fields of BAR_DTYPE."""
        prices = [mantissa(p, self.price_dec) for p in (self.open, self.high, self.low, self.close)]
        volume, buy = mantissa(self.volume, self.size_dec), mantissa(self.buy, self.size_dec)
        sell = 0 if self.flags & INDEXER else volume - buy
        usd = mantissa(self.usd, self.usd_dec)
        decs = (self.price_dec, self.size_dec, self.usd_dec)
        return (start_ns, *prices, volume, buy, sell, usd, self.trades, *decs, self.flags)


def flat(price: Decimal, price_dec: int, size_dec: int, flags: int) -> Bar:
    return Bar(price, price, price, price, price_dec, size_dec, price_dec + size_dec, flags)


@dataclass
class Counts:
    trades: int = 0
    late: int = 0
    overflows: int = 0
    history: int = 0
    match: int = 0
    mismatch: int = 0


@dataclass
class Market:
    bars: list[dict[int, Bar]] = field(default_factory=lambda: [{} for _ in INTERVALS])
    now: list[int] = field(default_factory=lambda: [-1] * 7)
    theirs: list[tuple[int, View] | None] = field(default_factory=lambda: [None] * 7)
    waiting: list[tuple[int, View] | None] = field(default_factory=lambda: [None] * 7)
    fresh: set[int] = field(default_factory=set)
    link: int | None = None
    candle_link: int | None = None
    live: bool = False
    behind: bool = False
    counts: Counts = field(default_factory=Counts)


class Candles:
    def __init__(self, markets_max: int = 1024, bars_max: int = 256) -> None:
        self.markets_max, self.bars_max = markets_max, bars_max
        self.markets: dict[int, Market] = {}
        self.clock = 0
        self.history_ns = 0
        self.skipped = 0

    def market(self, index: int) -> Market:
        return self.markets.setdefault(index, Market())

    def apply(self, rows: list[Row]) -> list[bool]:
        """One call of the kernel; says which rows are LATE."""
        late = [False] * len(rows)
        self.held: tuple[int, int, int, View] | None = None
        for i, row in enumerate(rows):
            if row.kind == "TRADE":
                late[i] = self.trade(row)
            elif row.kind == "BLOCK":
                self.catch_up()
                self.advance(row.ns)
            elif row.kind == "CANDLE":
                self.candle(row)
            else:
                self.link(row)
        self.catch_up()
        return late

    def catch_up(self) -> None:
        self.advance(self.history_ns)
        self.history_ns = 0
        for m in self.markets.values():
            if m.behind:
                self.roll(m, self.clock, False)
                m.behind = False

    # ---- trades and time

    def trade(self, row: Row) -> bool:
        if row.duplicate:
            return False
        bad = not 0 < row.ns < TIME_MAX_NS or row.price < 0 or row.size < 0 or row.market >= self.markets_max
        if bad or max(row.price_dec, row.size_dec) > 36:
            self.skipped += 1
            return False
        m = self.market(row.market)
        if row.history:
            self.history_ns = max(self.history_ns, row.ns)
            m.behind = True
            self.roll(m, row.ns, False)
        else:
            self.catch_up()
            self.advance(row.ns)
        late = not row.history and m.now[0] >= 0 and row.ns < m.now[0] * MINUTE_NS
        m.counts.late += late
        for r, interval in enumerate(INTERVALS):
            k = row.ns // interval
            if m.now[r] < 0:
                m.now[r] = k
                m.bars[r][k] = flat(number(row.price, row.price_dec), row.price_dec, row.size_dec, 0)
            elif k > m.now[r]:
                self.open(m, r, k, False)
            if k < m.now[r] - self.bars_max:
                continue
            bar = m.bars[r].get(k)
            if k == m.now[r]:
                assert bar is not None
                self.add(m, bar, row)
                continue
            if bar is None:
                bar = m.bars[r][k] = flat(Decimal(0), 0, 0, CLOSED)
                self.add(m, bar, row)
                self.follow(m, r, k)
            elif not bar.flags & (INDEXER | SAME):
                before = bar.close, bar.price_dec, bar.size_dec
                bar.flags |= AMENDED
                self.add(m, bar, row)
                if (bar.close, bar.price_dec, bar.size_dec) != before:
                    self.follow(m, r, k)
        if not row.history:
            self.roll(m, self.clock, False)
            m.live = True
        m.counts.trades += 1
        return late

    def add(self, m: Market, bar: Bar, row: Row) -> None:
        price, size = number(row.price, row.price_dec), number(row.size, row.size_dec)
        if row.inexact:
            bar.flags |= INEXACT
        if bar.trades == 0:
            flags = bar.flags & ~NO_USD
            bar.__dict__.update(flat(price, row.price_dec, row.size_dec, flags).__dict__)
            bar.first_ns = bar.last_ns = row.ns
        price_dec, size_dec = max(bar.price_dec, row.price_dec), max(bar.size_dec, row.size_dec)
        prices = (bar.open, bar.high, bar.low, bar.close, price)
        volumes = (bar.volume, size, bar.volume + size)
        if not all(fits(p, price_dec) for p in prices) or not all(fits(v, size_dec) for v in volumes):
            bar.flags |= INEXACT
            m.counts.overflows += 1
            return
        bar.price_dec, bar.size_dec, bar.usd_dec = price_dec, size_dec, price_dec + size_dec
        usd = EXACT.multiply(price, size)
        if not all(fits(u, bar.usd_dec) for u in (bar.usd, usd, EXACT.add(bar.usd, usd))):
            bar.flags |= NO_USD
        bar.usd = Decimal(0) if bar.flags & NO_USD else EXACT.add(bar.usd, usd)
        bar.volume += size
        bar.buy += size if row.side == 0 else 0
        bar.trades += 1
        bar.high, bar.low = max(bar.high, price), min(bar.low, price)
        if row.ns < bar.first_ns:
            bar.first_ns, bar.open = row.ns, price
        if row.ns >= bar.last_ns:
            bar.last_ns, bar.close = row.ns, price

    def follow(self, m: Market, r: int, k: int) -> None:
        source = m.bars[r][k]
        for j in range(k + 1, m.now[r] + 1):
            bar = m.bars[r].get(j)
            if bar is None:
                m.bars[r][j] = flat(source.close, source.price_dec, source.size_dec, CLOSED)
            elif bar.trades or bar.flags & (INDEXER | SAME):
                return
            elif (bar.close, bar.price_dec, bar.size_dec) != (
                source.close,
                source.price_dec,
                source.size_dec,
            ):
                flags = bar.flags | (AMENDED if j < m.now[r] else 0)
                m.bars[r][j] = flat(source.close, source.price_dec, source.size_dec, flags)

    def advance(self, t: int) -> None:
        if t <= self.clock:
            return
        if t >= TIME_MAX_NS:
            self.skipped += 1
            return
        crossed = t // MINUTE_NS > self.clock // MINUTE_NS
        self.clock = t
        for m in self.markets.values():
            if crossed:
                self.roll(m, t, m.live and not m.behind)
        for m in self.markets.values():
            for r, interval in enumerate(INTERVALS):
                waiting = m.waiting[r]
                if waiting and t >= (waiting[0] + 1) * interval + GRACE_NS:
                    self.judge(m, r)

    def roll(self, m: Market, t: int, observed: bool) -> None:
        for r, interval in enumerate(INTERVALS):
            if m.now[r] >= 0 and t // interval > m.now[r]:
                self.open(m, r, t // interval, observed)

    def open(self, m: Market, r: int, k: int, observed: bool) -> None:
        last = m.bars[r][m.now[r]]
        last.flags |= CLOSED
        for j in range(max(m.now[r] + 1, k - self.bars_max), k):
            m.bars[r][j] = flat(last.close, last.price_dec, last.size_dec, CLOSED)
        m.bars[r][k] = flat(last.close, last.price_dec, last.size_dec, COMPLETE if observed else 0)
        m.now[r] = k
        for j in [j for j in m.bars[r] if j < k - self.bars_max]:
            del m.bars[r][j]

    # ---- losses

    def link(self, row: Row) -> None:
        if row.kind in ("SUBSCRIBED", "UNSUBSCRIBED"):
            if row.side not in (2, 4) or row.market >= self.markets_max:
                return
            m = self.market(row.market)
            if row.side == 4:
                m.candle_link = row.ref
                m.fresh.clear()
            elif row.kind == "SUBSCRIBED" or m.link in (None, row.ref):
                m.link = row.ref
                m.live = row.kind == "SUBSCRIBED"
                self.doubt(m)
            return
        if row.kind not in ("CONNECTED", "LINK", "GAP", "ERROR"):
            return
        if (row.kind == "LINK" and row.side in (0, 2)) or (
            row.kind == "ERROR" and (row.size > 0 or row.side == 12)
        ):
            return
        for m in self.markets.values():
            if m.link in (None, row.ref):
                self.doubt(m)
                if row.kind in ("CONNECTED", "LINK"):
                    m.live = False
            if m.candle_link in (None, row.ref):
                m.fresh.clear()

    def doubt(self, m: Market) -> None:
        for r, interval in enumerate(INTERVALS):
            if m.now[r] < 0:
                continue
            m.bars[r][m.now[r]].flags &= ~COMPLETE
            before = m.bars[r].get(m.now[r] - 1)
            recent = self.clock < m.now[r] * interval + GRACE_NS
            if before and recent and not before.flags & (INDEXER | SAME | DIFFERS):
                before.flags &= ~COMPLETE

    # ---- the Indexer's candles

    def candle(self, row: Row) -> None:
        view, r = row.view, row.side
        if (
            r > 6
            or row.market >= self.markets_max
            or view is None
            or not plausible(view)
            or view.started_ns % INTERVALS[r]
        ):
            self.skipped += 1
            return
        m = self.market(row.market)
        k = view.started_ns // INTERVALS[r]
        held, mine = self.held, m.theirs[r]
        older = mine is not None and (k < mine[0] or (k == mine[0] and view.trades < mine[1].trades))
        if row.history:
            self.held = row.market, r, k, view
            if held and held[:2] == (row.market, r) and k > held[2]:
                self.final(m, r, held[2], held[3], k, False)
        else:
            self.held = None
            if not older and mine is not None and k > mine[0] and r in m.fresh:
                self.final(m, r, mine[0], mine[1], k, m.live and not m.behind)
        if not older:
            m.theirs[r] = k, view
            m.fresh.add(r)

    def final(self, m: Market, r: int, k: int, view: View, following: int, observed: bool) -> None:
        theirs = bar_of(view)
        if theirs is None:
            m.counts.overflows += 1
            return
        if m.now[r] < 0:
            m.now[r] = following
            m.bars[r][following] = flat(theirs.close, theirs.price_dec, theirs.size_dec, 0)
            m.behind = True
        elif following > m.now[r]:
            self.open(m, r, following, observed)
        if k < m.now[r] - self.bars_max or k >= m.now[r]:
            return
        ours = m.bars[r].get(k)
        if ours and ours.flags & (INDEXER | SAME | DIFFERS):
            return
        if ours and ours.flags & COMPLETE:
            if m.waiting[r]:
                self.judge(m, r)
            m.waiting[r] = k, view
            if self.clock >= (k + 1) * INTERVALS[r] + GRACE_NS:
                self.judge(m, r)
        elif ours and same(ours, view):
            ours.flags |= SAME
        else:
            self.adopt(m, r, k, theirs)

    def adopt(self, m: Market, r: int, k: int, theirs: Bar) -> None:
        m.bars[r][k] = theirs
        m.counts.history += 1
        self.follow(m, r, k)

    def judge(self, m: Market, r: int) -> None:
        waiting = m.waiting[r]
        m.waiting[r] = None
        assert waiting is not None
        k, view = waiting
        ours = m.bars[r].get(k)
        if ours is None or ours.flags & (INDEXER | SAME | DIFFERS):
            return
        if same(ours, view):
            ours.flags |= SAME
            m.counts.match += bool(ours.flags & COMPLETE)
        elif ours.flags & COMPLETE:
            ours.flags |= DIFFERS
            m.counts.mismatch += 1
        else:
            theirs = bar_of(view)
            assert theirs is not None
            self.adopt(m, r, k, theirs)

    # ---- what it knows

    def bars(self, market: int, r: int, count: int) -> list[tuple[int, ...]]:
        m = self.markets.get(market)
        if m is None or m.now[r] < 0:
            return []
        oldest = m.now[r] - count + 1
        return [b.told(k * INTERVALS[r]) for k, b in sorted(m.bars[r].items()) if k >= oldest]

    def theirs(self, market: int, r: int) -> tuple[int, ...] | None:
        m = self.markets.get(market)
        mine = m.theirs[r] if m else None
        bar = bar_of(mine[1]) if mine else None
        if bar is None or mine is None:
            return None
        return replace(bar, flags=INDEXER).told(mine[1].started_ns)


def plausible(view: View) -> bool:
    amounts = (view.open, view.high, view.low, view.close, view.volume, view.usd)
    return (
        0 < view.started_ns < TIME_MAX_NS - INTERVALS[6]
        and 0 <= view.trades < 1 << 32
        and all(a[0] >= 0 for a in amounts)
        and all(a[1] <= 36 for a in amounts[:5])
        and view.usd[1] <= 72
    )


def same(bar: Bar, view: View) -> bool:
    ours = (bar.open, bar.high, bar.low, bar.close, bar.volume)
    theirs = [number(*v) for v in (view.open, view.high, view.low, view.close, view.volume)]
    return bar.trades == view.trades and list(ours) == theirs


def bar_of(view: View) -> Bar | None:
    quoted = (view.open, view.high, view.low, view.close)
    dec = max(q[1] for q in quoted)
    prices = [number(*q) for q in quoted]
    if not all(fits(p, dec) for p in prices):
        return None
    bar = Bar(*prices, dec, view.volume[1], view.usd[1], CLOSED | INDEXER)
    bar.volume, bar.usd, bar.trades = number(*view.volume), number(*view.usd), view.trades
    return bar
