"""A tick's way through kernels: each does its part in turn, called from C.

What Python would call one after the other costs as much in calls as the kernels of a quiet tick take. A kernel that
can stand in a column has `step()`, which gives its part as a C function.
"""

cimport cython
from cpython.pycapsule cimport PyCapsule_GetContext, PyCapsule_GetPointer
from libc.stdint cimport int64_t

from step cimport S_FACTS, S_HALT, STEP, Step

cdef enum:
    STEPS_MAX = 8

cdef struct Part:
    Step step
    void* kernel

SAID_FACTS, SAID_HALT = S_FACTS, S_HALT


@cython.final
cdef class Column:
    """Kernels that read the same tape, in the order of their work; at most 8."""

    cdef tuple kernels          # they live as long as the column
    cdef Part[STEPS_MAX] parts
    cdef int count

    def __cinit__(self, *kernels):
        cdef int i
        if not 1 <= len(kernels) <= STEPS_MAX:
            raise ValueError(f"a column of {len(kernels)} kernels: 1 to {STEPS_MAX} can stand in one")
        self.kernels = kernels
        for i, kernel in enumerate(kernels):
            step = kernel.step()
            self.parts[i].step = <Step> PyCapsule_GetPointer(step, STEP)
            if PyCapsule_GetContext(step) != <void*> kernel:
                raise ValueError("a step of another kernel")
            self.parts[i].kernel = <void*> kernel
        self.count = len(kernels)

    def run(self, int64_t now_ns, Py_ssize_t n):
        """Each kernel does its part with the first n rows. Returns all bits that they said (`step.pxd`), 0: nothing.

        With SAID_HALT a kernel keeps those behind it from running. What a kernel raises passes through.
        """
        cdef int i, one
        cdef int said = 0
        for i in range(self.count):
            one = self.parts[i].step(self.parts[i].kernel, now_ns, n)
            said |= one
            if one & S_HALT:
                break
        return said
