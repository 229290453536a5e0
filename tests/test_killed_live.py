"""killed_live: moments follow the seed, and what is wrong is seen. The kills themselves are a step of `.ci/run`."""

from __future__ import annotations

import random
from pathlib import Path

from tests.aftermath import compared
from tests.durable import opened, place
from tests.moments import drawn, drawn_early
from tests.witness import Truth


def test_moments_follow_the_seed() -> None:
    for draw in (drawn, drawn_early):
        assert [draw(random.Random(3)) for _ in range(2)] == [draw(random.Random(3))] * 2
    assert len({drawn(random.Random(seed)).name for seed in range(40)}) == 6


def test_the_aftermath_sees_what_is_missing_and_what_is_too_much(tmp_path: Path) -> None:
    state = opened(tmp_path)
    first, _ = state.reserve(count=10)
    state.intents(1, 1, [place(first)])
    state.put([("fills", (0, "f", "nobody's", "BTC-USD", 0, 0, 5, 1, 0, 1, 0, 1, "LIMIT", 3, 4))])
    state.close()
    nothing = Truth("dydx1nobody", 0, 10, 1, (), (), frozenset({7}), {"ETH-USD": 3})
    wrong = compared(state.path, nothing)
    for part in (
        "here and not at the venue",
        "positions:",
        "by fills",
        "order 7: rests",
        "without an outcome",
    ):
        assert any(part in line for line in wrong), (part, wrong)
