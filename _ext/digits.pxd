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
    #if defined(__SSE2__)
    /* sniper_short_decimal: `decimal` for at most 15 characters without a branch that depends on them, because nobody
       can guess how long the next size is. At least 17 bytes before p must be readable, none behind `end` is read.
       Returns NULL also where the text is longer. */
    static const uint8_t SNIPER_LAST[32] = {[16] = 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        255, 255, 255};     /* 16 bytes from place k on: the last k of them are set */
    static inline const uint8_t *sniper_short_decimal(const uint8_t *p, const uint8_t *end, int64_t *mantissa,
                                                      int *decimals) {
        const uint8_t *from = p > end - 16 ? end - 16 : p, *behind;
        __m128i x = _mm_loadu_si128((const __m128i *)from), y, mask;
        unsigned quotes = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x, _mm_set1_epi8('"'))) >> (p - from);
        unsigned dots = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x, _mm_set1_epi8('.'))) >> (p - from);
        unsigned quote, length, dot, dotted, fraction;
        uint64_t halves;
        if (SNIPER_UNLIKELY(quotes == 0)) return 0;
        length = (unsigned)__builtin_ctz(quotes);
        quote = quotes & -quotes;
        dots &= quote - 1;
        dotted = dots != 0;
        dot = (unsigned)__builtin_ctz(dots | quote);
        fraction = length - dot - dotted;
        behind = p + length;
        /* digits flush right: those behind the dot as they stand, those before it one byte on */
        x = _mm_loadu_si128((const __m128i *)(behind - 16));
        y = _mm_loadu_si128((const __m128i *)(behind - 16 - dotted));
        mask = _mm_loadu_si128((const __m128i *)(SNIPER_LAST + fraction));
        x = _mm_or_si128(_mm_and_si128(mask, x), _mm_andnot_si128(mask, y));
        mask = _mm_loadu_si128((const __m128i *)(SNIPER_LAST + length - dotted));
        x = _mm_and_si128(_mm_sub_epi8(x, _mm_set1_epi8('0')), mask);
        y = _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(9)), x);
        if (SNIPER_UNLIKELY(_mm_movemask_epi8(y) != 0xffff || (dots & (1 | quote >> 1)) || (quotes & 1))) return 0;
        x = _mm_add_epi16(_mm_mullo_epi16(_mm_and_si128(x, _mm_set1_epi16(0xff)), _mm_set1_epi16(10)),
                          _mm_srli_epi16(x, 8));
        x = _mm_madd_epi16(x, _mm_set1_epi32(0x00010064));      /* 100 a + b */
        x = _mm_madd_epi16(_mm_packs_epi32(x, x), _mm_set1_epi32(0x00012710));      /* 10000 a + b */
        halves = (uint64_t)_mm_cvtsi128_si64(x);
        *mantissa = (int64_t)(halves & 0xffffffff) * 100000000LL + (int64_t)(halves >> 32);
        *decimals = (int)fraction;
        return behind + 1;
    }
    #else
    static inline const uint8_t *sniper_short_decimal(const uint8_t *p, const uint8_t *end, int64_t *mantissa,
                                                      int *decimals) {
        return 0;
    }
    #endif
    """
    const uint8_t* short_decimal "sniper_short_decimal"(const uint8_t* p, const uint8_t* end, int64_t* mantissa,
                                                        int* decimals) noexcept nogil
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


cdef inline int narrow(int64_t* v, int dec, int most) noexcept nogil:
    """Cut v * 10 ** -dec to at most `most` decimals. Returns its decimals."""
    while dec > most:
        v[0] = v[0] // 10
        dec -= 1
    return dec
