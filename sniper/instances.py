"""Which instances run, and where they listen: one folder of the user's state, a few files for each.

`<id>.json` says who it is, `<id>.sock` is where it hears its operator, `<id>.beat` is its sign of life. The id is a
short digest of its name, because the path of a local socket may have about a hundred bytes.
"""

from __future__ import annotations

import contextlib
import os
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import msgspec

from sniper.heartbeat import Beat, read
from sniper.state_lock import alive


class Instance(NamedTuple):
    """One that runs, or ran. name: network-address-subaccount of an account with a state, else source-pid.

    start: of the process, in clock ticks since boot, 0: not known. Another one may have its number by now.
    """

    name: str
    pid: int
    mode: str
    source: str
    started_ns: int
    start: int = 0


class Places(NamedTuple):
    """Its files."""

    card: Path
    socket: Path
    beat: Path


def folder(state: Path) -> Path:
    """Where instances are listed."""
    return state / "running"


def places(state: Path, name: str) -> Places:
    """The files of the instance of that name."""
    key = blake2b(name.encode(), digest_size=6).hexdigest()
    base = folder(state)
    return Places(base / f"{key}.json", base / f"{key}.sock", base / f"{key}.beat")


def announce(state: Path, instance: Instance) -> Places:
    """Write its card, whole or not at all. OSError where that fails."""
    files = places(state, instance.name)
    fresh = files.card.with_suffix(".new")
    target = os.open(fresh, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.write(target, msgspec.json.encode(instance))
    finally:
        os.close(target)
    os.replace(fresh, files.card)
    return files


def withdraw(files: Places, keep: bool) -> None:
    """It has ended in order. keep: the name is an account's, whose last sign of life stays."""
    for file in (files.socket, *(() if keep else (files.card, files.beat))):
        with contextlib.suppress(OSError):
            file.unlink()


def listed(state: Path) -> list[tuple[Instance, Places, Beat | None]]:
    """All cards, the newest first, with their last beats. What cannot be read is left out."""
    found = []
    with contextlib.suppress(OSError):
        for card in sorted(folder(state).glob("*.json")):
            if (instance := holder(card)) is not None:
                files = places(state, instance.name)
                if files.card == card:
                    found.append((instance, files, read(files.beat)))
    return sorted(found, key=lambda item: -item[0].started_ns)


def holder(card: Path) -> Instance | None:
    """Whose card it is, None where that cannot be read."""
    try:
        return msgspec.json.decode(card.read_bytes(), type=Instance)
    except (OSError, msgspec.MsgspecError):
        return None


def runs(instance: Instance, beat: Beat | None) -> bool:
    """Whether its process is there and has not said that it ended."""
    return not (beat and beat.mode == "ended") and alive(instance.pid, instance.start)


def died(instance: Instance, beat: Beat | None) -> bool:
    """Whether it traded for real and is gone without having said that it ended; its sign of life may be lost."""
    return instance.mode == "live" and not (beat and beat.mode == "ended") and not runs(instance, beat)
