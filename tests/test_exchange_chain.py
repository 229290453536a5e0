"""The chain as a whole: blocks, news in their order, determinism, saving in the middle of everything."""

from __future__ import annotations

from random import Random

from sniper.exchange.chain.chain import Chain
from sniper.exchange.chain.checks import faults
from sniper.exchange.facts import (
    BUY,
    CONDITIONAL,
    GTT,
    IOC,
    LONG_TERM,
    POST_ONLY,
    SELL,
    SHORT_TERM,
    STOP_LOSS,
    TAKE_PROFIT,
    BlockEnded,
    ChainOrder,
    Filled,
    FundingTicked,
    OrderId,
    SubaccountChanged,
    SubaccountId,
)
from tests.small_chain import (
    ALICE,
    BLOCK_NS,
    BOB,
    BTC,
    CAROL,
    DAVE,
    ETH,
    ISO,
    MANY_ORDERS,
    MARKETS,
    PRICES,
    block,
    chain,
    put,
    take,
)

ACCOUNTS = (ALICE, BOB, CAROL, DAVE)


def storm(made: Chain, random: Random, acts: int) -> list[object]:
    """Random messages of every kind, good and bad ones, with blocks in between; the news of all of it."""
    news: list[object] = []
    known: list[ChainOrder] = []
    for _ in range(acts):
        terms = random.choice(list(MARKETS.values()))
        draw = random.random()
        if draw < 0.04:
            made.end_block(
                made.now_ns + random.choice((BLOCK_NS, 2 * BLOCK_NS, 70 * BLOCK_NS, 400 * BLOCK_NS))
            )
            assert faults(made.core) == []
        elif draw < 0.06:
            price = made.oracle(terms.market)[0]
            made.set_oracle({terms.market: max(1, int(price * random.uniform(0.93, 1.075)))})
        elif draw < 0.16 and known:
            order = random.choice(known)
            until = order.good_til_block + random.randrange(-2, 3)
            made.cancel(order.id, max(0, until) if not order.id.flags else 0, order.good_til_s, "TX")
        elif draw < 0.19:
            sender, recipient = random.sample(ACCOUNTS, 2)
            made.transfer(sender, recipient, random.randrange(1, 40_000_000_000), "TX")
        else:
            order = random_order(made, random, terms.clob_pair, known)
            known.append(order)
            made.place(order, "TX")
        if draw > 0.97:
            news.extend(take(made))
    news.extend(take(made))
    return news


def random_order(made: Chain, random: Random, pair: int, known: list[ChainOrder]) -> ChainOrder:
    """Any order near the oracle price, sometimes with the id of an earlier one."""
    market = made.core.markets[pair]
    price, by = market.subticks_of(market.oracle)
    tick, step = market.terms.subticks_per_tick, market.terms.step_base_quantums
    flags = random.choice((SHORT_TERM,) * 6 + (LONG_TERM, CONDITIONAL))
    force = random.choice((GTT, GTT, IOC, POST_ONLY))
    trigger = 0
    if flags == CONDITIONAL:
        trigger = int(price * random.uniform(0.98, 1.02)) // by // tick * tick
    order_id = OrderId(random.choice(ACCOUNTS), random.randrange(400), flags, pair)
    if known and random.random() < 0.1:
        order_id = random.choice(known).id
    usd = random.choice((50, 5_000, 60_000, 900_000))
    return ChainOrder(
        order_id,
        random.choice((BUY, SELL)),
        max(1, usd * 10**6 * by * 10**9 // price // step) * step,
        int(price * random.uniform(0.985, 1.015)) // by // tick * tick,
        0 if order_id.flags else made.height + random.randrange(0, 12),
        made.now_ns // 10**9 + 100 + random.randrange(4000) if order_id.flags else 0,
        force,
        random.random() < 0.1 and force == IOC,
        0,
        random.choice((STOP_LOSS, TAKE_PROFIT)) if order_id.flags == CONDITIONAL else 0,
        trigger if order_id.flags == CONDITIONAL else 0,
    )


def fresh() -> Chain:
    markets = (BTC._replace(default_funding_ppm=300), ETH._replace(default_funding_ppm=-77), ISO)
    return chain(insurance=10**11, equity_tiers=MANY_ORDERS, markets=markets)


def test_the_same_messages_give_the_same_news_and_state() -> None:
    one, other = fresh(), fresh()
    assert storm(one, Random(5), 3000) == storm(other, Random(5), 3000)
    assert one.digest() == other.digest()
    assert storm(other, Random(6), 10) != storm(one, Random(7), 10)


def test_money_longs_and_books_hold_in_a_storm() -> None:
    made = fresh()
    news = storm(made, Random(11), 6000)
    kinds = {item.kind for item in news if isinstance(item, Filled)}
    assert "LIMIT" in kinds and "LIQUIDATED" in kinds
    assert sum(isinstance(item, FundingTicked) for item in news) > 2
    assert any(isinstance(item, SubaccountChanged) and item.funding for item in news)
    assert faults(made.core) == []


def test_without_an_insurance_fund_there_is_deleveraging() -> None:
    made = chain(insurance=0, equity_tiers=MANY_ORDERS)
    kinds = {item.kind for item in storm(made, Random(31), 6000) if isinstance(item, Filled)}
    assert kinds == {"LIMIT", "LIQUIDATED", "DELEVERAGED"}


def test_positions_follow_from_fills() -> None:
    made = fresh()
    news = storm(made, Random(12), 5000)
    made.end_block(made.now_ns + BLOCK_NS)
    news.extend(take(made))
    held: dict[tuple[SubaccountId, int], int] = {}
    for fill in news:
        if isinstance(fill, Filled):
            signed = fill.quantums if fill.taker_side == BUY else -fill.quantums
            for party, change in ((fill.taker, signed), (fill.maker, -signed)):
                key = party, made.core.markets[fill.clob_pair].perpetual
                held[key] = held.get(key, 0) + change
    # What matched after the last block is not told yet.
    for fill in made.core.fills:
        signed = fill.quantums if fill.taker_side == BUY else -fill.quantums
        for party, change in ((fill.taker, signed), (fill.maker, -signed)):
            key = party, made.core.markets[fill.clob_pair].perpetual
            held[key] = held.get(key, 0) + change
    real = {
        (sub.id, perpetual): position[0]
        for sub in made.core.subaccounts.values()
        for perpetual, position in sub.positions.items()
    }
    assert {key: quantums for key, quantums in held.items() if quantums} == real
    assert len(real) > 2


def test_a_loaded_chain_goes_on_as_the_saved_one() -> None:
    made = fresh()
    storm(made, Random(21), 1500)
    for seed in range(22, 27):
        twin = Chain([])
        twin.load(made.save())
        assert twin.digest() == made.digest()
        assert storm(twin, Random(seed), 300) == storm(made, Random(seed), 300)
        assert twin.digest() == made.digest()


def test_matches_are_told_with_their_block_and_accounts_behind_them() -> None:
    made = chain()
    put(made, ALICE, "sell", 0.1, 90_000)
    put(made, BOB, "buy", 0.1, 90_000)
    assert not any(isinstance(item, Filled | SubaccountChanged) for item in take(made))
    assert made.purse(BOB) is not None and not made.purse(BOB).holdings  # type: ignore[union-attr]
    news = [type(item) for item in block(made)]
    assert news.index(Filled) < news.index(SubaccountChanged) < news.index(BlockEnded) == len(news) - 1
    assert made.purse(BOB).holdings[0].quantums == 10**9  # type: ignore[union-attr]


def test_prices_and_accounts_of_the_small_chain() -> None:
    made = chain()
    assert {market: made.oracle(market)[0] for market in PRICES} == PRICES
    assert list(made.subaccounts()) == list(ACCOUNTS)
    assert made.height == 101
