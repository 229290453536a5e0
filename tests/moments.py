"""The moments at which a session is killed, and how each is waited for."""

from __future__ import annotations

import mmap
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from tests.venues import Venue
from tests.witness import Witness

LONGEST_S = 40.0
CHANGES_AT = 8
"""Where SQLite's shared memory counts its commits."""


class Kill(NamedTuple):
    """When: by `name` after `count` of its kind, or after so many seconds at the latest."""

    name: str
    count: int
    longest_s: float


def drawn(dice: Random) -> Kill:
    """A moment for a session to die at."""
    name = dice.choice(("early", "late", "late", "commit", "wire", "wire", "fill", "asked"))
    longest_s = {"early": dice.random() * 1.5, "late": 1.5 + LONGEST_S / 2 * dice.random()}.get(
        name, LONGEST_S
    )
    return Kill(name, 1 + dice.randrange(12 if name != "fill" else 4), longest_s)


def drawn_early(dice: Random) -> Kill:
    """A moment while a session recovers."""
    name = dice.choice(("early", "commit", "asked"))
    return Kill(name, 1 + dice.randrange(4), dice.random() * 1.2 if name == "early" else LONGEST_S)


def commits(path: Path) -> Iterator[int]:
    """How often a database was written, as SQLite's readers see it, whenever it is asked; 0 while there is none."""
    shared = path.with_name(f"{path.name}-shm")
    while not shared.exists() or shared.stat().st_size < 48:
        yield 0
    with shared.open("rb") as file, mmap.mmap(file.fileno(), 48, prot=mmap.PROT_READ) as view:
        while True:
            yield int.from_bytes(view[CHANGES_AT : CHANGES_AT + 4], sys.byteorder)


def killed(exchange: Venue, house: Witness, process: Any, database: Path, kill: Kill) -> tuple[str, float]:
    """Wait for its moment and kill it. What came: the kill's name, "time", or "ended" with its exit code."""
    began_s = time.monotonic()
    if kill.name in ("wire", "fill", "asked"):
        exchange.on(lambda: house.set_trap(kill.name, kill.count, process.pid))
    counted, first = commits(database), -1
    came = "time"
    while time.monotonic() - began_s < kill.longest_s:
        if kill.name == "commit":
            seen = next(counted)
            first = seen if first < 0 and seen else first
            if first >= 0 and seen - first >= kill.count:
                came = "commit"
                break
            time.sleep(0.0002)
        else:
            time.sleep(0.002)
        if house.sprung:
            came = kill.name
            break
        if process.exitcode is not None:
            came = f"ended {process.exitcode}"
            break
    if not came.startswith("ended"):
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        process.join(10)
    exchange.on(house.unset_trap)
    return came, time.monotonic() - began_s
