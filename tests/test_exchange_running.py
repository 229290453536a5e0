"""All of it on real sockets and wall time: the official clients for REST, WebSocket and gRPC against one venue."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import time
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
import websockets.sync.client
from dydx_v4_client.indexer.rest.constants import OrderType
from dydx_v4_client.indexer.rest.indexer_client import IndexerClient
from dydx_v4_client.indexer.socket.websocket import IndexerSocket
from dydx_v4_client.network import NodeConfig
from dydx_v4_client.node.client import NodeClient
from dydx_v4_client.node.market import Market
from dydx_v4_client.wallet import Wallet
from v4_proto.dydxprotocol.clob.order_pb2 import Order

from sniper.errors import NetworkUnavailable
from sniper.exchange.certificates import self_signed
from sniper.exchange.house import House
from sniper.exchange.node.fees import USDC
from sniper.exchange.running import GAP_NS, Clock, Ports, Running
from tests.houses import ME, SMALL, S, house
from tests.loopback import until
from tests.test_exchange_certificates import NOW
from tests.venues import ANY, venue
from tests.wallets import CHAIN_ID, MNEMONICS


def test_the_official_clients_trade_and_see_it() -> None:
    """Market from REST, order by gRPC, news by WebSocket, books by REST: nothing of it modified."""
    said: list[dict[str, Any]] = []
    with venue() as here, grpc.insecure_channel(here.grpc) as channel:
        socket = IndexerSocket(here.websocket, on_message=lambda _, message: said.append(message))
        thread = threading.Thread(target=lambda: socket.run_forever(sslopt={}), daemon=True)
        thread.start()
        until(lambda: any(message["type"] == "connected" for message in said))
        socket.subaccounts.subscribe(ME, 0)
        socket.order_book.subscribe("BTC-USD", batched=False)
        until(lambda: sum(message["type"] == "subscribed" for message in said) == 2)

        async def trade() -> Any:
            indexer = IndexerClient(here.rest, api_timeout=10)
            node = await NodeClient.connect(NodeConfig(CHAIN_ID, "adv4tnt", USDC, channel))
            me = await Wallet.from_mnemonic(node, MNEMONICS[0], ME)
            listed = (await indexer.markets.get_perpetual_markets("BTC-USD"))["markets"]["BTC-USD"]
            market = Market(listed)
            order = market.order(
                order_id=market.order_id(ME, 0, 77, 0),
                order_type=OrderType.LIMIT,
                side=Order.SIDE_BUY,
                size=0.01,
                price=int(float(listed["oraclePrice"]) * 1.01),
                time_in_force=Order.TIME_IN_FORCE_IOC,
                reduce_only=False,
                good_til_block=await node.latest_block_height() + 10,
            )
            return (await node.place_order(me, order)).tx_response

        response = asyncio.run(trade())
        assert response.code == 0, response.raw_log

        def fills() -> list[Any]:
            return [
                fill
                for message in list(said)
                if message.get("channel") == "v4_subaccounts" and message["type"] == "channel_data"
                for fill in message["contents"].get("fills", [])
            ]

        (fill,) = until(fills)
        assert (fill["size"], fill["side"], fill["ticker"]) == ("0.01", "BUY", "BTC-USD")
        indexer = IndexerClient(here.rest, api_timeout=10)
        (told,) = asyncio.run(indexer.account.get_subaccount_fills(ME, 0))["fills"]
        assert told["id"] == fill["id"]
        account = asyncio.run(indexer.account.get_subaccount(ME, 0))["subaccount"]
        assert account["openPerpetualPositions"]["BTC-USD"]["size"] == "0.01"
        assert here.running.clients == 1
        socket.close()
        thread.join(5)


def test_self_signed_is_refused_on_all_three_transports(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path, NOW.now(NOW.tzinfo))
    with venue(certificate=certificate, quiet=True) as here:
        rest, websocket = (
            f"https://127.0.0.1:{here.ports.indexer}",
            f"wss://127.0.0.1:{here.ports.indexer}/v4/ws",
        )
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(f"{rest}/v4/height")
        with pytest.raises(ssl.SSLCertVerificationError):
            websockets.sync.client.connect(websocket)
        with (
            grpc.secure_channel(here.grpc, grpc.ssl_channel_credentials()) as channel,
            pytest.raises(grpc.FutureTimeoutError),
        ):
            grpc.channel_ready_future(channel).result(timeout=1)
        # Those who have the certificate get through.
        trusting = ssl.create_default_context(cafile=str(certificate.chain))
        assert httpx.get(f"{rest}/v4/height", verify=trusting).status_code == 200
        with websockets.sync.client.connect(websocket, ssl=trusting) as socket:
            assert json.loads(socket.recv())["type"] == "connected"


def test_a_recording_is_whole_when_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "r.ndjson"
    with venue(record=path) as here:
        recorder = here.running.recorder
        assert recorder is not None
        until(lambda: recorder.frames > 30)
    lines = path.read_bytes().splitlines()
    assert len(lines) == recorder.frames
    assert all("msg" in json.loads(line) for line in lines)


@pytest.mark.parametrize("taken", ["indexer", "node", "control"])
def test_a_taken_port_stops_everything(taken: str) -> None:
    with venue(quiet=True) as here:
        number = getattr(here.ports, taken)
        second = Running(House(SMALL._replace(quiet=True)), ANY._replace(**{taken: number}))
        with pytest.raises(NetworkUnavailable, match=f"127.0.0.1:{number}"):
            asyncio.run(second.start())


def test_the_clock_leaves_out_what_the_machine_slept() -> None:
    one, wall = house(quiet=True), [1_000 * S]
    clock = Clock(one, lambda: wall[0])
    start = one.now_ns
    assert clock.turn() == start
    wall[0] += S
    assert clock.turn() == start + S
    wall[0] += GAP_NS + S
    assert clock.turn() == start + S, "six seconds that nobody lived"
    wall[0] += S
    assert clock.turn() == start + 2 * S
    wall[0] -= 10 * S
    assert clock.turn() == start + 2 * S, "and it never goes back"


def test_time_goes_on_by_itself() -> None:
    with venue(quiet=True) as here:
        height = here.on(lambda: here.house.chain.height)
        start = time.monotonic()
        until(lambda: here.on(lambda: here.house.chain.height) >= height + 3)
        assert time.monotonic() - start > 0.9


def test_default_ports_are_those_that_are_written_down() -> None:
    text = (Path(__file__).parent.parent / "docs" / "exchange.md").read_text()
    for port in Ports()[1:]:
        assert str(port) in text
