"""cli.new: `sniper new strategy NAME` writes what runs."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from sniper.__main__ import main
from sniper.handview import KINDS, SIGNALS
from sniper.strategies.registry import build
from tests.commands import refused


@pytest.mark.parametrize("name", ["my_first", "none", "held", "starter_strategy"])
def test_what_is_written_runs_with_its_test(
    alone: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert main(["new", "strategy", name]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [f"{name}/{name}.py", f"{name}/test_{name}.py", f"{name}/pyproject.toml"]
    assert f'strategy.name = "{name}/{name}.py"' in err
    strategy = build(f"{name}/{name}.py", ("momentum", *SIGNALS), ("directional", *KINDS), "{}")
    assert strategy.name == name
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", name], capture_output=True, text=True
    )
    assert done.returncode == 0 and "8 passed" in done.stdout, done.stdout + done.stderr


def test_the_package_has_the_entry_point(alone: Path) -> None:
    assert main(["new", "strategy", "my_first", "--folder", "some/where"]) == 0
    project = tomllib.loads(Path("some/where/pyproject.toml").read_text())
    assert project["project"]["name"] == "sniper-strategy-my-first"
    points = project["project"]["entry-points"]["sniper.strategies"]
    assert points == {"my_first": "my_first:MyFirstStrategy"}
    written = Path("some/where/my_first.py").read_text()
    assert "class MyFirstStrategy:" in written and "class MyFirstSettings(" in written
    assert "tarter" not in written + Path("some/where/test_my_first.py").read_text()


def test_nothing_is_overwritten(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine").mkdir()
    Path("mine/test_mine.py").write_text("kept")
    text = refused(capsys, 2, "new", "strategy", "mine")
    assert "mine/test_mine.py exists, nothing was written" in text
    assert [path.name for path in Path("mine").iterdir()] == ["test_mine.py"]
    assert Path("mine/test_mine.py").read_text() == "kept"


def test_a_folder_that_cannot_be_written_is_told(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine").write_text("a file")
    assert "mine cannot be written" in refused(capsys, 2, "new", "strategy", "mine")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("My-First", "is not lower-case letters"),
        ("1st", "is not lower-case letters"),
        ("../escape", "is not lower-case letters"),
        ("a" * 41, "at most 40"),
        ("class", "is a word of Python"),
        ("match", "is a word of Python"),
        ("sniper", "is a built-in strategy"),
        ("json", "is the name of another module"),
        ("test_it", "is the name of another module"),
    ],
)
def test_names_that_cannot_be_are_refused(
    alone: Path, capsys: pytest.CaptureFixture[str], name: str, said: str
) -> None:
    assert said in refused(capsys, 2, "new", "strategy", "--", name)
    assert not list(Path().iterdir())
