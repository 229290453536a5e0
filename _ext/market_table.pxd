# The market table: tickers by hash, and the exact decimals that ticks and steps are made of.

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memmove, memset

from digits cimport *
from event cimport *
from reader cimport *
from scan cimport *

cdef extern from *:
    """
    typedef __int128 sniper_wide;
    static const uint64_t SNIPER_MIX_A = 0x9E3779B97F4A7C15ull, SNIPER_MIX_B = 0xD1B54A32D192ED03ull;
    static const int64_t SNIPER_LIMIT[19] = {INT64_MAX, 922337203685477580LL, 92233720368547758LL,
        9223372036854775LL, 922337203685477LL, 92233720368547LL, 9223372036854LL, 922337203685LL, 92233720368LL,
        9223372036LL, 922337203LL, 92233720LL, 9223372LL, 922337LL, 92233LL, 9223LL, 922LL, 92LL, 9LL};
    """
    ctypedef long long wide "sniper_wide"       # 128 bits, whatever Cython thinks
    const uint64_t MIX_A "SNIPER_MIX_A"
    const uint64_t MIX_B "SNIPER_MIX_B"
    const int64_t[19] LIMIT "SNIPER_LIMIT"     # LIMIT[k] * 10 ** k fits an int64

cdef enum:
    TICKER_MAX = 108


cdef inline uint64_t mix(uint64_t h, uint64_t w) noexcept nogil:
    h = (h ^ w) * MIX_A
    return h ^ h >> 32


cdef inline uint32_t ticker_hash(const uint8_t* s, uint32_t length) noexcept nogil:
    """Hash of a name: its 8-byte words, the last one filled with zeros."""
    cdef uint64_t h = length
    cdef uint64_t w = 0
    cdef uint32_t i = 0
    while i + 8 <= length:
        h = mix(h, load8(s + i))
        i += 8
    while length > i:
        length -= 1
        w = w << 8 | s[length]
    return <uint32_t> mix(h, w)


cdef inline int find(const Reader* c, const uint8_t* s, uint32_t length) noexcept nogil:
    """Index of a ticker in the market table, -1 if it is not there."""
    cdef uint32_t i = ticker_hash(s, length) & c.slots_mask
    cdef int m
    while c.slots[i]:
        m = c.slots[i] - 1
        if c.markets[m].length == length and memcmp(c.markets[m].ticker, s, length) == 0:
            return m
        i = (i + 1) & c.slots_mask
    return -1


cdef inline int find_near(const Reader* c, const uint8_t* s, uint32_t length) noexcept nogil:
    """The same for a name that at least 8 readable bytes follow: short ones as one masked word."""
    cdef uint64_t w
    cdef uint32_t i
    cdef int m
    if unlikely(length >= 8):
        if length > 8:
            return find(c, s, length)
        w = load8(s)
        i = <uint32_t> mix(mix(8, w), 0) & c.slots_mask
    else:
        w = load8(s) & ((<uint64_t> 1 << (8 * length)) - 1)
        i = <uint32_t> mix(length, w) & c.slots_mask
    while c.slots[i]:
        m = c.slots[i] - 1
        if c.markets[m].length == length and load8(c.markets[m].ticker) == w:
            return m
        i = (i + 1) & c.slots_mask
    return -1


cdef inline int enter(Reader* c, const uint8_t* s, uint32_t length) noexcept nogil:
    """A new market at the end of the table; -1 if the table is full or the ticker unusable."""
    cdef uint32_t i
    cdef uint32_t k
    cdef Market* m
    if length == 0 or length > TICKER_MAX:
        refuse(c, R_BAD_VALUE)
        return -1
    for k in range(length):
        if s[k] <= 0x20 or s[k] == 0x7F or s[k] == c'/':
            refuse(c, R_BAD_VALUE)
            return -1
    if c.markets_n == c.markets_max:
        refuse(c, R_FULL)
        return -1
    i = ticker_hash(s, length) & c.slots_mask
    while c.slots[i]:
        i = (i + 1) & c.slots_mask
    m = &c.markets[c.markets_n]
    memset(m, 0, sizeof(Market))
    memcpy(m.ticker, s, length)
    m.length = <uint8_t> length
    m.index = <uint16_t> c.markets_n
    c.markets_n += 1
    c.slots[i] = <uint16_t> c.markets_n
    return c.markets_n - 1


cdef inline bint tradable(const Market* m) noexcept nogil:
    """Whether books and trades of this market can be read: tick and step are known."""
    return (m.known & 3) == 3


cdef inline uint32_t decimals_flags(int price, int size) noexcept nogil:
    return (<uint32_t> price << 24) | (<uint32_t> size << 16)


cdef inline int widen(int64_t* v, int dec, int least) noexcept nogil:
    """Bring v * 10 ** -dec to at least `least` decimals, or strip zeros down to them. Returns its decimals, -1: too big."""
    while dec > least and v[0] % 10 == 0:
        v[0] = v[0] // 10
        dec -= 1
    if dec < least:
        if least - dec > 18 or v[0] > LIMIT[least - dec] or v[0] < -LIMIT[least - dec]:
            return -1
        v[0] *= P10[least - dec]
        dec = least
    return dec


cdef inline bint beyond(int64_t a, int a_dec, int64_t b, int b_dec, int over, int under) noexcept nogil:
    """a > b * over / under, exactly. Both positive, below 10 ** 18, `over` and `under` at most 11."""
    cdef wide x = a
    cdef wide y = b
    if a_dec > b_dec + 18:
        return 0
    if b_dec > a_dec + 18:
        return 1
    if a_dec > b_dec:
        y *= P10[a_dec - b_dec]
    else:
        x *= P10[b_dec - a_dec]
    return x * under > y * over
