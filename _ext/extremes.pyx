"""What a tick told the paper venue of the markets it follows, while nothing of ours rests on their books.

Levels tell nothing then, and of trades the first price and the lowest and highest are all that triggers look at; while
every price stays between those that trigger something, not even these.
"""

cimport cython
from libc.stdint cimport INT64_MIN, int64_t, uint8_t, uint32_t

from event cimport *

cdef extern from *:
    """
    typedef __int128 sniper_wide;
    """
    ctypedef long long wide "sniper_wide"

cdef enum:
    NEEDLESS = SNAPSHOT | DUPLICATE | DELEVERAGED
    DECIMALS_MAX = 18       # with as many a price times a power of ten fits 128 bits
    BOUNDS_MAX = 64         # markets with bounds; they are looked for one after the other

cdef int64_t[DECIMALS_MAX + 1] TENS
cdef int _i
TENS[0] = 1
for _i in range(1, DECIMALS_MAX + 1):
    TENS[_i] = TENS[_i - 1] * 10


cdef inline bint below(const Event* a, const Event* b) noexcept nogil:
    """Whether the price of one row is below that of another, of at most DECIMALS_MAX decimals each."""
    cdef int da = a.flags >> 24
    cdef int db = b.flags >> 24
    return a.price < b.price if da == db else <wide> a.price * TENS[db] < <wide> b.price * TENS[da]


@cython.final
cdef class Extremes:
    """Bound to a tape. wanted (uint8 by market, 0xFFFF included): not 0 where a market is followed."""

    cdef Event[::1] rows
    cdef const uint32_t[::1] others
    cdef const int64_t[::1] used
    cdef const uint8_t[::1] wanted

    def __cinit__(self, tape, const uint8_t[::1] wanted):
        if wanted.shape[0] <= NO_MARKET:
            raise ValueError("a place for every market number is needed")
        self.rows, self.others, self.used, self.wanted = tape.rows, tape.others, tape.used, wanted

    def of(self, int64_t height):
        """Of this tick: (trades, rows, block).

        trades: (market, first, lowest, highest) of each market that traded, prices as indexes of rows. rows: indexes of
        its ORACLE and MARKET rows, in order. block: index of the row of the first block above `height`, -1 for none. None
        where there are two such blocks, or a price of more decimals than this compares: the tick must be taken row by row.
        """
        cdef Py_ssize_t i, at
        cdef const Event* row
        cdef list trades = []
        cdef list rows = []
        cdef Py_ssize_t block = -1
        cdef Py_ssize_t first = -1
        cdef Py_ssize_t low = -1
        cdef Py_ssize_t high = -1
        cdef int market = NO_MARKET     # of the run of trades that is under way
        for i in range(self.used[U_OTHERS]):
            at = self.others[i]
            row = &self.rows[at]
            if row.kind == BLOCK:
                if row.price > height:
                    if block >= 0 and row.price > self.rows[block].price:
                        return None
                    block = at if block < 0 else block
                continue
            if not self.wanted[row.market] or row.market == NO_MARKET:
                continue
            if row.kind == TRADE:
                if row.flags & NEEDLESS:
                    continue
                if row.flags >> 24 > DECIMALS_MAX:
                    return None
                if row.market != market:
                    if first >= 0:
                        trades.append((market, first, low, high))
                    market = row.market
                    first = low = high = at
                elif below(row, &self.rows[low]):
                    low = at
                elif below(&self.rows[high], row):
                    high = at
            elif row.kind == ORACLE or row.kind == MARKET:
                rows.append(at)
        if first >= 0:
            trades.append((market, first, low, high))
        return trades, rows, block


# The price of a market stays above `fall` and below `rise`, of so many decimals both.
cdef struct Bound:
    int64_t fall
    int64_t rise
    int market
    int decimals


cdef inline bint inside(const Event* row, const Bound* bound) noexcept nogil:
    """Whether the price of a row, of at most DECIMALS_MAX decimals, lies between the two."""
    cdef int decimals = row.flags >> 24
    if decimals == bound.decimals:
        return bound.fall < row.price < bound.rise
    cdef wide price = <wide> row.price * TENS[bound.decimals]
    return <wide> bound.fall * TENS[decimals] < price and price < <wide> bound.rise * TENS[decimals]


@cython.final
cdef class Bounds:
    """Bound to a tape, as `Extremes` is. oracle: the newest oracle price by market, as price((number, decimals)).

    Until `set` nothing passes.
    """

    cdef Event[::1] rows
    cdef const uint32_t[::1] others
    cdef const int64_t[::1] used
    cdef const uint8_t[::1] wanted
    cdef dict oracle
    cdef object price
    cdef int64_t until_ns
    cdef Bound[BOUNDS_MAX] bounds
    cdef int count

    def __cinit__(self, tape, const uint8_t[::1] wanted, dict oracle, price):
        if wanted.shape[0] <= NO_MARKET:
            raise ValueError("a place for every market number is needed")
        self.rows, self.others, self.used, self.wanted = tape.rows, tape.others, tape.used, wanted
        self.oracle, self.price = oracle, price
        self.until_ns = INT64_MIN

    def set(self, int64_t until_ns, bounds):
        """What passes from now on: blocks of a time before this, while prices lie between bounds, which they do now.

        bounds: (market, fall, rise, decimals) of the markets where prices have any. ValueError where there are more
        than BOUNDS_MAX, or one has more than DECIMALS_MAX decimals; OverflowError beyond 64 bits. Then nothing passes.
        """
        cdef int i
        self.until_ns = INT64_MIN
        if len(bounds) > BOUNDS_MAX:
            raise ValueError(f"{len(bounds)} markets have bounds, {BOUNDS_MAX} can")
        for i, (market, fall, rise, decimals) in enumerate(bounds):
            if not 0 <= decimals <= DECIMALS_MAX:
                raise ValueError(f"a bound of {decimals} decimals")
            self.bounds[i] = Bound(fall, rise, market, decimals)
        self.count = len(bounds)
        self.until_ns = until_ns

    def passed(self, int64_t height):
        """The height of the first block above `height` in this tick, where it and its rows pass; -1 for all else.

        All else is no such block, two of them, a MARKET row of a followed market, a price that is not inside its
        bounds. The oracle prices of a tick that passes are taken over, and nothing of another.
        """
        cdef Py_ssize_t i
        cdef int b
        cdef const Event* row
        cdef const Event* block = NULL
        cdef bint told = False
        for i in range(self.used[U_OTHERS]):
            row = &self.rows[self.others[i]]
            if row.kind == BLOCK:
                if row.price > height:
                    if block != NULL and row.price > block.price:
                        return -1
                    block = row if block == NULL else block
                continue
            if not self.wanted[row.market] or row.market == NO_MARKET:
                continue
            if row.kind == MARKET:
                return -1
            if row.kind == ORACLE:
                told = True
                if row.price <= 0:
                    continue
            elif row.kind != TRADE or row.flags & NEEDLESS:
                continue
            if row.flags >> 24 > DECIMALS_MAX:
                return -1
            for b in range(self.count):
                if self.bounds[b].market == row.market and not inside(row, &self.bounds[b]):
                    return -1
        if block == NULL or block.venue_ns >= self.until_ns:
            return -1
        if told:
            for i in range(self.used[U_OTHERS]):
                row = &self.rows[self.others[i]]
                if row.kind == ORACLE and row.price > 0 and row.market != NO_MARKET and self.wanted[row.market]:
                    self.oracle[row.market] = self.price((row.price, <int> (row.flags >> 24)))
        return block.price
