"""bell: a ring is one byte, and nobody waits at a pipe that is full or closed; what is put lies at the beginning."""

from __future__ import annotations

import os
from pathlib import Path

from sniper._ext.bell import put, ring


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


def test_what_is_put_lies_at_the_beginning_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    file = os.open(path, os.O_CREAT | os.O_RDWR)
    assert put(file, b"first") and put(file, b"") and put(file, b"sec")
    assert path.read_bytes() == b"secst"
    os.close(file)
    assert not put(file, b"third")
