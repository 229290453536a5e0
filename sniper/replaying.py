"""Replay as proof: the engine runs over a journal again, and every tick must give what was written down.

What is compared: 16 bytes of digest a stage, and the commands. The first difference names the tick and the
first stage, in the order of their work, that differs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from sniper.engine import STAGES, Engine
from sniper.errors import JournalError
from sniper.journal_format import Tick
from sniper.journal_reader import JournalReader
from sniper.journal_settings import settings
from sniper.loop import NO_COMMANDS, encode

TELL_TICKS = 1 << 12
STAGE_BYTES: Final = 16


class Difference(NamedTuple):
    """Where a replay first differs. field: what of the stage, None where only its digest tells."""

    tick: int
    stage: str
    field: str | None


class Verdict(NamedTuple):
    """ticks: that were compared. first: the first difference. incomplete: number of a last tick that has no
    digests (the run was killed in it), which was run but could not be compared."""

    ticks: int
    first: Difference | None
    incomplete: int | None

    @property
    def equal(self) -> bool:
        """Whether no tick differs."""
        return self.first is None


def verify(reader: JournalReader, tell: Callable[[float], None] | None = None) -> Verdict:
    """Tick by tick as journalled, as fast as possible, to the end or to the first difference.

    tell: called now and then with the part done, 0 to 1. Begins at the first snapshot, and anew where ticks are
    missing because journalling had stopped. JournalError where the journal cannot be used; an exception of the
    engine passes through.
    """
    engine = Engine(settings(reader.header, reader.files[0]))
    apply, digests_of = engine.tick, engine.digests
    expected, compared = -1, 0
    incomplete = None
    for tick in reader:
        number, now_ns, records, commands, digests = tick
        if number != expected:
            load(engine, reader, number)
        expected = number + 1
        done = apply(now_ns, records)
        if digests is None:
            incomplete = number
            continue
        compared += 1
        if digests != digests_of() or commands != (encode(done) if done else NO_COMMANDS):
            return Verdict(compared, difference(tick, digests_of()), None)
        if not compared % TELL_TICKS and tell is not None:
            tell(reader.progress)
    return Verdict(compared, None, incomplete)


def load(engine: Engine, reader: JournalReader, tick: int) -> None:
    """Give the engine the state that the journal has right before this tick. JournalError where it has none."""
    number, state = reader.state_before(tick)
    if number != tick - 1:
        raise JournalError(
            f"{reader.files[0]} has no snapshot right before tick {tick}, only of tick {number}",
            "Replay another file of this run.",
        )
    take(engine, reader, number, state)


def take(engine: Engine, reader: JournalReader, number: int, state: bytes) -> None:
    """Load a snapshot of the journal. JournalError where this version cannot read it."""
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
    assert tick.digests is not None
    for place, stage in enumerate(STAGES):
        part = slice(STAGE_BYTES * place, STAGE_BYTES * (place + 1))
        if digests[part] != tick.digests[part]:
            return Difference(tick.number, stage, None)
    return Difference(tick.number, STAGES[-1], "commands")
