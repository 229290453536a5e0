"""The sockets: frames, closes, heartbeats, slow readers, TLS, and a stop that tells everybody."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from sniper.exchange.indexer.server import ServerSettings, frame_head
from tests.exchange_indexing import NOW
from tests.exchange_serving import Served, serving
from tests.loopback import certificate, until

SECOND_NS = 1_000_000_000


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving() as found:
        yield found


def say(client: ClientConnection, **message: Any) -> None:
    client.send(json.dumps(message))


def hear(client: ClientConnection, kind: str) -> dict[str, Any]:
    while True:
        message: dict[str, Any] = json.loads(client.recv(timeout=10))
        if message["type"] == kind:
            return message


@pytest.mark.parametrize("length", [0, 125, 126, 65_535, 65_536, 1 << 20])
def test_heads_of_frames(length: int) -> None:
    head = frame_head(length)
    assert head[0] == 0x81
    if length < 126:
        assert head[1:] == bytes([length])
    else:
        size = {0x7E: 2, 0x7F: 8}[head[1]]
        assert len(head) == 2 + size and int.from_bytes(head[2:], "big") == length


def test_a_client_subscribes_hears_and_leaves(served: Served) -> None:
    with connect(served.socket_url) as client:
        assert hear(client, "connected")["message_id"] == 0
        say(client, type="subscribe", channel="v4_block_height")
        height = int(hear(client, "subscribed")["contents"]["height"])
        served.call(served.block)
        assert int(hear(client, "channel_data")["contents"]["blockHeight"]) == height + 1
        client.send(json.dumps({"type": "subscribe", "channel": "v4_orderbook", "id": "BTC-USD"}).encode())
        assert len(hear(client, "subscribed")["contents"]["bids"]) > 0
        client.ping().wait(5)
        assert served.call(lambda: served.server.clients) >= 1
    until(lambda: not served.call(lambda: served.server.clients))


def test_batches_come_by_themselves(served: Served) -> None:
    with connect(served.socket_url) as client:
        say(client, type="subscribe", channel="v4_block_height", batched=True)
        hear(client, "subscribed")
        served.call(served.block)
        assert len(hear(client, "channel_batch_data")["contents"]) == 1


def test_large_frames_arrive_whole(served: Served) -> None:
    with connect(served.socket_url, max_size=1 << 24) as client:
        say(client, type="subscribe", channel="v4_trades", id="BTC-USD")
        assert hear(client, "subscribed")["contents"]["trades"]


def test_rate_limits_close_with_1008(served: Served) -> None:
    with connect(served.socket_url) as client:
        for _ in range(3):
            client.send("{")
        with pytest.raises(ConnectionClosed) as closed:
            hear(client, "never")
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1008, '{"message":"Rate limited"}')


def test_strikes_break_off_and_restart(served: Served) -> None:
    def strike(name: str) -> None:
        served.desk.indexer.strike(name, time.time_ns())
        served.server.publish()

    for name, code in (("disconnect", None), ("restart", 1012)):
        with connect(served.socket_url) as client:
            hear(client, "connected")
            served.call(lambda name=name: strike(name))
            with pytest.raises(ConnectionClosed) as closed:
                hear(client, "never")
        assert (closed.value.rcvd.code if closed.value.rcvd else None) == code


def test_requests(served: Served) -> None:
    with urllib.request.urlopen(f"{served.url}/v4/height", timeout=10) as answer:
        assert answer.status == 200 and answer.headers["Content-Type"] == "application/json; charset=utf-8"
        assert int(json.load(answer)["height"]) > 1_000
    for path, method, status in (
        ("/v4/nope", "GET", 404),
        ("/v4/height", "POST", 404),
        ("/v4/ws", "GET", 426),
    ):
        with pytest.raises(urllib.error.HTTPError) as wrong:
            urllib.request.urlopen(urllib.request.Request(served.url + path, method=method), timeout=10)
        assert wrong.value.code == status


def test_who_answers_pings_stays_and_who_does_not_is_closed_with_1011() -> None:
    with serving(server=ServerSettings(heartbeat_ns=SECOND_NS // 5, pong_ns=SECOND_NS // 5)) as served:
        with connect(served.socket_url) as client:
            hear(client, "connected")
            time.sleep(1.0)
            client.ping().wait(5)
        raw = socket.create_connection(("127.0.0.1", served.server.port))
        raw.sendall(
            b"GET /v4/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        raw.settimeout(10)
        data = b""
        while piece := raw.recv(4_096):
            data += piece
        assert b"\x89\x00" in data and b"\x03\xf3Heartbeat timeout" in data
        raw.close()


def test_a_reader_that_is_too_slow_is_cut_off() -> None:
    settings = ServerSettings(buffer_max=100_000)
    with serving(server=settings) as served, connect(served.socket_url, max_queue=1) as client:
        hear(client, "connected")
        say(client, type="subscribe", channel="v4_block_height")
        hear(client, "subscribed")
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)

        def flood() -> None:
            wires = served.desk.indexer.sessions.wires
            for wire in wires.values():
                for _ in range(200):
                    wire.send(b'"' + b"x" * 100_000 + b'"', time.time_ns())
            served.server.publish()

        served.call(flood)
        until(lambda: not served.call(lambda: served.server.clients))


def test_a_self_signed_certificate_is_served_and_refused_by_who_checks(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    with serving(tls=context) as served:
        url = f"https://127.0.0.1:{served.server.port}/v4/height"
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            urllib.request.urlopen(url, timeout=10)
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        with urllib.request.urlopen(url, timeout=10, context=trusting) as answer:
            assert answer.status == 200


def test_a_stop_closes_everybody_with_1012_and_the_port() -> None:
    served = Served(NOW, ServerSettings(), None)
    served.start()
    with connect(served.socket_url) as client:
        hear(client, "connected")
        served.stop()
        with pytest.raises(ConnectionClosed) as closed:
            hear(client, "never")
    assert closed.value.rcvd is not None and closed.value.rcvd.code == 1012
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", served.server.port), timeout=2)


def test_no_more_clients_than_allowed() -> None:
    with serving(server=ServerSettings(clients_max=1)) as served, connect(served.socket_url) as first:
        hear(first, "connected")
        with pytest.raises(Exception, match="503"):
            connect(served.socket_url)


def test_the_server_keeps_no_task_behind() -> None:
    with serving() as served:
        loop = served.loop
    assert loop.is_closed() and not asyncio.all_tasks(loop)
