"""What an order or cancel must be before it meets any book: fields, kinds, market, expiry (orders.md 1, 2, 3, 7)."""

from __future__ import annotations

from sniper.exchange.chain.codes import SUBACCOUNTS, refuse
from sniper.exchange.chain.core import Core
from sniper.exchange.chain.market import Market
from sniper.exchange.facts import (
    BUY,
    CONDITIONAL,
    FILL_OR_KILL,
    IOC,
    LONG_TERM,
    POST_ONLY,
    SELL,
    SHORT_TERM,
    TAKE_PROFIT,
    TWAP,
    ChainOrder,
    OrderId,
    Outcome,
    SubaccountId,
)
from sniper.exchange.terms import ACTIVE, INITIALIZING

SUBACCOUNT_NUMBER_MAX = 128_000
BUILDER_FEE_PPM_MAX = 10_000
SECOND_NS = 1_000_000_000
STATEFUL = (LONG_TERM, CONDITIONAL)


def bad_subaccount(subaccount: SubaccountId) -> Outcome | None:
    """Why no subaccount can have this id."""
    if not 0 <= subaccount.number <= SUBACCOUNT_NUMBER_MAX:
        return refuse(200, codespace=SUBACCOUNTS)
    return None if subaccount.owner else refuse(201, codespace=SUBACCOUNTS)


def bad_fields(order: ChainOrder) -> Outcome | None:
    """Why an order can never be valid, whatever the state of the chain."""
    if wrong := bad_subaccount(order.id.subaccount):
        return wrong
    flags = order.id.flags
    if order.side not in (BUY, SELL):
        return refuse(3, f"invalid order side ({order.side})")
    if not 0 <= order.time_in_force <= FILL_OR_KILL:
        return refuse(44, f"invalid time in force ({order.time_in_force})")
    if not 0 <= order.condition <= TAKE_PROFIT:
        return refuse(6000, f"invalid condition type ({order.condition})")
    if order.time_in_force == FILL_OR_KILL:
        return refuse(48, "Fill-or-kill has been deprecated")
    if order.quantums <= 0:
        return refuse(4, "order size quantums cannot be 0")
    if flags == TWAP:
        return refuse(49, "TWAP orders are not served here")
    if flags == SHORT_TERM:
        if not order.good_til_block:
            return refuse(5, "order goodTilBlock cannot be 0")
    elif flags not in STATEFUL:
        return refuse(3000, f"invalid order flag {flags}")
    elif not order.good_til_s:
        return refuse(3001, "stateful order goodTilBlockTime cannot be 0")
    if flags == LONG_TERM and order.time_in_force == IOC:
        return refuse(3002)
    if order.reduce_only and order.time_in_force != IOC:
        return refuse(9003)
    if order.subticks <= 0:
        return refuse(6, "order subticks cannot be 0")
    if flags == CONDITIONAL:
        if not order.condition:
            return refuse(6000, "condition type cannot be unspecified")
        if not order.trigger_subticks:
            return refuse(6001, "conditional order trigger subticks cannot be 0")
    elif order.condition:
        return refuse(6000, "condition type specified for non-conditional order")
    elif order.trigger_subticks:
        return refuse(6001, "conditional order trigger subticks greater than 0 for non-conditional order")
    if order.builder_fee_ppm > BUILDER_FEE_PPM_MAX or bool(order.builder) != bool(order.builder_fee_ppm):
        return refuse(50, f"fee ppm {order.builder_fee_ppm}, address {order.builder!r}")
    return None


def bad_for_market(core: Core, order: ChainOrder) -> Outcome | None:
    """Why an order does not fit its market and the market's status."""
    market = core.markets.get(order.id.clob_pair)
    if market is None:
        return refuse(8, f"Clob {order.id.clob_pair} is not a valid clob")
    terms = market.terms
    if order.subticks % terms.subticks_per_tick:
        return refuse(
            6,
            f"Order subticks {order.subticks} must be a multiple of the ClobPair's SubticksPerTick "
            f"{terms.subticks_per_tick}",
        )
    if order.quantums % terms.step_base_quantums:
        return refuse(
            4,
            f"Order Quantums {order.quantums} must be a multiple of the ClobPair's StepBaseQuantums "
            f"{terms.step_base_quantums}",
        )
    if order.trigger_subticks % terms.subticks_per_tick:
        return refuse(
            6001,
            f"Conditional order trigger subticks {order.trigger_subticks} must be a multiple of the ClobPair's "
            f"SubticksPerTick {terms.subticks_per_tick}",
        )
    if not market.oracle:
        return refuse(34, f"clob pair {terms.clob_pair} has no oracle price yet")
    return None if terms.status == ACTIVE else _bad_for_status(market, order)


def _bad_for_status(market: Market, order: ChainOrder) -> Outcome | None:
    status = market.terms.status
    if status != INITIALIZING:
        return refuse(34, f"trading is disabled for clob pair with status {status}")
    if order.id.flags != SHORT_TERM:
        return refuse(34, "stateful orders not allowed for initializing markets")
    if order.time_in_force != POST_ONLY:
        return refuse(34, "only post-only orders allowed for initializing markets")
    price, by = market.subticks_of(market.oracle)
    beyond = order.subticks * by > price if order.side == BUY else order.subticks * by < price
    if beyond:
        side = "BUY" if order.side == BUY else "SELL"
        return refuse(
            34,
            f"Order subticks {order.subticks} on the wrong side of the oracle price {price}/{by} for a {side}",
        )
    return None


def bad_block(core: Core, good_til_block: int) -> Outcome | None:
    """Why a good-til-block lies outside of the window."""
    height, window = core.next_height, core.terms.short_block_window
    if good_til_block < height:
        return refuse(10, f"GoodTilBlock {good_til_block} is less than the current blockHeight {height}")
    if good_til_block > height + window:
        return refuse(
            11,
            f"The GoodTilBlock {good_til_block} exceeds the current blockHeight {height} plus ShortBlockWindow "
            f"{window}",
        )
    return None


def bad_time(core: Core, good_til_s: int) -> Outcome | None:
    """Why a good-til-block-time lies outside of its window, counted from the last block."""
    now_s = core.now_ns // SECOND_NS
    if good_til_s <= now_s:
        return refuse(3003, f"GoodTilBlockTime {good_til_s} is less than the previous blockTime {now_s}")
    end_s = now_s + core.terms.stateful_expiry_s_max
    if good_til_s > end_s:
        return refuse(
            3004,
            f"GoodTilBlockTime {good_til_s} exceeds the previous blockTime plus StatefulOrderTimeWindow {end_s}",
        )
    return None


def bad_cancel(order: OrderId, good_til_block: int, good_til_s: int) -> Outcome | None:
    """Why a cancel can never be valid."""
    if wrong := bad_subaccount(order.subaccount):
        return wrong
    if order.flags == SHORT_TERM:
        return None if good_til_block else refuse(5, "cancellation goodTilBlock cannot be 0")
    if order.flags not in (*STATEFUL, TWAP):
        return refuse(3000, f"invalid order flag {order.flags}")
    return None if good_til_s else refuse(3001, "cancellation goodTilBlockTime cannot be 0")
