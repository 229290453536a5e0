# Numbers and times as the text of messages, written from a place on; each function returns the place behind.

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

cdef extern from *:
    """
    #define SNIPER_DAY_S 86400
    static const int64_t SNIPER_POWERS[19] = {1LL, 10LL, 100LL, 1000LL, 10000LL, 100000LL, 1000000LL, 10000000LL,
        100000000LL, 1000000000LL, 10000000000LL, 100000000000LL, 1000000000000LL, 10000000000000LL,
        100000000000000LL, 1000000000000000LL, 10000000000000000LL, 100000000000000000LL, 1000000000000000000LL};
    """
    const int64_t DAY_S "SNIPER_DAY_S"
    const int64_t[19] POWERS "SNIPER_POWERS"

# The day that was written last: the next time is of the same as a rule.
cdef struct Calendar:
    int64_t number              # since 1970, -1: none
    uint8_t[11] text            # `YYYY-MM-DDT`


cdef inline uint8_t* put_text(uint8_t* p, const uint8_t* s, Py_ssize_t n) noexcept nogil:
    memcpy(p, s, n)
    return p + n


cdef inline uint8_t* put_whole(uint8_t* p, uint64_t v) noexcept nogil:
    cdef uint8_t[20] digits
    cdef int n = 0
    while True:
        digits[n] = <uint8_t> (48 + v % 10)
        v //= 10
        n += 1
        if v == 0:
            break
    while n:
        n -= 1
        p[0] = digits[n]
        p += 1
    return p


cdef inline uint8_t* put_decimal(uint8_t* p, uint64_t v, int decimals) noexcept nogil:
    """v * 10 ** -decimals as a plain decimal, decimals at most 18."""
    cdef uint64_t fraction
    cdef int i, _i
    if decimals <= 0:
        p = put_whole(p, v)
        if v:
            for _i in range(-decimals):
                p[0] = c'0'
                p += 1
        return p
    p = put_whole(p, v // <uint64_t> POWERS[decimals])
    fraction = v % <uint64_t> POWERS[decimals]
    p[0] = c'.'
    for i in range(decimals, 0, -1):
        p[i] = <uint8_t> (48 + fraction % 10)
        fraction //= 10
    return p + decimals + 1


cdef inline void put_two(uint8_t* p, int v) noexcept nogil:
    p[0] = <uint8_t> (48 + v // 10)
    p[1] = <uint8_t> (48 + v % 10)


cdef inline void put_day(Calendar* last, int64_t days) noexcept nogil:
    """Write down a day since 1970."""
    cdef uint8_t* p = last.text
    cdef int64_t z = days + 719468              # since 0000-03-01
    cdef int64_t era = z // 146097
    cdef int64_t doe = z - era * 146097
    cdef int64_t yoe = (doe - doe // 1460 + doe // 36524 - doe // 146096) // 365
    cdef int doy = <int> (doe - (365 * yoe + yoe // 4 - yoe // 100))
    cdef int m = (5 * doy + 2) // 153
    cdef int day = doy - (153 * m + 2) // 5 + 1
    cdef int year
    m = m + 3 if m < 10 else m - 9
    year = <int> (yoe + era * 400) + (m <= 2)
    put_two(p, year // 100)
    put_two(p + 2, year % 100)
    p[4] = c'-'
    put_two(p + 5, m)
    p[7] = c'-'
    put_two(p + 8, day)
    p[10] = c'T'
    last.number = days


cdef inline uint8_t* put_time(uint8_t* p, int64_t ns, Calendar* last) noexcept nogil:
    """`YYYY-MM-DDTHH:MM:SS.mmmZ` of nanoseconds since 1970."""
    cdef int64_t ms = ns // 1000000
    cdef int64_t s = ms // 1000
    cdef int of_day = <int> (s % DAY_S)
    cdef int part = <int> (ms % 1000)
    if s // DAY_S != last.number:
        put_day(last, s // DAY_S)
    memcpy(p, last.text, 11)
    put_two(p + 11, of_day // 3600)
    p[13] = c':'
    put_two(p + 14, of_day // 60 % 60)
    p[16] = c':'
    put_two(p + 17, of_day % 60)
    p[19] = c'.'
    p[20] = <uint8_t> (48 + part // 100)
    put_two(p + 21, part % 100)
    p[23] = c'Z'
    return p + 24


cdef inline uint8_t* put_hex(uint8_t* p, uint32_t v) noexcept nogil:
    cdef int i, digit
    for i in range(8):
        digit = v >> (28 - 4 * i) & 15
        p[i] = <uint8_t> (48 + digit if digit < 10 else 87 + digit)
    return p + 8
