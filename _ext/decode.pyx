"""Raw records -> rows on the tape, the market table, and what each connection has said.

Any bytes give rows or one ERROR row, never an exception and never half a message: rows are written first and
taken back when something turns out wrong. A message is read in one of three ways, each of which hands over to
the next when it meets what it does not expect, so that nothing is guessed:

1. `fast`: books and trades exactly as the Indexer writes them, by comparing literals;
2. `envelope` once over: keys in any order, contents read where they stand;
3. `envelope` twice over: contents only after type, channel and id are known.

Wire: https://docs.dydx.xyz (Indexer WebSocket); what each row means: docs/rows.md.
"""

import numpy as np

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_Check, PyBytes_GET_SIZE
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.long cimport PyLong_AsLongLong
from cpython.object cimport PyObject
from cpython.tuple cimport PyTuple_GET_ITEM
from libc.string cimport memcmp, memcpy, memmove, memset

from contents cimport *
from event cimport *
from scan cimport *

from sniper._ext.tape import MARKET_DTYPE

cdef enum:
    CONNECTIONS = 1024      # distinct connections of one run or recording
    MISSING = 32            # message ids under watch for each
    ID_MAX = 160

cdef struct Connection:
    int64_t frames
    int64_t bytes
    int64_t opened_ns       # its last `connected`
    int64_t last_ns         # its last frame
    int64_t height          # its last block
    int64_t block_ns        # that block's own time
    int64_t block_recv_ns   # when it came
    int64_t next_id         # message id that comes next, -1: not known yet
    int64_t lost_ids        # ids that never came
    int64_t[MISSING] missing_id
    int64_t[MISSING] missing_ns
    int32_t missing_n
    uint32_t id_length
    uint8_t[64] id          # connection_id

cdef Connection _connection
CONNECTION_DTYPE = np.asarray(<Connection[:1]> &_connection).dtype

# What stands around the contents of a message.
cdef struct Envelope:
    int message             # Message, 0: unknown type
    int channel
    int seen                # bit by key
    int was_array           # contents
    int read_as             # channel that contents were read as, 0: not read yet
    int64_t message_id
    const uint8_t* contents
    const uint8_t* contents_end
    uint32_t id_length
    uint32_t link_length
    uint8_t[ID_MAX] id
    uint8_t[64] link

cdef extern from *:
    """
    static const SniperKey SNIPER_ENVELOPE_KEYS[] = {
        SNIPER_KEY("type", 0), SNIPER_KEY("connection_id", 1), SNIPER_KEY("message_id", 2),
        SNIPER_KEY("channel", 3), SNIPER_KEY("id", 4), SNIPER_KEY("contents", 5), SNIPER_KEY("version", 6),
        SNIPER_KEY("message", 7), SNIPER_KEY("subaccountNumber", 8), SNIPER_KEY("", -1)};
    static const SniperKey SNIPER_MESSAGE_NAMES[] = {
        SNIPER_KEY("channel_batch_data", 4), SNIPER_KEY("channel_data", 3), SNIPER_KEY("subscribed", 2),
        SNIPER_KEY("connected", 1), SNIPER_KEY("unsubscribed", 5), SNIPER_KEY("error", 6), SNIPER_KEY("pong", 7),
        SNIPER_KEY("", 0)};
    static const SniperKey SNIPER_CHANNEL_NAMES[] = {
        SNIPER_KEY("v4_orderbook", 1), SNIPER_KEY("v4_trades", 2), SNIPER_KEY("v4_markets", 3),
        SNIPER_KEY("v4_candles", 4), SNIPER_KEY("v4_block_height", 5), SNIPER_KEY("v4_subaccounts", 6),
        SNIPER_KEY("v4_parent_subaccounts", 7), SNIPER_KEY("", 0)};
    static const SniperKey SNIPER_RESOLUTION_NAMES[] = {
        SNIPER_KEY("1MIN", 0), SNIPER_KEY("5MINS", 1), SNIPER_KEY("15MINS", 2), SNIPER_KEY("30MINS", 3),
        SNIPER_KEY("1HOUR", 4), SNIPER_KEY("4HOURS", 5), SNIPER_KEY("1DAY", 6), SNIPER_KEY("", -1)};
    static const SniperKey SNIPER_LINK_NAMES[] = {
        SNIPER_KEY("connecting", 1), SNIPER_KEY("open", 2), SNIPER_KEY("closed", 3), SNIPER_KEY("silent", 4),
        SNIPER_KEY("limited", 5), SNIPER_KEY("refused", 6), SNIPER_KEY("stopped", 7), SNIPER_KEY("", -1)};
    static const SniperKey SNIPER_ENDPOINT_NAMES[] = {
        SNIPER_KEY("perpetualMarkets", 1), SNIPER_KEY("orderbook", 2), SNIPER_KEY("trades", 3),
        SNIPER_KEY("candles", 4), SNIPER_KEY("historicalFunding", 5), SNIPER_KEY("orders", 6),
        SNIPER_KEY("fills", 7), SNIPER_KEY("subaccount", 8), SNIPER_KEY("height", 9), SNIPER_KEY("time", 10),
        SNIPER_KEY("", -1)};
    #define SNIPER_LIT(p, s) (memcmp((p), s, sizeof(s) - 1) == 0)
    #define SNIPER_BATCH(p) SNIPER_LIT(p, "{\\"type\\":\\"channel_batch_data\\",\\"connection_id\\":\\"")
    #define SNIPER_DATA(p) SNIPER_LIT(p, "{\\"type\\":\\"channel_data\\",\\"connection_id\\":\\"")
    #define SNIPER_MID(p) SNIPER_LIT(p, "\\",\\"message_id\\":")
    #define SNIPER_ID(p) SNIPER_LIT(p, ",\\"id\\":\\"")
    #define SNIPER_BOOKS(p) SNIPER_LIT(p, "\\",\\"channel\\":\\"v4_orderbook\\",\\"version\\":\\"")
    #define SNIPER_TRADES(p) SNIPER_LIT(p, "\\",\\"channel\\":\\"v4_trades\\",\\"version\\":\\"")
    #define SNIPER_CONTENTS(p) SNIPER_LIT(p, "\\",\\"contents\\":")
    #define SNIPER_LIST(p) SNIPER_LIT(p, "{\\"trades\\":[")
    #define SNIPER_TRADE_ID(p) SNIPER_LIT(p, "{\\"id\\":\\"")
    #define SNIPER_TRADE_SIZE(p) SNIPER_LIT(p, "\\",\\"size\\":\\"")
    #define SNIPER_TRADE_PRICE(p) SNIPER_LIT(p, ",\\"price\\":\\"")
    #define SNIPER_TRADE_SIDE(p) SNIPER_LIT(p, ",\\"side\\":\\"")
    #define SNIPER_TRADE_AT(p) SNIPER_LIT(p, "\\",\\"createdAt\\":\\"")
    #define SNIPER_TRADE_TYPE(p) SNIPER_LIT(p, "\\",\\"type\\":\\"")
    static const uint64_t SNIPER_BIDS = 0x3a2273646962227bull, SNIPER_ASKS = 0x3a22736b7361227bull;
    """
    const Key* ENVELOPE_KEYS "SNIPER_ENVELOPE_KEYS"
    const Key* MESSAGE_NAMES "SNIPER_MESSAGE_NAMES"
    const Key* CHANNEL_NAMES "SNIPER_CHANNEL_NAMES"
    const Key* RESOLUTION_NAMES "SNIPER_RESOLUTION_NAMES"
    const Key* LINK_NAMES "SNIPER_LINK_NAMES"
    const Key* ENDPOINT_NAMES "SNIPER_ENDPOINT_NAMES"
    bint lit_batch "SNIPER_BATCH"(const uint8_t* p) nogil
    bint lit_data "SNIPER_DATA"(const uint8_t* p) nogil
    bint lit_mid "SNIPER_MID"(const uint8_t* p) nogil
    bint lit_id "SNIPER_ID"(const uint8_t* p) nogil
    bint lit_books "SNIPER_BOOKS"(const uint8_t* p) nogil
    bint lit_trades "SNIPER_TRADES"(const uint8_t* p) nogil
    bint lit_contents "SNIPER_CONTENTS"(const uint8_t* p) nogil
    bint lit_list "SNIPER_LIST"(const uint8_t* p) nogil
    bint lit_trade_id "SNIPER_TRADE_ID"(const uint8_t* p) nogil
    bint lit_trade_size "SNIPER_TRADE_SIZE"(const uint8_t* p) nogil
    bint lit_trade_price "SNIPER_TRADE_PRICE"(const uint8_t* p) nogil
    bint lit_trade_side "SNIPER_TRADE_SIDE"(const uint8_t* p) nogil
    bint lit_trade_at "SNIPER_TRADE_AT"(const uint8_t* p) nogil
    bint lit_trade_type "SNIPER_TRADE_TYPE"(const uint8_t* p) nogil
    const uint64_t BIDS "SNIPER_BIDS"
    const uint64_t ASKS "SNIPER_ASKS"


# --- 1. the fast path ------------------------------------------------------------------------------------------------

cdef inline bint scale(int64_t* v, int k, int64_t unit) noexcept nogil:
    """Decimals to whole units, for the usual case that the text has no more decimals than the unit."""
    if unlikely(k < 0 or k > 18 or v[0] > LIMIT[k]):
        return 0
    v[0] *= P10[k]
    if unit != 1 and v[0] != 0:
        if unlikely(v[0] % unit != 0):
            return 0
        v[0] = v[0] // unit
    return 1


cdef inline const uint8_t* fast_levels(Reader* c, const uint8_t* p, const Market* m, int side) noexcept nogil:
    """p at the first `["` of a list of levels. Returns behind the list's `]`."""
    cdef int64_t price, size
    cdef int dec
    # locals: what the compiler would otherwise read again after every store to a row
    cdef Event* row = &c.rows[c.n]
    cdef int64_t recv_ns = c.recv_ns
    cdef uint32_t frame = c.frame
    cdef uint32_t connection = c.connection
    cdef uint16_t market = m.index
    cdef int tick_dec = m.dec[F_TICK]
    cdef int step_dec = m.dec[F_STEP]
    cdef int64_t tick = m.num[F_TICK]
    cdef int64_t step = m.num[F_STEP]
    while True:
        if unlikely(p[0] != c'[' or p[1] != c'"'):
            return NULL
        p = decimal(p + 2, &price, &dec)
        if unlikely(p == NULL or p[0] != c',' or p[1] != c'"' or not scale(&price, tick_dec - dec, tick) or price == 0):
            return NULL
        p = decimal(p + 2, &size, &dec)
        if unlikely(p == NULL or p[0] != c']' or not scale(&size, step_dec - dec, step)):
            return NULL
        row.recv_ns = recv_ns
        row.venue_ns = 0
        row.price = price
        row.size = size
        row.frame = frame
        row.ref = connection
        row.flags = 0
        row.market = market
        row.kind = LEVEL
        row.side = <uint8_t> side
        row += 1
        if p[1] == c',':
            p += 2
            continue
        if unlikely(p[1] != c']'):
            return NULL
        c.n = row - c.rows
        return p + 2


cdef inline const uint8_t* fast_book(Reader* c, const uint8_t* p, const Market* m) noexcept nogil:
    """p at `{"bids":[[` or `{"asks":[[`. Returns behind the brace."""
    cdef uint64_t word
    if unlikely(c.end - p < 16):
        return NULL
    word = load8(p)
    if unlikely(p[8] != c'[' or word != BIDS and word != ASKS):
        return NULL
    p = fast_levels(c, p + 9, m, word == ASKS)
    if unlikely(p == NULL or p[0] != c'}'):
        return NULL
    return p + 1


cdef inline const uint8_t* fast_trade(Reader* c, const uint8_t* p) noexcept nogil:
    """One trade as the Indexer writes it in updates; p at its brace."""
    cdef int size_dec, price_dec
    cdef uint32_t kind
    cdef const uint8_t* s
    cdef Trade* out = &c.trades[c.trades_n]
    cdef Event* row
    if unlikely(c.end - p < 130 or not lit_trade_id(p)):
        return NULL
    p += 7
    if unlikely(p[24] != c'"'):
        return NULL
    trade_id(p, 24, out)
    if unlikely(out.id_form != 0 or not lit_trade_size(p + 24)):
        return NULL
    row = add(c, TRADE, 0, NO_MARKET)
    row.ref = <uint32_t> c.trades_n
    c.trades_n += 1
    p = decimal(p + 34, &row.size, &size_dec)
    if unlikely(p == NULL or c.end - p < 64 or not lit_trade_price(p)):
        return NULL
    p = decimal(p + 10, &row.price, &price_dec)
    if unlikely(p == NULL or c.end - p < 56 or not lit_trade_side(p)):
        return NULL
    p += 9
    if p[0] == c'S' and load4(p) == 0x4c4c4553:
        row.side = 1
        p += 4
    elif likely(p[0] == c'B' and p[1] == c'U' and p[2] == c'Y'):
        p += 3
    else:
        return NULL
    if unlikely(not lit_trade_at(p)):
        return NULL
    p += 15
    row.venue_ns = iso_time(c, p, 24)
    if unlikely(row.venue_ns < 0 or c.end - p < 24 + 10 + 4 or not lit_trade_type(p + 24)):
        return NULL
    p += 34
    s = p
    while c'A' <= p[0] <= c'Z' or p[0] == c'_':
        p += 1
    if unlikely(p[0] != c'"' or p[1] != c'}' or row.price == 0 or row.size == 0):
        return NULL
    row.flags |= trade_type(s, <uint32_t> (p - s)) | decimals_flags(price_dec, size_dec)
    return p + 2


cdef inline bint fast(Reader* c, Connection* link, const uint8_t* p, Py_ssize_t length) noexcept nogil:
    """A book or trades update exactly as the Indexer writes it; 0 where it is anything else."""
    cdef const uint8_t* s
    cdef bint batch
    cdef bint books
    cdef int market
    cdef int64_t message_id = 0
    cdef const Market* m
    cdef Py_ssize_t start = c.n
    if length < 140 or link.id_length != 36:
        return 0
    if lit_batch(p):
        batch = 1
        p += 46
    elif lit_data(p):
        batch = 0
        p += 40
    else:
        return 0
    if unlikely(memcmp(p, link.id, 36) != 0 or not lit_mid(p + 36)):
        return 0
    p += 51
    s = p
    while <unsigned int> p[0] - 48 <= 9:
        message_id = message_id * 10 + (p[0] - 48)
        p += 1
    if unlikely(p == s or p - s > 17 or p[0] == s[0] == c'0' and p - s > 1 or not lit_id(p)):
        return 0
    p += 7
    s = p
    while p[0] > 0x20 and p[0] != c'"':
        p += 1
    market = find_near(c, s, <uint32_t> (p - s)) if c.end - p >= 70 else -1
    if unlikely(market < 0):
        return 0
    m = &c.markets[market]
    if unlikely(not tradable(m)):
        return 0
    if likely(lit_books(p)):
        books = 1
        p += 38
    elif lit_trades(p):
        books = 0
        p += 35
    else:
        return 0
    while c'0' <= p[0] <= c'9' or p[0] == c'.':
        p += 1
    if unlikely(c.end - p < 32 or not lit_contents(p)):
        return 0
    p += 13
    if batch:
        if unlikely(p[0] != c'['):
            return 0
        p += 1
    while True:
        if likely(books):
            p = fast_book(c, p, m)
            if unlikely(p == NULL):
                return 0
        else:
            if unlikely(c.end - p < 16 or not lit_list(p)):
                return 0
            p += 11
            while True:
                p = fast_trade(c, p)
                if unlikely(p == NULL):
                    return 0
                if p[0] != c',':
                    break
                p += 1
            if unlikely(p[0] != c']' or p[1] != c'}'):
                return 0
            p += 2
        if not batch:
            break
        if p[0] == c',':
            p += 1
            continue
        if unlikely(p[0] != c']'):
            return 0
        p += 1
        break
    if unlikely(p[0] != c'}' or p + 1 != c.end):
        return 0
    if not books and not scale_trades(c, start, market):
        return 0
    follow_id(link, message_id, c.recv_ns)
    return 1


# --- message ids -------------------------------------------------------------------------------------------------------

cdef inline void follow_id(Connection* link, int64_t message_id, int64_t recv_ns) noexcept nogil:
    if likely(message_id == link.next_id):
        link.next_id += 1
    else:
        stray_id(link, message_id, recv_ns)


cdef void stray_id(Connection* link, int64_t message_id, int64_t recv_ns) noexcept nogil:
    """An id out of turn: ids before it are missing until they come (subscribe replies come late by design)."""
    cdef int i
    cdef int64_t first
    if link.next_id < 0:
        link.next_id = message_id + 1
        return
    if message_id > link.next_id:
        first = link.next_id
        if message_id - first > MISSING:
            link.lost_ids += message_id - first - MISSING
            first = message_id - MISSING
        while first < message_id:
            if link.missing_n == MISSING:   # the oldest is given up
                link.lost_ids += 1
                link.missing_n -= 1
                memmove(link.missing_id, &link.missing_id[1], link.missing_n * 8)
                memmove(link.missing_ns, &link.missing_ns[1], link.missing_n * 8)
            link.missing_id[link.missing_n] = first
            link.missing_ns[link.missing_n] = recv_ns
            link.missing_n += 1
            first += 1
        link.next_id = message_id + 1
        return
    for i in range(link.missing_n):
        if link.missing_id[i] == message_id:
            link.missing_n -= 1
            memmove(&link.missing_id[i], &link.missing_id[i + 1], (link.missing_n - i) * 8)
            memmove(&link.missing_ns[i], &link.missing_ns[i + 1], (link.missing_n - i) * 8)
            return


# --- 2. and 3. any other message -----------------------------------------------------------------------------------------

cdef const uint8_t* contents_object(Reader* c, const uint8_t* p, Envelope* e, int market) noexcept nogil:
    """One contents object of channel e.read_as; p at its brace."""
    cdef int seen = 0
    cdef Text k
    if e.read_as == CH_ORDERBOOK:
        return book(c, p, &seen)
    if e.read_as == CH_MARKETS:
        return market_contents(c, p)
    if e.read_as == CH_BLOCK_HEIGHT:
        return block(c, p)
    if e.read_as == CH_CANDLES and e.message != M_SUBSCRIBED:
        return candle(c, p, market, c.depth)
    if e.read_as != CH_TRADES and e.read_as != CH_CANDLES:
        return pass_over(c, p, c.depth - 1)
    # {"trades":[..]} or {"candles":[..]}
    p = blank(p + 1)
    while p[0] != c'}':
        p = key(c, p, &k)
        if p == NULL:
            return NULL
        if e.read_as == CH_TRADES and k.length == 6 and memcmp(k.s, b"trades", 6) == 0:
            p = trades(c, p)
        elif e.read_as == CH_CANDLES and k.length == 7 and memcmp(k.s, b"candles", 7) == 0:
            p = candles(c, p, market)
        else:
            p = pass_over(c, p, c.depth)
            seen -= 1
        if p == NULL:
            return NULL
        seen += 1
        p = blank(p)
        if p[0] == c',':
            p = blank(p + 1)
            if p[0] == c'}':
                return NULL
        elif p[0] != c'}':
            return NULL
    if seen > 1:
        refuse(c, R_DUPLICATE_KEY)
    elif seen == 0:
        refuse(c, R_MISSING_KEY)
    return p + 1


cdef const uint8_t* read_contents(Reader* c, const uint8_t* p, Envelope* e, int market) noexcept nogil:
    """The value of `contents`, object or array of objects."""
    e.was_array = p[0] == c'['
    if not e.was_array:
        if p[0] != c'{':
            refuse(c, R_BAD_VALUE)
            return pass_over(c, p, 1)
        c.depth = 2
        return contents_object(c, p, e, market)
    c.depth = 3
    p = blank(p + 1)
    if p[0] == c']':
        return p + 1
    while True:
        if p[0] != c'{':
            refuse(c, R_BAD_VALUE)
            return NULL
        p = contents_object(c, p, e, market)
        if p == NULL or c.reason:
            return NULL
        p = blank(p)
        if p[0] == c']':
            return p + 1
        if p[0] != c',':
            return NULL
        p = blank(p + 1)


cdef const uint8_t* envelope(Reader* c, const uint8_t* p, Envelope* e, int guess) noexcept nogil:
    """The whole message. With a guess (a channel) contents of books and trades are read where they stand;
    otherwise they are leapt over and only their place is kept."""
    cdef Text k, t
    cdef int code, present, channel
    memset(e, 0, sizeof(Envelope) - ID_MAX - 64)
    e.message_id = -1
    p = blank(p)
    if p[0] != c'{':
        return NULL
    p = blank(p + 1)
    while p[0] != c'}':
        p = key(c, p, &k)
        if p == NULL:
            return NULL
        code = code_of(ENVELOPE_KEYS, k.s, k.length)
        if code == 5:
            e.contents = p
            channel = e.channel if e.seen & 8 else guess
            if guess and (channel == CH_ORDERBOOK or channel == CH_TRADES):
                e.read_as = channel
                p = read_contents(c, p, e, NO_MARKET)
            elif p[0] == c'{' or p[0] == c'[':
                p = leap(p, c.end)
            else:
                p = pass_over(c, p, 1)
            e.contents_end = p
        elif code == 2:
            if p[0] == c'"':
                refuse(c, R_BAD_VALUE)
            p = integer(c, p, 1, &e.message_id, &present)
            if not present or e.message_id < 0:
                refuse(c, R_BAD_VALUE)
        elif 0 <= code <= 4:
            p = string(c, p, 1, &t)
            if p == NULL:
                return NULL
            if code == 0:
                e.message = code_of(MESSAGE_NAMES, t.s, t.length)
            elif code == 3:
                e.channel = code_of(CHANNEL_NAMES, t.s, t.length)
            elif code == 4:
                if t.length > ID_MAX:
                    refuse(c, R_BAD_VALUE)
                else:
                    memcpy(e.id, t.s, t.length)
                    e.id_length = t.length
            else:
                e.link_length = t.length if t.length <= 64 else 0
                memcpy(e.link, t.s, e.link_length)
        else:
            p = pass_over(c, p, 1)
        if p == NULL:
            return NULL
        if code >= 0:
            if e.seen & (1 << code):
                refuse(c, R_DUPLICATE_KEY)
            e.seen |= 1 << code
        p = blank(p)
        if p[0] == c',':
            p = blank(p + 1)
            if p[0] == c'}':
                return NULL
        elif p[0] != c'}':
            return NULL
    p = blank(p + 1)
    return p if p == c.end else NULL


cdef const uint8_t* count_lists(Reader* c, const uint8_t* p, int64_t* n) noexcept nogil:
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


cdef int64_t count_levels(Reader* c, const uint8_t* p) noexcept nogil:
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


cdef int market_of(Reader* c, Envelope* e) noexcept nogil:
    """The market that `id` names (for candles: up to the slash, which also sets c.resolution); -1 if none."""
    cdef uint32_t length = e.id_length
    cdef uint32_t i
    if e.channel == CH_CANDLES:
        i = length
        while i > 0 and e.id[i - 1] != c'/':
            i -= 1
        if i == 0:
            return -1
        c.resolution = code_of(RESOLUTION_NAMES, &e.id[i], length - i)
        if c.resolution < 0:
            return -1
        length = i - 1
    return find(c, e.id, length)


cdef bint needs_market(int channel) noexcept nogil:
    return channel == CH_ORDERBOOK or channel == CH_TRADES or channel == CH_CANDLES


cdef bint make_rows(Reader* c, Envelope* e, Py_ssize_t start, int market) noexcept nogil:
    """Rows of a data message, read and standing from `start`: snapshot order, units, the rows in front of them."""
    cdef Py_ssize_t i
    cdef Py_ssize_t front = 0
    cdef Event* row
    if e.message == M_SUBSCRIBED:
        for i in range(start, c.n):
            c.rows[i].flags |= SNAPSHOT
        if e.channel == CH_TRADES or e.channel == CH_CANDLES:
            reverse(c, start)
        front = 2 if e.channel == CH_ORDERBOOK else 1
        memmove(&c.rows[start + front], &c.rows[start], (c.n - start) * sizeof(Event))
        i = c.n
        c.n = start
        row = add(c, SUBSCRIBED, e.channel, market if market >= 0 else NO_MARKET)
        row.price = e.message_id
        if front == 2:
            row = add(c, BOOK, 0, market)
            row.size = i - start
            row.flags |= SNAPSHOT
        c.n = i + front
    if e.channel == CH_ORDERBOOK:
        return scale_levels(c, start + front, market)
    if e.channel == CH_TRADES:
        return scale_trades(c, start + front, market)
    if CH_SUBACCOUNTS <= e.channel <= CH_PARENT_SUBACCOUNTS:
        row = add(c, ACCOUNT, e.channel, NO_MARKET)
        row.size = e.message
        row.price = e.message_id
    return 1


cdef bint message(Reader* c, Connection* link, const uint8_t* p, int* guess) noexcept nogil:
    """Any message but the fast ones: its rows, or none and c.reason."""
    cdef Envelope e
    cdef Py_ssize_t start = c.n
    cdef Py_ssize_t trades_n = c.trades_n
    cdef int market = NO_MARKET
    cdef const uint8_t* q = NULL
    cdef Event* row
    cdef bint data = 0
    cdef int once
    for once in range(2):       # first with a guess, then, if that was wrong, by the book
        c.reason = R_NONE
        c.too_deep = 0
        c.n = start
        c.trades_n = trades_n
        q = envelope(c, p, &e, 0 if once else guess[0])
        data = e.seen & 1 and M_SUBSCRIBED <= e.message <= M_BATCH
        if not once and (q == NULL or c.reason or not data or e.read_as == 0 or e.read_as != e.channel
                         or e.was_array != (e.message == M_BATCH)):
            continue
        break
    if q == NULL or c.reason:
        return 0
    if not e.seen & 1:
        refuse(c, R_MISSING_KEY)
        return 0
    if e.seen & 32 and e.read_as == 0 and not (data and e.channel) and pass_over(c, e.contents, 1) != e.contents_end:
        return 0
    if e.message == M_UNKNOWN or (data and e.seen & 8 and e.channel == CH_NONE):
        add(c, UNKNOWN, 0, NO_MARKET)
    elif data:
        if (e.seen & 40) != 40 or needs_market(e.channel) and not e.seen & 16:
            refuse(c, R_MISSING_KEY)
            return 0
        if needs_market(e.channel):
            market = market_of(c, &e)
            if market < 0 or not tradable(&c.markets[market]):
                refuse(c, R_UNKNOWN_MARKET)
                return 0
            if e.channel == CH_CANDLES and c.resolution < 0:
                refuse(c, R_BAD_VALUE)
                return 0
        if e.read_as == 0:
            e.read_as = e.channel
            q = read_contents(c, e.contents, &e, market)
            if q == NULL or c.reason or q != e.contents_end:
                return 0
            if e.was_array != (e.message == M_BATCH):
                refuse(c, R_BAD_VALUE)
                return 0
        if not make_rows(c, &e, start, market):
            return 0
        if e.channel <= CH_TRADES:
            guess[0] = e.channel
    else:
        if e.message == M_CONNECTED or e.message == M_PONG:     # of the connection, whatever else they may name
            e.channel = CH_NONE
        elif e.seen & 16:
            market = market_of(c, &e)
        row = add(c, CONNECTED if e.message == M_CONNECTED else UNSUBSCRIBED if e.message == M_UNSUBSCRIBED
                  else SERVER_ERROR if e.message == M_ERROR else PONG, e.channel, market if market >= 0 else NO_MARKET)
        row.price = e.message_id
    if e.seen & 2 and e.link_length and (e.link_length != link.id_length or memcmp(e.link, link.id, e.link_length) != 0):
        memcpy(link.id, e.link, e.link_length)
        link.id_length = e.link_length
        if e.message != M_CONNECTED:
            link.next_id = -1
            link.missing_n = 0
    if e.message == M_CONNECTED:
        link.opened_ns = c.recv_ns
        link.next_id = e.message_id + 1
        link.missing_n = 0
        link.height = 0
    elif e.message_id >= 0:
        follow_id(link, e.message_id, c.recv_ns)
    return 1


cdef const uint8_t* candles(Reader* c, const uint8_t* p, int market) noexcept nogil:
    """A list of candles; p at its value."""
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
        p = candle(c, p, market, c.depth + 2)
        if p == NULL or c.reason:
            return NULL
        p = blank(p)
        if p[0] == c']':
            return p + 1
        if p[0] != c',':
            return NULL
        p = blank(p + 1)


# --- REST answers and the feed's own records -----------------------------------------------------------------------------

cdef const uint8_t* funding(Reader* c, const uint8_t* p) noexcept nogil:
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
        p = blank(p)
        if p[0] == c',':
            p = blank(p + 1)
            if p[0] == c'}':
                return NULL
        elif p[0] != c'}':
            return NULL
    if seen != 15:
        refuse(c, R_MISSING_KEY)
    row.flags |= decimals_flags(d, 0)
    return p + 1


cdef const uint8_t* fundings(Reader* c, const uint8_t* p) noexcept nogil:
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
                p = blank(p)
                if p[0] == c',':
                    p = blank(p + 1)
                    if p[0] == c']':
                        return NULL
                elif p[0] != c']':
                    return NULL
            p += 1
        else:
            p = pass_over(c, p, c.depth)
        if p == NULL:
            return NULL
        p = blank(p)
        if p[0] == c',':
            p = blank(p + 1)
            if p[0] == c'}':
                return NULL
        elif p[0] != c'}':
            return NULL
    if seen != 1:
        refuse(c, R_DUPLICATE_KEY if seen else R_MISSING_KEY)
    return p + 1


cdef const uint8_t* word(const uint8_t* p, const uint8_t* end, Text* out) noexcept nogil:
    """The next word of a record of our own: printable bytes up to a blank or a line's end."""
    out.s = p
    while p < end and p[0] > 0x20:
        p += 1
    out.length = <uint32_t> (p - out.s)
    if p < end and p[0] == 0x20:
        p += 1
    return p


cdef bint whole(Text* t, int64_t* v) noexcept nogil:
    """A decimal whole number with an optional minus sign, at most 18 digits."""
    cdef int d, inexact
    if t.length == 0 or t.length > 19:
        return 0
    return long_decimal(t.s, t.length, v, &d, &inexact) and d == 0 and not inexact


cdef int query_market(Reader* c, const uint8_t* p, const uint8_t* end) noexcept nogil:
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


cdef bint rest(Reader* c, const uint8_t* p) noexcept nogil:
    """`<endpoint> <status> <query>\\n<body>`: a REST row, and the rows of a body that we read here."""
    cdef Text name, number_, query
    cdef int64_t status
    cdef int endpoint, market
    cdef Py_ssize_t start = c.n
    cdef Py_ssize_t i, j
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


cdef bint own_record(Reader* c, int kind, const uint8_t* p) noexcept nogil:
    """GAP `<records> <bytes>`, LINK `<state> <code> <text>`, OPERATOR `<verb> <text>`."""
    cdef Text a, b
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
    else:
        refuse(c, R_BAD_RECORD)
        return 0
    return 1


cdef void merge(Market* m, const Market* u) noexcept nogil:
    """Bring what one message said of a market into the table."""
    cdef int f
    for f in range(NUMS):
        if u.mask >> f & 1:
            m.num[f] = u.num[f]
            m.dec[f] = u.dec[f]
    for f in range(WHOLES):
        if u.mask >> (F_CLOB_PAIR + f) & 1:
            m.whole[f] = u.whole[f]
    if u.mask >> F_STATUS & 1:
        m.status = u.status
    if u.mask >> F_TYPE & 1:
        m.type = u.type
    if u.mask >> F_ORACLE & 1:
        m.oracle_ns = u.oracle_ns
        m.oracle_height = u.oracle_height
    m.known |= u.mask
    m.tick_decimals = m.dec[F_TICK]
    m.step_decimals = m.dec[F_STEP]


# What `save` writes in front of the two tables.
cdef struct Head:
    char[8] magic
    int64_t markets_n
    int64_t connections_n
    int64_t guess
    uint64_t digest_a
    uint64_t digest_b

cdef bytes MAGIC = b"decode/1"


cdef class Decoder:
    """Raw records -> rows of `tape`. Keeps the market table and the state of every connection.

    tape: the shared `Tape`. markets_max: rows of the market table; a message that brings more is refused.
    `markets` (MARKET_DTYPE, the first `markets_n` rows count) and `connections` (CONNECTION_DTYPE, the first
    `connections_n`) are arrays to read; they change with every `apply`.
    """

    cdef readonly object tape, markets, connections
    cdef readonly int connections_n
    cdef object _slots, _stamps
    cdef Reader c
    cdef Digest d
    cdef int guess
    cdef int64_t[::1] counters
    cdef int64_t[::1] used
    cdef uint64_t[::1] digests
    cdef uint32_t[::1] _others
    cdef Event[::1] _rows
    cdef Trade[::1] _trades
    cdef Candle[::1] _candles
    cdef Market[::1] _updates
    cdef Market[::1] _markets
    cdef Connection[::1] _connections
    cdef Py_ssize_t bytes_max, records_max

    def __init__(self, tape, int markets_max=1024):
        cdef uint16_t[::1] slots
        cdef uint32_t[::1] stamps
        cdef int size = 4
        if not 1 <= markets_max <= 8192:
            raise ValueError(f"markets_max must lie in 1..8192, not {markets_max}")
        while size < 4 * markets_max:
            size *= 2
        self.tape = tape
        self.bytes_max = tape.bytes_max
        self.records_max = tape.records_max
        self.markets = np.zeros(markets_max, MARKET_DTYPE)
        self.connections = np.zeros(CONNECTIONS, CONNECTION_DTYPE)
        self._slots = np.zeros(size, np.uint16)
        self._stamps = np.zeros(markets_max, np.uint32)
        slots = self._slots
        stamps = self._stamps
        self.counters = tape.counters
        self.used = tape.used
        self.digests = tape.digests
        self._others = tape.others
        self._rows = tape.rows
        self._trades = tape.trades
        self._candles = tape.candles
        self._updates = tape.markets
        self._markets = self.markets
        self._connections = self.connections
        memset(&self.c, 0, sizeof(Reader))
        self.c.rows = &self._rows[0]
        self.c.rows_max = tape.rows_max
        self.c.trades = &self._trades[0]
        self.c.candles = &self._candles[0]
        self.c.updates = &self._updates[0]
        self.c.markets = &self._markets[0]
        self.c.slots = &slots[0]
        self.c.stamps = &stamps[0]
        self.c.slots_mask = size - 1
        self.c.markets_max = markets_max
        self.guess = CH_ORDERBOOK
        self.d.a = 1
        self.d.b = 2

    @property
    def markets_n(self):
        """Markets known by name."""
        return self.c.markets_n

    def apply(self, list records):
        """Decode the records `(recv_ns, connection, kind, data)` of this tick; returns the number of rows.

        Raises ValueError or TypeError only for records that the inbox cannot have handed over.
        """
        cdef Py_ssize_t i, length
        cdef Py_ssize_t total = 0
        cdef Py_ssize_t count = PyList_GET_SIZE(records)
        cdef PyObject* record
        cdef object data
        cdef int64_t connection, kind
        cdef Reader* c = &self.c
        cdef const uint8_t* p
        if count > self.records_max:
            raise ValueError(f"{count} records in one tick, at most {self.records_max}")
        c.n = 0
        c.trades_n = 0
        c.candles_n = 0
        c.updates_n = 0
        for i in range(count):
            record = <PyObject*> PyList_GET_ITEM(records, i)
            if not isinstance(<object> record, tuple) or len(<tuple> record) != 4:
                raise TypeError("a record is a tuple (recv_ns, connection, kind, data)")
            data = <object> PyTuple_GET_ITEM(<tuple> record, 3)
            connection = PyLong_AsLongLong(<object> PyTuple_GET_ITEM(<tuple> record, 1))
            kind = PyLong_AsLongLong(<object> PyTuple_GET_ITEM(<tuple> record, 2))
            if not PyBytes_Check(data) or not 0 <= connection < CONNECTIONS or not 0 <= kind <= REC_OPERATOR:
                raise ValueError(f"not a record: connection {connection}, kind {kind}, data {type(data).__name__}")
            length = PyBytes_GET_SIZE(data)
            p = <const uint8_t*> PyBytes_AS_STRING(data)
            c.recv_ns = PyLong_AsLongLong(<object> PyTuple_GET_ITEM(<tuple> record, 0))
            c.frame = <uint32_t> i
            c.connection = <uint32_t> connection
            c.end = p + length
            total += length
            self.read(<int> kind, p, length, total > self.bytes_max)
        self.sum_up()
        self.counters[C_RECORDS] += count
        self.counters[C_ROWS] += c.n
        return c.n

    cdef void read(self, int kind, const uint8_t* p, Py_ssize_t length, bint too_much) noexcept:
        """One record: its rows, or one ERROR row."""
        cdef Reader* c = &self.c
        cdef Py_ssize_t start = c.n
        cdef Py_ssize_t trades_n = c.trades_n
        cdef Py_ssize_t candles_n = c.candles_n
        cdef Py_ssize_t updates_n = c.updates_n
        cdef int markets_n = c.markets_n
        cdef bint good = 0
        cdef int deep = 0
        cdef int64_t bad_levels = 0
        cdef const uint8_t* q
        cdef Event* row
        cdef Connection* link = &self._connections[c.connection]
        if <int> c.connection >= self.connections_n:
            while self.connections_n <= <int> c.connection:
                self._connections[self.connections_n].next_id = -1
                self.connections_n += 1
        fold(&self.d, <uint64_t> c.recv_ns, <uint64_t> length << 32 | <uint64_t> kind << 16 | c.connection)
        c.flags = 0
        c.reason = R_NONE
        if kind == REC_FRAME:
            self.counters[C_FRAMES] += 1
            self.counters[C_BYTES] += length
            link.frames += 1
            link.bytes += length
            link.last_ns = c.recv_ns
            if likely(not too_much):
                if likely(fast(c, link, p, length)):
                    self.counters[C_FAST_FRAMES] += 1
                    return
                c.n = start
                c.trades_n = trades_n
                c.reason = R_NONE
                good = message(c, link, p, &self.guess)
        elif too_much:
            good = 0
        elif kind == REC_REST:
            good = rest(c, p)
        else:
            good = own_record(c, kind, p)
        if likely(good):
            self.commit(start)
            return
        # refused: take everything back, then say why
        c.n = start
        c.trades_n = trades_n
        c.candles_n = candles_n
        c.updates_n = updates_n
        if c.markets_n != markets_n:
            c.markets_n = markets_n
            self.rehash()
        if too_much:
            c.reason = R_TOO_LARGE
        elif kind == REC_FRAME:
            q = skip(p, c.end, 0, &deep)
            if q == NULL or blank(q) != c.end:
                c.reason = R_TOO_DEEP if deep else R_SYNTAX
            else:
                if c.reason == R_NONE:
                    c.reason = R_BAD_VALUE
                bad_levels = count_levels(c, p)
        elif c.reason == R_NONE:
            c.reason = R_SYNTAX
        c.flags = FROM_REST if kind == REC_REST else 0
        row = add(c, ERROR, c.reason, NO_MARKET)
        row.size = bad_levels
        self.counters[C_REJECTED] += 1
        self.counters[C_REJECTED_LEVELS] += bad_levels

    cdef void commit(self, Py_ssize_t start) noexcept:
        """The message was good: bring it into the market table and the connection."""
        cdef Reader* c = &self.c
        cdef Py_ssize_t i
        cdef Event* row
        cdef Connection* link
        for i in range(start, c.n):
            row = &c.rows[i]
            if row.kind == MARKET or row.kind == ORACLE:
                judge(&c.markets[row.market], &c.updates[row.ref], row)
                if i + 1 == c.n or row[1].kind != ORACLE or row[1].ref != row.ref:     # the last row of its update
                    merge(&c.markets[row.market], &c.updates[row.ref])
            elif row.kind == BLOCK:
                link = &self._connections[row.ref]
                if row.price < link.height:
                    row.flags |= DOUBT
                    self.counters[C_HEIGHT_BACK] += 1
                elif row.venue_ns < link.block_ns and link.height:
                    row.flags |= DOUBT
                    self.counters[C_TIME_BACK] += 1
                link.height = row.price
                link.block_ns = row.venue_ns
                link.block_recv_ns = row.recv_ns

    cdef void sum_up(self) noexcept:
        """Counters, digest and the list of other rows than levels, over the rows of this tick."""
        cdef Reader* c = &self.c
        cdef uint32_t* others = &self._others[0]
        cdef Py_ssize_t others_n = 0
        cdef Digest d = self.d
        cdef const Event* row
        cdef Py_ssize_t i
        cdef int kind
        cdef int64_t levels_n = 0
        cdef int64_t kinds = 0
        for i in range(c.n):
            row = &c.rows[i]
            fold(&d, <uint64_t> row.price ^ load8(<const uint8_t*> &row.flags), <uint64_t> row.size ^ <uint64_t> row.venue_ns)
            kind = row.kind
            if likely(kind == LEVEL):
                levels_n += 1
                continue
            kinds |= <int64_t> 1 << kind
            others[others_n] = <uint32_t> i
            others_n += 1
            if kind == TRADE:
                c.trades[row.ref].row = <uint32_t> i
                fold(&d, c.trades[row.ref].id_high, c.trades[row.ref].id_low)
                if row.flags & DOUBT:
                    self.counters[C_TRADE_FAR] += 1
            elif kind == ORACLE:
                self.counters[C_ORACLES] += 1
                if row.flags & DOUBT:
                    self.counters[C_ORACLE_JUMPS if row.price else C_ORACLE_EMPTY] += 1
            elif kind == CANDLE:
                self.counters[C_CANDLES] += 1
                fold_bytes(&d, <const uint8_t*> &c.candles[row.ref], sizeof(Candle))
            elif kind == MARKET:
                fold_bytes(&d, <const uint8_t*> &c.updates[row.ref], sizeof(Market))
            elif kind == BLOCK:
                self.counters[C_BLOCKS] += 1
            elif kind == ACCOUNT:
                self.counters[C_ACCOUNTS] += 1
            elif kind == UNKNOWN:
                self.counters[C_UNKNOWN] += 1
            elif kind == SERVER_ERROR:
                self.counters[C_SERVER_ERRORS] += 1
            elif kind == GAP:
                self.counters[C_GAPS] += 1
                self.counters[C_GAP_RECORDS] += row.size
        self.counters[C_LEVELS] += levels_n
        self.used[U_OTHERS] = others_n
        self.used[U_TRADES] = c.trades_n
        self.used[U_CANDLES] = c.candles_n
        self.used[U_MARKETS] = c.updates_n
        self.used[U_KINDS] = kinds
        self.digests[2 * STAGE_DECODE] = d.a
        self.digests[2 * STAGE_DECODE + 1] = d.b
        self.d = d

    cdef void rehash(self) noexcept:
        cdef Reader* c = &self.c
        cdef uint32_t i
        cdef int m
        memset(c.slots, 0, (c.slots_mask + 1) * sizeof(uint16_t))
        for m in range(c.markets_n):
            i = ticker_hash(<const uint8_t*> c.markets[m].ticker, c.markets[m].length) & c.slots_mask
            while c.slots[i]:
                i = (i + 1) & c.slots_mask
            c.slots[i] = <uint16_t> (m + 1)

    def market(self, str ticker):
        """Index of a ticker in the market table, -1 if it is not known."""
        cdef bytes b = ticker.encode("utf-8")
        return find(&self.c, <const uint8_t*> PyBytes_AS_STRING(b), <uint32_t> len(b))

    def ticker(self, int market):
        """Ticker of a market index."""
        if not 0 <= market < self.c.markets_n:
            raise IndexError(f"no market {market}: {self.c.markets_n} are known")
        return self.c.markets[market].ticker[:self.c.markets[market].length].decode("ascii")

    @property
    def tickers(self):
        """All tickers, in the order of the table."""
        return [self.ticker(i) for i in range(self.c.markets_n)]

    def overdue(self, int64_t now_ns, int64_t grace_ns):
        """Connections with a message id that has been missing for longer than `grace_ns`; forgets those ids.

        Returns a list of (connection, ids). Source of the rule: message ids are one counter a connection, and
        replies to subscribe come late, so only age tells a lost message from a late one.
        """
        cdef int i, k
        cdef Connection* link
        out = []
        for i in range(self.connections_n):
            link = &self._connections[i]
            k = 0
            while k < link.missing_n and now_ns - link.missing_ns[k] > grace_ns:
                k += 1
            if k:
                out.append((i, k))
                link.lost_ids += k
                link.missing_n -= k
                memmove(link.missing_id, &link.missing_id[k], link.missing_n * 8)
                memmove(link.missing_ns, &link.missing_ns[k], link.missing_n * 8)
                self.counters[C_MISSING_IDS] += k
        return out

    def digest(self):
        """The running 128-bit digest over every record and row, as two integers."""
        return self.d.a, self.d.b

    def save(self):
        """The state as bytes (market table, connections, digest)."""
        cdef Head head
        memset(&head, 0, sizeof(Head))
        memcpy(head.magic, <const char*> MAGIC, 8)
        head.markets_n = self.c.markets_n
        head.connections_n = self.connections_n
        head.guess = self.guess
        head.digest_a = self.d.a
        head.digest_b = self.d.b
        return ((<char*> &head)[:sizeof(Head)] + self.markets[:self.c.markets_n].tobytes()
                + self.connections[:self.connections_n].tobytes())

    def load(self, bytes state not None):
        """Take over a state that `save` wrote. Raises ValueError, and changes nothing, on anything else."""
        cdef Head head
        if len(state) < <Py_ssize_t> sizeof(Head):
            raise ValueError("decoder state is too short")
        memcpy(&head, PyBytes_AS_STRING(state), sizeof(Head))
        if memcmp(head.magic, <const char*> MAGIC, 8) != 0:
            raise ValueError("not a decoder state of this version")
        if not (0 <= head.markets_n <= self.c.markets_max and 0 <= head.connections_n <= CONNECTIONS
                and CH_ORDERBOOK <= head.guess <= CH_TRADES):
            raise ValueError("decoder state does not fit")
        cut = sizeof(Head) + head.markets_n * sizeof(Market)
        if len(state) != cut + head.connections_n * <Py_ssize_t> sizeof(Connection):
            raise ValueError("decoder state has a wrong length")
        markets = np.frombuffer(state, MARKET_DTYPE, head.markets_n, sizeof(Head))
        connections = np.frombuffer(state, CONNECTION_DTYPE, head.connections_n, cut)
        if head.markets_n and not (np.all(markets["length"] <= TICKER_MAX) and np.all(markets["length"] > 0)
                                   and np.all(markets["dec"] <= 60) and np.all(markets["dec"][:, :2] <= 18)
                                   and np.all(markets["index"] == np.arange(head.markets_n))
                                   and np.all(markets["num"][:, :2][(markets["known"] & 3) == 3] > 0)):
            raise ValueError("decoder state holds an impossible market")
        if head.connections_n and not (np.all(connections["missing_n"] <= MISSING) and np.all(connections["missing_n"] >= 0)
                                       and np.all(connections["id_length"] <= 64)):
            raise ValueError("decoder state holds an impossible connection")
        self.markets[:] = np.zeros(1, MARKET_DTYPE)
        self.markets[:head.markets_n] = markets
        self.connections[:] = np.zeros(1, CONNECTION_DTYPE)
        self.connections[:head.connections_n] = connections
        self.c.markets_n = <int> head.markets_n
        self.connections_n = <int> head.connections_n
        self.guess = <int> head.guess
        self.d.a = head.digest_a
        self.d.b = head.digest_b
        self.rehash()


cdef inline void fold_bytes(Digest* d, const uint8_t* p, Py_ssize_t length) noexcept nogil:
    cdef Py_ssize_t i = 0
    while i + 16 <= length:
        fold(d, load8(p + i), load8(p + i + 8))
        i += 16
    if i + 8 <= length:
        fold(d, load8(p + i), 0)
