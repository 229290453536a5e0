"""How many commands were sent lately: in the last second, and of stateful orders in the last blocks."""

from __future__ import annotations

from collections import deque
from typing import Final

from sniper.order_table import SHORT_TERM
from sniper.risk_candidate import STATEFUL_PER_100_BLOCKS, STATEFUL_PER_BLOCK
from sniper.risk_settings import SECOND_NS

BLOCKS: Final = 100
SENT_MAX: Final = 4096
STATEFUL_MAX: Final = 256


class Pace:
    """Two bounded windows: times of commands, heights of stateful orders."""

    def __init__(self) -> None:
        self._sent: deque[int] = deque(maxlen=SENT_MAX)
        self._stateful: deque[int] = deque(maxlen=STATEFUL_MAX)

    def forget(self, now_ns: int, height: int) -> None:
        """Drop what lies behind the windows."""
        while self._sent and now_ns - self._sent[0] >= SECOND_NS:
            self._sent.popleft()
        while self._stateful and height - self._stateful[0] >= BLOCKS:
            self._stateful.popleft()

    def add(self, now_ns: int, height: int, kind: str) -> None:
        """A command: a cancel counts as short-term."""
        self._sent.append(now_ns)
        if kind != SHORT_TERM:
            self._stateful.append(height)

    @property
    def sent(self) -> int:
        """Commands of the last second."""
        return len(self._sent)

    @property
    def stateful(self) -> int:
        """Stateful orders of the last 100 blocks."""
        return len(self._stateful)

    def stateful_at(self, height: int) -> int:
        """Stateful orders of this block."""
        return self._stateful.count(height)

    def left(self, height: int) -> int:
        """How many stateful orders the chain would take now."""
        return min(STATEFUL_PER_BLOCK - self.stateful_at(height), STATEFUL_PER_100_BLOCKS - self.stateful)

    def save(self) -> tuple[list[int], list[int]]:
        """The state as plain values."""
        return list(self._sent), list(self._stateful)

    def load(self, state: tuple[list[int], list[int]]) -> None:
        """Take over what `save` gave."""
        self._sent, self._stateful = deque(state[0], SENT_MAX), deque(state[1], STATEFUL_MAX)
