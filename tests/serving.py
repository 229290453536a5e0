"""The node behind a real gRPC port, in a thread of its own, for the official client."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sniper.exchange.facts import Outcome
from sniper.exchange.node.server import Certificate, NodeServer
from sniper.exchange.node.servicers import NOTHING, Treatment
from sniper.exchange.node.transactions import Node


class Counter:
    """What the servicers serve: a node, and what each call shall suffer."""

    def __init__(self, node: Node, now_ns: int) -> None:
        self.node = node
        self.chain = node.chain
        self.now_ns = now_ns
        self.suffers: dict[str, Treatment] = {}

    def broadcast(self, tx: bytes) -> tuple[Outcome, str]:
        return self.node.broadcast(tx, self.now_ns)

    def simulate(self, tx: bytes) -> tuple[Outcome, int]:
        return self.node.simulate(tx, self.now_ns)

    def treatment(self, method: str) -> Treatment:
        return self.suffers.get(method, NOTHING)

    def block(self) -> None:
        """End a block."""
        self.now_ns += 650_000_000
        self.node.before_block(self.now_ns)
        self.node.chain.end_block(self.now_ns)
        self.node.after_block()


@contextmanager
def served(counter: Any, certificate: Certificate | None = None) -> Iterator[int]:
    """Within it, the node answers on the port that it gives."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = NodeServer(counter, "127.0.0.1", 0, certificate)
    try:
        asyncio.run_coroutine_threadsafe(server.start(), loop).result(10)
        yield server.port
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
