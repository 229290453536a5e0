"""Queries of the exchange's modules that are refused, and those that the client does not make: markets."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from v4_proto.dydxprotocol.clob.query_pb2 import QueryAllClobPairRequest, QueryGetClobPairRequest
from v4_proto.dydxprotocol.perpetuals.query_pb2 import QueryAllLiquidityTiersRequest, QueryPerpetualRequest
from v4_proto.dydxprotocol.prices.query_pb2 import QueryMarketPriceRequest

from sniper.exchange.node import market_queries
from sniper.exchange.node.asking import Refused
from sniper.exchange.node.transactions import Node
from sniper.exchange.terms import FINAL_SETTLEMENT, INITIALIZING
from tests.chains import START_NS, AccountsChain
from tests.serving import Counter
from tests.wallets import address

ME = address(0)


@pytest.fixture
def counter() -> Counter:
    return Counter(Node(AccountsChain()), START_NS)


@pytest.mark.parametrize(
    ("query", "request_", "status"),
    [
        (market_queries.clob_pair, QueryGetClobPairRequest(id=2), "NOT_FOUND"),
        (market_queries.price, QueryMarketPriceRequest(id=7), "NOT_FOUND"),
        (market_queries.perpetual, QueryPerpetualRequest(id=7), "NOT_FOUND"),
    ],
)
def test_refusals(counter: Counter, query: Any, request_: Any, status: str) -> None:
    with pytest.raises(Refused) as raised:
        query(counter, request_)
    assert raised.value.status == grpc.StatusCode[status]


def test_liquidity_tiers_are_those_that_perpetuals_name(counter: Counter) -> None:
    tiers = market_queries.liquidity_tiers(counter, QueryAllLiquidityTiersRequest()).liquidity_tiers
    assert [(one.id, one.initial_margin_ppm, one.open_interest_upper_cap) for one in tiers] == [
        (0, 20_000, 0),
        (1, 50_000, 2 * 10**12),
    ]


def test_every_status_has_its_number(counter: Counter) -> None:
    assert isinstance(counter.node.chain, AccountsChain)
    listed = counter.node.chain.listed
    listed[1] = listed[1]._replace(status=FINAL_SETTLEMENT)
    listed[7] = listed[7]._replace(status=INITIALIZING)
    pairs = market_queries.clob_pairs(counter, QueryAllClobPairRequest()).clob_pair
    assert [one.status for one in pairs] == [1, 6, 5]
