"""Whole ticks: how long one takes, with and without a journal, and how fast a journal is replayed.

    python -m bench.ticks [--ticks 100000] [--folder DIR] [--json]

One market, one frame of three levels a tick, the calls that the loop makes. Without a journal the process is
pinned to one core; with it the journal's thread needs the second one. The replay compares every digest.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
from array import array
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter_ns, sleep
from typing import Any

import numpy as np

from bench.contest import pin
from bench.frames import three_levels
from sniper.engine import Engine
from sniper.journal import Journal, JournalReader
from sniper.loop import NO_COMMANDS, encode
from sniper.types import REC_FRAME, Record

PERCENTILES = (50, 99, 99.9, 99.99)
WARM_UP = 2_000
STEP_NS = 4_000_000
BACKLOG_BYTES = 4 << 20
"""What may wait for the journal's thread: with more the next tick waits, untimed, as the journal would stop."""


def ticks(count: int) -> list[list[Record]]:
    """What each tick takes: one frame."""
    return [[(i * STEP_NS, 0, REC_FRAME, frame)] for i, frame in enumerate(three_levels(count), 1)]


def timed(every: list[list[Record]], journal: Journal | None) -> array[int]:
    """Nanoseconds of each tick. The garbage collector rests, as it does in a run."""
    engine = Engine()
    tick, digests = engine.tick, engine.digests
    took = array("q", bytes(8 * len(every)))
    if journal is not None:
        journal.snapshot(0, 0, engine.save())
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        for i, records in enumerate(every):
            now_ns, number = records[0][0], i + 1
            if journal is not None and number % 1000 == 0:
                while (
                    journal.status.backlog_bytes > BACKLOG_BYTES
                ):  # no market offers a million frames a second
                    sleep(0.001)
            begun = perf_counter_ns()
            if journal is None:
                tick(now_ns, records)
            else:
                journal.tick(number, now_ns, records)
                commands = tick(now_ns, records)
                journal.done(number, encode(commands) if commands else NO_COMMANDS, digests())
            took[i] = perf_counter_ns() - begun
    finally:
        gc.enable()
        gc.unfreeze()
    return took


def percentiles(took: array[int]) -> dict[str, float]:
    """Microseconds at each of PERCENTILES, and the longest, after the warm-up."""
    kept = np.frombuffer(took, np.int64)[WARM_UP:]
    out = {f"p{p:g}": round(float(np.percentile(kept, p)) / 1000, 2) for p in PERCENTILES}
    return out | {"max": round(float(kept.max()) / 1000, 2)}


def replayed(path: Path) -> tuple[int, float, bool]:
    """Ticks in the journal, ticks a second, and whether every digest was equal."""
    engine, equal, count = Engine(), True, 0
    tick, digests = engine.tick, engine.digests
    reader = JournalReader(path)
    gc.collect()
    gc.disable()
    begun = perf_counter_ns()
    for told in reader:
        tick(told.now_ns, told.records)
        equal = equal and told.digests == digests()
        count += 1
    ns = perf_counter_ns() - begun
    gc.enable()
    reader.close()
    return count, count / ns * 1e9, equal


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description="Time whole ticks, with and without a journal, and a replay."
    )
    parser.add_argument("--ticks", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="where the journal is written for the time of the run")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    every = ticks(max(asked.ticks, 2 * WARM_UP))
    cores = os.sched_getaffinity(0)
    with TemporaryDirectory(dir=asked.folder) as folder:
        path = Path(folder) / "ticks.mcap"
        with Journal(path, {}) as journal:
            with_journal = percentiles(timed(every, journal))
        pin()
        alone = percentiles(timed(every, None))
        count, rate, equal = replayed(path)
    result: dict[str, Any] = {
        "schema": "sniper.bench.ticks/1",
        "ticks": len(every),
        "cores": len(cores),
        "tick_us": alone,
        "tick_and_journal_us": with_journal,
        "replay": {"ticks": count, "ticks_per_s": round(rate), "equal": equal},
    }
    if asked.json:
        print(json.dumps(result))
        return
    print(f"{len(every):,} ticks of one frame of three levels, microseconds")
    print(f"{'':18}" + "".join(f"{name:>10}" for name in alone))
    for name, figures in (("tick", alone), ("tick and journal", with_journal)):
        print(f"{name:18}" + "".join(f"{value:>10.2f}" for value in figures.values()))
    print(f"replay: {rate:,.0f} ticks/s, digests {'equal' if equal else 'DIFFER'}")


if __name__ == "__main__":
    main()
