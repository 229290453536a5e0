# `v4_trades` contents. Like levels, trades get the market's decimals (`scale_trades`) once the market is known.

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memmove, memset

from digits cimport *
from event cimport *
from isotime cimport *
from market_table cimport *
from reader cimport *
from scan cimport *

cdef extern from *:
    """
    static const SniperKey SNIPER_TRADE_KEYS[] = {
        SNIPER_KEY("id", 0), SNIPER_KEY("size", 1), SNIPER_KEY("price", 2), SNIPER_KEY("side", 3),
        SNIPER_KEY("createdAt", 4), SNIPER_KEY("type", 5), SNIPER_KEY("createdAtHeight", 6), SNIPER_KEY("", -1)};
    """
    const Key* TRADE_KEYS "SNIPER_TRADE_KEYS"


cdef inline void trade_id(const uint8_t* s, uint32_t length, Trade* out) noexcept nogil:
    """The identity of a trade: 24 lower-case hex digits exactly, any other text as two hashes of it."""
    cdef uint32_t a, b, d
    cdef uint64_t h = length
    cdef uint64_t g = MIX_A
    cdef uint32_t i
    out.id_length = length
    out.height = 0
    if length == 24 and hex8(s, &a) and hex8(s + 8, &b) and hex8(s + 16, &d):
        out.id_form = 0
        out.id_high = a
        out.id_low = (<uint64_t> b << 32) | d
        out.height = a
        return
    out.id_form = 1
    for i in range(length):
        h = (h ^ s[i]) * MIX_A
        h ^= h >> 29
        g = (g ^ s[i]) * MIX_B
        g ^= g >> 31
    out.id_high = h
    out.id_low = g


cdef inline uint32_t trade_type(const uint8_t* s, uint32_t length) noexcept nogil:
    if length == 5 and memcmp(s, b"LIMIT", 5) == 0:
        return 0
    if length == 10 and memcmp(s, b"LIQUIDATED", 10) == 0:
        return LIQUIDATED
    if length == 11 and memcmp(s, b"DELEVERAGED", 11) == 0:
        return DELEVERAGED
    return OTHER_TYPE


cdef inline const uint8_t* trade(Reader* c, const uint8_t* p, int depth) noexcept nogil:
    """One trade object; p at the brace."""
    cdef Text k, t
    cdef int code, present
    cdef int seen = 0
    cdef int price_dec = 0
    cdef int size_dec = 0
    cdef int64_t height = 0
    cdef uint32_t kind_flags = 0
    cdef Trade* out = &c.trades[c.trades_n]
    cdef Event* row = add(c, TRADE, 0, NO_MARKET)
    row.ref = <uint32_t> c.trades_n
    c.trades_n += 1
    memset(out, 0, sizeof(Trade))
    p = blank(p + 1)
    while p[0] != c'}':
        p = key(c, p, &k)
        if p == NULL:
            return NULL
        code = code_of(TRADE_KEYS, k.s, k.length)
        if code < 0:
            p = pass_over(c, p, depth)
        elif code == 1:
            p = amount(c, p, depth, &row.size, &size_dec)
        elif code == 2:
            p = quotient(c, p, depth, &row.price, &price_dec, &row.flags)
        elif code == 4:
            p = instant(c, p, depth, &row.venue_ns)
        elif code == 6:
            p = integer(c, p, depth, &height, &present)
            if height < 0:
                refuse(c, R_BAD_VALUE)
        else:
            p = string(c, p, depth, &t)
            if p != NULL:
                if code == 0:
                    trade_id(t.s, t.length, out)
                    if t.length == 0:
                        refuse(c, R_BAD_VALUE)
                elif code == 3:
                    if t.length == 4 and memcmp(t.s, b"SELL", 4) == 0:
                        row.side = 1
                    elif not (t.length == 3 and memcmp(t.s, b"BUY", 3) == 0):
                        refuse(c, R_BAD_VALUE)
                else:
                    kind_flags = trade_type(t.s, t.length)
        if p == NULL:
            return NULL
        if code >= 0:
            if seen & (1 << code):
                refuse(c, R_DUPLICATE_KEY)
            seen |= 1 << code
        p = next_member(p)
        if p == NULL:
            return NULL
    if (seen & 31) != 31:
        refuse(c, R_MISSING_KEY)
    if row.price == 0 or row.size == 0:
        refuse(c, R_BAD_VALUE)
    if height:
        out.height = height
    row.flags |= kind_flags | decimals_flags(price_dec, size_dec)
    return p + 1


cdef inline const uint8_t* trades(Reader* c, const uint8_t* p) noexcept nogil:
    """A list of trades; p at its value."""
    if p[0] != c'[':
        refuse(c, R_BAD_VALUE)
        return pass_over(c, p, c.depth)
    p = blank(p + 1)
    while p[0] != c']':
        if p[0] != c'{':
            refuse(c, R_BAD_VALUE)
            return NULL
        p = trade(c, p, c.depth + 2)
        if p == NULL or c.reason:
            return NULL
        p = next_item(p)
        if p == NULL:
            return NULL
    return p + 1


cdef inline int scale_trades(Reader* c, Py_ssize_t start, int market) noexcept nogil:
    """Rows from `start`: prices and sizes with at least the decimals of the market's tick and step."""
    cdef const Market* m = &c.markets[market]
    cdef Py_ssize_t i
    cdef Event* row
    cdef int price_dec, size_dec
    for i in range(start, c.n):
        row = &c.rows[i]
        row.market = <uint16_t> market
        if row.kind != TRADE:
            continue
        price_dec = <int> (row.flags >> 24)
        if row.flags & INEXACT:
            price_dec = narrow(&row.price, price_dec, m.dec[F_TICK])
            if row.price == 0:
                refuse(c, R_BAD_VALUE)
                return 0
        price_dec = widen(&row.price, price_dec, m.dec[F_TICK])
        size_dec = widen(&row.size, <int> ((row.flags >> 16) & 0xFF), m.dec[F_STEP])
        if price_dec < 0 or size_dec < 0:
            refuse(c, R_BAD_VALUE)
            return 0
        row.flags = (row.flags & 0xFFFF) | decimals_flags(price_dec, size_dec)
        if price_dec != m.dec[F_TICK] or m.num[F_TICK] != 1 and row.price % m.num[F_TICK] != 0:
            row.flags |= OFF_TICK
        if m.known & (1 << F_ORACLE) and not row.flags & SNAPSHOT and (
                beyond(row.price, price_dec, m.num[F_ORACLE], m.dec[F_ORACLE], 5, 4)
                or beyond(m.num[F_ORACLE], m.dec[F_ORACLE], row.price, price_dec, 5, 4)):
            row.flags |= DOUBT
    return 1


cdef inline void reverse(Reader* c, Py_ssize_t start) noexcept nogil:
    """Turn rows from `start` round: snapshots list the newest first, the tape wants the oldest first."""
    cdef Py_ssize_t i = start
    cdef Py_ssize_t j = c.n - 1
    cdef Event row
    while i < j:
        row = c.rows[i]
        c.rows[i] = c.rows[j]
        c.rows[j] = row
        i += 1
        j -= 1
