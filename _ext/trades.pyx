"""TRADE rows -> each trade once: duplicates flagged, counts, volumes, the last price and a short tape a market.

The Indexer delivers at least once and every snapshot repeats what was sent before, so trades are told apart by
their id, as opaque text: an id that was seen among the last IDS_MAX of its market gets the DUPLICATE flag, and
the stages behind this one pass over it.
"""

import numpy as np

cimport cython
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp, memcpy, memset

from event cimport *
from step cimport step_of

cdef extern from *:
    """
    static const int64_t SNIPER_TEN[19] = {1LL, 10LL, 100LL, 1000LL, 10000LL, 100000LL, 1000000LL, 10000000LL,
        100000000LL, 1000000000LL, 10000000000LL, 100000000000LL, 1000000000000LL, 10000000000000LL,
        100000000000000LL, 1000000000000000LL, 10000000000000000LL, 100000000000000000LL, 1000000000000000000LL};
    static const uint64_t SNIPER_MIX = 0x9E3779B97F4A7C15ull;
    /* sums of 128 bits in two words, so that NumPy can hold them */
    static inline void sniper_add_wide(uint64_t *low, uint64_t *high, uint64_t x) { *low += x; *high += *low < x; }
    /* times a power of ten; stays at the top where it would overflow */
    static inline void sniper_times_wide(uint64_t *low, uint64_t *high, uint64_t x) {
        unsigned __int128 l = (unsigned __int128)*low * x, h = (unsigned __int128)*high * x + (uint64_t)(l >> 64);
        *low = h >> 64 ? UINT64_MAX : (uint64_t)l;
        *high = h >> 64 ? UINT64_MAX : (uint64_t)h;
    }
    """
    void add_wide "sniper_add_wide"(uint64_t* low, uint64_t* high, uint64_t x) noexcept nogil
    void times_wide "sniper_times_wide"(uint64_t* low, uint64_t* high, uint64_t x) noexcept nogil
    const int64_t[19] TEN "SNIPER_TEN"
    const uint64_t MIX "SNIPER_MIX"

cdef enum:
    IDS_MAX = 4096      # ids remembered a market, a power of two (twice that must fit the 18 bits above PLACE)
    IDS_FIRST = 256
    PLACE = 0x3FFF      # of a slot: place in the ring + 1; the bits above it: part of the hash
    RECENT = 64         # trades of the short tape a market

cdef struct Key:
    uint64_t high       # never 0 in a used place
    uint64_t low

# One trade of the short tape. Prices and sizes are exact decimals.
cdef struct Recent:
    int64_t recv_ns
    int64_t venue_ns
    int64_t price
    int64_t size
    uint32_t flags
    uint8_t price_dec
    uint8_t size_dec
    uint8_t side        # 0 BUY 1 SELL
    uint8_t reserved

# What everybody may read of one market's trades (Trades.stats).
cdef struct Stat:
    int64_t count           # distinct trades, snapshots included
    int64_t duplicates
    int64_t last_price      # of the last one to arrive
    int64_t last_ns         # its venue time
    int64_t liquidations    # of type LIQUIDATED
    uint64_t buy_low        # volume in coins, 128 bits, size_dec decimals
    uint64_t buy_high
    uint64_t sell_low
    uint64_t sell_high
    uint8_t last_dec
    uint8_t size_dec
    uint8_t[6] reserved

cdef struct Ids:
    Key* ring
    uint32_t* table         # open addressing, twice as many slots as the ring has places; NULL: ids ascend so far
    uint32_t room           # of the ring
    uint32_t n              # ids held
    uint32_t next           # ring position of the oldest once it is full
    int64_t taken           # trades put on the short tape
    Recent[RECENT] recent

cdef Stat _stat
cdef Recent _recent
STAT_DTYPE = np.asarray(<Stat[:1]> &_stat).dtype
RECENT_DTYPE = np.asarray(<Recent[:1]> &_recent).dtype
KEY_DTYPE = np.dtype([("high", np.uint64), ("low", np.uint64)])


cdef inline uint32_t hash_of(const Key* k) noexcept nogil:
    return <uint32_t> (((k.low ^ k.high << 7) * MIX) >> 32)


cdef inline uint64_t key_high(const Trade* t) noexcept nogil:
    """The high word of an id's key: the form of the id is part of it, and keeps it from being 0."""
    return t.id_high | (<uint64_t> 1 << (63 if t.id_form else 32))


cdef inline uint32_t home_of(uint32_t h) noexcept nogil:
    """The slot where a hash, or a table entry, which keeps the upper bits of one, would like to stand."""
    return h >> 14


cdef inline bint before(const Key* a, const Key* b) noexcept nogil:
    return a.high < b.high or a.high == b.high and a.low < b.low


cdef inline void enter(Ids* ids, uint32_t place) noexcept nogil:
    """Point the table at a place of the ring."""
    cdef uint32_t mask = 2 * ids.room - 1
    cdef uint32_t h = hash_of(&ids.ring[place])
    cdef uint32_t i = home_of(h) & mask
    while ids.table[i]:
        i = (i + 1) & mask
    ids.table[i] = (h & ~<uint32_t> PLACE) | (place + 1)


cdef bint tabulate(Ids* ids) noexcept nogil:
    """Give the ids a table. 0 where memory is short."""
    cdef uint32_t i
    free(ids.table)
    ids.table = <uint32_t*> calloc(2 * ids.room, sizeof(uint32_t))
    if ids.table == NULL:
        return 0
    for i in range(ids.n):
        enter(ids, (ids.next + i) & (ids.room - 1))
    return 1


cdef bint grow(Ids* ids) noexcept nogil:
    """Double the room. 0 where it is at its bound or memory is short: then the oldest id goes."""
    cdef uint32_t room = ids.room * 2 if ids.room else IDS_FIRST
    cdef uint32_t i
    cdef Key* ring
    if room > IDS_MAX:
        return 0
    ring = <Key*> calloc(room, sizeof(Key))
    if ring == NULL:
        return 0
    for i in range(ids.n):
        ring[i] = ids.ring[(ids.next + i) & (ids.room - 1)]
    free(ids.ring)
    ids.ring = ring
    ids.room = room
    ids.next = 0
    return ids.table == NULL or tabulate(ids)


cdef void forget(Ids* ids) noexcept nogil:
    """Take the oldest id out, and out of the table (open addressing: close the hole by shifting back)."""
    cdef uint32_t mask = 2 * ids.room - 1
    cdef uint32_t place = ids.next
    cdef uint32_t i, j, home
    ids.n -= 1
    ids.next = (place + 1) & (ids.room - 1)
    if ids.table == NULL:
        return
    i = home_of(hash_of(&ids.ring[place])) & mask
    while ids.table[i] & PLACE != place + 1:
        i = (i + 1) & mask
    j = i
    while True:
        j = (j + 1) & mask
        if not ids.table[j]:
            break
        home = home_of(ids.table[j]) & mask
        if ((j - home) & mask) >= ((j - i) & mask):
            ids.table[i] = ids.table[j]
            i = j
    ids.table[i] = 0


cdef bint held(const Ids* ids, const Key* key) noexcept nogil:
    """Whether an id is there. Without a table the ring is ascending: look by halves."""
    cdef uint32_t mask = 2 * ids.room - 1
    cdef uint32_t h, i, low, high
    cdef const Key* k
    if ids.table == NULL:
        low = 0
        high = ids.n
        while low < high:
            i = (low + high) >> 1
            if before(&ids.ring[(ids.next + i) & (ids.room - 1)], key):
                low = i + 1
            else:
                high = i
        if low == ids.n:
            return 0
        k = &ids.ring[(ids.next + low) & (ids.room - 1)]
        return k.low == key.low and k.high == key.high
    h = hash_of(key)
    i = home_of(h) & mask
    while ids.table[i]:
        if (ids.table[i] ^ h) & ~<uint32_t> PLACE == 0:
            k = &ids.ring[(ids.table[i] & PLACE) - 1]
            if k.low == key.low and k.high == key.high:
                return 1
        i = (i + 1) & mask
    return 0


cdef bint remember(Ids* ids, uint64_t high, uint64_t low) noexcept nogil:
    """Enter an id. 0 if it is there already.

    Ids usually ascend, and one above all others is new without a search, so the ring alone will do. The first id
    that does not ascend gives the market a table, and from then on every id is looked up there.
    """
    cdef Key key
    cdef uint32_t place
    cdef bint ascending
    key.high = high
    key.low = low
    ascending = ids.table == NULL and (
        ids.n == 0 or before(&ids.ring[(ids.next + ids.n - 1) & (ids.room - 1)], &key))
    if not ascending:
        if held(ids, &key):
            return 0
        if ids.table == NULL and not tabulate(ids):
            return 1
    if unlikely(ids.n == ids.room) and not grow(ids):
        if ids.room == 0:
            return 1
        forget(ids)
    place = (ids.next + ids.n) & (ids.room - 1)
    ids.ring[place] = key
    ids.n += 1
    if ids.table != NULL:
        enter(ids, place)
    return 1


cdef struct Head:
    char[8] magic
    int64_t markets_max
    int64_t kept
    uint64_t digest_a
    uint64_t digest_b

cdef struct MarketHead:
    int64_t market
    int64_t ids
    int64_t taken

cdef bytes MAGIC = b"trades/1"


@cython.final
cdef class Trades:
    """The trades of every market, each counted once.

    `stats` (STAT_DTYPE, one row a market) is the array to read; `volumes`, `recent` ask for more.
    """

    cdef readonly object tape, stats
    cdef readonly int markets_max
    cdef Event[::1] rows
    cdef uint32_t[::1] others
    cdef int64_t[::1] used
    cdef uint64_t[::1] digests
    cdef Trade[::1] side
    cdef Stat[::1] s
    cdef int64_t[::1] counters
    cdef Ids** ids
    cdef Digest d

    def __cinit__(self, tape, int markets_max=1024):
        if not 1 <= markets_max <= 8192:
            raise ValueError(f"markets_max must lie in 1..8192, not {markets_max}")
        self.ids = <Ids**> calloc(markets_max, sizeof(Ids*))
        if self.ids == NULL:
            raise MemoryError
        self.markets_max = markets_max
        self.tape = tape
        self.rows = tape.rows
        self.others = tape.others
        self.used = tape.used
        self.digests = tape.digests
        self.side = tape.trades
        self.counters = tape.counters
        self.stats = np.zeros(markets_max, STAT_DTYPE)
        self.s = self.stats
        self.d.a = 5
        self.d.b = 6

    def __dealloc__(self):
        cdef int m
        if self.ids != NULL:
            for m in range(self.markets_max):
                self.drop(m)
            free(self.ids)

    cdef void drop(self, int m) noexcept:
        if self.ids[m] != NULL:
            free(self.ids[m].ring)
            free(self.ids[m].table)
            free(self.ids[m])
            self.ids[m] = NULL

    def step(self):
        """Its part of a tick, for `Column`."""
        return step_of(self, trades_step)

    cpdef apply(self, Py_ssize_t n):
        """Flag the duplicates among the first n rows of the tape and count the rest."""
        cdef Py_ssize_t i
        cdef Event* row
        if not 0 <= n <= self.rows.shape[0]:
            raise ValueError(f"{n} rows: the tape holds {self.rows.shape[0]}")
        if not self.used[U_TRADES]:
            return
        for i in range(self.used[U_OTHERS]):
            row = &self.rows[self.others[i]]
            if row.kind == TRADE and row.market < self.markets_max:
                self.one(row)
        self.digests[2 * STAGE_TRADES] = self.d.a
        self.digests[2 * STAGE_TRADES + 1] = self.d.b

    cdef void one(self, Event* row) noexcept:
        cdef int m = row.market
        cdef Stat* s = &self.s[m]
        cdef Ids* ids = self.ids[m]
        cdef const Trade* t = &self.side[row.ref]
        cdef Recent* r
        cdef int dec
        cdef uint64_t size
        if unlikely(ids == NULL):
            ids = <Ids*> calloc(1, sizeof(Ids))
            if ids == NULL:
                return
            self.ids[m] = ids
        if not remember(ids, key_high(t), t.id_low):
            row.flags |= DUPLICATE
            s.duplicates += 1
            self.counters[C_DUPLICATE_TRADES] += 1
            return
        dec = (row.flags >> 16) & 0xFF
        size = <uint64_t> row.size
        if unlikely(s.count == 0):
            s.size_dec = <uint8_t> dec
        elif unlikely(dec > s.size_dec):
            times_wide(&s.buy_low, &s.buy_high, <uint64_t> TEN[dec - s.size_dec])
            times_wide(&s.sell_low, &s.sell_high, <uint64_t> TEN[dec - s.size_dec])
            s.size_dec = <uint8_t> dec
        if row.side:
            self.put(&s.sell_low, &s.sell_high, size, s.size_dec - dec)
        else:
            self.put(&s.buy_low, &s.buy_high, size, s.size_dec - dec)
        s.count += 1
        s.last_price = row.price
        s.last_dec = <uint8_t> (row.flags >> 24)
        s.last_ns = row.venue_ns
        s.liquidations += row.flags & LIQUIDATED != 0
        self.counters[C_TRADES] += 1
        r = &ids.recent[ids.taken % RECENT]
        ids.taken += 1
        r.recv_ns = row.recv_ns
        r.venue_ns = row.venue_ns
        r.price = row.price
        r.size = row.size
        r.flags = row.flags & 0xFFFF
        r.price_dec = <uint8_t> (row.flags >> 24)
        r.size_dec = <uint8_t> dec
        r.side = row.side
        fold(&self.d, <uint64_t> s.count ^ <uint64_t> m << 48, s.buy_low ^ s.sell_low << 1)

    cdef inline void put(self, uint64_t* low, uint64_t* high, uint64_t size, int finer) noexcept:
        """Add a size that has `finer` decimals less than the sum."""
        cdef uint64_t zero = 0
        if finer:
            times_wide(&size, &zero, <uint64_t> TEN[finer])
            high[0] += zero
        add_wide(low, high, size)

    def volumes(self, int market):
        """(buy, sell, decimals): coins bought and sold by takers, exact integers scaled by 10 ** decimals."""
        if not 0 <= market < self.markets_max:
            raise IndexError(f"no market {market}")
        cdef Stat* s = &self.s[market]
        return ((<object> s.buy_high << 64) | s.buy_low, (<object> s.sell_high << 64) | s.sell_low, s.size_dec)

    def recent(self, int market, Py_ssize_t count=RECENT):
        """The last trades of a market, newest first, at most RECENT (RECENT_DTYPE)."""
        cdef Ids* ids
        cdef Recent[::1] out
        cdef Py_ssize_t n, i
        if not 0 <= market < self.markets_max:
            raise IndexError(f"no market {market}")
        ids = self.ids[market]
        if ids == NULL or count <= 0:
            return np.empty(0, RECENT_DTYPE)
        n = min(count, ids.taken, RECENT)
        result = np.empty(n, RECENT_DTYPE)
        if n:
            out = result
            for i in range(n):
                out[i] = ids.recent[(ids.taken - 1 - i) % RECENT]
        return result

    def digest(self):
        """The running 128-bit digest over every new trade, as two integers."""
        return self.d.a, self.d.b

    def save(self):
        """The state as bytes: statistics, ids (oldest first) and the short tape of every market that traded."""
        cdef Head head
        cdef MarketHead mh
        cdef Ids* ids
        cdef int m
        cdef uint32_t first
        cdef list parts = [b""]
        memset(&head, 0, sizeof(Head))
        memcpy(head.magic, <const char*> MAGIC, 8)
        head.markets_max = self.markets_max
        head.digest_a = self.d.a
        head.digest_b = self.d.b
        for m in range(self.markets_max):
            ids = self.ids[m]
            if ids == NULL:
                continue
            head.kept += 1
            mh.market = m
            mh.ids = ids.n
            mh.taken = ids.taken
            parts.append((<char*> &mh)[:sizeof(MarketHead)])
            parts.append(self.stats[m:m + 1].tobytes())
            if ids.n:
                first = min(ids.n, ids.room - ids.next)
                parts.append((<char*> &ids.ring[ids.next])[:first * sizeof(Key)])
                parts.append((<char*> ids.ring)[:(ids.n - first) * sizeof(Key)])
            parts.append((<char*> &ids.recent[0])[:min(ids.taken, RECENT) * sizeof(Recent)])
        parts[0] = (<char*> &head)[:sizeof(Head)]
        return b"".join(parts)

    def load(self, bytes state not None):
        """Take over a state that `save` wrote. Raises ValueError, and changes nothing, on anything else."""
        cdef Head head
        cdef MarketHead mh
        cdef Ids* ids
        cdef Py_ssize_t i, p, k
        cdef const char* raw = state
        cdef const Key* key
        cdef list found = []
        if len(state) < <Py_ssize_t> sizeof(Head):
            raise ValueError("trades state is too short")
        memcpy(&head, raw, sizeof(Head))
        if memcmp(head.magic, <const char*> MAGIC, 8) != 0:
            raise ValueError("not a trades state of this version")
        if head.markets_max != self.markets_max or not 0 <= head.kept <= self.markets_max:
            raise ValueError(f"trades state is for {head.markets_max} markets, not {self.markets_max}")
        p = sizeof(Head)
        for _ in range(head.kept):
            if len(state) - p < <Py_ssize_t> sizeof(MarketHead):
                raise ValueError("trades state is cut short")
            memcpy(&mh, raw + p, sizeof(MarketHead))
            p += sizeof(MarketHead)
            if not (0 <= mh.market < self.markets_max and 0 <= mh.ids <= IDS_MAX and mh.taken >= 0):
                raise ValueError("trades state holds an impossible market")
            k = min(mh.taken, RECENT) * sizeof(Recent)
            if len(state) - p < <Py_ssize_t> sizeof(Stat) + <Py_ssize_t> mh.ids * <Py_ssize_t> sizeof(Key) + k:
                raise ValueError("trades state is cut short")
            stat = np.frombuffer(state, STAT_DTYPE, 1, p)
            p += sizeof(Stat)
            keys = np.frombuffer(state, KEY_DTYPE, mh.ids, p)
            if stat["size_dec"][0] > 18 or stat["last_dec"][0] > 18 or not np.all(keys["high"] > 0):
                raise ValueError("trades state holds an impossible market")
            found.append((mh.market, mh.taken, stat, p, mh.ids, p + mh.ids * sizeof(Key), k))
            p += mh.ids * sizeof(Key) + k
        if p != len(state):
            raise ValueError("trades state has a wrong length")
        self.stats[:] = np.zeros(1, STAT_DTYPE)
        for i in range(self.markets_max):
            self.drop(<int> i)
        for market, taken, stat, at, count, tape_at, size in found:
            ids = <Ids*> calloc(1, sizeof(Ids))
            if ids == NULL:
                raise MemoryError
            self.ids[<int> market] = ids
            self.stats[market] = stat[0]
            for i in range(count):
                key = <const Key*> (raw + <Py_ssize_t> at) + i
                remember(ids, key.high, key.low)
            ids.taken = taken
            memcpy(&ids.recent[0], raw + <Py_ssize_t> tape_at, size)
        self.d.a = head.digest_a
        self.d.b = head.digest_b


cdef int trades_step(void* kernel, int64_t now_ns, Py_ssize_t n) except -1:
    (<Trades> kernel).apply(n)
    return 0
