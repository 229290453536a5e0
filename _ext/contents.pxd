# What stands under "contents": books, trades, markets, candles, block heights -> rows and side tables.
#
# Two kinds of trouble. Not JSON: a function returns NULL. JSON that we refuse (a bad number, a key twice, a
# missing key): `c.reason` is set, reading goes on, and the caller takes all rows of the message back.
# LEVEL and TRADE rows are written with the numbers as they stand in the text and the decimals in `flags`;
# `scale_levels` and `scale_trades` bring them to the market's units once the market is known.

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

from event cimport *
from scan cimport *

cdef extern from *:
    """
    typedef struct { const char *name; int length; int code; } SniperKey;
    typedef __int128 sniper_wide;
    static const uint64_t SNIPER_MIX_A = 0x9E3779B97F4A7C15ull, SNIPER_MIX_B = 0xD1B54A32D192ED03ull;
    #define SNIPER_KEY(n, c) {n, sizeof(n) - 1, c}
    enum { SNIPER_K_ORACLE_AT = 32, SNIPER_K_ORACLE_HEIGHT = 33 };
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
    static const SniperKey SNIPER_CANDLE_KEYS[] = {
        SNIPER_KEY("startedAt", 0), SNIPER_KEY("open", 1), SNIPER_KEY("high", 2), SNIPER_KEY("low", 3),
        SNIPER_KEY("close", 4), SNIPER_KEY("baseTokenVolume", 5), SNIPER_KEY("usdVolume", 6),
        SNIPER_KEY("trades", 7), SNIPER_KEY("startingOpenInterest", 8), SNIPER_KEY("", -1)};
    static const SniperKey SNIPER_TRADE_KEYS[] = {
        SNIPER_KEY("id", 0), SNIPER_KEY("size", 1), SNIPER_KEY("price", 2), SNIPER_KEY("side", 3),
        SNIPER_KEY("createdAt", 4), SNIPER_KEY("type", 5), SNIPER_KEY("createdAtHeight", 6), SNIPER_KEY("", -1)};
    static const SniperKey SNIPER_FUNDING_KEYS[] = {
        SNIPER_KEY("ticker", 0), SNIPER_KEY("rate", 1), SNIPER_KEY("effectiveAt", 2),
        SNIPER_KEY("effectiveAtHeight", 3), SNIPER_KEY("", -1)};
    static const SniperKey SNIPER_HEIGHT_KEYS[] = {
        SNIPER_KEY("height", 0), SNIPER_KEY("blockHeight", 0), SNIPER_KEY("time", 1), SNIPER_KEY("", -1)};
    static const SniperKey SNIPER_STATUS_NAMES[] = {
        SNIPER_KEY("ACTIVE", 1), SNIPER_KEY("PAUSED", 2), SNIPER_KEY("CANCEL_ONLY", 3), SNIPER_KEY("POST_ONLY", 4),
        SNIPER_KEY("INITIALIZING", 5), SNIPER_KEY("FINAL_SETTLEMENT", 6), SNIPER_KEY("", 0)};
    static const SniperKey SNIPER_TYPE_NAMES[] = {
        SNIPER_KEY("CROSS", 1), SNIPER_KEY("ISOLATED", 2), SNIPER_KEY("", 0)};
    static const int64_t SNIPER_LIMIT[19] = {INT64_MAX, 922337203685477580LL, 92233720368547758LL,
        9223372036854775LL, 922337203685477LL, 92233720368547LL, 9223372036854LL, 922337203685LL, 92233720368LL,
        9223372036LL, 922337203LL, 92233720LL, 9223372LL, 922337LL, 92233LL, 9223LL, 922LL, 92LL, 9LL};
    """
    ctypedef long long wide "sniper_wide"       # 128 bits, whatever Cython thinks
    ctypedef struct Key "SniperKey":
        const char* name
        int length
        int code
    const Key* MARKET_KEYS "SNIPER_MARKET_KEYS"
    const Key* ORACLE_KEYS "SNIPER_ORACLE_KEYS"
    const Key* CANDLE_KEYS "SNIPER_CANDLE_KEYS"
    const Key* TRADE_KEYS "SNIPER_TRADE_KEYS"
    const Key* FUNDING_KEYS "SNIPER_FUNDING_KEYS"
    const Key* HEIGHT_KEYS "SNIPER_HEIGHT_KEYS"
    const Key* STATUS_NAMES "SNIPER_STATUS_NAMES"
    const Key* TYPE_NAMES "SNIPER_TYPE_NAMES"
    const uint64_t MIX_A "SNIPER_MIX_A"
    const uint64_t MIX_B "SNIPER_MIX_B"
    const int64_t[19] LIMIT "SNIPER_LIMIT"     # LIMIT[k] * 10 ** k fits an int64

cdef enum:
    SCRATCH = 256           # longest string with escapes that is looked at
    TICKER_MAX = 108
    K_ORACLE_AT = 32
    K_ORACLE_HEIGHT = 33

# What one message is read with. Rows and side tables grow at n, trades_n, ...: the caller sets them back on refusal.
cdef struct Reader:
    const uint8_t* end
    Event* rows
    Trade* trades
    Candle* candles
    Market* updates
    Market* markets         # the market table; new ones are entered at once and taken back on refusal
    uint16_t* slots         # hash of ticker -> index + 1
    uint32_t* stamps        # by market: the map that named it last (finds a ticker twice in one map)
    int64_t* counters
    Py_ssize_t n
    Py_ssize_t rows_max
    Py_ssize_t trades_n
    Py_ssize_t candles_n
    Py_ssize_t updates_n
    int markets_n
    int markets_max
    uint32_t slots_mask
    uint32_t stamp
    int64_t recv_ns
    uint32_t frame
    uint32_t connection
    uint32_t flags          # flags that every row of this message gets
    int reason
    int too_deep
    int depth               # containers open around what stands inside the contents object, that object included
    int resolution          # of candles, from the envelope
    uint8_t[SCRATCH] scratch
    uint8_t[20] iso         # the last whole second read, and its nanoseconds
    int64_t iso_ns


cdef inline void refuse(Reader* c, int reason) noexcept nogil:
    if c.reason == R_NONE:
        c.reason = reason


cdef inline Event* add(Reader* c, int kind, int side, int market) noexcept nogil:
    cdef Event* row = &c.rows[c.n]
    c.n += 1
    row.recv_ns = c.recv_ns
    row.venue_ns = 0
    row.price = 0
    row.size = 0
    row.bid = 0
    row.ask = 0
    row.frame = c.frame
    row.ref = c.connection
    row.flags = c.flags
    row.market = <uint16_t> market
    row.kind = <uint8_t> kind
    row.side = <uint8_t> side
    return row


cdef inline int ascii(Reader* c, Text* t) noexcept nogil:
    """Resolve escapes (into the scratch buffer). 0: bytes that are not ASCII, or too long to be of interest."""
    cdef const uint8_t* s = t.s
    cdef uint32_t i = 0
    cdef uint32_t k = 0
    cdef uint32_t u
    cdef uint8_t ch, h
    cdef int j
    if t.foreign:
        return 0
    if not t.escaped:
        return 1
    while i < t.length:
        if k == SCRATCH:
            return 0
        ch = s[i]
        i += 1
        if ch == c'\\':
            ch = s[i]
            i += 1
            if ch == c'u':
                u = 0
                for j in range(4):
                    h = s[i + j]
                    u = u * 16 + (h - 48 if h <= c'9' else (h | 0x20) - 87)
                i += 4
                if u >= 0x80:
                    return 0
                ch = <uint8_t> u
            elif ch == c'b':
                ch = 8
            elif ch == c'f':
                ch = 12
            elif ch == c'n':
                ch = 10
            elif ch == c'r':
                ch = 13
            elif ch == c't':
                ch = 9
        c.scratch[k] = ch
        k += 1
    t.s = c.scratch
    t.length = k
    return 1


cdef inline int code_of(const Key* keys, const uint8_t* s, uint32_t length) noexcept nogil:
    """The code of a name in a table that ends with an empty name (whose code means: not in it)."""
    while keys.length:
        if <uint32_t> keys.length == length and memcmp(keys.name, s, length) == 0:
            return keys.code
        keys += 1
    return keys.code


cdef inline const uint8_t* key(Reader* c, const uint8_t* p, Text* out) noexcept nogil:
    """p at a key: read it, and the colon, up to the value. An unreadable key becomes an empty one: unknown."""
    p = text(p, c.end, out)
    if p == NULL:
        return NULL
    if (out.escaped or out.foreign) and not ascii(c, out):
        out.length = 0
    p = blank(p)
    if p[0] != c':':
        return NULL
    return blank(p + 1)


cdef inline const uint8_t* pass_over(Reader* c, const uint8_t* p, int depth) noexcept nogil:
    return skip(p, c.end, depth, &c.too_deep)


cdef inline const uint8_t* string(Reader* c, const uint8_t* p, int depth, Text* out) noexcept nogil:
    """A value that has to be a string of ASCII; anything else is refused (out.length 0)."""
    if p[0] != c'"':
        refuse(c, R_BAD_VALUE)
        out.length = 0
        return pass_over(c, p, depth)
    p = text(p, c.end, out)
    if p == NULL:
        return NULL
    if (out.escaped or out.foreign) and not ascii(c, out):
        refuse(c, R_NON_ASCII if out.foreign else R_BAD_VALUE)
        out.length = 0
    return p


cdef inline const uint8_t* amount(Reader* c, const uint8_t* p, int depth, int64_t* m, int* d) noexcept nogil:
    """A value that has to be a string with a plain, unsigned decimal, exact."""
    cdef const uint8_t* q
    cdef Text t
    cdef int inexact
    if likely(p[0] == c'"'):
        q = decimal(p + 1, m, d)
        if likely(q != NULL):
            return q
    m[0] = 0
    d[0] = 0
    p = string(c, p, depth, &t)
    if p == NULL or c.reason:
        return p
    if not long_decimal(t.s, t.length, m, d, &inexact) or inexact or d[0] > 18 or t.s[0] == c'-':
        refuse(c, R_BAD_VALUE)
    return p


cdef inline const uint8_t* statistic(Reader* c, const uint8_t* p, int depth, int64_t* m, int* d,
                                     int* present) noexcept nogil:
    """A market number: a string or JSON number, signed, perhaps null or empty (absent), perhaps too long (INEXACT)."""
    cdef Text t
    cdef const uint8_t* q
    cdef int inexact = 0
    present[0] = 0
    m[0] = 0
    d[0] = 0
    if p[0] == c'"':
        p = string(c, p, depth, &t)
        if p == NULL or t.length == 0:
            return p
        q = p
    elif p[0] == c'-' or c'0' <= p[0] <= c'9':
        q = number(p)
        if q == NULL:
            return NULL
        t.s = p
        t.length = <uint32_t> (q - p)
    else:
        if p[0] != c'n':
            refuse(c, R_BAD_VALUE)
        return pass_over(c, p, depth)
    if long_decimal(t.s, t.length, m, d, &inexact):
        present[0] = 2 if inexact else 1
    else:
        refuse(c, R_BAD_VALUE)
    return q


cdef inline const uint8_t* integer(Reader* c, const uint8_t* p, int depth, int64_t* v, int* present) noexcept nogil:
    """A whole number as a string or a JSON number, or null."""
    cdef int d
    p = statistic(c, p, depth, v, &d, present)
    if present[0] and (d != 0 or present[0] == 2):
        refuse(c, R_BAD_VALUE)
    return p


cdef inline int two(const uint8_t* s) noexcept nogil:
    if c'0' <= s[0] <= c'9' and c'0' <= s[1] <= c'9':
        return (s[0] - 48) * 10 + s[1] - 48
    return -1


cdef inline int64_t second_ns(const uint8_t* s) noexcept nogil:
    """`YYYY-MM-DDTHH:MM:SS` -> nanoseconds since 1970, -1 if it is not a time from 1970 to 2199."""
    cdef int y, m, d, h, mi, se, days
    cdef int64_t era, doe, yy
    y = two(s) * 100 + two(s + 2) if two(s) >= 0 and two(s + 2) >= 0 else -1
    m = two(s + 5)
    d = two(s + 8)
    h = two(s + 11)
    mi = two(s + 14)
    se = two(s + 17)
    if s[4] != c'-' or s[7] != c'-' or s[10] != c'T' or s[13] != c':' or s[16] != c':':
        return -1
    if not (1970 <= y < 2200 and 1 <= m <= 12 and 0 <= h < 24 and 0 <= mi < 60 and 0 <= se < 60):
        return -1
    days = 30 + ((m + (m >> 3)) & 1)
    if m == 2:
        days = 29 if y % 4 == 0 and (y % 100 != 0 or y % 400 == 0) else 28
    if not 1 <= d <= days:
        return -1
    # days since 1970 of a civil date; years counted from March
    yy = y - 1 if m <= 2 else y
    era = yy // 400
    yy -= era * 400
    m = m - 3 if m > 2 else m + 9
    doe = yy * 365 + yy // 4 - yy // 100 + (153 * m + 2) // 5 + d - 1
    return (((era * 146097 + doe - 719468) * 24 + h) * 60 + mi) * <int64_t> 60000000000 + <int64_t> se * 1000000000


cdef inline int64_t iso_time(Reader* c, const uint8_t* s, uint32_t length) noexcept nogil:
    """`YYYY-MM-DDTHH:MM:SS[.fraction](Z|+00:00)` -> nanoseconds since 1970, -1 if it is not that."""
    cdef int64_t ns
    cdef int64_t unit = 100000000
    cdef int64_t fraction = 0
    cdef uint32_t i = 19
    if length < 20 or length > 35:
        return -1
    if memcmp(s, c.iso, 19) == 0:
        ns = c.iso_ns
    else:
        ns = second_ns(s)
        if ns < 0:
            return -1
        memcpy(c.iso, s, 19)
        c.iso_ns = ns
    if s[19] == c'.':
        i = 20
        while i < length and c'0' <= s[i] <= c'9':
            if i == 29:
                return -1
            fraction += (s[i] - 48) * unit
            unit //= 10
            i += 1
        if i == 20:
            return -1
    if not (i + 1 == length and s[i] == c'Z') and not (i + 6 == length and memcmp(s + i, b"+00:00", 6) == 0):
        return -1
    return ns + fraction


cdef inline const uint8_t* instant(Reader* c, const uint8_t* p, int depth, int64_t* ns) noexcept nogil:
    """A value that has to be an ISO time."""
    cdef Text t
    ns[0] = -1
    p = string(c, p, depth, &t)
    if p != NULL and not c.reason:
        ns[0] = iso_time(c, t.s, t.length)
        if ns[0] < 0:
            refuse(c, R_BAD_VALUE)
    return p


# --- the market table -------------------------------------------------------------------------------------------

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


# --- books and trades: raw numbers first, the market's units after -------------------------------------------------

cdef inline uint32_t decimals_flags(int price, int size) noexcept nogil:
    return (<uint32_t> price << 24) | (<uint32_t> size << 16)


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
        p = amount(c, blank(p + 1), c.depth + 2, &price, &price_dec) if blank(p + 1)[0] != c']' else NULL
        if p == NULL:
            return NULL
        p = blank(p)
        if p[0] != c',':
            return NULL
        p = amount(c, blank(p + 1), c.depth + 2, &size, &size_dec)
        if p == NULL:
            return NULL
        p = blank(p)
        if p[0] != c']':
            return NULL
        p += 1
    else:
        p = blank(p + 1)
        while True:
            p = key(c, p, &k)
            if p == NULL:
                return NULL
            bit = 0
            if k.length == 5 and memcmp(k.s, b"price", 5) == 0:
                bit = 1
                p = amount(c, p, c.depth + 2, &price, &price_dec)
            elif k.length == 4 and memcmp(k.s, b"size", 4) == 0:
                bit = 2
                p = amount(c, p, c.depth + 2, &size, &size_dec)
            else:
                p = pass_over(c, p, c.depth + 2)
            if p == NULL:
                return NULL
            if seen & bit:
                refuse(c, R_DUPLICATE_KEY)
            seen |= bit
            p = blank(p)
            if p[0] == c'}':
                p += 1
                break
            if p[0] != c',':
                return NULL
            p = blank(p + 1)
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
    if p[0] == c']':
        return p + 1
    while True:
        if p[0] != c'[' and p[0] != c'{':
            refuse(c, R_BAD_VALUE)
            return NULL
        p = level(c, p, side)
        if p == NULL or c.reason:       # refused: no more rows, or a list of `{}` would outgrow the tape
            return NULL
        p = blank(p)
        if p[0] == c']':
            return p + 1
        if p[0] != c',':
            return NULL
        p = blank(p + 1)


cdef inline int scale_levels(Reader* c, Py_ssize_t start, int market) noexcept nogil:
    """Rows from `start`: decimals -> whole ticks and steps of the market. 0 with a reason where one is off grid."""
    cdef const Market* m = &c.markets[market]
    cdef Py_ssize_t i
    cdef Event* row
    cdef int k
    cdef int which
    cdef int64_t v, unit
    for i in range(start, c.n):
        row = &c.rows[i]
        if row.kind != LEVEL:
            row.market = <uint16_t> market
            continue
        for which in range(2):
            if which == 0:
                v = row.price
                k = m.dec[F_TICK] - <int> (row.flags >> 24)
                unit = m.num[F_TICK]
            else:
                v = row.size
                k = m.dec[F_STEP] - <int> ((row.flags >> 16) & 0xFF)
                unit = m.num[F_STEP]
            if k > 0:
                if k > 18 and v != 0 or k <= 18 and v > LIMIT[k]:
                    refuse(c, R_BAD_VALUE)
                    return 0
                v = v * P10[k] if k <= 18 else 0
            elif k < 0:
                if k < -18 and v != 0 or k >= -18 and v % P10[-k] != 0:
                    refuse(c, R_OFF_GRID)
                    return 0
                v = v // P10[-k] if k >= -18 else 0
            if unit != 1:
                if v % unit != 0:
                    refuse(c, R_OFF_GRID)
                    return 0
                v = v // unit
            if which == 0:
                row.price = v
            else:
                row.size = v
        if row.price == 0:
            refuse(c, R_BAD_VALUE)
            return 0
        row.market = <uint16_t> market
        row.flags &= 0xFFFF
    return 1


cdef inline const uint8_t* book(Reader* c, const uint8_t* p, int* seen_any) noexcept nogil:
    """`{"bids":[..],"asks":[..]}`; p at the brace."""
    cdef Text k
    cdef int seen = 0
    cdef int bit
    p = blank(p + 1)
    if p[0] == c'}':
        return p + 1
    while True:
        p = key(c, p, &k)
        if p == NULL:
            return NULL
        bit = 0
        if k.length == 4 and memcmp(k.s, b"bids", 4) == 0:
            bit = 1
            p = levels(c, p, 0)
        elif k.length == 4 and memcmp(k.s, b"asks", 4) == 0:
            bit = 2
            p = levels(c, p, 1)
        else:
            p = pass_over(c, p, c.depth)
        if p == NULL:
            return NULL
        if seen & bit:
            refuse(c, R_DUPLICATE_KEY)
        seen |= bit
        p = blank(p)
        if p[0] == c'}':
            seen_any[0] |= seen
            return p + 1
        if p[0] != c',':
            return NULL
        p = blank(p + 1)


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
    if p[0] == c'}':
        refuse(c, R_MISSING_KEY)
        return p + 1
    while True:
        p = key(c, p, &k)
        if p == NULL:
            return NULL
        code = code_of(TRADE_KEYS, k.s, k.length)
        if code < 0:
            p = pass_over(c, p, depth)
        elif code == 1:
            p = amount(c, p, depth, &row.size, &size_dec)
        elif code == 2:
            p = amount(c, p, depth, &row.price, &price_dec)
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
        p = blank(p)
        if p[0] == c'}':
            break
        if p[0] != c',':
            return NULL
        p = blank(p + 1)
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
    if p[0] == c']':
        return p + 1
    while True:
        if p[0] != c'{':
            refuse(c, R_BAD_VALUE)
            return NULL
        p = trade(c, p, c.depth + 2)
        if p == NULL or c.reason:
            return NULL
        p = blank(p)
        if p[0] == c']':
            return p + 1
        if p[0] != c',':
            return NULL
        p = blank(p + 1)


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
        price_dec = widen(&row.price, <int> (row.flags >> 24), m.dec[F_TICK])
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


# --- markets, candles, heights --------------------------------------------------------------------------------------

cdef inline const uint8_t* market_value(Reader* c, const uint8_t* p, int code, Market* u, bint* inexact) noexcept nogil:
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
            inexact[0] |= present == 2
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
    cdef bint inexact = 0
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
        p = blank(p)
        if p[0] == c',':
            p = blank(p + 1)
            if p[0] == c'}':
                return NULL
        elif p[0] != c'}':
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
        row.flags |= INEXACT if inexact else 0
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
        p = blank(p)
        if p[0] == c',':
            p = blank(p + 1)
            if p[0] == c'}':
                return NULL
        elif p[0] != c'}':
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
        p = blank(p)
        if p[0] == c',':
            p = blank(p + 1)
            if p[0] == c'}':
                return NULL
        elif p[0] != c'}':
            return NULL
    return p + 1


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
            p = amount(c, p, depth, &out.open, &d)
            out.open_dec = <uint8_t> d
        elif code == 2:
            p = amount(c, p, depth, &out.high, &d)
            out.high_dec = <uint8_t> d
        elif code == 3:
            p = amount(c, p, depth, &out.low, &d)
            out.low_dec = <uint8_t> d
        elif code == 4:
            p = amount(c, p, depth, &out.close, &d)
            out.close_dec = <uint8_t> d
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
        p = blank(p)
        if p[0] == c',':
            p = blank(p + 1)
            if p[0] == c'}':
                return NULL
        elif p[0] != c'}':
            return NULL
    if (seen & 0xFF) != 0xFF:
        refuse(c, R_MISSING_KEY)
    row.venue_ns = out.started_ns
    row.price = out.close
    row.size = out.volume
    row.flags |= decimals_flags(out.close_dec, out.volume_dec)
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
        p = blank(p)
        if p[0] == c',':
            p = blank(p + 1)
            if p[0] == c'}':
                return NULL
        elif p[0] != c'}':
            return NULL
    if seen != 3:
        refuse(c, R_MISSING_KEY)
    return p + 1
