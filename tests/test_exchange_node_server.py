"""The node's port: free or taken, plain or with a certificate."""

from __future__ import annotations

import asyncio
from pathlib import Path

import grpc
import pytest
from v4_proto.cosmos.base.tendermint.v1beta1 import query_pb2_grpc as tendermint_grpc
from v4_proto.cosmos.base.tendermint.v1beta1.query_pb2 import GetLatestBlockRequest
from v4_proto.cosmos.tx.v1beta1 import service_pb2_grpc as tx_grpc
from v4_proto.cosmos.tx.v1beta1.service_pb2 import BroadcastTxRequest

from sniper.errors import NetworkUnavailable
from sniper.exchange.node.server import Certificate, NodeServer
from sniper.exchange.node.transactions import Node
from tests.chains import START_NS, AccountsChain
from tests.loopback import certificate
from tests.serving import Counter, served


@pytest.fixture
def counter() -> Counter:
    return Counter(Node(AccountsChain()), START_NS)


def height(channel: grpc.Channel) -> int:
    stub = tendermint_grpc.ServiceStub(channel)
    return int(stub.GetLatestBlock(GetLatestBlockRequest(), timeout=10).block.header.height)


def test_a_taken_port_is_named(counter: Counter) -> None:
    with served(counter) as port:
        second = NodeServer(counter, "127.0.0.1", port)
        with pytest.raises(NetworkUnavailable, match=f"cannot listen on 127.0.0.1:{port}"):
            asyncio.run(second.start())
        asyncio.run(second.stop())


def test_a_self_signed_certificate_is_believed_only_by_those_who_have_it(
    counter: Counter, tmp_path: Path
) -> None:
    chain, key = certificate(tmp_path)
    with served(counter, Certificate(chain, key)) as port:
        trusting = grpc.ssl_channel_credentials(chain.read_bytes())
        with grpc.secure_channel(f"localhost:{port}", trusting) as channel:
            assert height(channel) == 100
        for stranger in (
            grpc.secure_channel(f"localhost:{port}", grpc.ssl_channel_credentials()),
            grpc.insecure_channel(f"localhost:{port}"),
        ):
            with stranger, pytest.raises(grpc.RpcError) as raised:
                height(stranger)
            assert raised.value.code() == grpc.StatusCode.UNAVAILABLE


def test_a_call_of_more_than_four_megabytes_is_not_read(counter: Counter) -> None:
    with served(counter) as port, grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        with pytest.raises(grpc.RpcError) as raised:
            tx_grpc.ServiceStub(channel).BroadcastTx(BroadcastTxRequest(tx_bytes=b"x" * (5 << 20), mode=2))
        assert raised.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert not counter.node.cache
