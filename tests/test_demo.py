"""Each panel alone on the simulated market, started as a program."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from sniper import demo, layout
from sniper.demo import command
from tests.test_dashboard import Pty

TITLES = {name: panel.TITLE for name, panel in layout.PANELS.items()}


def test_off_a_terminal_it_prints_status_lines_and_the_panel_at_the_end() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sniper.panels.book", "--ticks", "60", "--speed", "0"],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "80", "LINES": "24"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("tick 1  sim ")
    lines = done.stdout.splitlines()
    assert len(lines) == 24 and {len(line) for line in lines} == {80}
    assert "tick 60" in lines[0] and " Book " in done.stdout and "BTC-USD live" in done.stdout
    others = [title for name, title in TITLES.items() if name not in ("book", "header")]
    assert not [title for title in others if f" {title} " in done.stdout]


@pytest.mark.parametrize("panel", sorted(layout.PANELS))
def test_on_a_terminal_it_shows_that_panel_alone(panel: str) -> None:
    pty = Pty(100, 30)
    program = subprocess.Popen(
        [sys.executable, "-m", f"sniper.panels.{panel}", "--ticks", "150", "--speed", "0", "--markets", "2"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=pty.slave,
        env={**os.environ, "TERM": "xterm-256color"},
    )
    assert program.wait(60) == 0
    text = pty.read()
    pty.close()
    assert "tick" in text
    for name, title in TITLES.items():
        assert (f" {title} " in text) == (name == panel or name == "header"), title


def test_a_picture_of_market_and_decisions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(demo, "PACED_TICKS", 10)
    monkeypatch.setattr(demo, "sleep", waits.append)
    path = tmp_path / "dashboard.svg"
    arguments = ["--panel", "book", "--ticks", "60", "--speed", "0", "--markets", "3", "--svg", str(path)]
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 0, result.output
    text = path.read_text(encoding="utf-8")
    assert text.startswith("<svg") and "BTC-USD" in text.replace("&#45;", "-")
    assert "font-face" not in text and "http" not in text.replace("http://www.w3.org", "").split("<rect")[-1]
    for name, title in TITLES.items():
        assert (f"&#160;{title}&#160;" in text) == (name not in ("pipeline", "feed")), name
    assert "PAPER" in text
    assert len(waits) == 11 and all(0.0 < wait <= 0.05 for wait in waits)
