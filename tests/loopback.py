"""A stand-in for the Indexer on this machine: a WebSocket server that keeps its rules, and a scripted REST
server.

The WebSocket server follows the real one's source: `connected` first; one message counter for each
connection; the id of `subscribed` is reserved when the request comes; a subscription exists only once
`subscribed` was sent; the third request for one id within the window closes the connection with 1008;
`unsubscribed` always comes back. Faults are methods: close, abort, refuse with 429, fall silent, split or
oversize a message.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import http.server
import json
import ssl
import threading
import time
import urllib.parse
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

PATIENCE_S = 10.0
NO_ID = ("v4_markets", "v4_block_height")


def until(true: Callable[[], Any], what: str = "", patience_s: float = PATIENCE_S) -> Any:
    """Wait until `true()` is, and give its value."""
    end_s = time.monotonic() + patience_s
    while not (value := true()):
        assert time.monotonic() < end_s, f"did not happen within {patience_s} s: {what or true}"
        time.sleep(0.002)
    return value


def certificate(folder: Path, host: str = "localhost") -> tuple[Path, Path]:
    """A fresh self-signed certificate for this host: (certificate, key), both PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "certificate.pem", folder / "key.pem"
    certificate_file.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate_file, key_file


class Recorder:
    """An inbox that keeps everything. `full`: it takes nothing."""

    def __init__(self) -> None:
        self.records: list[tuple[int, int, int, bytes]] = []
        self.full = False

    def put(self, recv_ns: int, connection: int, kind: int, data: bytes) -> bool:
        if not self.full:
            self.records.append((recv_ns, connection, kind, data))
        return not self.full

    def of(self, kind: int, connection: int | None = None) -> list[bytes]:
        """The data of all records of a kind, of one connection or of all."""
        return [r[3] for r in self.records if r[2] == kind and connection in (None, r[1])]

    def frames(self, connection: int | None = None) -> list[bytes]:
        return self.of(0, connection)

    def links(self, connection: int | None = None) -> list[str]:
        """The LINK records as "state code", without their text."""
        return [" ".join(data.decode("ascii").split(" ", 2)[:2]) for data in self.of(3, connection)]


class Asked(NamedTuple):
    """One message of a client."""

    session: int
    at_s: float
    verb: str
    channel: str
    id: str
    message: dict[str, Any]


class Session:
    """One connection on the server's side."""

    def __init__(self, number: int, socket: ServerConnection) -> None:
        self.number = number
        self.socket = socket
        self.next_id = 0
        self.held: dict[tuple[str, str], bool] = {}  # (channel, id): batched
        self.asked: dict[tuple[str, str], list[float]] = defaultdict(list)
        self.tasks: set[asyncio.Task[None]] = set()

    def take_id(self) -> int:
        self.next_id += 1
        return self.next_id - 1

    async def tell(self, kind: str, message_id: int, **fields: Any) -> None:
        head = {"type": kind, "connection_id": f"session-{self.number}", "message_id": message_id}
        await self.raw(json.dumps({**head, **fields}, separators=(",", ":")))

    async def raw(self, text: str | Iterable[str]) -> None:
        with contextlib.suppress(ConnectionClosed):
            await self.socket.send(text)


class Indexer:
    """The stand-in. Use as a context manager; every method may be called from the test's thread."""

    def __init__(
        self, tls: tuple[Path, Path] | None = None, window_s: float = 0.2, delay_s: float = 0.0
    ) -> None:
        """window_s: the length of the window in which two requests for one id are allowed (really 1 s)."""
        self.contents: dict[tuple[str, str], Any] = defaultdict(dict)
        self.asked: list[Asked] = []
        self.sessions: list[Session] = []
        self.handshakes = 0
        self.too_many = 0  # answer this many handshakes with 429
        self.refuse: dict[tuple[str, str], list[str]] = defaultdict(list)  # error texts to send instead
        self.mute = False
        self.delay_s = delay_s
        self.limits: dict[str, int] = {}
        self._window_s = window_s
        self._tls = tls
        self._ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._main()), name="loopback", daemon=True
        )

    def __enter__(self) -> Indexer:
        self._thread.start()
        assert self._ready.wait(PATIENCE_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join(PATIENCE_S)

    async def _main(self) -> None:
        self._loop, self._done = asyncio.get_running_loop(), asyncio.Event()
        context = None
        if self._tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self._tls)
        async with serve(
            self._serve,
            "127.0.0.1",
            0,
            ssl=context,
            process_request=self._handshake,
            compression=None,
            ping_interval=None,
            close_timeout=0.2,
        ) as server:
            port = server.sockets[0].getsockname()[1]
            self.url = f"wss://localhost:{port}/v4/ws" if self._tls else f"ws://127.0.0.1:{port}/v4/ws"
            self._ready.set()
            await self._done.wait()

    def _handshake(self, socket: ServerConnection, _request: Request) -> Response | None:
        self.handshakes += 1
        if self.too_many > 0:
            self.too_many -= 1
            return socket.respond(429, "Too many requests\n")
        return None

    async def _serve(self, socket: ServerConnection) -> None:
        session = Session(len(self.sessions), socket)
        self.sessions.append(session)
        if not self.mute:
            await session.tell("connected", session.take_id())
        with contextlib.suppress(ConnectionClosed):
            async for text in socket:
                message = json.loads(text)
                key = (message["channel"], message.get("id") or message["channel"])
                shown = "" if key[0] in NO_ID else key[1]
                self.asked.append(
                    Asked(session.number, time.monotonic(), message["type"], key[0], shown, message)
                )
                if message["type"] == "unsubscribe":
                    session.held.pop(key, None)
                    await session.tell("unsubscribed", session.take_id(), **self._named(key))
                else:
                    task = asyncio.create_task(self._subscribe(session, key, bool(message.get("batched"))))
                    session.tasks.add(task)
                    task.add_done_callback(session.tasks.discard)

    @staticmethod
    def _named(key: tuple[str, str]) -> dict[str, str]:
        return {"channel": key[0]} if key[0] == "v4_markets" else {"channel": key[0], "id": key[1]}

    async def _subscribe(self, session: Session, key: tuple[str, str], batched: bool) -> None:
        message_id, now_s = session.take_id(), time.monotonic()
        session.asked[key] = [t for t in session.asked[key] if now_s - t < self._window_s] + [now_s]
        name = "-".join(key)
        if len(session.asked[key]) > 2:
            text = f"Too many subscribe attempts for channel {name}. Please  reconnect and try again."
            await session.tell("error", message_id, message=text)
            await session.socket.close(1008, '{"message":"Rate limited"}')
            return
        if sum(channel == key[0] for channel, _ in session.held) >= self.limits.get(key[0], 32):
            text = f"Per-connection subscription limit reached for {key[0]} (limit={self.limits[key[0]]})."
            await session.tell("error", message_id, message=text)
            return
        contents = json.dumps(self.contents[key])
        if self.delay_s:  # as on the real server, updates between the snapshot and its answer are lost
            await asyncio.sleep(self.delay_s)
        if self.mute:
            return
        if self.refuse[key]:
            text = self.refuse[key].pop(0)
            named = self._named(key) if "could not fetch" in text else {}
            await session.tell("error", message_id, message=text, **named)
        elif key in session.held:
            text = f"Invalid subscribe message: already subscribed ({name})"
            await session.tell("error", message_id, message=text, **self._named(key))
        else:
            session.held[key] = batched
            await session.tell("subscribed", message_id, **self._named(key), contents=json.loads(contents))

    # What a test does to it

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine on the server's loop and give its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)

    @property
    def session(self) -> Session:
        """The newest connection."""
        return self.sessions[-1]

    def publish(
        self,
        channel: str,
        subscription_id: str,
        updates: list[Any],
        *,
        contents: Any = None,
        version: str = "1.0.0",
    ) -> None:
        """Send updates to everyone who is subscribed: one message each, or one batch.

        contents: what a snapshot shows from now on, changed in the same instant.
        """
        key = (channel, subscription_id or channel)

        async def send() -> None:
            if contents is not None:
                self.contents[key] = contents
            for session in self.sessions:
                if key not in session.held or self.mute:
                    continue
                named = {**self._named(key), "version": version}
                if session.held[key]:
                    await session.tell("channel_batch_data", session.take_id(), **named, contents=updates)
                else:
                    for update in updates:
                        await session.tell("channel_data", session.take_id(), **named, contents=update)

        self.do(send())

    def raw(self, text: str | list[str]) -> None:
        """Send this text as one message on the newest connection; a list is sent as fragments."""
        self.do(self.session.raw(text))

    def close(self, code: int, reason: str = "", number: int = -1) -> None:
        self.do(self.sessions[number].socket.close(code, reason))

    def abort(self, number: int = -1) -> None:
        """Reset the TCP connection without a close frame."""

        async def cut() -> None:
            self.sessions[number].socket.transport.abort()

        self.do(cut())

    def close_without_a_code(self) -> None:
        async def close() -> None:
            transport = self.session.socket.transport
            transport.write(b"\x88\x00")
            transport.close()

        self.do(close())

    def subscribed(self, session: int | None = None) -> list[tuple[str, str]]:
        """(channel, id) of every subscribe request, in order."""
        return [
            (a.channel, a.id) for a in self.asked if a.verb == "subscribe" and session in (None, a.session)
        ]


class Call(NamedTuple):
    """One request that the REST server got."""

    path: str
    query: dict[str, str]
    raw_query: str
    port: int
    at_s: float


Reply = tuple[int, dict[str, str], bytes]


class RestServer:
    """A scripted HTTP server: `reply(call)` gives (status, headers, body)."""

    def __init__(self, reply: Callable[[Call], Reply], tls: tuple[Path, Path] | None = None) -> None:
        self.calls: list[Call] = []
        self.reply = reply
        calls = self.calls

        class Answering(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(handler) -> None:
                path, _, raw_query = handler.path.partition("?")
                query = dict(urllib.parse.parse_qsl(raw_query, keep_blank_values=True))
                call = Call(path, query, raw_query, handler.client_address[1], time.monotonic())
                calls.append(call)
                status, headers, body = self.reply(call)
                with contextlib.suppress(OSError):
                    handler.send_response(status)
                    for name, value in headers.items():
                        handler.send_header(name, value)
                    handler.send_header("Content-Length", str(len(body)))
                    handler.end_headers()
                    handler.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self._server.daemon_threads = True
        port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{port}"
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            self.url = f"https://localhost:{port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> RestServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(PATIENCE_S)
