# One market's bars of all resolutions, and how time moves through them. Used by candles.pyx alone.

from libc.stdint cimport INT64_MAX, int64_t, uint8_t, uint16_t, uint64_t
from libc.stdlib cimport calloc, free

from bar cimport *
from event cimport Candle, Digest, fold, unlikely

cdef extern from "sys/mman.h" nogil:
    void* mmap(void* address, size_t size, int protection, int flags, int descriptor, long offset)
    int munmap(void* address, size_t size)
    void* MAP_FAILED
    int PROT_READ
    int PROT_WRITE
    int MAP_PRIVATE
    int MAP_ANONYMOUS

cdef extern from *:
    """
    #define SNIPER_MINUTE_NS 60000000000LL
    static const int64_t SNIPER_INTERVAL[7] = {
        SNIPER_MINUTE_NS, 5 * SNIPER_MINUTE_NS, 15 * SNIPER_MINUTE_NS, 30 * SNIPER_MINUTE_NS, 60 * SNIPER_MINUTE_NS,
        240 * SNIPER_MINUTE_NS, 1440 * SNIPER_MINUTE_NS};
    #define SNIPER_TIME_MAX_NS (1LL << 62)
    #define SNIPER_GRACE_NS 10000000000LL
    #define SNIPER_WORD_MAX 0xFFFFFFFFLL
    """
    const int64_t INTERVAL "SNIPER_INTERVAL"[7]
    const int64_t MINUTE_NS "SNIPER_MINUTE_NS"
    const int64_t TIME_MAX_NS "SNIPER_TIME_MAX_NS"
    const int64_t GRACE "SNIPER_GRACE_NS"
    const int64_t WORD_MAX "SNIPER_WORD_MAX"

cdef enum:
    SERIES = 7                  # one for each Resolution
    SETTLED = 8 | 16            # B_INDEXER | B_SAME: the Indexer's word is in

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
    int64_t news_k[SERIES]      # the oldest closed bar that changed since `tell`, INT64_MAX: none
    int64_t told_k[SERIES]      # the newest closed bar at that time, -1: never told
    int64_t told                # number of the call of `tell` that named this market last
    Bar now[SERIES]
    Candle theirs[SERIES]
    Candle last[SERIES]
    Bar* rings                  # room for all of them; NULL: no bar is closed yet
    Bar* ring[SERIES]           # bars_max closed bars, bar k in slot k % bars_max; NULL: none closed yet
    uint8_t fresh               # bit r: no candle of theirs[r] was lost since
    bint live                   # its trades are coming in
    bint behind                 # its history is being read: not yet at the clock

cdef struct Board:              # all markets, and what they share
    Chart** charts
    Py_ssize_t charts_n         # 1 + the highest market index in use
    Py_ssize_t markets_max
    Py_ssize_t bars_max
    Tally* tally
    int64_t* counts             # Tape.counters
    const Candle* candles       # Tape.candles
    Py_ssize_t candles_n
    int64_t clock_ns            # the newest block time
    int64_t minute_end_ns       # the next boundary of any resolution
    int64_t due_ns              # when the next waiting comparison is due
    int64_t history_ns          # newest trade in the history that is being read
    int64_t skipped
    Digest d
    Candle held                 # newest candle of the snapshot that is being read
    int64_t held_k
    Chart* held_chart
    bint behind                 # some chart is
    bint stirred                # some chart has news_k
    bint no_memory


cdef inline void span(Chart* c) noexcept nogil:
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


cdef inline Chart* new_chart() noexcept nogil:
    cdef Chart* c = <Chart*> calloc(1, sizeof(Chart))
    cdef int r
    if c != NULL:
        c.link = c.candle_link = -1
        for r in range(SERIES):
            c.k[r] = c.theirs_k[r] = c.last_k[r] = c.told_k[r] = -1
            c.news_k[r] = INT64_MAX
        span(c)
    return c


cdef inline size_t rings_bytes(Py_ssize_t bars_max) noexcept nogil:
    return SERIES * <size_t> bars_max * sizeof(Bar)


cdef inline Bar* new_ring(Py_ssize_t bars_max, Chart* c, int r) noexcept nogil:
    """The room of a resolution's closed bars; NULL where memory is short.

    From the system and not from malloc: a page is there only once a bar is in it. A day's bar a day would otherwise
    cost what 512 of them do, and memory would grow by the rings of all markets at every hour that begins one.
    """
    cdef void* found
    if c.rings == NULL:
        found = mmap(NULL, rings_bytes(bars_max), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        if found == MAP_FAILED:
            return NULL
        c.rings = <Bar*> found
    c.ring[r] = c.rings + r * bars_max
    return c.ring[r]


cdef inline void free_charts(Chart** charts, Py_ssize_t n, Py_ssize_t bars_max) noexcept nogil:
    cdef Py_ssize_t i
    if charts == NULL:
        return
    for i in range(n):
        if charts[i] != NULL:
            if charts[i].rings != NULL:
                munmap(charts[i].rings, rings_bytes(bars_max))
            free(charts[i])
    free(charts)


cdef inline Chart* chart(Board* b, Py_ssize_t market) noexcept nogil:
    if unlikely(b.charts[market] == NULL):
        b.charts[market] = new_chart()
        if b.charts[market] == NULL:
            b.no_memory = True
            return NULL
        b.charts_n = max(b.charts_n, market + 1)
    return b.charts[market]


cdef inline Bar* slot(Board* b, Chart* c, int r, int64_t k) noexcept nogil:
    """Where the closed bar k lives; NULL if it is older than the ring."""
    if k < c.k[r] - b.bars_max or k >= c.k[r]:
        return NULL
    if c.ring[r] == NULL and new_ring(b.bars_max, c, r) == NULL:
        b.no_memory = True
        return NULL
    return &c.ring[r][k % b.bars_max]


cdef inline void stir(Board* b, Chart* c, int r, int64_t k) noexcept nogil:
    """Closed bar k is new or not what it was."""
    c.news_k[r] = min(c.news_k[r], k)
    b.stirred = True


cdef inline void open_bar(Board* b, Chart* c, int r, int64_t k, bint observed) noexcept nogil:
    """Close the current bar, fill the intervals between with empty ones, open bar k > the current one's."""
    cdef Bar* now = &c.now[r]
    cdef Bar empty
    cdef int64_t j
    if c.ring[r] == NULL and new_ring(b.bars_max, c, r) == NULL:
        b.no_memory = True
        return
    now.flags |= B_CLOSED
    fold_bar(&b.d, now)
    fold(&b.d, <uint64_t> k, <uint64_t> c.k[r])
    c.ring[r][c.k[r] % b.bars_max] = now[0]
    stir(b, c, r, c.k[r])
    flat(&empty, now.close, now.scale, B_CLOSED)
    for j in range(max(c.k[r] + 1, k - b.bars_max), k):
        c.ring[r][j % b.bars_max] = empty
    now[0] = empty
    now.flags = B_COMPLETE if observed else 0
    c.k[r] = k


cdef inline void roll(Board* b, Py_ssize_t market, Chart* c, int64_t t, bint observed) noexcept nogil:
    """Close what ended by t and open the bars of t."""
    cdef int r
    for r in range(SERIES):
        if c.k[r] >= 0 and t >= (c.k[r] + 1) * INTERVAL[r]:
            open_bar(b, c, r, t // INTERVAL[r], observed)
    span(c)


cdef inline void follow(Board* b, Chart* c, int r, int64_t k, const Bar* source) noexcept nogil:
    """Bar k has a new close: the empty bars behind it take it over, and missing ones are filled."""
    cdef Bar* bar
    cdef int64_t j
    cdef int64_t close = source.close
    cdef uint16_t scale = source.scale
    for j in range(k + 1, c.k[r] + 1):
        bar = &c.now[r] if j == c.k[r] else &c.ring[r][j % b.bars_max]
        if bar.flags == 0 and j < c.k[r]:
            flat(bar, close, scale, B_CLOSED)
        elif bar.trades != 0 or bar.flags & SETTLED:
            return
        elif bar.close != close or bar.scale != scale:
            flat(bar, close, scale, bar.flags | (B_AMENDED if j < c.k[r] else 0))
        fold_bar(&b.d, bar)


cdef inline void doubt(Board* b, Chart* c) noexcept nogil:
    """Trades may be missing as of now: the open bars, and those closed a moment ago, are not complete."""
    cdef int r
    cdef Bar* bar
    for r in range(SERIES):
        if c.k[r] < 0:
            continue
        c.now[r].flags &= ~B_COMPLETE
        if c.ring[r] != NULL and c.k[r] > 0 and b.clock_ns < c.k[r] * INTERVAL[r] + GRACE:
            bar = &c.ring[r][(c.k[r] - 1) % b.bars_max]
            if not bar.flags & (SETTLED | B_DIFFERS):
                bar.flags &= ~B_COMPLETE
