"""Sequences and timestamp nonces, against a naive list."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sniper.exchange.node.sequences import NONCES_KEPT, TIMESTAMP_FROM, WINDOW_MS, Sequences

NOW = 1_767_225_600_000


def test_a_sequence_is_that_of_the_block_and_what_was_used_since() -> None:
    all_of = Sequences()
    for expected in (5, 6, 7):
        assert all_of.check("a", 5, expected, NOW) is None
        wrong = all_of.check("a", 5, expected + 1, NOW)
        assert wrong is not None and f"expected {expected}, got {expected + 1}" in wrong.text
        all_of.use("a", expected, NOW)
    assert all_of.check("b", 5, 5, NOW) is None
    assert all_of.take() == {"a": 3}
    assert all_of.take() == {}


def test_below_the_cutoff_is_a_count() -> None:
    assert Sequences().check("a", TIMESTAMP_FROM - 1, TIMESTAMP_FROM - 1, NOW) is None
    assert Sequences().check("a", 0, TIMESTAMP_FROM, NOW) is not None, "a time, of 2004"


@given(st.lists(st.tuples(st.integers(-WINDOW_MS - 5, WINDOW_MS + 5), st.integers(0, 3000)), max_size=60))
def test_timestamp_nonces(wishes: list[tuple[int, int]]) -> None:
    """In the window, new, and above every nonce that was ever dropped from the last twenty."""
    all_of, kept, dropped, now = Sequences(), [], 0, NOW
    for offset, pause in wishes:
        now += pause
        nonce = now + offset
        for old in [old for old in kept if old < now - WINDOW_MS]:
            kept.remove(old)
            dropped = max(dropped, old)
        allowed = abs(offset) <= WINDOW_MS and nonce > dropped and nonce not in kept
        if allowed and len(kept) == NONCES_KEPT:
            allowed = nonce > min(kept)
        assert (all_of.check("a", 0, nonce, now) is None) == allowed
        if allowed:
            if len(kept) == NONCES_KEPT:
                dropped = max(dropped, min(kept))
                kept.remove(min(kept))
            kept.append(nonce)
            all_of.use("a", nonce, now)
        assert len(all_of.nonces.get("a", [])) <= NONCES_KEPT
    assert all_of.take() == {}
