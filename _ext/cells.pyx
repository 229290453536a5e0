"""The small change of the panels: numbers as text, and rows of exactly so many cells. A draw asks for hundreds of them.

A cell of a row is (text, style); one character takes one cell of the terminal.
"""

from libc.stdint cimport int64_t, uint64_t

cdef extern from "Python.h":
    long long PyLong_AsLongLongAndOverflow(object number, int *overflow) except? -1
    object PyUnicode_FromKindAndData(int kind, const void *data, Py_ssize_t size)

cdef enum:
    DIGITS_MAX = 18     # of 10 ** n in 64 bits, the sign left out
    ONE_BYTE = 1

cdef uint64_t[DIGITS_MAX + 1] POWERS
cdef int _power
POWERS[0] = 1
for _power in range(DIGITS_MAX):
    POWERS[_power + 1] = 10 * POWERS[_power]

cdef list _parts = ["", *"▏▎▍▌▋▊▉"]


def fixed(mantissa, int decimals, int places):
    """The value with exactly `places` digits after the point: exact when places >= decimals, else rounded
    half away from zero (for the screen only). Negative `decimals` stand for zeros before the point."""
    cdef int overflow, shift = decimals - places
    cdef int64_t value = PyLong_AsLongLongAndOverflow(mantissa, &overflow)
    cdef uint64_t digits, unit
    cdef char[32] out
    cdef int at = 32, written = 0
    cdef bint negative = value < 0
    digits = 0 - <uint64_t> value if negative else <uint64_t> value
    if overflow or places < 0 or places > DIGITS_MAX or shift > DIGITS_MAX or -shift > DIGITS_MAX:
        return _fixed(mantissa, decimals, places)
    if shift > 0:
        unit = POWERS[shift]
        digits = (digits + unit // 2) // unit
    elif shift < 0:
        unit = POWERS[-shift]
        if digits > <uint64_t> -1 // unit:
            return _fixed(mantissa, decimals, places)
        digits *= unit
    negative &= digits != 0
    while digits or written <= places:
        if written == places and places:
            at -= 1
            out[at] = b"."
        at -= 1
        out[at] = 48 + digits % 10
        digits //= 10
        written += 1
    if negative:
        at -= 1
        out[at] = b"-"
    return PyUnicode_FromKindAndData(ONE_BYTE, out + at, 32 - at)


cdef object _fixed(object mantissa, int decimals, int places):
    """The same for numbers of any size."""
    digits = abs(mantissa)
    if places >= decimals:
        digits *= 10 ** <object> (places - decimals)
    else:
        unit = 10 ** <object> (decimals - places)
        digits = (digits + unit // 2) // unit
    sign = "-" if mantissa < 0 and digits else ""
    if not places:
        return f"{sign}{digits}"
    plain = str(digits).rjust(places + 1, "0")
    point = len(plain) - places
    return f"{sign}{plain[:point]}.{plain[point:]}"


cdef object _cut(object text, Py_ssize_t width):
    """A text that is not shorter, cut to `width` cells; what is cut off shows as an ellipsis."""
    if len(text) == width:
        return text
    return text[: width - 1] + "…" if width > 0 else ""


def left(text, Py_ssize_t width):
    """The text at the left of exactly `width` cells, cut where it is longer."""
    return text.ljust(width) if len(text) < width else _cut(text, width)


def right(text, Py_ssize_t width):
    """The text at the right of exactly `width` cells, cut where it is longer."""
    return text.rjust(width) if len(text) < width else _cut(text, width)


def line(Py_ssize_t width, *cells):
    """A row of these cells, padded or cut to `width`."""
    cdef list row = []
    cdef Py_ssize_t room = width, size
    for cell in cells:
        text = cell[0]
        size = len(text)
        if size >= room:
            if room:
                row.append((left(text, room), cell[1]) if size > room else cell)
            return tuple(row)
        if size:
            row.append(cell)
            room -= size
    row.append((" " * room, ""))
    return tuple(row)


def ends(Py_ssize_t width, tuple start not None, tuple end not None):
    """A row with `start` at its left and `end` at its right; the end gives way when there is no room."""
    cdef Py_ssize_t room = width
    for text, _ in start:
        room -= len(text)
    for text, _ in end:
        room -= len(text)
    if room < 1:
        return line(width, *start)
    return line(width, *start, (" " * room, ""), *end)


def bar(part, whole, Py_ssize_t width):
    """A bar of `width` cells filled to part/whole, in eighths of a cell."""
    cdef Py_ssize_t eighths
    if whole <= 0 or part <= 0 or width <= 0:
        return " " * width
    eighths = 8 * width if part >= whole else max(1, 8 * width * part // whole)
    return ("█" * (eighths // 8) + <str> _parts[eighths % 8]).ljust(width)
