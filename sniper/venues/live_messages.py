"""Commands as the chain's messages: integers from the book's grid, no float on the way.

Quantums = steps x stepBaseQuantums and subticks = ticks x subticksPerTick; the official client's own conversion goes
through floats and loses a step in one size of twenty (client.md 5). Its message builders and types are used.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final, NamedTuple

from dydx_v4_client.node import message
from dydx_v4_client.node.builder import get_signature
from dydx_v4_client.wallet import Wallet
from v4_proto.cosmos.tx.v1beta1.tx_pb2 import Tx
from v4_proto.dydxprotocol.clob.order_pb2 import Order, OrderId
from v4_proto.dydxprotocol.clob.tx_pb2 import MsgBatchCancel, MsgCancelOrder, MsgPlaceOrder, OrderBatch

from sniper.order_table import ORDER_FLAGS, SHORT_TERM
from sniper.trading import BUY, Cancel, Place
from sniper.venues.terms import Terms

UINT64: Final = 1 << 64
UINT32: Final = 1 << 32
BATCH_MAX: Final = 100
BATCH_FROM: Final = 3
"""A batch cancel weighs as much as two messages: from three cancels on it is the cheaper one."""

SIDES: Final = (Order.SIDE_BUY, Order.SIDE_SELL)
TIMES: Final = {
    "gtt": Order.TIME_IN_FORCE_UNSPECIFIED,
    "ioc": Order.TIME_IN_FORCE_IOC,
    "post_only": Order.TIME_IN_FORCE_POST_ONLY,
}
CONDITIONS: Final = {
    "": Order.CONDITION_TYPE_UNSPECIFIED,
    "stop_loss": Order.CONDITION_TYPE_STOP_LOSS,
    "take_profit": Order.CONDITION_TYPE_TAKE_PROFIT,
}


class Owner(NamedTuple):
    """Whose orders they are."""

    address: str
    subaccount: int


class Wanted(NamedTuple):
    """A command with what the wire needs to know of its market, copied when the tick thread handed it over."""

    command: Place | Cancel
    clob_pair: int
    step_quantums: int
    subticks: int

    @property
    def stateful(self) -> bool:
        """Whether it needs the account's sequence."""
        return self.command.kind != SHORT_TERM


class Parcel(NamedTuple):
    """One message of one transaction and the commands that it carries out."""

    verb: str
    wanted: tuple[Wanted, ...]
    message: MsgPlaceOrder | MsgCancelOrder | MsgBatchCancel

    @property
    def stateful(self) -> bool:
        """Whether it needs the account's sequence."""
        return self.wanted[0].stateful

    @property
    def last_entry(self) -> int:
        """The last block that may take its transaction, 0: any."""
        return self.wanted[0].command.good_til_block if self.stateful and self.verb == "place" else 0


def until(transaction: Tx, height: int, wallet: Wallet, chain_id: str) -> Tx:
    """The transaction, which no block after this height may take (0: any).

    It is signed anew: the client's builder knows no such bound.
    """
    if height:
        transaction.body.timeout_height = height
        transaction.signatures[0] = get_signature(
            wallet.key, transaction.body, transaction.auth_info, wallet.account_number, chain_id
        )
    return transaction


def wanted(command: Place | Cancel, terms: Terms) -> Wanted:
    """The command with its market's numbers. ValueError where they do not make an order that the chain could take."""
    if terms.step_quantums <= 0 or terms.subticks <= 0:
        raise ValueError(f"the grid of {command.ticker} is not known")
    if not 0 <= command.client_id < UINT32:
        raise ValueError(f"client id {command.client_id} is not a uint32")
    if isinstance(command, Place):
        for name, number in (
            ("size", command.size_steps * terms.step_quantums),
            ("price", command.price_ticks * terms.subticks),
        ):
            if not 0 < number < UINT64:
                raise ValueError(f"{name} of {number} is none that the chain takes")
        if not 0 <= command.trigger_ticks * terms.subticks < UINT64:
            raise ValueError(f"trigger of {command.trigger_ticks} ticks is none that the chain takes")
    return Wanted(command, terms.clob_pair, terms.step_quantums, terms.subticks)


def order_id(owner: Owner, one: Wanted) -> OrderId:
    """The identity of the order on the chain."""
    flags = ORDER_FLAGS[one.command.kind]
    made: OrderId = message.order_id(
        owner.address, owner.subaccount, one.command.client_id, one.clob_pair, flags
    )
    return made


def _good_til(command: Place | Cancel) -> dict[str, int]:
    """Exactly one of the two: the protobuf keeps the last one given."""
    if command.kind == SHORT_TERM:
        return {"good_til_block": command.good_til_block}
    return {"good_til_block_time": command.good_til_s}


def place(owner: Owner, one: Wanted) -> MsgPlaceOrder:
    """The message of a new order."""
    command = one.command
    assert isinstance(command, Place)
    order = message.order(
        order_id(owner, one),
        SIDES[command.side != BUY],
        command.size_steps * one.step_quantums,
        command.price_ticks * one.subticks,
        TIMES[command.time_in_force],
        command.reduce_only,
        condition_type=CONDITIONS[command.trigger],
        conditional_order_trigger_subticks=command.trigger_ticks * one.subticks,
        **_good_til(command),
    )
    return MsgPlaceOrder(order=order)


def cancel(owner: Owner, one: Wanted) -> MsgCancelOrder:
    """The message that takes an order back."""
    return MsgCancelOrder(order_id=order_id(owner, one), **_good_til(one.command))


def batch_cancel(owner: Owner, many: Sequence[Wanted]) -> MsgBatchCancel:
    """One message that takes back many short-term orders; good til the latest of theirs, which covers all."""
    pairs = sorted((one.clob_pair, one.command.client_id) for one in many)
    batches = [
        OrderBatch(clob_pair_id=pair, client_ids=[number for _, number in found])
        for pair, found in groupby(pairs, key=lambda item: item[0])
    ]
    return MsgBatchCancel(
        subaccount_id=message.subaccount(owner.address, owner.subaccount),
        short_term_cancels=batches,
        good_til_block=max(one.command.good_til_block for one in many),
    )


def parcels(owner: Owner, handed: Sequence[Wanted]) -> list[Parcel]:
    """What one tick handed over, as messages in its order; short-term cancels together where there are many."""
    together = [one for one in handed if isinstance(one.command, Cancel) and not one.stateful]
    together = together if len(together) >= BATCH_FROM else []
    made = []
    for at in range(0, len(together), BATCH_MAX):
        some = tuple(together[at : at + BATCH_MAX])
        made.append(Parcel("cancel", some, batch_cancel(owner, some)))
    batched = {id(one) for one in together}
    for one in handed:
        if id(one) not in batched:
            verb = "place" if isinstance(one.command, Place) else "cancel"
            made.append(Parcel(verb, (one,), place(owner, one) if verb == "place" else cancel(owner, one)))
    return made
