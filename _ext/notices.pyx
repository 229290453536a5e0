"""What of a tick's rows concerns the decision half, found in one walk over the rows that are no levels.

Most ticks tell the account, funding and the operator nothing. `hear` says which of them has to look, and keeps what is
needed of every tick: the height, and when oracle prices last came.
"""

cimport cython
from libc.stdint cimport int64_t, uint32_t

from event cimport *
from step cimport S_HALT, step_of

cdef enum:
    TOLD = 1 << 13 | 1 << 14 | 1 << 21 | 1 << 16 | 1 << 17 | 1 << 1 | 1 << 18
    # kinds that the account reads: ACCOUNT REST ANSWER GAP LINK CONNECTED ERROR

    A_ACCOUNT = 1
    A_FUNDING = 2
    A_OPERATOR = 4
    A_ORDERS = 8

TO_ACCOUNT, TO_FUNDING, TO_OPERATOR, TO_ORDERS = A_ACCOUNT, A_FUNDING, A_OPERATOR, A_ORDERS

cdef extern from *:
    """
    #define SNIPER_HOUR_NS 3600000000000LL
    #define SNIPER_MAX_HEIGHT 0x7fffffffffffffffLL
    """
    const int64_t HOUR_NS "SNIPER_HOUR_NS"
    const int64_t MAX_HEIGHT "SNIPER_MAX_HEIGHT"


@cython.final
cdef class Notices:
    """Bound to a tape. height, block_ns: newest block and its time. height_ns, feed_ns: `now_ns` of the last ticks in
    which the height rose and an oracle price came.

    The state is the owner's to save: `restart` takes it over.
    """

    cdef readonly int64_t height, height_ns, feed_ns, block_ns
    cdef readonly int64_t leap  # the highest of this tick that was above the ceiling, 0: none
    cdef public int64_t ceiling  # what is above it is not taken for a height
    cdef int64_t hour           # of the last block, -1: no block yet
    cdef Event[::1] rows
    cdef const uint32_t[::1] others
    cdef const int64_t[::1] used

    def __cinit__(self, tape):
        self.rows, self.others, self.used = tape.rows, tape.others, tape.used
        self.hour = -1
        self.ceiling = MAX_HEIGHT

    def step(self):
        """Its part of a tick, for `Column`."""
        return step_of(self, notices_step)

    cpdef int hear(self, int64_t now_ns):
        """Walk over this tick's rows. Returns whom they concern, TO_ACCOUNT and the like as bits."""
        cdef int64_t kinds = self.used[U_KINDS]
        cdef int to = A_ACCOUNT if kinds & TOLD else 0
        cdef Py_ssize_t i
        cdef int64_t hour
        cdef const Event* row
        self.leap = 0
        if kinds & 1 << OPERATOR:
            to |= A_OPERATOR
        if kinds & 1 << FUNDING:
            to |= A_FUNDING
        if kinds & 1 << MARKET:
            to |= A_ACCOUNT                # its scales come from the market table
        if not kinds & (1 << BLOCK | 1 << ORACLE | 1 << MARKET):
            return to
        for i in range(self.used[U_OTHERS]):
            row = &self.rows[self.others[i]]
            if row.kind == BLOCK:
                if row.price > self.ceiling:
                    self.leap = max(self.leap, row.price)
                    to |= A_ORDERS
                    continue
                hour = row.venue_ns // HOUR_NS
                if hour != self.hour:
                    self.hour = hour
                    to |= A_FUNDING
                if row.venue_ns > self.block_ns:
                    self.block_ns = row.venue_ns
                if row.price > self.height:
                    self.height = row.price
                    self.height_ns = now_ns
                    to |= A_ORDERS
            elif row.kind == ORACLE:
                self.feed_ns = now_ns
            elif row.kind == MARKET and row.size >> F_FUNDING & 1:
                to |= A_FUNDING
        return to

    def latest(self):
        """(height, feed_ns)."""
        return self.height, self.feed_ns

    def believe(self, int64_t height, int64_t now_ns):
        """A height that was above the ceiling is the chain's."""
        self.height, self.height_ns = height, now_ns

    def restart(self, int64_t height, int64_t feed_ns, int64_t block_ns=0):
        """Go on from here: the next block concerns funding."""
        self.height, self.height_ns, self.feed_ns, self.block_ns, self.hour = height, 0, feed_ns, block_ns, -1


cdef int notices_step(void* kernel, int64_t now_ns, Py_ssize_t n) except -1:
    cdef int whom = (<Notices> kernel).hear(now_ns)
    return whom | S_HALT if whom & ~A_ORDERS else whom
