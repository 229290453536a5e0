# Any message of the Indexer: what stands around the contents, in any order of keys.
#
# `message` reads it once over, contents of books and trades where they stand with a guess of the channel; where
# that was not good it reads again, and contents only after type, channel and id are known.

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memmove, memset

from event cimport *
from book_frames cimport *
from candle_frames cimport *
from connection cimport *
from market_frames cimport *
from market_table cimport *
from reader cimport *
from scan cimport *
from trade_frames cimport *

cdef enum:
    ID_MAX = 160

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
    /* which key of the envelope: 0 type 1 connection_id 2 message_id 3 channel 4 id 5 contents 6 version 7 message
       8 subaccountNumber, -1 any other. Literals of constant length become a few loads. */
    #define SNIPER_IS(s) (memcmp(p, s, sizeof(s) - 1) == 0)
    static inline int sniper_envelope_key(const uint8_t *p, uint32_t length) {
        switch (length) {
        case 2: return SNIPER_IS("id") ? 4 : -1;
        case 4: return SNIPER_IS("type") ? 0 : -1;
        case 7: return SNIPER_IS("channel") ? 3 : SNIPER_IS("version") ? 6 : SNIPER_IS("message") ? 7 : -1;
        case 8: return SNIPER_IS("contents") ? 5 : -1;
        case 10: return SNIPER_IS("message_id") ? 2 : -1;
        case 13: return SNIPER_IS("connection_id") ? 1 : -1;
        case 16: return SNIPER_IS("subaccountNumber") ? 8 : -1;
        default: return -1;
        }
    }
    static inline int sniper_message(const uint8_t *p, uint32_t length) {     /* Message */
        switch (length) {
        case 4: return SNIPER_IS("pong") ? 7 : 0;
        case 5: return SNIPER_IS("error") ? 6 : 0;
        case 9: return SNIPER_IS("connected") ? 1 : 0;
        case 10: return SNIPER_IS("subscribed") ? 2 : 0;
        case 12: return SNIPER_IS("channel_data") ? 3 : SNIPER_IS("unsubscribed") ? 5 : 0;
        case 18: return SNIPER_IS("channel_batch_data") ? 4 : 0;
        default: return 0;
        }
    }
    static inline int sniper_channel(const uint8_t *p, uint32_t length) {     /* Channel */
        switch (length) {
        case 9: return SNIPER_IS("v4_trades") ? 2 : 0;
        case 10: return SNIPER_IS("v4_markets") ? 3 : SNIPER_IS("v4_candles") ? 4 : 0;
        case 12: return SNIPER_IS("v4_orderbook") ? 1 : 0;
        case 14: return SNIPER_IS("v4_subaccounts") ? 6 : 0;
        case 15: return SNIPER_IS("v4_block_height") ? 5 : 0;
        case 21: return SNIPER_IS("v4_parent_subaccounts") ? 7 : 0;
        default: return 0;
        }
    }
    static const SniperKey SNIPER_RESOLUTION_NAMES[] = {
        SNIPER_KEY("1MIN", 0), SNIPER_KEY("5MINS", 1), SNIPER_KEY("15MINS", 2), SNIPER_KEY("30MINS", 3),
        SNIPER_KEY("1HOUR", 4), SNIPER_KEY("4HOURS", 5), SNIPER_KEY("1DAY", 6), SNIPER_KEY("", -1)};
    """
    int envelope_key "sniper_envelope_key"(const uint8_t* p, uint32_t length) noexcept nogil
    int message_code "sniper_message"(const uint8_t* p, uint32_t length) noexcept nogil
    int channel_code "sniper_channel"(const uint8_t* p, uint32_t length) noexcept nogil
    const Key* RESOLUTION_NAMES "SNIPER_RESOLUTION_NAMES"


cdef inline const uint8_t* contents_object(Reader* c, const uint8_t* p, Envelope* e, int market) noexcept nogil:
    """One contents object of channel e.read_as; p at its brace."""
    cdef int seen = 0
    cdef Text k
    if e.read_as == CH_ORDERBOOK:
        return book(c, p)
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
        p = next_member(p)
        if p == NULL:
            return NULL
    if seen > 1:
        refuse(c, R_DUPLICATE_KEY)
    elif seen == 0:
        refuse(c, R_MISSING_KEY)
    return p + 1


cdef inline const uint8_t* read_contents(Reader* c, const uint8_t* p, Envelope* e, int market) noexcept nogil:
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


cdef inline const uint8_t* envelope(Reader* c, const uint8_t* p, Envelope* e, int guess) noexcept nogil:
    """The whole message. With a guess (a channel) contents of books and trades are read where they stand;
    otherwise they are leapt over and only their place is kept."""
    cdef Text k, t
    cdef int code, channel
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
        code = envelope_key(k.s, k.length)
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
            p = count(c, p, 1, &e.message_id)
        elif 0 <= code <= 4:
            p = string(c, p, 1, &t)
            if p == NULL:
                return NULL
            if code == 0:
                e.message = message_code(t.s, t.length)
            elif code == 3:
                e.channel = channel_code(t.s, t.length)
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
        p = next_member(p)
        if p == NULL:
            return NULL
    p = blank(p + 1)
    return p if p == c.end else NULL


cdef inline int market_of(Reader* c, Envelope* e) noexcept nogil:
    """The market that `id` names (for candles: up to the slash, which also sets c.resolution); -1 if none."""
    cdef uint32_t length = e.id_length
    cdef uint32_t i
    if e.channel == CH_CANDLES:
        c.resolution = -1
        i = length
        while i > 0 and e.id[i - 1] != c'/':
            i -= 1
        if i == 0:
            return -1
        c.resolution = code_of(RESOLUTION_NAMES, &e.id[i], length - i)
        if c.resolution < 0:
            return -1
        length = i - 1
    return find_near(c, e.id, length)


cdef inline bint needs_market(int channel) noexcept nogil:
    return channel == CH_ORDERBOOK or channel == CH_TRADES or channel == CH_CANDLES


cdef inline bint make_rows(Reader* c, Envelope* e, Py_ssize_t start, int market) noexcept nogil:
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


cdef inline bint message(Reader* c, Connection* link, const uint8_t* p, int* guess) noexcept nogil:
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
        # contents that were only leapt over say the same the second time
        if not once and e.read_as != 0 and (q == NULL or c.reason or not data or e.read_as != e.channel
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
            if e.channel == CH_CANDLES and c.resolution < 0:
                refuse(c, R_BAD_VALUE)
                return 0
            if market < 0 or not tradable(&c.markets[market]):
                refuse(c, R_UNKNOWN_MARKET)
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
