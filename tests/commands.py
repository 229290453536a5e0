"""Runs of `sniper` for the tests: in this process, and as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sniper.__main__ import main

ROOT = Path(__file__).parent.parent
FAST = ("--headless", "--json", "--set", "feed.speed=0", "--set", "sim.markets=3")
"""Three simulated markets as fast as possible, nothing drawn, one document."""

HOSTILE = tuple(
    word
    for name, probability in (
        ("drop", 0.01),
        ("duplicate", 0.01),
        ("reorder", 0.01),
        ("gap", 0.002),
        ("crossed", 0.02),
        ("unknown_remove", 0.02),
        ("malformed", 0.01),
        ("disconnect", 0.02),
        ("silence", 0.01),
        ("oracle_jump", 0.02),
    )
    for word in ("--set", f"sim.faults.{name}={probability}")
)
"""Every fault knob on."""


def document(capsys: pytest.CaptureFixture[str], *argv: str, code: int = 0) -> dict[str, Any]:
    """What `sniper ARGV` answers on standard output: one JSON document."""
    capsys.readouterr()
    assert main(argv) == code, capsys.readouterr().err
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    found = json.loads(out)
    assert isinstance(found, dict)
    return found


def refused(capsys: pytest.CaptureFixture[str], code: int, *argv: str) -> str:
    """The last line on standard error of a command that ends with this code and answers nothing."""
    capsys.readouterr()
    assert main(argv) == code, capsys.readouterr().err
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    return err.splitlines()[-1]


def process(*argv: str, python: tuple[str, ...] = ("-m", "sniper"), **options: Any) -> subprocess.Popen[str]:
    """`python -m sniper ARGV` as a process of its own."""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    return subprocess.Popen(
        [sys.executable, *python, *argv],
        env=environ | options.pop("env", {}),
        text=True,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options,
    )
