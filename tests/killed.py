"""Kill running sessions at random moments and prove that every journal opens and replays.

    python -m tests.killed --times 50 --seed 1

Each run is `sniper run` on the sim with every fault knob on and pieces of a second apart; `kill -9` comes at a
random moment of its first seconds. What must hold: the journal opens, its whole ticks replay with equal digests,
and at most the last second of real time is missing.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from sniper.journal_reader import JournalReader
from sniper.replaying import verify

ROOT = Path(__file__).parent.parent
FAULTS = ("duplicate", "reorder", "crossed", "unknown_remove", "malformed", "oracle_jump")
LOST_S_MAX = 1.0


class Killed(NamedTuple):
    """One killed run. lost_s: how much tape time (at real pace: real time) is missing at the end."""

    ticks: int
    equal: bool
    torn: str | None
    lost_s: float


def kill_one(folder: Path, after_s: float, seed: int) -> Killed:
    """Start a run, kill it `after_s` seconds after its journal was begun, replay what is there."""
    path = folder / f"{seed}.mcap"
    faults = [word for name in FAULTS for word in ("--set", f"sim.faults.{name}=0.01")]
    command = [sys.executable, "-m", "sniper", "run", "--config", "config.toml", "--headless", *faults]
    process = subprocess.Popen(
        [*command, "--seed", str(seed), "--journal", str(path)],
        cwd=ROOT,
        env=os.environ | {"SNIPER__FEED__SPEED": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not path.exists() or path.stat().st_size < 4096:
            assert process.poll() is None, f"the run ended by itself: {process.returncode}"
            time.sleep(0.005)
        begun_s = path.stat().st_ctime  # when it was last written to; the first snapshot is in it
        time.sleep(after_s)
    finally:
        process.kill()
        killed_s = time.time()
        process.wait()
    written_s = path.stat().st_mtime
    assert written_s >= begun_s
    reader = JournalReader(path)
    verdict = verify(reader)
    return Killed(verdict.ticks, verdict.equal, reader.torn, killed_s - written_s)


def main() -> int:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--times", type=int, default=50)
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    dice = random.Random(chosen.seed)
    bad = ticks = torn = 0
    worst_s = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for i in range(chosen.times):
            killed = kill_one(Path(folder), dice.random() * 3, chosen.seed * 1000 + i)
            ticks, torn = ticks + killed.ticks, torn + (killed.torn is not None)
            worst_s = max(worst_s, killed.lost_s)
            if not killed.equal or killed.lost_s > LOST_S_MAX:
                bad += 1
                print(f"seed {chosen.seed * 1000 + i}: {killed}")
    print(
        f"{chosen.times} runs killed, {ticks} ticks replayed, {torn} torn tails, "
        f"at most {worst_s:.2f} s not written, {bad} bad"
    )
    return 8 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
