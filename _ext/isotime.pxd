# ISO 8601 times, as the Indexer writes them, to nanoseconds since 1970.

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memmove, memset

from event cimport *
from reader cimport *
from scan cimport *


cdef inline int two(const uint8_t* s) noexcept nogil:
    if c'0' <= s[0] <= c'9' and c'0' <= s[1] <= c'9':
        return (s[0] - 48) * 10 + s[1] - 48
    return -1


cdef inline int64_t day_ns(const uint8_t* s) noexcept nogil:
    """`YYYY-MM-DDT` -> nanoseconds since 1970, -1 if it is not a day from 1970 to 2199."""
    cdef int y, m, d, days
    cdef int64_t era, doe, yy
    y = two(s) * 100 + two(s + 2) if two(s) >= 0 and two(s + 2) >= 0 else -1
    m = two(s + 5)
    d = two(s + 8)
    if s[4] != c'-' or s[7] != c'-' or s[10] != c'T' or not (1970 <= y < 2200 and 1 <= m <= 12):
        return -1
    days = 30 + ((m + (m >> 3)) & 1)
    if m == 2:
        days = 29 if y % 4 == 0 and (y % 100 != 0 or y % 400 == 0) else 28
    if not 1 <= d <= days:
        return -1
    # days since 1970 of a civil date; years counted from March
    yy = y - 1 if m <= 2 else y
    era = yy // 400
    yy -= era * 400
    m = m - 3 if m > 2 else m + 9
    doe = yy * 365 + yy // 4 - yy // 100 + (153 * m + 2) // 5 + d - 1
    return (era * 146097 + doe - 719468) * <int64_t> 86400000000000


cdef inline int64_t clock_ns(const uint8_t* s) noexcept nogil:
    """`HH:MM:SS` -> nanoseconds since midnight, -1 if it is not a time of day."""
    cdef int h = two(s)
    cdef int m = two(s + 3)
    cdef int se = two(s + 6)
    if s[2] != c':' or s[5] != c':' or not (0 <= h < 24 and 0 <= m < 60 and 0 <= se < 60):
        return -1
    return ((h * 60 + m) * 60 + se) * <int64_t> 1000000000


cdef inline int64_t iso_time(Reader* c, const uint8_t* s, uint32_t length) noexcept nogil:
    """`YYYY-MM-DDTHH:MM:SS[.fraction](Z|+00:00)` -> nanoseconds since 1970, -1 if it is not that."""
    cdef int64_t ns, clock
    cdef int64_t unit = 100000000
    cdef int64_t fraction = 0
    cdef uint32_t i = 19
    if length < 20 or length > 35:
        return -1
    if likely(memcmp(s, c.day, 11) == 0):
        ns = c.day_ns
    else:
        ns = day_ns(s)
        if ns < 0:
            return -1
        memcpy(c.day, s, 11)
        c.day_ns = ns
    clock = clock_ns(s + 11)
    if unlikely(clock < 0):
        return -1
    ns += clock
    if s[19] == c'.':
        i = 20
        while i < length and c'0' <= s[i] <= c'9':
            if i == 29:
                return -1
            fraction += (s[i] - 48) * unit
            unit //= 10
            i += 1
        if i == 20:
            return -1
    if not (i + 1 == length and s[i] == c'Z') and not (i + 6 == length and memcmp(s + i, b"+00:00", 6) == 0):
        return -1
    return ns + fraction


cdef inline const uint8_t* instant(Reader* c, const uint8_t* p, int depth, int64_t* ns) noexcept nogil:
    """A value that has to be an ISO time."""
    cdef Text t
    ns[0] = -1
    p = string(c, p, depth, &t)
    if p != NULL and not c.reason:
        ns[0] = iso_time(c, t.s, t.length)
        if ns[0] < 0:
            refuse(c, R_BAD_VALUE)
    return p
