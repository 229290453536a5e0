"""The exchange on wall time: a house, its servers, and the loop that keeps its clock going."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from sniper.errors import NetworkUnavailable
from sniper.exchange.certificates import context
from sniper.exchange.control import Control
from sniper.exchange.facts import Outcome
from sniper.exchange.house import House
from sniper.exchange.indexer.server import IndexerServer, ServerSettings
from sniper.exchange.node.server import Certificate, NodeServer
from sniper.exchange.node.servicers import Treatment
from sniper.exchange.recorder import RecordedIndexer, Recorder

SECOND_NS: Final = 1_000_000_000
GAP_NS: Final = 5 * SECOND_NS
"""A pause of the whole machine that is longer is left out of the exchange's time."""
TURN_S_MAX: Final = 0.05


class Ports(NamedTuple):
    """Where to listen; port 0 takes a free one. Faucet and control are on the loopback interface always."""

    host: str = "127.0.0.1"
    indexer: int = 3002
    node: int = 9090
    control: int = 3004


class Clock:
    """Wall time as the house sees it: it never goes back and leaves out what the machine slept.

    A house that was opened a moment ago catches up with the wall; one that lives at another time keeps to that.
    """

    def __init__(self, house: House, wall: Callable[[], int] = time.time_ns) -> None:
        self._house = house
        self._wall = wall
        gap_ns = wall() - house.now_ns
        self._behind_ns = 0 if 0 <= gap_ns <= GAP_NS else gap_ns

    def turn(self) -> int:
        """Let the house live up to now; returns its time."""
        house = self._house
        now_ns = self._wall() - self._behind_ns
        gap_ns = now_ns - house.now_ns
        if gap_ns > GAP_NS:
            self._behind_ns += gap_ns
            now_ns -= gap_ns
        if now_ns > house.now_ns:
            house.advance(now_ns)
        return house.now_ns


class Served:
    """The house as the gRPC servicers meet it: every call finds it up to date."""

    def __init__(self, house: House, turn: Callable[[], int], told: Callable[[], None]) -> None:
        self._house = house
        self._turn = turn
        self._told = told
        self.chain = house.chain
        self.node = house.node

    def treatment(self, method: str) -> Treatment:
        """What a call of this method suffers now."""
        self._turn()
        return self._house.treatment(method)

    def broadcast(self, tx: bytes) -> tuple[Outcome, str]:
        """A transaction arrives."""
        answer = self._house.broadcast(tx)
        self._told()
        return answer

    def simulate(self, tx: bytes) -> tuple[Outcome, int]:
        """A transaction is rehearsed."""
        return self._house.simulate(tx)


class Running:
    """All of it. `ports` says after `start` where it listens."""

    def __init__(
        self,
        house: House,
        ports: Ports = Ports(),  # noqa: B008 - an immutable tuple
        certificate: Certificate | None = None,
        record: Path | None = None,
    ) -> None:
        self.house = house
        self.ports = ports
        self._clock = Clock(house)
        tls: ssl.SSLContext | None = context(certificate) if certificate else None
        settings = ServerSettings(host=ports.host, port=ports.indexer)
        self._indexer = IndexerServer(house.indexer, settings, clock=self._clock.turn, tls=tls)
        served = Served(house, self._clock.turn, self._indexer.publish)
        self._node = NodeServer(served, ports.host, ports.node, certificate)
        self._control = Control(house, self._clock.turn, self._indexer.publish, ports.control)
        self.recorder: Recorder | None = None
        self._record = record

    async def start(self) -> None:
        """Listen everywhere, or nowhere: NetworkUnavailable names the port that cannot be had."""
        try:
            await self._control.start()
            await self._node.start()
            try:
                await self._indexer.start()
            except OSError as error:
                raise NetworkUnavailable(
                    f"the Indexer cannot listen on {self.ports.host}:{self.ports.indexer}: {error.strerror}",
                    "--port takes another.",
                ) from None
            if self._record is not None:
                assert isinstance(self.house.indexer, RecordedIndexer), "the house was not made for it"
                tickers = [terms.ticker for terms in self.house.chain.markets().values()]
                self.recorder = Recorder(self._record, tickers)
                self.house.indexer.record(self.recorder, self._clock.turn())
        except BaseException:
            await self.stop()
            raise
        self.ports = self.ports._replace(
            indexer=self._indexer.port, node=self._node.port, control=self._control.port
        )

    async def stop(self) -> None:
        """Close the recording, end every connection, close the ports."""
        if self.recorder is not None:
            assert isinstance(self.house.indexer, RecordedIndexer), "it was when the recorder was made"
            self.house.indexer.record_no_more()
        await self._indexer.stop()
        await self._node.stop()
        await self._control.stop()

    async def until(self, done: Callable[[], bool]) -> None:
        """Keep the clock going until `done()`."""
        while not done():
            self._indexer.publish()
            wait_s = (self.house.due_ns() - self.house.now_ns) / SECOND_NS
            await asyncio.sleep(min(max(wait_s, 0.001), TURN_S_MAX))

    @property
    def clients(self) -> int:
        """How many WebSocket clients there are."""
        return self._indexer.clients


def run(running: Running, started: Callable[[Running], Any], done: Callable[[], bool]) -> None:
    """Start, tell, and go on until `done()`."""

    async def main() -> None:
        await running.start()
        try:
            started(running)
            await running.until(done)
        finally:
            await running.stop()

    asyncio.run(main())
