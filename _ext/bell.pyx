"""A bell for another thread's event loop.

`os.write` lets go of the interpreter while the system writes. The thread that it wakes takes the interpreter for its
own work, and whoever rang waits for that. This one holds on to it: the other begins when the caller comes to rest.
"""

from posix.unistd cimport write


def ring(int descriptor):
    """Make a non-blocking pipe readable. A pipe that is full, or closed at its other end, was rung often enough."""
    write(descriptor, b"!", 1)
