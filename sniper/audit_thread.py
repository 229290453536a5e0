"""Audit lines behind the act instead of before it: for a path that must not wait for the log's disk.

An order's intent is on the disk before it leaves; the line about it may follow. Lines keep their order. A log that
cannot be written any more stops what comes next, at the next line, with its own OSError.
"""

from __future__ import annotations

import threading
from queue import Queue
from typing import Any, Final

from sniper.audit import Audit
from sniper.errors import SniperError

LINES_MAX: Final = 4096
"""Lines that may wait; beyond that whoever writes waits, too."""


class AuditThread:
    """Writes into `audit` from a thread of its own. `close` waits for what was handed over."""

    def __init__(self, audit: Audit) -> None:
        self._audit, self.path = audit, audit.path
        self._lines: Queue[tuple[str, dict[str, Any]] | None] = Queue(LINES_MAX)
        self._problem: OSError | None = None
        self._thread = threading.Thread(target=self._run, name="sniper-audit", daemon=True)
        self._thread.start()

    def write(self, kind: str, facts: dict[str, Any]) -> None:
        """Hand over a line. OSError where an earlier one could not be written."""
        if self._problem is not None:
            raise self._problem
        self._lines.put((kind, facts))

    def close(self, timeout_s: float = 5.0) -> bool:
        """Write what waits and end. False: it has not ended in time, or something could not be written."""
        self._lines.put(None)
        self._thread.join(timeout_s)
        return not self._thread.is_alive() and self._problem is None

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            if self._problem is not None:
                continue
            try:
                self._audit.write(*line)
            except OSError as problem:
                self._problem = problem
            except SniperError as problem:  # somebody broke the chain, or opened the folder to others
                self._problem = OSError(str(problem))
