# Plain decimals and hex digits.

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from event cimport unlikely
from scan cimport *     # its C helper sniper_load8 is used by sniper_hex8

cdef extern from *:
    """
    static const int64_t SNIPER_P10[19] = {1LL, 10LL, 100LL, 1000LL, 10000LL, 100000LL, 1000000LL, 10000000LL,
        100000000LL, 1000000000LL, 10000000000LL, 100000000000LL, 1000000000000LL, 10000000000000LL,
        100000000000000LL, 1000000000000000LL, 10000000000000000LL, 100000000000000000LL, 1000000000000000000LL};
    /* 8 lower-case hex digits -> 32 bits; returns 0 if they are not that */
    static inline int sniper_hex8(const uint8_t *p, uint32_t *out) {
        uint64_t x = sniper_load8(p), one = 0x0101010101010101ull;
        uint64_t letter = (x >> 6) & one;
        uint64_t v = (x & (0x0f * one)) + letter * 9;
        uint64_t ten = ((v + 6 * one) >> 4) & one;
        if (((v & (0xf0 * one)) != 0) | (ten != letter) | (v + 0x30 * one + letter * 0x27 != x)) return 0;
        v = ((v << 4) | (v >> 8)) & 0x00ff00ff00ff00ffull;
        v = (v | (v >> 8)) & 0x0000ffff0000ffffull;
        v = v | (v >> 16);
        *out = __builtin_bswap32((uint32_t)v);
        return 1;
    }
    """
    const int64_t[19] P10 "SNIPER_P10"
    int hex8 "sniper_hex8"(const uint8_t* p, uint32_t* out) noexcept nogil

cdef enum:
    DIGITS_MAX = 18     # of a mantissa: 10**18 - 1 fits an int64


cdef inline const uint8_t* decimal(const uint8_t* p, int64_t* mantissa, int* decimals) noexcept nogil:
    """p behind an opening quote: digits [. digits] and the closing quote, at most DIGITS_MAX digits in all.

    Returns behind the quote; NULL where the text is anything else (then `long_decimal` decides).
    """
    cdef uint64_t v = 0
    cdef unsigned int c
    cdef const uint8_t* start = p
    cdef const uint8_t* dot
    while True:
        c = <unsigned int> p[0] - 48
        if c > 9:
            break
        v = v * 10 + c
        p += 1
    decimals[0] = 0
    if p[0] == c'.':
        if unlikely(p == start):
            return NULL
        dot = p
        p += 1
        while True:
            c = <unsigned int> p[0] - 48
            if c > 9:
                break
            v = v * 10 + c
            p += 1
        decimals[0] = <int> (p - dot) - 1
        if unlikely(decimals[0] == 0):
            return NULL
    if unlikely(p[0] != c'"' or p == start or p - start > DIGITS_MAX):
        return NULL
    mantissa[0] = <int64_t> v
    return p + 1


cdef inline int long_decimal(const uint8_t* s, uint32_t length, int64_t* mantissa, int* decimals,
                             int* inexact) noexcept nogil:
    """A plain decimal of any length with an optional sign, zeros at either end stripped.

    Returns 1 if it is one and its whole part fits; digits behind the 18th significant one are dropped and
    `inexact` is set.
    """
    cdef uint32_t i = 0
    cdef uint32_t first, last, dot
    cdef uint64_t v = 0
    cdef int digits = 0
    cdef bint negative = 0
    inexact[0] = 0
    if i < length and s[i] == c'-':
        negative = 1
        i += 1
    first = i
    while i < length and c'0' <= s[i] <= c'9':
        i += 1
    if i == first:
        return 0
    dot = i
    last = i
    if i < length:
        if s[i] != c'.':
            return 0
        i += 1
        if i == length:
            return 0
        while i < length:
            if not c'0' <= s[i] <= c'9':
                return 0
            i += 1
            if s[i - 1] != c'0':
                last = i        # behind the last digit that counts
    decimals[0] = 0
    for i in range(first, last):
        if i == dot:
            continue
        if digits == DIGITS_MAX:
            if i < dot:
                return 0
            inexact[0] = 1
            break
        v = v * 10 + (s[i] - 48)
        if v:
            digits += 1
        if i > dot:
            decimals[0] += 1
            if decimals[0] > 60:    # 0.000...: no price or rate is that small
                return 0
    mantissa[0] = -<int64_t> v if negative else <int64_t> v
    return 1
