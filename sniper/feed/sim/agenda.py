"""What is due when: acts on simulated time, on a grid; those of one time in the order they were put down."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

Act = Callable[[int], None]
"""Called with the time at which it is due, nanoseconds since 1970."""


class Agenda:
    """The only clock of the sim. `now_ns` never goes back."""

    __slots__ = ("_acts", "_grid_ns", "_put", "now_ns")

    def __init__(self, now_ns: int, grid_ns: int) -> None:
        self.now_ns = now_ns
        self._grid_ns = grid_ns
        self._acts: list[tuple[int, int, Act]] = []
        self._put = 0

    def put(self, when_ns: int, act: Act) -> None:
        """Put an act down for the first grid point at or after `when_ns`."""
        self._put += 1
        heappush(self._acts, (-(-when_ns // self._grid_ns) * self._grid_ns, self._put, act))

    @property
    def next_ns(self) -> int | None:
        """When the next act is due; None when there is none."""
        return self._acts[0][0] if self._acts else None

    def run(self, until_ns: int) -> None:
        """Do everything that is due up to and including `until_ns`."""
        acts = self._acts
        while acts and acts[0][0] <= until_ns:
            self.now_ns, _, act = heappop(acts)
            act(self.now_ns)
        self.now_ns = max(self.now_ns, until_ns)

    def clear(self) -> None:
        """Forget everything that was put down."""
        self._acts.clear()
