"""grading: the worst measure decides, each bound is inclusive, reasons name what was missed."""

from __future__ import annotations

import pytest

from sniper.grading import GRADES, MEASURES, NOTHING, grade

CLEAN = {measure.name: (0.0, 1.0) for measure in MEASURES}


def test_a_clean_feed_is_an_a_without_reasons() -> None:
    quality = grade(CLEAN)
    assert quality.grade == "A" and quality.reasons == []


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
def test_each_bound_is_inclusive_and_the_worst_decides(measure: object) -> None:
    assert hasattr(measure, "name") and hasattr(measure, "bounds")
    assert list(measure.bounds) == sorted(measure.bounds)
    for place, bound in enumerate(measure.bounds):
        assert grade(CLEAN | {measure.name: (bound, 1.0)}).grade == GRADES[place]
        beyond = grade(CLEAN | {measure.name: (bound * 1.001 + 1e-12, 1.0)})
        assert beyond.grade == GRADES[place + 1]
        assert len(beyond.reasons) == 1 and beyond.reasons[0].startswith(f"{GRADES[place + 1]}: ")


def test_reasons_come_worst_first() -> None:
    quality = grade(CLEAN | {"refused": (1.0, 1e6), "silence_s": (42.0, 1.0), "lost": (1.0, 10.0)})
    assert quality.grade == "F"
    assert quality.reasons == [
        "F: lost messages: 10 % of messages, more than 1 %",
        "D: longest silence: 42.0 s, more than 30 s",
        "B: refused messages: 0.0001 % of messages, more than 0 %",
    ]


def test_nothing_to_judge_is_no_fault_of_one_measure_but_no_message_at_all_is() -> None:
    assert grade({measure.name: (0.0, 0.0) for measure in MEASURES}).grade == "A"
    assert NOTHING.grade == "F" and NOTHING.reasons == ["there are no messages"]
