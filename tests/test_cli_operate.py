"""End to end: a run in one process, its operator in another."""

from __future__ import annotations

import itertools
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sniper.cli.operate import said_stop, say_mode, say_orders
from sniper.instances import listed

ROOT = Path(__file__).parent.parent


def sniper(state: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sniper", *words],
        cwd=ROOT,
        env=os.environ | {"XDG_STATE_HOME": str(state)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def started(state: Path, *words: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "sniper", "run", "--headless", "--no-journal", *words],
        cwd=ROOT,
        env=os.environ | {"XDG_STATE_HOME": str(state)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    end_s = time.monotonic() + 30
    while not list((state / "sniper" / "running").glob("*.sock")) and time.monotonic() < end_s:
        assert process.poll() is None, process.stderr and process.stderr.read()
        time.sleep(0.05)
    assert list((state / "sniper" / "running").glob("*.sock")), "nobody can speak to it"
    return process


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, subprocess.Popen[str]]]:
    state = tmp_path_factory.mktemp("s")
    process = started(state)
    yield state, process
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    assert [one[0].pid for one in listed(state / "sniper") if one[0].pid == process.pid] == []


def document(state: Path, verb: str) -> dict[str, Any]:
    found = sniper(state, verb, "--json")
    assert found.returncode == 0, found.stderr
    answer: dict[str, Any] = json.loads(found.stdout)
    assert answer["schema"] == f"sniper.{verb}/1" and answer["mode"] == "paper"
    return answer


def test_it_says_how_it_stands(running: tuple[Path, subprocess.Popen[str]]) -> None:
    state, process = running
    answer = document(state, "status")
    assert answer["pid"] == process.pid and answer["account"]["equity"] and answer["strategy"] == "sniper"
    text = sniper(state, "status")
    assert "equity" in text.stdout and text.returncode == 0
    assert document(state, "orders")["orders"] is not None
    assert document(state, "positions")["positions"] is not None
    for verb in ("orders", "positions"):
        assert sniper(state, verb).returncode == 0


def test_it_obeys_and_a_kill_holds(running: tuple[Path, subprocess.Popen[str]]) -> None:
    state, _ = running
    paused = sniper(state, "pause", "--reason", "lunch")
    assert paused.returncode == 0 and "pause: obeyed" in paused.stderr and "lunch" in paused.stderr
    assert sniper(state, "kill").returncode == 2  # wants a reason
    assert sniper(state, "kill", "--reason", "smoke \udcff" + "x" * 600).returncode == 0
    assert document(state, "status")["latch"] == "kill"
    assert sniper(state, "pause").returncode == 7  # a kill is not weakened
    assert sniper(state, "resume").returncode == 2
    lifted = sniper(state, "resume", "--reason", "no fire", "--json")
    assert lifted.returncode == 0 and json.loads(lifted.stdout)["latch"] is None


def test_with_several_it_asks_which(running: tuple[Path, subprocess.Popen[str]]) -> None:
    state, process = running
    second = subprocess.Popen(
        [sys.executable, "-m", "sniper", "run", "--headless", "--no-journal"],
        cwd=ROOT,
        env=os.environ | {"XDG_STATE_HOME": str(state)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        end_s = time.monotonic() + 30
        while len(list((state / "sniper" / "running").glob("*.sock"))) < 2 and time.monotonic() < end_s:
            time.sleep(0.05)
        both = sniper(state, "status")
        assert both.returncode == 2 and f"sim-{process.pid}" in both.stderr and "--account" in both.stderr
        assert sniper(state, "status", "--account", f"sim-{process.pid}").returncode == 0
    finally:
        second.kill()
        second.wait()
    # What a killed one left does not stand in the way, and the next run takes it away.
    assert sniper(state, "status").returncode == 0


def test_one_that_hangs_is_told_by_file(tmp_path_factory: pytest.TempPathFactory) -> None:
    tmp_path = tmp_path_factory.mktemp("h")  # short: the path of a local socket has about a hundred bytes
    process = started(tmp_path)
    try:
        process.send_signal(signal.SIGSTOP)
        assert sniper(tmp_path, "status").returncode == 5
        told = sniper(tmp_path, "kill", "--reason", "it hangs")
        assert told.returncode == 5 and "lies in" in told.stderr
        assert "a kill" in sniper(tmp_path, "pause").stderr
        process.send_signal(signal.SIGCONT)
        for _ in range(60):
            found = sniper(tmp_path, "status", "--json")
            if found.returncode == 0 and json.loads(found.stdout)["latch"] == "kill":
                break
            time.sleep(0.2)
        else:
            raise AssertionError("the word in the file was not obeyed")
    finally:
        process.kill()
        process.wait()


def test_a_kill_outlives_a_database_that_does_not_write(tmp_path_factory: pytest.TempPathFactory) -> None:
    tmp_path = tmp_path_factory.mktemp("w")
    words = ("--set", "state.enabled=on")
    process = started(tmp_path, *words)
    accounts = tmp_path / "sniper" / "accounts"
    try:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        told = sniper(tmp_path, "kill", "--reason", "smoke")
        assert told.returncode == 0 and "obeyed" in told.stderr
        assert "database does not hold" in told.stderr and ".killed" in told.stderr
        found = sniper(tmp_path, "status")
        assert "latch kill: smoke" in found.stdout and "database STOPPED: " in found.stdout
        (kill,) = accounts.glob("*.killed")
        assert sniper(tmp_path, "resume", "--reason", "no fire").returncode == 0 and not kill.exists()
        kill.mkdir()  # not even a file can be made
        told = sniper(tmp_path, "kill", "--reason", "fire")
        assert told.returncode == 4 and "does not outlive a crash" in told.stderr
        kill.rmdir()
        assert sniper(tmp_path, "kill", "--reason", "fire").returncode == 0
        assert process.stderr is not None
        said = itertools.islice(process.stderr, 20)  # a line every few seconds
        assert any("critical: database stopped: " in line for line in said)
    finally:
        process.kill()
        process.wait()
    again = sniper(tmp_path, "run", "--headless", "--no-journal", "--ticks", "3", *words)
    assert again.returncode == 7 and "a kill holds" in again.stderr and not kill.exists()
    assert sniper(tmp_path, "run", "--headless", "--no-journal", "--ticks", "3", *words).returncode == 7
    assert sniper(tmp_path, "unlatch", "--reason", "looked").returncode == 0
    assert sniper(tmp_path, "run", "--headless", "--no-journal", "--ticks", "3", *words).returncode == 0


def test_nobody_runs(tmp_path: Path) -> None:
    found = sniper(tmp_path, "status")
    assert found.returncode == 5 and "sniper run" in found.stderr


def test_blocks_of_an_order_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    row = {
        "client_id": 7,
        "market": "BTC-USD",
        "side": "BUY",
        "size_steps": 9,
        "filled_steps": 2,
        "price": "90000",
    }
    row |= {
        "kind": "short_term",
        "time_in_force": "gtt",
        "state": "fading",
        "purpose": "entry",
        "age_s": 3.25,
    }
    later = row | {"blocks_left": None, "good_til_s": 1_800_000_000}
    say_orders({"orders": [row | {"blocks_left": 4}, row | {"blocks_left": -34}, later]})
    ends = [line.rpartition("  ")[2] for line in capsys.readouterr().out.splitlines()]
    assert ends == ["4 blocks left", "its last block was 34 ago", "til 1800000000"]


def test_what_is_at_stake_in_words() -> None:
    cut = {
        "held": "1000",
        "without_stop": "250.5",
        "loss_at_stops": "61.5",
        "loss_in_stress": "150",
        "may_open": "500",
        "orders_that_may_open": 2,
        "blocks_until_they_end": 12,
        "orders_that_stay": 1,
    }
    answer: dict[str, Any] = {
        "now_ns": 10**18,
        "session": "degraded",
        "session_cause": "feed 4 s, limit 3 s",
        "session_since_ns": 10**18 - 5 * 10**9,
        "reconciling": {"height": 77, "at_ns": 10**18 - 9 * 10**9, "missing": ["fills"], "questions": 2},
        "exposure": cut,
    }
    assert say_mode(answer) == [
        "session degraded: feed 4 s, limit 3 s, for 5 s",
        "books agreed at block 77, 9 s ago, waiting for fills; 2 orders to be proven",
        "if power were lost now: 61.5 USDC lost at the stops, 150 in the worst stress; 250.5 USDC held without a stop",
        "  2 orders may still open 500 USDC, gone in 12 blocks; 1 orders stay on the chain",
    ]
    never = {"height": None, "at_ns": None, "missing": [], "questions": 0}
    assert say_mode({"now_ns": 1, "reconciling": never}) == ["books never agreed yet; 0 orders to be proven"]
    paper = {"session": "normal", "session_cause": None, "session_since_ns": None, "reconciling": None}
    assert say_mode({"now_ns": 1, "exposure": None} | paper) == ["session normal"]


def test_a_stop_in_words() -> None:
    stop = {"state": "resting", "trigger": "90000", "covered": "0.5", "checked_height": 77}
    assert said_stop(stop) == "stop at 90000 for 0.5, seen at block 77"
    assert said_stop(stop | {"checked_height": None}) == "stop at 90000 for 0.5"
    bare: dict[str, Any] = {"state": "none", "bare_since_height": 70}
    assert said_stop(bare) == "NO STOP since block 70"
    assert said_stop(bare | {"bare_since_height": None}) == "NO STOP"
    assert said_stop(bare | {"state": "sent", "bare_since_height": None}) == "stop sent"


def test_one_that_died_in_a_live_session_is_named(tmp_path: Path) -> None:
    from sniper.cli.operate import choose
    from sniper.errors import NetworkUnavailable
    from sniper.heartbeat import Heartbeat
    from sniper.instances import Instance, announce, folder

    folder(tmp_path).mkdir()
    gone = subprocess.Popen(["true"])
    gone.wait()
    files = announce(tmp_path, Instance("chain-dydx1abc-0", gone.pid, "live", "ws://x", 1))
    heart = Heartbeat(files.beat, "live")
    heart.beat(1, time.time_ns(), 7)
    with pytest.raises(NetworkUnavailable, match=r"chain-dydx1abc-0 .* died .* may still fill"):
        choose(tmp_path, None)
    assert choose(tmp_path, "chain")[0].pid == gone.pid
    os.truncate(files.beat, 0)
    with pytest.raises(
        NetworkUnavailable, match=r"chain-dydx1abc-0 .* died, and what it left may still fill"
    ):
        choose(tmp_path, None)
    files.beat.unlink()
    with pytest.raises(
        NetworkUnavailable, match=r"chain-dydx1abc-0 .* died, and what it left may still fill"
    ):
        choose(tmp_path, None)
    heart = Heartbeat(files.beat, "live")
    heart.close()
    with pytest.raises(NetworkUnavailable, match=r"runs here\. Start"):
        choose(tmp_path, None)
