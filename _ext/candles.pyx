"""Candles: trade rows become bars of every resolution of every market, drawn as the Indexer draws them.

The rules (the venue's own candle generator, and what is left to us where two connections race):

* A bar starts at floor(time / interval) in UTC. The clock is the time of blocks: of BLOCK rows, and of trades, whose
  createdAt is the time of their block. It never goes back. The first block at or after the end of a bar closes
  that bar of every market and opens the next, empty: open = high = low = close = the close before, no volume.
  A jump over several intervals leaves empty bars, at most `bars_max`. The first trade in an empty bar rewrites it.
* Rows flagged SNAPSHOT or FROM_REST are history. They come oldest first and move the clock only once a block or
  trade of now follows, or `apply` ends, so that one market's history does not run ahead of the next one's.
* A trade of a closed bar amends that bar as long as the ring holds it (mark AMENDED), because the Indexer's candle
  holds it too; the empty bars behind it follow its close. An update whose 1MIN bar is closed is counted and flagged
  LATE; history is old by nature and is not. Bars known to equal the Indexer's final candle are not touched again.
* A bar is COMPLETE if the market's trades were subscribed (or coming in) when a block opened it, and its connection
  lost nothing until it closed. GAP, CONNECTED, a refused message, a link going down, subscribing and unsubscribing
  end that for the bars that are open, and for those closed less than GRACE_NS ago, whose last trades may be lost.
  A market's connection is the last one that subscribed to its trades; while none is known every loss counts.
* A CANDLE row is the Indexer's view and is kept beside ours (`theirs`). It is final once the next of the same series
  comes, be it in a snapshot or as an update. A final candle is compared with our bar if that is COMPLETE, once
  GRACE_NS of block time have passed, so that trades on a slower connection are in; else it replaces our bar,
  unless the two are equal: then ours, which knows buys from sells, stays. History fills missing bars likewise.

Not taken, and counted in `skipped`: rows of no market, of times outside 1970-2116, of negative prices or
sizes, of more than 36 decimals, candles that do not start on their interval.
"""

import numpy as np

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport INT64_MAX, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from event cimport (
    BLOCK, C_CANDLE_MATCH, C_CANDLE_MISMATCH, C_LATE_TRADES, CANDLE, CH_CANDLES, CH_TRADES, CONNECTED, DUPLICATE, ERROR,
    FROM_REST, GAP, INEXACT, L_NONE, L_OPEN, LATE, LINK, R_HTTP, RESOLUTIONS, SNAPSHOT, STAGE_CANDLES, SUBSCRIBED, TRADE,
    U_OTHERS, UNSUBSCRIBED, Candle, Digest, Event, fold, likely, unlikely,
)
from bar cimport (
    B_AMENDED, B_CLOSED, B_COMPLETE, B_DIFFERS, B_INDEXER, B_INEXACT, B_NO_USD, B_SAME, DECIMALS_MAX, Bar, Deal, add,
    add_in_order, equal, flat, mul_overflows, scale_up,
)

BAR_COMPLETE, BAR_CLOSED, BAR_AMENDED, BAR_INDEXER = B_COMPLETE, B_CLOSED, B_AMENDED, B_INDEXER
BAR_SAME, BAR_DIFFERS, BAR_INEXACT, BAR_NO_USD = B_SAME, B_DIFFERS, B_INEXACT, B_NO_USD

cdef enum:
    SERIES = 7                  # one for each Resolution
    SETTLED = 8 | 16            # B_INDEXER | B_SAME: the Indexer's word is in
    VERSION = 1

cdef int64_t MINUTE_NS = 60_000_000_000
cdef int64_t TIME_MAX_NS = 1 << 62
cdef int64_t WORD_MAX = 0xFFFFFFFF
cdef int64_t GRACE = 10_000_000_000
cdef uint64_t MAGIC = 0x31_53_52_41_42_50_4E_53     # "SNPBARS1"
cdef int64_t[SERIES] INTERVAL = [m * MINUTE_NS for m in (1, 5, 15, 30, 60, 240, 1440)]
# Odd numbers that keep the seven bars of a trade apart in the digest.
cdef uint64_t[SERIES] KEY = [0x9E3779B97F4A7C15 * (2 * i + 1) & 0xFFFFFFFFFFFFFFFF for i in range(1, SERIES + 1)]

GRACE_NS = GRACE

cdef struct BarRow:             # a bar as the outside sees it
    int64_t start_ns
    int64_t open
    int64_t high
    int64_t low
    int64_t close
    int64_t volume
    int64_t buy
    int64_t sell
    int64_t usd
    uint32_t trades
    uint8_t price_dec
    uint8_t size_dec
    uint8_t usd_dec
    uint8_t flags

cdef struct Tally:              # counts of one market
    int64_t trades              # taken
    int64_t late
    int64_t overflows           # a trade or candle that did not fit into a bar
    int64_t history             # bars taken from the Indexer
    int64_t match
    int64_t mismatch

cdef struct Chart:              # one market
    int64_t lo_ns               # a trade in [lo_ns, hi_ns) falls into all seven current bars
    int64_t hi_ns
    int64_t link                # connection of its trades and its candles, -1: not known
    int64_t candle_link
    int64_t k[SERIES]           # number of the current bar = start / interval, -1: none yet
    int64_t theirs_k[SERIES]    # same of the Indexer's newest candle
    int64_t last_k[SERIES]      # same of its final candle that waits to be compared
    Bar now[SERIES]
    Candle theirs[SERIES]
    Candle last[SERIES]
    Bar* ring[SERIES]           # bars_max closed bars, bar k in slot k % bars_max; NULL: none closed yet
    uint8_t fresh               # bit r: no candle of theirs[r] was lost since
    bint live                   # its trades are coming in
    bint behind                 # its history is being read: not yet at the clock

cdef BarRow _row
cdef Tally _tally
BAR_DTYPE = np.asarray(<BarRow[:1]> &_row).dtype
TALLY_DTYPE = np.asarray(<Tally[:1]> &_tally).dtype


cdef class Candles:
    """Bars of up to `markets_max` markets, the newest `bars_max` closed ones of each resolution and the current one.

    tape: the rows, the candle table and the counters are bound once; `apply(n)` reads the first n rows.
    Memory is taken when a market or a resolution first needs it: 80 bytes a bar.
    """

    cdef readonly Py_ssize_t markets_max, bars_max
    cdef readonly int64_t clock_ns, skipped
    cdef Event[::1] rows
    cdef const uint32_t[::1] others
    cdef const int64_t[::1] used
    cdef const Candle[::1] candles
    cdef int64_t[::1] counters
    cdef uint64_t[::1] digests
    cdef int64_t* counts
    cdef Tally[::1] tally
    cdef readonly object stats
    cdef Chart** charts
    cdef Py_ssize_t charts_n            # 1 + the highest market index in use
    cdef int64_t minute_end_ns          # the next boundary of any resolution
    cdef int64_t due_ns                 # when the next waiting comparison is due
    cdef int64_t history_ns             # newest trade in the history that is being read
    cdef bint behind                    # some chart is
    cdef Candle held                    # newest candle of the snapshot that is being read
    cdef int64_t held_k
    cdef Chart* held_chart
    cdef Digest d
    cdef bint no_memory

    def __cinit__(self, tape, Py_ssize_t markets_max=1024, Py_ssize_t bars_max=256):
        if not 1 <= markets_max <= 65535:
            raise ValueError(f"markets_max must lie in 1..65535, not {markets_max}")
        if not 2 <= bars_max <= 1 << 16:
            raise ValueError(f"bars_max must lie in 2..65536, not {bars_max}")
        self.rows, self.candles, self.counters = tape.rows, tape.candles, tape.counters
        self.others, self.used = tape.others, tape.used
        self.digests = tape.digests
        self.counts = &self.counters[0]
        self.markets_max, self.bars_max = markets_max, bars_max
        self.stats = np.zeros(markets_max, TALLY_DTYPE)
        self.tally = self.stats
        self.charts = <Chart**> calloc(markets_max, sizeof(Chart*))
        if self.charts == NULL:
            raise MemoryError
        self.due_ns = INT64_MAX

    def __dealloc__(self):
        free_charts(self.charts, self.markets_max)

    # ---- the tick ------------------------------------------------------------------------------------------------

    def apply(self, Py_ssize_t n):
        """Read what is not a LEVEL row of the first n rows of the tape. Raises MemoryError if a ring cannot be had: that ends the run."""
        cdef Py_ssize_t i
        cdef Event* e
        if not 0 <= n <= self.rows.shape[0]:
            raise ValueError(f"n must lie in 0..{self.rows.shape[0]}, not {n}")
        self.held_chart = NULL
        for i in range(self.used[U_OTHERS]):
            if unlikely(self.others[i] >= <uint32_t> n):
                break
            e = &self.rows[self.others[i]]
            if e.kind == TRADE:
                self.trade(e)
            elif e.kind == BLOCK:
                if self.behind:
                    self.catch_up()
                if e.venue_ns > self.clock_ns:
                    self.advance(e.venue_ns)
            elif e.kind == CANDLE:
                self.candle(e)
            elif e.kind <= UNSUBSCRIBED or e.kind >= GAP:
                self.link(e)
        if self.behind:
            self.catch_up()
        self.digests[2 * STAGE_CANDLES] = self.d.a
        self.digests[2 * STAGE_CANDLES + 1] = self.d.b
        if unlikely(self.no_memory):
            raise MemoryError("no memory for candles")

    cdef inline void trade(self, Event* e) noexcept nogil:
        cdef Chart* c
        cdef Deal deal
        cdef int64_t t = e.venue_ns
        cdef int r
        cdef uint64_t x = 0
        if e.flags & DUPLICATE:
            return
        if unlikely(t <= 0 or t >= TIME_MAX_NS or e.price < 0 or e.size < 0 or e.market >= self.markets_max
                    or (e.flags >> 24) > DECIMALS_MAX or ((e.flags >> 16) & 255) > DECIMALS_MAX):
            self.skipped += 1
            return
        c = self.chart(e.market)
        if unlikely(c == NULL):
            return
        deal.price = e.price
        deal.size = e.size
        deal.buy = e.size if e.side == 0 else 0
        deal.ns = t
        deal.scale = <uint16_t> (e.flags >> 24 | ((e.flags >> 16) & 255) << 8)
        deal.inexact = (e.flags & INEXACT) != 0
        deal.usd_fits = not mul_overflows(e.price, e.size, &deal.usd)
        if unlikely(e.flags & (SNAPSHOT | FROM_REST)):
            self.history_ns = max(self.history_ns, t)
            c.behind = self.behind = True
            if t >= c.hi_ns:
                self.roll(e.market, c, t, False)
        else:
            if unlikely(self.behind):
                self.catch_up()
            if t > self.clock_ns:
                self.advance(t)
        if likely(c.lo_ns <= t < c.hi_ns and deal.usd_fits and not deal.inexact):
            for r in range(SERIES):
                if unlikely(not add_in_order(&c.now[r], &deal)):
                    self.put(e.market, c, r, &c.now[r], &deal)
                x += (<uint64_t> c.now[r].volume * 3 + <uint64_t> c.now[r].usd
                      ^ <uint64_t> c.now[r].high << 32 ^ <uint64_t> c.now[r].low << 43) * KEY[r]
        else:
            self.place(e, c, &deal)
        if not e.flags & (SNAPSHOT | FROM_REST):
            c.live = True
        self.tally[e.market].trades += 1
        fold(&self.d, <uint64_t> t ^ e.market, <uint64_t> deal.price)
        fold(&self.d, x ^ <uint64_t> deal.buy, <uint64_t> deal.size)

    cdef void put(self, Py_ssize_t market, Chart* c, int r, Bar* bar, const Deal* deal) noexcept nogil:
        """A trade into a bar by the general rule."""
        if not add(bar, deal):
            self.tally[market].overflows += 1
        fold_bar(&self.d, bar)

    cdef void place(self, Event* e, Chart* c, const Deal* deal) noexcept nogil:
        """A trade that does not fall into all seven current bars: the market's first, or one of a closed bar."""
        cdef int r
        cdef int64_t k
        cdef Bar* bar
        cdef Bar before
        if deal.ns < c.k[0] * MINUTE_NS and not e.flags & (SNAPSHOT | FROM_REST):
            e.flags |= LATE
            self.counts[C_LATE_TRADES] += 1
            self.tally[e.market].late += 1
        for r in range(SERIES):
            k = deal.ns // INTERVAL[r]
            if c.k[r] < 0:
                c.k[r] = k
                flat(&c.now[r], deal.price, deal.scale, 0)
            elif k > c.k[r]:
                self.open_bar(c, r, k, False)
            if k >= c.k[r]:
                self.put(e.market, c, r, &c.now[r], deal)
                continue
            bar = self.slot(c, r, k)
            if bar == NULL or bar.flags & SETTLED:
                continue
            before = bar[0]
            if bar.flags == 0:
                bar.flags = B_CLOSED
            else:
                bar.flags |= B_AMENDED
            self.put(e.market, c, r, bar, deal)
            if before.flags == 0 or before.close != bar.close or before.scale != bar.scale:
                self.follow(c, r, k, bar)
        span(c)
        # A market's first trade may be older than the clock.
        if self.clock_ns >= c.hi_ns and not e.flags & (SNAPSHOT | FROM_REST):
            self.roll(e.market, c, self.clock_ns, False)

    # ---- time ----------------------------------------------------------------------------------------------------

    cdef void advance(self, int64_t t) noexcept nogil:
        """The venue's time has come to t, later than the clock."""
        cdef Py_ssize_t i
        cdef Chart* c
        if t >= TIME_MAX_NS:
            self.skipped += 1
            return
        self.clock_ns = t
        if t >= self.minute_end_ns:
            self.minute_end_ns = (t // MINUTE_NS + 1) * MINUTE_NS
            fold(&self.d, <uint64_t> t, 1)
            for i in range(self.charts_n):
                c = self.charts[i]
                if c != NULL and t >= c.hi_ns:
                    self.roll(i, c, t, c.live and not c.behind)
        if unlikely(t >= self.due_ns):
            self.settle()

    cdef void catch_up(self) noexcept nogil:
        """A stretch of history is read: bring the clock to its end, and the markets that had it to the clock."""
        cdef Py_ssize_t i
        cdef Chart* c
        if self.history_ns > self.clock_ns:
            self.advance(self.history_ns)
        for i in range(self.charts_n):
            c = self.charts[i]
            if c != NULL and c.behind:
                if self.clock_ns >= c.hi_ns:
                    self.roll(i, c, self.clock_ns, False)
                c.behind = False
        self.behind = False
        self.history_ns = 0

    cdef void roll(self, Py_ssize_t market, Chart* c, int64_t t, bint observed) noexcept nogil:
        """Close what ended by t and open the bars of t."""
        cdef int r
        for r in range(SERIES):
            if c.k[r] >= 0 and t >= (c.k[r] + 1) * INTERVAL[r]:
                self.open_bar(c, r, t // INTERVAL[r], observed)
        span(c)

    cdef void open_bar(self, Chart* c, int r, int64_t k, bint observed) noexcept nogil:
        """Close the current bar, fill the intervals between with empty ones, open bar k > the current one's."""
        cdef Bar* now = &c.now[r]
        cdef Bar empty
        cdef int64_t j
        if c.ring[r] == NULL:
            c.ring[r] = <Bar*> calloc(self.bars_max, sizeof(Bar))
            if c.ring[r] == NULL:
                self.no_memory = True
                return
        now.flags |= B_CLOSED
        fold_bar(&self.d, now)
        fold(&self.d, <uint64_t> k, <uint64_t> c.k[r])
        c.ring[r][c.k[r] % self.bars_max] = now[0]
        flat(&empty, now.close, now.scale, B_CLOSED)
        for j in range(max(c.k[r] + 1, k - self.bars_max), k):
            c.ring[r][j % self.bars_max] = empty
        now[0] = empty
        now.flags = B_COMPLETE if observed else 0
        c.k[r] = k

    cdef Bar* slot(self, Chart* c, int r, int64_t k) noexcept nogil:
        """Where the closed bar k lives; NULL if it is older than the ring."""
        if k < c.k[r] - self.bars_max or k >= c.k[r]:
            return NULL
        if c.ring[r] == NULL:
            c.ring[r] = <Bar*> calloc(self.bars_max, sizeof(Bar))
            if c.ring[r] == NULL:
                self.no_memory = True
                return NULL
        return &c.ring[r][k % self.bars_max]

    cdef void follow(self, Chart* c, int r, int64_t k, const Bar* source) noexcept nogil:
        """Bar k has a new close: the empty bars behind it take it over, and missing ones are filled."""
        cdef Bar* bar
        cdef int64_t j
        cdef int64_t close = source.close
        cdef uint16_t scale = source.scale
        for j in range(k + 1, c.k[r] + 1):
            bar = &c.now[r] if j == c.k[r] else &c.ring[r][j % self.bars_max]
            if bar.flags == 0 and j < c.k[r]:
                flat(bar, close, scale, B_CLOSED)
            elif bar.trades != 0 or bar.flags & SETTLED:
                return
            elif bar.close != close or bar.scale != scale:
                flat(bar, close, scale, bar.flags | (B_AMENDED if j < c.k[r] else 0))
            fold_bar(&self.d, bar)

    # ---- what was lost -------------------------------------------------------------------------------------------

    cdef void link(self, Event* e) noexcept nogil:
        """A row about a connection: which markets lost something by it?"""
        cdef Py_ssize_t i
        cdef Chart* c
        cdef bint down = False
        if e.kind == SUBSCRIBED or e.kind == UNSUBSCRIBED:
            if e.side != CH_TRADES and e.side != CH_CANDLES or e.market >= self.markets_max:
                return
            c = self.chart(e.market)
            if c == NULL:
                return
            fold(&self.d, e.kind | e.side << 8, e.market)
            if e.side == CH_CANDLES:
                c.candle_link = e.ref
                c.fresh = 0
                return
            if e.kind == UNSUBSCRIBED and c.link >= 0 and c.link != e.ref:
                return
            c.link = e.ref
            c.live = e.kind == SUBSCRIBED
            self.doubt(c)
            return
        if e.kind == LINK:
            if e.side == L_OPEN or e.side == L_NONE:
                return
            down = True
        elif e.kind == CONNECTED:
            down = True
        elif e.kind == ERROR:
            # A refused message may have held trades or candles, unless it held book levels or came by REST.
            if e.size > 0 or e.side == R_HTTP:
                return
        elif e.kind != GAP:
            return
        fold(&self.d, e.kind, e.ref)
        for i in range(self.charts_n):
            c = self.charts[i]
            if c == NULL:
                continue
            if c.link < 0 or c.link == e.ref:
                self.doubt(c)
                if down:
                    c.live = False
            if c.candle_link < 0 or c.candle_link == e.ref:
                c.fresh = 0

    cdef void doubt(self, Chart* c) noexcept nogil:
        """Trades may be missing as of now: the open bars, and those closed a moment ago, are not complete."""
        cdef int r
        cdef Bar* bar
        for r in range(SERIES):
            if c.k[r] < 0:
                continue
            c.now[r].flags &= ~B_COMPLETE
            if c.ring[r] != NULL and c.k[r] > 0 and self.clock_ns < c.k[r] * INTERVAL[r] + GRACE:
                bar = &c.ring[r][(c.k[r] - 1) % self.bars_max]
                if not bar.flags & (SETTLED | B_DIFFERS):
                    bar.flags &= ~B_COMPLETE

    # ---- the Indexer's own candles -------------------------------------------------------------------------------

    cdef void candle(self, Event* e) noexcept nogil:
        cdef Chart* c
        cdef const Candle* v
        cdef int r = e.side
        cdef int64_t k
        cdef bint history = (e.flags & (SNAPSHOT | FROM_REST)) != 0
        if r >= RESOLUTIONS or e.market >= self.markets_max or e.ref >= self.candles.shape[0]:
            self.skipped += 1
            return
        v = &self.candles[e.ref]
        if not plausible(v) or v.started_ns % INTERVAL[r] != 0:
            self.skipped += 1
            return
        c = self.chart(e.market)
        if c == NULL:
            return
        k = v.started_ns // INTERVAL[r]
        fold(&self.d, <uint64_t> v.started_ns ^ <uint64_t> r, <uint64_t> v.volume)
        fold(&self.d, <uint64_t> v.close, <uint64_t> v.trades)
        if history:
            # Inside one snapshot each candle but the newest is final.
            if self.held_chart == c and self.held.resolution == r and k > self.held_k:
                self.final(e.market, c, r, &self.held, self.held_k, k, False)
            self.held = v[0]
            self.held.resolution = <uint8_t> r
            self.held_k = k
            self.held_chart = c
            if k < c.theirs_k[r] or k == c.theirs_k[r] and v.trades < c.theirs[r].trades:
                return
        else:
            self.held_chart = NULL
            if k < c.theirs_k[r] or k == c.theirs_k[r] and v.trades < c.theirs[r].trades:
                return                              # an older view, from a connection that lags
            if k > c.theirs_k[r] and c.theirs_k[r] >= 0 and c.fresh & 1 << r:
                self.final(e.market, c, r, &c.theirs[r], c.theirs_k[r], k, c.live and not c.behind)
        c.theirs[r] = v[0]
        c.theirs[r].resolution = <uint8_t> r
        c.theirs_k[r] = k
        c.fresh |= 1 << r

    cdef void final(self, Py_ssize_t market, Chart* c, int r, const Candle* v, int64_t k, int64_t next_k,
                    bint observed) noexcept nogil:
        """Candle k is final, because candle next_k exists: so a block was there, and bar next_k has begun."""
        cdef Bar theirs
        cdef Bar* ours
        if not bar_of(v, &theirs):
            self.tally[market].overflows += 1
            return
        if c.k[r] < 0:
            c.k[r] = next_k
            flat(&c.now[r], theirs.close, theirs.scale, 0)
            c.behind = self.behind = True
        elif next_k > c.k[r]:
            self.open_bar(c, r, next_k, observed)
        span(c)
        ours = self.slot(c, r, k)
        if ours == NULL or ours.flags & (SETTLED | B_DIFFERS):
            return
        if ours.flags & B_COMPLETE:
            if c.last_k[r] >= 0:
                self.judge(market, c, r)
            c.last[r] = v[0]
            c.last_k[r] = k
            if self.clock_ns >= (k + 1) * INTERVAL[r] + GRACE:
                self.judge(market, c, r)
            else:
                self.due_ns = min(self.due_ns, (k + 1) * INTERVAL[r] + GRACE)
        elif ours.flags != 0 and same(ours, v):
            ours.flags |= B_SAME
            fold_bar(&self.d, ours)
        else:
            ours[0] = theirs
            self.tally[market].history += 1
            fold_bar(&self.d, ours)
            self.follow(c, r, k, ours)

    cdef void judge(self, Py_ssize_t market, Chart* c, int r) noexcept nogil:
        """Compare the final candle that waits with our bar, if that is still there and still complete."""
        cdef Bar* ours = self.slot(c, r, c.last_k[r])
        cdef Bar theirs
        c.last_k[r] = -1
        if ours == NULL or ours.flags & (SETTLED | B_DIFFERS):
            return
        if same(ours, &c.last[r]):
            ours.flags |= B_SAME
            if ours.flags & B_COMPLETE:
                self.counts[C_CANDLE_MATCH] += 1
                self.tally[market].match += 1
        elif ours.flags & B_COMPLETE:
            ours.flags |= B_DIFFERS
            self.counts[C_CANDLE_MISMATCH] += 1
            self.tally[market].mismatch += 1
        elif bar_of(&c.last[r], &theirs):           # something was lost after all
            ours[0] = theirs
            self.tally[market].history += 1
            self.follow(c, r, theirs_k(&c.last[r], r), ours)
        fold_bar(&self.d, ours)

    cdef void settle(self) noexcept nogil:
        """Make the comparisons that are due; remember when the next one is."""
        cdef Py_ssize_t i
        cdef Chart* c
        cdef int r
        cdef int64_t due
        self.due_ns = INT64_MAX
        for i in range(self.charts_n):
            c = self.charts[i]
            if c == NULL:
                continue
            for r in range(SERIES):
                if c.last_k[r] < 0:
                    continue
                due = (c.last_k[r] + 1) * INTERVAL[r] + GRACE
                if due <= self.clock_ns:
                    self.judge(i, c, r)
                else:
                    self.due_ns = min(self.due_ns, due)

    cdef inline Chart* chart(self, Py_ssize_t market) noexcept nogil:
        if unlikely(self.charts[market] == NULL):
            self.charts[market] = new_chart()
            if self.charts[market] == NULL:
                self.no_memory = True
                return NULL
            self.charts_n = max(self.charts_n, market + 1)
        return self.charts[market]

    # ---- questions -----------------------------------------------------------------------------------------------

    def bars(self, Py_ssize_t market, int resolution, Py_ssize_t count):
        """The newest `count` bars, oldest first, BAR_DTYPE; the last is the current one (flag CLOSED not set).

        A copy. Intervals of which nothing is known are left out. Empty for a market without bars.
        """
        cdef Chart* c = self.find(market, resolution)
        cdef int64_t j, first
        cdef Py_ssize_t n = 0
        cdef BarRow[::1] out
        if count < 0:
            raise ValueError(f"count must not be negative, not {count}")
        if c == NULL or c.k[resolution] < 0 or count == 0:
            return np.zeros(0, BAR_DTYPE)
        rows = np.zeros(min(count, self.bars_max + 1), BAR_DTYPE)
        out = rows
        first = c.k[resolution] - out.shape[0] + 1
        for j in range(max(first, 0), c.k[resolution]):
            if c.ring[resolution] != NULL and c.ring[resolution][j % self.bars_max].flags != 0:
                show(&c.ring[resolution][j % self.bars_max], j * INTERVAL[resolution], &out[n])
                n += 1
        show(&c.now[resolution], c.k[resolution] * INTERVAL[resolution], &out[n])
        return rows[:n + 1]

    def current(self, Py_ssize_t market, int resolution):
        """The bar that is open now, as one BAR_DTYPE record, or None."""
        rows = self.bars(market, resolution, 1)
        return rows[0] if len(rows) else None

    def theirs(self, Py_ssize_t market, int resolution):
        """The Indexer's newest candle (flag INDEXER), as one BAR_DTYPE record, or None."""
        cdef Chart* c = self.find(market, resolution)
        cdef Bar bar
        cdef BarRow[::1] out
        if c == NULL or c.theirs_k[resolution] < 0 or not bar_of(&c.theirs[resolution], &bar):
            return None
        bar.flags &= ~B_CLOSED
        rows = np.zeros(1, BAR_DTYPE)
        out = rows
        show(&bar, c.theirs[resolution].started_ns, &out[0])
        return rows[0]

    cdef Chart* find(self, Py_ssize_t market, int resolution) except? NULL:
        if not 0 <= market < self.markets_max:
            raise ValueError(f"market must lie in 0..{self.markets_max - 1}, not {market}")
        if not 0 <= resolution < SERIES:
            raise ValueError(f"resolution must lie in 0..{SERIES - 1}, not {resolution}")
        return self.charts[market]

    def digest(self):
        """The running digest of all that was applied and changed: two 64-bit numbers."""
        return self.d.a, self.d.b

    # ---- save and load -------------------------------------------------------------------------------------------

    def save(self):
        """The whole state as bytes: only markets and bars that exist."""
        cdef Py_ssize_t size = 9 * 8, i
        cdef char* p
        cdef Digest check
        cdef uint64_t[9] head
        for i in range(self.charts_n):
            if self.charts[i] != NULL:
                size += self.packed_size(self.charts[i])
        out = PyBytes_FromStringAndSize(NULL, size + 16)
        p = PyBytes_AS_STRING(out)
        head[:] = [MAGIC, VERSION, self.bars_max, size, self.clock_ns, self.skipped, self.d.a, self.d.b, self.charts_n]
        push(&p, head, sizeof(head))
        for i in range(self.charts_n):
            if self.charts[i] != NULL:
                self.pack(&p, i, self.charts[i])
        check = checksum(PyBytes_AS_STRING(out), size)
        push(&p, &check, 16)
        return out

    cdef int64_t oldest(self, const Chart* c, int r) noexcept nogil:
        """Number of the oldest bar in the ring; the current bar's if there is none."""
        cdef int64_t j
        if c.k[r] < 0 or c.ring[r] == NULL:
            return c.k[r]
        for j in range(max(c.k[r] - self.bars_max, 0), c.k[r]):
            if c.ring[r][j % self.bars_max].flags != 0:
                return j
        return c.k[r]

    cdef Py_ssize_t packed_size(self, const Chart* c) noexcept nogil:
        cdef Py_ssize_t size = 5 * 8 + sizeof(Tally)
        cdef int r
        for r in range(SERIES):
            size += 4 * 8
            if c.k[r] >= 0:
                size += sizeof(Bar) * (1 + c.k[r] - self.oldest(c, r))
            size += sizeof(Candle) * ((c.theirs_k[r] >= 0) + (c.last_k[r] >= 0))
        return size

    cdef void pack(self, char** p, Py_ssize_t market, const Chart* c) noexcept nogil:
        cdef int64_t[5] head
        cdef int64_t[4] series
        cdef int64_t j
        cdef int r
        head[0] = market
        head[1] = c.live
        head[2] = c.link
        head[3] = c.candle_link
        head[4] = c.fresh
        push(p, head, sizeof(head))
        push(p, &self.tally[market], sizeof(Tally))
        for r in range(SERIES):
            series[0] = c.k[r]
            series[1] = self.oldest(c, r)
            series[2] = c.theirs_k[r]
            series[3] = c.last_k[r]
            push(p, series, sizeof(series))
            if c.k[r] >= 0:
                push(p, &c.now[r], sizeof(Bar))
                for j in range(series[1], c.k[r]):
                    push(p, &c.ring[r][j % self.bars_max], sizeof(Bar))
            if c.theirs_k[r] >= 0:
                push(p, &c.theirs[r], sizeof(Candle))
            if c.last_k[r] >= 0:
                push(p, &c.last[r], sizeof(Candle))

    def load(self, const unsigned char[::1] saved not None):
        """Take over a saved state. ValueError, and no change, if it is not one of this version and these sizes."""
        cdef const char* p
        cdef const char* end
        cdef Chart** charts
        cdef uint64_t[9] head
        cdef Digest check
        cdef Py_ssize_t size = saved.shape[0] - 16
        cdef Tally[::1] tally
        if size < <Py_ssize_t> sizeof(head):
            raise ValueError("not a saved state of candles: too short")
        p = <const char*> &saved[0]
        end = p + size
        pull(&p, end, head, sizeof(head))
        if head[0] != MAGIC or head[1] != VERSION:
            raise ValueError("not a saved state of candles, or one of another version")
        if head[2] != <uint64_t> self.bars_max or head[8] > <uint64_t> self.markets_max:
            raise ValueError("the saved candles have other limits: markets_max or bars_max differ")
        check = checksum(<const char*> &saved[0], size)
        if head[3] != <uint64_t> size or check.a != load64(end) or check.b != load64(end + 8):
            raise ValueError("the saved candles are damaged")
        stats = np.zeros(self.markets_max, TALLY_DTYPE)
        tally = stats
        charts = <Chart**> calloc(self.markets_max, sizeof(Chart*))
        if charts == NULL:
            raise MemoryError
        if not self.unpack(p, end, charts, tally, <Py_ssize_t> head[8]):
            free_charts(charts, self.markets_max)
            raise ValueError("the saved candles are damaged")
        free_charts(self.charts, self.markets_max)
        self.charts = charts
        self.charts_n = <Py_ssize_t> head[8]
        self.tally[:] = tally
        self.clock_ns = <int64_t> head[4]
        self.skipped = <int64_t> head[5]
        self.d.a, self.d.b = head[6], head[7]
        self.minute_end_ns = (self.clock_ns // MINUTE_NS + 1) * MINUTE_NS if self.clock_ns else 0
        self.settle()

    cdef bint unpack(self, const char* p, const char* end, Chart** charts, Tally[::1] tally, Py_ssize_t n) noexcept nogil:
        """Read the markets into fresh memory. False at the first thing that cannot be."""
        cdef int64_t[5] head
        cdef int64_t before = -1
        cdef Chart* c
        while p < end:
            if not pull(&p, end, head, sizeof(head)) or not before < head[0] < n:
                return False
            if head[1] >> 1 or head[4] >> SERIES:
                return False
            if not -1 <= head[2] <= WORD_MAX or not -1 <= head[3] <= WORD_MAX:
                return False
            before = head[0]
            c = charts[before] = new_chart()
            if c == NULL or not pull(&p, end, &tally[before], sizeof(Tally)):
                return False
            c.live = head[1] != 0
            c.link = head[2]
            c.candle_link = head[3]
            c.fresh = <uint8_t> head[4]
            if not self.unpack_series(&p, end, c):
                return False
            span(c)
        return before == n - 1

    cdef bint unpack_series(self, const char** p, const char* end, Chart* c) noexcept nogil:
        cdef int64_t[4] head
        cdef int64_t j, k_max
        cdef int r
        for r in range(SERIES):
            k_max = TIME_MAX_NS // INTERVAL[r]
            if not pull(p, end, head, sizeof(head)):
                return False
            for j in range(4):
                if not -1 <= head[j] <= k_max:
                    return False
            if head[1] > head[0] or head[0] - head[1] > self.bars_max or (head[0] < 0) != (head[1] < 0):
                return False
            c.k[r] = head[0]
            c.theirs_k[r] = head[2]
            c.last_k[r] = head[3]
            if head[0] >= 0 and not (pull(p, end, &c.now[r], sizeof(Bar)) and fits(&c.now[r])):
                return False
            if head[0] > head[1]:
                c.ring[r] = <Bar*> calloc(self.bars_max, sizeof(Bar))
                if c.ring[r] == NULL:
                    return False
                for j in range(head[1], head[0]):
                    if not (pull(p, end, &c.ring[r][j % self.bars_max], sizeof(Bar))
                            and fits(&c.ring[r][j % self.bars_max])):
                        return False
            if head[2] >= 0 and not (pull(p, end, &c.theirs[r], sizeof(Candle)) and plausible(&c.theirs[r])
                                     and theirs_k(&c.theirs[r], r) == head[2]):
                return False
            if head[3] >= 0 and not (pull(p, end, &c.last[r], sizeof(Candle)) and plausible(&c.last[r])
                                     and theirs_k(&c.last[r], r) == head[3]):
                return False
        return True


cdef Chart* new_chart() noexcept nogil:
    cdef Chart* c = <Chart*> calloc(1, sizeof(Chart))
    cdef int r
    if c != NULL:
        c.link = c.candle_link = -1
        for r in range(SERIES):
            c.k[r] = c.theirs_k[r] = c.last_k[r] = -1
        span(c)
    return c


cdef void free_charts(Chart** charts, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    cdef int r
    if charts == NULL:
        return
    for i in range(n):
        if charts[i] != NULL:
            for r in range(SERIES):
                free(charts[i].ring[r])
            free(charts[i])
    free(charts)


cdef void span(Chart* c) noexcept nogil:
    """Work out which times fall into all seven current bars; none while a bar is missing."""
    cdef int r
    c.lo_ns = 0
    c.hi_ns = INT64_MAX
    for r in range(SERIES):
        if c.k[r] < 0:
            c.lo_ns = INT64_MAX
        else:
            c.lo_ns = max(c.lo_ns, c.k[r] * INTERVAL[r])
            c.hi_ns = min(c.hi_ns, (c.k[r] + 1) * INTERVAL[r])


cdef void fold_bar(Digest* d, const Bar* b) noexcept nogil:
    fold(d, <uint64_t> b.open, <uint64_t> b.high)
    fold(d, <uint64_t> b.low, <uint64_t> b.close)
    fold(d, <uint64_t> b.volume, <uint64_t> b.buy)
    fold(d, <uint64_t> b.usd, <uint64_t> b.trades << 32 | <uint64_t> b.scale << 8 | b.flags)


cdef bint plausible(const Candle* v) noexcept nogil:
    """Can this candle be worked with at all?"""
    return (0 < v.started_ns < TIME_MAX_NS - INTERVAL[SERIES - 1] and 0 <= v.trades <= WORD_MAX
            and min(v.open, v.high, v.low, v.close) >= 0 and v.volume >= 0 and v.usd_volume >= 0
            and max(v.open_dec, v.high_dec, v.low_dec, v.close_dec) <= DECIMALS_MAX
            and v.volume_dec <= DECIMALS_MAX and v.usd_dec <= 2 * DECIMALS_MAX)


cdef int64_t theirs_k(const Candle* v, int r) noexcept nogil:
    return v.started_ns // INTERVAL[r]


cdef bint same(const Bar* b, const Candle* v) noexcept nogil:
    """Do our bar and the Indexer's candle agree in prices, volume and number of trades?"""
    cdef int dec = b.scale & 255
    return (b.trades == v.trades and equal(b.open, dec, v.open, v.open_dec) and equal(b.high, dec, v.high, v.high_dec)
            and equal(b.low, dec, v.low, v.low_dec) and equal(b.close, dec, v.close, v.close_dec)
            and equal(b.volume, b.scale >> 8, v.volume, v.volume_dec))


cdef bint bar_of(const Candle* v, Bar* out) noexcept nogil:
    """A candle as a bar, its four prices at the finest of their scales. False if they do not fit there."""
    cdef int dec = max(v.open_dec, v.high_dec, v.low_dec, v.close_dec)
    flat(out, 0, <uint16_t> (dec | v.volume_dec << 8), B_CLOSED | B_INDEXER)
    out.volume = v.volume
    out.usd = v.usd_volume
    out.usd_dec = v.usd_dec
    out.trades = <uint32_t> v.trades
    return (scale_up(v.open, dec - v.open_dec, &out.open) and scale_up(v.high, dec - v.high_dec, &out.high)
            and scale_up(v.low, dec - v.low_dec, &out.low) and scale_up(v.close, dec - v.close_dec, &out.close))


cdef void show(const Bar* b, int64_t start_ns, BarRow* out) noexcept nogil:
    out.start_ns = start_ns
    out.open, out.high, out.low, out.close = b.open, b.high, b.low, b.close
    out.volume = b.volume
    out.buy = b.buy
    out.sell = 0 if b.flags & B_INDEXER else b.volume - b.buy
    out.usd = b.usd
    out.trades = b.trades
    out.price_dec = b.scale & 255
    out.size_dec = b.scale >> 8
    out.usd_dec = b.usd_dec
    out.flags = b.flags


cdef bint fits(const Bar* b) noexcept nogil:
    """Does a loaded bar keep the bounds that the arithmetic relies on?"""
    return ((b.scale & 255) <= DECIMALS_MAX and (b.scale >> 8) <= DECIMALS_MAX and b.usd_dec <= 2 * DECIMALS_MAX
            and 0 <= b.buy <= b.volume)


cdef inline void push(char** p, const void* source, size_t n) noexcept nogil:
    memcpy(p[0], source, n)
    p[0] += n


cdef inline bint pull(const char** p, const char* end, void* out, size_t n) noexcept nogil:
    if <size_t> (end - p[0]) < n:
        return False
    memcpy(out, p[0], n)
    p[0] += n
    return True


cdef inline uint64_t load64(const char* p) noexcept nogil:
    cdef uint64_t x
    memcpy(&x, p, 8)
    return x


cdef Digest checksum(const char* p, Py_ssize_t n) noexcept nogil:
    """Of n bytes, a multiple of 8."""
    cdef Digest d
    cdef Py_ssize_t i
    d.a = <uint64_t> n
    d.b = VERSION
    for i in range(0, n, 8):
        fold(&d, load64(p + i), <uint64_t> i)
    return d
