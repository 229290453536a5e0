"""Weighted scores: directional signals vote for a side, filters on intensities cost points or close a gate.

The score of a side is 50 where the votes cancel out and 100 where all agree; the scores of the two sides add up to
100. A filter that is missed takes points off in proportion to what is missing, so that every point can be told.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sniper.errors import ConfigError
from sniper.strategies.parts import LARGE, NotNegative, Score, clamp, require
from sniper.trading import Reason

DIRECTIONAL, INTENSITY = "directional", "intensity"
NEUTRAL = 50.0


class Filter(NamedTuple):
    """What an intensity must be. points: what missing it altogether costs; 0 makes it a gate that must be passed."""

    signal: str
    at_least: NotNegative = 0.0
    at_most: NotNegative = 100.0
    points: Score = 0.0


def missing(found: float, at_least: float, at_most: float, most: float = 100.0) -> float:
    """How much of a filter is missed, 0..1: of the way from 0 to `at_least`, or from `at_most` to `most`."""
    if at_least <= found <= at_most:
        return 0.0
    if found < at_least:
        return clamp((at_least - found) / at_least, 0.0, 1.0) if at_least > 0 else 1.0
    if found > at_most and most > at_most:
        return clamp((found - at_most) / (most - at_most), 0.0, 1.0)
    return 1.0


def filter_reasons(kept: Filter, found: float, most: float = 100.0) -> tuple[Reason, ...]:
    """A gate as one reason; a filter with points as what was found and what it costs."""
    needed = kept.at_least if not found > kept.at_most else kept.at_most
    lost = missing(found, kept.at_least, kept.at_most, most)
    if not kept.points:
        return (Reason(f"gate.{kept.signal}", found, needed, lost == 0.0),)
    return (
        Reason(f"filter.{kept.signal}", found, needed, lost == 0.0),
        Reason(f"cost.{kept.signal}", lost * kept.points, kept.points, lost == 0.0),
    )


class Weighing:
    """Weights and filters over a row of scores in the order of `signals`.

    weights: (signal, weight); a negative weight votes the other way. ConfigError for a name that is not there, for
    a weight on an intensity and for a filter on a directional score.
    """

    def __init__(
        self,
        signals: Sequence[str],
        kinds: Sequence[str],
        weights: Iterable[tuple[str, float]],
        filters: Iterable[Filter],
    ) -> None:
        require(len(signals) == len(kinds), f"{len(signals)} signals have {len(kinds)} kinds")
        self._signals, self._kinds = tuple(signals), tuple(kinds)
        self.weights = tuple((name, float(weight)) for name, weight in weights if weight)
        total = 0.0
        for _, weight in self.weights:
            total += abs(weight)
        require(0.0 < total < LARGE, "no signal has a weight, or one has an absurd one")
        self.votes = tuple(
            (self._index(name, DIRECTIONAL, "weights", "an intensity: give it a filter"), weight / total)
            for name, weight in self.weights
        )
        self.filters = tuple(filters)
        for kept in self.filters:
            require(
                kept.at_least <= kept.at_most <= 100.0, f"the filter of {kept.signal} lets nothing through"
            )
        indexes = [
            self._index(kept.signal, INTENSITY, "filters", "directional: give it a weight")
            for kept in self.filters
        ]
        for names in ([name for name, _ in self.weights], [kept.signal for kept in self.filters]):
            require(len(set(names)) == len(names), f"a signal is listed twice: {', '.join(names)}")
        self._checks = tuple(zip(indexes, self.filters, strict=True))
        self._costs = tuple((i, kept) for i, kept in self._checks if kept.points)
        self._gates = tuple((i, kept) for i, kept in self._checks if not kept.points)
        used = sorted({index for index, _ in self.votes} | {index for index, _ in self._checks})
        self.mask = 0
        """Bits of `View.ready` that must be set."""
        for index in used:
            self.mask |= 1 << index
        self.base = NEUTRAL
        """The score is base + the sum of share x score over `votes`."""
        for _, share in self.votes:
            self.base -= NEUTRAL * share

    def _index(self, name: str, kind: str, where: str, otherwise: str) -> int:
        if name not in self._signals:
            close = difflib.get_close_matches(name, self._signals, n=1)
            hint = f"Did you mean {close[0]}? " if close else ""
            raise ConfigError(
                f"the {where} of the strategy name the signal {name}, which does not exist",
                f"{hint}There are: {', '.join(self._signals)}.",
            )
        index = self._signals.index(name)
        if self._kinds[index] != kind:
            raise ConfigError(
                f"the {where} of the strategy name {name}, but that is {otherwise}",
                f"{kind} are: {', '.join(n for n, k in zip(self._signals, self._kinds, strict=True) if k == kind)}.",
            )
        return index

    def long_score(self, scores: Sequence[float]) -> float:
        """The score of the long side before filters, 0..100; that of the short side is 100 less this."""
        total = self.base
        for index, share in self.votes:
            total += share * scores[index]
        return total

    def cost(self, scores: Sequence[float]) -> float:
        """The points that the filters take off."""
        total = 0.0
        for index, kept in self._costs:
            total += kept.points * missing(scores[index], kept.at_least, kept.at_most)
        return total

    def passes(self, scores: Sequence[float]) -> bool:
        """Whether every gate is open."""
        return all(kept.at_least <= scores[index] <= kept.at_most for index, kept in self._gates)

    def reasons(self, scores: Sequence[float], side: int) -> list[Reason]:
        """Every signal with its score, weight and points for this side (+1, -1), then every filter."""
        found: list[Reason] = []
        for (index, share), (name, weight) in zip(self.votes, self.weights, strict=True):
            points = share * (scores[index] - NEUTRAL) * side
            found.append(Reason(f"signal.{name}", scores[index], NEUTRAL, points >= 0.0))
            found.append(Reason(f"weight.{name}", weight, 0.0, True))
            found.append(Reason(f"points.{name}", points, abs(share) * NEUTRAL, points >= 0.0))
        for index, kept in self._checks:
            found.extend(filter_reasons(kept, scores[index]))
        return found
