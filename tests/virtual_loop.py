"""An asyncio loop whose clock is told: coroutines that sleep and time out run in virtual time, in this thread."""

from __future__ import annotations

import asyncio
from typing import Any

TURNS_MAX = 10_000


class VirtualLoop(asyncio.SelectorEventLoop):
    """`until` runs everything that is due up to a time. Executors are not virtual: use none."""

    def __init__(self, now_s: float) -> None:
        self.now_s = now_s
        super().__init__()

    def time(self) -> float:
        return self.now_s

    def due_s(self) -> float:
        """When the next timer is due; infinity: none."""
        inner: Any = self
        if inner._ready:
            return self.now_s
        return min(
            (handle.when() for handle in inner._scheduled if not handle.cancelled()), default=float("inf")
        )

    def until(self, to_s: float) -> None:
        """Let everything happen that is due up to then."""
        self.settle()
        while (due_s := self.due_s()) <= to_s:
            self.now_s = max(self.now_s, due_s)
            self.settle()
        self.now_s = max(self.now_s, to_s)

    def settle(self) -> None:
        """Run what is ready, and what that makes ready."""
        inner: Any = self
        scheduled = inner._scheduled
        if not inner._ready and (not scheduled or scheduled[0].when() > self.now_s + inner._clock_resolution):
            return
        for _ in range(TURNS_MAX):
            self.call_soon(self.stop)
            self.run_forever()
            if not inner._ready:
                return
        raise AssertionError("the loop does not come to rest")
