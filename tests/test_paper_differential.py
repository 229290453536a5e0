"""The comparison of the paper venue with its twins itself: it can fail, and it says how to repeat a difference."""

from __future__ import annotations

import random
import sys

import pytest

from sniper.venues.ledger import Ledger
from sniper.venues.queue import Queue
from tests import paper_differential


def test_it_finds_an_order_that_was_filled_too_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Queue, "trade", Queue.beyond)
    with pytest.raises(AssertionError, match="before"):
        for seed in range(200):
            paper_differential.drawn_queue(random.Random(seed))


def test_it_finds_a_quantum(monkeypatch: pytest.MonkeyPatch) -> None:
    true = Ledger.pay
    monkeypatch.setattr(Ledger, "pay", lambda ledger, giver, to, quote: true(ledger, giver, to, quote + 1))
    with pytest.raises(AssertionError):
        paper_differential.session([("ioc", 0, 0, 300)], 1_000)


def test_the_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["paper_differential", "--queues", "30", "--sessions", "8", "--seed", "3"]
    monkeypatch.setattr(sys, "argv", given)
    assert paper_differential.main() == 0
    assert "30 queues, 8 sessions (fills: " in capsys.readouterr().out
    monkeypatch.setattr(Queue, "trade", lambda queue, steps: steps)
    with pytest.raises(AssertionError):
        paper_differential.main()
    assert "turn seed 30000" in capsys.readouterr().err
