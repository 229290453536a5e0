# Which bars changed: what the candles kernel tells those who keep sums over bars. Used by candles.pyx alone.

from libc.stdint cimport INT64_MAX, int64_t, uint8_t, uint16_t, uint32_t

from bar cimport *
from chart cimport *
from chart_state cimport oldest
from event cimport CANDLE, TRADE, Event
from lent cimport N_NO_USD, N_OPEN, N_RESTART, NEWS_MAX, BarNews

cdef struct Teller:             # one call of `tell` and where it stands
    BarNews* news
    uint16_t* markets           # those that have something to tell
    Py_ssize_t markets_n
    Py_ssize_t i                # the market, resolution and bar (-1: not begun) that come next
    int r
    int64_t k
    uint32_t wanted             # bit r: resolution r
    uint8_t flags
    int64_t calls


cdef inline void nominate(Board* b, Teller* t, Py_ssize_t market) noexcept nogil:
    if market < b.charts_n and b.charts[market] != NULL and b.charts[market].told != t.calls:
        b.charts[market].told = t.calls
        t.markets[t.markets_n] = <uint16_t> market
        t.markets_n += 1


cdef inline void begin(Board* b, Teller* t, const Event* rows, const uint32_t* others, Py_ssize_t n,
                       uint32_t wanted) noexcept nogil:
    """Find the markets whose bars changed: those of the rows, and where closed bars are new or other than before."""
    cdef Py_ssize_t i
    cdef int r
    t.calls += 1
    t.markets_n = t.i = t.r = 0
    t.k = -1
    t.wanted = wanted
    for i in range(n):
        if rows[others[i]].kind == TRADE or rows[others[i]].kind == CANDLE:
            nominate(b, t, rows[others[i]].market)
    if b.stirred:
        b.stirred = False
        for i in range(b.charts_n):
            if b.charts[i] != NULL:
                for r in range(SERIES):
                    if wanted >> r & 1 and b.charts[i].news_k[r] != INT64_MAX:
                        nominate(b, t, i)


cdef inline void emit(Teller* t, Py_ssize_t n, const Bar* bar, uint8_t flags) noexcept nogil:
    cdef BarNews* o = &t.news[n]
    o.k = t.k
    o.open, o.high, o.low, o.close = bar.open, bar.high, bar.low, bar.close
    o.volume = bar.volume
    o.usd = bar.usd
    o.trades = bar.trades
    o.market = t.markets[t.i]
    o.resolution = <uint8_t> t.r
    o.flags = flags | t.flags | (N_NO_USD if bar.flags & B_NO_USD else 0)
    o.price_dec = bar.scale & 255
    o.size_dec = bar.scale >> 8
    o.usd_dec = bar.usd_dec
    t.flags = 0


cdef inline Py_ssize_t go_on(Board* b, Teller* t) noexcept nogil:
    """Write the next news, at most NEWS_MAX. Returns how many; 0: all is told."""
    cdef Py_ssize_t n = 0
    cdef Chart* c
    cdef Bar* bar
    while t.i < t.markets_n:
        c = b.charts[t.markets[t.i]]
        while t.r < SERIES:
            if t.wanted >> t.r & 1 and c.k[t.r] >= 0:
                if t.k < 0:
                    t.flags = N_RESTART if c.news_k[t.r] < c.told_k[t.r] else 0
                    t.k = c.k[t.r]
                    if c.news_k[t.r] != INT64_MAX:
                        t.k = max(oldest(b, c, t.r), 0 if t.flags else c.news_k[t.r])
                    c.news_k[t.r] = INT64_MAX
                    c.told_k[t.r] = c.k[t.r] - 1
                while t.k <= c.k[t.r]:
                    if n == NEWS_MAX:
                        return n
                    bar = &c.now[t.r] if t.k == c.k[t.r] else &c.ring[t.r][t.k % b.bars_max]
                    if bar.flags != 0 or t.k == c.k[t.r]:
                        emit(t, n, bar, N_OPEN if t.k == c.k[t.r] else 0)
                        n += 1
                    t.k += 1
                t.k = -1
            t.r += 1
        t.r = 0
        t.i += 1
    return n
