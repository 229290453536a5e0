"""tally: results of several runs add up."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tally import Tally, main


def test_results_of_several_runs_add_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "results.jsonl"
    for first in (10, 12):
        tally = Tally("proof", str(path), 2, "abc")
        for seed in range(first, first + 3):
            tally.add(seed, ["lost"] if seed == 11 else [], {"fills": 2})
        tally.flush()
        assert (tally.count, tally.facts["fills"]) == (3, 6)
    assert len(path.read_text().splitlines()) == 4
    assert main([str(path)]) == 8
    assert "proof at abc: 5 seeds, 1 wrong" in capsys.readouterr().out
