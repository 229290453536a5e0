# A kernel's part of a tick as a C function, so that `column.pyx` can go from kernel to kernel without Python between.

from cpython.pycapsule cimport PyCapsule_New, PyCapsule_SetContext
from libc.stdint cimport int64_t

ctypedef int (*Step)(void* kernel, int64_t now_ns, Py_ssize_t n) except -1
# n: rows on the tape. What it says are bits, 0: nothing.

cdef enum:
    # Said beside the bits of `notices.pyx`, which are below 16.
    S_FACTS = 16        # accounts were computed: their facts are others now
    S_UNEASY = 32       # connections or books are to be looked at
    S_HALT = 64         # the kernels behind must not run yet

cdef extern from *:
    """
    #define SNIPER_STEP "sniper.step"
    """
    const char* STEP "SNIPER_STEP"


cdef inline object step_of(object kernel, Step step):
    """The step of this kernel and no other: the capsule knows whose it is."""
    made = PyCapsule_New(<void*> step, STEP, NULL)
    PyCapsule_SetContext(made, <void*> kernel)
    return made
