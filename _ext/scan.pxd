# The JSON that the decoder reads: white space, strings, plain decimals, values to skip.
#
# Every function takes a pointer into a NUL-terminated buffer (a bytes object always is) and returns the
# pointer behind what it read, or NULL. NUL is legal nowhere in JSON, so no loop can run past the end.
# Grammar: RFC 8259, with two restrictions: nesting at most DEPTH_MAX, control characters refused in strings.

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp

from event cimport likely, unlikely

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>
    #if defined(__SSE2__)
    #include <emmintrin.h>
    #endif
    static inline uint64_t sniper_load8(const uint8_t *p) { uint64_t x; memcpy(&x, p, 8); return x; }
    static inline void sniper_store8(void *p, uint64_t x) { memcpy(p, &x, 8); }
    static inline uint32_t sniper_load4(const uint8_t *p) { uint32_t x; memcpy(&x, p, 4); return x; }
    static inline uint32_t sniper_load2(const uint8_t *p) { uint16_t x; memcpy(&x, p, 2); return x; }
    /* index of the first quote, backslash, control character or non-ASCII byte among 16, 16 if none */
    static inline int sniper_plain16(const uint8_t *p) {
    #if defined(__SSE2__)
        __m128i x = _mm_loadu_si128((const __m128i *)p);
        __m128i m = _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('"')), _mm_cmpeq_epi8(x, _mm_set1_epi8('\\\\')));
        m = _mm_or_si128(m, _mm_cmplt_epi8(x, _mm_set1_epi8(0x20)));   /* signed: also >= 0x80 */
        unsigned k = (unsigned)_mm_movemask_epi8(m);
        return k ? __builtin_ctz(k) : 16;
    #else
        int i = 0;
        for (; i < 16; i++) { uint8_t c = p[i]; if (c == '"' || c == '\\\\' || c < 0x20 || c >= 0x80) break; }
        return i;
    #endif
    }
    """
    uint64_t load8 "sniper_load8"(const uint8_t* p) noexcept nogil
    void store8 "sniper_store8"(void* p, uint64_t x) noexcept nogil
    uint32_t load4 "sniper_load4"(const uint8_t* p) noexcept nogil
    uint32_t load2 "sniper_load2"(const uint8_t* p) noexcept nogil
    int plain16 "sniper_plain16"(const uint8_t* p) noexcept nogil

cdef enum:
    DEPTH_MAX = 64

# A string as read: `s` at its first byte, `length` bytes of text between the quotes.
cdef struct Text:
    const uint8_t* s
    uint32_t length
    uint32_t escaped    # holds a backslash
    uint32_t foreign    # holds a byte >= 0x80


cdef inline const uint8_t* blank(const uint8_t* p) noexcept nogil:
    """Skip white space."""
    while p[0] <= 0x20 and (p[0] == 0x20 or p[0] == 0x0A or p[0] == 0x0D or p[0] == 0x09):
        p += 1
    return p


cdef inline const uint8_t* escape(const uint8_t* p) noexcept nogil:
    """p behind a backslash: check the escape. A lone surrogate is legal JSON grammar and passes."""
    cdef int i
    cdef uint8_t c = p[0]
    if c == c'u':
        for i in range(1, 5):
            c = p[i]
            if not (c'0' <= c <= c'9' or c'a' <= (c | 0x20) <= c'f'):
                return NULL
        return p + 5
    if c == c'"' or c == c'\\' or c == c'/' or c == c'b' or c == c'f' or c == c'n' or c == c'r' or c == c't':
        return p + 1
    return NULL


cdef inline const uint8_t* text(const uint8_t* p, const uint8_t* end, Text* out) noexcept nogil:
    """p at an opening quote. Returns behind the closing one."""
    cdef uint8_t c
    cdef int i
    if p[0] != c'"':
        return NULL
    p += 1
    out.s = p
    out.escaped = 0
    out.foreign = 0
    while True:
        if end - p >= 16:
            i = plain16(p)
            p += i
            if i == 16:
                continue
        c = p[0]
        if c == c'"':
            out.length = <uint32_t> (p - out.s)
            return p + 1
        if c == c'\\':
            out.escaped = 1
            p = escape(p + 1)
            if p == NULL:
                return NULL
        elif c < 0x20:
            return NULL
        else:
            if c >= 0x80:
                out.foreign = 1
            p += 1


cdef inline const uint8_t* number(const uint8_t* p) noexcept nogil:
    """Skip a JSON number."""
    if p[0] == c'-':
        p += 1
    if p[0] == c'0':
        p += 1
    elif c'1' <= p[0] <= c'9':
        while c'0' <= p[0] <= c'9':
            p += 1
    else:
        return NULL
    if p[0] == c'.':
        p += 1
        if not c'0' <= p[0] <= c'9':
            return NULL
        while c'0' <= p[0] <= c'9':
            p += 1
    if p[0] == c'e' or p[0] == c'E':
        p += 1
        if p[0] == c'+' or p[0] == c'-':
            p += 1
        if not c'0' <= p[0] <= c'9':
            return NULL
        while c'0' <= p[0] <= c'9':
            p += 1
    return p


cdef inline const uint8_t* skip(const uint8_t* p, const uint8_t* end, int depth, int* too_deep) noexcept nogil:
    """Skip one value of any kind, checking its grammar. `depth`: containers already open around it.

    Iterative: one bit a level tells arrays from objects, so a hostile message cannot exhaust the stack.
    """
    cdef uint64_t objects = 0       # bit 0: the innermost container is an object
    cdef int level = 0
    cdef uint8_t c
    cdef Text t
    while True:
        # here a value is due
        p = blank(p)
        c = p[0]
        if c == c'"':
            p = text(p, end, &t)
            if p == NULL:
                return NULL
        elif c == c'{' or c == c'[':
            if depth + level >= DEPTH_MAX:
                too_deep[0] = 1
                return NULL
            level += 1
            objects = (objects << 1) | (c == c'{')
            p = blank(p + 1)
            if p[0] == (c'}' if c == c'{' else c']'):
                p += 1
                level -= 1
                objects >>= 1
            elif c == c'{':
                p = text(p, end, &t)
                if p == NULL:
                    return NULL
                p = blank(p)
                if p[0] != c':':
                    return NULL
                p += 1
                continue
            else:
                continue
        elif c == c't':
            if end - p < 4 or memcmp(p, b"true", 4) != 0:
                return NULL
            p += 4
        elif c == c'f':
            if end - p < 5 or memcmp(p, b"false", 5) != 0:
                return NULL
            p += 5
        elif c == c'n':
            if end - p < 4 or memcmp(p, b"null", 4) != 0:
                return NULL
            p += 4
        else:
            p = number(p)
            if p == NULL:
                return NULL
        # here a value is complete: close what closes
        while True:
            if level == 0:
                return p
            p = blank(p)
            c = p[0]
            if c == c',':
                p += 1
                if objects & 1:
                    p = blank(p)
                    p = text(p, end, &t)
                    if p == NULL:
                        return NULL
                    p = blank(p)
                    if p[0] != c':':
                        return NULL
                    p += 1
                break
            if c != (c'}' if objects & 1 else c']'):
                return NULL
            p += 1
            level -= 1
            objects >>= 1


cdef inline const uint8_t* leap(const uint8_t* p, const uint8_t* end) noexcept nogil:
    """p at `{` or `[`: find the end of that container by quotes and brackets alone; the grammar is checked later."""
    cdef int level = 0
    cdef uint8_t c
    cdef int i
    while True:
        c = p[0]
        if c == c'"':
            p += 1
            while True:
                if end - p >= 16:
                    i = plain16(p)
                    p += i
                    if i == 16:
                        continue
                c = p[0]
                p += 1
                if c == c'"':
                    break
                if c == c'\\':
                    if p[0] == 0:
                        return NULL
                    p += 1
                elif c < 0x20:
                    return NULL
            continue
        p += 1
        if c == c'{' or c == c'[':
            level += 1
        elif c == c'}' or c == c']':
            level -= 1
            if level == 0:
                return p
        elif c == 0:
            return NULL
