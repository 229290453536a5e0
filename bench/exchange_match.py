"""How many orders a second the stand-in exchange's chain takes on one core.

    python -m bench.exchange_match [--orders 40000] [--markets 32] [--accounts 50] [--seed 1]

Every order is placed through `Chain.place`, as the node does it; a block ends every 5,000 orders; the news are taken
and thrown away. `matched`: every order meets one that rests, from another account, with collateral checks on both
sides. `mixed`: half rest, a quarter match, a quarter are cancelled. `flow`: the ordinary flow at real pace; its share
of a core.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from random import Random
from time import perf_counter

from sniper.exchange.chain.chain import Chain
from sniper.exchange.chain.checks import faults
from sniper.exchange.chain.flow import Flow
from sniper.exchange.chain.genesis import genesis
from sniper.exchange.facts import BUY, GTT, IOC, SELL, SHORT_TERM, ChainOrder, OrderId, SubaccountId
from sniper.exchange.terms import CROSS
from sniper.feed.sim.universe import Spec, select

MS = 1_000_000
START_NS = 1_767_225_600_000 * MS
BLOCK_ORDERS = 5_000
LIFE_BLOCKS = 30


def opened(specs: tuple[Spec, ...], accounts: int) -> tuple[Chain, list[SubaccountId]]:
    """A chain with so many accounts of a million USDC."""
    first = genesis(specs)
    made = Chain(first.markets, prices=first.prices, now_ns=START_NS, height=100)
    people = [SubaccountId(f"dydx1account{number:04d}", 0) for number in range(accounts)]
    for who in people:
        made.grant(who.owner, 10**12)
        made.deposit(who.owner, who, 10**12, "")
    made.end_block(START_NS + 650 * MS)
    made.news.clear()
    return made, people


class Orders:
    """Draws orders of about 100 USD around the oracle prices of a chain's cross markets."""

    def __init__(self, made: Chain, people: list[SubaccountId], random: Random) -> None:
        self._made, self._people, self._random = made, people, random
        self._number = 0
        self._grids = []
        for pair, market in made.core.markets.items():
            terms = market.terms
            price, by = market.subticks_of(market.oracle)
            if terms.kind == CROSS and price:
                step = terms.step_base_quantums
                size = max(1, 100 * 10**6 * 10**9 * by // price // step) * step
                self._grids.append(
                    (pair, price // by // terms.subticks_per_tick, terms.subticks_per_tick, size)
                )

    def draw(self, side: int, away: int, force: int, grid: int, who: int) -> ChainOrder:
        """An order `away` ticks from the middle, away from the other side."""
        pair, middle, tick, size = self._grids[grid % len(self._grids)]
        self._number += 1
        subticks = max(1, middle - away if side == BUY else middle + away) * tick
        order_id = OrderId(self._people[who % len(self._people)], self._number, SHORT_TERM, pair)
        until = self._made.height + LIFE_BLOCKS
        return ChainOrder(order_id, side, size, subticks, until, 0, force, False, 0, 0, 0)

    def matched(self, count: int) -> Iterator[ChainOrder]:
        """A maker and a taker of the same size by turns, at the middle."""
        for number in range(count // 2):
            grid, who = self._random.randrange(1 << 20), self._random.randrange(1 << 20)
            side = BUY if number % 2 else SELL
            yield self.draw(side, 0, GTT, grid, who)
            yield self.draw(3 - side, 0, IOC, grid, who + 1)


def place_all(made: Chain, orders: Iterator[ChainOrder]) -> tuple[int, float]:
    """(orders, seconds) of placing all of them; drawing them does not count."""
    placed, seconds = 0, 0.0
    batch: list[ChainOrder] = []
    for order in orders:
        batch.append(order)
        if len(batch) == BLOCK_ORDERS:
            seconds += place_block(made, batch)
            placed += len(batch)
            batch.clear()
    return placed, seconds


def place_block(made: Chain, batch: list[ChainOrder]) -> float:
    """Seconds for one block of orders."""
    before = perf_counter()
    for order in batch:
        made.place(order, "")
        if order.client_metadata:
            made.cancel(order.id, order.good_til_block, 0, "")
    made.end_block(made.now_ns + 650 * MS)
    made.news.clear()
    return perf_counter() - before


def mixed(source: Orders, random: Random, count: int) -> Iterator[ChainOrder]:
    """Half rest a few ticks away, a quarter match, a quarter rest and are cancelled at once."""
    for _ in range(count // 4):
        grid, who = random.randrange(1 << 20), random.randrange(1 << 20)
        side = random.choice((BUY, SELL))
        yield source.draw(side, random.randrange(1, 60), GTT, grid, who)
        yield source.draw(3 - side, random.randrange(1, 60), GTT, grid + 1, who + 1)
        yield source.draw(side, -60, IOC, grid, who + 2)
        yield source.draw(side, random.randrange(60, 90), GTT, grid, who + 3)._replace(client_metadata=1)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--orders", type=int, default=40_000)
    parser.add_argument("--markets", type=int, default=32)
    parser.add_argument("--accounts", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    specs = select(given.markets)
    made, people = opened(specs, given.accounts)
    placed, seconds = place_all(made, Orders(made, people, Random(given.seed)).matched(given.orders))
    core = made.core
    positions = sum(len(sub.positions) for sub in core.subaccounts.values()) / len(core.subaccounts)
    print(f"matched  {placed / seconds:10,.0f} orders/s ({positions:.0f} positions an account)")
    assert not faults(core), faults(core)
    made, people = opened(specs, given.accounts)
    random = Random(given.seed)
    placed, seconds = place_all(made, mixed(Orders(made, people, random), random, given.orders))
    print(f"mixed    {placed / seconds:10,.0f} orders/s")
    assert not faults(made.core), faults(made.core)
    made, _ = opened(specs, 0)
    flow = Flow(made, specs, seed=given.seed)
    flow.open()
    made.end_block(made.now_ns + 650 * MS)
    now_ns, blocks, orders = made.now_ns, 60, 0
    before = perf_counter()
    for _ in range(blocks):
        for _ in range(13):
            now_ns += 50 * MS
            flow.pulse(now_ns)
        flow.block(now_ns)
        made.end_block(now_ns)
        orders += len(made.news)
        made.news.clear()
    seconds, played = perf_counter() - before, blocks * 0.65
    print(f"flow     {100 * seconds / played:10.1f} % of a core, {orders / played:,.0f} news/s")


if __name__ == "__main__":
    main()
