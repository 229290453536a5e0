"""What a block does, in the chain's order.

Matches of the node's book, then the transactions that waited, votes, oracle prices, governance; at its end funding,
expiry, triggers; then it is committed, and the node prepares its book for the next one: expired orders leave, new
stateful ones enter, accounts are liquidated.
"""

from __future__ import annotations

from sniper.exchange.chain import fees, funding, liquidation, memclob, money, stateful
from sniper.exchange.chain.codes import SETTLED
from sniper.exchange.chain.core import Cancelling, Core, Pending, Placing, Subaccount
from sniper.exchange.chain.matching import drop
from sniper.exchange.chain.units import MILLION
from sniper.exchange.facts import (
    BlockEnded,
    Executed,
    Holding,
    MarketChanged,
    OraclePriced,
    OrderId,
    Outcome,
    SubaccountChanged,
    SubaccountId,
)
from sniper.exchange.interfaces import Purse
from sniper.exchange.terms import ACTIVE, FINAL_SETTLEMENT, INITIALIZING

TRANSITIONS = {
    INITIALIZING: (INITIALIZING, ACTIVE, FINAL_SETTLEMENT),
    ACTIVE: (ACTIVE, FINAL_SETTLEMENT),
    FINAL_SETTLEMENT: (FINAL_SETTLEMENT, INITIALIZING),
}


def end_block(core: Core, now_ns: int) -> None:
    """Commit the next block at this time and prepare for the one after it."""
    if core.height > 1 and now_ns - core.now_ns >= money.OUTAGE_NS:
        core.outage_at = core.next_height
    core.clock_ns = now_ns
    removed = _operations(core)
    placed = _transactions(core, removed)
    funding.vote(core)
    _prices(core)
    _governance(core, removed)
    funding.end_block(core, now_ns)
    stateful.expire(core, now_ns, removed)
    triggered = stateful.trigger(core)
    fees.end_block(core, now_ns)
    _commit(core, now_ns)
    memclob.expire(core)
    stateful.enter_book(core, placed)
    stateful.enter_book(core, triggered)
    liquidation.after_block(core)
    funding.foresee(core, now_ns)


def _operations(core: Core) -> dict[OrderId, int]:
    """Tell the matches of the block and end the stateful orders that they or the node's book ended."""
    core.news.extend(core.fills)
    core.fills.clear()
    core.matched.clear()
    removed: dict[OrderId, int] = {}
    removals, core.removals = core.removals, {}
    for order_id, reason in removals.items():
        stateful.end(core, order_id, reason, removed)
    return removed


def _transactions(core: Core, removed: dict[OrderId, int]) -> list[OrderId]:
    """Execute what waited, in the order in which it came. Returns the long-term orders that were placed."""
    placed = []
    pending, core.pending = core.pending, []
    core.new_stateful.clear()
    core.new_cancels.clear()
    for message in pending:
        outcome = _execute(core, message, removed)
        core.news.append(Executed(message.tx_hash, outcome))
        if isinstance(message, Placing) and not outcome.code and not message.order.condition:
            placed.append(message.order.id)
    return placed


def _execute(core: Core, message: Pending, removed: dict[OrderId, int]) -> Outcome:
    if isinstance(message, Placing):
        return stateful.execute_place(core, message.order, message.tx_hash)
    if isinstance(message, Cancelling):
        return stateful.execute_cancel(core, message.order_id, message.good_til_s, removed)
    return money.move(core, message.sender, message.recipient, message.quote, message.tx_hash)


def _prices(core: Core) -> None:
    """New oracle prices; one that moved less than the market's minimum stays what it was."""
    changed = []
    for number, price in sorted(core.new_prices.items()):
        market = core.by_oracle.get(number)
        if market is None:
            continue
        market.index = price
        moved = abs(price - market.oracle) * MILLION
        if price != market.oracle and moved >= market.oracle * market.terms.min_price_change_ppm:
            market.oracle = price
            changed.append((number, price, market.terms.price_exponent))
    core.new_prices.clear()
    if changed:
        core.news.append(OraclePriced(tuple(changed)))


def _governance(core: Core, removed: dict[OrderId, int]) -> None:
    """Listings and changed terms. Final settlement takes every order off the market."""
    for pair, terms in sorted(core.new_terms.items()):
        market = core.list_market(terms)
        core.news.append(MarketChanged(pair))
        if terms.status == FINAL_SETTLEMENT:
            for order_id in [order_id for order_id in core.stateful if order_id.clob_pair == pair]:
                stateful.end(core, order_id, SETTLED, removed)
            for order_id in list(market.book.orders):
                drop(core, market, order_id, SETTLED, final=True)
    core.new_terms.clear()


def _commit(core: Core, now_ns: int) -> None:
    """Tell what became of the accounts; the block is committed."""
    for subaccount_id in core.touched:
        core.news.append(_changed(core, subaccount_id, core.subaccounts[subaccount_id]))
    core.touched.clear()
    for market in core.markets.values():
        market.low = market.high = 0
    core.set_height(core.next_height)
    core.now_ns = now_ns
    core.news.append(BlockEnded(core.height, now_ns))


def _changed(core: Core, subaccount_id: SubaccountId, sub: Subaccount) -> SubaccountChanged:
    before = core.committed.get(subaccount_id, Purse(0, ()))
    holdings = tuple(Holding(perpetual, *sub.positions[perpetual]) for perpetual in sorted(sub.positions))
    core.committed[subaccount_id] = Purse(sub.usdc, holdings)
    old = {*before.holdings}
    changed = [holding for holding in holdings if holding not in old]
    changed.extend(
        Holding(holding.perpetual, 0, core.perpetuals[holding.perpetual].funding_index)
        for holding in before.holdings
        if holding.perpetual not in sub.positions
    )
    funding_paid = tuple(sorted(sub.settled.items()))
    sub.settled.clear()
    return SubaccountChanged(subaccount_id, sub.usdc, tuple(changed), funding_paid)
