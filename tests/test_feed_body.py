"""feed.body: unpacked within a bound, whatever was packed."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest
import zstandard

from sniper.feed.body import Body, Unfit


def taken(encoding: str, raw: bytes, bytes_max: int = 1 << 20, step: int = 1000) -> bytes:
    body = Body(encoding, bytes_max)
    for at in range(0, len(raw), step):
        body.take(raw[at : at + step])
    return body.whole()


@pytest.mark.parametrize("encoding", ["", "identity", " Identity "])
def test_what_is_not_packed_is_taken_as_it_is(encoding: str) -> None:
    assert taken(encoding, b"abc" * 1000) == b"abc" * 1000
    with pytest.raises(Unfit, match="larger than 2999"):
        taken(encoding, b"abc" * 1000, 2999)


def test_gzip_is_undone() -> None:
    text = bytes(range(256)) * 50
    assert taken("GZIP", gzip.compress(text, mtime=0), step=7) == text
    assert taken("gzip", gzip.compress(text, mtime=0), bytes_max=len(text)) == text
    with pytest.raises(Unfit, match="larger"):
        taken("gzip", gzip.compress(text, mtime=0), bytes_max=len(text) - 1)


@pytest.mark.parametrize(("raw", "problem"), [
    (b"not packed", "cannot be unpacked"), (gzip.compress(b"x" * 99, mtime=0)[:-5], "cut off"), (b"", "cut off"),
])  # fmt: skip
def test_what_is_broken_is_said(raw: bytes, problem: str) -> None:
    with pytest.raises(Unfit, match=problem):
        taken("gzip", raw)


@pytest.mark.parametrize("encoding", ["zstd", "br", "deflate", "gzip, gzip", "x" * 100_000])
def test_what_was_not_asked_for_is_refused(encoding: str) -> None:
    with pytest.raises(Unfit, match="not asked for") as found:
        Body(encoding, 1000)
    assert len(str(found.value)) < 200


def test_a_bomb_does_not_go_off() -> None:
    bomb = gzip.compress(bytes(200 << 20), 9)
    assert len(bomb) < 1 << 18
    tracemalloc.start()
    with pytest.raises(Unfit, match="larger"):
        taken("gzip", bomb, 1 << 20, step=1 << 18)
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()
    assert len(zstandard.compress(bytes(200 << 20))) < 1 << 16 and zlib.MAX_WBITS == 15
