"""How a run ends from outside: signals become a wish that the loop looks at between two ticks."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Final

from sniper.errors import EXIT_SIGHUP, EXIT_SIGINT, EXIT_SIGTERM

TWICE_S = 2.0
DEADLINE_S = 8.0
"""How long SIGTERM waits for the turn of the loop that would see it, and then for what closes the files."""
WISHES: Final = {signal.SIGHUP: EXIT_SIGHUP, signal.SIGINT: EXIT_SIGINT, signal.SIGTERM: EXIT_SIGTERM}


@contextmanager
def in_order() -> Iterator[None]:
    """While entered, SIGTERM and SIGHUP end the program as SIGINT does: what is open is closed, half a file removed."""

    def take(number: int, frame: FrameType | None) -> None:
        raise SystemExit(WISHES[signal.Signals(number)])

    before = {
        number: signal.signal(number, take)
        for number in (signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) == signal.SIG_DFL  # not under nohup, nor inside of what has its own
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Stopping:
    """While entered, SIGINT, SIGTERM and SIGHUP set `exit_code`; a second SIGINT within two seconds ends at once.

    SIGTERM and SIGHUP (the terminal is gone) have a deadline: what has not ended by then is broken off so that
    files are still closed, and after as long again the process ends. SIGHUP stays ignored under nohup.
    """

    def __init__(self, deadline_s: float = DEADLINE_S) -> None:
        self.exit_code: int | None = None
        """The exit code that a signal asked for, None while there was none."""
        self._deadline_s = deadline_s
        self._first_s = 0.0
        self._broken_off = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> Stopping:
        for number in WISHES:
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._take)
        self._before[signal.SIGALRM] = signal.signal(signal.SIGALRM, self._late)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal gave us

    def _take(self, number: int, frame: FrameType | None) -> None:
        now_s = time.monotonic()
        if number == signal.SIGINT and self.exit_code is not None and now_s - self._first_s < TWICE_S:
            raise KeyboardInterrupt
        self._first_s = now_s
        self.exit_code = WISHES[signal.Signals(number)]
        if number != signal.SIGINT:
            signal.setitimer(signal.ITIMER_REAL, self._deadline_s)

    def _late(self, number: int, frame: FrameType | None) -> None:
        assert self.exit_code is not None, "only a signal starts the clock"
        if self._broken_off:
            os._exit(self.exit_code)
        self._broken_off = True
        signal.setitimer(signal.ITIMER_REAL, self._deadline_s)
        raise SystemExit(self.exit_code)
