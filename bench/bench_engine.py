"""engine: whole ticks, one frame each, all stages."""

from __future__ import annotations

from typing import Any

import pytest

from bench.contest import Case, Contender, play
from bench.streams import FRAMES, calls
from sniper.engine import Engine


def fresh(with_digests: bool) -> tuple[Any, ...]:
    engine = Engine()
    return engine.tick, engine.digests if with_digests else None, calls(1)


def ticks(tick: Any, digests: Any, batches: Any) -> None:
    now_ns = 0
    for records in batches:
        now_ns += 1_000_000
        tick(now_ns, records)
        if digests:
            digests()


CASES = [
    Case("engine tick, one frame", "tick", Contender("all stages", lambda: fresh(False), ticks, FRAMES)),
    Case("  and digests", "tick", Contender("and digests", lambda: fresh(True), ticks, FRAMES)),
]


@pytest.mark.parametrize("contender", [c for case in CASES for c in case.contenders], ids=lambda c: c.name)
def test_engine(benchmark: Any, contender: Contender) -> None:
    play(benchmark, contender)
