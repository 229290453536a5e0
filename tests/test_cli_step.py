"""cli.step: scripts on standard input, the prompt on a terminal, wrong inputs."""

from __future__ import annotations

import io
import json
import os
import signal
from pathlib import Path

import pytest

from sniper.__main__ import main
from sniper.cli import step
from tests import played
from tests.commands import refused
from tests.permission import obeyed

FRAMES = played.frames(300)


class Script(io.StringIO):
    """Standard input that is no terminal, or says it is one."""

    terminal = False

    def isatty(self) -> bool:
        return self.terminal


@pytest.fixture
def journal(alone: Path) -> Path:
    played.journalled(Path("j.mcap"), played.turns(FRAMES, 2))
    return Path("j.mcap")


def script(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr("sys.stdin", Script("".join(f"{line}\n" for line in lines)))


def test_a_script_prints_results_and_nothing_else(
    journal: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch, "next 120", "state", "back 100", "next 100", "nope", "state")
    assert main(["step", str(journal)]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    states = [line for line in lines if line.startswith("tick=120 digest=")]
    assert err == "" and len(states) == 2 and states[0] == states[1] and "(sniper)" not in out


def test_without_a_journal_it_steps_the_feed_of_the_config(
    alone: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("f.ndjson").write_bytes(b"\n".join(FRAMES))
    sets = ["--set", "feed.path=f.ndjson", "--set", "feed.source=replay"]
    script(monkeypatch, "next 200", "state", "back 100", "next 100", "state", "continue")
    assert main(["step", *sets]) == 0
    out = capsys.readouterr().out
    states = [line for line in out.splitlines() if line.startswith("tick=200 digest=")]
    assert len(states) == 2 and states[0] == states[1]


def test_a_live_feed_is_refused(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = refused(capsys, 2, "step", "--set", "feed.source=ws://127.0.0.1:9")
    assert "a live feed cannot be stepped" in line


def test_wrong_inputs_are_one_line_each(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "none.mcap" in refused(capsys, 2, "step", "none.mcap")
    journal.chmod(0)
    with obeyed():
        assert "j.mcap" in refused(capsys, 4, "step", str(journal))
    journal.chmod(0o600)
    data = journal.read_bytes()
    journal.write_bytes(data.replace(b"sniper.journal/1", b"sniper.journal/9"))
    assert "sniper.journal/9" in refused(capsys, 2, "step", str(journal))
    played.journalled(Path("k.mcap"), [])
    journal.write_bytes(b"")
    assert "is empty" in refused(capsys, 2, "step", str(journal))


def test_a_journal_without_a_snapshot_is_refused(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from sniper.journal import Journal

    with Journal("j.mcap", played.HEADER):
        pass
    assert "holds no snapshot" in refused(capsys, 2, "step", "j.mcap")


def test_a_truncated_journal_is_stepped_as_far_as_it_goes(
    journal: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.write_bytes(journal.read_bytes()[:-300])
    script(monkeypatch, "next 3", "state")
    assert main(["step", str(journal)]) == 0
    out, err = capsys.readouterr()
    assert "tick=3 digest=" in out and "is torn, what is there can be stepped" in err


def test_on_a_terminal_there_is_a_prompt(
    journal: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch)
    monkeypatch.setattr(Script, "terminal", True)
    typed = iter(["next", "", "state"])
    prompts: list[str] = []

    def typing(prompt: str) -> str:
        prompts.append(prompt)
        try:
            return next(typed)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr("builtins.input", typing)
    assert main(["step", str(journal)]) == 0
    assert prompts == [step.PROMPT] * 4 and "tick=2 digest=" in capsys.readouterr().out


def test_ctrl_c_stops_between_two_ticks_and_is_forgotten_then() -> None:
    before = signal.getsignal(signal.SIGINT)
    with step.interruptible() as stopped:
        assert not stopped()
        os.kill(os.getpid(), signal.SIGINT)
        assert stopped() and not stopped()
    assert signal.getsignal(signal.SIGINT) is before


SIM = (
    "--set",
    "sim.markets=3",
    "--set",
    "feed.speed=0",
    "--set",
    "sim.faults.malformed=0.02",
    "--set",
    "seed=5",
)


def test_run_and_step_agree_on_a_simulated_market_and_on_its_journal(
    alone: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["run", *SIM, "--headless", "--json", "--ticks", "300", "--journal", "run.mcap"]) == 0
    digest = json.loads(capsys.readouterr().out)["digest"]
    for source in (SIM, ("run.mcap",)):
        script(monkeypatch, "next 300", "state", "back 100", "next 100", "state", "back 1", "next", "state")
        assert main(["step", *source]) == 0
        said = [line for line in capsys.readouterr().out.splitlines() if "digest=" in line]
        assert said == [f"tick=300 digest={digest}"] * 3
