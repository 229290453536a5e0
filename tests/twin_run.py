"""A seeded hostile market through two engines in two processes; every stage's digest of every tick is compared.

`make sim SEED=7`, or `python -m tests.twin_run --seed 7 --ticks 5000`. The second engine runs under another
PYTHONHASHSEED and is put away and taken out again (save, forget, load) every few hundred ticks.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from sniper._ext.tape import COUNTER_NAMES
from sniper.cli import wiring
from sniper.config import Config
from sniper.engine import STAGES, Engine
from sniper.errors import EXIT_DIFFERENCES, EXIT_OK
from sniper.inbox import Inbox
from sniper.loop import Loop
from sniper.types import Command, Record

FAULTS = {
    "drop": 0.01,
    "duplicate": 0.01,
    "reorder": 0.01,
    "gap": 0.002,
    "crossed": 0.02,
    "unknown_remove": 0.02,
    "malformed": 0.01,
    "disconnect": 0.02,
    "silence": 0.01,
    "oracle_jump": 0.02,
}
STAGE_BYTES = 16
TICK_BYTES = STAGE_BYTES * len(STAGES)
SWAP_TICKS = 300


class Witness:
    """Notes the digests of every tick; now and then makes the engine forget everything and load it again."""

    def __init__(self, engine: Engine, swap_ticks: int) -> None:
        self.engine, self.swap_ticks = engine, swap_ticks
        self.empty = Engine(engine.settings).save()
        self.digests = bytearray()

    def before(self, records: Sequence[Record]) -> None:
        """Nothing: the tick is still to come."""

    def after(self, records: Sequence[Record], commands: Iterable[Command]) -> None:
        """Called by the loop after each tick."""
        self.digests += self.engine.digests()
        if self.swap_ticks and not self.engine.ticks % self.swap_ticks:
            state = self.engine.save()
            self.engine.load(self.empty)
            self.engine.load(state)


class Costless:
    """The loop wants somewhere to note what ticks cost; here nobody asks."""

    def add(self, stage_ns: Sequence[int], tick_ns: int) -> None:
        """Forget it."""


def market(seed: int, ticks: int, swap_ticks: int) -> tuple[bytes, Engine]:
    """The digests of every tick of a hostile market, and its engine."""
    config = Config.model_validate(
        {"seed": seed, "feed": {"speed": 0.0}, "sim": {"markets": 6, "faults": FAULTS}}
    )
    engine = Engine(wiring.settings(config))
    inbox = Inbox(config.inbox.records_max, config.inbox.bytes_max)
    witness = Witness(engine, swap_ticks)
    Loop(engine, wiring.feed(config), inbox, speed=0.0, look=witness, costs=Costless()).run(ticks)
    return bytes(witness.digests), engine


def first_difference(one: bytes, other: bytes) -> str:
    """Where two runs part, "" where they do not."""
    for place in range(0, max(len(one), len(other)), STAGE_BYTES):
        if one[place : place + STAGE_BYTES] != other[place : place + STAGE_BYTES]:
            return f"tick {place // TICK_BYTES + 1}, stage {STAGES[place % TICK_BYTES // STAGE_BYTES]}"
    return ""


def main(argv: Sequence[str] | None = None) -> int:
    """Run both and compare; exit code 0 where they agree, else 8."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ticks", type=int, default=5000)
    parser.add_argument("--second", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(argv)
    if given.second:
        sys.stdout.buffer.write(market(given.seed, given.ticks, SWAP_TICKS)[0])
        return EXIT_OK
    same = ["--seed", str(given.seed), "--ticks", str(given.ticks)]
    command = [sys.executable, "-m", "tests.twin_run", "--second", *same]
    environ = {**os.environ, "PYTHONHASHSEED": str(1 + given.seed % 1_000_000)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, env=environ, cwd=Path(__file__).parent.parent
    ) as second:
        digests, engine = market(given.seed, given.ticks, 0)
        other, _ = second.communicate()
    where = first_difference(digests, other)
    frames, rejected = (
        int(engine.tape.counters[COUNTER_NAMES.index(name)]) for name in ("frames", "rejected")
    )
    counted = f"{engine.ticks:,} ticks, {frames:,} frames, {rejected:,} rejected"
    print(f"seed {given.seed}: {counted}, digest {engine.digest}")
    print(f"the two engines differ at {where}" if where else "the two engines agree on every tick")
    return EXIT_DIFFERENCES if where or second.returncode else EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
