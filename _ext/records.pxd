# Records that are not WebSocket messages: REST answers, and the feed's and the operator's own words.

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memmove, memset

from digits cimport *
from event cimport *
from book_frames cimport *
from candle_frames cimport *
from envelope cimport *
from market_table cimport *
from reader cimport *
from scan cimport *
from trade_frames cimport *

cdef extern from *:
    """
    static const SniperKey SNIPER_LINK_NAMES[] = {
        SNIPER_KEY("connecting", 1), SNIPER_KEY("open", 2), SNIPER_KEY("closed", 3), SNIPER_KEY("silent", 4),
        SNIPER_KEY("limited", 5), SNIPER_KEY("refused", 6), SNIPER_KEY("stopped", 7), SNIPER_KEY("", -1)};
    static const SniperKey SNIPER_VERB_NAMES[] = {SNIPER_KEY("place", 1), SNIPER_KEY("cancel", 2), SNIPER_KEY("", -1)};
    static const SniperKey SNIPER_ENDPOINT_NAMES[] = {
        SNIPER_KEY("perpetualMarkets", 1), SNIPER_KEY("orderbook", 2), SNIPER_KEY("trades", 3),
        SNIPER_KEY("candles", 4), SNIPER_KEY("historicalFunding", 5), SNIPER_KEY("orders", 6),
        SNIPER_KEY("fills", 7), SNIPER_KEY("subaccount", 8), SNIPER_KEY("height", 9), SNIPER_KEY("time", 10),
        SNIPER_KEY("", -1)};
    """
    const Key* LINK_NAMES "SNIPER_LINK_NAMES"
    const Key* VERB_NAMES "SNIPER_VERB_NAMES"
    const Key* ENDPOINT_NAMES "SNIPER_ENDPOINT_NAMES"


cdef inline const uint8_t* word(const uint8_t* p, const uint8_t* end, Text* out) noexcept nogil:
    """The next word of a record of our own: printable bytes up to a blank or a line's end."""
    out.s = p
    while p < end and p[0] > 0x20:
        p += 1
    out.length = <uint32_t> (p - out.s)
    if p < end and p[0] == 0x20:
        p += 1
    return p


cdef inline bint whole(Text* t, int64_t* v) noexcept nogil:
    """A decimal whole number with an optional minus sign, at most 18 digits."""
    cdef int d, inexact
    if t.length == 0 or t.length > 19:
        return 0
    return long_decimal(t.s, t.length, v, &d, &inexact) and d == 0 and not inexact


cdef inline int query_market(Reader* c, const uint8_t* p, const uint8_t* end) noexcept nogil:
    """The market that `ticker=` or `market=` names in a query; also sets c.resolution. -1 if it is not known."""
    cdef const uint8_t* s
    cdef const uint8_t* v
    cdef int market = NO_MARKET
    c.resolution = -1
    while p < end:
        s = p
        while p < end and p[0] != c'=' and p[0] != c'&':
            p += 1
        v = p + 1 if p < end and p[0] == c'=' else p
        p = v
        while p < end and p[0] != c'&':
            p += 1
        if v - s == 7 and (memcmp(s, b"ticker=", 7) == 0 or memcmp(s, b"market=", 7) == 0):
            market = find(c, v, <uint32_t> (p - v))
        elif v - s == 11 and memcmp(s, b"resolution=", 11) == 0:
            c.resolution = code_of(RESOLUTION_NAMES, v, <uint32_t> (p - v))
        p += 1
    return market


cdef inline bint rest(Reader* c, const uint8_t* p) noexcept nogil:
    """`<endpoint> <status> <query>\\n<body>`: a REST row, and the rows of a body that we read here."""
    cdef Text name, number_, query
    cdef int64_t status
    cdef int endpoint, market
    cdef Py_ssize_t start = c.n
    cdef Py_ssize_t i
    cdef Envelope e
    cdef Event* row
    p = word(p, c.end, &name)
    p = word(p, c.end, &number_)
    p = word(p, c.end, &query)
    endpoint = code_of(ENDPOINT_NAMES, name.s, name.length)
    if endpoint < 0 or p >= c.end or p[0] != c'\n' or not whole(&number_, &status) or not 0 <= status < 1000:
        refuse(c, R_BAD_RECORD)
        return 0
    market = query_market(c, query.s, query.s + query.length)
    c.flags = FROM_REST
    row = add(c, REST, endpoint, market if market >= 0 else NO_MARKET)
    row.size = status
    if status < 200 or status > 299:
        return 1
    p = blank(p + 1)
    memset(&e, 0, sizeof(Envelope) - ID_MAX - 64)
    e.message = M_SUBSCRIBED
    c.depth = 1
    if E_ORDERBOOK <= endpoint <= E_CANDLES:
        if market < 0 or market == NO_MARKET or not tradable(&c.markets[market]):
            refuse(c, R_UNKNOWN_MARKET)
            return 0
        if endpoint == E_CANDLES and c.resolution < 0:
            refuse(c, R_BAD_VALUE)
            return 0
        e.read_as = (CH_ORDERBOOK if endpoint == E_ORDERBOOK else CH_TRADES if endpoint == E_TRADES else CH_CANDLES)
    elif endpoint == E_PERPETUAL_MARKETS:
        e.read_as = CH_MARKETS
    if endpoint <= E_HISTORICAL_FUNDING and p[0] != c'{':
        return 0
    if endpoint == E_ORDERBOOK:
        row = add(c, BOOK, 0, market)
    if e.read_as:
        p = contents_object(c, p, &e, market)
    elif endpoint == E_HISTORICAL_FUNDING:
        p = fundings(c, p)
    else:
        p = pass_over(c, p, 0)
    if p == NULL or c.reason or blank(p) != c.end:
        return 0
    for i in range(start + 1, c.n):
        c.rows[i].flags |= SNAPSHOT
    if endpoint == E_ORDERBOOK:
        row.size = c.n - start - 2
        return scale_levels(c, start + 1, market)
    if E_TRADES <= endpoint <= E_HISTORICAL_FUNDING and endpoint != E_ORDERBOOK:
        reverse(c, start + 1)
    if endpoint == E_TRADES:
        return scale_trades(c, start + 1, market)
    return 1


cdef inline bint own_record(Reader* c, int kind, const uint8_t* p) noexcept nogil:
    """GAP `<records> <bytes>`, LINK `<state> <code> <text>`, OPERATOR `<verb> <text>`,
    VENUE `<verb> <client id> <code> <text>`."""
    cdef Text a, b, code
    cdef int64_t x = 0
    cdef int64_t y = 0
    cdef int state = 0
    cdef Event* row
    p = word(p, c.end, &a)
    p = word(p, c.end, &b)
    if kind == REC_GAP:
        if not whole(&a, &x) or not whole(&b, &y) or x < 0 or y < 0:
            refuse(c, R_BAD_RECORD)
            return 0
        row = add(c, GAP, 0, NO_MARKET)
        row.size = x
        row.price = y
    elif kind == REC_LINK:
        state = code_of(LINK_NAMES, a.s, a.length)
        if state < 0 or b.length and not whole(&b, &y):
            refuse(c, R_BAD_RECORD)
            return 0
        row = add(c, LINK, state, NO_MARKET)
        row.price = y
    elif kind == REC_OPERATOR and a.length:
        add(c, OPERATOR, 0, NO_MARKET)
    elif kind == REC_VENUE:
        word(p, c.end, &code)
        state = code_of(VERB_NAMES, a.s, a.length)
        if state < 0 or not whole(&b, &x) or x < 0 or x >> 32 or not whole(&code, &y):
            refuse(c, R_BAD_RECORD)
            return 0
        row = add(c, ANSWER, state, NO_MARKET)
        row.ref = <uint32_t> x
        row.price = y
    else:
        refuse(c, R_BAD_RECORD)
        return 0
    return 1
