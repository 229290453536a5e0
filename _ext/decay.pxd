# Sums that fade: half of them is gone after a half-life. Used by signals.pyx alone.
#
# Time is counted in units of an eighth of a second, half-lives are powers of two of it, so that 2 ** (-dt / half-life)
# is a product of table entries. The tables are made by square roots, which every machine rounds alike.

from libc.math cimport sqrt
from libc.stdint cimport int64_t

cdef extern from *:
    """
    static double SNIPER_FINE[32], SNIPER_COARSE[32], SNIPER_WHOLE[64];
    """
    double[32] FINE "SNIPER_FINE"           # 2 ** (-i / 1024)
    double[32] COARSE "SNIPER_COARSE"       # 2 ** (-i / 32)
    double[64] WHOLE "SNIPER_WHOLE"         # 2 ** -i

cdef enum:
    UNIT_NS = 125_000_000
    HALF_16S = 7            # half-lives: log2 of their units
    HALF_32S = 8
    HALF_64S = 9
    HALF_128S = 10


cdef inline void fill_tables() noexcept:
    cdef double[10] root
    cdef int i, j
    root[9] = sqrt(0.5)                     # root[j] = 2 ** (-2 ** j / 1024)
    for j in range(8, -1, -1):
        root[j] = sqrt(root[j + 1])
    for i in range(32):
        FINE[i] = COARSE[i] = 1.0
        for j in range(5):
            if i >> j & 1:
                FINE[i] *= root[j]
                COARSE[i] *= root[j + 5]
    for i in range(64):
        WHOLE[i] = 1.0 / <double> (<int64_t> 1 << min(i, 62))


cdef inline double faded(int64_t units, int half_life) noexcept nogil:
    """What is left of 1 after so many units: 2 ** (-units / 2 ** half_life), 0 after 62 half-lives."""
    cdef int64_t x
    if units >= <int64_t> 62 << half_life:
        return 0.0
    x = units << (10 - half_life)
    return FINE[x & 31] * COARSE[x >> 5 & 31] * WHOLE[x >> 10]
