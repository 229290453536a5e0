"""Resting orders of the paper venue: queue, trades, crossed quotes, priority, fill models."""

from __future__ import annotations

import pytest

from sniper.feed.sim.text import iso
from sniper.trading import BUY, SELL
from tests import messages as m
from tests.papers import ASKS, BIDS, BTC, ETH, MS, Bench, ready


@pytest.fixture
def bench() -> Bench:
    return ready()


def ahead(bench: Bench, client_id: int = 1) -> int:
    order = bench.live(client_id)
    assert order is not None
    return order.queue.ahead


def test_the_queue_ahead_is_what_the_level_displays_when_the_order_comes(bench: Bench) -> None:
    bench.buy(1, 10, 99_990)
    bench.buy(2, 10, 99_985)
    bench.sell(3, 10, 100_010)
    assert [ahead(bench, i) for i in (1, 2, 3)] == [50, 0, 30]


def test_trades_at_the_price_fill_only_behind_the_queue(bench: Bench) -> None:
    bench.buy(1, 10, 99_990)
    bench.trade(SELL, 99_990, 50)
    assert bench.steps() == 0 and ahead(bench) == 0
    bench.trade(SELL, 99_990, 4)
    assert bench.steps() == 4
    bench.trade(SELL, 99_990, 40)
    bench.run(1)
    assert bench.steps() == 10 and bench.told(1) == ["BEST_EFFORT_OPENED", "OPEN", "FILLED"]
    first, second = bench.fills
    assert (first["size"], second["size"]) == ("0.0004", "0.0006")
    assert first["liquidity"] == "MAKER" and first["price"] == "99990"
    assert [item["totalFilled"] for item in bench.items("orders", 1)[1:]] == ["0.0004", "0.001"]


def test_a_quote_that_touches_the_price_fills_nothing(bench: Bench) -> None:
    bench.buy(1, 10, 99_995)
    bench.level(1, 99_995, 500)
    bench.buy(2, 10, 99_980)
    bench.level(0, 99_990, 0)
    bench.level(0, 99_980, 0)
    bench.level(1, 99_980, 500)
    bench.block()
    assert bench.live(2) is not None and bench.steps() == 10, "only the order above the new ask"


def test_quotes_beyond_the_price_consume_the_queue_first(bench: Bench) -> None:
    bench.buy(1, 20, 99_990)
    bench.level(0, 99_990, 8)  # 8 left ahead of us
    assert ahead(bench) == 8
    bench.level(0, 99_990, 0)
    order = bench.live(1)
    assert order is not None
    order.queue.ahead = 8  # as if the level's end were still under way
    bench.level(0, 99_980, 0)
    bench.level(1, 99_985, 20)
    assert bench.steps() == 12 and ahead(bench) == 0
    bench.tick()
    assert bench.steps() == 12, "the same quote does not fill twice"
    bench.level(1, 99_986, 30)
    assert bench.steps() == 20
    bench.run(1)
    assert bench.fills[-1]["price"] == "99990", "a maker trades at its own price"


def test_a_book_whose_raw_levels_cross_fills_nothing(bench: Bench) -> None:
    bench.buy(1, 10, 99_990)
    bench.level(1, 99_980, 500)
    assert bench.books.tops["crossed"][BTC]
    assert bench.steps() == 0, "a ghost, or the bids are"


def test_a_trade_of_a_block_before_the_arrival_fills_nothing(bench: Bench) -> None:
    bench.buy(1, 10, 99_995)
    bench.trade(SELL, 99_990, 100, at_ns=bench.now_ns - 300 * MS)
    assert bench.steps() == 0
    bench.trade(SELL, 99_990, 100)
    assert bench.steps() == 10


def test_trades_that_are_no_news_or_no_matches_fill_nothing(bench: Bench) -> None:
    bench.buy(1, 10, 99_995)
    bench.trade(SELL, 99_990, 100, kind="DELEVERAGED")
    bench.trade(BUY, 99_990, 100)
    bench.buy(2, 1, 99_000)
    row = {
        "id": "00000065" + "0000000200000009",
        "side": "SELL",
        "size": "1",
        "price": "99990",
        "type": "LIMIT",
        "createdAt": iso(bench.now_ns),
        "createdAtHeight": "101",
    }
    envelope = {"type": "subscribed", "connection_id": m.CONNECTION, "message_id": bench.next_id()}
    snapshot = m.text(envelope | {"channel": "v4_trades", "id": "BTC-USD", "contents": {"trades": [row]}})
    bench.tick(snapshot)
    assert bench.steps() == 0
    frame = bench.trade_frame(SELL, 99_990, 4)
    bench.tick(frame)
    bench.tick(frame)
    assert bench.steps() == 4, "the same trade counts once"


def test_a_trade_after_the_last_block_of_an_order_fills_nothing(bench: Bench) -> None:
    bench.buy(1, 10, 99_995, good_til_block=bench.height + 1)
    bench.height += 2
    bench.trade(SELL, 99_990, 50)
    assert bench.steps() == 0 and bench.live(1) is not None


def test_our_own_orders_share_a_trade_by_price_then_time(bench: Bench) -> None:
    bench.buy(1, 10, 99_995)
    bench.buy(2, 10, 99_996)
    bench.buy(3, 10, 99_995)
    bench.trade(SELL, 99_990, 25)
    left = {i: order.left for i in (1, 2, 3) if (order := bench.live(i)) is not None}
    assert left == {3: 5}


def test_an_off_tick_trade_counts_on_the_side_it_is_of(bench: Bench) -> None:
    bench.buy(1, 10, 99_995)
    bench.trade(SELL, "99995.5", 50)
    assert bench.steps() == 0
    bench.trade(SELL, "99994.5", 50)
    assert bench.steps() == 10


def test_sells_mirror_buys(bench: Bench) -> None:
    bench.sell(1, 10, 100_010)
    bench.trade(SELL, 100_010, 100)
    bench.trade(BUY, 100_009, 100)
    assert bench.steps() == 0
    bench.trade(BUY, 100_010, 33)
    assert bench.steps() == -3
    bench.trade(BUY, 100_011, 100)
    assert bench.steps() == -10


def test_a_cancelled_level_moves_the_queue_by_the_share() -> None:
    bench = Bench(cancel_share_ppm=500_000)
    bench.book(BIDS, ASKS)
    bench.buy(1, 10, 99_990)
    bench.level(0, 99_990, 90)
    bench.level(0, 99_990, 70)
    assert ahead(bench) == 40
    bench.level(0, 99_990, 30)
    assert ahead(bench) == 20


def test_a_trade_told_after_its_level_counts_once(bench: Bench) -> None:
    bench.buy(1, 10, 99_990)
    bench.level(0, 99_990, 80)
    bench.level(0, 99_990, 20)
    assert ahead(bench) == 20
    bench.block()
    bench.trade(SELL, 99_990, 60)
    assert bench.steps() == 10, "fifty stood before us, ten of sixty are left"


def test_a_new_snapshot_bounds_the_queue_and_never_fills(bench: Bench) -> None:
    bench.buy(1, 10, 99_990)
    bench.book([(99_990, 20), (99_980, 100)], ASKS)
    assert ahead(bench) == 20
    bench.book([(99_990, 70), (99_980, 100)], ASKS)
    assert ahead(bench) == 20
    bench.book([(99_999, 7)], ASKS)
    assert ahead(bench) == 20, "the snapshot ends before our price"
    bench.trade(SELL, 99_990, 30)
    assert bench.steps() == 0, "the thirty may be those that the first snapshot lacks"


def test_a_price_deeper_than_the_book_is_not_taken_for_empty(bench: Bench) -> None:
    bench.buy(1, 10, 99_000)
    bench.trade(SELL, 99_000, 30)
    assert bench.steps() == 0
    bench.level(0, 99_000, 40)
    assert ahead(bench) == 40
    bench.trade(SELL, 98_999, 45)
    assert bench.steps() == 5


def test_a_market_whose_grid_changes_loses_our_orders(bench: Bench) -> None:
    bench.buy(1, 10, 99_990)
    bench.buy(2, 10, 99_990, kind="long_term")
    bench.block()
    bench.trading(tickSize="2", subticksPerTick=200_000)
    bench.run(1)
    assert bench.told(1)[-1] == "BEST_EFFORT_CANCELED INTERNAL_ERROR"
    assert bench.told(2)[-1] == "CANCELED INTERNAL_ERROR"
    assert not bench.paper.floor.orders


def test_the_model_trades_ignores_crossed_quotes() -> None:
    bench = Bench(fill="trades")
    bench.book(BIDS, ASKS)
    bench.buy(1, 10, 99_995)
    bench.level(0, 99_990, 0)
    bench.level(0, 99_980, 0)
    bench.level(1, 99_985, 500)
    assert bench.steps() == 0
    bench.trade(SELL, 99_995, 5)
    assert bench.steps() == 5


def test_the_model_through_fills_only_beyond_the_price() -> None:
    bench = Bench(fill="through")
    bench.book(BIDS, ASKS)
    bench.buy(1, 10, 99_990)
    bench.trade(SELL, 99_990, 500)
    assert bench.steps() == 0, "a touched price fills nothing"
    bench.trade(SELL, 99_989, 4)
    assert bench.steps() == 4


def test_orders_of_one_market_know_nothing_of_another(bench: Bench) -> None:
    bench.book([(39_990, 50)], [(40_010, 50)], ETH)
    bench.buy(1, 10, 99_990)
    bench.buy(1, 10, 39_990, market=ETH)
    bench.trade(SELL, 39_990, 55, market=ETH)
    assert (bench.steps(BTC), bench.steps(ETH)) == (0, 5)
    assert bench.fills[-1]["ticker"] == "ETH-USD" if bench.fills else True
