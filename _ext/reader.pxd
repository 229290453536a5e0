# What one message is read with, and the values that stand in it.
#
# Two kinds of trouble. Not JSON: a function returns NULL. JSON that we refuse (a bad number, a key twice, a
# missing key): `c.reason` is set, reading goes on, and the caller takes all rows of the message back.

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memmove, memset

from digits cimport *
from event cimport *
from scan cimport *

cdef extern from *:
    """
    typedef struct { const char *name; int length; int code; } SniperKey;
    #define SNIPER_KEY(n, c) {n, sizeof(n) - 1, c}
    """
    ctypedef struct Key "SniperKey":
        const char* name
        int length
        int code

cdef enum:
    SCRATCH = 256           # longest string that is looked at, escapes resolved

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
    Digest d                # over every record and row
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
    uint8_t[11] day         # the last day read, `YYYY-MM-DDT`, and its nanoseconds
    int64_t day_ns


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


cdef inline const uint8_t* next_member(const uint8_t* p) noexcept nogil:
    """Behind a member of an object: the next key, or the brace that closes it."""
    p = blank(p)
    if p[0] == c',':
        p = blank(p + 1)
        return NULL if p[0] == c'}' else p
    return p if p[0] == c'}' else NULL


cdef inline const uint8_t* next_item(const uint8_t* p) noexcept nogil:
    """Behind an item of a list: the next one, or the bracket that closes it."""
    p = blank(p)
    if p[0] == c',':
        p = blank(p + 1)
        return NULL if p[0] == c']' else p
    return p if p[0] == c']' else NULL


cdef inline const uint8_t* string(Reader* c, const uint8_t* p, int depth, Text* out) noexcept nogil:
    """A value that has to be a string of ASCII, at most SCRATCH bytes; anything else is refused (out.length 0)."""
    if p[0] != c'"':
        refuse(c, R_BAD_VALUE)
        out.s = p               # of no length, but memcpy wants a pointer all the same
        out.length = 0
        return pass_over(c, p, depth)
    p = text(p, c.end, out)
    if p == NULL:
        return NULL
    if (out.escaped or out.foreign) and not ascii(c, out):
        refuse(c, R_NON_ASCII if out.foreign else R_BAD_VALUE)
        out.length = 0
    elif out.length > SCRATCH:
        refuse(c, R_BAD_VALUE)
        out.length = 0
    return p


cdef inline const uint8_t* quotient(Reader* c, const uint8_t* p, int depth, int64_t* m, int* d,
                                    uint32_t* flags) noexcept nogil:
    """An unsigned price that may be the result of a division (a deleveraging's): what does not fit is cut (INEXACT)."""
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
    if not long_decimal(t.s, t.length, m, d, &inexact) or t.s[0] == c'-':
        refuse(c, R_BAD_VALUE)
        return p
    if d[0] > 18:
        inexact = 1
        d[0] = narrow(m, d[0], 18)
    if inexact:
        flags[0] |= INEXACT
    return p


cdef inline const uint8_t* amount(Reader* c, const uint8_t* p, int depth, int64_t* m, int* d) noexcept nogil:
    """A value that has to be a string with a plain, unsigned decimal, exact."""
    cdef uint32_t flags = 0
    p = quotient(c, p, depth, m, d, &flags)
    if unlikely(flags != 0):
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


cdef inline const uint8_t* count(Reader* c, const uint8_t* p, int depth, int64_t* v) noexcept nogil:
    """A value that has to be a JSON number, whole and not negative."""
    cdef const uint8_t* start = p
    cdef int present
    v[0] = 0
    while <unsigned int> p[0] - 48 <= 9 and p - start < 18:
        v[0] = v[0] * 10 + (p[0] - 48)
        p += 1
    if likely(p > start and (p[0] == c',' or p[0] == c'}' or p[0] == c' ') and (start[0] != c'0' or p == start + 1)):
        return p
    if start[0] == c'"':
        refuse(c, R_BAD_VALUE)
    p = integer(c, start, depth, v, &present)
    if not present or v[0] < 0:
        refuse(c, R_BAD_VALUE)
    return p
