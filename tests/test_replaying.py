"""replaying: a journal replays equal; a rewritten frame is found, with its tick and stage."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sniper import replaying
from sniper.__main__ import main
from sniper.engine import STAGES, Engine
from sniper.errors import JournalError
from sniper.journal import Journal
from sniper.journal_format import Tick
from sniper.journal_reader import JournalReader
from sniper.journal_settings import header
from sniper.loop import NO_COMMANDS, encode
from sniper.replaying import Difference, difference, take, verify
from tests import played
from tests.tamper import rewrite_frame

TICKS = played.turns(played.frames(600), 2)


def test_a_journal_replays_equal_as_often_as_wanted(tmp_path: Path) -> None:
    played.journalled(tmp_path / "a.mcap", TICKS)
    with JournalReader(tmp_path / "a.mcap") as reader:
        for _ in range(2):
            verdict = verify(reader)
            assert verdict == (len(TICKS), None, None) and verdict.equal


def test_each_file_of_a_folder_replays_alone_and_all_of_them_in_one_go(tmp_path: Path) -> None:
    played.journalled(tmp_path, TICKS, rotate_every=130)
    with JournalReader(tmp_path) as reader:
        assert len(reader.files) == 1 + len(TICKS) // 130
        assert verify(reader).ticks == len(TICKS)
        files = reader.files
    total = 0
    for path in files:
        with JournalReader(path) as part:
            verdict = verify(part)
            assert verdict.equal
            total += verdict.ticks
    assert total == len(TICKS)


@pytest.mark.parametrize("what", [b'"v4_trades"', b'"v4_orderbook"', b'"v4_block_height"'])
def test_the_canary_one_rewritten_frame_is_found_at_its_tick(tmp_path: Path, what: bytes) -> None:
    tick = next(i for i, (_, r) in enumerate(TICKS, 1) if i > 150 and r and what in r[0][3])
    data = TICKS[tick - 1][1][0][3]
    changed = data.replace(b'"size":"0.25"', b'"size":"0.26"').replace(b'["9', b'["8').replace(b'["3', b'["2')
    changed = changed.replace(b'"blockHeight":"1', b'"blockHeight":"2')
    assert changed != data
    played.journalled(tmp_path / "a.mcap", TICKS)
    rewrite_frame(tmp_path / "a.mcap", tmp_path / "b.mcap", tick, changed)
    with JournalReader(tmp_path / "b.mcap") as reader:
        verdict = verify(reader)
    assert verdict == (tick, Difference(tick, "decode", None), None) and not verdict.equal


def test_a_difference_names_the_first_stage_that_differs() -> None:
    same = bytes(16 * len(STAGES))
    for place, stage in enumerate(STAGES):
        other = same[: 16 * place] + b"\x01" * (len(same) - 16 * place)
        assert difference(Tick(3, 0, [], NO_COMMANDS, same), other) == Difference(3, stage, None)
    assert difference(Tick(3, 0, [], NO_COMMANDS, same), same) == Difference(3, STAGES[-1], "commands")


def test_other_commands_are_a_difference(tmp_path: Path) -> None:
    engine = Engine(played.SETTINGS)
    with Journal(tmp_path / "a.mcap", header(played.SETTINGS, "{}", 1)) as journal:
        journal.snapshot(0, 0, engine.save())
        for number, (now_ns, records) in enumerate(TICKS[:20], 1):
            journal.tick(number, now_ns, records)
            engine.tick(now_ns, records)  # its Watch is left out
            journal.done(number, NO_COMMANDS, engine.digests())
    with JournalReader(tmp_path / "a.mcap") as reader:
        first = verify(reader).first
    assert first is not None and first[1:] == ("orders", "commands")


def test_a_last_tick_without_its_done_is_run_and_not_compared(tmp_path: Path) -> None:
    engine = Engine(played.SETTINGS)
    with Journal(tmp_path / "a.mcap", header(played.SETTINGS, "{}", 1)) as journal:
        journal.snapshot(0, 0, engine.save())
        journal.tick(1, *TICKS[0])
        journal.done(1, encode(engine.tick(*TICKS[0])), engine.digests())
        journal.tick(2, *TICKS[1])
    with JournalReader(tmp_path / "a.mcap") as reader:
        assert verify(reader) == (1, None, 2)


def test_progress_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying, "TELL_TICKS", 100)
    played.journalled(tmp_path / "a.mcap", TICKS)
    told: list[float] = []
    with JournalReader(tmp_path / "a.mcap") as reader:
        verify(reader, told.append)
    assert len(told) == len(TICKS) // 100 and told == sorted(told) and 0 <= told[0] <= told[-1] <= 1


def test_a_journal_that_begins_in_the_middle_needs_its_snapshot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played.journalled(tmp_path / "a.mcap", TICKS, snapshot_every=1000)
    with JournalReader(tmp_path / "a.mcap") as reader:
        ticks = list(reader)
        monkeypatch.setattr(JournalReader, "__iter__", lambda self: iter(ticks[10:]))
        with pytest.raises(JournalError, match="no snapshot right before tick 11, only of tick 0"):
            verify(reader)


def test_a_state_of_another_version_is_refused(tmp_path: Path) -> None:
    played.journalled(tmp_path / "a.mcap", TICKS[:5])
    with JournalReader(tmp_path / "a.mcap") as reader, pytest.raises(JournalError, match="does not load"):
        take(Engine(played.SETTINGS), reader, 7, b"\x90")


def test_a_journal_without_settings_is_refused(tmp_path: Path) -> None:
    with Journal(tmp_path / "a.mcap", {}) as journal:
        journal.snapshot(0, 0, Engine().save())
    with JournalReader(tmp_path / "a.mcap") as reader, pytest.raises(JournalError):
        verify(reader)


def test_the_command_says_where_and_ends_with_8(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    played.journalled(tmp_path / "a.mcap", TICKS)
    rewrite_frame(tmp_path / "a.mcap", tmp_path / "b.mcap", 44, b'{"type":"pong"}')
    assert main(["replay", str(tmp_path / "a.mcap"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["equal"] is True
    assert main(["replay", str(tmp_path / "b.mcap"), "--json"]) == 8
    out, err = capsys.readouterr()
    assert json.loads(out) == {
        "schema": "sniper.replay/1",
        "ticks": 44,
        "equal": False,
        "first": {"tick": 44, "stage": "decode", "field": None},
    }
    assert "differs from the journal at tick 44, stage decode" in err


def test_the_command_tells_of_a_last_tick_that_was_not_finished(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Journal(tmp_path / "a.mcap", played.HEADER) as journal:
        journal.snapshot(0, 0, Engine(played.SETTINGS).save())
        journal.tick(1, *TICKS[0])
    assert main(["replay", str(tmp_path / "a.mcap"), "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["ticks"] == 0 and "tick 1 has no digests to compare with" in err
