"""cli.replay: a run repeats bit for bit, and where it does not, tick and stage are named."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from sniper import replaying
from sniper.__main__ import main
from sniper.cli import replay as replay_module
from sniper.cli.progress import progress
from sniper.engine import STAGES, Engine
from sniper.journal_format import Gap, Tick
from sniper.journal_reader import JournalReader
from sniper.journal_settings import settings
from sniper.replaying import Difference, difference, load
from tests.commands import FAST, HOSTILE, document, refused
from tests.permission import obeyed


@pytest.fixture
def journal(alone: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A hostile market of 120 ticks."""
    document(capsys, "run", *FAST, *HOSTILE, "--ticks", "120", "--seed", "11", "--journal", "j.mcap")
    return Path("j.mcap")


def test_a_run_repeats(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "replay", str(journal), "--json")
    assert found == {"schema": "sniper.replay/1", "ticks": 120, "equal": True, "first": None}
    assert main(["replay", str(journal)]) == 0
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("equal: 120 ticks in ")


@pytest.mark.parametrize(("stage", "field"), [*((stage, None) for stage in STAGES), (STAGES[-1], "commands")])
def test_a_difference_names_tick_and_stage(
    journal: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    stage: str,
    field: str | None,
) -> None:
    tick, digests = Engine.tick, Engine.digests

    def other_commands(self: Engine, *given: object) -> object:
        done = tick(self, *given)  # type: ignore[arg-type]
        return (*done, *done, ("something else",)) if field and self.ticks == 50 else done

    def other_digests(self: Engine) -> bytes:
        found = bytearray(digests(self))
        if not field and self.ticks == 50:
            found[16 * STAGES.index(stage) + 3] ^= 1
        return bytes(found)

    monkeypatch.setattr(Engine, "tick", other_commands)
    monkeypatch.setattr(Engine, "digests", other_digests)
    found = document(capsys, "replay", str(journal), "--json", code=8)
    assert found == {
        "schema": "sniper.replay/1",
        "ticks": 50,
        "equal": False,
        "first": {"tick": 50, "stage": stage, "field": field},
    }
    line = refused(capsys, 8, "replay", str(journal))
    assert line.startswith(f"sniper: the replay differs from the journal at tick 50, stage {stage}")
    assert line.endswith("Look at it with 'sniper step j.mcap' and 'goto 50'.")


def test_the_first_stage_that_differs_is_named() -> None:
    same = bytes(16 * len(STAGES))
    book_and_later = same[:16] + b"\x01" * (len(same) - 16)
    assert difference(Tick(3, 0, [], b"[]", same), book_and_later) == Difference(3, "book", None)
    assert difference(Tick(3, 0, [], b"[]", same), same) == Difference(3, STAGES[-1], "commands")


@pytest.mark.parametrize("cut", [1, 200, 20_000])
def test_a_truncated_journal_is_compared_as_far_as_it_goes(
    journal: Path, capsys: pytest.CaptureFixture[str], cut: int
) -> None:
    journal.write_bytes(journal.read_bytes()[:-cut])
    assert main(["replay", str(journal), "--json"]) == 0
    out, err = capsys.readouterr()
    assert '"equal": true' in out
    assert "the end of the journal is torn, what is there was compared: " in err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: b"", ""),
        (lambda data: data[:100], ""),
        (lambda data: b"no journal at all\n" * 100, ""),
        (lambda data: data.replace(b"sniper.journal/1", b"sniper.journal/9"), "sniper.journal/9"),
    ],
)
def test_what_is_no_journal_of_ours_is_refused(
    journal: Path, capsys: pytest.CaptureFixture[str], change: object, said: str
) -> None:
    journal.write_bytes(change(journal.read_bytes()))  # type: ignore[operator]
    line = refused(capsys, 2, "replay", str(journal))
    assert line.startswith("sniper: ") and "j.mcap" in line and said in line


def test_a_missing_file_is_usage_and_a_closed_one_a_permission(
    journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "none.mcap" in refused(capsys, 2, "replay", "none.mcap")
    journal.chmod(0)
    with obeyed():
        assert "j.mcap" in refused(capsys, 4, "replay", str(journal))


def test_a_state_of_another_version_is_refused(
    journal: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(self: Engine, state: bytes) -> None:
        raise ValueError("not an engine state of this version")

    monkeypatch.setattr(Engine, "load", load)
    line = refused(capsys, 2, "replay", str(journal))
    assert (
        "the state of tick 0 in j.mcap (sniper 0.1.0) does not load: not an engine state of this version"
        in line
    )
    assert line.endswith("Replay it with the version that wrote it.")


def test_after_a_gap_it_goes_on_from_the_snapshot_before(
    journal: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with JournalReader(journal) as reader:
        ticks = list(reader)
        engine = Engine(settings(reader.header))
        states = {0: reader.state_before(1)[1]}
        load(engine, reader, 1)
    for tick in ticks[:60]:
        engine.tick(tick.now_ns, tick.records)
    states[60] = engine.save()
    gap = Gap(51, 60, 0, "no space left on device")
    monkeypatch.setattr(JournalReader, "gaps", [gap])
    monkeypatch.setattr(JournalReader, "__iter__", lambda self: iter(ticks[:50] + ticks[60:]))
    monkeypatch.setattr(
        JournalReader, "state_before", lambda self, tick: max(s for s in states.items() if s[0] < tick)
    )
    assert document(capsys, "replay", str(journal), "--json")["ticks"] == 110
    assert main(["replay", str(journal)]) == 0
    assert "ticks 51 to 60 were not journalled: no space left on device\n" in capsys.readouterr().err
    del states[60]
    line = refused(capsys, 2, "replay", str(journal))
    assert "j.mcap has no snapshot right before tick 61, only of tick 0. Replay another file" in line


def test_progress_is_told(
    journal: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "TELL_TICKS", 50)
    monkeypatch.setattr(replay_module, "progress", partial(progress, every_s=0.0))
    assert main(["replay", str(journal)]) == 0
    assert capsys.readouterr().err.count("replaying: ") == 2
