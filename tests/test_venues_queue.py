"""A resting order is never filled before the queue ahead of it has traded or left (proof 4).

`tests/reference_queue.py` is the twin.
"""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from sniper.venues.queue import AGES, joined
from tests.reference_queue import play

EVENTS = st.one_of(
    st.tuples(st.just("add"), st.integers(1, 60)),
    st.tuples(st.just("cancel"), st.integers(0, 50)),
    st.tuples(st.just("trade"), st.integers(1, 80)),
    st.tuples(st.just("hear level"), st.just(0)),
    st.tuples(st.just("hear trade"), st.just(0)),
    st.tuples(st.just("block"), st.just(0)),
)

QUEUES = st.lists(st.integers(1, 60), max_size=5)


@given(QUEUES, st.integers(1, 100), st.lists(EVENTS, max_size=60))
@settings(max_examples=400, deadline=None)
@example([10], 20, [("add", 50), ("cancel", 1), ("block", 0), ("trade", 15), ("hear level", 0)] * 2)
def test_never_filled_before_its_turn_however_late_the_news(
    ahead: list[int], size: int, events: list[tuple[str, int]]
) -> None:
    street, heard = play(ahead, size, events, 0)
    assert heard.filled <= street.filled
    assert heard.queue.ahead >= 0


@given(QUEUES, st.integers(1, 100), st.lists(EVENTS, max_size=60), st.integers(0, 1_000_000))
@settings(max_examples=300, deadline=None)
def test_whatever_the_share_of_cancels_so_much_traded_or_left_before(
    ahead: list[int], size: int, events: list[tuple[str, int]], share_ppm: int
) -> None:
    _, heard = play(ahead, size, events, share_ppm)
    assert heard.filled <= heard.bound


@given(QUEUES, st.integers(1, 100), st.lists(st.integers(1, 80), max_size=20), st.booleans())
def test_where_nobody_cancels_and_news_are_prompt_the_fill_is_exact(
    ahead: list[int], size: int, trades: list[int], level_first: bool
) -> None:
    order = ["hear level", "hear trade"] if level_first else ["hear trade", "hear level"]
    events = [event for value in trades for event in (("trade", value), (order[0], 0), (order[1], 0))]
    street, heard = play(ahead, size, events, 500_000)
    assert heard.filled == street.filled


def test_a_share_of_cancels_moves_the_order_and_no_more_is_ahead_than_is_displayed() -> None:
    queue = joined(100)
    queue.level(140, 250_000)
    queue.level(100, 250_000)
    assert queue.ahead == 90
    queue.level(60, 250_000)
    assert queue.ahead == 60
    queue.level(200, 250_000)
    assert queue.ahead == 60


def test_a_share_is_added_up_over_small_falls() -> None:
    queue = joined(100)
    queue.level(1000, 100_000)
    for shown in range(999, 949, -1):
        queue.level(shown, 100_000)
    assert queue.ahead == 95


def test_a_fall_and_its_trade_count_once_in_either_order() -> None:
    for share_ppm in (0, 500_000, 1_000_000):
        fall_first, trade_first = joined(100), joined(100)
        fall_first.level(40, share_ppm)
        assert fall_first.trade(60) == 0 and fall_first.ahead == 40
        assert trade_first.trade(60) == 0 and trade_first.ahead == 40
        trade_first.level(40, share_ppm)
        assert trade_first.ahead == 40


def test_what_was_lent_is_ours_after_some_blocks() -> None:
    queue = joined(100)
    queue.level(500, 500_000)
    queue.level(400, 500_000)
    assert queue.ahead == 50
    for _ in range(AGES):
        queue.block()
    assert queue.trade(30) == 0 and queue.ahead == 20


def test_a_price_that_was_never_told_of_fills_nothing_before_it_is() -> None:
    queue = joined(-1)
    assert queue.trade(50) == 0
    queue.level(30, 0)
    assert queue.ahead == 30 and queue.trade(50) == 20


def test_trades_beyond_the_price_go_to_those_ahead_first() -> None:
    queue = joined(30)
    assert queue.beyond(20) == 0 and queue.beyond(20) == 10 and queue.beyond(20) == 20
    unknown = joined(-1)
    assert unknown.beyond(5) == 5 and unknown.shown == 0
