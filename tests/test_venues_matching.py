"""What a taker meets on its way through the book."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sniper.trading import BUY, SELL
from sniper.venues.matching import TAKEN_MAX, Meeting, beyond, meetings
from sniper.venues.order import PaperOrder
from sniper.venues.queue import joined
from tests.papers import ASKS, BIDS, BTC, Bench, ready


def maker(price: int, ahead: int, side: int = SELL, seq: int = 0) -> PaperOrder:
    return PaperOrder(
        seq,
        BTC,
        "BTC-USD",
        "",
        side,
        5,
        price,
        "short_term",
        "gtt",
        False,
        9,
        0,
        "",
        0,
        seq,
        0,
        queue=joined(ahead),
    )


def test_beyond_is_strictly_better_for_the_taker() -> None:
    assert beyond(BUY, 99, 100) and not beyond(BUY, 100, 100) and not beyond(BUY, 101, 100)
    assert beyond(SELL, 101, 100) and not beyond(SELL, 100, 100)


def test_our_makers_come_by_price_then_by_their_place_in_the_queue() -> None:
    first, second, third, far = maker(99, 0), maker(101, 30, seq=1), maker(101, 50, seq=2), maker(104, 0)
    found = list(meetings([(100, 10), (101, 40), (103, 5)], [first, second, third, far], BUY, 103))
    assert found == [
        Meeting(99, 0, first),
        Meeting(100, 10),
        Meeting(101, 30),
        Meeting(101, 0, second),
        Meeting(101, 10),
        Meeting(101, 0, third),
        Meeting(103, 5),
    ]
    assert list(meetings([], [first, far], BUY, 104)) == [Meeting(99, 0, first), Meeting(104, 0, far)]


@given(
    st.lists(
        st.tuples(st.integers(90, 110), st.integers(1, 50)), max_size=8, unique_by=lambda level: level[0]
    ),
    st.lists(st.tuples(st.integers(90, 110), st.integers(0, 60)), max_size=5),
    st.integers(0, 1),
)
def test_all_that_is_offered_is_met_once_best_price_first(
    levels: list[tuple[int, int]], ours: list[tuple[int, int]], side: int
) -> None:
    sign = 1 if side == BUY else -1
    levels.sort(key=lambda level: sign * level[0])
    makers = [maker(price, ahead, 1 - side, seq) for seq, (price, ahead) in enumerate(ours)]
    makers.sort(key=lambda order: order.priority)
    found = list(meetings(levels, makers, side, 100))
    prices = [sign * meeting.ticks for meeting in found]
    assert prices == sorted(prices)
    assert all(meeting.steps > 0 or meeting.maker for meeting in found)
    met: dict[int, int] = {}
    for meeting in found:
        met[meeting.ticks] = met.get(meeting.ticks, 0) + meeting.steps
    assert {ticks: steps for ticks, steps in met.items() if steps} == dict(levels)
    assert [meeting.maker for meeting in found if meeting.maker] == [
        m for m in makers if sign * m.price <= sign * 100
    ]


def test_levels_are_those_of_the_view_less_what_we_took() -> None:
    depth = ready().paper.depth
    assert depth.levels(BTC, 1, 100_015) == ASKS[:1] and depth.levels(BTC, 0, 0) == BIDS
    depth.take(BTC, 1, 100_010, 29)
    assert depth.levels(BTC, 1, 100_015) == [(100_010, 1)]
    depth.take(BTC, 1, 100_010, 1)
    assert depth.levels(BTC, 1, 200_000) == ASKS[1:]
    depth.told(BTC, 1, 100_010)
    depth.take(BTC, 1, 100_020, 1)
    depth.told_all(BTC)
    assert depth.levels(BTC, 1, 200_000) == ASKS and not depth.taken


def test_what_a_book_displays_and_what_it_does_not_tell() -> None:
    bench = ready()
    depth = bench.paper.depth
    assert [depth.shown(BTC, 0, ticks) for ticks in (100_000, 99_990, 99_985, 99_979)] == [0, 50, 0, -1]
    assert [depth.shown(BTC, 1, ticks) for ticks in (100_000, 100_020, 100_021)] == [0, 100, -1]
    bench.book([], ASKS)
    assert depth.shown(BTC, 0, 5) == 0
    bench.books.lost(0)
    assert depth.shown(BTC, 1, 100_020) == -1 and depth.levels(BTC, 1, 100_020) == []


def test_what_was_taken_is_bounded() -> None:
    depth = Bench().paper.depth
    for ticks in range(TAKEN_MAX + 10):
        depth.take(BTC, 0, ticks + 1, 1)
    assert len(depth.taken) == TAKEN_MAX and next(iter(depth.taken)) == (BTC, 0, 11)
