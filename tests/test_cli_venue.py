"""`sniper venue` as a program: what it says, how it ends, what it refuses."""

from __future__ import annotations

import json
import re
import signal
import sys
from pathlib import Path

import httpx
import pytest

from sniper.__main__ import main
from sniper.cli import venue
from sniper.errors import installing
from sniper.exchange.accounts import ACCOUNTS
from sniper.exchange.faults import FAULTS
from sniper.exchange.running import Ports
from tests.commands import document, process, refused

ANY = ("--port", "0", "--grpc-port", "0", "--control-port", "0", "--markets", "BTC-USD")


def test_it_says_where_it_is_and_ends_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(
        capsys, "venue", *ANY, "--json", "--duration", "0.5", "--random-faults", "60", "--seed", "4"
    )
    assert found["schema"] == "sniper.venue/1"
    assert (found["markets"], found["seed"], found["scenario"]) == (["BTC-USD"], 4, "seed 4")
    assert [one["address"] for one in found["accounts"]] == [one.address for one in ACCOUNTS]
    assert re.fullmatch(r"ws://127\.0\.0\.1:\d+/v4/ws", found["websocket"])


def test_lines_for_people_and_a_recording(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "r.ndjson"
    assert main(["venue", *ANY, "--duration", "1.5", f"--record={path}", "--self-signed"]) == 0
    out, err = capsys.readouterr()
    names = [line.split()[0] for line in out.splitlines()]
    assert names == [
        "chain",
        "rest",
        "websocket",
        "grpc",
        "faucet",
        "control",
        *["account"] * 4,
        "tls",
        "recording",
        "try",
        "live",
        "key",
        "note",
    ]
    assert "sniper run --set feed.source=wss://127.0.0.1:" in out and "--set feed.ca_file=" in out
    assert "--set live.chain_id=localdydxprotocol" in out and "--set live.ca_file=" in out
    assert re.search(r"keys authorize .* --node https://127\.0\.0\.1:\d+ --ca-file ", out)
    assert re.search(r"\d+ frames are in .*r\.ndjson", err)
    assert path.stat().st_size > 1000


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_signals_end_it_gracefully(number: int, code: int) -> None:
    one = process("venue", *ANY, "--json", "--quiet")
    try:
        assert one.stdout is not None and one.stderr is not None
        found = json.loads(one.stdout.readline())
        assert httpx.get(f"{found['rest']}/v4/height").status_code == 200
        assert httpx.get(found["control"]).json()["faults"] == []
        one.send_signal(number)
        assert one.wait(60) == code
        assert "ended at height" in one.stderr.read()
    finally:
        one.kill()
        one.communicate()


def test_the_list_of_faults(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["venue", "--faults"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines] == list(FAULTS)
    assert document(capsys, "venue", "--faults", "--json")["schema"] == "sniper.venue_faults/1"


def test_refusals(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    scenario = tmp_path / "s.toml"
    scenario.write_text('[[event]]\nfault = "gap"\n')
    assert "event 1 (gap): one of at_s and at_block says when" in refused(
        capsys, 2, "venue", *ANY, "--scenario", str(scenario)
    )
    assert "exclude each other" in refused(capsys, 2, "venue", "--scenario", "x", "--random-faults", "5")
    assert "exclude each other" in refused(capsys, 2, "venue", "--self-signed", "--certificate", "a", "b")
    assert "no market 'XYZ'" in refused(capsys, 2, "venue", "--markets", "XYZ")
    assert "no market 'XYZ'" in refused(capsys, 2, "venue", "--markets", "XYZ", "--random-faults", "5")
    assert "are not a certificate and its key" in refused(capsys, 2, "venue", *ANY, "--certificate", "a", "b")
    assert "there is no file" in refused(capsys, 2, "venue", *ANY, "--recording", str(tmp_path / "none"))
    there = tmp_path / "there"
    there.write_text("")
    assert "cannot be written: File exists" in refused(capsys, 4, "venue", *ANY, f"--record={there}")


def test_a_scenarios_tls_and_events_are_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    scenario = tmp_path / "s.toml"
    scenario.write_text('name = "x"\ntls = "self-signed"\n[[event]]\nfault = "gap"\nat_s = 1\n')
    assert main(["venue", *ANY, "--quiet", "--duration", "0.2", "--scenario", str(scenario)]) == 0
    out = capsys.readouterr().out
    assert "scenario  x: 1 events" in out and "\ntls " in out


def test_without_the_extra_it_says_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    assert refused(capsys, 2, "venue").endswith(
        f"the package aiohttp, which is not installed. {installing('aiohttp cryptography')}"
    )


def test_a_recording_served_as_the_market(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "r.ndjson"
    assert main(["venue", *ANY, "--duration", "2", f"--record={path}"]) == 0
    capsys.readouterr()
    found = document(capsys, "venue", *ANY[:6], "--recording", str(path), "--duration", "0.5", "--json")
    assert found["markets"] == ["BTC-USD"]


def test_names_of_files_and_places() -> None:
    assert venue.file_of(None) is None
    assert venue.file_of("x.ndjson") == Path("x.ndjson")
    named = venue.file_of(venue.HERE)
    assert named is not None and re.fullmatch(r"venue-\d{8}T\d{6}Z\.ndjson\.gz", named.name)
    assert venue.addresses(Ports(), True)["rest"] == "https://127.0.0.1:3002"
    assert venue.chosen("BTC-USD, ETH-USD,") == ("BTC-USD", "ETH-USD")
