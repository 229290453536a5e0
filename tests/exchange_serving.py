"""An Indexer on real sockets in a thread of its own, with the play of `exchange_play` on wall time."""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sniper.exchange.indexer.server import IndexerServer, ServerSettings
from sniper.exchange.indexer.settings import IndexerSettings
from tests.exchange_chain import ScriptedChain
from tests.exchange_indexing import NOW, Desk
from tests.exchange_play import Play


class WallDesk(Desk):
    """A desk whose frames go to real clients: time is the clock's, and what comes out is published."""

    def __init__(self, settings: IndexerSettings) -> None:
        chain = ScriptedChain()
        chain.now_ns = time.time_ns()
        super().__init__(chain, settings)
        self.now_ns = self.blocks.now_ns = time.time_ns()
        self.publish: Callable[[], None] = lambda: None

    def pump(self) -> None:
        self.now_ns = max(time.time_ns(), self.now_ns)
        self.publish()

    def wait(self, ns: int) -> None:
        self.pump()


class Served:
    """A running server. `call` does something on its thread and waits for it."""

    def __init__(self, settings: IndexerSettings, server: ServerSettings, tls: ssl.SSLContext | None) -> None:
        self.desk = WallDesk(settings)
        self.play = Play(self.desk, 1)
        self.loop = asyncio.new_event_loop()
        self.server = IndexerServer(self.desk.indexer, server, time.time_ns, tls)
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def start(self) -> None:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.server.start(), self.loop).result(10)
        self.desk.publish = self.server.publish
        self.call(lambda: [self.block() for _ in range(30)])

    def block(self) -> None:
        """A block whose time is the clock's."""
        self.desk.blocks.now_ns = time.time_ns() - 650_000_000
        self.play.hour = self.desk.blocks.now_ns // 3_600_000_000_000
        self.play.block()

    def call(self, act: Callable[[], Any]) -> Any:
        async def run() -> Any:
            return act()

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(10)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self.server.stop(), self.loop).result(15)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5)
        self.loop.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.server.port}/v4/ws"


@contextmanager
def serving(
    settings: IndexerSettings = NOW,
    server: ServerSettings = ServerSettings(),  # noqa: B008 - an immutable tuple
    tls: ssl.SSLContext | None = None,
) -> Iterator[Served]:
    served = Served(settings, server, tls)
    served.start()
    try:
        yield served
    finally:
        served.stop()
