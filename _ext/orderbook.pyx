"""LEVEL rows -> books: the raw book, the uncrossed view, and how far each book can be trusted.

The Indexer's stream crosses by nature (it follows one node's mempool, order by order), so the raw book keeps
what was said and a view masks what cannot be true: while the best bid is at or above the best ask, the level that
was set earlier (by a local counter; the levels of one snapshot share one) is masked; of two equally old ones the
smaller; of two equal ones both. Nothing is deleted: the next update decides. The view is two cut-offs, because
what is masked is always the best of its side.

Every row of the tape leaves this kernel stamped with the best bid and ask of its market's view at that row.
"""

import numpy as np

cimport cython
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp, memcpy, memset

from event cimport *
from lent cimport NEAR, NEARNESSES, Depth
from levels cimport *
from step cimport S_UNEASY, step_of

cdef enum:
    RING = 64           # samples of the top levels, one a block
    TOP = 10            # levels a side in a sample
    # why a book is stale
    STALE_SILENT = 1    # its connection says nothing; over as soon as it speaks
    STALE_LOST = 2      # records were lost or refused, or the connection broke; over with the next snapshot

# What everybody may read of one market's book (Books.tops). Ticks; 0: none.
cdef struct Best:
    int64_t bid             # of the uncrossed view
    int64_t ask
    int64_t raw_bid
    int64_t raw_ask
    int64_t bids            # levels in the raw book
    int64_t asks
    int64_t updates         # the market's update counter
    int64_t snapshots
    int64_t snapshot_ns
    int64_t last_ns         # last change
    int64_t unknown_removes
    int64_t crossings
    int64_t crossed_ns      # in all, without the crossing under way
    int64_t crossed_since_ns
    int64_t orphans         # levels that came while there was no snapshot
    int64_t overflow        # levels given up because a side was full
    int32_t connection      # that its snapshot came by, -1: none
    uint8_t trust           # Trust
    uint8_t state           # T_EMPTY T_LIVE T_REBUILDING: trust before staleness and crossing
    uint8_t stale           # STALE_ bits
    uint8_t crossed

cdef struct Sample:
    int64_t height
    int64_t recv_ns
    int64_t[TOP] bid
    int64_t[TOP] bid_size
    int64_t[TOP] ask
    int64_t[TOP] ask_size

cdef struct Book:
    int64_t base            # tick of the window's first level
    int64_t samples         # taken so far; the last RING of them are kept
    Side[2] side
    Sample[RING] ring

cdef Best _best
cdef Depth _depth
cdef Sample _sample
BEST_DTYPE = np.asarray(<Best[:1]> &_best).dtype
DEPTH_DTYPE = np.asarray(<Depth[:1]> &_depth).dtype
SAMPLE_DTYPE = np.asarray(<Sample[:1]> &_sample).dtype
LEVEL_DTYPE = np.dtype([("tick", np.int64), ("size", np.int64), ("stamp", np.int64)])


cdef Book* new_book() noexcept nogil:
    """A book without levels; NULL where memory is short."""
    cdef Book* b = <Book*> calloc(1, sizeof(Book))
    if b != NULL:
        b.side[0].flip = WINDOW - 1
    return b


cdef void uncross(const Book* b, Best* t) noexcept nogil:
    """The view of a crossed book: walk both sides inwards until they no longer touch."""
    cdef int64_t bid = t.raw_bid
    cdef int64_t ask = t.raw_ask
    cdef Level x, y
    while bid and ask and bid >= ask:
        x = at(&b.side[0], b.base, bid)
        y = at(&b.side[1], b.base, ask)
        if x.stamp < y.stamp or x.stamp == y.stamp and x.size < y.size:
            bid = below(&b.side[0], b.base, bid)
        elif x.stamp > y.stamp or x.size > y.size:
            ask = above(&b.side[1], b.base, ask)
        else:
            bid = below(&b.side[0], b.base, bid)
            ask = above(&b.side[1], b.base, ask)
    t.bid = bid
    t.ask = ask


cdef inline bint astray(int64_t base, int64_t best) noexcept nogil:
    """Whether a best level has left the middle three quarters of the window."""
    return (best != 0) & (<uint64_t> (best - base - WINDOW // 8) >= WINDOW * 3 // 4)


cdef inline uint64_t tail_of(const Event* row) noexcept nogil:
    """The last eight bytes of a row in one word: flags (bits 0-31), market (32-47), kind (48-55), side (56-63)."""
    cdef uint64_t x
    memcpy(&x, &row.flags, 8)
    return x


cdef inline void settle(Best* t) noexcept nogil:
    """Trust from state, staleness and crossing."""
    if t.state != T_LIVE:
        t.trust = t.state
    elif t.stale:
        t.trust = T_STALE
    else:
        t.trust = T_CROSSED if t.crossed else T_LIVE


cdef struct Head:
    char[8] magic
    int64_t markets_max
    int64_t books
    int64_t height
    uint64_t digest_a
    uint64_t digest_b

cdef struct BookHead:
    int64_t market
    int64_t base
    int64_t samples
    int64_t bids
    int64_t asks

cdef bytes MAGIC = b"books//1"


@cython.final
cdef class Books:
    """One book a market, kept from the rows of `tape`.

    `tops` (BEST_DTYPE, one row a market) is the array to read; ticks and steps of the market throughout. `depths`
    (DEPTH_DTYPE, likewise) and `surveyed` are what `survey` writes.
    """

    cdef readonly object tape, tops, depths, surveyed
    cdef readonly int markets_max
    cdef int used                       # markets below this index may have a book
    cdef readonly int64_t height        # of the last block sampled
    cdef int64_t crossed_max_ns
    cdef Event[::1] rows
    cdef Best[::1] t
    cdef Depth[::1] near
    cdef uint16_t[::1] found
    cdef uint64_t[::1] seen             # by which survey a market was found last
    cdef uint64_t surveys
    cdef int64_t[::1] counters
    cdef uint64_t[::1] digests
    cdef Book** books
    cdef Digest d

    def __cinit__(self, tape, int markets_max=1024):
        if not 1 <= markets_max <= 8192:
            raise ValueError(f"markets_max must lie in 1..8192, not {markets_max}")
        self.books = <Book**> calloc(markets_max, sizeof(Book*))
        if self.books == NULL:
            raise MemoryError
        self.markets_max = markets_max
        self.tape = tape
        self.rows = tape.rows
        self.counters = tape.counters
        self.digests = tape.digests
        self.tops = np.zeros(markets_max, BEST_DTYPE)
        self.tops["connection"] = -1
        self.t = self.tops
        self.depths = np.zeros(markets_max, DEPTH_DTYPE)
        self.near = self.depths
        self.surveyed = np.zeros(markets_max, np.uint16)
        self.found = self.surveyed
        self.seen = np.zeros(markets_max, np.uint64)
        self.d.a = 3
        self.d.b = 4

    def __dealloc__(self):
        cdef int m
        if self.books != NULL:
            for m in range(self.markets_max):
                self.drop(m)
            free(self.books)

    cdef void drop(self, int m) noexcept:
        if self.books[m] != NULL:
            free(self.books[m].side[0].far)
            free(self.books[m].side[1].far)
            free(self.books[m])
            self.books[m] = NULL

    def step(self):
        """Its part of a tick, for `Column`."""
        return step_of(self, books_step)

    cpdef apply(self, Py_ssize_t n):
        """Apply the first n rows of the tape and stamp each with its market's best bid and ask."""
        cdef Event* row = &self.rows[0]
        cdef Event* end = row + n
        cdef Best* t
        cdef Book* b
        cdef Side* s
        cdef uint64_t k, side
        cdef int64_t old, lost, best, base, raw_bid, raw_ask, updates, unknown, bid, ask
        cdef int64_t unknown_all = 0
        cdef uint64_t tail, first
        cdef uint32_t frame
        cdef Digest d = self.d
        if not 0 <= n <= self.rows.shape[0]:
            raise ValueError(f"{n} rows: the tape holds {self.rows.shape[0]}")
        while row < end:
            t = &self.t[row.market] if row.kind == LEVEL and row.market < self.markets_max else NULL
            if unlikely(t == NULL or t.state != T_LIVE):
                self.d = d
                self.other(row)
                d = self.d
                row += 1
                continue
            # a run of levels of one market: what they share stays in registers. Which side a level is on and whether
            # it is the best one is chance, so that costs no branch either: the best level is looked for every time.
            b = self.books[row.market]
            tail = first = tail_of(row)
            frame = row.frame
            base = b.base
            updates = t.updates
            unknown = 0
            raw_bid = t.raw_bid
            raw_ask = t.raw_ask
            while True:
                side = tail >> 56 & 1
                s = &b.side[1] if side else &b.side[0]
                updates += ~tail & SNAPSHOT
                k = <uint64_t> (row.price - base)
                if likely(k < WINDOW):
                    old = set_near(s, k ^ s.flip, row.size, updates)
                else:
                    lost = 0
                    old = set_far(s, row.price, row.size, updates, side, &lost)
                    if unlikely(lost):
                        t.overflow += lost
                        self.counters[C_BOOK_OVERFLOW] += lost
                best = best_of(s, base, side)
                raw_bid = <int64_t> either(<uint64_t> best, <uint64_t> raw_bid, side)
                raw_ask = <int64_t> either(<uint64_t> raw_ask, <uint64_t> best, side)
                bid = raw_bid
                ask = raw_ask
                if unlikely(<uint64_t> (ask - 1) < <uint64_t> bid or t.crossed):    # ask 0: none
                    t.raw_bid = raw_bid
                    t.raw_ask = raw_ask
                    self.cross(b, t, row.recv_ns)
                    bid = t.bid
                    ask = t.ask
                unknown += (old == 0) & (row.size == 0)     # a removal of a level that we do not have
                row.bid = bid
                row.ask = ask
                fold(&d, <uint64_t> bid ^ <uint64_t> old << 20, <uint64_t> ask ^ <uint64_t> row.price << 20)
                row += 1
                if row == end:
                    break
                tail = tail_of(row)
                if (tail ^ first) << 8 >> 40 or row.frame != frame:     # another market, kind or message
                    break
            t.raw_bid = raw_bid
            t.raw_ask = raw_ask
            t.bid = bid
            t.ask = ask
            t.updates = updates
            t.last_ns = (row - 1).recv_ns
            t.bids = b.side[0].count
            t.asks = b.side[1].count
            t.unknown_removes += unknown
            unknown_all += unknown
            if unlikely(astray(base, raw_bid) | astray(base, raw_ask)):
                self.centre(b, t)
        self.counters[C_UNKNOWN_REMOVES] += unknown_all
        self.d = d
        self.digests[2 * STAGE_BOOK] = d.a
        self.digests[2 * STAGE_BOOK + 1] = d.b

    cdef void cross(self, Book* b, Best* t, int64_t recv_ns) noexcept:
        """The raw book is crossed or was so before this row: the view, and how long it lasts."""
        if t.raw_bid < t.raw_ask or t.raw_ask == 0:
            t.bid = t.raw_bid
            t.ask = t.raw_ask
            t.crossed = 0
            t.crossed_ns += recv_ns - t.crossed_since_ns
            settle(t)
            return
        if not t.crossed:
            t.crossed = 1
            t.crossings += 1
            t.crossed_since_ns = recv_ns
            self.counters[C_CROSSINGS] += 1
            settle(t)
        uncross(b, t)

    cdef void centre(self, Book* b, Best* t) noexcept:
        """Move the window so that the touch stands in its middle, if it left the middle three quarters for good."""
        cdef int64_t middle = t.raw_bid if t.raw_bid else t.raw_ask
        cdef int64_t base
        cdef int64_t lost = 0
        if t.raw_bid and t.raw_ask:
            middle = t.raw_bid + (t.raw_ask - t.raw_bid) // 2
        base = middle - WINDOW // 2
        if base < 1:
            base = 1
        if base == b.base or (base - b.base < WINDOW // 8 and b.base - base < WINDOW // 8):
            return
        recentre(&b.side[0], b.base, base, 0, &lost)
        recentre(&b.side[1], b.base, base, 1, &lost)
        b.base = base
        if lost:
            t.overflow += lost
            self.counters[C_BOOK_OVERFLOW] += lost

    cdef void empty(self, int m, int state, int64_t now_ns) noexcept:
        """Forget a book: what comes next for it is a snapshot or does not count."""
        cdef Best* t = &self.t[m]
        cdef Book* b = self.books[m]
        if b != NULL:
            clear(&b.side[0], 0)
            clear(&b.side[1], 1)
            b.base = 0
        if t.crossed:
            t.crossed_ns += now_ns - t.crossed_since_ns
        t.crossed = 0
        t.bid = t.ask = t.raw_bid = t.raw_ask = t.bids = t.asks = 0
        t.stale = 0
        t.state = <uint8_t> state
        settle(t)
        fold(&self.d, <uint64_t> m, <uint64_t> state)

    cdef void other(self, Event* row) noexcept:
        """Any row but a level of a live book: those that change trust or call for a sample, and the stamp."""
        cdef int kind = row.kind
        cdef int m
        cdef Best* t
        if kind == LEVEL:
            self.counters[C_ORPHAN_LEVELS] += 1
            if row.market < self.markets_max:
                self.t[row.market].orphans += 1
        elif kind == BOOK and row.market < self.markets_max:
            self.begin(row)
        elif kind == CONNECTED:
            for m in range(self.used):
                if self.t[m].connection == <int32_t> row.ref and self.t[m].state != T_EMPTY:
                    self.empty(m, T_EMPTY, row.recv_ns)
        elif kind == GAP or kind == LINK and row.side >= L_CLOSED:
            self.mark(row.ref, STALE_LOST, 1)
        elif kind == ERROR and row.market < self.markets_max:
            t = &self.t[row.market]
            if t.connection == <int32_t> row.ref and t.state == T_LIVE and not t.stale & STALE_LOST:
                self.doubt(row.market, STALE_LOST)
        elif kind == MARKET and row.flags & RETICKED or kind == UNSUBSCRIBED and row.side == CH_ORDERBOOK:
            if row.market < self.markets_max and self.t[row.market].state == T_LIVE and (
                    kind == MARKET or self.t[row.market].connection == <int32_t> row.ref):
                self.empty(row.market, T_REBUILDING, row.recv_ns)
        elif kind == BLOCK and row.price > self.height:
            self.height = row.price
            self.sample(row)
        if row.market < self.markets_max:
            t = &self.t[row.market]
            row.bid = t.bid
            row.ask = t.ask
        else:
            row.bid = 0
            row.ask = 0

    cdef void begin(self, Event* row) noexcept:
        """A snapshot follows: an empty, live book whose window lies round the snapshot's first level."""
        cdef int m = row.market
        cdef Best* t = &self.t[m]
        cdef Book* b = self.books[m]
        cdef int64_t base = 0
        cdef Event* first = row + 1
        self.empty(m, T_LIVE, row.recv_ns)
        if b == NULL:
            b = new_book()
            self.books[m] = b
        if b == NULL:       # no memory: the market stays without a book
            t.state = T_EMPTY
            settle(t)
            return
        if row.size and first.kind == LEVEL:
            base = first.price - WINDOW // 2
        b.base = base if base > 1 else 1
        if m >= self.used:
            self.used = m + 1
        t.connection = <int32_t> row.ref
        t.updates += 1
        t.snapshots += 1
        t.snapshot_ns = row.recv_ns
        t.last_ns = row.recv_ns
        self.counters[C_SNAPSHOTS] += 1
        fold(&self.d, <uint64_t> t.snapshots, <uint64_t> row.recv_ns)

    cdef int mark(self, uint32_t connection, int why, bint on) noexcept:
        cdef int m
        cdef int n = 0
        cdef Best* t
        for m in range(self.used):
            t = &self.t[m]
            if t.connection != <int32_t> connection or t.state != T_LIVE or bool(t.stale & why) == on:
                continue
            self.doubt(m, why)
            n += 1
        return n

    cdef void doubt(self, int m, int why) noexcept:
        """A reason why a book is stale comes or goes."""
        cdef Best* t = &self.t[m]
        t.stale ^= <uint8_t> why
        settle(t)
        fold(&self.d, <uint64_t> m << 8 | t.stale, <uint64_t> t.updates)

    def silence(self, int connection, bint silent):
        """Mark the books of a connection stale because it says nothing, or lift that. Returns how many changed."""
        return self.mark(<uint32_t> connection, STALE_SILENT, silent)

    def lost(self, int connection):
        """Mark the books of a connection stale until their next snapshot. Returns how many changed."""
        return self.mark(<uint32_t> connection, STALE_LOST, 1)

    def allow(self, int64_t crossed_ns):
        """How long a book may stay crossed until a step of this kernel asks for a look."""
        self.crossed_max_ns = crossed_ns

    cdef inline bint crossed_long(self, int m, int64_t limit_ns) noexcept:
        """Whether the raw book of a market has been crossed since then or longer."""
        return self.t[m].crossed and self.t[m].state == T_LIVE and self.t[m].crossed_since_ns <= limit_ns

    def crossed_since(self, int64_t limit_ns):
        """Markets whose raw book has been crossed since `limit_ns` or longer."""
        cdef int m
        return [m for m in range(self.used) if self.crossed_long(m, limit_ns)]

    def on_connection(self, int connection):
        """Markets whose book came by this connection."""
        cdef int m
        return [m for m in range(self.used) if self.t[m].connection == connection and self.t[m].state != T_EMPTY]

    def rebuild(self, int market):
        """Empty a market's book and wait for the snapshot that was asked for."""
        if not 0 <= market < self.markets_max:
            raise IndexError(f"no market {market}")
        self.empty(market, T_REBUILDING, self.t[market].last_ns)

    cdef void sample(self, Event* row) noexcept:
        """The top levels of every live book, once a block."""
        cdef int m, k
        cdef Best* t
        cdef Book* b
        cdef Sample* o
        cdef int64_t tick
        for m in range(self.used):
            b = self.books[m]
            t = &self.t[m]
            if b == NULL or t.state != T_LIVE:
                continue
            o = &b.ring[b.samples % RING]
            b.samples += 1
            memset(o, 0, sizeof(Sample))
            o.height = row.price
            o.recv_ns = row.recv_ns
            tick = t.bid
            for k in range(TOP):
                if tick == 0:
                    break
                o.bid[k] = tick
                o.bid_size[k] = at(&b.side[0], b.base, tick).size
                tick = below(&b.side[0], b.base, tick)
            tick = t.ask
            for k in range(TOP):
                if tick == 0:
                    break
                o.ask[k] = tick
                o.ask_size[k] = at(&b.side[1], b.base, tick).size
                tick = above(&b.side[1], b.base, tick)
            fold(&self.d, <uint64_t> o.bid_size[0], <uint64_t> o.ask_size[0])

    def survey(self, Py_ssize_t n):
        """Look at the books that levels among the first n rows of the tape belong to: `depths` near the touch.

        Returns how many there are; the first so many of `surveyed` name them, each once. No part of `apply`: who does
        not want it does not pay for it.
        """
        cdef const Event* row = &self.rows[0]
        cdef const Event* end = row + n
        cdef Py_ssize_t count = 0
        cdef Py_ssize_t i
        cdef int last = -1
        if not 0 <= n <= self.rows.shape[0]:
            raise ValueError(f"{n} rows: the tape holds {self.rows.shape[0]}")
        self.surveys += 1
        while row < end:
            if row.market != last and (row.kind == LEVEL or row.kind == BOOK) and row.market < self.markets_max:
                last = row.market
                if self.seen[last] != self.surveys:
                    self.seen[last] = self.surveys
                    self.found[count] = <uint16_t> last
                    count += 1
            row += 1
        for i in range(count):
            if self.books[self.found[i]] != NULL:
                self.look(self.found[i])
        return count

    cdef inline void look(self, int m) noexcept:
        """Sum up the best levels of both sides of a market's view."""
        cdef const Book* b = self.books[m]
        cdef Depth* o = &self.near[m]
        cdef double[NEARNESSES] sums
        cdef double total
        cdef int64_t tick
        cdef int side, i, k
        o.bid = self.t[m].bid
        o.ask = self.t[m].ask
        for side in range(2):
            tick = o.ask if side else o.bid
            total = 0
            k = 0
            for i in range(NEARNESSES):
                while k < NEAR[i] and tick:
                    total += at(&b.side[side], b.base, tick).size
                    tick = worse(&b.side[side], b.base, tick, side)
                    k += 1
                sums[i] = total
            if side:
                o.asks = sums
            else:
                o.bids = sums

    # --- questions -------------------------------------------------------------------------------------------------

    cdef Book* book(self, int market, int side) except? NULL:
        if not 0 <= market < self.markets_max:
            raise IndexError(f"no market {market}")
        if side != 0 and side != 1:
            raise ValueError("side is 0 (bids) or 1 (asks)")
        return self.books[market]

    def levels(self, int market, int side, Py_ssize_t depth=WINDOW, bint raw=False):
        """Levels of one side, best first: int64 array [n, 2] of (ticks, steps), n <= depth.

        The uncrossed view unless `raw`.
        """
        cdef Book* b = self.book(market, side)
        cdef Best* t = &self.t[market]
        cdef int64_t[:, ::1] out
        cdef int64_t tick
        cdef Py_ssize_t n = 0
        cdef Side* s
        if b == NULL or depth <= 0:
            return np.empty((0, 2), np.int64)
        s = &b.side[side]
        result = np.empty((min(depth, s.count), 2), np.int64)
        out = result
        tick = (t.raw_ask if side else t.raw_bid) if raw else (t.ask if side else t.bid)
        while tick and n < out.shape[0]:
            out[n, 0] = tick
            out[n, 1] = at(s, b.base, tick).size
            n += 1
            tick = worse(s, b.base, tick, side)
        return result[:n]

    def fill(self, int market, int side, int64_t size):
        """What a taker of `size` steps meets on this side of the view: (worst tick, steps filled, sum of ticks x steps).

        side 1 (asks) is what a buyer meets. Steps filled < size where the book is too thin; the sum is exact.
        """
        cdef Book* b = self.book(market, side)
        cdef Best* t = &self.t[market]
        cdef int64_t left = size
        cdef int64_t tick, take
        cdef int64_t last = 0
        cost = 0
        if b != NULL:
            tick = t.ask if side else t.bid
            while tick and left > 0:
                take = min(left, at(&b.side[side], b.base, tick).size)
                cost += <object> tick * take
                left -= take
                last = tick
                tick = worse(&b.side[side], b.base, tick, side)
        return last, size - left if size > 0 else 0, cost

    def within(self, int market, int side, int bps):
        """Steps resting on this side of the view no farther than `bps` basis points from the mid price."""
        cdef Book* b = self.book(market, side)
        cdef Best* t = &self.t[market]
        cdef int64_t tick
        total = 0
        if b == NULL or t.bid == 0 or t.ask == 0:
            return 0
        mid2 = <object> t.bid + t.ask
        tick = t.ask if side else t.bid
        while tick:
            if abs(<object> tick * 2 - mid2) * 10000 > mid2 * bps:
                break
            total += at(&b.side[side], b.base, tick).size
            tick = worse(&b.side[side], b.base, tick, side)
        return total

    def microprice(self, int market):
        """Mid price weighted by the size of the other side, in ticks (float); None without both sides."""
        cdef Book* b = self.book(market, 0)
        cdef Best* t = &self.t[market]
        cdef double x, y
        if b == NULL or t.bid == 0 or t.ask == 0:
            return None
        x = <double> at(&b.side[0], b.base, t.bid).size
        y = <double> at(&b.side[1], b.base, t.ask).size
        return (<double> t.bid * y + <double> t.ask * x) / (x + y)

    def top(self, int market):
        """The best levels of the view: (bid ticks, bid steps, ask ticks, ask steps), 0 where a side is empty."""
        cdef Book* b = self.book(market, 0)
        cdef Best* t = &self.t[market]
        if b == NULL:
            return 0, 0, 0, 0
        return (
            t.bid, at(&b.side[0], b.base, t.bid).size if t.bid else 0,
            t.ask, at(&b.side[1], b.base, t.ask).size if t.ask else 0,
        )

    def samples(self, int market):
        """The ring of top levels, one sample a block, oldest first (SAMPLE_DTYPE)."""
        cdef Book* b = self.book(market, 0)
        cdef Py_ssize_t n, k
        cdef Sample[::1] out
        if b == NULL or b.samples == 0:
            return np.empty(0, SAMPLE_DTYPE)
        n = min(b.samples, RING)
        result = np.empty(n, SAMPLE_DTYPE)
        out = result
        for k in range(n):
            out[k] = b.ring[(b.samples - n + k) % RING]
        return result

    # --- state -----------------------------------------------------------------------------------------------------

    def digest(self):
        """The running 128-bit digest over every row applied and what it changed, as two integers."""
        return self.d.a, self.d.b

    cdef object pack(self, Book* b, int side):
        """All levels of one side, ascending by tick (LEVEL_DTYPE)."""
        cdef Side* s = &b.side[side]
        cdef FarLevel[::1] view
        cdef Py_ssize_t n = 0
        cdef int64_t tick = above(s, b.base, 0)
        cdef Level level
        out = np.empty(s.count, LEVEL_DTYPE)
        view = out
        while tick:
            level = at(s, b.base, tick)
            view[n].tick = tick
            view[n].size = level.size
            view[n].stamp = level.stamp
            n += 1
            tick = above(s, b.base, tick)
        return out

    def save(self):
        """The state as bytes: tops, and each book's levels and samples; of a market without a book what it lost."""
        cdef Head head
        cdef BookHead bh
        cdef Book* b
        cdef int m
        cdef list parts = [b""]
        memset(&head, 0, sizeof(Head))
        memcpy(head.magic, <const char*> MAGIC, 8)
        head.markets_max = self.markets_max
        head.height = self.height
        head.digest_a = self.d.a
        head.digest_b = self.d.b
        for m in range(self.markets_max):
            b = self.books[m]
            if b == NULL and not self.t[m].orphans:
                continue
            head.books += 1
            bh.market = m
            bh.base = b.base if b != NULL else 0
            bh.samples = b.samples if b != NULL else 0
            bids = self.pack(b, 0) if b != NULL else np.zeros(0, LEVEL_DTYPE)
            asks = self.pack(b, 1) if b != NULL else np.zeros(0, LEVEL_DTYPE)
            bh.bids = len(bids)
            bh.asks = len(asks)
            parts.append((<char*> &bh)[:sizeof(BookHead)])
            parts.append(self.tops[m:m + 1].tobytes())
            parts.append(bids.tobytes())
            parts.append(asks.tobytes())
            if b != NULL:
                parts.append((<char*> &b.ring[0])[:min(bh.samples, RING) * sizeof(Sample)])
        parts[0] = (<char*> &head)[:sizeof(Head)]
        return b"".join(parts)

    def load(self, bytes state not None):
        """Take over a state that `save` wrote. Raises ValueError, and changes nothing, on anything else."""
        cdef Head head
        cdef BookHead bh
        cdef Book* b
        cdef FarLevel[::1] view
        cdef int64_t lost = 0
        cdef int side
        cdef Py_ssize_t i, p
        cdef const char* raw = state
        cdef list found = []
        if len(state) < <Py_ssize_t> sizeof(Head):
            raise ValueError("book state is too short")
        memcpy(&head, raw, sizeof(Head))
        if memcmp(head.magic, <const char*> MAGIC, 8) != 0:
            raise ValueError("not a book state of this version")
        if head.markets_max != self.markets_max or not 0 <= head.books <= self.markets_max:
            raise ValueError(f"book state is for {head.markets_max} markets, not {self.markets_max}")
        p = sizeof(Head)
        for _ in range(head.books):
            if len(state) - p < <Py_ssize_t> sizeof(BookHead):
                raise ValueError("book state is cut short")
            memcpy(&bh, raw + p, sizeof(BookHead))
            p += sizeof(BookHead)
            if not (0 <= bh.market < self.markets_max and 0 <= bh.bids <= WINDOW + FAR_MAX
                    and 0 <= bh.asks <= WINDOW + FAR_MAX and bh.samples >= 0 and bh.base >= 0):
                raise ValueError("book state holds an impossible book")
            size = (BEST_DTYPE.itemsize + (bh.bids + bh.asks) * LEVEL_DTYPE.itemsize
                    + min(bh.samples, RING) * SAMPLE_DTYPE.itemsize)
            if len(state) - p < size:
                raise ValueError("book state is cut short")
            top = np.frombuffer(state, BEST_DTYPE, 1, p)
            p += BEST_DTYPE.itemsize
            sides = []
            for count in (bh.bids, bh.asks):
                levels = np.frombuffer(state, LEVEL_DTYPE, count, p)
                if count and not (levels["tick"][0] > 0 and np.all(np.diff(levels["tick"]) > 0)
                                  and np.all(levels["size"] > 0)):
                    raise ValueError("book state holds impossible levels")
                sides.append(levels)
                p += count * LEVEL_DTYPE.itemsize
            samples = state[p:p + min(bh.samples, RING) * SAMPLE_DTYPE.itemsize]
            p += len(samples)
            found.append((bh.market, bh.base, bh.samples, top, sides, samples))
        if p != len(state):
            raise ValueError("book state has a wrong length")
        self.tops[:] = np.zeros(1, BEST_DTYPE)
        self.tops["connection"] = -1
        self.used = 0
        for i in range(self.markets_max):
            self.drop(<int> i)
        for market, base, taken, top, sides, samples in found:
            b = new_book()
            if b == NULL:
                raise MemoryError
            self.books[<int> market] = b
            b.base = base
            b.samples = taken
            self.tops[market] = top[0]
            self.used = max(self.used, <int> market + 1)
            for side in range(2):
                if len(sides[side]) == 0:
                    continue
                view = sides[side].copy()
                for i in range(view.shape[0]):
                    if <uint64_t> (view[i].tick - b.base) < WINDOW:
                        set_near(&b.side[side], <uint64_t> (view[i].tick - b.base) ^ b.side[side].flip, view[i].size,
                                 view[i].stamp)
                    else:
                        set_far(&b.side[side], view[i].tick, view[i].size, view[i].stamp, side, &lost)
            memcpy(&b.ring[0], <const char*> <bytes> samples, len(samples))
        self.height = head.height
        self.d.a = head.digest_a
        self.d.b = head.digest_b


cdef int books_step(void* kernel, int64_t now_ns, Py_ssize_t n) except -1:
    cdef Books books = <Books> kernel
    cdef int m
    books.apply(n)
    for m in range(books.used):
        if books.crossed_long(m, now_ns - books.crossed_max_ns):
            return S_UNEASY
    return 0
