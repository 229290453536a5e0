"""What the MACD strategy can be set to, and what it makes of the closed bars of several time frames."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import msgspec

from sniper.strategies.parts import (
    Count,
    Milliseconds,
    NotNegative,
    Positive,
    Score,
    between,
    clamp,
    sound,
)
from sniper.strategies.terms import BPS, Terms
from sniper.strategies.weighing import NEUTRAL, Filter, Weighing, filter_reasons, missing
from sniper.trading import Reason
from sniper.viewing import Indicators

ANY = 1e12
"""Above every volume, width, ATR and ADX."""
VOTES = ("histogram", "frames", "direction")
Multiple = Annotated[float, msgspec.Meta(gt=0.0, le=1000.0)]
Bounds = tuple[Multiple, Multiple]
"""A parameter that adapts: its value where there is no trend, and in a strong one."""


class MacdSettings(NamedTuple):
    """What can be set. ATRs are those of the bars that are traded on."""

    resolution: str = "5MINS"  # bars that are traded on
    confirm: tuple[str, ...] = ("15MINS", "1HOUR")  # longer bars that must agree
    confirm_min: Annotated[int, msgspec.Meta(ge=0, le=7)] = (
        1  # so many of them, by the sign of their histogram
    )
    window_bars: Count = 3  # a crossing counts for so many bars
    adx_ranging: Score = 15.0  # ADX at and below which there is no trend
    adx_trending: Score = 40.0  # and at and above which there is a strong one
    adx_min: Score = 12.0  # no entry below
    histogram_atr: Bounds = (0.25, 0.12)  # a histogram of so many ATRs gives all points
    volume: Bounds = (1.5, 1.1)  # volume of the bar needed, in mean volumes
    volume_points: Score = 12.0  # what a bar without volume costs
    atr_bps_min: NotNegative = 5.0  # no entry where the ATR is smaller
    atr_bps_max: Positive = 300.0  # nor where it is larger
    width_bps_min: NotNegative = 30.0  # width of the Bollinger bands needed
    width_points: Score = 6.0  # what bands without width cost
    weights: tuple[tuple[str, float], ...] = (("histogram", 1.0), ("frames", 1.0), ("direction", 0.5))
    enter_score: tuple[Score, Score] = (70.0, 62.0)  # score needed; adapts
    stop_atr: Bounds = (1.5, 2.5)  # distance of the stop
    target_atr: Bounds = (2.5, 6.0)  # distance of the target
    trail_atr: Bounds = (1.5, 3.0)  # once so far in profit, the stop follows at this distance
    hold_max_bars: Count = 96  # a position is left after so long
    risk_bps: Positive = 50.0  # share of the capital that is lost where the stop is hit
    try_ms: Milliseconds = 1_000  # time between two looks at a market that could be entered
    terms: Terms = Terms()  # orders and capital


Filtered = tuple[str, float, float, float, float]
"""A filter and what it found: name, at least, at most, points, found."""


class Study(NamedTuple):
    """The closed bars of one market in figures, with what the regime makes of the parameters.

    passed: whether the bars alone allow an entry; book, capital and crossing have their own say.
    """

    side: int
    score: float
    before: float
    needed: float
    regime: float
    atr: float
    agreeing: int
    votes: tuple[float, float, float]
    filters: tuple[Filtered, ...]
    passed: bool


def regime_of(s: MacdSettings, adx: float) -> float:
    """0 where there is no trend, 1 in a strong one: where the adapting parameters stand between their bounds."""
    return clamp((adx - s.adx_ranging) / (s.adx_trending - s.adx_ranging), 0.0, 1.0)


def study(s: MacdSettings, weighing: Weighing, bar: Indicators, frames: tuple[Indicators, ...]) -> Study:
    """Weigh a closed bar and the longer ones around it."""
    regime = regime_of(s, bar.adx)
    full = between(regime, *s.histogram_atr)
    side = 1 if bar.histogram > 0.0 else -1
    strength, agreeing = 0.0, 0
    for frame in frames:
        if frame.warm:
            agreeing += frame.histogram * side > 0.0
            strength += strength_of(frame.histogram, frame.atr, full)
    both = bar.plus_di + bar.minus_di
    direction = clamp((bar.plus_di - bar.minus_di) / both, -1.0, 1.0) if sound(both) else 0.0
    votes = (
        NEUTRAL + NEUTRAL * strength_of(bar.histogram, bar.atr, full),
        NEUTRAL + NEUTRAL * (strength / len(frames) if frames else 0.0),
        NEUTRAL + NEUTRAL * direction,
    )
    long_score = weighing.long_score(votes)
    before = long_score if side > 0 else 100.0 - long_score
    volume = bar.volume / bar.volume_mean if sound(bar.volume_mean) else 0.0
    atr_bps = bar.atr / bar.close * BPS if sound(bar.close) else 0.0
    filters = (
        ("bar_volume", between(regime, *s.volume), ANY, s.volume_points, volume),
        ("width_bps", s.width_bps_min, ANY, s.width_points, bar.bollinger_width * BPS),
        ("atr_bps", s.atr_bps_min, s.atr_bps_max, 0.0, atr_bps),
        ("adx", s.adx_min, ANY, 0.0, bar.adx),
    )
    score, passed = before, bar.warm and sound(bar.atr) and agreeing >= s.confirm_min
    for _, at_least, at_most, points, found in filters:
        if not at_least <= found <= at_most:
            score -= points * missing(found, at_least, at_most, ANY)
            passed = passed and points > 0.0
    needed = between(regime, *s.enter_score)
    passed = passed and score >= needed
    return Study(side, score, before, needed, regime, bar.atr, agreeing, votes, filters, passed)


def strength_of(histogram: float, atr: float, full_atr: float) -> float:
    """A histogram against the ATR, -1..1; 0 where either is no number."""
    return clamp(histogram / (atr * full_atr), -1.0, 1.0) if sound(atr) and histogram == histogram else 0.0


def told(seen: Study, weighing: Weighing) -> list[Reason]:
    """A study in words: every vote with its weight and points, every filter with its cost."""
    reasons = weighing.reasons(seen.votes, seen.side)
    for name, at_least, at_most, points, found in seen.filters:
        reasons += filter_reasons(Filter(name, at_least, at_most, points), found, ANY)
    reasons.append(Reason("regime", seen.regime, 0.0, True))
    reasons.append(Reason("before_filters", seen.before, seen.needed, seen.before >= seen.needed))
    return reasons
