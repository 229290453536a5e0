"""Orders meeting the node's book: short-term placement, replacement and cancels (orders.md 3).

Stateful orders come in by `enter` after the block that holds them.
"""

from __future__ import annotations

from collections.abc import Sequence

from sniper.exchange.chain.admission import bad_block, bad_cancel, bad_fields, bad_for_market, bad_subaccount
from sniper.exchange.chain.book import Resting
from sniper.exchange.chain.codes import (
    EXPIRED,
    FULLY_FILLED,
    IOC_WOULD_REST,
    POST_ONLY_CROSSES,
    REPLACED,
    USER_CANCELED,
    VIOLATES_ISOLATED,
    refuse,
)
from sniper.exchange.chain.core import Core
from sniper.exchange.chain.market import Market
from sniper.exchange.chain.matching import drop, probe, take
from sniper.exchange.chain.order_hash import order_hash
from sniper.exchange.facts import (
    ACCEPTED,
    BUY,
    IOC,
    POST_ONLY,
    SHORT_TERM,
    ChainOrder,
    OrderGone,
    OrderId,
    OrderOpened,
    OrderResting,
    Outcome,
    SubaccountId,
)

BATCH_IDS_MAX = 100


def place(core: Core, order: ChainOrder) -> Outcome:
    """Judge a short-term order and match it; what is left rests."""
    wrong = bad_fields(order) or bad_for_market(core, order) or bad_block(core, order.good_til_block)
    return wrong or enter(core, order)


def enter(core: Core, order: ChainOrder) -> Outcome:
    """Let an order that fits its market meet the book. Refused orders leave nothing behind but their removal."""
    market = core.markets[order.id.clob_pair]
    wrong = _bad_for_book(core, market, order)
    if wrong:
        return wrong
    drop_replaced(core, market, order.id)
    if order.id.flags == SHORT_TERM:
        core.news.append(OrderOpened(order, core.clock_ns))
    remaining = order.quantums - core.filled.get(order.id, 0)
    if order.time_in_force == POST_ONLY:
        reason = probe(core, market, order, remaining)
    else:
        reason, remaining = take(core, market, order, remaining)
    filled = order.quantums - remaining
    if reason:
        _gone(core, order, reason, filled)
        if reason == POST_ONLY_CROSSES:
            return refuse(2003)
        return refuse(2005) if reason == VIOLATES_ISOLATED else ACCEPTED
    if not remaining:
        core.news.append(OrderResting(order.id, filled, core.clock_ns))
        _gone(core, order, FULLY_FILLED, filled)
    elif order.time_in_force == IOC:
        _gone(core, order, IOC_WOULD_REST, filled)
    else:
        market.book.add(Resting(order, remaining))
        core.news.append(OrderResting(order.id, filled, core.clock_ns))
    return ACCEPTED


def _gone(core: Core, order: ChainOrder, reason: int, filled: int) -> None:
    core.news.append(OrderGone(order.id, reason, False, filled, True, core.clock_ns))
    if order.id.flags != SHORT_TERM:
        core.removals.setdefault(order.id, reason)


def drop_replaced(core: Core, market: Market, order_id: OrderId) -> None:
    """Take the order that is replaced off the book."""
    if order_id in market.book.orders:
        market.book.remove(order_id)
        core.news.append(
            OrderGone(order_id, REPLACED, False, core.filled.get(order_id, 0), True, core.clock_ns)
        )


def _bad_for_book(core: Core, market: Market, order: ChainOrder) -> Outcome | None:
    """Why an order conflicts with what the node's book and the chain's memory hold."""
    order_id = order.id
    resting = market.book.orders.get(order_id)
    if order_id.flags == SHORT_TERM:
        cancelled = market.book.cancels.get(order_id, 0)
        if cancelled >= order.good_til_block:
            return refuse(7, f"Order: {text(order_id)}, Cancellation GoodTilBlock: {cancelled}")
        for old in (resting.order if resting else None, core.matched.get(order_id)):
            if old is not None and (wrong := _bad_replacement(old, order)):
                return wrong
    if order.reduce_only:
        position = core.subaccount(order_id.subaccount).positions.get(market.perpetual)
        signed = 1 if order.side == BUY else -1
        if position is None or position[0] * signed > 0:
            return refuse(2001)
    remaining = order.quantums - core.filled.get(order_id, 0)
    if remaining < market.terms.step_base_quantums:
        return refuse(
            24,
            f"Order remaining amount is less than `MinOrderBaseQuantums`. Remaining amount: {max(remaining, 0)}. "
            f"Order: {text(order_id)}",
        )
    if order.time_in_force == IOC and remaining < order.quantums:
        if resting:
            return refuse(
                20,
                f"Cannot replace partially filled order with IOC order. Size: {order.quantums}, Fill Amount: "
                f"{order.quantums - remaining}.",
            )
        return refuse(2004, f"Order: {text(order_id)}")
    return None


def _bad_replacement(old: ChainOrder, new: ChainOrder) -> Outcome | None:
    """Why an order cannot take the place of one with its id. At an equal good-til-block the larger hash wins."""
    if new.good_til_block < old.good_til_block or (
        new.good_til_block == old.good_til_block and order_hash(new) <= order_hash(old)
    ):
        return refuse(20, "New order cannot reduce the GoodTilBlock or GoodTilBlockTime of existing order")
    for name, before, after in (
        ("Side", old.side, new.side),
        ("TimeInForce", old.time_in_force, new.time_in_force),
        ("ReduceOnly field", old.reduce_only, new.reduce_only),
    ):
        if before != after:
            return refuse(20, f"New order cannot change the {name} of the existing order")
    return None


def text(order_id: OrderId) -> str:
    """An order id as the texts of refusals show it."""
    subaccount = order_id.subaccount
    return (
        f'subaccount_id:<owner:"{subaccount.owner}" number:{subaccount.number}> client_id:{order_id.client_id} '
        f"order_flags:{order_id.flags} clob_pair_id:{order_id.clob_pair}"
    )


def cancel(core: Core, order_id: OrderId, good_til_block: int) -> Outcome:
    """A short-term cancel: takes the order off if it does not live longer, and refuses its id for a while.

    The trap (orders.md 3): a smaller good-til-block leaves the order on the book, yet the Indexer is told that it
    is cancelled.
    """
    wrong = bad_cancel(order_id, good_til_block, 0) or bad_block(core, good_til_block)
    if wrong:
        return wrong
    market = core.markets.get(order_id.clob_pair)
    if market is None:
        return refuse(8, f"Clob {order_id.clob_pair} is not a valid clob")
    if market.book.cancels.get(order_id, 0) >= good_til_block:
        return refuse(9)
    resting = market.book.orders.get(order_id)
    if resting is not None:
        if good_til_block >= resting.order.good_til_block:
            drop(core, market, order_id, USER_CANCELED)
        else:
            filled = core.filled.get(order_id, 0)
            core.news.append(OrderGone(order_id, USER_CANCELED, False, filled, False, core.clock_ns))
    market.book.remember_cancel(order_id, good_til_block)
    return ACCEPTED


def batch_cancel(
    core: Core, subaccount: SubaccountId, batches: Sequence[tuple[int, tuple[int, ...]]], good_til_block: int
) -> Outcome:
    """Many short-term cancels. Only a malformed message is refused; what became of each nobody is told."""
    if wrong := bad_subaccount(subaccount):
        return wrong
    if not good_til_block:
        return refuse(5, "batch cancel goodTilBlock cannot be 0")
    pairs = [pair for pair, _ in batches]
    ids = [client_id for _, some in batches for client_id in some]
    if not batches or len(ids) > BATCH_IDS_MAX:
        return refuse(45, f"Batch cancel cannot have {len(ids)} orders, 1 to {BATCH_IDS_MAX} are allowed")
    if len({*pairs}) != len(pairs):
        return refuse(45, "Batch cancel cannot have duplicate clob pair ids")
    for pair, some in batches:
        if not some or len({*some}) != len(some):
            return refuse(45, f"Batch cancel of clob pair {pair} has no or duplicate client ids")
    for pair, some in batches:
        for client_id in some:
            cancel(core, OrderId(subaccount, client_id, SHORT_TERM, pair), good_til_block)
    return ACCEPTED


def expire(core: Core) -> None:
    """After a block: short-term orders and cancels whose last block this was."""
    for market in core.markets.values():
        for order_id in list(market.book.expiring.get(core.height, ())):
            drop(core, market, order_id, EXPIRED, final=True)
        market.book.forget_cancels(core.height)
    for order_id in core.forget_at.pop(core.height, ()):
        if core.filled_until.get(order_id) != core.height:
            continue
        resting = core.markets[order_id.clob_pair].book.orders.get(order_id)
        if resting is None:
            del core.filled_until[order_id], core.filled[order_id]
        else:  # replaced again and again since: its fills count as long as it rests
            until = core.filled_until[order_id] = resting.order.good_til_block + core.terms.short_block_window
            core.forget_at.setdefault(until, []).append(order_id)
