# Trades, blocks and losses: what moves the bars. Used by candles.pyx alone.

from libc.stdint cimport int64_t, uint16_t, uint64_t

from bar cimport *
from chart cimport *
from event cimport (
    C_LATE_TRADES, CH_CANDLES, CH_TRADES, CONNECTED, DUPLICATE, ERROR, FROM_REST, GAP, INEXACT, L_NONE, L_OPEN, LATE,
    LINK, R_HTTP, SNAPSHOT, SUBSCRIBED, UNSUBSCRIBED, Event, fold, likely, unlikely,
)
from indexer cimport settle

cdef extern from *:
    """
    /* Odd numbers that keep the seven bars of a trade apart in the digest. */
    static const uint64_t SNIPER_KEYS[7] = {
        3 * 0x9E3779B97F4A7C15ull, 5 * 0x9E3779B97F4A7C15ull, 7 * 0x9E3779B97F4A7C15ull, 9 * 0x9E3779B97F4A7C15ull,
        11 * 0x9E3779B97F4A7C15ull, 13 * 0x9E3779B97F4A7C15ull, 15 * 0x9E3779B97F4A7C15ull};
    """
    const uint64_t KEY "SNIPER_KEYS"[7]


cdef inline void advance(Board* b, int64_t t) noexcept nogil:
    """The venue's time has come to t, later than the clock."""
    cdef Py_ssize_t i
    cdef Chart* c
    if t >= TIME_MAX_NS:
        b.skipped += 1
        return
    b.clock_ns = t
    if t >= b.minute_end_ns:
        b.minute_end_ns = (t // MINUTE_NS + 1) * MINUTE_NS
        fold(&b.d, <uint64_t> t, 1)
        for i in range(b.charts_n):
            c = b.charts[i]
            if c != NULL and t >= c.hi_ns:
                roll(b, i, c, t, c.live and not c.behind)
    if unlikely(t >= b.due_ns):
        settle(b)


cdef inline void catch_up(Board* b) noexcept nogil:
    """A stretch of history is read: bring the clock to its end, and the markets that had it to the clock."""
    cdef Py_ssize_t i
    cdef Chart* c
    if b.history_ns > b.clock_ns:
        advance(b, b.history_ns)
    for i in range(b.charts_n):
        c = b.charts[i]
        if c != NULL and c.behind:
            if b.clock_ns >= c.hi_ns:
                roll(b, i, c, b.clock_ns, False)
            c.behind = False
    b.behind = False
    b.history_ns = 0


cdef inline void put(Board* b, Py_ssize_t market, Chart* c, int r, Bar* bar, const Deal* deal) noexcept nogil:
    """A trade into a bar by the general rule."""
    if not add(bar, deal):
        b.tally[market].overflows += 1
    fold_bar(&b.d, bar)


cdef inline void place(Board* b, Event* e, Chart* c, const Deal* deal) noexcept nogil:
    """A trade that does not fall into all seven current bars: the market's first, or one of a closed bar."""
    cdef int r
    cdef int64_t k
    cdef Bar* bar
    cdef Bar before
    if deal.ns < c.k[0] * MINUTE_NS and not e.flags & (SNAPSHOT | FROM_REST):
        e.flags |= LATE
        b.counts[C_LATE_TRADES] += 1
        b.tally[e.market].late += 1
    for r in range(SERIES):
        k = deal.ns // INTERVAL[r]
        if c.k[r] < 0:
            c.k[r] = k
            flat(&c.now[r], deal.price, deal.scale, 0)
        elif k > c.k[r]:
            open_bar(b, c, r, k, False)
        if k >= c.k[r]:
            put(b, e.market, c, r, &c.now[r], deal)
            continue
        bar = slot(b, c, r, k)
        if bar == NULL or bar.flags & SETTLED:
            continue
        before = bar[0]
        if bar.flags == 0:
            bar.flags = B_CLOSED
        else:
            bar.flags |= B_AMENDED
        put(b, e.market, c, r, bar, deal)
        stir(b, c, r, k)
        if before.flags == 0 or before.close != bar.close or before.scale != bar.scale:
            follow(b, c, r, k, bar)
    span(c)
    # A market's first trade may be older than the clock.
    if b.clock_ns >= c.hi_ns and not e.flags & (SNAPSHOT | FROM_REST):
        roll(b, e.market, c, b.clock_ns, False)


cdef inline void trade(Board* b, Event* e) noexcept nogil:
    cdef Chart* c
    cdef Deal deal, fine
    cdef const Deal* same
    cdef int64_t t = e.venue_ns
    cdef int r
    cdef uint64_t x = 0
    if e.flags & DUPLICATE:
        return
    if unlikely(t <= 0 or t >= TIME_MAX_NS or e.price < 0 or e.size < 0 or e.market >= b.markets_max
                or (e.flags >> 24) > DECIMALS_MAX or ((e.flags >> 16) & 255) > DECIMALS_MAX):
        b.skipped += 1
        return
    c = chart(b, e.market)
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
        b.history_ns = max(b.history_ns, t)
        c.behind = b.behind = True
        if t >= c.hi_ns:
            roll(b, e.market, c, t, False)
    else:
        if unlikely(b.behind):
            catch_up(b)
        if t > b.clock_ns:
            advance(b, t)
    if likely(c.lo_ns <= t < c.hi_ns and deal.usd_fits and not deal.inexact):
        # The longest bar has met the most digits; most bars have its scale, few trades bring all of them.
        fine.scale = deal.scale
        if deal.scale != c.now[SERIES - 1].scale and not finer(&deal, c.now[SERIES - 1].scale, &fine):
            fine.scale = deal.scale
        for r in range(SERIES):
            same = &fine if c.now[r].scale != deal.scale and c.now[r].scale == fine.scale else &deal
            if unlikely(not add_in_order(&c.now[r], same)):
                put(b, e.market, c, r, &c.now[r], &deal)
            x += (<uint64_t> c.now[r].volume * 3 + <uint64_t> c.now[r].usd
                  ^ <uint64_t> c.now[r].high << 32 ^ <uint64_t> c.now[r].low << 43) * KEY[r]
    else:
        place(b, e, c, &deal)
    if not e.flags & (SNAPSHOT | FROM_REST):
        c.live = True
    b.tally[e.market].trades += 1
    fold(&b.d, <uint64_t> t ^ e.market, <uint64_t> deal.price)
    fold(&b.d, x ^ <uint64_t> deal.buy, <uint64_t> deal.size)


cdef inline void link(Board* b, Event* e) noexcept nogil:
    """A row about a connection: which markets lost something by it?"""
    cdef Py_ssize_t i
    cdef Chart* c
    cdef bint down = False
    if e.kind == SUBSCRIBED or e.kind == UNSUBSCRIBED:
        if e.side != CH_TRADES and e.side != CH_CANDLES or e.market >= b.markets_max:
            return
        c = chart(b, e.market)
        if c == NULL:
            return
        fold(&b.d, e.kind | e.side << 8, e.market)
        if e.side == CH_CANDLES:
            c.candle_link = e.ref
            c.fresh = 0
            return
        if e.kind == UNSUBSCRIBED and c.link >= 0 and c.link != e.ref:
            return
        c.link = e.ref
        c.live = e.kind == SUBSCRIBED
        doubt(b, c)
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
    fold(&b.d, e.kind, e.ref)
    for i in range(b.charts_n):
        c = b.charts[i]
        if c == NULL:
            continue
        if c.link < 0 or c.link == e.ref:
            doubt(b, c)
            if down:
                c.live = False
        if c.candle_link < 0 or c.candle_link == e.ref:
            c.fresh = 0
