# The Indexer's own candles: the view beside ours, history, and the comparison. Used by candles.pyx alone.

from libc.stdint cimport INT64_MAX, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from bar cimport *
from chart cimport *
from event cimport C_CANDLE_MATCH, C_CANDLE_MISMATCH, FROM_REST, RESOLUTIONS, SNAPSHOT, Candle, Event, fold


cdef inline bint plausible(const Candle* v) noexcept nogil:
    """Can this candle be worked with at all?"""
    return (0 < v.started_ns < TIME_MAX_NS - INTERVAL[SERIES - 1] and 0 <= v.trades <= WORD_MAX
            and min(v.open, v.high, v.low, v.close) >= 0 and v.volume >= 0 and v.usd_volume >= 0
            and max(v.open_dec, v.high_dec, v.low_dec, v.close_dec) <= DECIMALS_MAX
            and v.volume_dec <= DECIMALS_MAX and v.usd_dec <= 2 * DECIMALS_MAX)


cdef inline int64_t theirs_k(const Candle* v, int r) noexcept nogil:
    return v.started_ns // INTERVAL[r]


cdef inline bint same(const Bar* b, const Candle* v) noexcept nogil:
    """Do our bar and the Indexer's candle agree in prices, volume and number of trades?"""
    cdef int dec = b.scale & 255
    return (b.trades == v.trades and equal(b.open, dec, v.open, v.open_dec) and equal(b.high, dec, v.high, v.high_dec)
            and equal(b.low, dec, v.low, v.low_dec) and equal(b.close, dec, v.close, v.close_dec)
            and equal(b.volume, b.scale >> 8, v.volume, v.volume_dec))


cdef inline bint bar_of(const Candle* v, Bar* out) noexcept nogil:
    """A candle as a bar, its four prices at the finest of their scales. False if they do not fit there."""
    cdef int dec = max(v.open_dec, v.high_dec, v.low_dec, v.close_dec)
    flat(out, 0, <uint16_t> (dec | v.volume_dec << 8), B_CLOSED | B_INDEXER)
    out.volume = v.volume
    out.usd = v.usd_volume
    out.usd_dec = v.usd_dec
    out.trades = <uint32_t> v.trades
    return (scale_up(v.open, dec - v.open_dec, &out.open) and scale_up(v.high, dec - v.high_dec, &out.high)
            and scale_up(v.low, dec - v.low_dec, &out.low) and scale_up(v.close, dec - v.close_dec, &out.close))


cdef inline void judge(Board* b, Py_ssize_t market, Chart* c, int r) noexcept nogil:
    """Compare the final candle that waits with our bar, if that is still there and still complete."""
    cdef Bar* ours = slot(b, c, r, c.last_k[r])
    cdef Bar theirs
    c.last_k[r] = -1
    if ours == NULL or ours.flags & (SETTLED | B_DIFFERS):
        return
    if same(ours, &c.last[r]):
        ours.flags |= B_SAME
        if ours.flags & B_COMPLETE:
            b.counts[C_CANDLE_MATCH] += 1
            b.tally[market].match += 1
    elif ours.flags & B_COMPLETE:
        ours.flags |= B_DIFFERS
        b.counts[C_CANDLE_MISMATCH] += 1
        b.tally[market].mismatch += 1
    elif bar_of(&c.last[r], &theirs):           # something was lost after all
        ours[0] = theirs
        b.tally[market].history += 1
        stir(b, c, r, theirs_k(&c.last[r], r))
        follow(b, c, r, theirs_k(&c.last[r], r), ours)
    fold_bar(&b.d, ours)


cdef inline void settle(Board* b) noexcept nogil:
    """Make the comparisons that are due; remember when the next one is."""
    cdef Py_ssize_t i
    cdef Chart* c
    cdef int r
    cdef int64_t due
    b.due_ns = INT64_MAX
    for i in range(b.charts_n):
        c = b.charts[i]
        if c == NULL:
            continue
        for r in range(SERIES):
            if c.last_k[r] < 0:
                continue
            due = (c.last_k[r] + 1) * INTERVAL[r] + GRACE
            if due <= b.clock_ns:
                judge(b, i, c, r)
            else:
                b.due_ns = min(b.due_ns, due)


cdef inline void final(Board* b, Py_ssize_t market, Chart* c, int r, const Candle* v, int64_t k, int64_t next_k,
                       bint observed) noexcept nogil:
    """Candle k is final, because candle next_k exists: so a block was there, and bar next_k has begun."""
    cdef Bar theirs
    cdef Bar* ours
    if not bar_of(v, &theirs):
        b.tally[market].overflows += 1
        return
    if c.k[r] < 0:
        c.k[r] = next_k
        flat(&c.now[r], theirs.close, theirs.scale, 0)
        c.behind = b.behind = True
    elif next_k > c.k[r]:
        open_bar(b, c, r, next_k, observed)
    span(c)
    ours = slot(b, c, r, k)
    if ours == NULL or ours.flags & (SETTLED | B_DIFFERS):
        return
    if ours.flags & B_COMPLETE:
        if c.last_k[r] >= 0:
            judge(b, market, c, r)
        c.last[r] = v[0]
        c.last_k[r] = k
        if b.clock_ns >= (k + 1) * INTERVAL[r] + GRACE:
            judge(b, market, c, r)
        else:
            b.due_ns = min(b.due_ns, (k + 1) * INTERVAL[r] + GRACE)
    elif ours.flags != 0 and same(ours, v):
        ours.flags |= B_SAME
        fold_bar(&b.d, ours)
    else:
        ours[0] = theirs
        b.tally[market].history += 1
        stir(b, c, r, k)
        fold_bar(&b.d, ours)
        follow(b, c, r, k, ours)


cdef inline void candle(Board* b, Event* e) noexcept nogil:
    cdef Chart* c
    cdef const Candle* v
    cdef int r = e.side
    cdef int64_t k
    cdef bint history = (e.flags & (SNAPSHOT | FROM_REST)) != 0
    if r >= RESOLUTIONS or e.market >= b.markets_max or e.ref >= b.candles_n:
        b.skipped += 1
        return
    v = &b.candles[e.ref]
    if not plausible(v) or v.started_ns % INTERVAL[r] != 0:
        b.skipped += 1
        return
    c = chart(b, e.market)
    if c == NULL:
        return
    k = v.started_ns // INTERVAL[r]
    fold(&b.d, <uint64_t> v.started_ns ^ <uint64_t> r, <uint64_t> v.volume)
    fold(&b.d, <uint64_t> v.close, <uint64_t> v.trades)
    if history:
        # Inside one snapshot each candle but the newest is final.
        if b.held_chart == c and b.held.resolution == r and k > b.held_k:
            final(b, e.market, c, r, &b.held, b.held_k, k, False)
        b.held = v[0]
        b.held.resolution = <uint8_t> r
        b.held_k = k
        b.held_chart = c
        if k < c.theirs_k[r] or k == c.theirs_k[r] and v.trades < c.theirs[r].trades:
            return
    else:
        b.held_chart = NULL
        if k < c.theirs_k[r] or k == c.theirs_k[r] and v.trades < c.theirs[r].trades:
            return                              # an older view, from a connection that lags
        if k > c.theirs_k[r] and c.theirs_k[r] >= 0 and c.fresh & 1 << r:
            final(b, e.market, c, r, &c.theirs[r], c.theirs_k[r], k, c.live and not c.behind)
    c.theirs[r] = v[0]
    c.theirs[r].resolution = <uint8_t> r
    c.theirs_k[r] = k
    c.fresh |= 1 << r
