"""drill_market: the course of a fall, books that go along, and a feed that is deaf for a while."""

from __future__ import annotations

from random import Random

import pytest

from sniper.drill_market import SECOND_NS, Course, FallingSim, Gate, Script
from sniper.feed.sim.feed import START_NS
from sniper.inbox import Inbox
from sniper.types import REC_FRAME, REC_LINK, Watch

S = SECOND_NS
FALL = Script((("BTC-USD", -200_000), ("ETH-USD", 100_000)), 2 * S, 4 * S)


@pytest.mark.parametrize("steps", [0, 1, 7])
def test_a_course_goes_from_nothing_to_everything_and_never_back(steps: int) -> None:
    course = Course(FALL._replace(steps=steps), Random(5))
    done = [course.done(ns) for ns in range(0, 8 * S, S // 500)]
    assert done == sorted(done)
    assert done[0] == course.done(2 * S - 1) == 0.0 and course.done(6 * S) == 1.0
    if steps:
        assert len(set(done)) == steps + 1
    else:
        assert course.done(4 * S) == 0.5


def run(sim: FallingSim, seconds: float) -> list[tuple[int, int, int, bytes]]:
    inbox = Inbox(1 << 20, 256 << 20)
    sim.start(inbox)
    sim.send(START_NS, [Watch(tuple(sim.markets))])
    sim.pull(START_NS + round(seconds * S), inbox)
    return inbox.drain(1 << 30, 1 << 20)


def test_prices_move_by_the_script_and_the_books_with_them() -> None:
    sim = FallingSim(FALL, 3, deaf=False)
    before = {ticker: (market.oracle, market.book.bid) for ticker, market in sim.markets.items()}
    run(sim, 8)
    for ticker, move in FALL.moves:
        market, (oracle, bid) = sim.markets[ticker], before[ticker]
        wanted = 1 + move / 1e6
        assert market.oracle / oracle == pytest.approx(wanted, rel=0.005)
        assert market.book.bid / bid == pytest.approx(wanted, rel=0.005)
        assert market.book.bid < market.book.ask


def test_books_are_as_thin_as_asked() -> None:
    def best(depth_ppm: int) -> int:
        book = FallingSim(FALL._replace(depth_ppm=depth_ppm), 3, deaf=False).markets["BTC-USD"].book
        return sum(steps for _, steps in book.best(20)[0])

    assert best(10_000) * 50 < best(1_000_000) < best(10_000) * 200


def test_the_same_market_for_two_feeds_of_one_seed_whatever_they_hear() -> None:
    script = FALL._replace(deaf_from_ns=3 * S, deaf_ns=2 * S)
    one, other = FallingSim(script, 9, deaf=True), FallingSim(script, 9, deaf=False)
    run(one, 8)
    run(other, 8)
    for ticker in one.markets:
        a, b = one.markets[ticker], other.markets[ticker]
        assert (a.oracle, a.book.bid, a.book.ask) == (b.oracle, b.book.bid, b.book.ask)
        assert a.trades.recent == b.trades.recent
    assert run(FallingSim(script, 9, deaf=True), 8) == run(FallingSim(script, 9, deaf=True), 8)
    assert one.markets["BTC-USD"].oracle != FallingSim(script, 10, deaf=True).markets["BTC-USD"].oracle


def test_a_deaf_feed_hears_nothing_and_then_connects_anew() -> None:
    script = FALL._replace(deaf_from_ns=3 * S, deaf_ns=2 * S)
    records = run(FallingSim(script, 9, deaf=True), 8)
    silent = [one for one in records if START_NS + 3 * S <= one[0] < START_NS + 5 * S]
    assert silent == []
    after = [one for one in records if one[0] >= START_NS + 5 * S]
    assert (after[0][2], after[0][3]) == (REC_LINK, b"closed 1006 connection lost")
    assert any(kind == REC_FRAME and b'"connected"' in data for _, _, kind, data in after)
    assert any(b'"subscribed"' in data and b"v4_orderbook" in data for _, _, _, data in after)
    heard = run(FallingSim(script, 9, deaf=False), 8)
    assert any(START_NS + 3 * S <= one[0] < START_NS + 5 * S for one in heard)


def test_a_gate() -> None:
    inbox = Inbox(10, 1000)
    gate = Gate(inbox)
    assert gate.put(1, 0, REC_FRAME, b"a")
    gate.shut = True
    assert not gate.put(2, 0, REC_FRAME, b"b")
    gate.shut = False
    assert gate.put(3, 0, REC_FRAME, b"c")
    assert [one[3] for one in inbox.drain(1000, 10)] == [b"a", b"c"]
