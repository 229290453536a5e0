"""Books: what the differential test does not reach easily. Far levels, the moving window, questions, state."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sniper._ext.orderbook import Books
from sniper._ext.tape import COUNTER_NAMES, KIND_NAMES, TRUST_NAMES, Tape

KIND = {name: i for i, name in enumerate(KIND_NAMES)}
SNAPSHOT = 1
WINDOW, FAR_MAX, RING = 4096, 8192, 64
Level = tuple[int, int, int]  # side, tick, size


class Book:
    """One market's book, written to row by row."""

    def __init__(self) -> None:
        self.tape = Tape(1 << 20, 64)
        self.books = Books(self.tape, 8)
        self.now_ns = 0

    def rows(self, *rows: dict[str, Any]) -> list[tuple[int, int]]:
        """Write rows and apply them; their stamps."""
        self.now_ns += 1
        table = self.tape.rows
        for i, row in enumerate(rows):
            table[i] = np.zeros(1, table.dtype)[0]
            for name, value in ({"recv_ns": self.now_ns} | row).items():
                table[i][name] = KIND[value] if name == "kind" else value
        self.books.apply(len(rows))
        return [(int(r["bid"]), int(r["ask"])) for r in table[: len(rows)]]

    def snapshot(self, *levels: Level, connection: int = 0) -> list[tuple[int, int]]:
        return self.rows(
            {"kind": "BOOK", "size": len(levels), "ref": connection, "flags": SNAPSHOT},
            *({"kind": "LEVEL", "side": s, "price": p, "size": q, "flags": SNAPSHOT} for s, p, q in levels),
        )

    def levels(self, *levels: Level) -> list[tuple[int, int]]:
        return self.rows(*({"kind": "LEVEL", "side": s, "price": p, "size": q} for s, p, q in levels))

    def side(self, side: int, raw: bool = True) -> list[tuple[int, int]]:
        return [(p, q) for p, q in self.books.levels(0, side, 10**6, raw).tolist()]

    def top(self, name: str) -> int:
        return int(self.books.tops[0][name])

    def counter(self, name: str) -> int:
        return int(self.tape.counters[COUNTER_NAMES.index(name)])

    @property
    def trust(self) -> str:
        return TRUST_NAMES[self.top("trust")]


LEVEL = st.tuples(st.integers(0, 1), st.integers(1, 60_000) | st.integers(29_900, 30_100), st.integers(0, 5))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(LEVEL, max_size=30), max_size=12), st.data())
def test_near_and_far_levels_are_one_book(batches: list[list[Level]], data: Any) -> None:
    book = Book()
    book.snapshot((0, 30_000, 1), (1, 30_001, 1))
    raw: tuple[dict[int, int], dict[int, int]] = ({30_000: 1}, {30_001: 1})
    for batch in batches:
        book.levels(*batch)
        for side, tick, size in batch:
            if size:
                raw[side][tick] = size
            else:
                raw[side].pop(tick, None)
        assert book.side(0) == sorted(raw[0].items(), reverse=True)
        assert book.side(1) == sorted(raw[1].items())
        assert (book.top("bids"), book.top("asks")) == (len(raw[0]), len(raw[1]))
        bids, asks = book.side(0, False), book.side(1, False)
        assert not bids or not asks or bids[0][0] < asks[0][0]
        if data.draw(st.booleans()):
            other = Books(book.tape, 8)
            other.load(book.books.save())
            assert other.save() == book.books.save()
            book.books = other


@given(st.lists(st.tuples(LEVEL, st.integers(0, 2)), max_size=60))
def test_a_survey_sums_up_the_best_levels_of_what_changed(levels: list[tuple[Level, int]]) -> None:
    book = Book()
    for m in range(2):
        book.rows({"kind": "BOOK", "market": m}, {"kind": "LEVEL", "market": m, "price": 30_000, "size": 1})
    before = book.books.depths.copy()
    rows = [{"kind": "LEVEL", "market": m, "side": s, "price": p, "size": q} for (s, p, q), m in levels]
    book.rows({"kind": "BLOCK", "market": 0xFFFF}, *rows)
    n = book.books.survey(1 + len(rows))
    assert sorted(book.books.surveyed[:n].tolist()) == sorted({m for _, m in levels})
    for m in range(8):
        depth = book.books.depths[m]
        if m not in book.books.surveyed[:n] or m == 2:  # nothing said of it, or it has no book
            assert depth == before[m]
            continue
        assert (depth["bid"], depth["ask"]) == (book.books.tops[m]["bid"], book.books.tops[m]["ask"])
        for side, name in enumerate(("bids", "asks")):
            sizes = book.books.levels(m, side)[:, 1]
            assert depth[name].tolist() == [float(sizes[:k].sum()) for k in (1, 3, 10)]
    with pytest.raises(ValueError):
        book.books.survey(len(book.tape.rows) + 1)


def test_the_window_follows_a_price_that_walks_far() -> None:
    book = Book()
    book.snapshot((0, 10_000, 7), (1, 10_001, 9))
    for tick in range(10_001, 60_000, 37):
        stamps = book.levels((1, tick, 0), (1, tick + 40, 2), (0, tick + 5, 1), (0, tick + 5 - 37, 0))
        assert stamps[-1][0] == tick + 5
    assert book.side(0)[-1] == (10_000, 7)
    assert book.counter("book_overflow") == 0


def test_a_side_is_bounded_and_gives_up_the_farthest() -> None:
    book = Book()
    book.snapshot((0, 500_000, 1), (1, 500_001, 1))
    far = [(0, 100 + i, 1) for i in range(FAR_MAX + 50)]
    for i in range(0, len(far), 1000):
        book.levels(*far[i : i + 1000])
    kept = book.side(0)
    assert len(kept) == FAR_MAX + 1
    assert (kept[0], kept[1], kept[-1]) == ((500_000, 1), (100 + FAR_MAX + 49, 1), (150, 1))
    assert book.counter("book_overflow") == book.top("overflow") == 50
    book.levels((0, 50, 1))
    assert book.counter("book_overflow") == 51
    assert book.side(0) == kept


def test_masking_by_age_then_size_then_both() -> None:
    book = Book()
    book.snapshot((0, 105, 3), (0, 99, 1), (1, 100, 2), (1, 106, 1))
    assert (book.top("bid"), book.top("ask")) == (105, 106)  # same age: the smaller one, 100, is masked
    assert book.trust == "crossed"
    book.levels((1, 100, 2))
    assert (book.top("bid"), book.top("ask")) == (99, 100)  # set later: it wins
    book.snapshot((0, 105, 2), (0, 99, 1), (1, 100, 2), (1, 106, 1))
    assert (book.top("bid"), book.top("ask")) == (99, 106)  # same age and size: both
    assert book.side(0) == [(105, 2), (99, 1)]
    assert book.top("crossings") == 2


def test_a_crossing_is_timed() -> None:
    book = Book()
    book.snapshot((0, 99, 1), (1, 101, 1))
    book.now_ns = 1000
    book.levels((0, 102, 1))
    assert (book.trust, book.books.crossed_since(2000), book.books.crossed_since(900)) == ("crossed", [0], [])
    book.now_ns = 5000
    book.levels((0, 102, 0))
    assert (book.trust, book.top("crossed_ns"), book.books.crossed_since(10**9)) == ("live", 4000, [])


def test_questions_about_depth() -> None:
    book = Book()
    book.snapshot((0, 99, 10), (0, 98, 20), (1, 101, 5), (1, 104, 10), (1, 200, 100))
    books = book.books
    assert books.fill(0, 1, 5) == (101, 5, 505)
    assert books.fill(0, 1, 12) == (104, 12, 5 * 101 + 7 * 104)
    assert books.fill(0, 0, 100) == (98, 30, 990 + 1960)
    assert books.fill(0, 0, 0) == (0, 0, 0)
    assert books.within(0, 1, 100) == 5
    assert books.within(0, 1, 400) == 15
    assert books.within(0, 0, 10_000) == 30
    assert books.microprice(0) == pytest.approx((99 * 5 + 101 * 10) / 15)
    assert books.top(0) == (99, 10, 101, 5)
    assert books.levels(0, 0, 1).tolist() == [[99, 10]]


def test_questions_about_nothing() -> None:
    books = Book().books
    assert books.levels(3, 0).shape == (0, 2)
    assert (books.fill(3, 1, 5), books.within(3, 0, 10), books.microprice(3)) == ((0, 0, 0), 0, None)
    assert books.top(3) == (0, 0, 0, 0)
    assert len(books.samples(3)) == 0
    for wrong in (-1, 8):
        with pytest.raises(IndexError, match="no market"):
            books.levels(wrong, 0)
    with pytest.raises(ValueError, match="side"):
        books.levels(0, 2)
    with pytest.raises(ValueError, match="rows"):
        books.apply(10**9)


def test_one_sample_a_block_in_a_ring() -> None:
    book = Book()
    book.snapshot((0, 99, 1), (0, 98, 2), (1, 101, 3))
    for height in range(1, RING + 11):
        block = {"kind": "BLOCK", "price": height, "market": 0xFFFF}
        book.levels((0, 99, height))
        book.rows(block)
        book.rows(block)  # the same block by another connection
    samples = book.books.samples(0)
    assert samples["height"].tolist() == list(range(11, RING + 11))
    last = samples[-1]
    assert last["bid"].tolist() == [99, 98] + [0] * 8
    assert last["bid_size"].tolist()[:2] == [RING + 10, 2]
    assert (last["ask"].tolist()[0], last["ask_size"].tolist()[0]) == (101, 3)


def test_trust_follows_what_happens_to_the_connection() -> None:
    book = Book()
    assert book.trust == "empty"
    book.levels((0, 99, 1))
    assert (book.top("orphans"), book.counter("orphan_levels")) == (1, 1)
    book.snapshot((0, 99, 1), connection=3)
    assert book.books.silence(2, True) == 0
    assert book.books.silence(3, True) == 1
    assert book.trust == "stale"
    assert book.books.silence(3, False) == 1
    book.rows({"kind": "GAP", "ref": 3, "market": 0xFFFF})
    assert book.books.silence(3, False) == 0
    assert book.trust == "stale"
    book.levels((0, 98, 1))
    assert (book.trust, book.top("bid")) == ("stale", 99)
    book.snapshot((0, 97, 1), connection=3)
    assert book.trust == "live"
    book.books.rebuild(0)
    assert (book.trust, book.top("bid")) == ("rebuilding", 0)
    book.snapshot((0, 97, 1), connection=3)
    book.rows({"kind": "CONNECTED", "ref": 2, "market": 0xFFFF})
    assert book.trust == "live"
    book.rows({"kind": "CONNECTED", "ref": 3, "market": 0xFFFF})
    assert book.trust == "empty"


@pytest.mark.parametrize("cut", [0, 3, 39, 41, 100, -1])
def test_a_damaged_state_is_refused_and_changes_nothing(cut: int) -> None:
    book = Book()
    book.snapshot((0, 99, 1), (1, 101, 1))
    book.rows({"kind": "BLOCK", "price": 5, "market": 0xFFFF})
    state = book.books.save()
    for damaged in (state[:cut], state + b"x", b"nonsense" + state[8:]):
        with pytest.raises(ValueError, match="state"):
            book.books.load(damaged)
    assert book.books.save() == state
    with pytest.raises(ValueError, match="for 8 markets"):
        Books(book.tape, 9).load(state)


def test_what_a_market_lost_before_its_first_book_is_remembered() -> None:
    book = Book()
    book.levels((0, 99, 1), (0, 98, 1))
    other = Books(book.tape, 8)
    other.load(book.books.save())
    assert int(other.tops["orphans"][0]) == 2 and other.tops.tobytes() == book.books.tops.tobytes()
    assert other.save() == book.books.save()


def test_a_market_beyond_the_table_is_an_orphan() -> None:
    book = Book()
    assert (
        book.rows({"kind": "BOOK", "market": 8}, {"kind": "LEVEL", "market": 8, "price": 9, "size": 1})
        == [(0, 0)] * 2
    )
    assert book.counter("orphan_levels") == 1


@pytest.mark.parametrize("wrong", [0, 10**5])
def test_sizes_are_bounded(wrong: int) -> None:
    with pytest.raises(ValueError, match="markets_max"):
        Books(Tape(), wrong)
