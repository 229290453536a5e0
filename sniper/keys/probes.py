"""Messages with which a node is asked what a key may do. They are simulated, never sent.

A simulation runs the rules of the account and skips book, mempool and signatures (dYdX v4-chain,
protocol/x/clob/ante/clob.go, x/accountplus/authenticator/signature_authenticator.go): it proves the filters of a
permission as this node reads them, and nothing of the key itself, which `permission.mentions` does.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from dydx_v4_client.node import message as build
from v4_proto.dydxprotocol.clob.order_pb2 import Order, OrderId
from v4_proto.dydxprotocol.clob.tx_pb2 import OrderBatch
from v4_proto.dydxprotocol.subaccounts.subaccount_pb2 import SubaccountId

from sniper.keys.permission import (
    ADD_AUTHENTICATOR,
    BATCH_CANCEL,
    CANCEL,
    PLACE,
    SEND,
    TRANSFER,
    WITHDRAW,
    Message,
)

_CLIENT_ID: Final = 4_294_967_291  # of no order of ours; and nothing is ever sent
_LONG_TERM: Final = 64
_IN_THE_FUTURE_S: Final = 4_000_000_000
_USDC: Final = 0
_DENIED: Final = (
    "authentication failed",
    "message type verification failed",
    "clob pair id verification failed",
    "subaccount verification failed",
    "allof verification failed",
    "anyof verification failed",
    "signature verification failed",
    "authenticator is not found",
    "smart account is not active",
    "message types do not match",
    "not in whitelist",
    "unauthorized",
)


class Probe(NamedTuple):
    """One question: what it would be, as a rule sees it, and as the chain's message."""

    label: str
    asks: Message
    message: Any


def probes(owner: str, subaccount: int, market: int, denom: str) -> list[Probe]:
    """Orders and cancels of one subaccount and market, and four ways to take the money."""
    order = OrderId(
        subaccount_id=SubaccountId(owner=owner, number=subaccount),
        client_id=_CLIENT_ID,
        order_flags=_LONG_TERM,
        clob_pair_id=market,
    )
    place = Order(
        order_id=order,
        side=Order.SIDE_BUY,
        quantums=1_000_000,
        subticks=1_000_000,
        good_til_block_time=_IN_THE_FUTURE_S,
    )
    own, other = (
        SubaccountId(owner=owner, number=subaccount),
        SubaccountId(owner=owner, number=subaccount + 1),
    )
    batch = [OrderBatch(clob_pair_id=market, client_ids=[_CLIENT_ID])]
    made = (
        ("place an order", PLACE, build.place_order(place)),
        ("cancel an order", CANCEL, build.cancel_order(order, good_til_block_time=_IN_THE_FUTURE_S)),
        ("cancel a batch", BATCH_CANCEL, build.batch_cancel(own, batch, 1)),
        ("withdraw", WITHDRAW, build.withdraw(own, owner, _USDC, 1)),
        ("transfer", TRANSFER, build.transfer(own, other, _USDC, 1)),
        ("send tokens", SEND, build.send_token(owner, owner, 1, denom)),
        (
            "permit another key",
            ADD_AUTHENTICATOR,
            build.add_authenticator(owner, "MessageFilter", SEND.encode()),
        ),
    )
    return [Probe(label, Message(kind, subaccount, market), message) for label, kind, message in made]


def denied(answer: str) -> bool:
    """Whether these words of a node are a refusal by the account's rules. Any other error comes behind the rules."""
    said = answer.lower()
    return any(mark in said for mark in _DENIED)
