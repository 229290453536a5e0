"""How many commands were sent lately: in the last second, and in the windows of blocks that the chain counts by."""

from __future__ import annotations

from collections import deque
from typing import Final

import msgspec

from sniper.order_table import SHORT_TERM
from sniper.risk_limits import ChainLimits, Window, rates_of
from sniper.risk_settings import SECOND_NS, GateSettings

SENT_MAX: Final = 4096
NEVER_NS: Final = 2**62


class SavedPace(msgspec.Struct, array_like=True):
    """The state of `Pace`. As in `SavedRisk`, what is new comes at the end with a default: older states lack it."""

    sent: list[int]
    short: list[tuple[int, int]]
    stateful: list[tuple[int, int]]
    reached: tuple[int, int] = (0, NEVER_NS)


class Pace:
    """Times of commands, and how many were sent at each height.

    The told height stands still where the feed is silent, or where a node told one too high. An account must not stay
    without stops for that: after each `slow_block_ns` without a new height one more block counts as passed, 0: none.
    """

    def __init__(self, slow_block_ns: int = GateSettings().slow_block_ns) -> None:
        self._slow_block_ns = slow_block_ns
        self._sent: deque[int] = deque(maxlen=SENT_MAX)
        self._limits = ChainLimits()
        self._rates = rates_of(self._limits)
        self._counts: tuple[dict[int, int], dict[int, int]] = ({}, {})  # height -> commands, oldest first
        self._height, self._height_ns = 0, NEVER_NS  # at which the last command was counted, and since when

    @property
    def limits(self) -> ChainLimits:
        """What the chain allows: others may hold from now on."""
        return self._limits

    @limits.setter
    def limits(self, told: ChainLimits) -> None:
        self._limits, self._rates = told, rates_of(told)

    def height(self, now_ns: int, told: int) -> int:
        """The height that the chain has at least come to. told: by the feed, never less than before."""
        return max(told, self._height + self._passed(now_ns))

    def _passed(self, now_ns: int) -> int:
        return max(now_ns - self._height_ns, 0) // self._slow_block_ns if self._slow_block_ns else 0

    def forget(self, now_ns: int, told: int) -> None:
        """Drop what lies behind the windows."""
        while self._sent and now_ns - self._sent[0] >= SECOND_NS:
            self._sent.popleft()
        height = self.height(now_ns, told)
        for counts, rates in zip(self._counts, self._rates, strict=True):
            longest = rates[-1][1] if rates else 0
            while counts and (oldest := next(iter(counts))) <= height - longest:
                del counts[oldest]

    def add(self, now_ns: int, told: int, kind: str) -> None:
        """A command: a cancel counts as short-term."""
        self._sent.append(now_ns)
        passed = self._passed(now_ns)
        if told > self._height + passed:
            self._height, self._height_ns = told, now_ns
        else:
            self._height += passed
            self._height_ns += passed * self._slow_block_ns
        counts = self._counts[kind != SHORT_TERM]
        counts[self._height] = counts.get(self._height, 0) + 1

    def sent(self, now_ns: int) -> int:
        """Commands of the last second."""
        return len([ns for ns in self._sent if now_ns - ns < SECOND_NS])

    def short_term(self, now_ns: int, told: int) -> tuple[Window, ...]:
        """What is used of the rates of short-term orders and cancels, the shortest window first."""
        return self._windows(0, self.height(now_ns, told))

    def stateful(self, now_ns: int, told: int) -> tuple[Window, ...]:
        """The same for stateful orders."""
        return self._windows(1, self.height(now_ns, told))

    def _windows(self, which: int, height: int) -> tuple[Window, ...]:
        counts, found = self._counts[which], []
        for limit, blocks in self._rates[which]:
            used = 0
            for at, count in counts.items():
                if at > height - blocks:
                    used += count
            found.append(Window(used, limit, blocks))
        return tuple(found)

    def left(self, now_ns: int, told: int) -> int:
        """How many stateful orders the chain would take now."""
        return min((window.left for window in self.stateful(now_ns, told)), default=SENT_MAX)

    def save(self) -> SavedPace:
        """The state as plain values. The limits are the owner's to save."""
        short, stateful = self._counts
        reached = self._height, self._height_ns
        return SavedPace(list(self._sent), list(short.items()), list(stateful.items()), reached)

    def load(self, state: SavedPace) -> None:
        """Take over what `save` gave."""
        self._sent, self._counts = deque(state.sent, SENT_MAX), (dict(state.short), dict(state.stateful))
        self._height, self._height_ns = state.reached
