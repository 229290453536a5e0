"""One order against the book: price-time priority, collateral checks, self trades, reduce-only (orders.md 3, 8).

What matches changes money and positions at once and is told with the block. A maker that cannot pay is taken off
the book and the taker goes on; a taker that cannot pay stops where it is.
"""

from __future__ import annotations

from sniper.exchange.chain import fees, ledger
from sniper.exchange.chain.book import Resting
from sniper.exchange.chain.codes import (
    FULLY_FILLED,
    POST_ONLY_CROSSES,
    REDUCE_ONLY_RESIZE,
    SELF_TRADE,
    UNDERCOLLATERALIZED,
    VIOLATES_ISOLATED,
)
from sniper.exchange.chain.core import Core, Subaccount
from sniper.exchange.chain.market import Market
from sniper.exchange.chain.units import ceil_ppm
from sniper.exchange.facts import BUY, SHORT_TERM, ChainOrder, Filled, OrderGone, OrderId, OrderResting

REASONS = (0, UNDERCOLLATERALIZED, VIOLATES_ISOLATED)
"""Why a taker stops, by verdict."""


def drop(core: Core, market: Market, order_id: OrderId, reason: int, final: bool = False) -> None:
    """Take an order off the book and say why; a stateful one leaves the chain's state with the next block."""
    market.book.remove(order_id)
    core.news.append(OrderGone(order_id, reason, final, core.filled.get(order_id, 0), True, core.clock_ns))
    if order_id.flags != SHORT_TERM:
        core.removals.setdefault(order_id, reason)


def count_filled(core: Core, order: ChainOrder, size: int) -> int:
    """Add a match to an order's filled size and return it; short-term ids are remembered past their expiry."""
    order_id = order.id
    total = core.filled.get(order_id, 0) + size
    core.filled[order_id] = total
    core.matched[order_id] = order
    if order_id.flags == SHORT_TERM:
        until = order.good_til_block + core.terms.short_block_window
        if until > core.filled_until.get(order_id, 0):
            core.filled_until[order_id] = until
            core.forget_at.setdefault(until, []).append(order_id)
    elif total >= order.quantums:
        core.removals.setdefault(order_id, FULLY_FILLED)
    return total


def maker_filled(core: Core, market: Market, resting: Resting, size: int) -> int:
    """A resting order was matched: smaller or gone. Returns what is filled of it in all."""
    order = resting.order
    resting.remaining -= size
    total = count_filled(core, order, size)
    core.news.append(OrderResting(order.id, total, core.clock_ns))
    if not resting.remaining:
        drop(core, market, order.id, FULLY_FILLED)
    return total


def builder_fee(core: Core, order: ChainOrder, quote: int) -> int:
    """What an order's builder gets of a match, in QQ."""
    return ceil_ppm(quote, order.builder_fee_ppm) if order.builder_fee_ppm else 0


def pay_builder(core: Core, order: ChainOrder, fee: int) -> None:
    """Pay it into the builder's wallet."""
    if fee:
        core.know(order.builder)
        core.wallets[order.builder] += fee


def _judge(
    core: Core,
    market: Market,
    order: ChainOrder,
    taker: Subaccount,
    resting: Resting,
    size: int,
    carry_out: bool,
) -> tuple[int, int]:
    """The verdicts over taker and maker of a match; it is carried out if both are good and that is wanted."""
    maker_order = resting.order
    maker = core.subaccount(maker_order.id.subaccount)
    quote = market.quote(size, maker_order.subticks)
    taker_builder, maker_builder = builder_fee(core, order, quote), builder_fee(core, maker_order, quote)
    taker_fee = ceil_ppm(quote, fees.rates(core, taker.id.owner)[0])
    maker_fee = ceil_ppm(quote, fees.rates(core, maker.id.owner)[1])
    signed, paid = (size, quote) if order.side == BUY else (-size, -quote)
    interest = ledger.interest_after(market, taker, maker, signed)
    taker_usdc = -paid - taker_fee - taker_builder
    maker_usdc = paid - maker_fee - maker_builder
    verdicts = (
        ledger.verdict(core, taker, market, signed, taker_usdc, interest),
        ledger.verdict(core, maker, market, -signed, maker_usdc, interest),
    )
    if verdicts != (0, 0) or not carry_out:
        return verdicts
    ledger.apply(core, taker, market, signed, taker_usdc)
    ledger.apply(core, maker, market, -signed, maker_usdc)
    market.open_interest = interest
    core.collector += taker_fee + maker_fee
    pay_builder(core, order, taker_builder)
    pay_builder(core, maker_order, maker_builder)
    fees.count(core, taker.id.owner, maker.id.owner, quote)
    market.traded(maker_order.subticks)
    taker_filled = count_filled(core, order, size)
    maker_total = maker_filled(core, market, resting, size)
    core.fills.append(
        Filled(
            order.id.clob_pair,
            "LIMIT",
            taker.id,
            maker.id,
            order,
            maker_order,
            order.side,
            size,
            maker_order.subticks,
            "",
            quote,
            taker_fee + taker_builder,
            maker_fee + maker_builder,
            taker_filled,
            maker_total,
            len(core.fills),
            core.operations_hash,
        )
    )
    return verdicts


def take(core: Core, market: Market, order: ChainOrder, remaining: int) -> tuple[int, int]:
    """Match an order that is no post-only as far as it goes. Returns (why it stopped, 0 for good, what remains)."""
    book = market.book
    side = 3 - order.side
    keys, levels = book.keys[side], book.levels[side]
    worst = -order.subticks if order.side == BUY else order.subticks
    taker = core.subaccount(order.id.subaccount)
    while remaining and keys and keys[-1] >= worst:
        resting = next(iter(levels[keys[-1]].values()))
        if resting.order.id.subaccount == taker.id:
            drop(core, market, resting.order.id, SELF_TRADE)
            continue
        size = min(remaining, resting.remaining)
        if order.reduce_only:
            size = min(size, abs(taker.positions[market.perpetual][0]))
        verdict, maker_verdict = _judge(core, market, order, taker, resting, size, True)
        if maker_verdict:
            drop(core, market, resting.order.id, UNDERCOLLATERALIZED)
        if verdict:
            return REASONS[verdict], remaining
        if maker_verdict:
            continue
        remaining -= size
        if remaining and order.reduce_only and market.perpetual not in taker.positions:
            return REDUCE_ONLY_RESIZE, remaining
    return 0, remaining


def probe(core: Core, market: Market, order: ChainOrder, remaining: int) -> int:
    """Whether a post-only order may rest: 0, or the reason why not. Makers that fail on the way are dropped."""
    worst = -order.subticks if order.side == BUY else order.subticks
    taker = core.subaccount(order.id.subaccount)
    failing: list[tuple[OrderId, int]] = []
    reason = 0
    for resting in market.book.walk(3 - order.side):
        if resting.key < worst:
            break
        if resting.order.id.subaccount == taker.id:
            failing.append((resting.order.id, SELF_TRADE))
            continue
        size = min(remaining, resting.remaining)
        verdict, maker_verdict = _judge(core, market, order, taker, resting, size, False)
        if maker_verdict:
            failing.append((resting.order.id, UNDERCOLLATERALIZED))
        if verdict:
            reason = REASONS[verdict]
            break
        if not maker_verdict:
            reason = POST_ONLY_CROSSES
            break
    for order_id, why in failing:
        drop(core, market, order_id, why)
    return reason
