"""keys.trading: what live trading may sign with, and that what it signs is what the chain lets through."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from dydx_v4_client.node.builder import TxOptions
from dydx_v4_client.wallet import Wallet

from sniper.errors import PermissionProblem
from sniper.keys import chain
from sniper.keys.chain import Node
from sniper.keys.probes import probes
from sniper.keys.trading import trading_key
from tests.keynode import OWNER, running
from tests.test_keys_granting import Case


@pytest.fixture
def case(tmp_path: Path, cheap: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    monkeypatch.setattr(chain, "POLL_S", 0.01)
    with running() as peer, Node(peer.network) as node:
        yield Case(tmp_path, peer, node)


def test_an_owner_key_only_where_it_is_allowed(case: Case) -> None:
    with pytest.raises(PermissionProblem, match="may withdraw") as caught:
        trading_key(case.owner, case.node.chain_id, 0, owner_allowed=False)
    assert caught.value.exit_code == 4
    found = trading_key(case.owner, case.node.chain_id, 0, owner_allowed=True)
    assert (found.address, found.authenticators, found.markets) == (OWNER, (), None)


def test_a_trader_key_only_where_it_was_authorized(case: Case) -> None:
    number = case.authorize()
    with case.unlock("bot") as key:
        found = trading_key(key, case.node.chain_id, 2, owner_allowed=False)
        for chain_id, subaccount in (("dydx-mainnet-1", 0), (case.node.chain_id, 1)):
            with pytest.raises(PermissionProblem, match=f"not authorized for subaccount {subaccount}"):
                trading_key(key, chain_id, subaccount, owner_allowed=True)
    assert (found.address, found.authenticators, found.markets) == (OWNER, (number,), (0, 1))


def test_what_it_signs_is_let_through_and_what_goes_beyond_is_not(case: Case) -> None:
    """Not simulated: real broadcasts, with the signature that the node verifies."""
    case.authorize()
    found = trading_key(case.unlock("bot"), case.node.chain_id, 0, owner_allowed=False)
    wallet = Wallet(found.pair, 0, 0)
    number, sequence = case.node.account(OWNER)
    codes = {}
    for probe in probes(OWNER, 0, 0, "usdc"):
        options = TxOptions(list(found.authenticators), sequence, number)
        client = case.node.client
        tx = client.builder.build_transaction(
            wallet,
            client.builder.build(wallet, probe.message).body.messages,
            client.builder.calculate_fee(90_000),
            options,
        )
        codes[probe.label] = asyncio.run(client.broadcast(tx)).tx_response.code
        sequence = case.node.account(OWNER)[1]
        case.peer.counter.block()
        sequence = case.node.account(OWNER)[1]
    assert [label for label, code in codes.items() if code == 104] == [
        "withdraw",
        "transfer",
        "send tokens",
        "permit another key",
    ]
    assert codes["place an order"] == codes["cancel an order"] == codes["cancel a batch"] == 0
