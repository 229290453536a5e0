"""keys.examination: what a key may do, by the rules on the chain and by the node's own word."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sniper.errors import DifferencesFound, NetworkUnavailable
from sniper.exchange.node.authenticators import Authenticator
from sniper.keys import chain
from sniper.keys.chain import Node
from sniper.keys.examination import examine, prove_identity
from sniper.keys.keyfile import Grant
from sniper.keys.pair import wallet
from sniper.keys.permission import PLACE, WITHDRAW, Rule, trade_only
from sniper.keys.secret import Secret
from tests.keynode import OWNER, Peer, running
from tests.test_keys_granting import WANTED, Case
from tests.test_keys_permission import encoded
from tests.vectors import PASSPHRASE


@pytest.fixture
def peer(cheap: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Peer]:
    monkeypatch.setattr(chain, "POLL_S", 0.01)
    with running() as found:
        yield found


@pytest.fixture
def case(tmp_path: Path, peer: Peer) -> Iterator[Case]:
    with Node(peer.network) as node:
        yield Case(tmp_path, peer, node)


def put(case: Case, rule: Rule, number: int) -> None:
    """A rule on the owner's account, however the chain came to have it."""
    kept = case.peer.counter.node.authenticators.kept.setdefault(OWNER, {})
    kept[number] = Authenticator(number, rule.type, encoded(rule))


def test_a_trader_key_is_proven_without_an_order(case: Case) -> None:
    case.authorize()
    sent = len(case.peer.counter.sent)
    found = examine(case.unlock("bot"), case.node)
    assert found.problems == []
    assert found.document["reach"] == {
        "messages": tuple(sorted(Rule("", trade_only("", [0], [0]).parts[1].allowed).allowed)),
        "subaccounts": (0, 2),
        "markets": (0, 1),
    }
    asked = {
        (one["label"], one["subaccount"], one["market"]): one["allowed"] for one in found.document["probes"]
    }
    assert asked == {
        ("place an order", 0, 0): True,
        ("cancel an order", 0, 0): True,
        ("cancel a batch", 0, 0): True,
        ("withdraw", 0, 0): False,
        ("transfer", 0, 0): False,
        ("send tokens", 0, 0): False,
        ("permit another key", 0, 0): False,
        ("place an order", 0, 2): False,
        ("place an order", 1, 0): False,
    }
    assert len(case.peer.counter.sent) == sent, "nothing was sent"
    called = {name for name, *_ in case.peer.counter.chain.calls}  # type: ignore[attr-defined]
    assert not called & {"place", "cancel", "batch_cancel", "withdraw", "transfer", "send"}
    assert any("and nothing else" in line for line in found.lines)


def test_a_key_without_a_permission(case: Case) -> None:
    found = examine(case.unlock("bot"), case.node)
    assert len(found.problems) == 1 and "knows no permission" in found.problems[0]


def test_a_permission_that_was_revoked(case: Case) -> None:
    number = case.authorize()
    case.node.remove(wallet(case.owner.secret), number)
    problems = examine(case.unlock("bot"), case.node).problems
    assert len(problems) == 1 and "is not on the chain: it was revoked" in problems[0]


def signature(key: str) -> Rule:
    return Rule("SignatureVerification", (key,))


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        (lambda key: signature(key), WITHDRAW),
        (lambda key: Rule("AllOf", parts=(signature(key), Rule("MessageFilter", (PLACE, WITHDRAW)))), WITHDRAW),
        (lambda key: trade_only(key, [7], [0]), "markets than the file says: 0, 1, 7, not 0, 1"),
        (lambda key: trade_only(key, [0], [9]), "subaccounts than the file says: 0, 2, 9, not 0, 2"),
        (lambda key: trade_only(key, [0], [0])._replace(type="AnyOf"), "do more than trade"),
    ],
)  # fmt: skip
def test_more_than_the_file_says_is_a_difference(case: Case, more: Any, problem: str) -> None:
    case.authorize()
    put(case, more(case.ring.header("bot").public_key), 77)
    problems = examine(case.unlock("bot"), case.node).problems
    assert any("does not know: 77" in one for one in problems)
    assert any(problem in one for one in problems), problems


def test_a_permission_that_cannot_be_judged_is_a_problem(case: Case) -> None:
    case.authorize()
    case.peer.counter.node.authenticators.kept[OWNER][5] = Authenticator(5, "Unheard", b"")
    assert any(
        "permission 5 cannot be judged" in one for one in examine(case.unlock("bot"), case.node).problems
    )
    assert any("permission 5 cannot be judged" in one for one in examine(case.owner, case.node).problems)


def test_a_node_that_judges_otherwise_than_the_rules_is_a_problem(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.authorize()
    monkeypatch.setattr(case.node, "simulate", lambda *_: "")
    problems = examine(case.unlock("bot"), case.node).problems
    assert any("the node allows what the rules do not: withdraw" in one for one in problems)
    monkeypatch.setattr(case.node, "simulate", lambda *_: "Smart account is not active")
    problems = examine(case.unlock("bot"), case.node).problems
    assert any("the node refuses what the rules do not: place an order" in one for one in problems)


def test_an_owner_key_shows_who_else_may_act(case: Case) -> None:
    assert examine(case.owner, case.node).problems == []
    number = case.authorize()
    found = examine(case.owner, case.node)
    trader = case.ring.header("bot").public_key
    assert found.problems == []
    assert found.document["account"]["permissions"] == [
        {"authenticator": number, "keys": [trader], "problem": ""}
    ]
    assert any("withdrawals too" in line for line in found.lines)
    put(case, Rule("SignatureVerification", (trader,)), 8)
    put(case, Rule("MessageFilter", (WITHDRAW,)), 9)
    problems = examine(case.owner, case.node).problems
    assert len(problems) == 2
    assert "permission 8 lets key" in problems[0] and "do more than trade" in problems[0]
    assert "permission 9" in problems[1] and "anybody" in problems[1]


def test_a_file_of_another_key_is_a_difference(case: Case) -> None:
    key = case.unlock("bot")
    prove_identity(key)
    key.header = msgspec.structs.replace(key.header, address=OWNER)
    with pytest.raises(DifferencesFound, match="not that of its key"):
        prove_identity(key)


def test_every_place_may_be_granted(case: Case) -> None:
    """The places that are asked beside the granted ones are others."""
    case.authorize()
    key = case.unlock("bot")
    grant = key.header.grants[0]
    for markets, subaccounts in (((0,), (0,)), ((0, 1, 2), (0, 1)), ((5,), (7,))):
        wide = Grant(grant.chain_id, grant.owner, grant.authenticator, markets, subaccounts)
        with case.ring.unlock("bot", Secret(PASSPHRASE)) as again:
            again.header = msgspec.structs.replace(again.header, grants=(wide,))
            asked = examine(again, case.node).document["probes"]
        assert asked[-2]["market"] not in markets and asked[-1]["subaccount"] not in subaccounts
    assert WANTED.markets == grant.markets


def test_a_dead_node_is_no_proof(tmp_path: Path, peer: Peer) -> None:
    from sniper.keys.networks import Network

    with Node(peer.network) as alive:
        case = Case(tmp_path, peer, alive)
        case.authorize()
    with (
        Node(Network(peer.network.chain_id, "http://127.0.0.1:9")) as dead,
        pytest.raises(NetworkUnavailable),
    ):
        examine(case.unlock("bot"), dead)
