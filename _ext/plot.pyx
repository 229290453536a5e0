"""Rows of a chart of candles: bodies and wicks in half cells, volumes in eighths of a cell. For the screen only."""

from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.stdint cimport int64_t, uint16_t

cdef extern from "Python.h":
    object PyUnicode_FromKindAndData(int kind, const void *data, Py_ssize_t size)

cdef enum:
    BLANK = 0x20
    WICK = 1
    BODY = 2
    TWO_BYTES = 2

# What a cell shows by its upper and lower half, each nothing, wick or body.
cdef uint16_t[9] HALVES = [BLANK, 0x2577, 0x257B, 0x2575, 0x2502, 0x257D, 0x2579, 0x257F, 0x2503]
cdef uint16_t[9] EIGHTHS = [BLANK, 0x2581, 0x2582, 0x2583, 0x2584, 0x2585, 0x2586, 0x2587, 0x2588]


def candles(list bars not None, Py_ssize_t rows, Py_ssize_t pad, list labels not None):
    """Rows of the chart of (open, high, low, close), `pad` blanks at their left and a label (text, style) behind each.

    Rising bars have the style "rising", the others "falling". Prices from 0 on and below 2**56.
    """
    cdef Py_ssize_t n = len(bars), width = pad + n, x, row, upper, lower
    cdef int64_t open_, high, low, close, top = 0, bottom = 0, span, halves = 2 * rows - 1
    cdef int64_t[4] at
    cdef uint16_t *cells = <uint16_t *> PyMem_Malloc((rows * width + 1) * sizeof(uint16_t))
    cdef char *rising = <char *> PyMem_Malloc(width + 1)
    try:
        if cells == NULL or rising == NULL:
            raise MemoryError
        for x in range(n):
            _, high, low, _ = bars[x]
            top = high if x == 0 or high > top else top
            bottom = low if x == 0 or low < bottom else bottom
        span = max(1, top - bottom)
        for x in range(n):
            open_, high, low, close = bars[x]
            rising[pad + x] = close >= open_
            at[0], at[1], at[2], at[3] = high, max(open_, close), min(open_, close), low
            for row in range(4):
                at[row] = ((top - at[row]) * halves + span // 2) // span
            for row in range(rows):
                upper, lower = part(at, 2 * row), part(at, 2 * row + 1)
                cells[row * width + pad + x] = HALVES[3 * upper + lower]
        return emitted(cells, rising, rows, width, pad, labels)
    finally:
        PyMem_Free(cells)
        PyMem_Free(rising)


def volumes(list bars not None, Py_ssize_t rows, Py_ssize_t pad, list labels not None):
    """Rows of the chart of (whether it rises, volume) in the same way, volumes from 0 on and below 2**56."""
    cdef Py_ssize_t n = len(bars), width = pad + n, x, row
    cdef int64_t volume, most = 0, eighths
    cdef bint rises
    cdef uint16_t *cells = <uint16_t *> PyMem_Malloc((rows * width + 1) * sizeof(uint16_t))
    cdef char *rising = <char *> PyMem_Malloc(width + 1)
    try:
        if cells == NULL or rising == NULL:
            raise MemoryError
        for x in range(n):
            _, volume = bars[x]
            most = max(most, volume)
        for x in range(n):
            rises, volume = bars[x]
            rising[pad + x] = rises
            eighths = 0 if most == 0 else max(<int64_t> (volume > 0), volume * 8 * rows // most)
            for row in range(rows):
                cells[row * width + pad + x] = EIGHTHS[min(8, max(0, eighths - 8 * (rows - 1 - row)))]
        return emitted(cells, rising, rows, width, pad, labels)
    finally:
        PyMem_Free(cells)
        PyMem_Free(rising)


cdef inline Py_ssize_t part(int64_t *at, Py_ssize_t half) noexcept:
    """What stands in a half cell. at: where wick and body begin and end."""
    if at[1] <= half <= at[2]:
        return BODY
    return WICK if at[0] <= half <= at[3] else 0


cdef list emitted(
    uint16_t *cells, char *rising, Py_ssize_t rows, Py_ssize_t width, Py_ssize_t pad, list labels
):
    """Rows of (text, style). A blank goes with what stands before it: no colour shows there."""
    cdef Py_ssize_t row, x, begun, end
    cdef uint16_t *line
    cdef list made, found = []
    for row in range(rows):
        line, made, begun, end = cells + row * width, [], 0, 0
        for x in range(pad):
            line[x] = BLANK
        for x in range(pad, width):
            if line[x] == BLANK:
                continue
            if end and rising[x] != rising[end - 1]:
                made.append((text_of(line, begun, x), "rising" if rising[end - 1] else "falling"))
                begun = x
            end = x + 1
        if end:
            made.append((text_of(line, begun, end), "rising" if rising[end - 1] else "falling"))
        made.append((text_of(line, end, width), ""))
        made.append(labels[row])
        found.append(tuple(made))
    return found


cdef object text_of(uint16_t *line, Py_ssize_t start, Py_ssize_t end):
    return PyUnicode_FromKindAndData(TWO_BYTES, line + start, end - start)
