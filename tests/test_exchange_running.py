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
from dydx_v4_client.node.authenticators import Authenticator
from dydx_v4_client.node.client import NodeClient
from dydx_v4_client.node.market import Market
from dydx_v4_client.wallet import Wallet
from v4_proto.dydxprotocol.clob.order_pb2 import Order
from v4_proto.dydxprotocol.clob.tx_pb2 import OrderBatch
from v4_proto.dydxprotocol.subaccounts.subaccount_pb2 import SubaccountId

from sniper.errors import NetworkUnavailable
from sniper.exchange.certificates import self_signed
from sniper.exchange.house import House
from sniper.exchange.node.fees import USDC
from sniper.exchange.running import GAP_NS, Clock, Ports, Running
from tests.houses import ME, SMALL, S, house
from tests.loopback import until
from tests.test_exchange_certificates import NOW
from tests.venues import ANY, Venue, venue
from tests.wallets import CHAIN_ID, MNEMONICS, address, an_order, pair


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


def test_every_call_of_the_official_node_client_on_the_real_chain() -> None:
    """orders.md, section 5, all rows but the last: each call is answered, and what must agree does."""
    sub, other = SubaccountId(owner=ME, number=0), SubaccountId(owner=ME, number=1)
    key = Authenticator.signature_verification(pair(1).public_key_bytes)

    async def every(node: NodeClient, me: Wallet, here: Venue) -> None:
        async def mined(answer: Any) -> None:
            """A transaction is accepted, and found without an error in a block."""
            assert answer.tx_response.code == 0, answer.tx_response.raw_log
            until(lambda: here.on(lambda: answer.tx_response.txhash in here.house.node.records))
            tx = await node.query_transaction(
                answer.tx_response.txhash
            )  # would sleep two seconds if asked too early
            assert tx.body.memo == "Client Example"
            assert here.on(lambda: here.house.node.records[answer.tx_response.txhash].outcome.code) == 0

        height = await node.latest_block_height()
        order = an_order(ME, subticks=1_000_000_000, good_til_block=height + 20).order
        assert (await node.place_order(me, order)).tx_response.code == 0
        assert (await node.cancel_order(me, order.order_id, good_til_block=height + 20)).tx_response.code == 0
        batch = [OrderBatch(clob_pair_id=0, client_ids=[1])]
        assert (await node.batch_cancel_orders(me, sub, batch, height + 20)).tx_response.code == 0
        await mined(await node.transfer(me, sub, other, 0, 7_000_000))
        await mined(await node.deposit(me, ME, sub, 0, 1_000_000))
        await mined(await node.withdraw(me, sub, ME, 0, 2_000_000))
        await mined(await node.send_token(me, ME, address(1), 3_000_000, USDC))
        await mined(await node.add_authenticator(me, key))
        (kept,) = (await node.get_authenticators(ME)).account_authenticators
        await mined(await node.remove_authenticator(me, kept.id))
        assert not (await node.get_authenticators(ME)).account_authenticators
        assert (await node.get_account(ME)).sequence == 6
        assert await node.query_address(ME) == (me.account_number, 6)
        assert (await node.latest_block()).block.header.chain_id == CHAIN_ID
        assert (await node.get_node_info()).default_node_info.network == CHAIN_ID
        wallet_quote = SMALL.wallet_quote - 1_000_000 + 2_000_000 - 3_000_000
        held = int((await node.get_account_balance(ME, USDC)).balance.amount)
        assert 0 < wallet_quote - held < 100_000, "but for fees"
        assert [coin.denom for coin in (await node.get_account_balances(ME)).balances] == [USDC]
        found = await node.get_subaccount(ME, 1)
        assert found.asset_positions[0].quantums == b"\x02" + (7_000_000).to_bytes(3, "big")
        assert found in list((await node.get_subaccounts()).subaccount)
        assert not (await node.get_withdrawal_and_transfer_gating_status(0)).chain_outage_seen_at_block
        assert [await node.get_clob_pair(0)] == list((await node.get_clob_pairs()).clob_pair)
        assert [await node.get_price(0)] == list((await node.get_prices()).market_prices)
        assert [(await node.get_perpetual(0)).perpetual] == list((await node.get_perpetuals()).perpetual)
        assert (await node.get_equity_tier_limit_config()).stateful_order_equity_tiers
        tiers = (await node.get_fee_tiers()).params.tiers
        mine = await node.get_user_fee_tier(ME)
        assert tiers[mine.index] == mine.tier
        assert (await node.get_user_stats(ME)).stats.taker_notional == 0
        assert (await node.get_rewards_params()).params.denom == "adydx"

    with venue(quiet=True) as here, grpc.insecure_channel(here.grpc) as channel:

        async def all_of_it() -> None:
            node = await NodeClient.connect(NodeConfig(CHAIN_ID, "adv4tnt", USDC, channel))
            await every(node, await Wallet.from_mnemonic(node, MNEMONICS[0], ME), here)

        asyncio.run(all_of_it())


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
    assert path.read_text().count('"type":"connected"') == 1, "the end of the venue is not part of it"


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


def test_a_house_opened_a_moment_ago_catches_up_with_the_wall() -> None:
    one = house(quiet=True)
    now_ns = one.now_ns + 2 * S
    clock = Clock(one, lambda: now_ns)
    assert clock.turn() == now_ns == one.now_ns


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
