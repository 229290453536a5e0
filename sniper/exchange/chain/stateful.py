"""Long-term and conditional orders: judged when they come, executed in the block, on the book after it.

orders.md 1 and 3, margin.md 7. What waits for the block counts too: an uncommitted order or cancel stands in the way
of the next one with its id.
"""

from __future__ import annotations

from sniper.exchange.chain import ledger
from sniper.exchange.chain.admission import SECOND_NS, bad_cancel, bad_fields, bad_for_market, bad_time
from sniper.exchange.chain.codes import EQUITY_TIER, EXPIRED, REDUCE_ONLY_RESIZE, USER_CANCELED, refuse
from sniper.exchange.chain.core import Cancelling, Core, Placing, Stateful
from sniper.exchange.chain.fees import rates
from sniper.exchange.chain.market import Market
from sniper.exchange.chain.memclob import enter, text
from sniper.exchange.chain.units import ceil_ppm
from sniper.exchange.facts import (
    ACCEPTED,
    BUY,
    CONDITIONAL,
    LONG_TERM,
    TAKE_PROFIT,
    ChainOrder,
    OrderGone,
    OrderId,
    Outcome,
    StatefulGone,
    StatefulPlaced,
    StatefulTriggered,
    SubaccountId,
)

CLAMP_TIMES = 5  # of min_price_change_ppm: how far a traded price may lie from the oracle price to trigger
MILLION = 1_000_000


def place(core: Core, order: ChainOrder, tx_hash: str) -> Outcome:
    """Judge a stateful order; if it is good it waits for the block."""
    wrong = bad_fields(order) or _bad(core, order, uncommitted=True)
    if wrong:
        return wrong
    core.new_stateful[order.id] = order
    core.pending.append(Placing(order, tx_hash))
    return ACCEPTED


def cancel(core: Core, order_id: OrderId, good_til_s: int, tx_hash: str) -> Outcome:
    """Judge the cancel of a stateful order; if it is good it waits for the block."""
    wrong = bad_cancel(order_id, 0, good_til_s) or bad_time(core, good_til_s)
    if wrong:
        return wrong
    if order_id in core.new_cancels:
        return refuse(
            32,
            "An uncommitted stateful order cancellation with this OrderId already exists and stateful order "
            f"cancellation replacement is not supported. Existing order cancellation GoodTilBlockTime "
            f"({core.new_cancels[order_id]}), New order cancellation GoodTilBlockTime ({good_til_s})",
        )
    state = core.stateful.get(order_id)
    order = state.order if state else core.new_stateful.get(order_id)
    if wrong := _bad_cancel_of(order, order_id, good_til_s):
        return wrong
    core.new_cancels[order_id] = good_til_s
    core.pending.append(Cancelling(order_id, good_til_s, tx_hash))
    return ACCEPTED


def _bad_cancel_of(order: ChainOrder | None, order_id: OrderId, good_til_s: int) -> Outcome | None:
    if order is None:
        return refuse(3006, f"Order Id to cancel does not exist. OrderId : {text(order_id)}")
    if good_til_s < order.good_til_s:
        return refuse(
            29,
            f"cancellation goodTilBlockTime less than stateful order goodTilBlockTime. cancellation {good_til_s}, "
            f"order {order.good_til_s}",
        )
    return None


def _bad(core: Core, order: ChainOrder, uncommitted: bool) -> Outcome | None:
    """Why a stateful order may not be placed now; `uncommitted`: what waits for the block counts too."""
    wrong = bad_for_market(core, order) or bad_time(core, order.good_til_s)
    if wrong:
        return wrong
    if uncommitted and order.id in core.new_cancels:
        return refuse(3008, "An uncommitted stateful order cancellation with this OrderId already exists.")
    if uncommitted and order.id in core.new_stateful:
        return refuse(
            3005,
            "An uncommitted stateful order with this OrderId already exists and stateful order replacement is not "
            "supported.",
        )
    if order.id in core.stateful:
        return refuse(
            3005,
            "A stateful order with this OrderId already exists and stateful order replacement is not supported. "
            f"Existing order GoodTilBlockTime ({core.stateful[order.id].order.good_til_s}), New order "
            f"GoodTilBlockTime ({order.good_til_s}).",
        )
    return _over_tier(core, order.id.subaccount, uncommitted) or _cannot_pay(core, order)


def orders_max(core: Core, net_collateral: int) -> int:
    """How many stateful orders an account with this net collateral may have open."""
    allowed = 0
    for tier in core.terms.equity_tiers:
        if net_collateral >= tier.from_quote:
            allowed = tier.orders_max
    return allowed


def _over_tier(core: Core, subaccount: SubaccountId, uncommitted: bool) -> Outcome | None:
    count = core.per_subaccount.get(subaccount, 0)
    if uncommitted:
        count += sum(order_id.subaccount == subaccount for order_id in core.new_stateful)
        count -= sum(order_id.subaccount == subaccount for order_id in core.new_cancels)
    allowed = orders_max(core, ledger.standing(core, core.subaccount(subaccount))[0])
    if count < allowed:
        return None
    return refuse(
        10001,
        f"Opening order would exceed equity tier limit of {allowed}. Order count: {count}, subaccount: "
        f"{subaccount.owner}/{subaccount.number}",
    )


def _cannot_pay(core: Core, order: ChainOrder) -> Outcome | None:
    """A long-term order is tested as if it were filled in full with the maker fee, never at more than the oracle
    price is worth: no order may improve the account that places it."""
    if order.id.flags != LONG_TERM:
        return None
    market = core.markets[order.id.clob_pair]
    sub = core.subaccount(order.id.subaccount)
    price, by = market.subticks_of(market.oracle)
    if order.side == BUY:
        subticks, signed = max(order.subticks, -(-price // by)), order.quantums
    else:
        subticks, signed = min(order.subticks, max(1, price // by)), -order.quantums
    quote = market.quote(order.quantums, subticks)
    usdc = (-quote if order.side == BUY else quote) - ceil_ppm(quote, rates(core, sub.id.owner)[1])
    interest = ledger.interest_after(market, sub, core.subaccount(SubaccountId("", 0)), signed)
    verdict = ledger.verdict(core, sub, market, signed, usdc, interest)
    if not verdict:
        return None
    return refuse(3007, f"PlaceStatefulOrder: order ({text(order.id)}), result ({ledger.VERDICTS[verdict]})")


def execute_place(core: Core, order: ChainOrder, tx_hash: str) -> Outcome:
    """In the block: the order comes into the chain's state, if it is still good."""
    wrong = _bad(core, order, uncommitted=False)
    if wrong:
        if wrong.code == 10001:
            core.news.append(OrderGone(order.id, EQUITY_TIER, False, 0, False, core.clock_ns))
        return wrong
    core.placed += 1
    core.stateful[order.id] = Stateful(order, False, core.placed)
    core.per_subaccount[order.id.subaccount] = core.per_subaccount.get(order.id.subaccount, 0) + 1
    core.news.append(StatefulPlaced(order, tx_hash))
    return ACCEPTED


def execute_cancel(core: Core, order_id: OrderId, good_til_s: int, removed: dict[OrderId, int]) -> Outcome:
    """In the block: the order leaves the chain's state, if it is still there."""
    if order_id in removed:
        return refuse(3010)
    state = core.stateful.get(order_id)
    if wrong := _bad_cancel_of(state.order if state else None, order_id, good_til_s):
        return wrong
    end(core, order_id, USER_CANCELED, removed)
    return ACCEPTED


def end(core: Core, order_id: OrderId, reason: int, removed: dict[OrderId, int]) -> None:
    """In the block: a stateful order is over. `removed` collects what this block ended."""
    del core.stateful[order_id]
    left = core.per_subaccount[order_id.subaccount] - 1
    if left:
        core.per_subaccount[order_id.subaccount] = left
    else:
        del core.per_subaccount[order_id.subaccount]
    core.markets[order_id.clob_pair].book.remove(order_id)
    core.filled.pop(order_id, None)
    removed[order_id] = reason
    core.news.append(StatefulGone(order_id, reason))


def expire(core: Core, now_ns: int, removed: dict[OrderId, int]) -> None:
    """End of the block: orders whose good-til-block-time is reached."""
    now_s = now_ns // SECOND_NS
    for order_id in [
        order_id for order_id, state in core.stateful.items() if state.order.good_til_s <= now_s
    ]:
        end(core, order_id, EXPIRED, removed)


def trigger(core: Core) -> list[OrderId]:
    """End of the block: conditional orders whose trigger the oracle price or a clamped trade price has met."""
    prices = {pair: _trigger_prices(market) for pair, market in core.markets.items() if market.oracle}
    met = []
    for order_id, state in core.stateful.items():
        if order_id.flags != CONDITIONAL or state.triggered or order_id.clob_pair not in prices:
            continue
        low, high = prices[order_id.clob_pair]
        order = state.order
        # A stop-loss to buy and a take-profit to sell wait for a rise.
        rises = (order.side == BUY) != (order.condition == TAKE_PROFIT)
        if high >= order.trigger_subticks if rises else low <= order.trigger_subticks:
            met.append(order_id)
    for order_id in met:
        core.stateful[order_id] = core.stateful[order_id]._replace(triggered=True)
        core.news.append(StatefulTriggered(order_id))
    return met


def _trigger_prices(market: Market) -> tuple[int, int]:
    """The lowest and highest price in subticks that may trigger in this block."""
    price, by = market.subticks_of(market.oracle)
    low, high = -(-price // by), price // by
    if market.low:
        clamp = CLAMP_TIMES * market.terms.min_price_change_ppm
        floor = -(-price * (MILLION - clamp) // (by * MILLION))
        ceiling = price * (MILLION + clamp) // (by * MILLION)
        low = min(low, max(market.low, floor))
        high = max(high, min(market.high, ceiling))
    return low, high


def enter_book(core: Core, order_ids: list[OrderId]) -> None:
    """After the block: what was placed or triggered in it meets the book."""
    for order_id in order_ids:
        state = core.stateful.get(order_id)
        if state is None:
            continue
        outcome = bad_for_market(core, state.order) or enter(core, state.order)
        if outcome.code and order_id not in core.removals:
            # The only refusal left that says nothing yet: a reduce-only order without a position to reduce.
            core.news.append(OrderGone(order_id, REDUCE_ONLY_RESIZE, False, 0, True, core.clock_ns))
            core.removals[order_id] = REDUCE_ONLY_RESIZE
