"""What a tick told the paper venue of the markets it follows, while nothing of ours rests on their books.

Levels tell nothing then, and of trades the first price and the lowest and highest are all that triggers look at.
"""

cimport cython
from libc.stdint cimport int64_t, uint8_t, uint32_t

from event cimport *

cdef extern from *:
    """
    typedef __int128 sniper_wide;
    """
    ctypedef long long wide "sniper_wide"

cdef enum:
    NEEDLESS = SNAPSHOT | DUPLICATE | DELEVERAGED
    DECIMALS_MAX = 18       # with as many a price times a power of ten fits 128 bits

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
