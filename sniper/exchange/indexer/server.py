"""The Indexer's sockets: HTTP and WebSocket on one port, around a `LocalIndexer`. Nothing here decides anything.

Whoever drives the exchange calls `publish` after the Indexer has taken news; what becomes due by time alone the server
fetches itself. Frames are written straight to the transport, all that a client gets at once in one write: with a
hundred clients the library's own sending would take most of a core.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from aiohttp import WSMsgType, web

from sniper.exchange.indexer.indexer import LocalIndexer
from sniper.exchange.indexer.wire import BROKEN, HEARTBEAT

PING: Final = b"\x89\x00"
SECOND_NS: Final = 1_000_000_000


class ServerSettings(NamedTuple):
    """Where to listen and how patiently.

    port 0: any free one. heartbeat_ns, pong_ns: how often a ping goes out, and how long its pong may take. buffer_max:
    bytes that wait for one slow client before it is cut off. message_max: bytes of a client's message.
    """

    host: str = "127.0.0.1"
    port: int = 0
    heartbeat_ns: int = 30 * SECOND_NS
    pong_ns: int = 10 * SECOND_NS
    buffer_max: int = 64 << 20
    message_max: int = 1 << 20
    clients_max: int = 1_024
    close_s: float = 2.0


class _Client:
    """A WebSocket client: its socket, when a ping goes out next, and until when its pong may take."""

    __slots__ = ("ping_ns", "pong_ns", "socket", "transport")

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.Transport, ping_ns: int) -> None:
        self.socket, self.transport = socket, transport
        self.ping_ns, self.pong_ns = ping_ns, 0


def frame_head(length: int) -> bytes:
    """The head of an unmasked text frame of so many bytes (RFC 6455, 5.2)."""
    if length < 126:
        return bytes((0x81, length))
    if length < 1 << 16:
        return b"\x81\x7e" + length.to_bytes(2, "big")
    return b"\x81\x7f" + length.to_bytes(8, "big")


class IndexerServer:
    """Serves a LocalIndexer. clock: nanoseconds since 1970; it must not go back. tls: None for plain sockets."""

    def __init__(
        self,
        indexer: LocalIndexer,
        settings: ServerSettings = ServerSettings(),  # noqa: B008 - an immutable tuple
        clock: Callable[[], int] = time.time_ns,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.indexer = indexer
        self.settings = settings
        self.port = settings.port
        self._clock = clock
        self._tls = tls
        self._clients: dict[int, _Client] = {}
        self._last = 0
        self._runner: web.AppRunner | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_ns = 0
        self._closing: set[asyncio.Task[None]] = set()
        self._beating: asyncio.Task[None] | None = None

    @property
    def clients(self) -> int:
        """How many WebSocket clients there are."""
        return len(self._clients)

    async def start(self) -> None:
        """Listen; `port` says where."""
        app = web.Application()
        app.router.add_route("GET", "/v4/ws", self._socket)
        app.router.add_route("*", "/{path:.*}", self._request)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=self.settings.close_s)
        await self._runner.setup()
        site = web.TCPSite(
            self._runner, self.settings.host, self.settings.port, ssl_context=self._tls, backlog=512
        )
        await site.start()
        self.port = self._runner.addresses[0][1]
        self._beating = asyncio.get_running_loop().create_task(self._beat())
        self.publish()

    async def stop(self) -> None:
        """Close every connection as for a restart, and listen no more."""
        if self._beating is not None:
            self._beating.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._beating
        self.indexer.strike("restart", self._clock())
        self.publish()
        if self._timer is not None:
            self._timer.cancel()
        if self._closing:
            await asyncio.wait(self._closing, timeout=self.settings.close_s)
        for client in list(self._clients.values()):
            client.transport.abort()
        if self._runner is not None:
            await self._runner.cleanup()
        self._runner = self._timer = None

    def publish(self) -> None:
        """Send what there is to send now, and be awake when there is more. Nothing while it does not listen."""
        if self._runner is None:
            return
        now_ns = self._clock()
        parts: dict[int, list[bytes]] = {}
        ends: list[tuple[int, int, str]] = []
        for number, text, code, reason in self.indexer.outgoing(now_ns):
            if text is None:
                ends.append((number, code, reason))
            else:
                parts.setdefault(number, []).extend((frame_head(len(text)), text))
        for number, pieces in parts.items():
            self._write(number, b"".join(pieces))
        for number, code, reason in ends:
            self._end(number, code, reason)
        self._wake(now_ns)

    def _wake(self, now_ns: int) -> None:
        due_ns = self.indexer.due_ns()
        if self._timer is not None:
            if due_ns == self._timer_ns:
                return
            self._timer.cancel()
        self._timer_ns = due_ns
        wait_s = max(due_ns - now_ns, 0) / SECOND_NS
        self._timer = asyncio.get_running_loop().call_later(wait_s, self._woken)

    def _woken(self) -> None:
        self._timer = None
        self.publish()

    def _write(self, number: int, data: bytes) -> None:
        client = self._clients.get(number)
        if client is None or client.transport.is_closing():
            return
        client.transport.write(data)
        if client.transport.get_write_buffer_size() > self.settings.buffer_max:
            client.transport.abort()

    def _end(self, number: int, code: int, reason: str) -> None:
        client = self._clients.get(number)
        if client is None:
            return
        if code == BROKEN:
            client.transport.abort()
            return
        task = asyncio.get_running_loop().create_task(self._close(client, code, reason))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _close(self, client: _Client, code: int, reason: str) -> None:
        with contextlib.suppress(ConnectionError, asyncio.TimeoutError):
            await asyncio.wait_for(
                client.socket.close(code=code, message=reason.encode("utf-8")), self.settings.close_s
            )
        client.transport.abort()

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        transport = request.transport
        if transport is None or len(self._clients) >= self.settings.clients_max:
            return web.Response(status=503)
        socket = web.WebSocketResponse(
            autoping=False,
            compress=False,
            max_msg_size=self.settings.message_max,
            timeout=self.settings.close_s,
        )
        if not socket.can_prepare(request).ok:
            return web.Response(status=426, text="Upgrade Required")
        await socket.prepare(request)
        self._last += 1
        number = self._last
        now_ns = self._clock()
        self._clients[number] = client = _Client(socket, transport, now_ns + self.settings.heartbeat_ns)
        try:
            self.indexer.connect(number, now_ns)
            self.publish()
            async for message in socket:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    data = message.data
                    text = data.encode("utf-8", "replace") if isinstance(data, str) else bytes(data)
                    self.indexer.receive(number, text, self._clock())
                    self.publish()
                elif message.type is WSMsgType.PONG:
                    client.pong_ns = 0
                elif message.type is WSMsgType.PING:
                    await socket.pong(message.data)
        except ConnectionError:
            pass  # the client is gone: there is nobody to tell
        finally:
            del self._clients[number]
            self.indexer.gone(number)
        return socket

    async def _beat(self) -> None:
        """Pings, and the end of who does not answer them."""
        pause_s = min(self.settings.heartbeat_ns, self.settings.pong_ns) / SECOND_NS / 10
        while True:
            await asyncio.sleep(pause_s)
            now_ns = self._clock()
            for number, client in list(self._clients.items()):
                if client.pong_ns and now_ns >= client.pong_ns:
                    client.pong_ns = 0
                    self._end(number, HEARTBEAT, "Heartbeat timeout")
                elif now_ns >= client.ping_ns:
                    client.ping_ns = now_ns + self.settings.heartbeat_ns
                    client.pong_ns = client.pong_ns or now_ns + self.settings.pong_ns
                    self._write(number, PING)

    async def _request(self, request: web.Request) -> web.Response:
        url = request.rel_url
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=404, text=f"Cannot {request.method} {url.raw_path}")
        client = request.remote or ""
        status, headers, body = self.indexer.rest(url.raw_path, url.raw_query_string, client, self._clock())
        self.publish()
        return web.Response(status=status, headers=headers, body=body)
