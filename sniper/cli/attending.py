"""A run that can be spoken to: its card, its socket and its sign of life, for as long as it lasts."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sniper.cli.folders import create, state_folder
from sniper.cli.terminal import note
from sniper.errors import PermissionProblem, SniperError
from sniper.heartbeat import Heartbeat
from sniper.instances import Instance, Places, announce, folder, holder, listed, places, runs, withdraw
from sniper.operating import Operating, listener
from sniper.operating_documents import document
from sniper.state_lock import in_use, started

if TYPE_CHECKING:
    from sniper.engine import Engine
    from sniper.inbox import Inbox


class Attending:
    """Entered for the time of a run; the loop calls `turn` after each tick.

    name: of the instance. lasting: its files outlive it, since the account's next run is the same instance. Where the
    files cannot be made the run goes on without, and says so.
    """

    def __init__(
        self,
        name: str,
        mode: str,
        source: str,
        engine: Engine,
        inbox: Inbox,
        clock_ns: Callable[[], int] | None,
        heard: Callable[[str, str], str] = lambda verb, reason: "",
        lasting: bool = False,
        state: Path | None = None,
    ) -> None:
        pid = os.getpid()
        self._instance = Instance(name, pid, mode, source, time.time_ns(), started(pid))
        self._engine, self._inbox, self._heard, self._lasting = engine, inbox, heard, lasting
        self._clock_ns = clock_ns or (lambda: engine.now_ns)
        self._state = state or state_folder(os.environ)
        self._files: Places | None = None
        self._operating: Operating | None = None
        self._heart: Heartbeat | None = None

    def __enter__(self) -> Attending:
        engine = self._engine
        try:
            closed(create(folder(self._state)))
            forget_the_dead(self._state)
            # First the socket: where another one of this name is heard, card and sign of life are its own.
            heard_at = places(self._state, self._instance.name).socket
            self._operating = Operating(
                heard_at, self._inbox, self._clock_ns, lambda: engine.ticks, self._heard
            )
            self._files = files = announce(self._state, self._instance)
            self._heart = Heartbeat(files.beat, self._instance.mode)
        except (OSError, SniperError) as problem:
            if self._operating is not None:
                self._operating.stop()
                self._operating = None
            note(f"nobody can speak to this run: {problem}")
            return self
        self._operating.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._operating is not None:
            self._operating.stop()
        if self._heart is not None:
            self._heart.close()
            if self._heart.missed:
                note(f"{self._heart.missed:,} signs of life could not be written")
        if self._files is not None and holder(self._files.card) == self._instance:
            withdraw(self._files, self._lasting)

    def turn(self) -> None:
        """A tick was run."""
        engine, operating = self._engine, self._operating
        if operating is not None and operating.waiting:
            operating.serve(self._answer)
        if self._heart is not None:
            self._heart.beat(engine.ticks, engine.now_ns, engine.desk.height if engine.desk else 0)

    def _answer(self, question: str) -> dict[str, Any]:
        told = self._instance
        return document(self._engine, question) | {"instance": told.name, "pid": told.pid, "mode": told.mode}


def closed(place: Path) -> None:
    """Whoever may write there could put a socket of his own in the place of ours, and obey instead of us.

    OSError where the folder is somebody else's.
    """
    found = place.lstat()
    if found.st_uid != os.geteuid() or not stat.S_ISDIR(found.st_mode):
        raise OSError(f"{place} is no folder of this user")
    if found.st_mode & 0o077:
        place.chmod(0o700)
        note(f"{place} was open to others (mode {stat.S_IMODE(found.st_mode):04o}) and is closed now")


def alone(state: Path, name: str) -> Path:
    """The lock of an account that is traded for real, in the one place that every session of this user knows.

    PermissionProblem while a session of that name lives, though its lock files may have been removed, and where the
    place cannot be used.
    """
    place = folder(state)
    try:
        closed(create(place))
    except (OSError, SniperError):
        raise PermissionProblem(
            f"{place} cannot be used, so nobody could know that {name} is traded",
            "Make it a folder of your own.",
        ) from None
    for instance, _, beat in listed(state):
        if instance.name == name and runs(instance, beat):
            raise in_use(name, f"process {instance.pid}")
    if who := listener(places(state, name).socket):
        raise in_use(name, who)
    return place / f"{name}.lock"


def forget_the_dead(state: Path) -> None:
    """Take away what instances left behind that were killed and whose name will not come again."""
    for instance, files, beat in listed(state):
        if instance.name.endswith(f"-{instance.pid}") and not runs(instance, beat):
            withdraw(files, keep=False)
