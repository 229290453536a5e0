"""An order of an earlier session becomes one of ours again, with its identity, its kind and what it was meant for."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from sniper._ext.tape import FIELD_NAMES
from sniper.order_ids import order_uuid
from sniper.order_intake import NUMS
from sniper.order_record import Held, Terms
from sniper.order_table import CLIENT_IDS, ORDER_FLAGS, STATES
from sniper.trading import Intent, Order

CLOB_PAIR: Final = FIELD_NAMES.index("clobPairId") - NUMS
STEP_QUANTUMS: Final = FIELD_NAMES.index("stepBaseQuantums") - NUMS


class LeftOrder(NamedTuple):
    """One order as the database and the venue know it. order: its market counts for nothing, its ticker does.

    fill_quantums: by the fills that are booked; order.filled_steps: what the venue said besides. ahead: of a stateful
    order whose transaction's sequence is not known, how many transactions of ours that may still come were signed
    before it; -1: it is known, or does not matter. pending: a replacement that may stand in its place.
    """

    ticker: str
    order: Order
    fill_quantums: int = 0
    seen: bool = False
    sequence: int = -1
    ahead: int = -1
    pending: Terms | None = None
    stop_ticks: int = 0
    target_ticks: int = 0
    strategy: str = ""


def termed(decoder: Any, ticker: str) -> bool:
    """Whether the market table has what an order's id and size are made of."""
    market = decoder.market(ticker)
    known = decoder.numbers(market)[0] if market >= 0 else 0
    return bool(known >> (CLOB_PAIR + NUMS) & 1 and known >> (STEP_QUANTUMS + NUMS) & 1)


def adopted(left: LeftOrder, market: int, decoder: Any, owner: str, height: int) -> Held:
    """As `Orders` keeps it. owner: id of the subaccount. height: newest block, at which its doubt begins if it has one.

    ValueError for an order that cannot be one of this market, and for what no order of ours can be.
    """
    order = left.order
    if order.kind not in ORDER_FLAGS or order.state not in STATES or not 0 <= order.client_id < CLIENT_IDS:
        raise ValueError(f"a {order.kind!r} order in the state {order.state!r} is none of ours")
    whole = decoder.numbers(market)[6]
    order_id = order_uuid(owner, order.client_id, whole[CLOB_PAIR], ORDER_FLAGS[order.kind])
    if order.order_id and order.order_id != order_id:
        raise ValueError("its id is of another market or subaccount")
    step_quantums = whole[STEP_QUANTUMS]
    fill_steps = left.fill_quantums // step_quantums if step_quantums > 0 else 0
    filled = max(fill_steps, order.filled_steps)
    order = order._replace(market=market, order_id=order_id, filled_steps=filled)
    intent = Intent(
        market,
        order.side,
        order.price_ticks,
        order.size_steps,
        order.purpose,
        order.kind,
        order.time_in_force,
        order.reduce_only,
        order.trigger,
        order.trigger_ticks,
        left.stop_ticks,
        left.target_ticks,
        strategy=left.strategy,
    )
    return Held(
        order,
        intent,
        height,
        doubt_height=height,
        fill_steps=fill_steps,
        told_steps=left.order.filled_steps,
        sequence=left.sequence,
        seen=left.seen,
        pending=left.pending,
        ahead=left.ahead,
    )
