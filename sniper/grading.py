"""How good a feed was, as a grade from A to F: the worst of a few measures, each with its bounds.

| measure | of | A | B | C | D | E |
|---|---|---|---|---|---|---|
| refused messages | all messages | 0 | 0.001 % | 0.01 % | 0.1 % | 1 % |
| lost messages (ids that never came, inbox gaps) | all messages | 0 | 0.001 % | 0.01 % | 0.1 % | 1 % |
| doubtful values (jumps, times that go back) | oracle prices, trades, blocks | 0 | 0.01 % | 0.1 % | 1 % | 10 % |
| removals of levels that were not there | level changes | 0.1 % | 0.5 % | 2 % | 5 % | 20 % |
| levels before a snapshot | level changes | 0 | 0.01 % | 0.1 % | 1 % | 10 % |
| time that raw books were crossed | span x books | 1 % | 2 % | 5 % | 20 % | 50 % |
| longest silence of everything | - | 5 s | 10 s | 30 s | 60 s | 300 s |

A value up to a bound gets that grade; beyond the last one it is F. A book of the Indexer crosses by nature and
removes what it never showed (its stream follows one node's mempool), so these bounds are wide.
"""

from __future__ import annotations

from typing import Final, NamedTuple

GRADES: Final = "ABCDEF"


class Measure(NamedTuple):
    """One thing that is judged. bounds: the largest values for A to E, ratios of `whole` or seconds."""

    name: str
    what: str
    whole: str
    bounds: tuple[float, float, float, float, float]


MEASURES: Final = (
    Measure("refused", "refused messages", "messages", (0, 1e-5, 1e-4, 1e-3, 1e-2)),
    Measure("lost", "lost messages", "messages", (0, 1e-5, 1e-4, 1e-3, 1e-2)),
    Measure("doubtful", "doubtful values", "oracle prices, trades and blocks", (0, 1e-4, 1e-3, 1e-2, 0.1)),
    Measure("unknown_removes", "removals of unknown levels", "level changes", (1e-3, 5e-3, 0.02, 0.05, 0.2)),
    Measure("orphans", "levels before a snapshot", "level changes", (0, 1e-4, 1e-3, 1e-2, 0.1)),
    Measure("crossed", "crossed time", "the time of all books", (0.01, 0.02, 0.05, 0.2, 0.5)),
    Measure("silence_s", "longest silence", "", (5, 10, 30, 60, 300)),
)


class Graded(NamedTuple):
    """A measure's value and grade. reason: in words, with the bound that it misses; "" for an A."""

    name: str
    value: float
    grade: str
    reason: str


class Quality(NamedTuple):
    """The grade of the feed is the worst of its measures."""

    grade: str
    measures: tuple[Graded, ...]

    @property
    def reasons(self) -> list[str]:
        """Why it is not an A, the worst first."""
        worst_first = sorted(self.measures, key=lambda one: one.grade, reverse=True)
        return [one.reason for one in worst_first if one.reason]


def grade(parts: dict[str, tuple[float, float]]) -> Quality:
    """parts: for each measure (part, whole); the whole of a time is 1. A whole of 0 is nothing to judge: A."""
    graded = tuple(_graded(measure, *parts[measure.name]) for measure in MEASURES)
    return Quality(max(one.grade for one in graded), graded)


NOTHING: Final = Quality("F", (Graded("messages", 0, "F", "there are no messages"),))
"""The quality of an input without messages."""


def _graded(measure: Measure, part: float, whole: float) -> Graded:
    value = part / whole if whole else 0.0
    place = sum(value > bound for bound in measure.bounds)
    if not place:
        return Graded(measure.name, value, GRADES[0], "")
    bound = measure.bounds[place - 1]
    if measure.whole:
        said = f"{measure.what}: {100 * value:.3g} % of {measure.whole}, more than {100 * bound:g} %"
    else:
        said = f"{measure.what}: {value:.1f} s, more than {bound:g} s"
    return Graded(measure.name, value, GRADES[place], f"{GRADES[place]}: {said}")
