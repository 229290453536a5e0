"""Raw records -> rows on the tape, the market table, and what each connection has said.

Any bytes give rows or one ERROR row, never an exception and never half a message: rows are written first and
taken back when something turns out wrong. A message is read in one of three ways, each of which hands over to
the next when it meets what it does not expect, so that nothing is guessed:

1. `fast`: updates exactly as the Indexer writes them, by comparing literals;
2. `envelope` once over: keys in any order, contents read where they stand;
3. `envelope` twice over: contents only after type, channel and id are known.

Wire: https://docs.dydx.xyz (Indexer WebSocket); what each row means: docs/rows.md.
"""

import numpy as np

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING
from cpython.object cimport PyObject
from libc.string cimport memcmp, memcpy, memmove, memset

from connection cimport *
from envelope cimport *
from event cimport *
from fast cimport *
from market_table cimport *
from reader cimport *
from records cimport *
from scan cimport *
from step cimport S_UNEASY, step_of

from sniper._ext.tape import MARKET_DTYPE, sparse

cdef extern from "Python.h":
    # the same as Cython's, with borrowed pointers: counting references costs more than reading a record
    bint tuple_exact "PyTuple_CheckExact"(PyObject* o)
    bint is_bytes "PyBytes_Check"(PyObject* o)
    Py_ssize_t tuple_size "PyTuple_GET_SIZE"(PyObject* o)
    Py_ssize_t bytes_size "PyBytes_GET_SIZE"(PyObject* o)
    Py_ssize_t list_size "PyList_GET_SIZE"(PyObject* o)
    PyObject* list_item "PyList_GET_ITEM"(PyObject* o, Py_ssize_t i)
    PyObject* tuple_item "PyTuple_GET_ITEM"(PyObject* o, Py_ssize_t i)
    const char* bytes_text "PyBytes_AS_STRING"(PyObject* o)
    # of 64 bits on every system that this runs on, and three times as fast as PyLong_AsLongLong for a time in ns
    long whole_number "PyLong_AsLong"(PyObject* o) except? -1

cdef extern from *:
    """
    /* Ask for the first 512 bytes of a record before its turn: the frames of a recording come straight from memory.
       Always inline: a function that does nothing else is one without effect to a compiler, and its calls go. */
    #if defined(__GNUC__)
    static inline __attribute__((always_inline)) void sniper_fetch(PyObject *record) {
        const char *text;
        int i;
        if (!PyTuple_CheckExact(record) || PyTuple_GET_SIZE(record) != 4) return;
        text = (const char *)PyTuple_GET_ITEM(record, 3);
        for (i = 0; i < 512; i += 64) __builtin_prefetch(text + i);
    }
    #else
    #  define sniper_fetch(record) ((void)(record))
    #endif
    """
    void fetch "sniper_fetch"(PyObject* record) noexcept

cdef enum:
    AHEAD = 4       # records that are fetched ahead of their turn
    LOUD = 1 << GAP | 1 << MARKET | 1 << LINK | 1 << CONNECTED | 1 << BOOK | 1 << UNSUBSCRIBED | 1 << ERROR
    # kinds of rows that `Links` reads

LOUD_KINDS = LOUD

cdef Connection _connection
CONNECTION_DTYPE = np.asarray(<Connection[:1]> &_connection).dtype


cdef inline void fold_bytes(Digest* d, const uint8_t* p, Py_ssize_t length) noexcept nogil:
    cdef Py_ssize_t i = 0
    while i + 16 <= length:
        fold(d, load8(p + i), load8(p + i + 8))
        i += 16
    if i + 8 <= length:
        fold(d, load8(p + i), 0)


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


cdef int hear(Reader* c, Connection* link, const uint8_t* p) noexcept nogil:
    """A message refused for its contents did come: its id is not missing. c.reason stays as it is.

    Returns the market whose book the message was about, NO_MARKET where it was about none that we could keep.
    """
    cdef Envelope e
    cdef int reason = c.reason
    cdef int market = NO_MARKET
    cdef int found
    c.reason = R_NONE
    if envelope(c, p, &e, 0) != NULL and not c.reason:
        if (e.seen & 5) == 5:
            follow_id(link, e.message_id, c.recv_ns)
        if M_SUBSCRIBED <= e.message <= M_BATCH and e.channel == CH_ORDERBOOK and e.seen & 16:
            found = market_of(c, &e)
            if found >= 0 and tradable(&c.markets[found]):
                market = found
    c.reason = reason
    return market


@cython.final
cdef class Decoder:
    """Raw records -> rows of `tape`. Keeps the market table and the state of every connection.

    tape: the shared `Tape`. markets_max: rows of the market table; a message that brings more is refused.
    `markets` (MARKET_DTYPE, the first `markets_n` rows count) and `connections` (CONNECTION_DTYPE, the first
    `connections_n`) are arrays to read; they change with every `apply`.
    """

    cdef readonly object tape, markets, connections
    cdef readonly int connections_n
    cdef int[CONNECTIONS] talkers       # connections that brought frames, ascending
    cdef int talkers_n
    cdef uint8_t[CONNECTIONS] hushed    # 1: taken to be quiet
    cdef int hushed_n
    cdef int64_t stale_block_ns, silence_ns, grace_ns
    cdef bint uneasy
    cdef object _slots, _stamps
    cdef Reader c
    cdef int guess
    cdef int64_t kinds          # bit k: a row of kind k came in this tick
    cdef Py_ssize_t others_n    # rows that are not levels
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
        self.connections = sparse(CONNECTIONS, CONNECTION_DTYPE)
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
        self.c.counters = &self.counters[0]
        memcpy(self.c.day, b"1970-01-01T", 11)      # the day of `day_ns` 0
        self.c.d.a = 1
        self.c.d.b = 2

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
        cdef Py_ssize_t count = list_size(<PyObject*> records)
        cdef PyObject* record
        cdef PyObject* data
        cdef PyObject* connection_was = NULL
        cdef PyObject* kind_was = NULL
        cdef int64_t connection = 0
        cdef int64_t kind = 0
        cdef Reader* c = &self.c
        cdef const uint8_t* p
        if count > self.records_max:
            raise ValueError(f"{count} records in one tick, at most {self.records_max}")
        c.n = 0
        c.trades_n = 0
        c.candles_n = 0
        c.updates_n = 0
        self.kinds = 0
        self.others_n = 0
        for i in range(count):
            record = list_item(<PyObject*> records, i)
            if not tuple_exact(record) or tuple_size(record) != 4:
                raise TypeError("a record is a tuple (recv_ns, connection, kind, data)")
            # small numbers are one object each: the same object again needs no second look
            if tuple_item(record, 1) != connection_was:
                connection_was = tuple_item(record, 1)
                connection = whole_number(connection_was)
            if tuple_item(record, 2) != kind_was:
                kind_was = tuple_item(record, 2)
                kind = whole_number(kind_was)
            data = tuple_item(record, 3)
            if not is_bytes(data) or not 0 <= connection < CONNECTIONS or not 0 <= kind <= REC_VENUE:
                raise ValueError(f"not a record: connection {connection}, kind {kind}, data {type(<object> data).__name__}")
            length = bytes_size(data)
            p = <const uint8_t*> bytes_text(data)
            c.recv_ns = whole_number(tuple_item(record, 0))
            c.frame = <uint32_t> i
            c.connection = <uint32_t> connection
            c.end = p + length
            total += length
            if i + AHEAD < count:
                fetch(list_item(<PyObject*> records, i + AHEAD))
            self.read(<int> kind, p, length, total > self.bytes_max)
        self.used[U_OTHERS] = self.others_n
        self.used[U_TRADES] = c.trades_n
        self.used[U_CANDLES] = c.candles_n
        self.used[U_MARKETS] = c.updates_n
        self.used[U_KINDS] = self.kinds
        self.digests[2 * STAGE_DECODE] = c.d.a
        self.digests[2 * STAGE_DECODE + 1] = c.d.b
        self.counters[C_RECORDS] += count
        self.counters[C_ROWS] += c.n
        return c.n

    cdef inline void read(self, int kind, const uint8_t* p, Py_ssize_t length, bint too_much) noexcept:
        """One record: its rows, or one ERROR row."""
        cdef Reader* c = &self.c
        cdef Py_ssize_t start = c.n
        cdef Py_ssize_t trades_n = c.trades_n
        cdef Py_ssize_t updates_n = c.updates_n
        cdef int markets_n = c.markets_n
        cdef Connection* link = &self._connections[c.connection]
        cdef int quick
        if unlikely(<int> c.connection >= self.connections_n):
            self.meet()
        fold(&c.d, <uint64_t> c.recv_ns, <uint64_t> length << 32 | <uint64_t> kind << 16 | c.connection)
        c.flags = 0
        c.reason = R_NONE
        if likely(kind == REC_FRAME):
            c.counters[C_FRAMES] += 1
            c.counters[C_BYTES] += length
            if unlikely(link.frames == 0):
                self.hear(<int> c.connection)
            link.frames += 1
            link.bytes += length
            link.last_ns = c.recv_ns
            quick = fast(c, link, p, length) if likely(not too_much) else 0
            if likely(quick):
                c.counters[C_FAST_FRAMES] += 1
                if unlikely(quick == 3):
                    self.commit(start)
                if unlikely(quick != 1):
                    self.add_up(start)
                return
            self.take_back(start, trades_n, updates_n, markets_n)
            c.reason = R_NONE
        self.read_slowly(kind, p, too_much)

    cdef void meet(self) noexcept:
        """Connections that were not heard of before."""
        while self.connections_n <= <int> self.c.connection:
            self._connections[self.connections_n].next_id = -1
            self.connections_n += 1

    cdef void hear(self, int connection) noexcept:
        """The first frame of a connection."""
        cdef int i = self.talkers_n
        while i and self.talkers[i - 1] > connection:
            self.talkers[i] = self.talkers[i - 1]
            i -= 1
        self.talkers[i] = connection
        self.talkers_n += 1

    cdef void read_slowly(self, int kind, const uint8_t* p, bint too_much) noexcept:
        """Any record that is not an update in the Indexer's own style."""
        cdef Reader* c = &self.c
        cdef Py_ssize_t start = c.n
        cdef Py_ssize_t trades_n = c.trades_n
        cdef Py_ssize_t candles_n = c.candles_n
        cdef Py_ssize_t updates_n = c.updates_n
        cdef int markets_n = c.markets_n
        cdef Connection* link = &self._connections[c.connection]
        cdef bint good = 0
        cdef int deep = 0
        cdef int64_t bad_levels = 0
        cdef int market = NO_MARKET
        cdef const uint8_t* q
        cdef Event* row
        if too_much:
            good = 0
        elif kind == REC_FRAME:
            good = message(c, link, p, &self.guess)
        elif kind == REC_REST:
            good = rest(c, p)
        else:
            good = own_record(c, kind, p)
        if likely(good):
            self.commit(start)
            self.add_up(start)
            return
        # refused: take everything back, then say why
        self.take_back(start, trades_n, updates_n, markets_n)
        c.candles_n = candles_n
        if too_much:
            c.reason = R_TOO_LARGE
        elif kind == REC_FRAME or kind == REC_REST and c.reason != R_BAD_RECORD:
            if kind == REC_REST:
                while p[0] != c'\n':
                    p += 1
                p += 1
            q = skip(blank(p), c.end, 0, &deep)
            if q == NULL or blank(q) != c.end:
                c.reason = R_TOO_DEEP if deep else R_SYNTAX
            else:
                if c.reason == R_NONE:
                    c.reason = R_BAD_VALUE
                if kind == REC_FRAME:
                    bad_levels = count_levels(c, p)
                    market = hear(c, link, p)
        elif c.reason == R_NONE:
            c.reason = R_SYNTAX
        c.flags = FROM_REST if kind == REC_REST else 0
        row = add(c, ERROR, c.reason, market)
        row.size = bad_levels
        self.add_up(start)
        self.counters[C_REJECTED] += 1
        self.counters[C_REJECTED_LEVELS] += bad_levels

    cdef void take_back(self, Py_ssize_t start, Py_ssize_t trades_n, Py_ssize_t updates_n, int markets_n) noexcept:
        """The message was not read to its end: rows and markets as before it."""
        cdef Reader* c = &self.c
        c.n = start
        c.trades_n = trades_n
        c.updates_n = updates_n
        if c.markets_n != markets_n:
            c.markets_n = markets_n
            self.rehash()

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

    cdef void add_up(self, Py_ssize_t start) noexcept:
        """Digest, counters and the list of other rows than levels, for the rows of one message."""
        cdef Reader* c = &self.c
        cdef uint32_t* others = &self._others[0]
        cdef Digest d = c.d
        cdef const Event* row
        cdef Py_ssize_t i
        cdef int kind
        cdef int64_t levels_n = 0
        for i in range(start, c.n):
            row = &c.rows[i]
            fold(&d, <uint64_t> row.price ^ load8(<const uint8_t*> &row.flags),
                 <uint64_t> row.size ^ <uint64_t> row.venue_ns)
            kind = row.kind
            if likely(kind == LEVEL):
                levels_n += 1
                continue
            self.kinds |= <int64_t> 1 << kind
            others[self.others_n] = <uint32_t> i
            self.others_n += 1
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
        c.d = d

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

    def numbers(self, int market):
        """A row of `markets` as plain numbers: (known, status, type, oracle_ns, num, dec, whole), the last three as
        tuples. A tenth of the time that NumPy takes for it."""
        if not 0 <= market < self.c.markets_max:
            raise IndexError(f"no market {market}: there is room for {self.c.markets_max}")
        cdef const Market* m = &self._markets[market]
        cdef int64_t* n = <int64_t*> m.num
        cdef int64_t* w = <int64_t*> m.whole
        cdef uint8_t* d = <uint8_t*> m.dec
        return (m.known, m.status, m.type, m.oracle_ns,
                (n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8], n[9], n[10], n[11]),
                (d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7], d[8], d[9], d[10], d[11]),
                (w[0], w[1], w[2], w[3], w[4], w[5], w[6]))

    @property
    def tickers(self):
        """All tickers, in the order of the table."""
        return [self.ticker(i) for i in range(self.c.markets_n)]

    def quiet(self, int64_t now_ns, int64_t stale_block_ns, int64_t silence_ns):
        """Connections that brought frames and no news for too long, ascending.

        Too long: `stale_block_ns` without a new block, or without any frame for `silence_ns` where none ever came.
        """
        cdef int i
        cdef Connection* link
        cdef tuple out = ()
        for i in self.talkers[:self.talkers_n]:
            link = &self._connections[i]
            if now_ns - link.block_recv_ns > stale_block_ns if link.height else now_ns - link.last_ns > silence_ns:
                out += (i,)
        return out

    def step(self):
        """Its part of a tick, for `Column`."""
        return step_of(self, decode_step)

    def allow(self, int64_t stale_block_ns, int64_t silence_ns, int64_t grace_ns):
        """The bounds of `calm`."""
        self.stale_block_ns, self.silence_ns, self.grace_ns = stale_block_ns, silence_ns, grace_ns

    def expect(self, tuple quiet, bint uneasy):
        """Which connections, ascending, `calm` takes to be quiet. uneasy: a step asks for a look in any case.

        IndexError, and no change, for one that cannot be.
        """
        cdef int i
        before = -1
        for one in quiet:
            if not before < one < CONNECTIONS:
                raise IndexError(f"no such connections, ascending: {quiet}")
            before = one
        memset(self.hushed, 0, sizeof(self.hushed))
        self.hushed_n = len(quiet)
        for i in quiet:
            self.hushed[i] = 1
        self.uneasy = uneasy

    cpdef bint calm(self, int64_t now_ns):
        """Whether `quiet` would return what is expected and `overdue` nothing, by the bounds of `allow`."""
        cdef int i
        cdef int known = 0
        cdef Connection* link
        for i in self.talkers[:self.talkers_n]:
            link = &self._connections[i]
            if link.given_up or link.missing_n and now_ns - link.missing_ns[0] > self.grace_ns:
                return False
            if (now_ns - link.block_recv_ns > self.stale_block_ns if link.height
                    else now_ns - link.last_ns > self.silence_ns):
                if not self.hushed[i]:
                    return False
                known += 1
        return known == self.hushed_n

    @property
    def block_ns(self):
        """Time of the newest block that any connection told of, 0 while none did."""
        cdef int i
        cdef int64_t found = 0
        for i in self.talkers[:self.talkers_n]:
            found = max(found, self._connections[i].block_ns)
        return found

    def overdue(self, int64_t now_ns, int64_t grace_ns):
        """Connections with message ids that have been missing for longer than `grace_ns`, or that were too many to
        wait for; forgets those ids.

        Returns a list of (connection, ids). Source of the rule: message ids are one counter a connection, and
        replies to subscribe come late, so only age tells a lost message from a late one.
        """
        cdef int i, k
        cdef Connection* link
        out = []
        for i in self.talkers[:self.talkers_n]:
            link = &self._connections[i]
            k = 0
            while k < link.missing_n and now_ns - link.missing_ns[k] > grace_ns:
                k += 1
            if k or link.given_up:
                out.append((i, k + link.given_up))
                self.counters[C_MISSING_IDS] += k + link.given_up
                link.given_up = 0
                link.lost_ids += k
                link.missing_n -= k
                memmove(link.missing_id, &link.missing_id[k], link.missing_n * 8)
                memmove(link.missing_ns, &link.missing_ns[k], link.missing_n * 8)
        return out

    def digest(self):
        """The running 128-bit digest over every record and row, as two integers."""
        return self.c.d.a, self.c.d.b

    def save(self):
        """The state as bytes (market table, connections, digest)."""
        cdef Head head
        memset(&head, 0, sizeof(Head))
        memcpy(head.magic, <const char*> MAGIC, 8)
        head.markets_n = self.c.markets_n
        head.connections_n = self.connections_n
        head.guess = self.guess
        head.digest_a = self.c.d.a
        head.digest_b = self.c.d.b
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
        self.talkers_n = 0
        for m in np.flatnonzero(connections["frames"]).tolist():
            self.hear(m)
        self.guess = <int> head.guess
        self.c.d.a = head.digest_a
        self.c.d.b = head.digest_b
        self.rehash()


cdef int decode_step(void* kernel, int64_t now_ns, Py_ssize_t n) except -1:
    """The rows stand on the tape already: whether `Links` has to look at them, or at the connections."""
    cdef Decoder decoder = <Decoder> kernel
    return S_UNEASY if decoder.uneasy or decoder.kinds & LOUD or not decoder.calm(now_ns) else 0
