"""WebSocket clients on the stand-in exchange's Indexer: `python -m bench.exchange_clients --clients 100 --markets 32`.

The server runs on one core and the clients, in a process of their own, on another. With `--whole` it is the whole
exchange with its own flow, else the Indexer alone, and orders come and go at the rates of a real recording: about 295
level changes a second in each of the two large markets, and `--tail` in every other one. Every client follows the
books of all markets and the block heights. Pings go out every 2 s and must be answered within 2 s; what is told at
the end: clients lost, frames and megabytes a second, and how busy the server's core was.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from random import Random

from sniper.exchange.facts import (
    BUY,
    SELL,
    ChainOrder,
    News,
    OrderGone,
    OrderId,
    OrderOpened,
    OrderResting,
    SubaccountId,
)
from sniper.exchange.genesis import HouseSettings
from sniper.exchange.house import House
from sniper.exchange.indexer.indexer import LocalIndexer
from sniper.exchange.indexer.server import IndexerServer, ServerSettings
from sniper.exchange.running import Clock
from sniper.exchange.terms import ACTIVE, CROSS, Terms
from tests.exchange_chain import ScriptedChain

PATIENCE = ServerSettings(heartbeat_ns=2_000_000_000, pong_ns=2_000_000_000)
Turn = Callable[[], float]
"""Let the exchange live up to now, send what there is; returns the seconds until it wants another turn."""
LARGE_PER_S = 295
SLICE_S = 0.05
SECOND_NS = 1_000_000_000


def markets(n: int) -> list[Terms]:
    """So many markets on the grid of BTC-USD."""
    return [
        Terms(i, i, i, f"M{i}-USD", ACTIVE, CROSS, -10, -9, 1_000_000, 100_000, -5, 20_000, 600_000, 0, 0, 0, 1_000)
        for i in range(n)
    ]  # fmt: skip


class Flow:
    """Orders that come and go, about as many at any time."""

    def __init__(self, n: int, tail_per_s: float) -> None:
        self._random = Random(1)
        self._rates = [LARGE_PER_S if i < 2 else tail_per_s for i in range(n)]
        self._owed = [0.0] * n
        self._live: list[list[ChainOrder]] = [[] for _ in range(n)]
        self._next = 0

    def news(self, now_ns: int, seconds: float) -> list[News]:
        """What happens in so many seconds: each change adds to a level or takes from one."""
        found: list[News] = []
        for i, rate in enumerate(self._rates):
            self._owed[i] += rate * seconds
            while self._owed[i] >= 1:
                self._owed[i] -= 1
                live = self._live[i]
                if (len(live) > 400 and self._random.random() < 0.5) or len(live) > 800:
                    order = live.pop(self._random.randrange(len(live)))
                    found.append(OrderGone(order.id, 2, False, 0, True, now_ns))
                    continue
                self._next += 1
                side = BUY if self._random.random() < 0.5 else SELL
                away = 1 + int(self._random.expovariate(1 / 300))
                price = 90_000 + (away if side == SELL else -away)
                size = (1 + self._random.randrange(50_000)) * 1_000_000
                owner = SubaccountId(f"dydx1maker{self._next % 50}", 0)
                order = ChainOrder(
                    OrderId(owner, self._next, 0, i), side, size, price * 100_000, 10**6, 0, 2, False, 0, 0, 0
                )  # fmt: skip
                live.append(order)
                found += [OrderOpened(order, now_ns), OrderResting(order.id, 0, now_ns)]
        return found


class Client(asyncio.Protocol):
    """Reads frames, counts them, answers pings; nothing else, so that a core carries a hundred."""

    frames = payload = pings = lost = 0

    def __init__(self, names: list[str], batched: bool) -> None:
        self._names, self._batched = names, batched
        self._buffer = bytearray()
        self._shaken = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(
            b"GET /v4/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )

    def _say(self, data: bytes, code: int = 0x81) -> None:
        head = (
            bytes((code, 0x80 | len(data)))
            if len(data) < 126
            else bytes((code, 0xFE)) + len(data).to_bytes(2, "big")
        )
        self._transport.write(head + b"\0\0\0\0" + data)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        if not self._shaken:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            del buffer[: end + 4]
            self._shaken = True
            self._say(b'{"type":"subscribe","channel":"v4_block_height"}')
            for name in self._names:
                asked = {"type": "subscribe", "channel": "v4_orderbook", "id": name, "batched": self._batched}
                self._say(json.dumps(asked).encode())
        at, view = 0, len(buffer)
        while view - at >= 2:
            length, head = buffer[at + 1], 2
            if length == 126:
                length, head = int.from_bytes(buffer[at + 2 : at + 4], "big"), 4
            elif length == 127:
                length, head = int.from_bytes(buffer[at + 2 : at + 10], "big"), 10
            if view - at < head + length:
                break
            if buffer[at] == 0x89:
                Client.pings += 1
                self._say(b"", 0x8A)
            else:
                Client.frames += 1
                Client.payload += length
            at += head + length
        del buffer[:at]

    def connection_lost(self, problem: Exception | None) -> None:
        Client.lost += 1


async def read(
    port: int, clients: int, names: list[str], batched: bool, seconds: float, pipe: Connection
) -> None:
    """The clients' process."""
    loop = asyncio.get_running_loop()
    for _ in range(clients):
        await loop.create_connection(lambda: Client(names, batched), "127.0.0.1", port)
        await asyncio.sleep(0.005)
    await asyncio.sleep(2.0)
    Client.frames = Client.payload = 0
    pipe.send("go")
    await asyncio.sleep(seconds)
    pipe.send((Client.frames, Client.payload, Client.pings, Client.lost, time.process_time()))
    await asyncio.sleep(0.5)


def reading(
    port: int, clients: int, names: list[str], batched: bool, seconds: float, pipe: Connection
) -> None:
    os.sched_setaffinity(0, {(os.cpu_count() or 1) - 1})
    asyncio.run(read(port, clients, names, batched, seconds, pipe))


async def whole(given: argparse.Namespace) -> tuple[IndexerServer, list[str], Turn]:
    """Chain, flow, Indexer and node under one clock, as `sniper venue` runs them."""
    house = House(HouseSettings(markets=given.markets))
    clock = Clock(house)
    server = IndexerServer(house.indexer, PATIENCE, clock=clock.turn)
    tickers = [terms.ticker for terms in house.chain.markets().values()]

    def turn() -> float:
        server.publish()
        return min(max((house.due_ns() - house.now_ns) / SECOND_NS, 0.001), 0.05)

    return server, tickers, turn


async def dice(given: argparse.Namespace) -> tuple[IndexerServer, list[str], Turn]:
    """The Indexer alone, on orders that come and go at recorded rates."""
    terms = markets(given.markets)
    chain = ScriptedChain(terms)
    chain.now_ns = time.time_ns()
    indexer = LocalIndexer(chain)
    server = IndexerServer(indexer, PATIENCE)
    flow = Flow(given.markets, given.tail)
    indexer.take(flow.news(chain.now_ns, 8.0), chain.now_ns)
    due = time.monotonic()

    def turn() -> float:
        nonlocal due
        due += SLICE_S
        now_ns = time.time_ns()
        indexer.take(flow.news(now_ns, SLICE_S), now_ns)
        server.publish()
        return max(due - time.monotonic(), 0.0)

    return server, [each.ticker for each in terms], turn


async def serve(given: argparse.Namespace) -> None:
    """The server's process."""
    server, names, turn = await (whole if given.whole else dice)(given)
    await server.start()
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.get_context("spawn").Process(
        target=reading, args=(server.port, given.clients, names, not given.single, given.seconds, theirs)
    )
    child.start()
    started = busy = latest = 0.0
    result = None
    while result is None:
        wait = turn()
        if ours.poll():
            said = ours.recv()
            if said == "go":
                started, busy, latest = time.monotonic(), time.process_time(), 0.0
            else:
                result = said
        asleep = time.monotonic()
        await asyncio.sleep(wait)
        latest = max(latest, time.monotonic() - asleep - wait)
    wall, busy = time.monotonic() - started, time.process_time() - busy
    left = server.clients
    await server.stop()
    child.join(10)
    frames, payload, pings, lost, theirs_s = result
    print(
        f"{given.clients} clients x {len(names)} books, {'single' if given.single else 'batched'}, "
        f"{'whole exchange' if given.whole else 'Indexer alone'}: {left} left, {lost} lost, "
        f"{pings} pings answered; {frames / wall:,.0f} frames/s, {payload / wall / 1e6:.1f} MB/s; "
        f"server {100 * busy / wall:.0f} % of a core, woken at most {1000 * latest:.0f} ms late; "
        f"clients {theirs_s:.1f} s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--markets", type=int, default=32)
    parser.add_argument(
        "--tail", type=float, default=50.0, help="level changes a second of the smaller markets"
    )
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--single", action="store_true", help="subscribe without batches")
    parser.add_argument(
        "--whole", action="store_true", help="chain, flow and node too, not the Indexer alone"
    )
    given = parser.parse_args()
    os.sched_setaffinity(0, {0})
    asyncio.run(serve(given))


if __name__ == "__main__":
    main()
