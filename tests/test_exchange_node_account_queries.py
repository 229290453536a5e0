"""Queries of the exchange's modules that are refused, and those that the client does not make: accounts."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from v4_proto.dydxprotocol.accountplus.query_pb2 import GetAuthenticatorRequest, GetAuthenticatorsRequest
from v4_proto.dydxprotocol.feetiers.query_pb2 import QueryUserFeeTierRequest
from v4_proto.dydxprotocol.stats.query_pb2 import QueryUserStatsRequest
from v4_proto.dydxprotocol.subaccounts.query_pb2 import (
    QueryGetSubaccountRequest,
    QueryGetWithdrawalAndTransfersBlockedInfoRequest,
)

from sniper.exchange.node import account_queries
from sniper.exchange.node.asking import Refused
from sniper.exchange.node.transactions import Node
from tests.chains import START_NS, AccountsChain
from tests.serving import Counter
from tests.wallets import address, pair

ME = address(0)


@pytest.fixture
def counter() -> Counter:
    return Counter(Node(AccountsChain()), START_NS)


@pytest.mark.parametrize(
    ("query", "request_", "status"),
    [
        (
            account_queries.gating,
            QueryGetWithdrawalAndTransfersBlockedInfoRequest(perpetual_id=7),
            "NOT_FOUND",
        ),
        (account_queries.subaccount, QueryGetSubaccountRequest(owner="x"), "INVALID_ARGUMENT"),
        (account_queries.user_fee_tier, QueryUserFeeTierRequest(user="x"), "INVALID_ARGUMENT"),
        (account_queries.user_stats, QueryUserStatsRequest(user=""), "INVALID_ARGUMENT"),
        (account_queries.authenticators, GetAuthenticatorsRequest(account="x"), "INVALID_ARGUMENT"),
        (account_queries.authenticator, GetAuthenticatorRequest(account=ME, authenticator_id=3), "NOT_FOUND"),
    ],
)
def test_refusals(counter: Counter, query: Any, request_: Any, status: str) -> None:
    with pytest.raises(Refused) as raised:
        query(counter, request_)
    assert raised.value.status == grpc.StatusCode[status]


def test_one_authenticator(counter: Counter) -> None:
    counter.node.authenticators.add(ME, "SignatureVerification", pair(1).public_key_bytes)
    found = account_queries.authenticator(counter, GetAuthenticatorRequest(account=ME, authenticator_id=0))
    assert found.account_authenticator.config == pair(1).public_key_bytes
