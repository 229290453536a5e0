"""bell: a ring is one byte, and nobody waits at a pipe that is full or whose other end is closed."""

from __future__ import annotations

import os

from sniper._ext.bell import ring


def test_rings_are_bytes_until_the_pipe_is_full() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    ring(writer)
    ring(writer)
    assert os.read(reader, 10) == b"!!"
    for _ in range(1 << 17):  # more than a pipe has room for
        ring(writer)
    os.close(reader)
    ring(writer)
    os.close(writer)
    ring(writer)
