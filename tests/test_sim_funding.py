"""Votes, samples and the published rate."""

from __future__ import annotations

import pytest

from sniper.feed.sim.funding import HOUR_NS, MINUTE_NS, Funding

T0 = 1_767_225_600_000_000_000
SECOND = 1_000_000_000


def blocks(funding: Funding, start_ns: int, count: int, bid: int, ask: int, index: float) -> int:
    for block in range(count):
        funding.block(start_ns + block * SECOND, bid, ask, index)
    return start_ns + count * SECOND


def test_no_premium_while_the_index_lies_in_the_spread() -> None:
    funding = Funding(0, 0, T0)
    blocks(funding, T0, 120, 99, 101, 100.0)
    assert funding.samples == [0, 0] and funding.publish() == "0"


@pytest.mark.parametrize(("bid", "ask", "ppm"), [(100_100, 100_200, 1000), (99_800, 99_900, -1000)])
def test_a_sample_is_the_median_of_a_minute(bid: int, ask: int, ppm: int) -> None:
    funding = Funding(0, 0, T0)
    blocks(funding, T0, 31, bid, ask, 100_000.0)
    assert funding.samples == [ppm], "thirty votes, sampled at half past the minute"
    assert funding.publish() == ("0.000125" if ppm > 0 else "-0.000125")


def test_few_votes_are_padded_with_zeros() -> None:
    funding = Funding(0, 0, T0)
    for block in range(7):
        funding.block(T0 + block * SECOND, 100_100, 100_200, 100_000.0)
    funding.block(T0 + 30 * SECOND, 0, 1 << 40, 100_000.0)
    assert funding.samples == [0], "seven of fifteen"


def test_even_votes_are_averaged_away_from_zero() -> None:
    for one, other, expected in ((1000, 1001, 1001), (-1000, -1001, -1001), (1000, 1000, 1000), (-3, -5, -4)):
        funding = Funding(0, 0, T0)
        for ppm in [one] * 10 + [other] * 10:
            funding._votes.append(ppm)
        funding.block(T0 + 30 * SECOND, 0, 1 << 40, 1.0)
        assert funding.samples == [expected]


def test_the_rate_is_the_mean_of_the_hour_and_stays_over_its_end() -> None:
    funding = Funding(100, 0, T0)
    assert funding.rate == "0.0000125", "the default alone"
    now_ns = blocks(funding, T0, 60, 100_100, 100_200, 100_000.0)
    now_ns = blocks(funding, now_ns, 60, 99, 1 << 40, 100_000.0)
    assert funding.samples == [1000, 1000] or len(funding.samples) == 2
    before = funding.publish()
    blocks(funding, T0 + HOUR_NS, 1, 99, 1 << 40, 100_000.0)
    assert funding.samples == []
    assert funding.publish() == before
    blocks(funding, T0 + HOUR_NS + 1, 31, 99, 1 << 40, 100_000.0)
    assert len(funding.samples) == 1 and funding.publish() == "0.0000125"


def test_a_start_within_the_hour_keeps_its_clock() -> None:
    funding = Funding(0, 800, T0 + 17 * MINUTE_NS + 45 * SECOND)
    assert funding.rate == "0.0001"
    blocks(funding, T0 + 17 * MINUTE_NS + 45 * SECOND, 46, 99, 1 << 40, 100.0)
    assert len(funding.samples) == 1, "at 18:30"
