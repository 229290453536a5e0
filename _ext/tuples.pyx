"""The smallest facts of a decision, made in about half the time that a NamedTuple's own constructor takes.

What a strategy found and what a gate found are a hundred tuples a decision. These functions take the place of
`__new__` in their classes, with the same arguments. Those that hold nothing that could be part of a circle are not
shown to the garbage collector, which would look at a hundred thousand of them in vain.
"""

from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_SET_ITEM

cdef extern from "Python.h":
    ctypedef struct PyTypeObject:
        object (*tp_alloc)(PyTypeObject* type, Py_ssize_t items)
    bint PyObject_IS_GC(object one)
    void PyObject_GC_UnTrack(void* one)


cdef inline object four(type shape, a, b, c, d):
    """A tuple of this class, which must be one of tuples."""
    cdef object made = (<PyTypeObject*> shape).tp_alloc(<PyTypeObject*> shape, 4)
    Py_INCREF(a)
    PyTuple_SET_ITEM(made, 0, a)
    Py_INCREF(b)
    PyTuple_SET_ITEM(made, 1, b)
    Py_INCREF(c)
    PyTuple_SET_ITEM(made, 2, c)
    Py_INCREF(d)
    PyTuple_SET_ITEM(made, 3, d)
    if not (PyObject_IS_GC(a) or PyObject_IS_GC(b) or PyObject_IS_GC(c) or PyObject_IS_GC(d)):
        PyObject_GC_UnTrack(<void*> made)
    return made


cdef type of_tuples(shape):
    if not isinstance(shape, type) or not issubclass(shape, tuple):
        raise TypeError(f"a class of tuples is needed, not {shape!r}")
    return shape


def new_reason(cls, name, found, needed, passed):
    """`trading.Reason`."""
    return four(of_tuples(cls), name, found, needed, passed)


def new_finding(cls, found, limit, passed, detail=""):
    """`risk_candidate.Finding`."""
    return four(of_tuples(cls), found, limit, passed, detail)
