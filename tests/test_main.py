"""__main__: every way to end, its one line and its exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from sniper import __version__, errors
from sniper.__main__ import main
from sniper.cli import group


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    """What was said on standard error: one line (below the terminal's ^C); nothing on standard output."""
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("\n") and err.strip("\n").count("\n") == 0, err
    return err


@pytest.fixture
def verb(monkeypatch: pytest.MonkeyPatch) -> type[Verb]:
    monkeypatch.setitem(group.VERBS, "raise", ("tests.test_main", "Raises what it is told to raise."))
    return Verb


class Verb:
    """What the made-up verb `raise` does."""

    error: BaseException | None = None
    value: object = None


@click.command()
def command() -> object:
    if Verb.error is not None:
        raise Verb.error
    return Verb.value


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (errors.UsageError("a is b", "Do c."), 2, "sniper: a is b. Do c.\n"),
        (errors.ConfigError("a is b", "Do c."), 3, "sniper: a is b. Do c.\n"),
        (errors.PermissionProblem("a is b", "Do c."), 4, "sniper: a is b. Do c.\n"),
        (errors.NetworkUnavailable("a is b", "Do c."), 5, "sniper: a is b. Do c.\n"),
        (
            errors.ReplayDiverged(3, "book"),
            8,
            "sniper: the replay differs from the journal at tick 3, stage book\n",
        ),
        (KeyboardInterrupt(), 130, "\nsniper: interrupted\n"),
        (click.Abort(), 130, "sniper: interrupted\n"),
        (
            AssertionError("n < 0\nx"),
            1,
            "sniper: a fault of sniper itself, AssertionError: n < 0 x. "
            "Run it again with --debug for the traceback.\n",
        ),
        (click.ClickException("no."), 1, "sniper: no.\n"),
        (
            OSError(28, "No space left on device"),
            1,
            "sniper: the system refused: [Errno 28] No space left on device\n",
        ),
        (errors.UsageError("\x1b[2Ja\x07\u202e\x9b", "Do c."), 2, "sniper: ·[2Ja···. Do c.\n"),
    ],
)
def test_what_went_wrong_is_one_line_and_an_exit_code(
    alone: Path,
    verb: type[Verb],
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    said: str,
) -> None:
    verb.error = error
    assert main(["raise"]) == code
    assert one_line(capsys) == said


@pytest.mark.parametrize("argv", [["--debug", "raise"], ["raise", "--debug"]])
def test_debug_shows_the_traceback_wherever_it_stands(
    alone: Path, verb: type[Verb], capsys: pytest.CaptureFixture[str], argv: list[str]
) -> None:
    verb.error = errors.UsageError("a is b")
    assert main(argv) == 2
    err = capsys.readouterr().err
    assert err.startswith("Traceback") and err.endswith("\nsniper: a is b\n")


@pytest.mark.parametrize(("value", "code"), [(None, 0), (0, 0), (8, 8)])
def test_a_verb_may_return_its_exit_code(alone: Path, verb: type[Verb], value: object, code: int) -> None:
    verb.error, verb.value = None, value
    assert main(["raise"]) == code


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (
            ["rn"],
            "sniper: there is no command rn. Did you mean run? Run 'sniper --help' for what there is.\n",
        ),
        (["zzz"], "sniper: there is no command zzz. Run 'sniper --help' for what there is.\n"),
        (["--zzz"], "sniper: No such option '--zzz'. Run 'sniper --help' for what there is.\n"),
        (["--color", "red"], "Run 'sniper --help'"),
        (["config", "show", "--zzz"], "Run 'sniper config show --help'"),
        (["config", "zzz"], "Run 'sniper config --help'"),
    ],
)
def test_wrong_usage_is_one_line_and_2(
    alone: Path, capsys: pytest.CaptureFixture[str], argv: list[str], said: str
) -> None:
    assert main(argv) == 2
    assert said in one_line(capsys)


def test_no_verb_at_all_shows_the_help_and_is_2(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "Commands:" in capsys.readouterr().err


def test_color_is_only_given_where_it_is_wanted(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--color", "always", "zzz"])
    assert "\x1b[31m" in capsys.readouterr().err
    main(["--color", "never", "zzz"])
    assert "\x1b" not in capsys.readouterr().err


def run(*argv: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """`python -m sniper` in a process of its own, away from the source tree."""
    root = str(Path(__file__).parent.parent)
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}
    return subprocess.run(
        [sys.executable, *argv], capture_output=True, text=True, cwd=cwd, env=environ, timeout=60
    )


def test_as_a_process_it_ends_with_the_code(alone: Path) -> None:
    done = run("-m", "sniper", "--version", cwd=alone)
    assert (done.returncode, done.stdout) == (0, f"sniper, version {__version__}\n")
    done = run("-m", "sniper", "config", "show", "--set", "sed=1", cwd=alone)
    assert (done.returncode, done.stdout) == (3, "")
    assert (
        done.stderr
        == "sniper: --set: unknown key sed. Did you mean seed? Run 'sniper config show' to see every key.\n"
    )


def test_help_imports_nothing_heavy(alone: Path) -> None:
    """0.15 s for --help: what costs more than that must be absent. (A time would be no test.)"""
    code = "import sys; from sniper.__main__ import main; main(['--help']); print('#', *sorted(sys.modules))"
    done = run("-c", code, cwd=alone)
    assert done.returncode == 0, done.stderr
    modules = set(done.stdout.rpartition("#")[2].split())
    assert "click" in modules and "sniper.cli.group" in modules
    heavy = {
        "dydx_v4_client",
        "numpy",
        "pydantic",
        "rich",
        "websocket",
        "httpx",
        "mcap",
        "msgspec",
        "asyncio",
        "ssl",
    }
    assert not modules & heavy
    assert not [
        name
        for name in modules
        if name.startswith("sniper.")
        and name
        not in (
            "sniper.__main__",
            "sniper.errors",
            "sniper.cli",
            "sniper.cli.group",
            "sniper.cli.terminal",
            "sniper.keys",
            "sniper.keys.redaction",
            "sniper.stopping",
        )
    ]
    for name in group.VERBS:
        assert f"\n  {name} " in done.stdout


def test_a_reader_that_went_away_gets_no_traceback(alone: Path) -> None:
    code = """if True:
        import os, sys
        from sniper.__main__ import main
        reader, writer = os.pipe()
        os.close(reader)
        os.dup2(writer, 1)
        sys.exit(main(["config", "schema"]))
    """
    done = run("-c", code, cwd=alone)
    assert (done.returncode, done.stderr) == (1, "")


def test_what_the_caller_closed_goes_to_the_null_device(alone: Path) -> None:
    """A file opened later must not get the number of a standard stream."""
    code = """if True:
        import os, sys
        for fd in (0, 1, 2):
            os.close(fd)
        sys.stdin = sys.stdout = sys.stderr = None  # as the interpreter has it then
        from sniper.__main__ main
        code = main(["config", "show"]), main(["zzz"]), main(["step"])
        assert code == (0, 2, 0), code
        with open("found", "w") as file:
            assert file.fileno() > 2
            file.write(" ".join(os.readlink(f"/proc/self/fd/{fd}") for fd in (0, 1, 2)))
    """.replace("__main__ main", "__main__ import main")
    assert run("-c", code, cwd=alone).returncode == 0
    assert (alone / "found").read_text() == "/dev/null /dev/null /dev/null"


def test_an_answer_that_cannot_be_written_is_no_fault_of_ours(alone: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "sniper", "config", "show", "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=alone,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
            timeout=60,
        )
    assert done.returncode == 1
    assert done.stderr == "sniper: the system refused: [Errno 28] No space left on device\n"
