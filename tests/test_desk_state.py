"""desk_state: what the decision half writes of itself, and whom it blames."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from sniper.desk_state import Own, packed, unpacked
from sniper.errors import StrategyFault

OWN: Own = ((1, 2, 3, 4, 5), bytes(16), [(0, [(1, -5)])])


class Part:
    """A part with this state; an exception is raised."""

    name = "part"

    def __init__(self, state: Any) -> None:
        self._state = state

    def save(self) -> Any:
        if isinstance(self._state, Exception):
            raise self._state
        return self._state


def test_what_was_packed_comes_out() -> None:
    state = packed(OWN, [Part(b"a"), Part(b"")], Part(bytearray(b"c")), 7)
    assert unpacked(state, 3) == (OWN, [b"a", b"", b"c"])


@pytest.mark.parametrize("state", [b"", b"\xc1", msgspec.msgpack.encode([OWN]), b"{}"])
def test_anything_else_is_refused(state: bytes) -> None:
    with pytest.raises(ValueError, match="not a state of the decision half"):
        unpacked(state, 1)


def test_another_number_of_parts_is_refused() -> None:
    with pytest.raises(ValueError, match="other parts"):
        unpacked(packed(OWN, [], Part(b""), 1), 2)


@pytest.mark.parametrize("state", [ZeroDivisionError("x"), "no bytes"])
def test_a_strategy_that_cannot_save_is_blamed(state: Any) -> None:
    with pytest.raises(StrategyFault):
        packed(OWN, [], Part(state), 7)
