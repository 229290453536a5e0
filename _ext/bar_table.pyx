"""Tables of candles out of comma-separated text, exactly: numbers with their decimals, times in nanoseconds."""

from libc.stdint cimport int64_t, uint8_t

import numpy as np

cdef enum:
    FRACTION_MAX = 30

cdef int64_t DAY_S = 86400
cdef int64_t SECOND_NS = 1000000000
cdef int64_t NUMBER_MAX = 922337203685477579     # ten times this and a digit are still an int64


cdef const uint8_t* _number(const uint8_t* p, int64_t* value, int* decimals) noexcept nogil:
    """A decimal, `12.5`, `-3` or `1.2e-05`, to number and decimals; NULL if it is none or has too many digits.

    Trailing zeros of a fraction do not count. Decimals may come out negative: 1e3 is 1 with -3.
    """
    cdef int64_t v = 0
    cdef int dec = 0
    cdef int zeros = 0
    cdef int exponent = 0
    cdef bint minus = p[0] == c'-'
    cdef bint down = 0
    cdef bint any_ = 0
    cdef bint fraction = 0
    if minus:
        p += 1
    while True:
        if c'0' <= p[0] <= c'9':
            any_ = 1
            if fraction and p[0] == c'0':
                zeros += 1
            else:
                while fraction and zeros:
                    v *= 10
                    dec += 1
                    zeros -= 1
                    if v > NUMBER_MAX or dec > FRACTION_MAX:
                        return NULL
                if v > NUMBER_MAX or dec > FRACTION_MAX:
                    return NULL
                v = v * 10 + (p[0] - 48)
                dec += fraction
        elif p[0] == c'.' and not fraction:
            fraction = 1
        else:
            break
        p += 1
    if not any_:
        return NULL
    if p[0] == c'e' or p[0] == c'E':
        p += 1
        down = p[0] == c'-'
        if down or p[0] == c'+':
            p += 1
        if not c'0' <= p[0] <= c'9':
            return NULL
        while c'0' <= p[0] <= c'9' and exponent < 100:
            exponent = exponent * 10 + (p[0] - 48)
            p += 1
        dec += exponent if down else -exponent
    value[0] = -v if minus else v
    decimals[0] = dec
    return p


cdef inline int _digits(const uint8_t* p, int n) noexcept nogil:
    """n digits as a number, -1 if one of them is none."""
    cdef int v = 0
    cdef int i
    for i in range(n):
        if not c'0' <= p[i] <= c'9':
            return -1
        v = v * 10 + (p[i] - 48)
    return v


cdef const uint8_t* _moment(const uint8_t* p, int64_t* ns) noexcept nogil:
    """`YYYY-MM-DD[(T| )HH:MM[:SS[.fraction]][Z|+00:00|-00:00]]` to nanoseconds since 1970; NULL if it is none."""
    cdef int y, m, d
    cdef int h = 0
    cdef int mi = 0
    cdef int s = 0
    cdef int days
    cdef int64_t era, yy, doe
    cdef int64_t unit = SECOND_NS // 10
    cdef int64_t part = 0
    y = _digits(p, 4)
    if y < 1970 or y > 2199 or p[4] != c'-':
        return NULL
    m = _digits(p + 5, 2)
    if m < 1 or m > 12 or p[7] != c'-':
        return NULL
    d = _digits(p + 8, 2)
    days = 30 + ((m + (m >> 3)) & 1)
    if m == 2:
        days = 29 if y % 4 == 0 and (y % 100 != 0 or y % 400 == 0) else 28
    if d < 1 or d > days:
        return NULL
    p += 10
    if p[0] == c'T' or p[0] == c' ':
        h = _digits(p + 1, 2)
        if h < 0 or h > 23 or p[3] != c':':
            return NULL
        mi = _digits(p + 4, 2)
        if mi < 0 or mi > 59:
            return NULL
        p += 6
        if p[0] == c':':
            s = _digits(p + 1, 2)
            if s < 0 or s > 59:
                return NULL
            p += 3
            if p[0] == c'.':
                p += 1
                while c'0' <= p[0] <= c'9':
                    part += (p[0] - 48) * unit
                    unit //= 10
                    p += 1
        if p[0] == c'Z':
            p += 1
        elif p[0] == c'+' or p[0] == c'-':
            if _digits(p + 1, 2) != 0 or _digits(p + (4 if p[3] == c':' else 3), 2) != 0:
                return NULL
            p += 6 if p[3] == c':' else 5
    yy = y - 1 if m <= 2 else y
    era = yy // 400
    yy -= era * 400
    m = m - 3 if m > 2 else m + 9
    doe = yy * 365 + yy // 4 - yy // 100 + (153 * m + 2) // 5 + d - 1
    ns[0] = ((era * 146097 + doe - 719468) * DAY_S + h * 3600 + mi * 60 + s) * SECOND_NS + part
    return p


def table(bytes text, tuple places, Py_ssize_t rows_max):
    """Numbers of some columns of comma-separated text without quotes.

    places: which column is the time, open, high, low, close, volume. Returns (times, numbers, decimals, bad): times
    in nanoseconds where a time is ISO, else the number as it stands (its decimals, 0 or more, are those of row 0 of
    `decimals`; -1 marks ISO). numbers and decimals are arrays of (5, rows). bad: -1, or the index of the line, blank
    and comment lines included, that is no candle. Lines that begin with # and blank lines are left out. ValueError
    for more than rows_max rows.
    """
    cdef Py_ssize_t count = text.count(b"\n") + 1
    cdef Py_ssize_t row = 0
    cdef Py_ssize_t line = 0
    cdef int column, k
    cdef int[6] place = places
    cdef int last = max(places)
    cdef int64_t value = 0
    cdef int dec = 0
    cdef const uint8_t* p = text
    cdef const uint8_t* end = p + len(text)
    cdef const uint8_t* q
    cdef bint good
    times_ = np.zeros(count, np.int64)
    numbers_ = np.zeros((5, count), np.int64)
    decimals_ = np.zeros((6, count), np.int8)
    cdef int64_t[::1] times = times_
    cdef int64_t[:, ::1] numbers = numbers_
    cdef signed char[:, ::1] decimals = decimals_
    bad = -1
    while p < end:
        if p[0] == c'#' or p[0] == c'\n' or p[0] == c'\r':
            while p < end and p[0] != c'\n':
                p += 1
            p += 1
            line += 1
            continue
        if row >= rows_max:
            raise ValueError("too many rows")
        good = 1
        for column in range(last + 1):
            q = p
            for k in range(6):
                if place[k] != column:
                    continue
                if k == 0 and end - p > 9 and _digits(p, 4) >= 0 and p[4] == c'-':
                    q = _moment(p, &value)
                    dec = -1
                else:
                    q = _number(p, &value, &dec)
                    if q != NULL and k == 0 and dec < 0:
                        q = NULL
                if q == NULL or q < end and q[0] != c',' and q[0] != c'\n' and q[0] != c'\r':
                    good = 0
                    break
                decimals[k, row] = <signed char> dec
                if k == 0:
                    times[row] = value
                else:
                    numbers[k - 1, row] = value
            if not good:
                break
            p = q
            while p < end and p[0] != c',' and p[0] != c'\n':
                p += 1
            if column < last:
                if p >= end or p[0] != c',':
                    good = 0
                    break
                p += 1
        if not good:
            bad = line
            break
        while p < end and p[0] != c'\n':
            p += 1
        p += 1
        line += 1
        row += 1
    return times_[:row], numbers_[:, :row], decimals_[:, :row], bad
