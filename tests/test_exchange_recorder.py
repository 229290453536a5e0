"""What the venue's own client is sent ends in a file that the rest of sniper reads."""

from __future__ import annotations

import gzip
import json
import stat
from pathlib import Path

import pytest

from sniper.engine import Engine, Settings
from sniper.errors import PermissionProblem
from sniper.exchange.house import House
from sniper.exchange.recorder import FIRST, IDS_MAX, RecordedIndexer, Recorder
from sniper.feed.framefile import frames
from sniper.feed.replay import ticks_of
from tests.houses import SMALL, run


def recorded(path: Path, seconds: float = 3.0, fault: str = "", **given: object) -> tuple[House, Recorder]:
    one = House(SMALL, make_indexer=RecordedIndexer)
    recorder = Recorder(path, ["BTC-USD"])
    assert isinstance(one.indexer, RecordedIndexer)
    one.indexer.record(recorder, one.now_ns)
    if fault:
        run(one, 1.0)
        one.strike(fault, given)
    run(one, seconds)
    recorder.close()
    return one, recorder


def test_the_file_is_the_owners_and_replays(tmp_path: Path) -> None:
    path = tmp_path / "r.ndjson"
    one, recorder = recorded(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    lines = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert len(lines) == recorder.frames > 50
    assert lines[0]["msg"]["type"] == "connected"
    assert {line["msg"].get("channel") for line in lines} >= {
        "v4_markets", "v4_orderbook", "v4_trades", "v4_candles", "v4_block_height"
    }  # fmt: skip
    assert [line["recv_ms"] for line in lines] == sorted(line["recv_ms"] for line in lines)
    engine = Engine(Settings())
    for now_ns, records in ticks_of(path, None):
        engine.tick(now_ns, records)
    assert engine.decoder.tickers == ["BTC-USD"]
    best = one.rest("/v4/orderbooks/perpetualMarket/BTC-USD", "")[2]
    assert json.loads(best)["bids"]


def test_packed_where_the_name_says_so(tmp_path: Path) -> None:
    path = tmp_path / "r.ndjson.gz"
    _, recorder = recorded(path, 1.0)
    with gzip.open(path) as file:
        assert len(file.read().splitlines()) == recorder.frames


def test_a_file_that_is_there_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "r.ndjson"
    path.write_text("mine")
    with pytest.raises(PermissionProblem, match="cannot be written: File exists"):
        Recorder(path, [])
    assert path.read_text() == "mine"


def test_a_broken_connection_is_opened_anew(tmp_path: Path) -> None:
    path = tmp_path / "r.ndjson"
    one, recorder = recorded(path, 3.0, "disconnect")
    assert len({frame.connection for frame in frames(path)}) == 2
    assert recorder.frames > 50
    assert path.read_text().count('"type":"connected"') == 2
    assert not [frame for frame in one.outgoing() if frame[0] >= FIRST], "its frames go nowhere else"


def test_damaged_frames_stay_one_line(tmp_path: Path) -> None:
    path = tmp_path / "r.ndjson"
    _, recorder = recorded(path, 2.0, "malformed", share=0.5)
    lines = path.read_bytes().splitlines()
    assert len(lines) == recorder.frames
    damaged = [line for line in lines if not line.startswith(b'{"recv_ms"')]
    assert damaged
    assert len(list(frames(path))) == len([line for line in lines if line])


def test_a_full_disk_ends_the_recording_and_nothing_else(tmp_path: Path) -> None:
    one = House(SMALL, make_indexer=RecordedIndexer)
    recorder = Recorder(tmp_path / "r.ndjson", ["BTC-USD"])
    recorder._file.close()
    recorder._file = open("/dev/full", "wb", buffering=0)  # noqa: SIM115 - the recorder closes it
    assert isinstance(one.indexer, RecordedIndexer)
    one.indexer.record(recorder, one.now_ns)
    run(one, 2.0)
    assert (recorder.error, recorder.frames) == ("No space left on device", 0)
    recorder.close()


def test_thirty_two_ids_a_connection(tmp_path: Path) -> None:
    class Deaf:
        def __init__(self) -> None:
            self.said: list[tuple[int, dict[str, object]]] = []
            self.opened: list[int] = []

        def connect(self, connection: int, now_ns: int) -> None:
            self.opened.append(connection)

        def receive(self, connection: int, text: bytes, now_ns: int) -> None:
            self.said.append((connection, json.loads(text)))

    deaf = Deaf()
    recorder = Recorder(tmp_path / "r.ndjson", [f"M{number}-USD" for number in range(70)])
    recorder.begin(deaf, 0)
    assert len(deaf.opened) == 3
    due = recorder.due_ns()
    assert due is not None
    recorder.keep(deaf, [], due)
    recorder.close()
    for connection in deaf.opened:
        for channel in ("v4_orderbook", "v4_trades", "v4_candles"):
            assert (
                0
                < sum(who == connection and wish["channel"] == channel for who, wish in deaf.said)
                <= IDS_MAX
            )
    assert sum(wish["channel"] == "v4_markets" for _, wish in deaf.said) == 1
    assert sum(wish["channel"] == "v4_orderbook" for _, wish in deaf.said) == 70
