# `v4_candles` and `v4_block_height` contents, and REST historicalFunding.

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memmove, memset

from event cimport *
from isotime cimport *
from market_table cimport *
from reader cimport *
from scan cimport *

cdef extern from *:
    """
    static const SniperKey SNIPER_CANDLE_KEYS[] = {
        SNIPER_KEY("startedAt", 0), SNIPER_KEY("open", 1), SNIPER_KEY("high", 2), SNIPER_KEY("low", 3),
        SNIPER_KEY("close", 4), SNIPER_KEY("baseTokenVolume", 5), SNIPER_KEY("usdVolume", 6),
        SNIPER_KEY("trades", 7), SNIPER_KEY("startingOpenInterest", 8), SNIPER_KEY("", -1)};
    static const SniperKey SNIPER_HEIGHT_KEYS[] = {
        SNIPER_KEY("height", 0), SNIPER_KEY("blockHeight", 0), SNIPER_KEY("time", 1), SNIPER_KEY("", -1)};
    static const SniperKey SNIPER_FUNDING_KEYS[] = {
        SNIPER_KEY("ticker", 0), SNIPER_KEY("rate", 1), SNIPER_KEY("effectiveAt", 2),
        SNIPER_KEY("effectiveAtHeight", 3), SNIPER_KEY("", -1)};
    """
    const Key* CANDLE_KEYS "SNIPER_CANDLE_KEYS"
    const Key* HEIGHT_KEYS "SNIPER_HEIGHT_KEYS"
    const Key* FUNDING_KEYS "SNIPER_FUNDING_KEYS"


cdef inline const uint8_t* candle_price(Reader* c, const uint8_t* p, int market, int depth, int64_t* m, uint8_t* dec,
                                        uint32_t* flags) noexcept nogil:
    """A price of a candle; cut to the market's tick where it is too long, as the trade it comes from."""
    cdef int d = 0
    cdef uint32_t inexact = 0
    p = quotient(c, p, depth, m, &d, &inexact)
    if inexact:
        d = narrow(m, d, c.markets[market].dec[F_TICK])
        flags[0] |= inexact
    dec[0] = <uint8_t> d
    return p


cdef inline const uint8_t* candle(Reader* c, const uint8_t* p, int market, int depth) noexcept nogil:
    """One candle object; p at the brace. The resolution is the envelope's."""
    cdef Candle* out = &c.candles[c.candles_n]
    cdef Event* row = add(c, CANDLE, c.resolution, market)
    cdef Text k
    cdef int code, present
    cdef int d = 0
    cdef int seen = 0
    row.ref = <uint32_t> c.candles_n
    c.candles_n += 1
    memset(out, 0, sizeof(Candle))
    out.resolution = <uint8_t> c.resolution
    p = blank(p + 1)
    while p[0] != c'}':
        p = key(c, p, &k)
        if p == NULL:
            return NULL
        code = code_of(CANDLE_KEYS, k.s, k.length)
        if code < 0:
            p = pass_over(c, p, depth)
        elif code == 0:
            p = instant(c, p, depth, &out.started_ns)
        elif code == 1:
            p = candle_price(c, p, market, depth, &out.open, &out.open_dec, &row.flags)
        elif code == 2:
            p = candle_price(c, p, market, depth, &out.high, &out.high_dec, &row.flags)
        elif code == 3:
            p = candle_price(c, p, market, depth, &out.low, &out.low_dec, &row.flags)
        elif code == 4:
            p = candle_price(c, p, market, depth, &out.close, &out.close_dec, &row.flags)
        elif code == 5:
            p = amount(c, p, depth, &out.volume, &d)
            out.volume_dec = <uint8_t> d
        elif code == 6:
            p = statistic(c, p, depth, &out.usd_volume, &d, &present)
            out.usd_dec = <uint8_t> d
            if not present:
                refuse(c, R_BAD_VALUE)
        elif code == 7:
            p = integer(c, p, depth, &out.trades, &present)
            if not present or out.trades < 0:
                refuse(c, R_BAD_VALUE)
        else:
            p = statistic(c, p, depth, &out.open_interest, &d, &present)
            out.interest_dec = <uint8_t> d
        if p == NULL:
            return NULL
        if code >= 0:
            if seen & (1 << code):
                refuse(c, R_DUPLICATE_KEY)
            seen |= 1 << code
        p = next_member(p)
        if p == NULL:
            return NULL
    if (seen & 0xFF) != 0xFF:
        refuse(c, R_MISSING_KEY)
    row.venue_ns = out.started_ns
    row.price = out.close
    row.size = out.volume
    row.flags |= decimals_flags(out.close_dec, out.volume_dec)
    return p + 1


cdef inline const uint8_t* candles(Reader* c, const uint8_t* p, int market) noexcept nogil:
    """A list of candles; p at its value."""
    if p[0] != c'[':
        refuse(c, R_BAD_VALUE)
        return pass_over(c, p, c.depth)
    p = blank(p + 1)
    while p[0] != c']':
        if p[0] != c'{':
            refuse(c, R_BAD_VALUE)
            return NULL
        p = candle(c, p, market, c.depth + 2)
        if p == NULL or c.reason:
            return NULL
        p = next_item(p)
        if p == NULL:
            return NULL
    return p + 1


cdef inline const uint8_t* block(Reader* c, const uint8_t* p) noexcept nogil:
    """`{"height"|"blockHeight":str,"time":iso}`; p at the brace."""
    cdef Event* row = add(c, BLOCK, 0, NO_MARKET)
    cdef Text k
    cdef int code, present
    cdef int seen = 0
    p = blank(p + 1)
    while p[0] != c'}':
        p = key(c, p, &k)
        if p == NULL:
            return NULL
        code = code_of(HEIGHT_KEYS, k.s, k.length)
        if code < 0:
            p = pass_over(c, p, c.depth)
        elif code == 0:
            p = integer(c, p, c.depth, &row.price, &present)
            if not present or row.price < 0:
                refuse(c, R_BAD_VALUE)
        else:
            p = instant(c, p, c.depth, &row.venue_ns)
        if p == NULL:
            return NULL
        if code >= 0:
            if seen & (1 << code):
                refuse(c, R_DUPLICATE_KEY)
            seen |= 1 << code
        p = next_member(p)
        if p == NULL:
            return NULL
    if seen != 3:
        refuse(c, R_MISSING_KEY)
    return p + 1


cdef inline const uint8_t* funding(Reader* c, const uint8_t* p) noexcept nogil:
    """One row of historicalFunding; p at its brace."""
    cdef Event* row = add(c, FUNDING, 0, NO_MARKET)
    cdef Text k, t
    cdef int code, present
    cdef int d = 0
    cdef int seen = 0
    cdef int market
    p = blank(p + 1)
    while p[0] != c'}':
        p = key(c, p, &k)
        if p == NULL:
            return NULL
        code = code_of(FUNDING_KEYS, k.s, k.length)
        if code < 0:
            p = pass_over(c, p, c.depth + 2)
        elif code == 0:
            p = string(c, p, c.depth + 2, &t)
            if p != NULL and not c.reason:
                market = find(c, t.s, t.length)
                if market < 0:
                    refuse(c, R_UNKNOWN_MARKET)
                row.market = <uint16_t> market
        elif code == 1:
            p = statistic(c, p, c.depth + 2, &row.price, &d, &present)
            if not present:
                refuse(c, R_BAD_VALUE)
        elif code == 2:
            p = instant(c, p, c.depth + 2, &row.venue_ns)
        else:
            p = integer(c, p, c.depth + 2, &row.size, &present)
            if not present or row.size < 0:
                refuse(c, R_BAD_VALUE)
        if p == NULL:
            return NULL
        if code >= 0:
            if seen & (1 << code):
                refuse(c, R_DUPLICATE_KEY)
            seen |= 1 << code
        p = next_member(p)
        if p == NULL:
            return NULL
    if seen != 15:
        refuse(c, R_MISSING_KEY)
    row.flags |= decimals_flags(d, 0)
    return p + 1


cdef inline const uint8_t* fundings(Reader* c, const uint8_t* p) noexcept nogil:
    """`{"historicalFunding":[..]}`; p at the brace."""
    cdef Text k
    cdef int seen = 0
    p = blank(p + 1)
    while p[0] != c'}':
        p = key(c, p, &k)
        if p == NULL:
            return NULL
        if k.length == 17 and memcmp(k.s, b"historicalFunding", 17) == 0 and p[0] == c'[':
            seen += 1
            p = blank(p + 1)
            while p[0] != c']':
                if p[0] != c'{':
                    refuse(c, R_BAD_VALUE)
                    return NULL
                p = funding(c, p)
                if p == NULL or c.reason:
                    return NULL
                p = next_item(p)
                if p == NULL:
                    return NULL
            p += 1
        else:
            p = pass_over(c, p, c.depth)
        if p == NULL:
            return NULL
        p = next_member(p)
        if p == NULL:
            return NULL
    if seen != 1:
        refuse(c, R_DUPLICATE_KEY if seen else R_MISSING_KEY)
    return p + 1
