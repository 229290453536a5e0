"""Messages become calls of the chain, all of a transaction or none."""

from __future__ import annotations

from v4_proto.cosmos.bank.v1beta1.tx_pb2 import MsgSend
from v4_proto.cosmos.base.v1beta1.coin_pb2 import Coin
from v4_proto.dydxprotocol.accountplus.tx_pb2 import MsgAddAuthenticator, MsgRemoveAuthenticator

from sniper.exchange.facts import BlockEnded, Outcome
from sniper.exchange.node import messages
from sniper.exchange.node.authenticators import Authenticators
from sniper.exchange.node.envelope import Message
from sniper.exchange.node.execution import Execution
from sniper.exchange.node.fees import USDC
from tests.chains import AccountsChain
from tests.wallets import a_transfer, address, pair

ME = address(0)
ADD = Message(
    messages.ADD_AUTHENTICATOR,
    MsgAddAuthenticator(sender=ME, authenticator_type="SignatureVerification", data=pair(1).public_key_bytes),
)
REMOVE = Message(messages.REMOVE_AUTHENTICATOR, MsgRemoveAuthenticator(sender=ME, id=0))
MOVE = Message(messages.TRANSFER, a_transfer(ME))


def test_authenticators_come_and_go() -> None:
    kept = Authenticators()
    run = Execution(AccountsChain(), kept).run
    assert run([ADD], "A", True).code == 0
    assert [one.config for one in kept.of(ME)] == [pair(1).public_key_bytes]
    assert run([REMOVE], "B", True).code == 0
    again = run([REMOVE], "C", True)
    assert (again.codespace, again.code) == ("accountplus", 1)
    assert again.text.startswith(
        "failed to execute message; message index: 0: RemoveAuthenticator: failed to get"
    )


def test_all_or_nothing() -> None:
    chain, kept = AccountsChain(), Authenticators()
    chain.news.append(BlockEnded(1, 2))
    chain.answers["transfer"] = Outcome(102, "subaccounts", "no")
    outcome = Execution(chain, kept).run([ADD, MOVE], "A", True)
    assert outcome.text == "failed to execute message; message index: 1: no"
    assert kept.of(ME) == [] and kept.next_id == 0
    assert chain.news == [BlockEnded(1, 2)] and not chain.done()
    assert Execution(chain, kept).run([ADD, MOVE], "A", True).code == 0
    assert kept.next_id == 1 and len(chain.done("transfer")) == 1


def test_a_rehearsal_leaves_nothing() -> None:
    chain, kept = AccountsChain(), Authenticators()
    execution = Execution(chain, kept)
    assert execution.rehearse([ADD, MOVE]).code == 0
    assert execution.rehearse([REMOVE]).code == 1
    assert kept.of(ME) == [] and not chain.done()


def test_other_coins_are_not_there() -> None:
    chain = AccountsChain()
    execution = Execution(chain, Authenticators())

    def send(*coins: tuple[str, str]) -> Message:
        amount = [Coin(denom=denomination, amount=number) for denomination, number in coins]
        return Message(messages.SEND, MsgSend(from_address=ME, to_address=address(1), amount=amount))

    refused = execution.run([send(("adydx", "7"))], "A", False)
    assert (refused.code, refused.text) == (
        5,
        "spendable balance 0adydx is smaller than 7adydx: insufficient funds",
    )
    chain.answers["send"] = Outcome(5, "sdk", "insufficient funds")
    assert execution.run([send((USDC, "7"))], "A", False) == Outcome(5, "sdk", "insufficient funds")
    assert execution.run([send((USDC, "7"))], "A", False).code == 0
