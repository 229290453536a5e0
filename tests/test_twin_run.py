"""twin_run: two engines agree on a hostile market, and a difference would be found."""

from __future__ import annotations

import pytest

from sniper._ext.tape import COUNTER_NAMES
from sniper.engine import STAGES
from tests.twin_run import STAGE_BYTES, TICK_BYTES, first_difference, main, market


def test_two_engines_agree(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seed", "3", "--ticks", "400"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("seed 3: 400 ticks, ") and lines[1] == "the two engines agree on every tick"


def test_the_market_is_hostile_and_another_seed_is_another_market() -> None:
    one, engine = market(5, 300, 0)
    other, _ = market(6, 300, 0)
    assert len(one) == 300 * TICK_BYTES
    assert engine.tape.counters[COUNTER_NAMES.index("rejected")] > 0, "nothing was rejected"
    assert first_difference(one, other)


def test_a_difference_is_named() -> None:
    same = bytes(3 * TICK_BYTES)
    assert first_difference(same, same) == ""
    for stage, name in enumerate(STAGES):
        other = bytearray(same)
        other[TICK_BYTES + stage * STAGE_BYTES] = 1
        assert first_difference(same, bytes(other)) == f"tick 2, stage {name}"
    assert first_difference(same, same[:TICK_BYTES]) == f"tick 2, stage {STAGES[0]}"
