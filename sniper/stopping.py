"""How a run ends from outside: signals become a wish that the loop looks at between two ticks."""

from __future__ import annotations

import signal
import time
from types import FrameType, TracebackType

from sniper.errors import EXIT_SIGINT, EXIT_SIGTERM

TWICE_S = 2.0


class Stopping:
    """While entered, SIGINT and SIGTERM set `exit_code`; a second SIGINT within two seconds ends at once."""

    def __init__(self) -> None:
        self.exit_code: int | None = None
        """The exit code that a signal asked for, None while there was none."""
        self._first_s = 0.0
        self._before: dict[int, object] = {}

    def __enter__(self) -> Stopping:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal gave us

    def _take(self, number: int, frame: FrameType | None) -> None:
        now_s = time.monotonic()
        if number == signal.SIGINT and self.exit_code is not None and now_s - self._first_s < TWICE_S:
            raise KeyboardInterrupt
        self._first_s = now_s
        self.exit_code = EXIT_SIGINT if number == signal.SIGINT else EXIT_SIGTERM
