"""keys.chain: through the official NodeClient against the stand-in exchange's node."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sniper.errors import NetworkUnavailable, PermissionProblem, UsageError
from sniper.exchange.facts import Outcome
from sniper.exchange.node.server import Certificate
from sniper.exchange.node.servicers import HANG, LOST, UNAVAILABLE, Treatment
from sniper.keys import chain
from sniper.keys.chain import Node, Standing, Unconfirmed
from sniper.keys.networks import Network
from sniper.keys.pair import identity, private_key, wallet
from sniper.keys.permission import Rule, trade_only
from sniper.keys.probes import probes
from sniper.keys.secret import Secret
from tests.keynode import OWNER, Peer, running
from tests.loopback import certificate
from tests.vectors import ABANDON, LEGAL

MINE = private_key(Secret(ABANDON.encode()))
TRADER = private_key(Secret(LEGAL.encode()))
TRADER_KEY = identity(TRADER)[1]
RULE = trade_only(TRADER_KEY, [0, 1], [0])


@pytest.fixture
def peer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Peer]:
    monkeypatch.setattr(chain, "POLL_S", 0.01)
    with running() as found:
        yield found


@pytest.fixture
def node(peer: Peer) -> Iterator[Node]:
    with Node(peer.network) as found:
        yield found


def any_of(one: Standing) -> bool:
    return True


def test_an_account_and_one_that_is_not_there(node: Node) -> None:
    assert node.account(OWNER) == (10, 0)
    with pytest.raises(PermissionProblem, match="knows no account"):
        node.account(identity(TRADER)[0])


def test_a_permission_is_added_seen_and_removed(peer: Peer, node: Node) -> None:
    peer.counter.looks = 3
    number = node.add(wallet(MINE), RULE, any_of)
    assert peer.kept() == [number]
    assert node.authenticators(OWNER) == [Standing(number, RULE)]
    second = node.add(wallet(MINE), trade_only(TRADER_KEY, [7], [1, 2]), any_of)
    assert [one.id for one in node.authenticators(OWNER)] == [number, second]
    node.remove(wallet(MINE), number)
    assert peer.kept() == [second]
    assert node.account(OWNER)[1] == 3
    with pytest.raises(PermissionProblem, match=f"failed to get authenticator {number}"):
        node.remove(wallet(MINE), number)


def test_what_is_sent_is_the_official_clients_own_message(peer: Peer, node: Node) -> None:
    from v4_proto.cosmos.tx.v1beta1.tx_pb2 import Tx
    from v4_proto.dydxprotocol.accountplus.tx_pb2 import MsgAddAuthenticator

    node.add(wallet(MINE), RULE, any_of)
    (sent,) = peer.counter.sent
    message = MsgAddAuthenticator()
    assert Tx.FromString(sent).body.messages[0].Unpack(message)
    assert (message.sender, message.authenticator_type) == (OWNER, "AllOf")
    types = [one["type"] for one in json.loads(message.data)]
    assert types == ["SignatureVerification", "MessageFilter", "SubaccountFilter", "ClobPairIdFilter"]


def test_every_shape_of_a_rule_can_be_sent_and_read_back(node: Node) -> None:
    signed = Rule("SignatureVerification", (TRADER_KEY,))
    small = Rule("AllOf", parts=(signed, Rule("MessageFilter", ("/x.Msg",))))
    nested = Rule("AllOf", parts=(signed, Rule("AnyOf", parts=(small, signed))))
    rules = [signed, small, nested, RULE]  # the client itself refuses an AnyOf of compositions
    for rule in rules:
        node.add(wallet(MINE), rule, any_of)
    assert [one.rule for one in node.authenticators(OWNER)] == rules


def test_a_permission_that_the_chain_would_not_take_is_said_before(peer: Peer, node: Node) -> None:
    with pytest.raises(UsageError, match="the chain allows 1024"):
        node.add(wallet(MINE), trade_only(TRADER_KEY, range(1000, 1200), [0]), any_of)
    assert not peer.counter.sent


def test_a_wrong_chain_id_is_refused_by_the_node(peer: Peer) -> None:
    with (
        Node(Network("dydx-mainnet-2", peer.network.node)) as node,
        pytest.raises(PermissionProblem, match="signature verification failed"),
    ):
        node.add(wallet(MINE), RULE, any_of)
    assert peer.kept() == []


def test_an_account_without_funds_cannot_permit(peer: Peer, node: Node) -> None:
    peer.counter.chain.wallets[OWNER] = 0  # type: ignore[attr-defined]
    with pytest.raises(PermissionProblem, match="spendable balance 0"):
        node.add(wallet(MINE), RULE, any_of)


def test_a_sequence_that_moved_is_taken_from_the_answer(
    peer: Peer, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program used the account between the question for the sequence and the transaction."""
    real = node.account
    monkeypatch.setattr(node, "account", lambda address: (real(address)[0], real(address)[1] + 5))
    assert node.add(wallet(MINE), RULE, any_of) == 0
    answers = iter([Outcome(32, "sdk", "account sequence mismatch, expected 1, got 0: x"), None])
    broadcast = peer.counter.broadcast

    def once_wrong(tx: bytes) -> tuple[Outcome, str]:
        wrong = next(answers, None)
        return (wrong, "X") if wrong else broadcast(tx)

    monkeypatch.setattr(peer.counter, "broadcast", once_wrong)
    monkeypatch.setattr(node, "account", real)
    node.add(wallet(MINE), trade_only(TRADER_KEY, [7], [0]), any_of)
    assert len(peer.kept()) == 2


def test_a_sequence_is_corrected_once(peer: Peer, node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = Outcome(32, "sdk", "account sequence mismatch, expected 0, got 0: x")
    monkeypatch.setattr(peer.counter, "broadcast", lambda tx: (wrong, "X"))
    with pytest.raises(PermissionProblem, match="sequence mismatch"):
        node.add(wallet(MINE), RULE, any_of)


def test_accepted_is_not_done(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    peer.counter.looks = 10**6
    with Node(peer.network, settle_s=0.05) as node:
        with pytest.raises(NetworkUnavailable, match="the new permission does not show"):
            node.add(wallet(MINE), RULE, any_of)
        peer.counter.block()
        with pytest.raises(NetworkUnavailable, match="permission 0 still stands"):
            node.remove(wallet(MINE), 0)


def test_a_simulation_is_no_transaction(peer: Peer, node: Node) -> None:
    number = node.add(wallet(MINE), RULE, any_of)
    sent = len(peer.counter.sent)
    allowed = {
        probe.label: node.simulate(wallet(TRADER), probe.message, node.account(OWNER), number)
        for probe in probes(OWNER, 0, 0, "usdc")
    }
    assert [label for label, answer in allowed.items() if not answer] == [
        "place an order",
        "cancel an order",
        "cancel a batch",
    ]
    assert len(peer.counter.sent) == sent
    called = {name for name, *_ in peer.counter.chain.calls}  # type: ignore[attr-defined]
    assert not called & {"place", "cancel", "batch_cancel", "transfer", "withdraw", "send"}


def test_markets_come_page_by_page(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    assert node.markets() == {"BTC-USD": 0, "ETH-USD": 1, "ISO-USD": 7}
    assert chain.PAGES_MAX * 100 > 1000


def test_pages_are_walked_and_bounded(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    from v4_proto.dydxprotocol.clob.query_pb2 import QueryClobPairAllResponse

    def page(key: bytes, *ids: int) -> Any:
        found = QueryClobPairAllResponse()
        for one in ids:
            found.clob_pair.add(id=one)
        found.pagination.next_key = key
        return found

    pages = iter([page(b"2", 3), page(b"", 4)])
    found = node._paged(
        page(b"1", 1, 2), lambda request: next(pages), chain.clob.QueryAllClobPairRequest, "clob_pair"
    )
    assert [one.id for one in found] == [1, 2, 3, 4]
    endless = node._paged(
        page(b"1", 1), lambda request: page(b"1", 1), chain.clob.QueryAllClobPairRequest, "clob_pair"
    )
    assert len(endless) == chain.PAGES_MAX + 1


@pytest.mark.parametrize(
    ("method", "act"),
    [
        ("GetAuthenticators", lambda node: node.authenticators(OWNER)),
        ("Account", lambda node: node.account(OWNER)),
        ("ClobPairAll", lambda node: node.markets()),
        ("Simulate", lambda node: node.remove(wallet(MINE), 0)),
        (
            "Simulate",
            lambda node: node.simulate(wallet(MINE), probes(OWNER, 0, 0, "usdc")[0].message, (1, 1), None),
        ),
    ],
)
@pytest.mark.parametrize("suffers", [Treatment(UNAVAILABLE), Treatment(HANG, 5.0)])
def test_a_node_that_does_not_answer(
    peer: Peer, monkeypatch: pytest.MonkeyPatch, method: str, act: Any, suffers: Treatment
) -> None:
    monkeypatch.setattr(chain, "DEADLINE_S", 0.2)
    real = peer.counter.treatment
    monkeypatch.setattr(
        peer.counter, "treatment", lambda name: suffers if name.endswith(method) else real(name)
    )
    with Node(peer.network) as node, pytest.raises(NetworkUnavailable, match="did not answer"):
        act(node)


@pytest.mark.parametrize("suffers", [Treatment(LOST), Treatment(HANG, 5.0)])
def test_a_transaction_that_is_not_answered_may_have_been_carried_out(
    peer: Peer, monkeypatch: pytest.MonkeyPatch, suffers: Treatment
) -> None:
    peer.counter.suffers["BroadcastTx"] = suffers
    monkeypatch.setattr(chain, "DEADLINE_S", 0.5)
    with Node(peer.network) as node:
        with pytest.raises(Unconfirmed, match=r"did not answer .*may have been carried out") as caught:
            node.add(wallet(MINE), RULE, any_of)
        assert "Check the address" not in str(caught.value)
        peer.counter.suffers["Simulate"] = Treatment(UNAVAILABLE)
        with pytest.raises(NetworkUnavailable, match="did not answer") as before:
            node.remove(wallet(MINE), 0)
    assert type(before.value) is NetworkUnavailable, "it died before the transaction was sent"


def test_an_accepted_transaction_whose_fruit_cannot_be_seen_may_have_been_carried_out(
    peer: Peer, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    broadcast = peer.counter.broadcast

    def then_silent(tx: bytes) -> tuple[Outcome, str]:
        peer.counter.suffers["GetAuthenticators"] = Treatment(UNAVAILABLE)
        return broadcast(tx)

    monkeypatch.setattr(peer.counter, "broadcast", then_silent)
    with pytest.raises(Unconfirmed, match=r"was accepted, but then the node .* did not answer"):
        node.add(wallet(MINE), RULE, any_of)


def test_a_self_signed_certificate_is_refused_unless_it_is_given(tmp_path: Path) -> None:
    files = certificate(tmp_path)
    with running(Certificate(*files)) as peer:
        with Node(peer.network) as node, pytest.raises(NetworkUnavailable):
            node.account(OWNER)
        with Node(peer.network, files[0].read_bytes()) as node:
            assert node.account(OWNER) == (10, 0)


def test_what_the_chain_keeps_and_we_cannot_judge_is_shown_as_such(peer: Peer, node: Node) -> None:
    from sniper.exchange.node.authenticators import Authenticator

    peer.counter.node.authenticators.kept[OWNER] = {3: Authenticator(3, "Unheard", b"")}
    assert node.authenticators(OWNER) == [Standing(3, None, "an authenticator of the unknown type 'Unheard'")]


def test_another_fault_of_the_node_is_said(node: Node) -> None:
    with pytest.raises(NetworkUnavailable, match="INVALID_ARGUMENT"):
        node.authenticators("no address")
