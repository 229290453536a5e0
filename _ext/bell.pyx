"""Writes of the tick thread that hold on to the interpreter.

`os.write` lets go of it while the system writes. Another thread, such as the one that a bell wakes, takes it for its
own work, and whoever wrote waits for that. Here the others begin when the caller comes to rest.
"""

from posix.unistd cimport pwrite, write


def ring(int descriptor):
    """Make a non-blocking pipe readable. A pipe that is full, or closed at its other end, was rung often enough."""
    write(descriptor, b"!", 1)


def put(int descriptor, bytes text):
    """Write the text at the beginning of a file. False where the system did not take all of it."""
    return pwrite(descriptor, <char*>text, len(text), 0) == len(text)
