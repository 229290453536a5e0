"""Which heights are believed. A single false one would put every good-til-block out of the chain's window.

A height may be ahead of the last believed one by what block time allows, and a little. What is further ahead is
quarantined: until the node, which does not get its heights from the Indexer, agrees; or until the Indexer has said
nothing else for so long, and the node nothing against it. A usual height of the Indexer ends it. All on tape time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from msgspec import Meta

NEVER: Final = 1 << 62
READINGS_MIN: Final = 5
Nanoseconds = Annotated[int, Meta(ge=1, le=10**15)]


class HeightSettings(NamedTuple):
    """on: False for a venue whose heights are its own (paper). slack_blocks: such a mistake leaves a good-til-block
    within the chain's window of 40. fastest_ns: blocks come no faster than that. persist_ns: as said above."""

    on: bool = False
    slack_blocks: Annotated[int, Meta(ge=0, le=10_000)] = 20
    fastest_ns: Nanoseconds = 250_000_000
    persist_ns: Nanoseconds = 30_000_000_000


class Leap(msgspec.Struct, array_like=True):
    """Heights that are too far ahead: the newest, when it and the first came, how many there were."""

    height: int
    at_ns: int
    since_ns: int
    readings: int = 1


class Heights:
    """The believed height. `ceiling` bounds what is taken; what exceeds it is told here. say: takes a line."""

    def __init__(self, settings: HeightSettings, say: Callable[[str], None]) -> None:
        self.settings, self._say = settings, say
        self.height = self.at_ns = 0
        self.leaps = 0
        """Heights that were not believed when they came."""
        self._indexer: Leap | None = None
        self._node: Leap | None = None
        self._denied_ns = 0  # when the node last said a usual height

    def ceiling(self, now_ns: int) -> int:
        """The highest one that is believed now."""
        if not self.settings.on or not self.height:
            return NEVER
        return self.height + self._allowed(now_ns - self.at_ns)

    def _allowed(self, lapse_ns: int) -> int:
        return self.settings.slack_blocks + max(0, lapse_ns) // self.settings.fastest_ns

    def look(self, now_ns: int, notices: Any, account: Any, words: Any, known: int) -> None:
        """This tick's heights: of blocks, of the account's news, of the node. known: of an earlier session."""
        self.rise(max(notices.height, known), now_ns)
        if words.node_height:
            self.node(words.node_height, now_ns)
            words.node_height = 0
        if leap := max(notices.leap, account.leap):
            self.leap(leap, now_ns)
            account.leap = 0
        if found := self.agreed(now_ns):
            notices.believe(found, now_ns)

    def rise(self, height: int, now_ns: int) -> None:
        """A usual height came; 0 and what is not new say nothing."""
        if height <= self.height:
            return
        self.height, self.at_ns = height, now_ns
        if self._indexer is not None:
            self._say(f"height {self._indexer.height} was false: the chain is at {height}")
            self._indexer = None

    def leap(self, height: int, now_ns: int) -> None:
        """The Indexer told a height above the ceiling."""
        self.leaps += 1
        known = self._indexer
        if known is None:
            self._indexer = Leap(height, now_ns, now_ns)
            self._say(f"height {height} is not believed yet: {height - self.height} above the last one")
        else:
            known.height, known.at_ns, known.readings = height, now_ns, known.readings + 1

    def node(self, height: int, now_ns: int) -> None:
        """The node's own height."""
        if not self.height or height <= self.ceiling(now_ns):
            self._node, self._denied_ns = None, now_ns
        else:
            self._node = Leap(height, now_ns, now_ns)

    def agreed(self, now_ns: int) -> int:
        """A height that left quarantine, 0: none did."""
        found = self._indexer
        if found is None:
            return 0
        why = self._why(found, now_ns)
        if not why:
            return 0
        self._say(f"height {found.height} is believed: {why}")
        self.height, self.at_ns = found.height, now_ns
        self._indexer = self._node = None
        return self.height

    def _why(self, found: Leap, now_ns: int) -> str:
        node = self._node
        if node is not None:
            apart = abs(node.height - found.height)
            if apart <= self._allowed(abs(found.at_ns - node.at_ns)):
                return f"the node is at {node.height}"
        lasted = now_ns - found.since_ns >= self.settings.persist_ns and found.readings >= READINGS_MIN
        if lasted and self._denied_ns < found.since_ns:
            return f"{found.readings} heights in a row say so"
        return ""

    def save(self) -> bytes:
        """The state as bytes."""
        state = (self.height, self.at_ns, self.leaps, self._indexer, self._node, self._denied_ns)
        return msgspec.msgpack.encode(state)

    def load(self, state: bytes) -> None:
        """Take over a state that `save` wrote. ValueError on anything else."""
        try:
            found = msgspec.msgpack.decode(state, type=_State)
        except msgspec.MsgspecError as problem:
            raise ValueError(f"not a state of heights: {problem}") from None
        self.height, self.at_ns, self.leaps, self._indexer, self._node, self._denied_ns = found


_State = tuple[int, int, int, Leap | None, Leap | None, int]
