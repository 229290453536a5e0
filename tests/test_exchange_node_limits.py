"""Block rate limits, against a list of every attempt."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sniper.exchange.node.limits import SHORT, STATEFUL, RateLimits

LIMITS = ((2, 1), (5, 4))


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 2), st.integers(0, 3)), max_size=60))
def test_every_attempt_counts_for_so_many_blocks(attempts: list[tuple[str, int, int]]) -> None:
    limits, made, height = RateLimits(LIMITS, ()), [], 10
    for owner, weight, blocks in attempts:
        for _ in range(blocks):
            height += 1
            limits.forget(height)
        made.append((owner, weight, height))
        expected = any(
            sum(w for who, w, at in made if who == owner and at > height - span) > most
            for most, span in LIMITS
        )
        assert (limits.attempt(SHORT, owner, weight, height) is not None) == expected
        assert limits.attempt(STATEFUL, owner, weight, height) is None
        assert all(at > height - 4 for counts in limits.counts[SHORT].values() for at in counts)


def test_owners_are_forgotten() -> None:
    limits = RateLimits(LIMITS, LIMITS)
    limits.attempt(SHORT, "a", 1, 10)
    limits.attempt(STATEFUL, "a", 1, 10)
    limits.forget(13)
    assert limits.counts[SHORT]
    limits.forget(14)
    assert limits.counts == {SHORT: {}, STATEFUL: {}}
