"""The terminal: alternate screen, hidden cursor, keys and size, and writes that never block.

Whatever ends the process short of SIGKILL, the terminal is put back: by `close` in a `with` block, by
`atexit`, and around Ctrl-Z. The terminal is opened anew by its name, so that making writes non-blocking
does not change the shell's descriptors; a terminal that stops reading (Ctrl-S, a stalled link) costs draws,
never ticks.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import select
import signal
import termios
import threading
from collections.abc import Callable
from time import monotonic_ns
from types import FrameType, TracebackType
from typing import Any

from rich.control import Control

ENTER = str(Control.alt_screen(True)) + str(Control.show_cursor(False))
LEAVE = "\x1b[?2026l\x1b[0m" + str(Control.show_cursor(True)) + str(Control.alt_screen(False))
KEY_BYTES_MAX = 64
OUTPUT, LOCAL = 1, 3  # fields of a terminal's mode (termios.tcgetattr)
PUT_BACK_WAIT_MS = 500  # how long a stalled terminal is given to take the sequence that restores it


class Terminal:
    """The terminal behind `output` (a descriptor that is a TTY); keys come from `keys`, None for none."""

    def __init__(self, output: int, keys: int | None = None) -> None:
        self._given = self._output = output
        self._keys = keys if keys is not None and os.isatty(keys) else None
        self._saved: list[tuple[int, list[Any]]] = []
        self._poll = select.poll()
        if self._keys is not None:
            self._poll.register(self._keys, select.POLLIN)
        self._pending = b""
        self.entered = False
        """True while the screen is ours to draw on."""
        self._handlers: dict[int, Callable[[int, FrameType | None], Any] | int | None] = {}
        self.resized = False
        """Set when the size changed or the screen was lost; the painter starts afresh and clears it."""

    def __enter__(self) -> Terminal:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def open(self) -> None:
        """Take the screen: alternate screen, no cursor, keys without echo, and the signals it needs."""
        atexit.register(self.close)
        try:
            self._output = os.open(os.ttyname(self._given), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError:  # a terminal without a name that we may open: its writes may block
            self._output = self._given
        if threading.current_thread() is threading.main_thread():
            for number, handler in (
                (signal.SIGWINCH, self._on_resize),
                (signal.SIGTSTP, self._on_stop),
                (signal.SIGCONT, self._on_continue),
            ):
                self._handlers[number] = signal.signal(number, handler)
        self._take()

    def close(self) -> None:
        """Give the screen back as it was. May be called any number of times."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        self._handlers = {}
        self._give_back()
        if self._output != self._given:
            os.close(self._output)
            self._output = self._given
        atexit.unregister(self.close)

    def size(self) -> tuple[int, int]:
        """(columns, rows)"""
        try:
            size = os.get_terminal_size(self._output)
        except OSError:
            return 80, 24
        return size.columns or 80, size.lines or 24

    def write(self, data: bytes) -> None:
        """Send bytes. What the terminal does not take at once is kept, and sent by `flush`."""
        self._pending += data
        self.flush()

    def flush(self) -> bool:
        """Send what is left, without waiting. True when nothing is left."""
        while self._pending:
            # Taken out first: a signal that comes now may write, and must not send the same bytes again.
            data, self._pending = self._pending, b""
            try:
                sent = os.write(self._output, data)
            except BlockingIOError:
                self._pending = data + self._pending
                return False
            except OSError:  # the terminal is gone: there is nobody to draw for
                return True
            self._pending = data[sent:] + self._pending
        return True

    def read_keys(self) -> str:
        """The keys pressed since the last call, without waiting."""
        if self._keys is None or not self.entered or not self._poll.poll(0):
            return ""
        try:
            return os.read(self._keys, KEY_BYTES_MAX).decode("ascii", "ignore")
        except OSError:
            return ""

    def _wait(self, wait_ms: int) -> None:
        """Send what is left, waiting at most so long in all."""
        room = select.poll()
        room.register(self._output, select.POLLOUT)
        until_ns = monotonic_ns() + wait_ms * 1_000_000
        while (left_ns := until_ns - monotonic_ns()) > 0:
            room.poll(left_ns / 1e6)
            if self.flush():
                return

    def foreground(self) -> bool:
        """False while the shell has put us in the background: to touch the terminal then would stop us."""
        try:
            return os.tcgetpgrp(self._output) == os.getpgrp()
        except OSError:  # not the terminal that controls us
            return True

    def _take(self) -> None:
        if not self.foreground():
            return
        if self._keys is not None:
            self._change(self._keys, LOCAL, termios.ICANON | termios.ECHO)  # Ctrl-C and Ctrl-Z stay signals
        self._change(
            self._output, OUTPUT, termios.OPOST
        )  # no look at each byte: nothing here ends with a line end
        self.entered = True
        self.resized = True
        self.write(ENTER.encode())

    def _give_back(self) -> None:
        if not self.entered:
            return
        self.entered = False
        self._pending += LEAVE.encode()
        if not self.flush():
            self._wait(PUT_BACK_WAIT_MS)
        self._pending = b""
        while self._saved:
            descriptor, mode = self._saved.pop()
            with contextlib.suppress(termios.error):
                termios.tcsetattr(descriptor, termios.TCSANOW, mode)

    def _change(self, descriptor: int, field: int, off: int) -> None:
        """Switch bits of the terminal's mode off, and remember how it was."""
        with contextlib.suppress(termios.error):
            mode = termios.tcgetattr(descriptor)
            changed = [*mode]
            changed[field] &= ~off
            termios.tcsetattr(descriptor, termios.TCSANOW, changed)
            self._saved.append((descriptor, mode))

    def _on_resize(self, number: int, frame: FrameType | None) -> None:
        self.resized = True

    def _on_stop(self, number: int, frame: FrameType | None) -> None:
        self._give_back()
        os.kill(os.getpid(), signal.SIGSTOP)

    def _on_continue(self, number: int, frame: FrameType | None) -> None:
        if not self.entered:
            self._take()
        self.resized = True
