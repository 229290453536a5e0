"""cli.doctor: a plain verdict on this machine."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from sniper.__main__ import main
from sniper.cli import doctor
from sniper.cli.doctor import Check
from sniper.config import PRESETS, Config, Preset
from tests.permission import obeyed
from tests.test_cli_probe import serving

Run = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def examine(alone: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `sniper doctor --json` and gives the code and the document."""

    def call(*argv: str) -> tuple[int, dict[str, Any]]:
        code = main(["doctor", "--json", "--timeout", "2", *argv])
        document = json.loads(capsys.readouterr().out)
        assert document["exit_code"] == code
        return code, document

    return call


def named(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(check for check in document["checks"] if check["name"] == name)


def online(host: str) -> list[str]:
    return ["--set", f"feed.source=ws://{host}/v4/ws", "--set", f"feed.rest_url=http://{host}"]


def test_a_fit_machine_is_0(examine: Run) -> None:
    with serving() as host:
        code, document = examine(*online(host))
    assert (code, document["schema"]) == (0, "sniper.doctor/1")
    assert document["verdict"].startswith("Fit")
    assert {check["group"] for check in document["checks"]} == {
        "versions",
        "kernels",
        "clock",
        "terminal",
        "config",
        "folders",
        "endpoints",
    }
    assert named(document, "numpy")["text"] == metadata.version("numpy")
    assert "tape" in named(document, "loaded")["text"]
    assert "-ffp-contract=off" in named(document, "build")["text"]
    rest = named(document, f"ws://{host}/v4/ws rest")
    assert rest["values"]["height"] == 66624132 and "height 66624132" in rest["text"]


def test_offline_says_so_and_is_5(examine: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for network in PRESETS:
        monkeypatch.setitem(PRESETS, network, Preset("ws://127.0.0.1:9/v4/ws", "http://127.0.0.1:9"))
    code, document = examine()
    assert code == 5
    assert document["verdict"] == (
        "This machine is offline: simulated and recorded data work, live data does not."
    )
    bad = [check for check in document["checks"] if check["state"] == "bad"]
    assert {check["name"] for check in bad} == {
        "mainnet socket",
        "mainnet rest",
        "testnet socket",
        "testnet rest",
    }
    assert all("refused" in check["text"] for check in bad)


def test_one_endpoint_that_is_gone_is_named(examine: Run) -> None:
    with serving() as host:
        code, document = examine(
            "--set", f"feed.source=ws://{host}/v4/ws", "--set", "feed.rest_url=http://127.0.0.1:9"
        )
    assert code == 5
    assert document["verdict"].startswith("Some endpoints cannot be reached")


def test_an_endpoint_that_lags_is_a_doubt(examine: Run) -> None:
    answers = {"/v4/height": (200, {"height": "5", "time": "2026-01-01T00:00:00Z"})}
    with serving(answers) as host:
        code, document = examine(*online(host))
    assert code == 0
    assert "is behind: its last block is" in named(document, f"ws://{host}/v4/ws rest")["text"]
    assert named(document, f"ws://{host}/v4/ws rest")["state"] == "doubt"


def test_a_feed_without_a_rest_address_has_one_endpoint() -> None:
    with serving() as host:
        config = Config.model_validate({"feed": {"source": f"ws://{host}/v4/ws"}})
        assert [check.name for check in doctor.endpoints(config, 1.0)] == [f"ws://{host}/v4/ws socket"]


def test_a_wrong_config_is_3_and_comes_before_the_network(examine: Run) -> None:
    Path("config.toml").write_text("sed = 1")
    code, document = examine("--set", "feed.source=ws://127.0.0.1:9/")
    assert code == 3
    assert document["verdict"].startswith("Not fit: config.toml:1: unknown key sed.")


def test_a_folder_without_permission_is_4(examine: Run, alone: Path) -> None:
    Path("closed").mkdir(mode=0o500)
    with obeyed():
        code, document = examine(
            "--set", "journal.folder=closed/journals", "--set", "feed.source=ws://127.0.0.1:9/"
        )
    assert code == 4
    assert "closed/journals may not be written" in document["verdict"]
    assert not Path("closed/journals").exists()


def test_folders_are_looked_at_and_not_made(alone: Path) -> None:
    checks = list(doctor.folders(Config(), {"HOME": str(alone)}))
    assert [(check.name, check.state) for check in checks] == [("state", "ok"), ("journals", "ok")]
    assert "will be made" in checks[0].text
    assert not list(alone.iterdir())


def test_an_open_folder_and_a_full_disk_are_doubts(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (alone / "sniper").mkdir(mode=0o755)
    usage = shutil.disk_usage(alone)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=5_000_000))
    state, journals = doctor.folders(Config(), {"XDG_STATE_HOME": str(alone)})
    assert (state.state, journals.state) == ("doubt", "doubt")
    assert "chmod 700" in state.text
    assert "5 MB free, journal.total_mb_max is 4096" in journals.text


def test_another_python_and_a_missing_library_are_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 13, 0))
    monkeypatch.setattr(doctor, "LIBRARIES", ("no-such-library",))
    python, _, library = doctor.versions()
    assert (python.state, library.state) == ("bad", "bad")
    assert "3.11 or 3.12 is needed" in python.text and "make build" in library.text


def test_a_kernel_that_was_never_built_is_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "sources", lambda folder: {"compiled", "never_built"})
    checks = {check.name: check for check in doctor.kernels()}
    assert checks["never_built"].state == "bad" and "run 'make build'" in checks["never_built"].text
    assert "never_built" not in checks["loaded"].text


def test_a_debug_build_is_a_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    from sniper._ext import compiled

    monkeypatch.setattr(compiled, "DEBUG", True)
    build = next(check for check in doctor.kernels() if check.name == "build")
    assert build.state == "doubt" and build.text.startswith("a slow debug build")


def test_a_clock_in_the_past_or_being_set_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [check.state for check in doctor.clock()] == ["ok", "ok"]
    monkeypatch.setattr(time, "time", lambda: 1e9)
    assert [check.state for check in doctor.clock()] == ["ok", "bad"]
    monkeypatch.undo()
    jumps = iter([0, 3_600_000_000_000])
    monkeypatch.setattr(time, "time_ns", lambda: next(jumps))
    assert [check.state for check in doctor.clock()] == ["ok", "doubt"]


@pytest.mark.parametrize(
    ("size", "encoding", "state", "said"),
    [
        ((120, 40), "utf-8", "ok", "120x40"),
        ((79, 40), "utf-8", "doubt", "needs 80x24"),
        ((120, 40), "ascii", "doubt", "UTF-8"),
    ],
)
def test_the_terminal_is_judged_by_size_and_encoding(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], encoding: str, state: str, said: str
) -> None:
    class Screen:
        def __init__(self) -> None:
            self.encoding = encoding

        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size(size))
    monkeypatch.setattr(sys, "stdout", Screen())
    (check,) = doctor.terminal()
    assert check.state == state and said in check.text


def test_for_people_it_is_lines_in_groups(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving() as host:
        assert main(["--color", "always", "doctor", *online(host)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "versions" and lines[-1].startswith("Fit")
    assert lines[1].startswith("  \x1b[32mok   \x1b[0m python")
    assert {"kernels", "clock", "terminal", "config", "folders", "endpoints"} < set(lines)


def test_the_verdict_counts_doubts() -> None:
    fine = Check("a", "b", "ok", "c")
    doubt = fine._replace(state="doubt")
    assert doctor.conclusion([fine], 0) == "Fit."
    assert doctor.conclusion([fine, doubt], 0) == "Fit, with 1 doubt."
    assert doctor.conclusion([doubt, doubt], 0) == "Fit, with 2 doubts."
