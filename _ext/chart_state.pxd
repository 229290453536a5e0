# The charts as bytes, and back. Used by candles.pyx alone.
#
# A head of nine words, then for each market its index, live, link, candle_link, fresh, its Tally, and for each
# resolution k, number of the oldest bar kept, theirs_k, last_k, the current bar, the closed ones oldest first,
# and the two candles where they exist. All is in words of 8 bytes, in the order of this machine.

from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memcpy

from bar cimport *
from chart cimport *
from event cimport Candle, Digest, fold
from indexer cimport plausible, theirs_k

cdef enum:
    VERSION = 1


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


cdef inline Digest checksum(const char* p, Py_ssize_t n) noexcept nogil:
    """Of n bytes, a multiple of 8."""
    cdef Digest d
    cdef Py_ssize_t i
    d.a = <uint64_t> n
    d.b = VERSION
    for i in range(0, n, 8):
        fold(&d, load64(p + i), <uint64_t> i)
    return d


cdef inline bint fits(const Bar* b) noexcept nogil:
    """Does a loaded bar keep the bounds that the arithmetic relies on?"""
    return ((b.scale & 255) <= DECIMALS_MAX and (b.scale >> 8) <= DECIMALS_MAX and b.usd_dec <= 2 * DECIMALS_MAX
            and 0 <= b.buy <= b.volume)


cdef inline int64_t oldest(Board* b, const Chart* c, int r) noexcept nogil:
    """Number of the oldest bar in the ring; the current bar's if there is none."""
    cdef int64_t j
    if c.k[r] < 0 or c.ring[r] == NULL:
        return c.k[r]
    for j in range(max(c.k[r] - b.bars_max, 0), c.k[r]):
        if c.ring[r][j % b.bars_max].flags != 0:
            return j
    return c.k[r]


cdef inline Py_ssize_t packed_size(Board* b, const Chart* c) noexcept nogil:
    cdef Py_ssize_t size = 5 * 8 + sizeof(Tally)
    cdef int r
    for r in range(SERIES):
        size += 4 * 8
        if c.k[r] >= 0:
            size += sizeof(Bar) * (1 + c.k[r] - oldest(b, c, r))
        size += sizeof(Candle) * ((c.theirs_k[r] >= 0) + (c.last_k[r] >= 0))
    return size


cdef inline void pack(Board* b, char** p, Py_ssize_t market, const Chart* c) noexcept nogil:
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
    push(p, &b.tally[market], sizeof(Tally))
    for r in range(SERIES):
        series[0] = c.k[r]
        series[1] = oldest(b, c, r)
        series[2] = c.theirs_k[r]
        series[3] = c.last_k[r]
        push(p, series, sizeof(series))
        if c.k[r] >= 0:
            push(p, &c.now[r], sizeof(Bar))
            for j in range(series[1], c.k[r]):
                push(p, &c.ring[r][j % b.bars_max], sizeof(Bar))
        if c.theirs_k[r] >= 0:
            push(p, &c.theirs[r], sizeof(Candle))
        if c.last_k[r] >= 0:
            push(p, &c.last[r], sizeof(Candle))


cdef inline bint unpack_series(Board* b, const char** p, const char* end, Chart* c) noexcept nogil:
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
        if head[1] > head[0] or head[0] - head[1] > b.bars_max or (head[0] < 0) != (head[1] < 0):
            return False
        c.k[r] = head[0]
        c.told_k[r] = max(head[0] - 1, -1)
        c.theirs_k[r] = head[2]
        c.last_k[r] = head[3]
        if head[0] >= 0 and not (pull(p, end, &c.now[r], sizeof(Bar)) and fits(&c.now[r])):
            return False
        if head[0] > head[1]:
            if new_ring(b.bars_max, c, r) == NULL:
                return False
            for j in range(head[1], head[0]):
                if not (pull(p, end, &c.ring[r][j % b.bars_max], sizeof(Bar))
                        and fits(&c.ring[r][j % b.bars_max])):
                    return False
        if head[2] >= 0 and not (pull(p, end, &c.theirs[r], sizeof(Candle)) and plausible(&c.theirs[r])
                                 and theirs_k(&c.theirs[r], r) == head[2]):
            return False
        if head[3] >= 0 and not (pull(p, end, &c.last[r], sizeof(Candle)) and plausible(&c.last[r])
                                 and theirs_k(&c.last[r], r) == head[3]):
            return False
    return True


cdef inline bint unpack(Board* b, const char* p, const char* end, Chart** charts, Tally* tally,
                        Py_ssize_t n) noexcept nogil:
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
        if not unpack_series(b, &p, end, c):
            return False
        span(c)
    return before == n - 1
