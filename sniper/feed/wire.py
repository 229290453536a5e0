"""One connection: a thread that runs the official IndexerSocket, again and again, until it is told to stop.

Why not simply `IndexerSocket.connect()`: it switches the verification of TLS certificates off.
`run_forever` is called directly instead, and `on_message` is replaced after construction, because the
official wrapper runs json.loads on every message in the socket's thread. With `skip_utf8_validation` a
message arrives as bytes and goes to the inbox untouched (validation in pure Python: 86 us a frame against
16 us without).

`dydx_v4_client` is imported when the thread starts, and only its socket module (45 ms).
"""

from __future__ import annotations

import contextlib
import socket as sockets
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple, Protocol

from sniper.feed.bound import bound_messages
from sniper.feed.link_state import Happening, Link, State
from sniper.feed.settings import SocketSettings
from sniper.feed.sniff import DATA_PREFIX, Control, sniff
from sniper.feed.subscriptions import Subscriptions
from sniper.types import REC_FRAME, REC_LINK

NO_STATUS: Final = 1005  # a close frame without a code
ABNORMAL: Final = 1006  # the connection ended without a close frame
TOO_MANY_REQUESTS: Final = 429
TEXT_MAX: Final = 200


class Entrance(Protocol):
    """The side of the inbox that a feed sees."""

    def put(self, recv_ns: int, connection: int, kind: int, data: bytes) -> bool:
        """Store one record; False when there was no room, which the inbox itself reports as a gap."""
        ...


class Verdict(NamedTuple):
    """Why a connection ended."""

    happening: Happening
    link_state: str
    code: int
    text: str


class Wire:
    """The thread of one connection and what it counts.

    lock guards `link` and `subscriptions`, and is notified whenever the sender may have something new to
    do. heard is told each control message (with the lock held), failed each fault of ours. The counters are
    written by the connection's own thread alone.
    """

    def __init__(
        self,
        index: int,
        settings: SocketSettings,
        inbox: Entrance,
        now_ns: Callable[[], int],
        link: Link,
        subscriptions: Subscriptions,
        lock: threading.Condition,
        heard: Callable[[Control], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self.index = index
        self.link = link
        self.subscriptions = subscriptions
        self.frames = 0
        self.bytes = 0
        self.gaps = 0
        self.since_ns = now_ns()
        self.last_s = 0.0  # time.monotonic() of the last message, or of opening
        self._settings = settings
        self._inbox = inbox
        self._now_ns = now_ns
        self._lock = lock
        self._heard = heard
        self._failed = failed
        self._app: Any = None
        self._library: Any = None
        self._official: Callable[..., Any] = _ignore
        self._opened_s = 0.0
        self._verdict: Verdict | None = None
        self._doomed = False
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    # Called by others

    def start(self, delay_s: float) -> None:
        """Begin to connect after delay_s."""
        import websocket
        from dydx_v4_client.indexer.socket.websocket import IndexerSocket

        self._library, self._official = websocket, IndexerSocket
        # The library has no other limit for the steps of opening. It holds for all of its sockets.
        websocket.setdefaulttimeout(self._settings.open_s)
        with self._lock:
            now_s = time.monotonic()
            self._stopping.clear()
            self._step(Happening.START, now_s)
            self.link.delay(delay_s, now_s)
        self._thread = threading.Thread(target=self._run, name=f"sniper-feed-{self.index}", daemon=True)
        self._thread.start()

    def send(self, text: str) -> None:
        """Send a request. A socket that is just ending is no error: the next session asks for everything
        anew.
        """
        app = self._app
        if app is not None:
            with contextlib.suppress(self._library.WebSocketException, OSError):
                app.send(text)

    def give_up(self, verdict: Verdict) -> None:
        """End this session, for this reason. The lock is held."""
        self._verdict = self._verdict or verdict
        self._doomed = True
        self._cut()

    @property
    def alive_s(self) -> float:
        """For how long messages came since the socket was opened."""
        return max(self.last_s - self._opened_s, 0.0)

    @property
    def ending(self) -> bool:
        """Whether this session was given up already."""
        return self._doomed

    def stop(self) -> None:
        """End the session and do not open another. Does not wait: see `join`."""
        with self._lock:
            self._stopping.set()
            self._doomed = True
            self._cut()

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread to end. False: it did not, within timeout_s."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(max(timeout_s, 0.0))
            return not thread.is_alive()
        return True

    def _cut(self) -> None:
        """Wake the thread that reads, by ending the stream underneath.

        The library's own close() would read from the socket in this thread while the other one does the same.
        """
        connection = getattr(getattr(self._app, "sock", None), "sock", None)
        if connection is not None:
            with contextlib.suppress(OSError):
                # Not SSLSocket.shutdown: that forgets the TLS layer under the feet of the reading thread.
                sockets.socket.shutdown(connection, sockets.SHUT_RDWR)

    # The thread

    def _run(self) -> None:
        try:
            while self._wait():
                self._session()
            self.tell(
                "stopped", 0, "by us"
            )  # first the record, then the state: who sees the state finds the record
            with self._lock:
                self._step(Happening.STOP, time.monotonic())
                self._lock.notify_all()
        except BaseException as error:  # a fault of ours: it must end the program, not only this thread
            self._failed(error)

    def _wait(self) -> bool:
        """Sleep until the next attempt is due. False: stop."""
        with self._lock:
            wake_s = self.link.wake_s
        return not self._stopping.wait(max(wake_s - time.monotonic(), 0.0))

    def _session(self) -> None:
        settings = self._settings
        with self._lock:
            self._step(Happening.DUE, time.monotonic())
            self._verdict, self._doomed = None, self._stopping.is_set()
            self._opened_s = self.last_s = time.monotonic()
        self.tell("connecting", 0, settings.url)
        app = self._official(
            settings.url,
            on_open=self._on_open,
            on_message=_ignore,
            on_error=self._on_error,
            on_close=self._on_close,
        )
        app.on_message = self._reader()
        self._app = app
        app.run_forever(
            sslopt={"ca_certs": settings.ca_file} if settings.ca_file else {},
            skip_utf8_validation=True,
            ping_interval=settings.ping_s,
            ping_timeout=settings.pong_s,
        )
        with self._lock:
            self._app = None
            verdict = self._verdict or Verdict(Happening.LOST, "closed", ABNORMAL, "the connection was lost")
            self.subscriptions.end()
        if self._stopping.is_set():
            return
        self.tell(verdict.link_state, verdict.code, verdict.text)
        with self._lock:
            now_s = time.monotonic()
            if self._step(verdict.happening, now_s, verdict.code, self.alive_s) is State.CLOSED:
                self._step(Happening.REST, now_s)

    def _reader(self) -> Callable[[Any, bytes], None]:
        """The handler of messages: the hot path of the feed."""
        put, now_ns, monotonic, index = self._inbox.put, self._now_ns, time.monotonic, self.index

        def on_message(_app: Any, data: bytes) -> None:
            try:
                stored = put(now_ns(), index, REC_FRAME, data)
                if not stored:
                    self.gaps += 1
                self.frames += 1
                self.bytes += len(data)
                self.last_s = monotonic()
                if not data.startswith(DATA_PREFIX):
                    control = sniff(data)
                    if control is not None:
                        self._answer(control, stored)
            except BaseException as error:  # the library would swallow it
                self._failed(error)

        return on_message

    def _answer(self, control: Control, stored: bool) -> None:
        """Note an answer of the server. stored: whether the engine will see it too."""
        with self._lock:
            now_s = time.monotonic()
            if control.type == "connected":
                if self.link.state is State.OPEN:  # a second one on the same socket would mean nothing
                    self.subscriptions.begin()
                self._step(Happening.CONNECTED, now_s)
            else:
                self.subscriptions.heard(control, now_s)
            if stored:
                self._heard(control)
            elif (
                control.type == "subscribed"
            ):  # a snapshot that the engine never gets: nothing would replace it
                self.subscriptions.again(control.channel, control.id)
            self.settle(now_s)
            self._lock.notify_all()

    def settle(self, now_s: float) -> None:
        """Live when everything is confirmed, subscribing when something is missing. The lock is held."""
        self._step(Happening.COMPLETE if self.subscriptions.complete else Happening.WANTING, now_s)

    def _on_open(self, app: Any) -> None:
        try:
            bound_messages(app.sock, self._settings.frame_bytes_max, self._library)
            with self._lock:
                self._opened_s = self.last_s = time.monotonic()
                if self._settings.url.startswith("wss://") and not app.sock.is_ssl():
                    self.give_up(
                        Verdict(Happening.REFUSED, "refused", 0, "redirected to a connection without TLS")
                    )
                if self._doomed:
                    self._cut()
                    return
                self._step(Happening.OPENED, self._opened_s)
            self.tell("open", 0, self._settings.url)
        except BaseException as error:  # the library would swallow it
            self._failed(error)

    def _on_error(self, _app: Any, error: BaseException) -> None:
        """Note why the connection ends. The first reason is the true one; later ones are its consequences."""
        with self._lock:
            if self._verdict is None:
                self._verdict = self._judge(error)

    def _judge(self, error: BaseException) -> Verdict:
        library = self._library
        if isinstance(error, library.WebSocketBadStatusException):
            code = int(error.status_code)
            if code == TOO_MANY_REQUESTS:
                return Verdict(
                    Happening.TOO_MANY, "limited", code, "HTTP 429: too many connections or requests"
                )
            return Verdict(Happening.REFUSED, "refused", code, f"HTTP {code} instead of a WebSocket")
        if isinstance(error, ssl.SSLError) and self.link.state is State.CONNECTING:
            return Verdict(
                Happening.REFUSED, "refused", 0, f"TLS: {getattr(error, 'verify_message', '') or error}"
            )
        code = (error.status_code or NO_STATUS) if hasattr(error, "status_code") else ABNORMAL
        reason = getattr(error, "reason", None)
        return Verdict(Happening.LOST, "closed", code, reason or str(error) or type(error).__name__)

    def _on_close(self, _app: Any, code: int | None, reason: str | None) -> None:
        with self._lock:
            if self._verdict is None and code is not None:
                self._verdict = Verdict(Happening.LOST, "closed", code, reason or "")

    def _step(self, happening: Happening, now_s: float, code: int = 0, alive_s: float = 0.0) -> State:
        before = self.link.state
        after = self.link.step(happening, now_s, code=code, alive_s=alive_s)
        if after is not before:
            self.since_ns = self._now_ns()
        return after

    def tell(self, state: str, code: int, text: str) -> None:
        """Put what the feed knows of the connection into the inbox, as printable ASCII on one line."""
        plain = "".join(c if " " <= c <= "~" else "?" for c in " ".join(text.split()))[:TEXT_MAX]
        if not self._inbox.put(
            self._now_ns(), self.index, REC_LINK, f"{state} {code} {plain}".encode("ascii")
        ):
            self.gaps += 1


def _ignore(_app: Any, _message: Any) -> None:
    """Stands in until the real handler takes its place: the official class wants one at construction."""
