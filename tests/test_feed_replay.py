"""feed.replay: ticks as recorded, one a line of a frame file, a markets file in front."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from sniper.engine import Engine
from sniper.errors import JournalError, PermissionProblem, UsageError
from sniper.feed.framefile import CONNECTIONS_MAX, frames
from sniper.feed.replay import MARKETS_BYTES_MAX, Replay, is_journal, read_markets
from sniper.inbox import Inbox
from sniper.loop import Loop
from sniper.types import REC_FRAME, REC_GAP, REC_LINK, REC_REST, Record, Watch
from tests import played
from tests.permission import obeyed

MS = 1_000_000


def drained(feed: Replay) -> list[tuple[int, list[Record]]]:
    """What the loop would make of the feed."""
    inbox, ticks, now_ns = Inbox(1000, 1 << 20), [], 0
    feed.start(inbox)
    while (due_ns := feed.due(now_ns)) is not None:
        now_ns = max(now_ns, due_ns)
        feed.pull(now_ns, inbox)
        ticks.append((now_ns, inbox.drain(1 << 20, 1000)))
    return ticks


def test_a_line_is_a_tick_even_where_lines_share_a_time(tmp_path: Path) -> None:
    path = tmp_path / "frames.ndjson"
    path.write_bytes(
        b'{"recv_ms":7,"msg":{"connection_id":"a"}}\n{"recv_ms":7,"msg":{"connection_id":"b"}}\n{"connection_id":"a"}\n'
    )
    feed = Replay(path)
    assert feed.clock == "tape" and feed.whole_ticks and not feed.exhausted
    assert drained(feed) == [
        (7 * MS, [(7 * MS, 0, REC_FRAME, b'{"connection_id":"a"}')]),
        (7 * MS, [(7 * MS, 1, REC_FRAME, b'{"connection_id":"b"}')]),
        (8 * MS, [(8 * MS, 0, REC_FRAME, b'{"connection_id":"a"}')]),
    ]
    assert feed.exhausted and feed.due(9 * MS) is None
    first, second = feed.status()
    assert (first.index, first.frames, first.bytes, first.state, first.since_ns) == (
        0,
        2,
        42,
        "stopped",
        7 * MS,
    )
    assert (second.index, second.frames, second.reconnects, second.gaps) == (1, 1, 0, 0)


def test_nothing_comes_before_it_is_due(tmp_path: Path) -> None:
    path = tmp_path / "frames.ndjson"
    path.write_bytes(b'{"recv_ms":7,"msg":{}}\n')
    feed, inbox = Replay(path), Inbox(10, 1000)
    feed.pull(7 * MS - 1, inbox)
    assert inbox.records == 0 and feed.due(0) == 7 * MS
    feed.send(0, [Watch(("BTC-USD",))])  # no effect
    feed.stop()
    assert feed.exhausted


@pytest.mark.parametrize("bare", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_the_markets_come_first_by_a_connection_of_their_own(
    tmp_path: Path, bare: bool, packed: bool
) -> None:
    text = json.dumps(played.MARKETS if bare else {"markets": played.MARKETS}).encode()
    markets = tmp_path / "markets.json"
    markets.write_bytes(gzip.compress(text) if packed else text)
    path = tmp_path / "frames.ndjson"
    path.write_bytes(b'{"recv_ms":7,"msg":{"connection_id":"a"}}\n')
    ticks = drained(Replay(path, markets))
    assert [(now_ns, [r[:3] for r in records]) for now_ns, records in ticks] == [
        (7 * MS, [(7 * MS, 0, REC_REST)]),
        (7 * MS, [(7 * MS, 1, REC_FRAME)]),
    ]
    engine = Engine(played.SETTINGS)
    for now_ns, records in ticks:
        engine.tick(now_ns, records)
    assert engine.decoder.tickers == ["BTC-USD", "ETH-USD"]


def test_a_number_is_used_again_when_there_are_too_many_connections(tmp_path: Path) -> None:
    path = tmp_path / "frames.ndjson"
    names = [f"c{i}" for i in range(CONNECTIONS_MAX)]
    names += [
        "c0",
        "new",
        "c0",
        "newer",
        "c1",
    ]  # c1 is the oldest when `new` comes, then c2; then c1 is back for c3
    path.write_text("".join(f'{{"connection_id":"{name}"}}\n' for name in names))
    numbers = [frame.connection for frame in frames(path, 1)]
    assert numbers[:CONNECTIONS_MAX] == list(range(1, CONNECTIONS_MAX + 1))
    assert numbers[CONNECTIONS_MAX:] == [1, 2, 1, 3, 4]


def test_a_time_beyond_all_bounds_makes_a_line_that_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "frames.ndjson"
    line = b'{"recv_ms":1e200,"msg":{}}'
    path.write_bytes(line)
    assert [frame.data for frame in frames(path)] == [line]


def test_a_journal_gives_its_ticks_with_the_empty_ones(tmp_path: Path) -> None:
    ticks = played.turns(played.frames(60), 3)
    ticks[5] = (
        ticks[5][0],
        [(5, 2, REC_GAP, b"3 100"), (5, 2, REC_LINK, b"open 0 ok"), (6, 2, REC_LINK, b"open 0")],
    )
    played.journalled(tmp_path / "a.mcap", ticks)
    for path in (tmp_path / "a.mcap", tmp_path):
        feed = Replay(path)
        assert is_journal(path) and feed.reader is not None
        assert drained(feed) == ticks
        other = {c.index: c for c in feed.status()}[2]
        assert (other.gaps, other.reconnects, other.frames) == (1, 1, 0)
    assert [] in [records for _, records in ticks]


def test_the_loop_over_a_journal_gives_the_digest_of_the_run(tmp_path: Path) -> None:
    wanted = played.journalled(tmp_path / "a.mcap", played.turns(played.frames(300), 4))
    engine = Engine(played.SETTINGS)
    loop = Loop(engine, Replay(tmp_path / "a.mcap"), Inbox(1000, 1 << 20), speed=0)
    assert loop.run() == "exhausted"
    assert (engine.ticks, engine.digest) == (wanted.ticks, wanted.digest)


def test_files_that_cannot_be_played(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no file"):
        Replay(tmp_path / "none.ndjson")
    with pytest.raises(JournalError, match="cannot be opened"):
        Replay(tmp_path / "none.mcap")
    with pytest.raises(JournalError, match="no journal"):
        Replay(tmp_path)
    (tmp_path / "empty.ndjson").write_bytes(b"")
    assert Replay(tmp_path / "empty.ndjson").due(0) is None


def test_markets_files_that_cannot_be_used(tmp_path: Path) -> None:
    path = tmp_path / "markets.json"
    with pytest.raises(UsageError, match="there is no markets file"):
        read_markets(path)
    with pytest.raises(UsageError, match="cannot be read"):
        read_markets(tmp_path)
    for content, why in (
        (b"[]", "not a list of markets"),
        (b"{", "not a list of markets"),
        (b'{"\xf2":1}', "not a list of markets"),
        (b'{"a":' + b"[" * 100_000, "not a list of markets"),
        (gzip.compress(b"{}" * 50)[:-9], "damaged"),
        (b" " * (MARKETS_BYTES_MAX + 1), "larger than"),
    ):
        path.write_bytes(content)
        with pytest.raises(UsageError, match=why):
            read_markets(path)
    path.chmod(0)
    with obeyed(), pytest.raises(PermissionProblem):
        read_markets(path)


def test_a_line_that_is_not_utf8_or_nested_without_end_is_handed_on_to_be_refused(tmp_path: Path) -> None:
    deep = b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    lines = [b'{"recv_ms":7,"msg":' + deep + b"}", deep, b'{"connection_id":"\xf2"}', b'{"msg":"\xf2"}']
    (tmp_path / "f.ndjson").write_bytes(b"\n".join(lines))
    found = [frame.data for frame in frames(tmp_path / "f.ndjson")]
    assert found[:3] == lines[:3] and len(found) == 4
