"""The store: copies that nobody hears, levels that are not there, jobs."""

from __future__ import annotations

from tests.exchange_indexing import Desk
from tests.exchange_play import Play


def test_a_copy_goes_its_own_way_and_says_nothing() -> None:
    desk = Desk()
    play = Play(desk, 2)
    for _ in range(20):
        play.block()
    store = desk.indexer.store
    copy, book = store.copy(), repr(store.state.markets[0].levels.sides)
    desk.connect()
    desk.subscribe("v4_block_height")
    before = copy.state.height
    play.block()
    assert (copy.state.height, store.state.height) == (before, before + 1)
    desk.read()
    copy.take([desk.blocks.end()])
    desk.pump()
    assert desk.read() == [] and copy.state.height == store.state.height + 1
    assert repr(copy.state.markets[0].levels.sides) == book != repr(store.state.markets[0].levels.sides)


def test_a_ghost_needs_two_sides_and_stays_on_the_grid() -> None:
    desk = Desk()
    store = desk.indexer.store
    market = store.state.markets[0]
    assert not store.haunt(market, desk.now_ns)
    market.levels.change(1, 100_000, 10**6, 0)
    market.levels.change(2, 200_000, 10**6, 0)
    for _ in range(30):
        assert store.haunt(market, desk.now_ns)
    for side in market.levels.sides.values():
        assert all(
            price % 100_000 == 0 and price > 0 and size % 10**6 == 0 for price, (size, _) in side.items()
        )
