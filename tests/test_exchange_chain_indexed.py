"""What the chain tells is enough: an Indexer that hears only its news comes to the same books and accounts."""

from __future__ import annotations

from random import Random

import pytest

from sniper.exchange.chain.chain import Chain
from sniper.exchange.facts import BUY, SELL, ChainOrder
from sniper.exchange.indexer.indexer import LocalIndexer
from sniper.exchange.terms import ChainTerms
from tests.small_chain import BLOCK_NS, BTC, ETH, ISO, MANY_ORDERS, MARKETS, PRICES, START_NS, take
from tests.test_exchange_chain import ACCOUNTS, random_order


def opened() -> tuple[Chain, LocalIndexer]:
    made = Chain(
        (BTC, ETH, ISO),
        terms=ChainTerms(equity_tiers=MANY_ORDERS),
        prices=PRICES,
        insurance=10**9,
        now_ns=START_NS,
        height=100,
    )
    indexer = LocalIndexer(made)
    for who in ACCOUNTS:
        made.grant(who.owner, 10**12)
        made.deposit(who.owner, who, 10**11, f"fund {who.owner}")
    made.end_block(START_NS + BLOCK_NS)
    indexer.take(take(made), made.now_ns)
    return made, indexer


def books_agree(made: Chain, indexer: LocalIndexer) -> None:
    for pair, market in made.core.markets.items():
        for side in (BUY, SELL):
            totals: dict[int, int] = {}
            for held in market.book.walk(side):
                totals[held.order.subticks] = totals.get(held.order.subticks, 0) + held.remaining
            told = indexer.store.state.markets[pair].levels.sides[side]
            assert {subticks: level[0] for subticks, level in told.items()} == totals


def accounts_agree(made: Chain, indexer: LocalIndexer) -> None:
    for who in ACCOUNTS:
        purse, told = made.purse(who), indexer.store.state.accounts.at(who)
        assert purse is not None and purse.usdc == told.usdc
        held = {holding.perpetual: holding.quantums for holding in purse.holdings}
        assert held == {perpetual: position.size for perpetual, position in told.positions.items()}


@pytest.mark.parametrize("seed", range(6))
def test_books_and_accounts_agree(seed: int) -> None:
    made, indexer = opened()
    random = Random(seed)
    known: list[ChainOrder] = []
    for _ in range(1_500):
        terms = random.choice(list(MARKETS.values()))
        draw = random.random()
        if draw < 0.04:
            made.end_block(made.now_ns + random.choice((1, 3, 100)) * BLOCK_NS)
        elif draw < 0.06:
            price = made.oracle(terms.market)[0]
            made.set_oracle({terms.market: max(1, int(price * random.uniform(0.93, 1.075)))})
        elif draw < 0.16 and known:
            # The trap of a smaller cancel is the one case in which the Indexer is told a lie.
            order = random.choice(known)
            resting = made.core.markets[order.id.clob_pair].book.orders.get(order.id)
            until = max(order.good_til_block, resting.order.good_til_block if resting else 0)
            made.cancel(order.id, until + random.randrange(2), order.good_til_s, "CANCEL")
        else:
            order = random_order(made, random, terms.clob_pair, known)
            if made.filled(order.id):
                # Enlarging an order that is filled already, before its block, is beyond what the Indexer follows.
                order = order._replace(id=order.id._replace(client_id=1_000_000 + len(known)))
            known.append(order)
            made.place(order, "PLACE")
        indexer.take(take(made), made.core.clock_ns)
        books_agree(made, indexer)
        accounts_agree(made, indexer)
    assert made.height > 140
