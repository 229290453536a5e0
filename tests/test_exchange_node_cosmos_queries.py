"""Queries of the Cosmos modules that are refused, and with what."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from v4_proto.cosmos.auth.v1beta1.query_pb2 import QueryAccountRequest
from v4_proto.cosmos.bank.v1beta1.query_pb2 import QueryAllBalancesRequest, QueryBalanceRequest
from v4_proto.cosmos.base.tendermint.v1beta1.query_pb2 import GetSyncingRequest
from v4_proto.cosmos.tx.v1beta1.service_pb2 import BroadcastTxRequest, GetTxRequest, SimulateRequest
from v4_proto.cosmos.tx.v1beta1.tx_pb2 import Tx

from sniper.exchange.node import cosmos_queries as queries
from sniper.exchange.node.asking import Refused
from sniper.exchange.node.fees import USDC
from sniper.exchange.node.transactions import Node
from tests.chains import START_NS, AccountsChain
from tests.serving import Counter
from tests.wallets import a_transfer, address, an_order, signed, wallet

ME = address(0)


@pytest.fixture
def counter() -> Counter:
    chain = AccountsChain()
    chain.open(ME)
    return Counter(Node(chain), START_NS)


REFUSED = (
    (queries.account, QueryAccountRequest(), "INVALID_ARGUMENT", "Address cannot be empty"),
    (
        queries.account,
        QueryAccountRequest(address="x"),
        "INVALID_ARGUMENT",
        "decoding bech32 failed: invalid address",
    ),
    (
        queries.account,
        QueryAccountRequest(address=address(1)),
        "NOT_FOUND",
        f"account {address(1)} not found",
    ),
    (queries.balance, QueryBalanceRequest(address=ME), "INVALID_ARGUMENT", "invalid denom"),
    (queries.balance, QueryBalanceRequest(address="x", denom=USDC), "INVALID_ARGUMENT", None),
    (queries.balances, QueryAllBalancesRequest(address="x"), "INVALID_ARGUMENT", None),
    (queries.broadcast, BroadcastTxRequest(mode=2), "INVALID_ARGUMENT", "invalid empty tx"),
    (queries.broadcast, BroadcastTxRequest(tx_bytes=b"x"), "UNKNOWN", None),
    (queries.broadcast, BroadcastTxRequest(tx_bytes=b"x", mode=1), "UNKNOWN", None),
    (queries.simulate, SimulateRequest(), "INVALID_ARGUMENT", "invalid empty tx"),
    (queries.simulate, SimulateRequest(tx_bytes=b"x"), "UNKNOWN", None),
    (queries.transaction, GetTxRequest(), "INVALID_ARGUMENT", "tx hash cannot be empty"),
    (queries.transaction, GetTxRequest(hash="AB"), "NOT_FOUND", "tx not found: AB"),
)


@pytest.mark.parametrize(("query", "request_", "status", "text"), REFUSED)
def test_refusals(counter: Counter, query: Any, request_: Any, status: str, text: str | None) -> None:
    with pytest.raises(Refused) as raised:
        query(counter, request_)
    assert raised.value.status == grpc.StatusCode[status]
    assert text is None or raised.value.text == text


def test_asynchronous_broadcasts_tell_the_hash_alone(counter: Counter) -> None:
    tx = signed(wallet(1), an_order(ME), fee=0)
    answer = queries.broadcast(counter, BroadcastTxRequest(tx_bytes=tx, mode=3)).tx_response
    assert (answer.code, len(answer.txhash)) == (0, 64), "refused, but that is not told"
    assert not queries.syncing(counter, GetSyncingRequest()).syncing


def test_simulation_takes_bytes_or_a_message(counter: Counter) -> None:
    raw = signed(wallet(0), a_transfer(ME))
    both = (SimulateRequest(tx_bytes=raw), SimulateRequest(tx=Tx.FromString(raw)))
    assert [queries.simulate(counter, one).gas_info.gas_used for one in both] == [90_000, 90_000]


def test_a_transaction_is_found_by_its_hash_in_any_case(counter: Counter) -> None:
    raw = signed(wallet(0), a_transfer(ME))
    name = counter.broadcast(raw)[1]
    with pytest.raises(Refused, match="tx not found"):
        queries.transaction(counter, GetTxRequest(hash=name))
    counter.block()
    found = queries.transaction(counter, GetTxRequest(hash=name.lower()))
    assert found.tx == Tx.FromString(raw)
    assert (found.tx_response.height, found.tx_response.gas_wanted) == (101, 1_000_000)
    assert found.tx_response.timestamp == "2026-01-01T00:00:00Z"
