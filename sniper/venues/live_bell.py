"""A bell by which the tick thread wakes the sender's event loop, without waiting for what that does first."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from functools import partial
from typing import Final

from sniper._ext.bell import ring

READ_BYTES: Final = 4096


class Bell:
    """A pipe that neither side waits at. `ring` in one thread, `hang` in the loop's; `close` when that has ended."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        self.ring: Callable[[], None] = partial(ring, self._writer)

    def hang(self, loop: asyncio.AbstractEventLoop, heard: Callable[[], object]) -> None:
        """Call `heard` in this loop after each ring, once for those that come together."""
        loop.add_reader(self._reader, self._rung, heard)

    def _rung(self, heard: Callable[[], object]) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._reader, READ_BYTES)
        heard()

    def close(self) -> None:
        """Take it down. Its descriptors are somebody else's from now on: it is not to be rung again."""
        os.close(self._reader)
        os.close(self._writer)
