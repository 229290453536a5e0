"""cli.unlatch: a kill holds until somebody says why it may be lifted."""

from __future__ import annotations

from pathlib import Path

import pytest

from sniper.__main__ import main
from sniper.cli import wiring
from sniper.config import Config
from sniper.errors import EXIT_PERMISSION, EXIT_RISK_LATCH, EXIT_USAGE
from sniper.journal_reader import JournalReader
from sniper.journal_settings import settings
from sniper.replaying import verify
from tests.commands import FAST, document, process, refused

KEPT = ("--set", "state.enabled=on")


def kill(reason: str) -> None:
    state = wiring.open_state(Config())
    state.kill(reason)
    state.close()


def test_a_run_refuses_to_start_until_the_kill_is_lifted(
    alone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document(capsys, "run", *FAST, *KEPT, "--ticks", "5", "--no-journal")
    kill("fat finger")
    said = refused(capsys, EXIT_RISK_LATCH, "run", *FAST, *KEPT, "--ticks", "5", "--no-journal")
    assert "a kill holds: fat finger" in said and "sniper unlatch --reason" in said
    document(capsys, "run", *FAST, "--ticks", "5", "--no-journal")  # without a database it is another account
    assert document(capsys, "unlatch", "--reason", " seen\n to ", "--json") == {
        "schema": "sniper.unlatch/1",
        "lifted": "fat finger",
        "reason": "seen to",
    }
    document(capsys, "run", *FAST, *KEPT, "--ticks", "5", "--no-journal")
    assert main(["unlatch", "--reason", "again"]) == 0
    assert "no kill holds" in capsys.readouterr().err


def test_a_killed_run_may_start_to_close_only_and_its_journal_says_so(
    alone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kill("fat finger")
    reduce = ("--set", "state.latched=reduce")
    capsys.readouterr()
    found = document(capsys, "run", *FAST, *KEPT, *reduce, "--ticks", "200", "--journal", "here")
    assert found["account"]["latch"] == "kill"
    with JournalReader(Path(found["journal"])) as reader:
        desk = settings(reader.header).desk
        assert desk is not None and desk.risk.killed == "fat finger"
        assert desk.orders.last_client_id - desk.orders.first_client_id == 4095
        (alone / ".local").rename(alone / "away")  # a replay needs no database
        assert verify(reader).equal


def test_a_reason_is_wanted(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused(capsys, EXIT_USAGE, "unlatch")
    assert "empty reason" in refused(capsys, EXIT_USAGE, "unlatch", "--reason", "  ")
    assert main(["unlatch", "--reason", "why not"]) == 0
    assert not (alone / ".local").exists()  # nothing is made to find nothing


def test_a_running_one_is_named(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    child = process("run", *FAST, *KEPT, "--set", "feed.speed=1", "--no-journal", env={"HOME": str(alone)})
    try:
        assert child.stderr is not None
        while "tick" not in (line := child.stderr.readline()):
            assert line, "the run ended"
        assert f"process {child.pid}" in refused(capsys, EXIT_PERMISSION, "unlatch", "--reason", "x")
        assert f"process {child.pid}" in refused(capsys, EXIT_PERMISSION, "run", *FAST, *KEPT, "--ticks", "5")
    finally:
        child.kill()
        child.communicate()
    assert main(["run", *FAST, *KEPT, "--ticks", "5", "--no-journal"]) == 0
    assert f"process {child.pid}" in (told := capsys.readouterr().err) and "taken over" in told
