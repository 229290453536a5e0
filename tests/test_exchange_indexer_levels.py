"""The counted book: totals, what crosses and how it is uncrossed, and the job in the background."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sniper.exchange.facts import BUY, SELL
from sniper.exchange.indexer.levels import Levels
from sniper.feed.sim.text import writer


def book(bids: dict[int, tuple[int, int]], asks: dict[int, tuple[int, int]]) -> Levels:
    """Levels: price -> (size, second)."""
    levels = Levels()
    for side, of in ((BUY, bids), (SELL, asks)):
        for price, (size, at_s) in of.items():
            levels.change(side, price, size, at_s)
    return levels


def test_totals_rise_and_fall_and_never_below_zero() -> None:
    levels = Levels()
    assert levels.change(BUY, 10, 5, 0) == 5 and levels.change(BUY, 10, 3, 1) == 8
    assert levels.change(BUY, 10, -9, 2) == -1 and levels.sides[BUY] == {10: [8, 2]}
    assert levels.change(BUY, 10, -8, 3) == 0 and not levels.sides[BUY]
    assert levels.change(BUY, 10, -1, 4) == -1 and not levels.sides[BUY]
    levels.put(SELL, 12, 7, 0)
    levels.put(SELL, 12, 2, 0)
    assert levels.sides[SELL] == {12: [2, 0]}
    levels.put(SELL, 12, 0, 0)
    assert not levels.sides[SELL]


def test_best_first_and_at_most_so_many() -> None:
    levels = book(dict.fromkeys((5, 7, 6), (1, 0)), dict.fromkeys((9, 8, 10), (2, 0)))
    assert levels.uncrossed(2) == ([(7, 1), (6, 1)], [(8, 2), (9, 2)])
    assert levels.best() == (7, 8) and Levels().best() == (0, 0)


def test_where_they_cross_newer_or_larger_bids_win_and_else_the_ask() -> None:
    assert book({10: (1, 5)}, {9: (9, 4)}).uncrossed(9) == ([(10, 1)], [])  # newer
    assert book({10: (9, 4)}, {9: (1, 5)}).uncrossed(9) == ([(10, 9)], [])  # older, but larger
    assert book({10: (1, 4)}, {9: (9, 5)}).uncrossed(9) == ([], [(9, 9)])
    assert book({10: (3, 4)}, {10: (3, 4)}).uncrossed(9) == ([], [(10, 3)])  # alike: the ask stays


@given(
    st.dictionaries(st.integers(1, 12), st.tuples(st.integers(1, 9), st.integers(0, 3)), max_size=8),
    st.dictionaries(st.integers(1, 12), st.tuples(st.integers(1, 9), st.integers(0, 3)), max_size=8),
)
def test_an_uncrossed_book_does_not_cross_and_holds_nothing_new(
    bids: dict[int, tuple[int, int]], asks: dict[int, tuple[int, int]]
) -> None:
    levels = book(bids, asks)
    found_bids, found_asks = levels.uncrossed(100)
    if found_bids and found_asks:
        assert found_bids[0][0] < found_asks[0][0]
    assert all(bids[price][0] == size for price, size in found_bids)
    assert all(asks[price][0] == size for price, size in found_asks)
    assert [p for p, _ in found_bids] == sorted((p for p, _ in found_bids), reverse=True)
    assert levels.sides[BUY] == {p: list(each) for p, each in bids.items()}  # nothing is taken away
    if bids and asks and max(bids) < min(asks):
        assert (len(found_bids), len(found_asks)) == (len(bids), len(asks))


def test_the_job_drops_the_older_of_a_crossing_pair_if_it_is_old() -> None:
    levels = book({10: (1, 5), 8: (1, 0)}, {9: (1, 7), 12: (1, 0)})
    assert levels.drop_stale(5) == 0
    assert levels.drop_stale(6) == 1 and 10 not in levels.sides[BUY] and 8 in levels.sides[BUY]
    levels = book({10: (1, 7)}, {9: (1, 5)})
    assert levels.drop_stale(6) == 1 and not levels.sides[SELL]


def test_the_middle_is_that_of_the_uncrossed_book() -> None:
    text = writer(1)
    assert book({10: (1, 0)}, {11: (1, 0)}).mid(text) == "10.5"
    assert book({10: (1, 0)}, {12: (1, 0)}).mid(text) == "11"
    assert book({10: (1, 0)}, {}).mid(text) is None
    assert book({10: (1, 5), 7: (1, 0)}, {9: (1, 9), 12: (1, 0)}).mid(text) == "8"  # 10 falls
    assert book({10: (1, 5)}, {9: (1, 9)}).mid(text) is None
