# `v4_markets` contents and REST perpetualMarkets: {"markets":..}, {"trading":..}, {"oraclePrices":..}.

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memmove, memset

from event cimport *
from isotime cimport *
from market_table cimport *
from reader cimport *
from scan cimport *

cdef extern from *:
    """
    static const SniperKey SNIPER_MARKET_KEYS[] = {
        SNIPER_KEY("tickSize", 0), SNIPER_KEY("stepSize", 1), SNIPER_KEY("oraclePrice", 2),
        SNIPER_KEY("priceChange24H", 3), SNIPER_KEY("volume24H", 4), SNIPER_KEY("nextFundingRate", 5),
        SNIPER_KEY("initialMarginFraction", 6), SNIPER_KEY("maintenanceMarginFraction", 7),
        SNIPER_KEY("openInterest", 8), SNIPER_KEY("openInterestLowerCap", 9),
        SNIPER_KEY("openInterestUpperCap", 10), SNIPER_KEY("defaultFundingRate1H", 11),
        SNIPER_KEY("clobPairId", 12), SNIPER_KEY("marketId", 13), SNIPER_KEY("atomicResolution", 14),
        SNIPER_KEY("quantumConversionExponent", 15), SNIPER_KEY("stepBaseQuantums", 16),
        SNIPER_KEY("subticksPerTick", 17), SNIPER_KEY("trades24H", 18), SNIPER_KEY("status", 19),
        SNIPER_KEY("marketType", 20), SNIPER_KEY("", -1)};
    static const SniperKey SNIPER_ORACLE_KEYS[] = {
        SNIPER_KEY("oraclePrice", 2), SNIPER_KEY("price", 2), SNIPER_KEY("effectiveAt", 32),
        SNIPER_KEY("effectiveAtHeight", 33), SNIPER_KEY("marketId", 13), SNIPER_KEY("", -1)};
    static const SniperKey SNIPER_STATUS_NAMES[] = {
        SNIPER_KEY("ACTIVE", 1), SNIPER_KEY("PAUSED", 2), SNIPER_KEY("CANCEL_ONLY", 3), SNIPER_KEY("POST_ONLY", 4),
        SNIPER_KEY("INITIALIZING", 5), SNIPER_KEY("FINAL_SETTLEMENT", 6), SNIPER_KEY("", 0)};
    static const SniperKey SNIPER_TYPE_NAMES[] = {
        SNIPER_KEY("CROSS", 1), SNIPER_KEY("ISOLATED", 2), SNIPER_KEY("", 0)};
    """
    const Key* MARKET_KEYS "SNIPER_MARKET_KEYS"
    const Key* ORACLE_KEYS "SNIPER_ORACLE_KEYS"
    const Key* STATUS_NAMES "SNIPER_STATUS_NAMES"
    const Key* TYPE_NAMES "SNIPER_TYPE_NAMES"

cdef enum:
    K_ORACLE_AT = 32
    K_ORACLE_HEIGHT = 33


cdef inline const uint8_t* market_value(Reader* c, const uint8_t* p, int code, Market* u, int* inexact) noexcept nogil:
    """The value of one known market field; absent (null, empty) leaves u.mask alone."""
    cdef int64_t v
    cdef int d, present
    cdef Text t
    if code >= F_STATUS:
        if p[0] == c'n':
            return pass_over(c, p, c.depth + 2)
        p = string(c, p, c.depth + 2, &t)
        if p == NULL:
            return NULL
        if code == F_STATUS:
            u.status = <uint8_t> code_of(STATUS_NAMES, t.s, t.length)
        else:
            u.type = <uint8_t> code_of(TYPE_NAMES, t.s, t.length)
        u.mask |= 1 << code
    elif code >= F_CLOB_PAIR:
        p = integer(c, p, c.depth + 2, &v, &present)
        if present:
            u.whole[code - F_CLOB_PAIR] = v
            u.mask |= 1 << code
    else:
        p = statistic(c, p, c.depth + 2, &v, &d, &present)
        if present:
            if code <= F_STEP:
                d = widen(&v, d, 0)
            if code <= F_STEP and (v <= 0 or d > 18 or present == 2) or code == F_ORACLE and v < 0:
                refuse(c, R_BAD_VALUE)
            inexact[0] |= (present == 2) << code
            u.num[code] = v
            u.dec[code] = <uint8_t> d
            u.mask |= 1 << code
    return p


cdef inline const uint8_t* one_market(Reader* c, const uint8_t* p, int market, bint oracle) noexcept nogil:
    """The object of one ticker in `markets`, `trading` (oracle 0) or `oraclePrices` (1); p at its value."""
    cdef Market* u = &c.updates[c.updates_n]
    cdef const Market* m = &c.markets[market] if market >= 0 else NULL
    cdef const Key* keys = ORACLE_KEYS if oracle else MARKET_KEYS
    cdef Text k
    cdef uint64_t seen = 0
    cdef int code, present
    cdef int64_t height = 0
    cdef bint oracle_named = 0
    cdef int inexact = 0        # bit by field
    cdef Event* row
    if p[0] != c'{':
        refuse(c, R_BAD_VALUE)
        return pass_over(c, p, c.depth + 1)
    memset(u, 0, sizeof(Market))
    u.index = <uint16_t> market
    p = blank(p + 1)
    while p[0] != c'}':
        p = key(c, p, &k)
        if p == NULL:
            return NULL
        code = code_of(keys, k.s, k.length)
        if code < 0:
            p = pass_over(c, p, c.depth + 2)
        elif code == K_ORACLE_AT:
            p = instant(c, p, c.depth + 2, &u.oracle_ns)
        elif code == K_ORACLE_HEIGHT:
            p = integer(c, p, c.depth + 2, &height, &present)
            if height < 0:
                refuse(c, R_BAD_VALUE)
        else:
            p = market_value(c, p, code, u, &inexact)
        if p == NULL:
            return NULL
        if code >= 0:
            if seen >> code & 1:
                refuse(c, R_DUPLICATE_KEY)
            seen |= <uint64_t> 1 << code
            oracle_named |= code == F_ORACLE
        p = next_member(p)
        if p == NULL:
            return NULL
    if c.reason:
        return p + 1
    if oracle and not oracle_named:
        refuse(c, R_MISSING_KEY)
        return p + 1
    u.oracle_height = height
    memcpy(u.ticker, m.ticker, m.length)
    u.length = m.length
    if u.num[F_ORACLE] == 0:
        u.mask &= ~(<uint32_t> 1 << F_ORACLE)      # no price at all: the table keeps the last one
    if not oracle:
        row = add(c, MARKET, 0, market)     # what is new or doubtful about it: `judge`, once the message was good
        row.ref = <uint32_t> c.updates_n
        row.size = u.mask
        row.flags |= INEXACT if inexact else 0
    if oracle_named:
        row = add(c, ORACLE, 0, market)
        row.ref = <uint32_t> c.updates_n
        row.price = u.num[F_ORACLE]
        row.flags |= decimals_flags(u.dec[F_ORACLE], 0)
        row.venue_ns = u.oracle_ns
        row.size = height
        row.flags |= INEXACT if inexact >> F_ORACLE & 1 else 0
    c.updates_n += 1
    return p + 1


cdef inline void judge(const Market* m, const Market* u, Event* row) noexcept nogil:
    """Flags that say how a MARKET or ORACLE row differs from what was known just before it."""
    cdef int f
    if row.kind == ORACLE:
        if row.price == 0:
            row.flags |= DOUBT
        elif m.known & (1 << F_ORACLE) and (
                beyond(u.num[F_ORACLE], u.dec[F_ORACLE], m.num[F_ORACLE], m.dec[F_ORACLE], 11, 10)
                or beyond(m.num[F_ORACLE], m.dec[F_ORACLE], u.num[F_ORACLE], u.dec[F_ORACLE], 10, 9)):
            row.flags |= DOUBT
    elif m.known == 0:
        row.flags |= NEW
    else:
        for f in range(F_TICK, F_STEP + 1):
            if m.known & u.mask & 1 << f and (u.num[f] != m.num[f] or u.dec[f] != m.dec[f]):
                row.flags |= RETICKED


cdef inline const uint8_t* market_map(Reader* c, const uint8_t* p, bint oracle) noexcept nogil:
    """`{TICKER:{...},...}`; p at its value."""
    cdef Text k
    cdef int market
    if p[0] != c'{':
        refuse(c, R_BAD_VALUE)
        return pass_over(c, p, c.depth)
    c.stamp += 1
    p = blank(p + 1)
    while p[0] != c'}':
        p = key(c, p, &k)
        if p == NULL:
            return NULL
        market = -1
        if not c.reason:
            if k.foreign:
                refuse(c, R_NON_ASCII)
            else:
                market = find(c, k.s, k.length)
                if market < 0:
                    market = enter(c, k.s, k.length)
                if market >= 0:
                    if c.stamps[market] == c.stamp:
                        refuse(c, R_DUPLICATE_KEY)
                    c.stamps[market] = c.stamp
        if market >= 0 and not c.reason and c.n + 2 > c.rows_max:
            refuse(c, R_FULL)
        if market < 0 or c.reason:
            p = pass_over(c, p, c.depth + 1)
        else:
            p = one_market(c, p, market, oracle)
        if p == NULL:
            return NULL
        p = next_member(p)
        if p == NULL:
            return NULL
    return p + 1


cdef inline const uint8_t* market_contents(Reader* c, const uint8_t* p) noexcept nogil:
    """`{"markets":..}`, `{"trading":..}` or `{"oraclePrices":..}`, any of them together; p at the brace."""
    cdef Text k
    cdef int bit
    cdef int seen = 0
    p = blank(p + 1)
    while p[0] != c'}':
        p = key(c, p, &k)
        if p == NULL:
            return NULL
        bit = 0
        if k.length == 7 and memcmp(k.s, b"markets", 7) == 0:
            bit = 1
            p = market_map(c, p, 0)
        elif k.length == 7 and memcmp(k.s, b"trading", 7) == 0:
            bit = 2
            p = market_map(c, p, 0)
        elif k.length == 12 and memcmp(k.s, b"oraclePrices", 12) == 0:
            bit = 4
            p = market_map(c, p, 1)
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
