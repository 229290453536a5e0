"""strategies.held: one holding as a row and back."""

from __future__ import annotations

from typing import Any

import pytest

from sniper.strategies.held import Held, HeldRow, held_of
from sniper.strategies.parts import NS_MAX


def test_a_fresh_one_is_neither_open_nor_leaving() -> None:
    held = Held(-1, 0.1, 5, 60.0, 3)
    assert (held.opened, held.closing, held.until_ns, held.tried_ns, held.weak_ns) == (
        False,
        "",
        NS_MAX,
        0,
        0,
    )


def test_as_a_row_and_back() -> None:
    held = Held(1, 0.25, 5, 60.0, 3)
    held.opened, held.closing, held.tried_ns, held.weak_ns = True, "exit.stop", 7, 8
    held.until_ns, held.withdrawn_ns = 9, 10
    row = held.row(4)
    assert len(set(row)) == len(row) - 1, "every field has a value of its own (1 is True)"
    (again,) = held_of([row]).values()
    assert again.row(4) == row


@pytest.mark.parametrize(
    "wrong", [{0: -1}, {0: 1 << 16}, {1: 0}, {1: 2}, {2: 0.0}, {2: 1.5}, {2: float("nan")}]
)
def test_rows_that_cannot_have_been_saved_are_refused(wrong: dict[int, Any]) -> None:
    row: Any = tuple(wrong.get(i, value) for i, value in enumerate(Held(1, 0.25, 5, 60.0, 3).row(4)))
    with pytest.raises(ValueError, match="not a holding"):
        held_of([row])
    good: HeldRow = Held(1, 0.25, 5, 60.0, 3).row(4)
    with pytest.raises(ValueError, match="not a holding"):
        held_of([good, good])
