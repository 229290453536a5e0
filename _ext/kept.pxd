# The margin kernel's state as bytes: a head, then each account that has something, with its positions and choices.

from libc.stdint cimport INT64_MAX, int64_t, uint64_t
from libc.string cimport memcmp, memcpy

from terms cimport *

cdef struct Head:
    char[8] magic
    int64_t accounts_max
    int64_t markets_max
    int64_t kept
    uint64_t digest_a
    uint64_t digest_b

cdef struct Kept:               # one account; `positions` pairs and `customs` pairs follow, both by market
    int64_t account
    int64_t usdc
    int64_t owed_high
    uint64_t owed_low
    int64_t marks               # bit 0: to be computed, bit 1: counted as unknown
    int64_t positions
    int64_t customs

cdef struct Pair:
    int64_t market
    int64_t value               # BQ or ppm


cdef inline bint too_large(int64_t value) noexcept nogil:
    """Whether an amount was cut to the largest of its sign because it is beyond what is exact."""
    return value == INT64_MAX or value == -INT64_MAX


cdef inline bint fits(int64_t value) noexcept nogil:
    return too_large(value) or -EXACT_MAX <= value <= EXACT_MAX


cdef inline const char* fault(const char* raw, Py_ssize_t size, const char* magic, int accounts_max, int positions_max,
                              int markets_max) noexcept nogil:
    """What keeps these bytes from being a state of a kernel of that size, NULL: nothing."""
    cdef Head head
    cdef Kept kept
    cdef Pair pair
    cdef Py_ssize_t at = sizeof(Head)
    cdef int64_t last = -1
    cdef int64_t last_market, i, _n
    if size < at:
        return "is too short"
    memcpy(&head, raw, sizeof(Head))
    if memcmp(head.magic, magic, 8) != 0:
        return "is of another kind or version"
    if head.accounts_max != accounts_max or head.markets_max != markets_max:
        return "is for another number of accounts or markets"
    if not 0 <= head.kept <= accounts_max:
        return "holds an impossible number of accounts"
    for _n in range(head.kept):
        if size - at < <Py_ssize_t> sizeof(Kept):
            return "is cut short"
        memcpy(&kept, raw + at, sizeof(Kept))
        at += sizeof(Kept)
        if not (last < kept.account < accounts_max and 0 <= kept.marks < 4 and fits(kept.usdc)
                and 0 <= kept.positions <= positions_max and 0 <= kept.customs <= markets_max):
            return "holds an impossible account"
        last = kept.account
        if size - at < (kept.positions + kept.customs) * <Py_ssize_t> sizeof(Pair):
            return "is cut short"
        last_market = -1
        for i in range(kept.positions + kept.customs):
            memcpy(&pair, raw + at, sizeof(Pair))
            at += sizeof(Pair)
            if i == kept.positions:
                last_market = -1
            if not last_market < pair.market < markets_max or pair.value == 0:
                return "holds an impossible position"
            if not fits(pair.value) or i >= kept.positions and not 0 < pair.value <= MILLION:
                return "holds an impossible position"
            last_market = pair.market
    if at != size:
        return "has a wrong length"
    return NULL
