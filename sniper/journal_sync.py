"""The thread that has what was written on the disk, so that what waits to be written need not wait for that."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue


class SyncThread:
    """Carries out one sync after the other, each of which may take seconds. One thread calls it; `end` comes last.

    One thread for a whole session: a fresh one each second would take a fresh stack each second.
    """

    def __init__(self) -> None:
        self.busy = False
        """One was begun and has not ended."""
        self.problem: Exception | None = None
        """What the disk said last, or what went wrong otherwise. Whoever acts on it clears it."""
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="journal-sync", daemon=True)
        self._thread.start()

    def begin(self, sync: Callable[[], None]) -> None:
        """Have this carried out. Not while it is busy."""
        self.busy = True
        self._work.put(sync)

    def end(self) -> None:
        """End once the last one is over. Returns at once: a disk that does not answer holds nobody."""
        self._work.put(None)

    def _run(self) -> None:
        while (sync := self._work.get()) is not None:
            try:
                sync()
            except Exception as problem:  # whoever waits for it must hear of it, whatever it is
                self.problem = problem
            del sync  # it holds what the file is made of
            self.busy = False
