"""Percentiles of the newest durations, read out of their ring: nearest rank, exact. For the screen only."""

from libc.stdint cimport int64_t
from libc.string cimport memcpy

cdef enum:
    KEPT_MAX = 1024


def ranks(const int64_t[::1] ring not None, Py_ssize_t kept):
    """(p50, p99, maximum) of the first `kept` numbers, 1 to 1,024 of them; the ring stays as it is."""
    cdef int64_t[KEPT_MAX] held
    cdef int64_t p50, p99, most
    cdef Py_ssize_t i, at = (99 * kept + 99) // 100 - 1
    if not 0 < kept <= min(KEPT_MAX, ring.shape[0]):
        raise ValueError(f"kept must lie in 1..{min(KEPT_MAX, ring.shape[0])}, not {kept}")
    memcpy(held, &ring[0], kept * sizeof(int64_t))
    p50 = nth(held, 0, kept - 1, (kept - 1) // 2)
    p99 = nth(held, (kept - 1) // 2, kept - 1, at)  # what lies behind the median is not less than it
    most = p99
    for i in range(at, kept):
        most = max(most, held[i])
    return p50, p99, most


cdef int64_t nth(int64_t *held, Py_ssize_t low, Py_ssize_t high, Py_ssize_t wanted) noexcept:
    """The number at `wanted` were they sorted from low to high; smaller ones stand before it then, larger ones behind."""
    cdef int64_t pivot
    cdef Py_ssize_t i, j
    while low < high:
        pivot = held[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while held[i] < pivot:
                i += 1
            while held[j] > pivot:
                j -= 1
            if i <= j:
                held[i], held[j] = held[j], held[i]
                i, j = i + 1, j - 1
        if wanted <= j:
            high = j
        elif wanted >= i:
            low = i
        else:
            break
    return held[wanted]
