"""`sniper replay`: proves that a run repeats bit for bit."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from sniper.cli.options import json_option
from sniper.cli.progress import progress
from sniper.cli.terminal import emit, note
from sniper.errors import JournalError, ReplayDiverged

if TYPE_CHECKING:
    from sniper.engine import Engine
    from sniper.journal_format import Tick
    from sniper.journal_reader import JournalReader

TELL_TICKS = 1 << 12


class Difference(NamedTuple):
    """Where a replay first differs. field: what of the stage, None where only its digest tells."""

    tick: int
    stage: str
    field: str | None


class Outcome(NamedTuple):
    """ticks: that were compared. unfinished: that have no digests to compare with (the run was killed)."""

    ticks: int
    unfinished: int
    first: Difference | None


@click.command()
@click.argument("journal", type=click.Path(path_type=Path))
@json_option
def command(journal: Path, as_json: bool) -> int:
    """Run the engine over JOURNAL (a file, or a folder: its newest run) and compare every digest.

    Exit code 0 where all are equal, 8 where one differs.
    """
    from sniper.journal_reader import JournalReader

    with JournalReader(journal) as reader:
        begun_s = time.perf_counter()
        outcome = replay(reader)
        seconds = time.perf_counter() - begun_s
        if reader.torn:
            note(f"the end of the journal is torn, what is there was compared: {reader.torn}")
        for gap in reader.gaps:
            note(f"ticks {gap.first_tick} to {gap.last_tick} were not journalled: {gap.cause}")
    if outcome.unfinished:
        note(f"{outcome.unfinished} ticks have no digests to compare with: the run ended in them")
    if as_json:
        emit(
            {
                "schema": "sniper.replay/1",
                "ticks": outcome.ticks,
                "equal": outcome.first is None,
                "first": outcome.first._asdict() if outcome.first else None,
            }
        )
    if outcome.first:
        advice = f"Look at it with 'sniper step {journal}' and 'goto {outcome.first.tick}'."
        raise ReplayDiverged(*outcome.first, advice=advice)
    ticks_per_s = outcome.ticks / max(seconds, 1e-9)
    note(f"equal: {outcome.ticks:,} ticks in {seconds:.2f} s, {ticks_per_s:,.0f} ticks/s")
    return 0


def replay(reader: JournalReader) -> Outcome:
    """Tick by tick as journalled, as fast as possible, to the first difference."""
    from sniper.engine import Engine
    from sniper.journal_settings import settings
    from sniper.loop import NO_COMMANDS, encode

    engine = Engine(settings(reader.header, reader.files[0]))
    apply, digests_of = engine.tick, engine.digests
    expected = compared = unfinished = 0
    with progress("replaying", 1000) as tell:
        for tick in reader:
            number, now_ns, records, commands, digests = tick
            if number != expected:
                load(engine, reader, number)
            expected = number + 1
            done = apply(now_ns, records)
            if digests is None:
                unfinished += 1
                continue
            compared += 1
            if digests != digests_of() or commands != (encode(done) if done else NO_COMMANDS):
                return Outcome(compared, unfinished, difference(tick, digests_of()))
            if not compared % TELL_TICKS:
                tell(int(1000 * reader.progress))
    return Outcome(compared, unfinished, None)


def load(engine: Engine, reader: JournalReader, tick: int) -> None:
    """Give the engine the state that the journal has before this tick."""
    number, state = reader.state_before(tick)
    if number != tick - 1:
        raise JournalError(
            f"{reader.files[0]} has no snapshot right before tick {tick}, only of tick {number}",
            "Replay another file of this run.",
        )
    try:
        engine.load(state)
    except ValueError as problem:
        wrote = reader.header.get("sniper", "another version")
        raise JournalError(
            f"the state of tick {number} in {reader.files[0]} (sniper {wrote}) does not load: {problem}",
            "Replay it with the version that wrote it.",
        ) from None


def difference(tick: Tick, digests: bytes) -> Difference:
    """The first stage, in the order of their work, whose digest differs; else it is the commands."""
    from sniper.engine import STAGES

    assert tick.digests is not None
    for place, stage in enumerate(STAGES):
        part = slice(16 * place, 16 * place + 16)
        if digests[part] != tick.digests[part]:
            return Difference(tick.number, stage, None)
    return Difference(tick.number, STAGES[-1], "commands")
