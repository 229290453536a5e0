# `v4_orderbook` contents. LEVEL rows are written with the numbers as they stand in the text and the decimals in
# `flags`; `scale_levels` brings them to whole ticks and steps once the market is known.

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memmove, memset

from digits cimport *
from event cimport *
from market_table cimport *
from reader cimport *
from scan cimport *

cdef extern from *:
    """
    static const uint32_t SNIPER_BIDS4 = 0x73646962u, SNIPER_ASKS4 = 0x736b7361u;     /* `bids`, `asks` */
    """
    const uint32_t BIDS4 "SNIPER_BIDS4"
    const uint32_t ASKS4 "SNIPER_ASKS4"


cdef inline const uint8_t* size_text(Reader* c, const uint8_t* p, int depth, int64_t* m, int* d) noexcept nogil:
    """`amount` for sizes, whose length nobody can guess. (Before the text of a bytes object lies its head of 32 bytes.)"""
    cdef const uint8_t* q
    if likely(p[0] == c'"'):
        q = short_decimal(p + 1, c.end, m, d)
        if likely(q != NULL):
            return q
    return amount(c, p, depth, m, d)


cdef inline const uint8_t* level(Reader* c, const uint8_t* p, int side) noexcept nogil:
    """One level, `["price","size"]` or `{"price":..,"size":..}`; p at its bracket."""
    cdef int64_t price = 0
    cdef int64_t size = 0
    cdef int price_dec = 0
    cdef int size_dec = 0
    cdef int seen = 0
    cdef int bit
    cdef Text k
    cdef Event* row
    if p[0] == c'[':
        p = blank(p + 1)
        if p[0] == c']':
            return NULL
        p = amount(c, p, c.depth + 2, &price, &price_dec)
        if p == NULL:
            return NULL
        p = blank(p)
        if p[0] != c',':
            return NULL
        p = size_text(c, blank(p + 1), c.depth + 2, &size, &size_dec)
        if p == NULL:
            return NULL
        p = blank(p)
        if p[0] != c']':
            return NULL
        p += 1
    else:
        p = blank(p + 1)
        while p[0] != c'}':
            p = key(c, p, &k)
            if p == NULL:
                return NULL
            bit = 0
            if k.length == 5 and memcmp(k.s, b"price", 5) == 0:
                bit = 1
                p = amount(c, p, c.depth + 2, &price, &price_dec)
            elif k.length == 4 and memcmp(k.s, b"size", 4) == 0:
                bit = 2
                p = size_text(c, p, c.depth + 2, &size, &size_dec)
            else:
                p = pass_over(c, p, c.depth + 2)
            if p == NULL:
                return NULL
            if seen & bit:
                refuse(c, R_DUPLICATE_KEY)
            seen |= bit
            p = next_member(p)
            if p == NULL:
                return NULL
        p += 1
        if seen != 3:
            refuse(c, R_MISSING_KEY)
    row = add(c, LEVEL, side, NO_MARKET)
    row.price = price
    row.size = size
    row.flags |= decimals_flags(price_dec, size_dec)
    return p


cdef inline const uint8_t* levels(Reader* c, const uint8_t* p, int side) noexcept nogil:
    """A list of levels; p at its value."""
    if p[0] != c'[':
        refuse(c, R_BAD_VALUE)
        return pass_over(c, p, c.depth)
    p = blank(p + 1)
    while p[0] != c']':
        if p[0] != c'[' and p[0] != c'{':
            refuse(c, R_BAD_VALUE)
            return NULL
        p = level(c, p, side)
        if p == NULL or c.reason:       # refused: no more rows, or a list of `{}` would outgrow the tape
            return NULL
        p = next_item(p)
        if p == NULL:
            return NULL
    return p + 1


cdef inline bint scale(int64_t* v, int k, int64_t unit) noexcept nogil:
    """Decimals to whole units, for the usual case that the text has no more decimals than the unit."""
    if unlikely(<unsigned int> k > 18 or v[0] > LIMIT[k]):
        return 0
    v[0] *= P10[k]
    if unit != 1 and v[0] != 0:
        if unlikely(v[0] % unit != 0):
            return 0
        v[0] = v[0] // unit
    return 1


cdef inline int scale_any(int64_t* v, int k, int64_t unit) noexcept nogil:
    """The same for any number of decimals. Returns R_NONE, or why it cannot be."""
    if k > 0:
        if k > 18 and v[0] != 0 or k <= 18 and v[0] > LIMIT[k]:
            return R_BAD_VALUE
        v[0] = v[0] * P10[k] if k <= 18 else 0
    elif k < 0:
        if k < -18 and v[0] != 0 or k >= -18 and v[0] % P10[-k] != 0:
            return R_OFF_GRID
        v[0] = v[0] // P10[-k] if k >= -18 else 0
    if v[0] % unit != 0:
        return R_OFF_GRID
    v[0] = v[0] // unit
    return R_NONE


cdef inline int scale_levels(Reader* c, Py_ssize_t start, int market) noexcept nogil:
    """Rows from `start`: decimals -> whole ticks and steps of the market. 0 with a reason where one is off grid."""
    cdef const Market* m = &c.markets[market]
    cdef Py_ssize_t i
    cdef Event* row
    cdef int64_t price, size
    cdef int k, reason
    for i in range(start, c.n):
        row = &c.rows[i]
        if row.kind != LEVEL:
            row.market = <uint16_t> market
            continue
        price = row.price
        size = row.size
        k = m.dec[F_TICK] - <int> (row.flags >> 24)
        if unlikely(not scale(&price, k, m.num[F_TICK])):
            price = row.price
            reason = scale_any(&price, k, m.num[F_TICK])
            if reason:
                refuse(c, reason)
                return 0
        k = m.dec[F_STEP] - <int> ((row.flags >> 16) & 0xFF)
        if unlikely(not scale(&size, k, m.num[F_STEP])):
            size = row.size
            reason = scale_any(&size, k, m.num[F_STEP])
            if reason:
                refuse(c, reason)
                return 0
        if unlikely(price == 0):
            refuse(c, R_BAD_VALUE)
            return 0
        row.price = price
        row.size = size
        row.market = <uint16_t> market
        row.flags &= 0xFFFF
    return 1


cdef inline const uint8_t* book(Reader* c, const uint8_t* p) noexcept nogil:
    """`{"bids":[..],"asks":[..]}`; p at the brace."""
    cdef Text k
    cdef int seen = 0
    cdef int bit
    cdef uint32_t name
    p = blank(p + 1)
    while p[0] != c'}':
        p = key(c, p, &k)
        if p == NULL:
            return NULL
        bit = 0
        name = load4(k.s) if k.length == 4 else 0
        if (name == BIDS4) | (name == ASKS4):   # which of them is chance: one branch for both
            bit = 1 + (name == ASKS4)
            p = levels(c, p, bit - 1)
        else:
            p = pass_over(c, p, c.depth)
        if p == NULL:
            return NULL
        if seen & bit:
            refuse(c, R_DUPLICATE_KEY)
        seen |= bit
        p = next_member(p)
        if p == NULL:
            return NULL
    return p + 1


cdef inline const uint8_t* count_lists(Reader* c, const uint8_t* p, int64_t* n) noexcept nogil:
    """Add up the elements of the lists under `bids` and `asks` of one object; p at its brace. Well-formed JSON only."""
    cdef Text k
    cdef int deep = 0
    p = blank(p + 1)
    while p[0] != c'}':
        p = key(c, p, &k)
        if p[0] == c'[' and k.length == 4 and (memcmp(k.s, b"bids", 4) == 0 or memcmp(k.s, b"asks", 4) == 0):
            p = blank(p + 1)
            while p[0] != c']':
                n[0] += 1
                p = blank(skip(p, c.end, 0, &deep))
                if p[0] == c',':
                    p = blank(p + 1)
            p += 1
        else:
            p = skip(p, c.end, 0, &deep)
        p = blank(p)
        if p[0] == c',':
            p = blank(p + 1)
    return p + 1


cdef inline int64_t count_levels(Reader* c, const uint8_t* p) noexcept nogil:
    """Levels in a well-formed message that was refused: the elements of the lists under `bids` and `asks`."""
    cdef Text k
    cdef int64_t n = 0
    cdef const uint8_t* q
    cdef int deep = 0
    p = blank(p)
    if p[0] != c'{':
        return 0
    p = blank(p + 1)
    while p[0] != c'}':
        p = key(c, p, &k)
        if k.length == 8 and memcmp(k.s, b"contents", 8) == 0 and (p[0] == c'{' or p[0] == c'['):
            q = blank(p + 1) if p[0] == c'[' else p
            while q[0] != c']':
                q = blank(count_lists(c, q, &n) if q[0] == c'{' else skip(q, c.end, 0, &deep))
                if p[0] == c'{':
                    break
                if q[0] == c',':
                    q = blank(q + 1)
        p = blank(skip(p, c.end, 0, &deep))
        if p[0] == c',':
            p = blank(p + 1)
    return n
