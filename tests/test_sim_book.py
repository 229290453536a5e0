"""The levels of one market."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sniper.feed.sim.book import LEVELS_MAX, LEVELS_MIN, SLOT_NS, Book
from sniper.feed.sim.universe import TICKERS, UNIVERSE

ACTIVE = [ticker for ticker in TICKERS if UNIVERSE[ticker].changes_per_s]


def make(ticker: str, seed: int = 1) -> Book:
    spec = UNIVERSE[ticker]
    return Book(spec, spec.price_usd * 10.0**spec.tick_decimals, 0, Random(seed).random)


class Mirror:
    """A book kept from the changes alone."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.sides = tuple(dict(levels) for levels in book.sides)

    def follow(self) -> None:
        for side, tick, steps in self.book.changes:
            if steps:
                self.sides[side][tick] = steps
            else:
                del self.sides[side][tick]  # KeyError: a level that was not there
            bids, asks = self.sides
            assert not bids or not asks or max(bids) < min(asks)
        self.book.changes.clear()
        assert self.sides == self.book.sides
        assert (max(self.sides[0]), min(self.sides[1])) == (self.book.bid, self.book.ask)


@pytest.mark.parametrize("ticker", ACTIVE)
def test_a_new_book_fills_a_snapshot(ticker: str) -> None:
    book = make(ticker)
    bids, asks = book.best(100)
    assert len(bids) == len(asks) == 100
    assert bids == sorted(bids, reverse=True) and asks == sorted(asks)
    assert bids[0][0] == book.bid < book.ask == asks[0][0]
    assert all(tick > 0 and steps > 0 for tick, steps in bids + asks)
    assert not book.changes


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(["BTC-USD", "ETH-USD", "TIA-USD", "PEPE-USD", "ARB-USD", "QTUM-USD"]),
    st.integers(0, 10**6),
    st.lists(st.floats(-0.02, 0.02), min_size=1, max_size=60),
)
def test_changes_tell_the_whole_book_and_it_never_crosses(ticker: str, seed: int, moves: list[float]) -> None:
    book = make(ticker, seed)
    mirror = Mirror(book)
    start = book.target_ticks
    now_ns = 0
    for number, move in enumerate(moves):
        book.target_ticks = min(max(book.target_ticks * (1 + move), start / 4), start * 4)
        book.renew()
        if number % 3 == 0:
            side = number % 2
            best = book.ask if side else book.bid
            resting = book.sides[side][best]
            tick, steps = book.take(side, 1 + number * 1000)
            assert tick == best and steps == min(resting, 1 + number * 1000)
        now_ns += 13 * SLOT_NS
        book.run(now_ns)
        mirror.follow()
        assert all(20 < len(levels) <= LEVELS_MAX + 1 for levels in book.sides)


def test_the_touch_follows_the_walk() -> None:
    book = make("BTC-USD")
    for step in range(200):
        book.target_ticks *= 1.0002
        book.renew()
        book.run((step + 1) * 13 * SLOT_NS)
    assert abs((book.bid + book.ask) / 2 / book.target_ticks - 1) < 0.002


def test_the_rate_is_that_of_the_market() -> None:
    for ticker, seconds in (("BTC-USD", 60), ("ETH-USD", 60), ("DOT-USD", 400)):
        book = make(ticker)
        for block in range(int(seconds / 0.65)):
            book.renew()
            book.run(int((block + 1) * 650_000_000))
        rate = len(book.changes) / seconds
        assert rate == pytest.approx(UNIVERSE[ticker].changes_per_s, rel=0.15)
        zero = sum(steps == 0 for _, _, steps in book.changes) / len(book.changes)
        assert 0.2 < zero < 0.42, ticker


def test_slots_come_in_time_however_they_are_asked_for() -> None:
    one, two = make("SOL-USD"), make("SOL-USD")
    one.run(40 * SLOT_NS)
    for slot in range(1, 41):
        two.run(slot * SLOT_NS)
        two.run(slot * SLOT_NS)
    assert one.changes == two.changes and one.sides == two.sides


def test_lists_of_resting_levels_stay_bounded() -> None:
    book = make("ETH-USD")
    for block in range(600):
        book.target_ticks *= 1.0003 if block % 40 < 20 else 0.9997
        book.renew()
        book.run((block + 1) * 650_000_000)
        book.changes.clear()
    assert all(len(pool) < 900 for pools in book._pools for pool in pools)
    assert all(len(levels) <= LEVELS_MAX for levels in book.sides)


def test_a_side_that_a_leap_has_eaten_is_quoted_again() -> None:
    book = make("TIA-USD")
    mirror = Mirror(book)
    book.target_ticks *= 1.6
    book.run(100 * SLOT_NS)
    assert len(book.sides[1]) < LEVELS_MIN
    book.renew()
    mirror.follow()
    assert all(len(levels) >= LEVELS_MIN for levels in book.sides)


def test_a_settled_market_has_no_book() -> None:
    book = make("MATIC-USD")
    book.run(10**12)
    assert book.best(100) == ([], []) and not book.changes
