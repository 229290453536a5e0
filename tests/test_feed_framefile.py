"""feed.framefile: every message of a file, its bytes untouched, with its time and connection."""

from __future__ import annotations

import gzip
import json
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper.errors import PermissionProblem, UsageError
from sniper.feed import framefile
from sniper.feed.framefile import Frame, frames
from tests import real
from tests.permission import obeyed

MS = 1_000_000


def written(path: Path, *lines: bytes, packed: bool = False) -> Path:
    content = b"\n".join(lines)
    path.write_bytes(gzip.compress(content) if packed else content)
    return path


@pytest.mark.parametrize("packed", [False, True])
def test_plain_messages_are_a_millisecond_apart_from_zero(tmp_path: Path, packed: bool) -> None:
    path = written(
        tmp_path / "f",
        b'{"type":"connected","connection_id":"a","message_id":0}',
        b'  { "connection_id" : "b" } ',
        b"",
        b'{"connection_id":"a"}\r',
        packed=packed,
    )
    assert list(frames(path)) == [
        Frame(0, 0, b'{"type":"connected","connection_id":"a","message_id":0}'),
        Frame(1 * MS, 1, b'  { "connection_id" : "b" } '),
        Frame(2 * MS, 0, b'{"connection_id":"a"}'),
    ]


def test_wrapped_messages_keep_their_bytes_and_time(tmp_path: Path) -> None:
    path = written(
        tmp_path / "f",
        b'{"recv_ms":1734570532238,"msg":{"x": "\\u00e9" , "connection_id":"a"}}',
        b'{"recv_ms":1734570532238.5,"msg":{"connection_id":"a"}}',
        b'{"msg":{"connection_id":"b"}}',
        b'{"msg":[1, 2],"recv_ms":5}',
    )
    assert list(frames(path)) == [
        Frame(1734570532238 * MS, 0, b'{"x": "\\u00e9" , "connection_id":"a"}'),
        Frame(1734570532238 * MS + MS // 2, 0, b'{"connection_id":"a"}'),
        Frame(1734570532239 * MS + MS // 2, 1, b'{"connection_id":"b"}'),
        Frame(5 * MS, 2, b"[1, 2]"),
    ]


def test_what_is_no_message_is_handed_on_for_the_decoder_to_refuse(tmp_path: Path) -> None:
    junk = [
        b"nonsense",
        b'{"msg":',
        b'{"msg":{"a":1}, "recv_ms":"x"}',
        b'{"connection_id":7}',
        b"\xff\xfe",
        b"[]",
    ]
    assert [frame.data for frame in frames(written(tmp_path / "f", *junk))] == junk


@given(st.lists(st.binary(min_size=1, max_size=30).filter(lambda b: not set(b) & {10, 13}), max_size=5))
def test_no_line_is_lost_or_changed(tmp_path_factory: pytest.TempPathFactory, content: list[bytes]) -> None:
    path = written(tmp_path_factory.mktemp("frames") / "f", b"x", *content)
    assert [frame.data for frame in frames(path)] == [b"x", *content]


def test_a_real_recording_is_read_whole() -> None:
    path = real.path("dydx-fullnode-stream/derived/2024-12-19_t0.derived_indexer_ws.jsonl.gz")
    found = list(frames(path))
    assert len(found) == 237
    assert {frame.connection for frame in found} == {0}
    assert found[0].recv_ns == 1734570532238 * MS
    assert json.loads(found[0].data)["type"] == "connected"


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no file"):
        list(frames(tmp_path / "none"))
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        list(frames(tmp_path))
    path = written(tmp_path / "f", *[b'{"a":%d}' % n for n in range(1000)], packed=True)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UsageError, match="is damaged after line"):
        list(frames(path))
    path.write_bytes(b"\x1f\x8bnonsense")
    with pytest.raises(UsageError, match="is damaged after line 0"):
        list(frames(path))
    path.chmod(0)
    with obeyed(), pytest.raises(PermissionProblem, match="may not be read"):
        list(frames(path))


@pytest.mark.parametrize("packed", [False, True])
def test_a_pipe_is_read_once_and_whole(tmp_path: Path, packed: bool) -> None:
    lines = [b'{"connection_id":"a"}', b'{"connection_id":"b"}']
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    content = b"\n".join(lines)
    writer = threading.Thread(target=lambda: pipe.write_bytes(gzip.compress(content) if packed else content))
    writer.start()
    assert [frame.data for frame in frames(pipe)] == lines
    writer.join()


def test_a_line_without_end_does_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framefile, "LINE_BYTES_MAX", 64)
    path = written(tmp_path / "f", b"{}", b" " * 64 + b"\r", b"x" * 65)
    read = frames(path)
    assert [next(read).data, next(read).data] == [b"{}", b" " * 64]
    with pytest.raises(UsageError, match=r"line 3 of .* is longer than 64 bytes"):
        next(read)


def test_a_journal_is_no_file_of_frames(tmp_path: Path) -> None:
    path = written(tmp_path / "f", b"\x89MCAP0\r", b"anything")
    with pytest.raises(UsageError, match="is a journal, not a file of frames"):
        list(frames(path))
