"""`sniper replay`: proves that a run repeats bit for bit."""

from __future__ import annotations

import time
from pathlib import Path

import click

from sniper.cli.options import json_option
from sniper.cli.progress import progress
from sniper.cli.terminal import emit, note
from sniper.errors import ReplayDiverged


@click.command()
@click.argument("journal", type=click.Path(path_type=Path, readable=False))
@json_option
def command(journal: Path, as_json: bool) -> int:
    """Run the engine over JOURNAL (a file, or a folder: its newest run) and compare every digest.

    Exit code 0 where all are equal, 8 where one differs.
    """
    from sniper.journal_reader import JournalReader
    from sniper.replaying import verify

    with JournalReader(journal) as reader:
        begun_s = time.perf_counter()
        with progress("replaying", 1000) as tell:
            verdict = verify(reader, lambda part: tell(int(1000 * part)))
        seconds = time.perf_counter() - begun_s
        if reader.torn:
            note(f"the end of the journal is torn, what is there was compared: {reader.torn}")
        for gap in reader.gaps:
            note(f"ticks {gap.ticks} were not journalled: {gap.cause}")
    if verdict.incomplete is not None:
        note(f"tick {verdict.incomplete} has no digests to compare with: the run ended in it")
    if as_json:
        emit(
            {
                "schema": "sniper.replay/1",
                "ticks": verdict.ticks,
                "equal": verdict.equal,
                "first": verdict.first._asdict() if verdict.first else None,
            }
        )
    if verdict.first:
        advice = f"Look at it with 'sniper step {journal}' and 'goto {verdict.first.tick}'."
        raise ReplayDiverged(*verdict.first, advice=advice)
    ticks_per_s = verdict.ticks / max(seconds, 1e-9)
    note(f"equal: {verdict.ticks:,} ticks in {seconds:.2f} s, {ticks_per_s:,.0f} ticks/s")
    return 0
