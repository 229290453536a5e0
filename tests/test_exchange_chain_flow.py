"""The ordinary flow: books with depth, trades, moving prices, and nobody with money from nowhere."""

from __future__ import annotations

import pytest

from sniper.exchange.chain.chain import Chain
from sniper.exchange.chain.checks import faults
from sniper.exchange.chain.flow import Flow, FlowSettings
from sniper.exchange.chain.genesis import genesis
from sniper.exchange.facts import BUY, SELL, Filled, OraclePriced, OrderGone, SubaccountId
from sniper.exchange.terms import FINAL_SETTLEMENT
from sniper.feed.sim.universe import select
from tests.small_chain import USDC, order

MS = 1_000_000
START_NS = 1_767_225_600_000 * MS
STRANGER = SubaccountId("dydx1stranger", 0)


def opened(markets: int, seed: int, levels: int = 20) -> tuple[Chain, Flow]:
    specs = select(markets)
    made = Chain(genesis(specs).markets, prices=genesis(specs).prices, now_ns=START_NS, height=100)
    flow = Flow(made, specs, seed=seed, settings=FlowSettings(levels_max=levels))
    flow.open()
    made.grant(STRANGER.owner, 10**12)
    made.deposit(STRANGER.owner, STRANGER, 10**12, "")
    made.end_block(START_NS + 650 * MS)
    return made, flow


def run(made: Chain, flow: Flow, blocks: int, check: bool = False) -> list[object]:
    news: list[object] = []
    for _ in range(blocks):
        for _ in range(3):
            flow.pulse(made.core.clock_ns + 200 * MS)
        flow.block(made.core.clock_ns + 50 * MS)
        made.end_block(made.core.clock_ns)
        if check:
            assert faults(made.core) == []
        news.extend(made.news)
        made.news.clear()
    return news


def test_a_busy_exchange() -> None:
    made, flow = opened(4, seed=2)
    news = run(made, flow, 150, check=True)
    fills = [item for item in news if isinstance(item, Filled)]
    assert len(fills) > 40
    assert {fill.taker_side for fill in fills} == {BUY, SELL}
    assert len({fill.maker for fill in fills}) > 2 and len({fill.taker for fill in fills}) > 2
    assert sum(isinstance(item, OraclePriced) for item in news) > 100
    for stall in flow.stalls:
        book = made.core.markets[stall.spec.clob_pair].book
        assert len(book.keys[BUY]) >= 18 and len(book.keys[SELL]) >= 18
        middle = (book.best(BUY) + book.best(SELL)) / 2
        price, by = made.core.markets[stall.spec.clob_pair].subticks_of(made.oracle(stall.spec.market_id)[0])
        assert abs(middle / (price / by) - 1) < 0.01
    assert not [item for item in news if isinstance(item, OrderGone) and item.reason in (3, 5, 15)]


def test_the_same_seed_plays_the_same() -> None:
    first, second, other = (opened(2, seed) for seed in (7, 7, 8))
    assert run(*first, 40) == run(*second, 40) != run(*other, 40)
    assert first[0].digest() == second[0].digest() != other[0].digest()


def test_strangers_trade_with_it() -> None:
    made, flow = opened(1, seed=3)
    run(made, flow, 3)
    book = made.core.markets[0].book
    ask = book.best(SELL)
    wanted = order(STRANGER, "buy", 0.05, 1, good_til_block=made.height + 5)._replace(subticks=ask * 2)
    assert made.place(wanted, "TX").code == 0
    assert made.filled(wanted.id) == wanted.quantums
    # A resting order in the way of the makers is hit when the market comes to it.
    bid = order(STRANGER, "buy", 0.01, 1, good_til_block=made.height + 30)._replace(
        subticks=book.best(SELL) - made.markets()[0].subticks_per_tick
    )
    made.place(bid, "TX")
    for _ in range(30):
        run(made, flow, 1)
        if made.filled(bid.id):
            break
    assert faults(made.core) == []


def test_what_a_stranger_took_is_not_put_back_at_once() -> None:
    made, flow = opened(1, seed=4, levels=5)
    run(made, flow, 2)
    stall, core = flow.stalls[0], made.core
    asks = list(core.markets[0].book.walk(SELL))
    deep = asks[3]
    total = sum(resting.remaining for resting in asks[:3]) + deep.remaining // 2
    wanted = order(STRANGER, "buy", 1, 1, good_til_block=made.height + 5)._replace(
        quantums=total // stall.step * stall.step, subticks=deep.order.subticks
    )
    made.place(wanted, "TX")
    stall.forget_taken()
    ticks = [resting.order.subticks // stall.chain_ticks for resting in asks]
    assert stall.book.sides[1][ticks[3]] * stall.step < deep.order.quantums
    assert ticks[1] not in stall.book.sides[1] and ticks[2] not in stall.book.sides[1]
    assert stall.book.bid < stall.book.ask


def test_a_jump_moves_oracle_and_book() -> None:
    made, flow = opened(2, seed=6)
    run(made, flow, 3)
    before = made.oracle(0)[0]
    flow.jump("BTC-USD", -50_000)
    run(made, flow, 30, check=True)
    assert 0.94 < made.oracle(0)[0] / before < 0.96
    book = made.core.markets[0].book
    price, by = made.core.markets[0].subticks_of(made.oracle(0)[0])
    assert abs((book.best(BUY) + book.best(SELL)) / 2 * by / price - 1) < 0.01
    for ticker, ppm in (("NONE-USD", 5), ("BTC-USD", -1_000_000)):
        with pytest.raises(ValueError, match="can move"):
            flow.jump(ticker, ppm)


def test_a_settled_market_is_left_alone() -> None:
    made, flow = opened(2, seed=5)
    run(made, flow, 3)
    made.set_terms(made.markets()[0]._replace(status=FINAL_SETTLEMENT))
    run(made, flow, 5, check=True)
    assert not made.core.markets[0].book.orders
    assert made.core.markets[1].book.orders
    assert made.core.supply > 10**12 * USDC // USDC
