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

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport INT64_MAX, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc

from bar cimport *
from chart cimport *
from chart_state cimport VERSION, checksum, load64, pack, packed_size, pull, push, unpack
from drawing cimport advance, catch_up, link, trade
from event cimport BLOCK, CANDLE, GAP, STAGE_CANDLES, TRADE, U_OTHERS, UNSUBSCRIBED, Candle, Digest, Event, unlikely
from indexer cimport bar_of, candle, settle
from lent cimport NEWS_MAX, BarNews
from news cimport Teller, begin, go_on
from step cimport step_of

BAR_COMPLETE, BAR_CLOSED, BAR_AMENDED, BAR_INDEXER = B_COMPLETE, B_CLOSED, B_AMENDED, B_INDEXER
BAR_SAME, BAR_DIFFERS, BAR_INEXACT, BAR_NO_USD = B_SAME, B_DIFFERS, B_INEXACT, B_NO_USD
GRACE_NS = GRACE

cdef uint64_t MAGIC = 0x31_53_52_41_42_50_4E_53     # "SNPBARS1"

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

cdef BarRow _row
cdef Tally _tally
cdef BarNews _news
BAR_DTYPE = np.asarray(<BarRow[:1]> &_row).dtype
TALLY_DTYPE = np.asarray(<Tally[:1]> &_tally).dtype
NEWS_DTYPE = np.asarray(<BarNews[:1]> &_news).dtype


@cython.final
cdef class Candles:
    """Bars of up to `markets_max` markets, the newest `bars_max` closed ones of each resolution and the current one.

    tape: the rows, the candle table and the counters are bound once; `apply(n)` reads the first n rows.
    Memory is taken when a market or a resolution first needs it: 80 bytes a bar. `stats` has a TALLY_DTYPE row a
    market. `news` (NEWS_DTYPE) is what `tell` writes.
    """

    cdef readonly object stats, news
    cdef Board b
    cdef Teller t
    cdef Event[::1] rows
    cdef const uint32_t[::1] others
    cdef const int64_t[::1] used
    cdef const Candle[::1] candles
    cdef int64_t[::1] counters
    cdef uint64_t[::1] digests
    cdef Tally[::1] tally
    cdef BarNews[::1] told
    cdef uint16_t[::1] nominated

    def __cinit__(self, tape, Py_ssize_t markets_max=1024, Py_ssize_t bars_max=256):
        if not 1 <= markets_max <= 65535:
            raise ValueError(f"markets_max must lie in 1..65535, not {markets_max}")
        if not 2 <= bars_max <= 1 << 16:
            raise ValueError(f"bars_max must lie in 2..65536, not {bars_max}")
        self.rows, self.candles, self.counters = tape.rows, tape.candles, tape.counters
        self.others, self.used, self.digests = tape.others, tape.used, tape.digests
        self.stats = np.zeros(markets_max, TALLY_DTYPE)
        self.tally = self.stats
        self.b.tally, self.b.counts = &self.tally[0], &self.counters[0]
        self.b.candles, self.b.candles_n = &self.candles[0], self.candles.shape[0]
        self.b.markets_max, self.b.bars_max = markets_max, bars_max
        self.b.due_ns = INT64_MAX
        self.b.charts = <Chart**> calloc(markets_max, sizeof(Chart*))
        if self.b.charts == NULL:
            raise MemoryError
        self.news = np.zeros(NEWS_MAX, NEWS_DTYPE)
        self.told, self.nominated = self.news, np.zeros(markets_max, np.uint16)
        self.t.news, self.t.markets = &self.told[0], &self.nominated[0]

    def __dealloc__(self):
        free_charts(self.b.charts, self.b.markets_max, self.b.bars_max)

    @property
    def markets_max(self):
        return self.b.markets_max

    @property
    def bars_max(self):
        return self.b.bars_max

    @property
    def clock_ns(self):
        """The newest block time."""
        return self.b.clock_ns

    @property
    def skipped(self):
        """Rows that could not be taken."""
        return self.b.skipped

    def step(self):
        """Its part of a tick, for `Column`."""
        return step_of(self, candles_step)

    cpdef apply(self, Py_ssize_t n):
        """Read what is not a LEVEL row of the first n rows of the tape.

        Raises MemoryError if there is none for a ring: that ends the run.
        """
        cdef Board* b = &self.b
        cdef Py_ssize_t i
        cdef Event* e
        if not 0 <= n <= self.rows.shape[0]:
            raise ValueError(f"n must lie in 0..{self.rows.shape[0]}, not {n}")
        b.held_chart = NULL
        for i in range(self.used[U_OTHERS]):
            if unlikely(self.others[i] >= <uint32_t> n):
                break
            e = &self.rows[self.others[i]]
            if e.kind == TRADE:
                trade(b, e)
            elif e.kind == BLOCK:
                if b.behind:
                    catch_up(b)
                if e.venue_ns > b.clock_ns:
                    advance(b, e.venue_ns)
            elif e.kind == CANDLE:
                candle(b, e)
            elif e.kind <= UNSUBSCRIBED or e.kind >= GAP:
                link(b, e)
        if b.behind:
            catch_up(b)
        self.digests[2 * STAGE_CANDLES] = b.d.a
        self.digests[2 * STAGE_CANDLES + 1] = b.d.b
        if unlikely(b.no_memory):
            raise MemoryError("no memory for candles")

    def tell(self, uint32_t wanted):
        """Write to `news` the bars that this tick and `apply` before it changed, of the resolutions in the mask `wanted`.

        Oldest first in each series, the open bar at its end. Returns how many; call `tell_more` until it returns 0.
        What is told is not told again. No part of `apply`: who does not want it does not pay for it.
        """
        begin(&self.b, &self.t, &self.rows[0], &self.others[0], self.used[U_OTHERS], wanted)
        return go_on(&self.b, &self.t)

    def tell_more(self):
        """Go on telling: the next of the news, at most as many as `news` has room for."""
        return go_on(&self.b, &self.t)

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
        rows = np.zeros(min(count, self.b.bars_max + 1), BAR_DTYPE)
        out = rows
        first = c.k[resolution] - out.shape[0] + 1
        for j in range(max(first, 0), c.k[resolution]):
            if c.ring[resolution] != NULL and c.ring[resolution][j % self.b.bars_max].flags != 0:
                show(&c.ring[resolution][j % self.b.bars_max], j * INTERVAL[resolution], &out[n])
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
        if not 0 <= market < self.b.markets_max:
            raise ValueError(f"market must lie in 0..{self.b.markets_max - 1}, not {market}")
        if not 0 <= resolution < SERIES:
            raise ValueError(f"resolution must lie in 0..{SERIES - 1}, not {resolution}")
        return self.b.charts[market]

    def digest(self):
        """The running digest of all that was applied and changed: two 64-bit numbers."""
        return self.b.d.a, self.b.d.b

    def save(self):
        """The whole state as bytes: only markets and bars that exist."""
        cdef Py_ssize_t size = 9 * 8, i
        cdef char* p
        cdef Digest check
        cdef uint64_t[9] head
        for i in range(self.b.charts_n):
            if self.b.charts[i] != NULL:
                size += packed_size(&self.b, self.b.charts[i])
        out = PyBytes_FromStringAndSize(NULL, size + 16)
        p = PyBytes_AS_STRING(out)
        head[0], head[1], head[2], head[3] = MAGIC, VERSION, self.b.bars_max, size
        head[4], head[5], head[6], head[7] = self.b.clock_ns, self.b.skipped, self.b.d.a, self.b.d.b
        head[8] = self.b.charts_n
        push(&p, head, sizeof(head))
        for i in range(self.b.charts_n):
            if self.b.charts[i] != NULL:
                pack(&self.b, &p, i, self.b.charts[i])
        check = checksum(PyBytes_AS_STRING(out), size)
        push(&p, &check, 16)
        return out

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
        if head[2] != <uint64_t> self.b.bars_max or head[8] > <uint64_t> self.b.markets_max:
            raise ValueError("the saved candles have other limits: markets_max or bars_max differ")
        check = checksum(<const char*> &saved[0], size)
        if head[3] != <uint64_t> size or check.a != load64(end) or check.b != load64(end + 8):
            raise ValueError("the saved candles are damaged")
        stats = np.zeros(self.b.markets_max, TALLY_DTYPE)
        tally = stats
        charts = <Chart**> calloc(self.b.markets_max, sizeof(Chart*))
        if charts == NULL:
            raise MemoryError
        if not unpack(&self.b, p, end, charts, &tally[0], <Py_ssize_t> head[8]):
            free_charts(charts, self.b.markets_max, self.b.bars_max)
            raise ValueError("the saved candles are damaged")
        free_charts(self.b.charts, self.b.markets_max, self.b.bars_max)
        self.b.charts = charts
        self.b.charts_n = <Py_ssize_t> head[8]
        self.tally[:] = tally
        self.b.clock_ns = <int64_t> head[4]
        self.b.skipped = <int64_t> head[5]
        self.b.d.a, self.b.d.b = head[6], head[7]
        self.b.minute_end_ns = (self.b.clock_ns // MINUTE_NS + 1) * MINUTE_NS if self.b.clock_ns else 0
        settle(&self.b)


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


cdef int candles_step(void* kernel, int64_t now_ns, Py_ssize_t n) except -1:
    (<Candles> kernel).apply(n)
    return 0
