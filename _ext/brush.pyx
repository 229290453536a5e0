"""The inner loop of the painter: rows of cells to the bytes that bring a terminal up to date."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc, PyMem_Realloc
from libc.string cimport memcpy

cdef extern from "Python.h":
    bint PyUnicode_IS_ASCII(object text)
    const unsigned char *PyUnicode_1BYTE_DATA(object text)
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL

cdef enum:
    FIRST_BYTES = 1 << 16   # more than a draw of a large screen takes
    UNKNOWN = -1


cdef class Brush:
    """Paints rows and keeps what they come to until it is taken.

    prefixes: for each style the bytes that set it, whatever was set before; filled: the styles that show on a blank;
    swaps: for some styles a table for `str.translate`; clean: makes a text printable.
    """

    cdef dict numbers           # style -> index into the lists
    cdef list prefixes, swaps
    cdef list filled
    cdef object clean
    cdef char *out
    cdef Py_ssize_t size, room
    cdef Py_ssize_t last        # the style that the terminal writes in now, as far as it was set here

    def __cinit__(self):
        self.out = <char *> PyMem_Malloc(FIRST_BYTES)
        if self.out == NULL:
            raise MemoryError
        self.room, self.last = FIRST_BYTES, UNKNOWN

    def __init__(self, prefixes, filled, swaps, clean):
        self.numbers = {style: i for i, style in enumerate(prefixes)}
        self.prefixes = list(prefixes.values())
        self.filled = [style in filled for style in prefixes]
        self.swaps = [swaps.get(style) for style in prefixes]
        self.clean = clean

    def __dealloc__(self):
        PyMem_Free(self.out)

    def write(self, bytes data not None):
        """Add bytes as they are; the style is unknown after that."""
        self.add(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
        self.last = UNKNOWN

    def paint(self, list shown not None, list moves not None, rows):
        """Each row that differs from the one shown goes to its place and takes that one's; how many did.

        moves: what moves the cursor to each row; rows without one are left out.
        """
        cdef Py_ssize_t i, changed = 0
        cdef tuple row
        cdef bytes move
        for i, row in enumerate(rows):
            if i >= len(moves):
                break
            if row is shown[i] or row == shown[i]:
                continue
            shown[i] = row
            changed += 1
            move = moves[i]
            self.add(PyBytes_AS_STRING(move), PyBytes_GET_SIZE(move))
            for text, style in row:
                self.cell(text, self.numbers[style])
        return changed

    def take(self):
        """The bytes since the last time."""
        data = PyBytes_FromStringAndSize(self.out, self.size)
        self.size, self.last = 0, UNKNOWN
        return data

    cdef int cell(self, text, Py_ssize_t style) except -1:
        cdef Py_ssize_t i, size
        cdef const char *data
        cdef bint blank = False, printable = True
        cdef unsigned char found
        cdef bytes prefix
        if not isinstance(text, str):
            raise TypeError(f"a cell's text must be str, not {type(text).__name__}")
        if PyUnicode_IS_ASCII(text):
            blank, size, data = True, len(text), <const char *> PyUnicode_1BYTE_DATA(text)
            for i in range(size):
                found = data[i]
                blank &= found == b" "
                printable &= 0x20 <= found < 0x7f
        else:
            printable = text.isprintable()
        if not printable:           # panels clean what comes from outside; this is the second lock
            text = self.clean(text)
        swap = self.swaps[style]
        if swap is not None:
            text = text.translate(swap)
        # A blank looks the same in every style that does not fill its cell.
        if style != self.last and not (
            blank and self.last != UNKNOWN and not self.filled[style] and not self.filled[self.last]
        ):
            prefix = self.prefixes[style]
            self.add(PyBytes_AS_STRING(prefix), PyBytes_GET_SIZE(prefix))
            self.last = style
        data = PyUnicode_AsUTF8AndSize(text, &size)
        self.add(data, size)
        return 0

    cdef int add(self, const char *data, Py_ssize_t size) except -1:
        cdef char *grown
        if self.size + size > self.room:
            grown = <char *> PyMem_Realloc(self.out, 2 * (self.size + size))
            if grown == NULL:
                raise MemoryError
            self.out, self.room = grown, 2 * (self.size + size)
        memcpy(self.out + self.size, data, size)
        self.size += size
        return 0
