# Book and trades updates exactly as the Indexer writes them, read by comparing literals; of oracle prices and blocks
# what stands around the contents.
#
# Whatever does not match goes to `envelope`, with every row taken back: nothing is guessed here.

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memmove, memset

from book_frames cimport *
from candle_frames cimport block
from digits cimport *
from event cimport *
from connection cimport *
from isotime cimport *
from market_frames cimport market_contents
from market_table cimport *
from reader cimport *
from scan cimport *
from trade_frames cimport *

cdef extern from *:
    """
    #define SNIPER_LIT(p, s) (memcmp((p), s, sizeof(s) - 1) == 0)
    /* in two parts: compilers turn up to 32 bytes into a few loads, and call the library for more */
    #define SNIPER_BATCH(p) (SNIPER_LIT(p, "{\\"type\\":\\"channel_batch_data\\",") \\
                             && SNIPER_LIT((p) + 29, "\\"connection_id\\":\\""))
    #define SNIPER_DATA(p) (SNIPER_LIT(p, "{\\"type\\":\\"channel_data\\",") \\
                             && SNIPER_LIT((p) + 23, "\\"connection_id\\":\\""))
    #define SNIPER_MID(p) SNIPER_LIT(p, "\\",\\"message_id\\":")
    #define SNIPER_ID(p) SNIPER_LIT(p, ",\\"id\\":\\"")
    #define SNIPER_BOOKS(p) SNIPER_LIT(p, "\\",\\"channel\\":\\"v4_orderbook\\",\\"version\\":\\"")
    #define SNIPER_TRADES(p) SNIPER_LIT(p, "\\",\\"channel\\":\\"v4_trades\\",\\"version\\":\\"")
    #define SNIPER_MARKETS(p) SNIPER_LIT(p, ",\\"channel\\":\\"v4_markets\\",\\"version\\":\\"")
    #define SNIPER_BLOCKS(p) (SNIPER_LIT(p, ",\\"id\\":\\"v4_block_height\\",") \\
                              && SNIPER_LIT((p) + 24, "\\"channel\\":\\"v4_block_height\\",") \\
                              && SNIPER_LIT((p) + 52, "\\"version\\":\\""))
    #define SNIPER_CONTENTS(p) SNIPER_LIT(p, "\\",\\"contents\\":")
    #define SNIPER_LIST(p) SNIPER_LIT(p, "{\\"trades\\":[")
    #define SNIPER_TRADE_ID(p) SNIPER_LIT(p, "{\\"id\\":\\"")
    #define SNIPER_TRADE_SIZE(p) SNIPER_LIT(p, "\\",\\"size\\":\\"")
    #define SNIPER_TRADE_PRICE(p) SNIPER_LIT(p, ",\\"price\\":\\"")
    #define SNIPER_TRADE_SIDE(p) SNIPER_LIT(p, ",\\"side\\":\\"")
    #define SNIPER_TRADE_AT(p) SNIPER_LIT(p, "\\",\\"createdAt\\":\\"")
    #define SNIPER_TRADE_TYPE(p) SNIPER_LIT(p, "\\",\\"type\\":\\"")
    static const uint64_t SNIPER_BIDS = 0x3a2273646962227bull, SNIPER_ASKS = 0x3a22736b7361227bull;
    /* `],["`, the first eight bytes of `]]},{"bids":[["` and its last eight */
    static const uint32_t SNIPER_MORE = 0x225b2c5du;
    static const uint64_t SNIPER_MORE_BIDS = 0x6962227b2c7d5d5dull, SNIPER_BIDS_LIST = 0x225b5b3a22736469ull;
    static const uint64_t SNIPER_MORE_ASKS = 0x7361227b2c7d5d5dull, SNIPER_ASKS_LIST = 0x225b5b3a22736b73ull;
    """
    bint lit_batch "SNIPER_BATCH"(const uint8_t* p) nogil
    bint lit_data "SNIPER_DATA"(const uint8_t* p) nogil
    bint lit_mid "SNIPER_MID"(const uint8_t* p) nogil
    bint lit_id "SNIPER_ID"(const uint8_t* p) nogil
    bint lit_books "SNIPER_BOOKS"(const uint8_t* p) nogil
    bint lit_trades "SNIPER_TRADES"(const uint8_t* p) nogil
    bint lit_markets "SNIPER_MARKETS"(const uint8_t* p) nogil
    bint lit_blocks "SNIPER_BLOCKS"(const uint8_t* p) nogil
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
    const uint32_t MORE "SNIPER_MORE"
    const uint64_t MORE_BIDS "SNIPER_MORE_BIDS"
    const uint64_t MORE_ASKS "SNIPER_MORE_ASKS"
    const uint64_t BIDS_LIST "SNIPER_BIDS_LIST"
    const uint64_t ASKS_LIST "SNIPER_ASKS_LIST"


cdef inline const uint8_t* fast_books(Reader* c, const uint8_t* p, const Market* m, bint batch,
                                      Digest* digest) noexcept nogil:
    """p at the first of the objects `{"bids":[[..]]}`, `{"asks":[[..]]}`; returns behind the last one's brace.

    One loop over the levels of all lists: how long each of them is nobody can guess, and a loop of its own for each
    list would be one more wrong guess of the processor.
    """
    cdef int64_t price, size
    cdef int dec
    cdef const uint8_t* q
    # locals: what the compiler would otherwise read again after every store to a row
    cdef const uint8_t* end = c.end
    cdef Digest d = digest[0]
    cdef Event* row = &c.rows[c.n]
    cdef int64_t recv_ns = c.recv_ns
    cdef uint64_t origin = c.frame | <uint64_t> c.connection << 32
    cdef uint64_t kind = <uint64_t> m.index << 32 | <uint64_t> LEVEL << 48
    cdef int tick_dec = m.dec[F_TICK]
    cdef int step_dec = m.dec[F_STEP]
    cdef int64_t tick = m.num[F_TICK]
    cdef int64_t step = m.num[F_STEP]
    cdef uint64_t side
    if unlikely(end - p < 16):
        return NULL
    side = p[2] == c'a'
    if unlikely(load8(p) != either(BIDS, ASKS, side) or p[8] != c'[' or p[9] != c'[' or p[10] != c'"'):
        return NULL
    p += 11
    kind |= side << 56
    while True:
        p = decimal(p, &price, &dec)
        if unlikely(p == NULL or p[0] != c',' or p[1] != c'"' or not scale(&price, tick_dec - dec, tick) or price == 0):
            return NULL
        p += 2
        q = short_decimal(p, end, &size, &dec)
        if unlikely(q == NULL):
            q = decimal(p, &size, &dec)
        p = q
        if unlikely(p == NULL or not scale(&size, step_dec - dec, step)):
            return NULL
        row.recv_ns = recv_ns
        row.venue_ns = 0
        row.price = price
        row.size = size
        store8(&row.frame, origin)      # frame, ref
        store8(&row.flags, kind)        # flags 0, market, kind, side
        fold(&d, <uint64_t> price ^ kind, <uint64_t> size)
        row += 1
        if end - p < 14:        # too little for one more level: `]]}` and what closes the message (a NUL stands at end)
            break
        if load4(p) == MORE:
            p += 4
            continue
        side = p[6] == c'a'
        if unlikely(not batch or load8(p) != either(MORE_BIDS, MORE_ASKS, side)
                    or load8(p + 7) != either(BIDS_LIST, ASKS_LIST, side)):
            return NULL
        p += 15
        kind = (kind & ~(<uint64_t> 1 << 56)) | side << 56
    if unlikely(p[0] != c']' or p[1] != c']' or p[2] != c'}'):
        return NULL
    c.n = row - c.rows
    digest[0] = d
    return p + 3


cdef inline const uint8_t* fast_trade(Reader* c, const uint8_t* p) noexcept nogil:
    """One trade as the Indexer writes it in updates; p at its brace."""
    cdef int size_dec, price_dec
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


cdef inline const uint8_t* fast_trades(Reader* c, const uint8_t* p, bint batch) noexcept nogil:
    """p at the first of the objects `{"trades":[..]}`; returns behind the last one's brace."""
    while True:
        if unlikely(c.end - p < 16 or not lit_list(p)):
            return NULL
        p += 11
        while True:
            p = fast_trade(c, p)
            if unlikely(p == NULL):
                return NULL
            if p[0] != c',':
                break
            p += 1
        if unlikely(p[0] != c']' or p[1] != c'}'):
            return NULL
        p += 2
        if not batch or p[0] != c',':
            return p
        p += 1


cdef inline int fast_news(Reader* c, Connection* link, const uint8_t* p, int64_t message_id) noexcept nogil:
    """An update of markets or blocks, p behind its message id: 3 where its rows stand on the tape, else 0."""
    cdef bint blocks
    if c.end - p < 96:
        return 0
    blocks = lit_blocks(p)
    if blocks:
        p += 63
    elif lit_markets(p):
        p += 35
    else:
        return 0
    while c'0' <= p[0] <= c'9' or p[0] == c'.':
        p += 1
    if c.end - p < 32 or not lit_contents(p) or p[13] != c'{':
        return 0
    p += 13
    c.depth = 2
    p = block(c, p) if blocks else market_contents(c, p)
    if p == NULL or c.reason or p[0] != c'}' or p + 1 != c.end:
        return 0
    follow_id(link, message_id, c.recv_ns)
    return 3


cdef inline int fast(Reader* c, Connection* link, const uint8_t* p, Py_ssize_t length) noexcept nogil:
    """A book update exactly as the Indexer writes it (1: rows, digest and counts are done), a trades update (2: its
    rows stand on the tape) or one of markets or blocks (3: the same, to be brought into the tables); 0 where it is
    anything else."""
    cdef Digest d = c.d
    cdef const uint8_t* s
    cdef bint batch
    cdef bint books
    cdef int market
    cdef uint64_t message_id = 0        # unsigned: it may overflow before its length is judged
    cdef const Market* m
    cdef Py_ssize_t start = c.n
    if length < 140 or link.id_length != 36:
        return 0
    batch = p[17] == c'b'       # {"type":"channel_batch_data" or {"type":"channel_data"
    if unlikely(not (lit_batch(p) if batch else lit_data(p))):
        return 0
    p += 46 if batch else 40
    if unlikely(memcmp(p, link.id, 36) != 0 or not lit_mid(p + 36)):
        return 0
    p += 51
    s = p
    while <unsigned int> p[0] - 48 <= 9:
        message_id = message_id * 10 + (p[0] - 48)
        p += 1
    if unlikely(p == s or p - s > 17 or s[0] == c'0' and p - s > 1):
        return 0
    if unlikely(p[2] == c'c' or p[9] == c'_'):      # `,"channel` or `,"id":"v4_`
        return 0 if batch else fast_news(c, link, p, <int64_t> message_id)
    if unlikely(not lit_id(p)):
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
    if likely(books):
        p = fast_books(c, p, m, batch, &d)
        if unlikely(p == NULL):
            return 0
    else:
        p = fast_trades(c, p, batch)
        if unlikely(p == NULL):
            return 0
    if batch:
        if unlikely(p[0] != c']'):
            return 0
        p += 1
    if unlikely(p[0] != c'}' or p + 1 != c.end):
        return 0
    if not books and not scale_trades(c, start, market):
        return 0
    follow_id(link, <int64_t> message_id, c.recv_ns)
    if books:
        c.d = d
        c.counters[C_LEVELS] += c.n - start
        return 1
    return 2
