"""Books made of off-chain news: every update is the absolute total of one level of one side."""

from __future__ import annotations

import pytest

from tests.exchange_chain import BTC, opened, order, rests
from tests.exchange_indexing import Desk, contents
from tests.exchange_play import Play


@pytest.mark.parametrize("seed", range(4))
def test_a_client_that_applies_every_update_has_the_book_of_the_snapshot(seed: int) -> None:
    desk = Desk()
    play = Play(desk, seed)
    for _ in range(10):
        play.block()
    desk.connect()
    snapshot = desk.subscribe("v4_orderbook", "BTC-USD")["contents"]
    book = {side: {each["price"]: each["size"] for each in snapshot[side]} for side in ("bids", "asks")}
    for _ in range(60):
        play.block()
        for update in contents(desk.read(), "v4_orderbook"):
            ((side, levels),) = update.items()
            ((price, size),) = levels
            book[side][price] = size
            if size == "0":
                del book[side][price]
    levels = desk.indexer.store.state.markets[0].levels.sides
    for side, held in ((1, book["bids"]), (2, book["asks"])):
        found = {str(price // BTC.subticks_per_tick): size for price, (size, _) in levels[side].items()}
        assert dict(held.items()) == {p: f"{s / 1e10:.4f}".rstrip("0").rstrip(".") for p, s in found.items()}
    resting: dict[tuple[int, int], int] = {}
    for each, done in play.resting:
        if not each.id.clob_pair and each.quantums > done:
            key = (each.side, each.subticks)
            resting[key] = resting.get(key, 0) + each.quantums - done
    assert resting == {(side, price): size for side in levels for price, (size, _) in levels[side].items()}


def test_more_filled_than_there_was_counts_as_all() -> None:
    desk = Desk()
    each = order(1)
    desk.take(opened(each), rests(each), rests(each, each.quantums * 2))
    assert desk.ok("/v4/orderbooks/perpetualMarket/BTC-USD") == {"bids": [], "asks": []}


def test_an_order_that_comes_again_leaves_its_level_first() -> None:
    desk = Desk()
    desk.take(opened(order(1, price=100)), rests(order(1, price=100)), opened(order(1, price=200)))
    assert desk.ok("/v4/orderbooks/perpetualMarket/BTC-USD")["bids"] == []


def test_orders_that_rest_before_they_are_placed_are_kept_in_bounds() -> None:
    desk = Desk()
    for i in range(5_000):
        desk.indexer.take([rests(order(i, flags=64, good_til=1))], desk.now_ns)
    assert len(desk.indexer.store._off_chain._early) <= 4_096
