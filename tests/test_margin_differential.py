"""The comparison of margin kernel and twin itself: it can fail, and it says how to repeat a difference."""

from __future__ import annotations

import random
import sys

import pytest

from tests import margin_differential, reference_margin


def test_it_finds_a_quantum(monkeypatch: pytest.MonkeyPatch) -> None:
    true = reference_margin.requirement

    def off(*given: object) -> tuple[int, int]:
        initial, maintenance = true(*given)  # type: ignore[arg-type]
        return initial, maintenance + 1

    monkeypatch.setattr(reference_margin, "requirement", off)
    with pytest.raises(AssertionError, match="kernel"):
        margin_differential.turn(random.Random(1))


@pytest.mark.parametrize(
    "name",
    ["accepted", "bankruptcy", "fillable", "insurance", "liquidation_size", "market_wide", "settlement"],
)
def test_it_asks_about_everything(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference_margin, name, lambda *given: None)
    with pytest.raises((AssertionError, TypeError)):
        for seed in range(5):
            margin_differential.turn(random.Random(seed))


def test_the_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["margin_differential", "--accounts", "20", "--seed", "3"])
    assert margin_differential.main() == 0
    assert "no difference, seed 3" in capsys.readouterr().out
    monkeypatch.setattr(reference_margin, "risk", lambda *given: reference_margin.Risk(0, 0, 1))
    with pytest.raises(AssertionError):
        margin_differential.main()
    assert "turn seed 3000009" in capsys.readouterr().err
