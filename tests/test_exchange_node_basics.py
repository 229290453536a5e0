"""What is wrong with a message whatever the state."""

from __future__ import annotations

from typing import Any

import pytest
from dydx_v4_client.node.message import batch_cancel, deposit, withdraw
from v4_proto.cosmos.bank.v1beta1.tx_pb2 import MsgSend
from v4_proto.cosmos.base.v1beta1.coin_pb2 import Coin
from v4_proto.dydxprotocol.accountplus.tx_pb2 import MsgAddAuthenticator, MsgRemoveAuthenticator
from v4_proto.dydxprotocol.subaccounts.subaccount_pb2 import SubaccountId

from sniper.exchange.node import messages
from sniper.exchange.node.basics import wrong
from tests.wallets import a_cancel, a_transfer, address, an_order

ME, YOU = address(0), address(1)


def sub(owner: str = ME, number: int = 0) -> Any:
    return SubaccountId(owner=owner, number=number)


def send(*coins: tuple[str, str], to: str = YOU) -> Any:
    return MsgSend(from_address=ME, to_address=to, amount=[Coin(denom=d, amount=a) for d, a in coins])


CASES = (
    (messages.PLACE, an_order(ME, subaccount=128_000), None),
    (messages.PLACE, an_order(ME, subaccount=128_001), ("subaccounts", 200)),
    (messages.CANCEL, a_cancel(ME, subaccount=128_001), ("subaccounts", 200)),
    (messages.BATCH_CANCEL, batch_cancel(sub(number=128_001), [], 1), ("subaccounts", 200)),
    (messages.TRANSFER, a_transfer(ME), None),
    (messages.TRANSFER, a_transfer(ME, to=0), ("sending", 1)),
    (messages.TRANSFER, a_transfer(ME, amount=0), ("sending", 2)),
    (messages.TRANSFER, a_transfer(ME, asset=1), ("sending", 1101)),
    (messages.DEPOSIT, deposit(ME, sub(), 0, 5), None),
    (messages.DEPOSIT, deposit("x", sub(), 0, 5), ("sending", 6)),
    (messages.DEPOSIT, deposit(ME, sub("x"), 0, 5), ("subaccounts", 201)),
    (messages.DEPOSIT, deposit(ME, sub(), 1, 5), ("sending", 1101)),
    (messages.WITHDRAW, withdraw(sub(), YOU, 0, 5), None),
    (messages.WITHDRAW, withdraw(sub(), "x", 0, 5), ("sending", 6)),
    (messages.WITHDRAW, withdraw(sub(), YOU, 0, 0), ("sending", 2)),
    (messages.SEND, send(("a", "1"), ("b", "2")), None),
    (messages.SEND, send(("a", "1"), to="x"), ("sdk", 7)),
    (messages.SEND, send(), ("sdk", 10)),
    (messages.SEND, send(("b", "1"), ("a", "1")), ("sdk", 10)),
    (messages.SEND, send(("a", "0")), ("sdk", 10)),
    (messages.SEND, send(("a", "-1")), ("sdk", 10)),
    (messages.SEND, send(("a", "1e3")), ("sdk", 10)),
    (messages.SEND, send(("a", "9" * 31)), ("sdk", 10)),
    (messages.ADD_AUTHENTICATOR, MsgAddAuthenticator(sender=ME, data=b"x" * 1024), None),
    (messages.ADD_AUTHENTICATOR, MsgAddAuthenticator(sender=ME, data=b"x" * 1025), ("accountplus", 3)),
    (messages.REMOVE_AUTHENTICATOR, MsgRemoveAuthenticator(sender=ME), None),
)


@pytest.mark.parametrize(("url", "message", "wanted"), CASES)
def test_each_rule(url: str, message: Any, wanted: tuple[str, int] | None) -> None:
    found = wrong(url, message)
    assert (found and (found.codespace, found.code)) == wanted
