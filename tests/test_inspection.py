"""inspection: counts agree with what was recorded, and a journal's snapshot counts for nothing."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from sniper.errors import JournalError, UsageError
from sniper.inspection import Inspection, Report
from sniper.types import REC_FRAME, REC_GAP, REC_LINK, REC_OPERATOR, REC_REST
from tests import played, real

FRAMES = played.frames(900)


def report(path: Path, markets: Path | None = None) -> Report:
    inspection = Inspection(path, markets)
    for _ in inspection.run():
        pass
    inspection.close()
    return inspection.report()


def recorded(path: Path, frames: list[bytes] = FRAMES) -> Path:
    path.write_bytes(b"\n".join(frames))
    return path


def test_a_frame_file_is_counted_by_channel(tmp_path: Path) -> None:
    found = report(recorded(tmp_path / "f.ndjson"))
    wanted: Counter[str] = Counter()
    size: Counter[str] = Counter()
    for frame in FRAMES:
        said = json.loads(frame)
        wanted[said.get("channel", said["type"])] += 1
        size[said.get("channel", said["type"])] += len(frame)
    assert found.messages == {name: (wanted[name], size[name]) for name in wanted}
    assert (found.kind, found.ticks, found.torn, found.journal_gaps) == ("frames", len(FRAMES), None, [])
    assert (found.first_ns, found.last_ns) == (0, (len(FRAMES) - 1) * 1_000_000)
    refused = sum(b'"x"' in frame for frame in FRAMES)
    assert refused and found.counters["rejected"] == refused == sum(found.rejections.values())
    assert set(found.rejections) == {"bad value"}
    assert found.counters["frames"] == len(FRAMES)
    (link,) = found.connections
    height = max(json.loads(frame)["contents"]["blockHeight"] for frame in FRAMES if b"blockHeight" in frame)
    assert (link["index"], link["frames"], link["bytes"]) == (0, len(FRAMES), sum(map(len, FRAMES)))
    assert (link["missing_ids"], link["height"]) == (0, int(height))  # a refused message did come
    assert set(found.markets) == {"BTC-USD", "ETH-USD"}
    btc = found.markets["BTC-USD"]
    assert btc["crossings"] > 0 and btc["crossed_ns"] > 0 and btc["unknown_removes"] > 0 and btc["trades"] > 0
    assert found.quality.grade == "F" and found.quality.reasons[0].startswith("F: ")


def test_a_journal_and_its_frames_tell_the_same(tmp_path: Path) -> None:
    played.journalled(tmp_path / "a.mcap", played.turns(FRAMES, 3))
    a, b = report(tmp_path / "a.mcap"), report(recorded(tmp_path / "f.ndjson"))
    assert a.kind == "journal"
    assert (a.messages, a.rejections, a.counters["levels"]) == (
        b.messages,
        b.rejections,
        b.counters["levels"],
    )
    for ticker, one in a.markets.items():
        assert {k: v for k, v in one.items() if k != "crossed_ns"} == {
            k: v for k, v in b.markets[ticker].items() if k != "crossed_ns"
        }


def test_files_of_a_run_add_up_to_the_run(tmp_path: Path) -> None:
    played.journalled(tmp_path, played.turns(FRAMES, 3), rotate_every=100)
    whole = report(tmp_path)
    parts = [report(path) for path in sorted(tmp_path.iterdir())]
    assert len(parts) > 2
    assert sum(part.ticks for part in parts) == whole.ticks
    for name in ("frames", "rejected", "trades", "levels", "unknown_removes", "crossings"):
        assert sum(part.counters[name] for part in parts) == whole.counters[name] > 0
    for name in ("crossings", "unknown_removes", "trades"):
        assert sum(part.markets["BTC-USD"][name] for part in parts) == whole.markets["BTC-USD"][name] > 0


def test_records_that_are_no_frames_are_named(tmp_path: Path) -> None:
    rest = b"perpetualMarkets 200 \n" + json.dumps({"markets": played.MARKETS}).encode()
    ticks = [
        (1, [(1, 0, REC_REST, rest), (1, 0, REC_REST, b"what 200 \n{}"), (1, 0, REC_LINK, b"open 0 ok")]),
        (2, [(2, 0, REC_GAP, b"3 100"), (2, 0, REC_OPERATOR, b"note x")]),
        (
            12_000_000_002,
            [
                (3, 0, REC_FRAME, b"{"),
                (3, 0, REC_FRAME, b'{"a":' + b"[" * 9999),
                (3, 0, REC_FRAME, b'{"type":"\xf2"}'),
                (3, 0, REC_FRAME, b'{"type":"new"}'),
            ],
        ),
    ]
    played.journalled(tmp_path / "a.mcap", ticks)
    found = report(tmp_path / "a.mcap")
    assert {name: n for name, (n, _) in found.messages.items()} == {
        "REST perpetualMarkets": 1,
        "REST other": 1,
        "link": 1,
        "gap": 1,
        "operator": 1,
        "not JSON": 3,
        "other": 1,
    }
    assert found.silence_ns == 12_000_000_000
    assert (found.counters["gaps"], found.counters["gap_records"], found.counters["unknown"]) == (1, 3, 1)


def test_message_ids_that_never_came_are_missing(tmp_path: Path) -> None:
    found = report(recorded(tmp_path / "f.ndjson", FRAMES[:100] + FRAMES[107:200]))
    assert found.counters["missing_ids"] == 7 == found.connections[0]["missing_ids"]
    assert any("lost messages" in reason for reason in found.quality.reasons)


def test_many_missing_ids_are_all_counted(tmp_path: Path) -> None:
    kept = [frame for i, frame in enumerate(FRAMES) if i < 100 or i % 3 or i > 890]
    found = report(recorded(tmp_path / "f.ndjson", kept))
    missing = len(FRAMES) - len(kept)
    assert found.counters["missing_ids"] == missing > 200


def test_a_file_without_messages_is_an_f(tmp_path: Path) -> None:
    found = report(recorded(tmp_path / "f.ndjson", []))
    assert (found.quality.grade, found.ticks, found.first_ns) == ("F", 0, 0)


def test_markets_for_a_recording_that_has_none(tmp_path: Path) -> None:
    markets = tmp_path / "markets.json"
    markets.write_text(json.dumps(played.MARKETS))
    frames = [FRAMES[0], *FRAMES[2:100]]
    without = report(recorded(tmp_path / "f.ndjson", frames))
    assert without.rejections["unknown market"] > 50 and not without.markets
    found = report(tmp_path / "f.ndjson", markets)
    assert "unknown market" not in found.rejections and len(found.markets) == 2
    played.journalled(tmp_path / "a.mcap", played.turns(frames))
    assert report(tmp_path / "a.mcap", markets).counters["levels"] == found.counters["levels"] > 0


def test_inputs_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        report(tmp_path / "none.ndjson")
    with pytest.raises(JournalError):
        report(tmp_path / "none.mcap")


def test_the_real_recording(tmp_path: Path) -> None:
    found = report(
        real.path("dydx-fullnode-stream/derived/2024-12-19_t0.derived_indexer_ws.jsonl.gz"),
        real.path("dydx-perpetual-markets/market_info_2024-11.json.gz"),
    )
    assert found.counters["rejected"] == 0 and found.counters["frames"] == 237
    assert found.markets["BTC-USD"]["unknown_removes"] == 505
    assert found.markets["ETH-USD"]["unknown_removes"] == 306
    assert found.markets["BTC-USD"]["crossings"] == 0
