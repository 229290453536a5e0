"""The stand-in exchange on real sockets, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sniper.exchange.house import House
from sniper.exchange.node.server import Certificate
from sniper.exchange.recorder import RecordedIndexer
from sniper.exchange.running import Ports, Running
from sniper.exchange.scenario import CALM, Scenario
from tests.houses import SMALL

ANY = Ports("127.0.0.1", 0, 0, 0)


class Venue:
    """A running venue. `on(act)` calls something in its thread, where alone the house may be touched."""

    def __init__(self, running: Running, loop: asyncio.AbstractEventLoop) -> None:
        self.running = running
        self.house = running.house
        self.ports = running.ports
        self._loop = loop

    def on(self, act: Callable[[], Any]) -> Any:
        """What `act` gives."""

        async def called() -> Any:
            return act()

        return asyncio.run_coroutine_threadsafe(called(), self._loop).result(60)

    @property
    def rest(self) -> str:
        return f"http://127.0.0.1:{self.ports.indexer}"

    @property
    def websocket(self) -> str:
        return f"ws://127.0.0.1:{self.ports.indexer}/v4/ws"

    @property
    def grpc(self) -> str:
        return f"127.0.0.1:{self.ports.node}"

    @property
    def control(self) -> str:
        return f"http://127.0.0.1:{self.ports.control}"


@contextmanager
def venue(
    scenario: Scenario = CALM,
    certificate: Certificate | None = None,
    record: Path | None = None,
    house: type[House] = House,
    **changes: Any,
) -> Iterator[Venue]:
    """Within it, a small house runs on wall time."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    over = threading.Event()
    running = Running(house(SMALL._replace(**changes), scenario, RecordedIndexer), ANY, certificate, record)
    try:
        asyncio.run_coroutine_threadsafe(running.start(), loop).result(10)
        living = asyncio.run_coroutine_threadsafe(running.until(over.is_set), loop)
        try:
            yield Venue(running, loop)
        finally:
            over.set()
            living.result(10)
            asyncio.run_coroutine_threadsafe(running.stop(), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
