"""cli.why: the explanation in lines and as a document, and how a tick is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from sniper.__main__ import main
from sniper.cli.why import clock, time_ns, told
from sniper.engine import Engine, Settings
from sniper.explaining import Why
from sniper.journal_reader import JournalReader
from tests.commands import document, refused
from tests.paper_run import run
from tests.test_explaining import EAGER


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("why") / "j"
    run(40, markets=6, journal=path, strategy="sniper", options=EAGER)
    return path


def test_lines(alone: Path, capsys: pytest.CaptureFixture[str], journal: Path) -> None:
    assert main(["why", str(journal), "--at", "600"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("tick 600, 2026-01-01T00:00:2") and "strategy sniper" in lines[0]
    assert any(line.startswith("nearest miss: ") and "needed" in line for line in lines)
    assert any(line.split()[:4] == ["signal", "score", "weight", "points"] for line in lines)
    assert sum(line.startswith("  failed: ") for line in lines) == 1, "only the nearest in full"
    assert main(["why", str(journal), "--at", "600", "--all"]) == 0
    assert sum(line.startswith("  failed: ") for line in capsys.readouterr().out.splitlines()) == 6
    unasked = list(told(Why(1, 0, "sniper", False, (), (), 0), False, Engine(Settings())))
    assert unasked[-1].endswith("nothing was known of the account yet")


def test_decisions_are_told_with_their_reasons(
    alone: Path, capsys: pytest.CaptureFixture[str], journal: Path
) -> None:
    ticks = range(380, 540)
    for tick in ticks:
        said = document(capsys, "why", str(journal), "--at", str(tick), "--json")
        if any(one.get("purpose") == "entry" for one in said["decided"]):
            break
    else:
        raise AssertionError("this session must enter")
    assert main(["why", str(journal), "--at", str(tick)]) == 0
    out = capsys.readouterr().out
    assert "decided: entry" in out and "signal.momentum" in out
    assert "e+" not in out, "sizes and limits are read without exponents"
    assert main(["why", str(journal), "--at", str(tick + 1)]) == 0
    assert f"the last decision before was in tick {tick}, " in capsys.readouterr().out
    assert said["schema"] == "sniper.why/1" and said["tick"] == tick and len(said["markets"]) == 6
    entry = next(one for one in said["decided"] if one["purpose"] == "entry")
    assert entry["outcome"] == "approved" and entry["reasons"] and entry["size_steps"] > 0


def test_a_market_alone(alone: Path, capsys: pytest.CaptureFixture[str], journal: Path) -> None:
    said = document(capsys, "why", str(journal), "--at", "600", "--market", "ETH-USD", "--json")
    assert list(said["markets"]) == ["ETH-USD"]
    market = said["markets"]["ETH-USD"]
    assert {"name", "found", "needed", "passed"} == set(market["strategy"][0])
    assert any(one["name"].startswith("risk.") for one in market["risk"])
    assert "--market XYZ" in refused(capsys, 2, "why", str(journal), "--at", "600", "--market", "XYZ")


def test_a_time_means_the_last_tick_up_to_then(
    alone: Path, capsys: pytest.CaptureFixture[str], journal: Path
) -> None:
    with JournalReader(journal) as reader:
        ticks = [(tick.number, tick.now_ns) for tick in reader]
    for text in ("00:00:20", "00:00:31.5", "2026-01-01T00:00:20", "2026-01-01T01:00:20+01:00"):
        said = document(capsys, "why", str(journal), "--at", text, "--json")
        wanted = max(number for number, now_ns in ticks if now_ns <= time_ns(text, ticks[0][1]))
        assert said["tick"] == wanted
    assert "is not in the journal" in refused(capsys, 2, "why", str(journal), "--at", "12:00:00")
    assert "neither a tick nor a time" in refused(capsys, 2, "why", str(journal), "--at", "noon")
    assert "no tick 999999" in refused(capsys, 2, "why", str(journal), "--at", "999999")


def test_clocks() -> None:
    ns = 1_767_225_690_123_000_000
    assert clock(ns) == "2026-01-01T00:01:30.123Z"
    assert time_ns("00:01:30.123", ns) == time_ns("2026-01-01T00:01:30.123", 0) == ns
