"""The messages that the node knows: their type urls, who signs them, and what they say as the chain's own facts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from google.protobuf.unknown_fields import UnknownFieldSet
from v4_proto.cosmos.bank.v1beta1.tx_pb2 import MsgSend
from v4_proto.dydxprotocol.accountplus.tx_pb2 import MsgAddAuthenticator, MsgRemoveAuthenticator
from v4_proto.dydxprotocol.clob.order_pb2 import Order
from v4_proto.dydxprotocol.clob.tx_pb2 import MsgBatchCancel, MsgCancelOrder, MsgPlaceOrder
from v4_proto.dydxprotocol.sending.transfer_pb2 import MsgDepositToSubaccount, MsgWithdrawFromSubaccount
from v4_proto.dydxprotocol.sending.tx_pb2 import MsgCreateTransfer

from sniper.exchange.facts import SHORT_TERM, ChainOrder, OrderId, SubaccountId

PLACE: Final = "/dydxprotocol.clob.MsgPlaceOrder"
CANCEL: Final = "/dydxprotocol.clob.MsgCancelOrder"
BATCH_CANCEL: Final = "/dydxprotocol.clob.MsgBatchCancel"
TRANSFER: Final = "/dydxprotocol.sending.MsgCreateTransfer"
DEPOSIT: Final = "/dydxprotocol.sending.MsgDepositToSubaccount"
WITHDRAW: Final = "/dydxprotocol.sending.MsgWithdrawFromSubaccount"
SEND: Final = "/cosmos.bank.v1beta1.MsgSend"
ADD_AUTHENTICATOR: Final = "/dydxprotocol.accountplus.MsgAddAuthenticator"
REMOVE_AUTHENTICATOR: Final = "/dydxprotocol.accountplus.MsgRemoveAuthenticator"
EXTENSION: Final = "/dydxprotocol.accountplus.TxExtension"
CLOB: Final = (PLACE, CANCEL, BATCH_CANCEL)


class Kind(NamedTuple):
    """A message type: its class, who must sign it, and the gas that it uses.

    Gas is a round figure of what such transactions use on the chain; those to the order book are free.
    """

    message: Callable[[], Any]
    signer: Callable[[Any], str]
    gas: int


KINDS: Final[dict[str, Kind]] = {
    PLACE: Kind(MsgPlaceOrder, lambda m: str(m.order.order_id.subaccount_id.owner), 0),
    CANCEL: Kind(MsgCancelOrder, lambda m: str(m.order_id.subaccount_id.owner), 0),
    BATCH_CANCEL: Kind(MsgBatchCancel, lambda m: str(m.subaccount_id.owner), 0),
    TRANSFER: Kind(MsgCreateTransfer, lambda m: str(m.transfer.sender.owner), 90_000),
    DEPOSIT: Kind(MsgDepositToSubaccount, lambda m: str(m.sender), 110_000),
    WITHDRAW: Kind(MsgWithdrawFromSubaccount, lambda m: str(m.sender.owner), 120_000),
    SEND: Kind(MsgSend, lambda m: str(m.from_address), 80_000),
    ADD_AUTHENTICATOR: Kind(MsgAddAuthenticator, lambda m: str(m.sender), 100_000),
    REMOVE_AUTHENTICATOR: Kind(MsgRemoveAuthenticator, lambda m: str(m.sender), 70_000),
}

ELSEWHERE: Final = (
    "/cosmos.distribution.v1beta1.",
    "/cosmos.gov.v1.",
    "/cosmos.staking.v1beta1.",
    "/dydxprotocol.affiliates.",
    "/dydxprotocol.bridge.",
    "/dydxprotocol.listing.",
    "/dydxprotocol.vault.",
    "/dydxprotocol.clob.MsgUpdateLeverage",
)
"""What the chain executes and this one does not: answered with sdk code 6."""


def is_short_term(url: str, message: Any) -> bool:
    """Whether the message lives by its good-til-block: no sequence, no block of its own."""
    if url == PLACE:
        return int(message.order.order_id.order_flags) == SHORT_TERM
    if url == CANCEL:
        return int(message.order_id.order_flags) == SHORT_TERM
    return url == BATCH_CANCEL


def subaccount_of(message: Any) -> SubaccountId:
    """A protocol SubaccountId as ours."""
    return SubaccountId(message.owner, message.number)


def order_id_of(message: Any) -> OrderId:
    """A protocol OrderId as ours."""
    return OrderId(
        subaccount_of(message.subaccount_id), message.client_id, message.order_flags, message.clob_pair_id
    )


def order_of(message: Any) -> ChainOrder:
    """A protocol Order as ours."""
    builder = message.builder_code_parameters
    return ChainOrder(
        id=order_id_of(message.order_id),
        side=message.side,
        quantums=message.quantums,
        subticks=message.subticks,
        good_til_block=message.good_til_block,
        good_til_s=message.good_til_block_time,
        time_in_force=message.time_in_force,
        reduce_only=message.reduce_only,
        client_metadata=message.client_metadata,
        condition=message.condition_type,
        trigger_subticks=message.conditional_order_trigger_subticks,
        builder=builder.builder_address,
        builder_fee_ppm=builder.fee_ppm,
    )


def order_message(order: ChainOrder) -> Any:
    """Our order as a protocol Order."""
    made = Order(
        side=order.side,
        quantums=order.quantums,
        subticks=order.subticks,
        time_in_force=order.time_in_force,
        reduce_only=order.reduce_only,
        client_metadata=order.client_metadata,
        condition_type=order.condition,
        conditional_order_trigger_subticks=order.trigger_subticks,
    )
    made.order_id.subaccount_id.owner = order.id.subaccount.owner
    made.order_id.subaccount_id.number = order.id.subaccount.number
    made.order_id.client_id = order.id.client_id
    made.order_id.order_flags = order.id.flags
    made.order_id.clob_pair_id = order.id.clob_pair
    if order.good_til_block:
        made.good_til_block = order.good_til_block
    else:
        made.good_til_block_time = order.good_til_s
    if order.builder or order.builder_fee_ppm:
        made.builder_code_parameters.builder_address = order.builder
        made.builder_code_parameters.fee_ppm = order.builder_fee_ppm
    return made


def has_unknown(message: Any) -> bool:
    """Whether a message, or one within it, holds a field that its type does not have: the chain refuses those."""
    if len(UnknownFieldSet(message)):
        return True
    for field, value in message.ListFields():
        if field.message_type is not None and any(
            has_unknown(part) for part in (value if field.is_repeated else (value,))
        ):
            return True
    return False
