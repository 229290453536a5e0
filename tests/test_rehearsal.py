"""rehearsal: the live engine against the stand-in exchange under drawn faults, and that a wrong exchange is seen.

The seeds of the drawn schedules go on with every day, so that time looks for what nobody thought of; a failure names
its seed, and `python -m tests.rehearsal --times 1 --seed N --story` plays it again.
"""

from __future__ import annotations

import datetime
from typing import NamedTuple

import pytest

from sniper.exchange.faults import checked
from sniper.exchange.scenario import CALM, Event, Scenario, generated
from tests.rehearsal import FAULTS_S, MARKETS, SECOND_NS, Run, in_a_child, main, warmed
from tests.verdict import Witnessed

DRAWN = 6
A_DAY = 20_000


@pytest.fixture(scope="module")
def house() -> Witnessed:
    return warmed(1)


def lasting(fault: str, **given: object) -> Scenario:
    """A schedule of one fault, from its second second to its end."""
    return Scenario("one", 1, "", (Event(2 * SECOND_NS, -1, 30 * SECOND_NS, fault, checked(fault, given)),))


def test_drawn_schedules_leave_nothing_wrong(house: Witnessed) -> None:
    first = A_DAY + datetime.datetime.now(datetime.UTC).date().toordinal() * DRAWN
    runs = [in_a_child(house, seed, replayed=seed == first) for seed in range(first, first + DRAWN)]
    assert [(run.seed, run.wrong) for run in runs if run.wrong] == []
    assert sum(run.facts["fills"] for run in runs) > DRAWN  # it did trade


def test_a_schedule_is_the_same_whenever_it_is_played(house: Witnessed) -> None:
    one, again, other = (in_a_child(house, seed, replayed=False) for seed in (3, 3, 5))
    assert not one.wrong and one.digest and one.story
    assert one._replace(seconds=0.0) == again._replace(seconds=0.0)
    assert one.digest != other.digest


def test_a_calm_session_replays_bit_for_bit_and_its_orders_are_all_over(house: Witnessed) -> None:
    run = in_a_child(house, 2, replayed=True, scenario=CALM)
    assert run.wrong == () and run.facts["fills"] > 4 and run.facts["reconnects"] == 0


def test_a_venue_that_fills_twice_is_caught(house: Witnessed) -> None:
    run = in_a_child(house, 4, replayed=False, scenario=lasting("double_fill"))
    assert any(line.startswith("fills: ") for line in run.wrong), run.wrong
    assert any("filled here" in line or "overfilled" in line for line in run.wrong), run.wrong


def test_a_false_height_of_the_indexer_keeps_no_order_out(house: Witnessed) -> None:
    """Ten heights that are 200 blocks too high; with the first one believed, all orders of two minutes were refused."""
    scenario = lasting("height_told", share=0.2, blocks=200)
    run = in_a_child(house, 2, replayed=True, scenario=scenario)
    assert run.wrong == () and run.facts["leaps"] > 4
    assert run.facts["refused"] == 0 and run.facts["fills"] > 4
    assert any("was false" in line for line in run.story)


def test_a_leap_of_the_chain_is_believed_with_the_node(house: Witnessed) -> None:
    events = (Event(5 * SECOND_NS, -1, 0, "height_jump", checked("height_jump", {"blocks": 150})),)
    run = in_a_child(house, 2, replayed=True, scenario=Scenario("leap", 1, "", events))
    assert run.wrong == () and run.facts["leaps"] > 0 and run.facts["fills"] > 4
    assert any("is believed: the node is at" in line for line in run.story)


class Loss(NamedTuple):
    """Answers that do not come, and what the sender must have met."""

    fault: str
    given: dict[str, float]
    met: str


@pytest.mark.parametrize(
    "loss",
    [
        Loss("answer_lost", {"share": 0.6}, "unanswered"),
        Loss("answer_hangs", {"share": 0.5, "wait_s": 20.0}, "unanswered"),
        Loss("disconnect", {}, "reconnects"),
    ],
    ids=lambda loss: loss.fault,
)
def test_nothing_is_lost_or_done_twice_when_answers_are_lost(house: Witnessed, loss: Loss) -> None:
    scenario = lasting(loss.fault, **loss.given)
    if loss.fault == "disconnect":
        events = [Event(at_s * SECOND_NS, -1, 0, "disconnect", {}) for at_s in (3, 9, 10, 21, 33)]
        scenario = Scenario("often", 1, "", tuple(events))
    run = in_a_child(house, 8, replayed=False, scenario=scenario)
    assert run.wrong == () and run.facts[loss.met] > 1


def test_drawn_schedules_never_hold_the_canary() -> None:
    names = {event.fault for seed in range(50) for event in generated(seed, FAULTS_S, MARKETS).events}
    assert "double_fill" not in names and len(names) > 20


def test_the_command_says_what_is_wrong_and_ends_accordingly(
    house: Witnessed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def faked(_: Witnessed, first: int, times: int, replay_every: int, processes: int) -> list[Run]:
        return [
            Run(seed, ("lost",) if seed == 2 else (), {"fills": 3}, "", ("0.000  told",), 0.0)
            for seed in range(first, first + times)
        ]

    monkeypatch.setattr("tests.rehearsal.warmed", lambda seed: house)
    monkeypatch.setattr("tests.rehearsal.runs", faked)
    assert main(["--times", "2", "--story"]) == 8
    out = capsys.readouterr().out
    assert "seed 2: lost" in out and "2 schedules, 1 wrong" in out and "told" in out
    assert main(["--times", "1"]) == 0
