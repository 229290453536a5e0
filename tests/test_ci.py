"""What a clean machine runs: the search for a Python, the gate on lines, the verbs of the Makefile."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FIND = ROOT / ".ci" / "find-python"


def find_python(tmp_path: Path, **scripts: str) -> subprocess.CompletedProcess[str]:
    """Run the search with only these commands (and those of a bare system without any Python) on the PATH."""
    for name in ("tail", "echo", "sh"):
        (tmp_path / name).symlink_to(f"/bin/{name}" if Path(f"/bin/{name}").exists() else f"/usr/bin/{name}")
    for name, script in scripts.items():
        path = tmp_path / name.replace("_", ".")
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
    environ = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    return subprocess.run(["/bin/sh", str(FIND)], env=environ, capture_output=True, text=True, timeout=60)


WORKS = f'exec "{sys.executable}" "$@"'
OTHER_VERSION = 'echo "it is Python 3.13" >&2; exit 1'
BROKEN_SHIM = 'echo "pyenv: command not found" >&2; exit 127'


def test_the_first_python_that_works_is_taken(tmp_path: Path) -> None:
    done = find_python(tmp_path, python3=OTHER_VERSION, python3_12=BROKEN_SHIM, python3_11=WORKS)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == sys.executable


def test_where_none_fits_it_says_what_was_tried_and_what_to_install(tmp_path: Path) -> None:
    done = find_python(tmp_path, python3=OTHER_VERSION, python3_12=BROKEN_SHIM)
    assert done.returncode == 2 and done.stdout == ""
    assert "  python3.12: pyenv: command not found\n  python3: it is Python 3.13\n" in done.stderr
    assert "sniper needs Python 3.11 or 3.12" in done.stderr and "apt install python3.11" in done.stderr


def test_without_any_python_it_says_so(tmp_path: Path) -> None:
    assert "Tried: nothing at all\n" in find_python(tmp_path).stderr


@pytest.mark.parametrize(("covered", "code"), [(95, 0), (94, 1)])
def test_the_gate_is_on_lines_not_on_branches(tmp_path: Path, covered: int, code: int) -> None:
    summary = {"num_statements": 100, "covered_lines": covered, "num_branches": 10, "covered_branches": 1}
    part = {"summary": summary | {"percent_covered": 50.0}, "missing_lines": [1, 2]}
    report = tmp_path / "coverage.json"
    report.write_text(json.dumps({"totals": summary, "files": {"sniper/a.py": part}}))
    command = [sys.executable, str(ROOT / ".ci" / "line_coverage.py"), str(report), "95"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == code
    assert f"coverage: {covered}.00 % of lines (at least 95 % wanted), 10.00 % of branches" in done.stdout
    assert ("sniper/a.py: 94.0 % of lines, missing [1, 2]" in done.stdout) == bool(code)


def test_the_makefile_has_six_verbs() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE) == ["build run test check bench sim"]
    for verb in ("build", "run", "test", "check", "bench", "sim"):
        assert re.search(rf"^{verb}:", text, re.MULTILINE)


def test_the_scripts_can_be_run() -> None:
    for name in ("run", "find-python"):
        assert (ROOT / ".ci" / name).stat().st_mode & 0o111
        assert subprocess.run(["bash", "-n", str(ROOT / ".ci" / name)], timeout=60).returncode == 0
