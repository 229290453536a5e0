"""cli.bench: it counts what the file holds, in every pass anew; its times are not judged here."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from sniper.__main__ import main
from sniper.cli.bench import batches, measure
from sniper.types import REC_FRAME

MARKET = {
    "clobPairId": "0",
    "ticker": "BTC-USD",
    "status": "ACTIVE",
    "tickSize": "1",
    "stepSize": "0.0001",
    "stepBaseQuantums": 1000000,
    "subticksPerTick": 100000,
    "quantumConversionExponent": -9,
    "atomicResolution": -10,
}


def message(number: int, **content: Any) -> bytes:
    return json.dumps({"connection_id": "a", "message_id": number, **content}).encode()


FRAMES = (
    message(0, type="connected"),
    message(1, type="subscribed", channel="v4_markets", contents={"markets": {"BTC-USD": MARKET}}),
    message(
        2,
        type="subscribed",
        channel="v4_orderbook",
        id="BTC-USD",
        contents={"bids": [{"price": "100", "size": "1"}], "asks": [{"price": "101", "size": "2"}]},
    ),
    message(
        3,
        type="channel_data",
        channel="v4_orderbook",
        id="BTC-USD",
        version="1.0.0",
        contents={"bids": [["99", "1"]]},
    ),
    message(
        4,
        type="channel_data",
        channel="v4_orderbook",
        id="BTC-USD",
        version="1.0.0",
        contents={"bids": [["99.5", "1"]]},
    ),
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "frames.ndjson.gz"
    path.write_bytes(gzip.compress(b"\n".join(FRAMES)))
    return path


@pytest.mark.parametrize("batch", [1, 2, 64])
def test_one_document_with_what_the_file_holds(
    file: Path, capsys: pytest.CaptureFixture[str], batch: int
) -> None:
    assert main(["bench", "frames", str(file), "--repeat", "3", "--batch", str(batch), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert list(document) == [
        "schema",
        "frames",
        "rows",
        "level_updates",
        "rejected",
        "ns_per_frame",
        "frames_per_s",
    ]
    assert document["schema"] == "sniper.bench.frames/1"
    assert (document["frames"], document["level_updates"], document["rejected"]) == (5, 3, 1)
    assert document["rows"] >= 7
    assert 0 < document["ns_per_frame"]["min"] <= document["ns_per_frame"]["median"]
    assert document["frames_per_s"] > 0


def test_every_pass_has_fresh_state(file: Path) -> None:
    calls = batches(file, 64, 1 << 20)
    first, second = measure(calls), measure(calls)
    assert first[1:] == second[1:]


def test_a_call_keeps_both_bounds(file: Path) -> None:
    assert [len(call) for call in batches(file, 2, 1 << 20)] == [2, 2, 1]
    assert [len(call) for call in batches(file, 64, 1 << 20)] == [5]
    # A frame that alone is larger than the bound is alone in its call.
    sizes = [len(frame) for frame in FRAMES]
    calls = batches(file, 64, sizes[0] + 1)
    assert [len(call) for call in calls] == [1, 1, 1, 1, 1]
    assert [record[2:] for call in calls for record in call] == [(REC_FRAME, frame) for frame in FRAMES]


def test_for_people_it_is_three_lines(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "frames", str(file)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("5 frames, ") and lines[0].endswith("3 level updates, 1 rejected")
    assert lines[2].endswith(" frames/s")


def test_a_file_that_is_missing_or_empty_is_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "frames", str(tmp_path / "none")]) == 2
    (tmp_path / "empty").write_bytes(b"\n\n")
    assert main(["bench", "frames", str(tmp_path / "empty")]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert "there is no file" in lines[0] and "holds no frames" in lines[1]
