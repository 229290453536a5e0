"""The funding rate of one market: votes a block, a sample a minute, `nextFundingRate` between them.

A vote is the premium of the book over the index in parts per million, 0 while the index lies inside the
spread; a sample is the median of a minute's votes, padded with zeros to VOTES_MIN; the published rate is
the plain mean of the samples of this hour, a 1-hour fraction. Just after the hour the last rate stays until
the first sample at hh:00:30.
"""

from __future__ import annotations

from sniper.feed.sim.text import quotient

VOTES_MIN = 15
MINUTE_NS = 60_000_000_000
SAMPLE_OFFSET_NS = 30_000_000_000
HOUR_NS = 3_600_000_000_000
PPM_PER_HOUR = 8_000_000  # a premium is a rate per 8 hours


class Funding:
    """Votes and samples of one market since the last hour."""

    __slots__ = ("_default_ppm", "_next_hour_ns", "_next_sample_ns", "_votes", "rate", "samples")

    def __init__(self, default_ppm: int, first_ppm: int, ns: int) -> None:
        self._default_ppm = default_ppm
        self._votes: list[int] = []
        self.samples: list[int] = []
        self._next_sample_ns = ns - (ns - SAMPLE_OFFSET_NS) % MINUTE_NS + MINUTE_NS
        self._next_hour_ns = ns - ns % HOUR_NS + HOUR_NS
        self.rate = quotient(first_ppm + default_ppm, PPM_PER_HOUR)

    def block(self, ns: int, bid: int, ask: int, index_ticks: float) -> None:
        """The vote of one block; ends minutes and hours that are over."""
        if ns >= self._next_sample_ns:
            self._next_sample_ns = ns - (ns - SAMPLE_OFFSET_NS) % MINUTE_NS + MINUTE_NS
            votes = sorted(self._votes + [0] * (VOTES_MIN - len(self._votes)))
            middle = len(votes) // 2
            self.samples.append(votes[middle] if len(votes) % 2 else _mean(votes[middle - 1] + votes[middle]))
            self._votes.clear()
        if ns >= self._next_hour_ns:
            self._next_hour_ns = ns - ns % HOUR_NS + HOUR_NS
            self.samples.clear()
        if index_ticks < bid:
            self._votes.append(int((bid - index_ticks) * 1e6 / index_ticks))
        elif index_ticks > ask:
            self._votes.append(int((ask - index_ticks) * 1e6 / index_ticks))
        else:
            self._votes.append(0)

    def publish(self) -> str:
        """`nextFundingRate` now: what the job that runs about every 30 s writes."""
        if self.samples:
            count = len(self.samples)
            self.rate = quotient(sum(self.samples) + self._default_ppm * count, count * PPM_PER_HOUR)
        return self.rate


def _mean(total: int) -> int:
    """Half of a sum of two, rounded away from zero."""
    return (total + 1) // 2 if total > 0 else -((1 - total) // 2)
