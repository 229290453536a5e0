"""The Indexer behind the real chain: after every block its accounts are the chain's purses, its books the chain's.

What clients are told must come to the same: our decoder refuses nothing of it, our account has the chain's numbers.
"""

from __future__ import annotations

import json
import re
from random import Random

import pytest

from sniper.exchange.chain.chain import Chain
from sniper.exchange.facts import BUY, SELL, ChainOrder, Filled, FundingTicked, SubaccountId
from sniper.exchange.indexer.indexer import LocalIndexer
from sniper.exchange.terms import FINAL_SETTLEMENT, EquityTier
from tests.exchange_indexing import NOW
from tests.small_chain import ALICE, BOB, BTC, CAROL, DAVE, ETH, ISO, SECOND_NS, USDC, chain
from tests.test_exchange_chain_flow import opened, run
from tests.test_exchange_chain_twin import drawn
from tests.test_exchange_indexer_indexer import Engine

PEOPLE = (ALICE, BOB, CAROL, DAVE)
LONG = re.compile(rb'"(price|open|close|high|low)":"(?=[0-9.]{19})')
CHILD = SubaccountId(ALICE.owner, 128)


def same_books(made: Chain, indexer: LocalIndexer) -> None:
    for pair, market in indexer.store.state.markets.items():
        for side in (BUY, SELL):
            levels: dict[int, int] = {}
            for held in made.core.markets[pair].book.walk(side):
                levels[held.order.subticks] = levels.get(held.order.subticks, 0) + held.remaining
            found = {price: size for price, (size, _) in market.levels.sides[side].items()}
            assert found == levels, market.ticker


def same_accounts(made: Chain, indexer: LocalIndexer) -> None:
    state = indexer.store.state
    assert (state.height, state.now_ns) == (made.height, made.now_ns)
    for subaccount in made.subaccounts():
        purse, holder = made.purse(subaccount), state.accounts.get(subaccount)
        assert purse is not None and holder is not None and holder.usdc == purse.usdc
        found = {perpetual: (held.size, held.index) for perpetual, held in holder.positions.items()}
        assert found == {held.perpetual: (held.quantums, held.funding_index) for held in purse.holdings}
    purses = [made.purse(subaccount) for subaccount in made.subaccounts()]
    for market in state.markets.values():
        perpetual = market.terms.perpetual
        held = [
            each.quantums
            for purse in purses
            if purse
            for each in purse.holdings
            if each.perpetual == perpetual
        ]
        assert market.interest == sum(max(quantums, 0) for quantums in held) and not sum(held)
        assert market.index == made.funding_index(perpetual)


def same_orders(made: Chain, indexer: LocalIndexer) -> None:
    """Stateful orders that the chain holds are open or wait; what it does not hold is over."""
    held = {
        order_id: state.triggered or not state.order.condition
        for order_id, state in made.core.stateful.items()
    }
    for subaccount in (*PEOPLE, CHILD):
        for row in indexer.store.state.orders.of(subaccount):
            if row.order.id.flags:
                waits = held.get(row.order.id)
                if waits is None:
                    assert row.status in ("FILLED", "CANCELED"), row.status
                else:
                    assert (
                        row.status in ("OPEN", "BEST_EFFORT_CANCELED")
                        if waits
                        else row.status == "UNTRIGGERED"
                    )


class Watcher:
    """A client who follows everything, and our engine behind it."""

    def __init__(self, indexer: LocalIndexer, now_ns: int, account: SubaccountId) -> None:
        self.indexer = indexer
        self.engine = Engine(account.owner)
        self.now_ns = now_ns
        self.long = 0
        """Frames of trades and candles with prices of deleveragings that our decoder may refuse (docs/rows.md)."""
        indexer.connect(1, now_ns)
        asked = [
            ("v4_markets", None),
            ("v4_block_height", None),
            ("v4_parent_subaccounts", f"{account.owner}/0"),
        ]
        for ticker in indexer.store.state.tickers:
            asked += [("v4_orderbook", ticker), ("v4_trades", ticker), ("v4_candles", f"{ticker}/1MIN")]
        for channel, name in asked:
            message = {"type": "subscribe", "channel": channel} | ({"id": name} if name else {})
            indexer.receive(1, json.dumps(message).encode(), now_ns)
        self.look(now_ns + 10_000_000)

    def look(self, now_ns: int) -> None:
        frames = [text for _, text, _, _ in self.indexer.outgoing(now_ns) if text is not None]
        for at in range(0, len(frames), 500):
            self.engine.take(frames[at : at + 500], now_ns)
        long = [
            frame
            for frame in frames
            if LONG.search(frame) and (b"v4_trades" in frame or b"v4_candles" in frame)
        ]
        self.long += len(long)
        assert self.engine.counter("rejected") <= self.long
        assert self.engine.counter("account_refused") == 0, self.engine.account.refusals


def play(seed: int, acts: int) -> tuple[Chain, LocalIndexer, list[object]]:
    """Random messages, prices that jump, hours that pass, liquidations, money that moves."""
    made = chain(money=8_000 * USDC, markets=(BTC, ETH, ISO), insurance=10**9,
                 equity_tiers=(EquityTier(-(10**18), 10**6),))  # fmt: skip
    random, known = Random(seed), list[ChainOrder]()
    indexer = LocalIndexer(made, NOW)
    watcher = Watcher(indexer, made.now_ns, ALICE)
    seen: list[object] = []

    def pass_on() -> None:
        news = list(made.news)
        made.news.clear()
        seen.extend(news)
        indexer.take(news, made.core.clock_ns)

    for _ in range(acts):
        draw = random.random()
        if draw < 0.08:
            made.end_block(
                made.core.clock_ns + random.choice((650_000_000,) * 6 + (40 * SECOND_NS, 1_900 * SECOND_NS))
            )
            pass_on()
            same_accounts(made, indexer)
            same_orders(made, indexer)
            watcher.look(made.core.clock_ns)
            account, purse = watcher.engine.account, made.purse(ALICE)
            held = {watcher.engine.decoder.ticker(m): p.size_quantums for m, p in account.positions.items()}
            tickers = {0: "BTC-USD", 1: "ETH-USD", 70: "ISO-USD"}
            assert purse is not None and held == {tickers[h.perpetual]: h.quantums for h in purse.holdings}
            assert account.usdc[0] == purse.usdc
        elif draw < 0.11:
            market = random.choice((0, 1, 700))
            price, _ = made.oracle(market)
            made.set_oracle({market: max(1, int(price * random.choice((0.95, 0.998, 1.002, 1.05))))})
        elif draw < 0.13:
            who = random.choice(PEOPLE)
            other = random.choice((CHILD, random.choice(PEOPLE)))
            made.transfer(who, other, random.randrange(1, 500 * USDC), "TX")
        elif draw < 0.14:
            made.withdraw(random.choice(PEOPLE), "dydx1wallet", random.randrange(1, 50 * USDC), "TX")
        elif draw < 0.3 and known:
            order = random.choice(known[-30:])
            resting = made.core.markets[order.id.clob_pair].book.orders.get(order.id)
            # A cancel with a smaller good-til-block leaves the order in the book, and the Indexer believes otherwise.
            order = resting.order if resting else order
            made.cancel(order.id, order.good_til_block, order.good_til_s, "TX")
        else:
            order = drawn(made, random, random.choice((0, 0, 1, 7)), known)
            known.append(order)
            made.place(order, "TX")
        made.touch(made.core.clock_ns + 5_000_000)
        pass_on()
        same_books(made, indexer)
    return made, indexer, seen


@pytest.mark.parametrize("seed", range(6))
def test_random_days_come_to_the_chains_numbers(seed: int) -> None:
    made, indexer, seen = play(seed, 900)
    kinds = {each.kind for each in seen if isinstance(each, Filled)}
    assert "LIMIT" in kinds and any(isinstance(each, FundingTicked) for each in seen)
    del made, indexer


def test_liquidations_and_deleveragings_are_among_them() -> None:
    kinds = {each.kind for each in play(0, 500)[2] if isinstance(each, Filled)}
    assert kinds == {"LIMIT", "LIQUIDATED", "DELEVERAGED"}


def test_a_settled_market_is_over_everywhere() -> None:
    made, indexer, _ = play(3, 400)
    made.set_terms(BTC._replace(status=FINAL_SETTLEMENT))
    for _ in range(12):
        made.end_block(made.core.clock_ns + 650_000_000)
        indexer.take(list(made.news), made.core.clock_ns)
        made.news.clear()
        same_accounts(made, indexer)
        same_books(made, indexer)
    market = indexer.store.state.markets[0]
    assert market.terms.status == FINAL_SETTLEMENT and not any(market.levels.sides.values())


def test_the_ordinary_flow_is_taken_in_and_told() -> None:
    made, flow = opened(2, seed=4)
    indexer = LocalIndexer(made, NOW)
    indexer.take(list(made.news), made.core.clock_ns)
    made.news.clear()
    indexer.take(run(made, flow, 1), made.core.clock_ns)  # type: ignore[arg-type]
    maker = next(iter(made.core.markets[0].book.orders)).subaccount
    watcher = Watcher(indexer, made.core.clock_ns, maker)
    for _ in range(30):
        indexer.take(run(made, flow, 1), made.core.clock_ns)  # type: ignore[arg-type]
        same_accounts(made, indexer)
        same_books(made, indexer)
        watcher.look(made.core.clock_ns)
    assert watcher.engine.counter("levels") > 500
    assert sum(len(market.trades) for market in indexer.store.state.markets.values()) > 3
