"""The state of the decision half as bytes: its own figures, then those of its parts in the order of their work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from sniper.desk_margin import SavedHeld
from sniper.strategies.blame import blamed

Own = tuple[tuple[int, int, int, int, int], bytes, SavedHeld]
"""(height, feed_ns, block_ns, sequence, sequence_height), the digest, what the margin kernel was told."""
_State = tuple[Own, list[bytes]]


def packed(own: Own, parts: Sequence[Any], strategy: Any, tick: int) -> bytes:
    """The state as bytes. The strategy, anybody's code, comes last and is blamed for what it raises."""
    try:
        kept = bytes(memoryview(strategy.save()))
    except (Exception, SystemExit) as problem:
        raise blamed(strategy, "save", tick, problem) from problem
    return msgspec.msgpack.encode([own, [*(part.save() for part in parts), kept]])


def unpacked(state: bytes, parts: int) -> _State:
    """What `packed` was given. ValueError on anything else, or where it is of another number of parts."""
    try:
        found: _State = msgspec.msgpack.decode(state, type=_State)
    except msgspec.MsgspecError as problem:
        raise ValueError(f"not a state of the decision half: {problem}") from None
    if len(found[1]) != parts:
        raise ValueError("a state of the decision half with other parts")
    return found
