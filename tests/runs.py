"""A run over a fixed journal, and a small market to send frames to by hand: what the tests of the look look at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sniper.engine import MARKET_STAGES, Engine, Settings
from sniper.feed.replay import Replay
from sniper.inbox import Inbox
from sniper.journal import Journal
from sniper.journal_settings import header
from sniper.look import Look
from sniper.loop import Loop
from sniper.panels.view import View, Want
from sniper.timing import Costs
from sniper.types import REC_FRAME, Command, Record

FRAMES = Path(__file__).parent / "captures" / "frames.ndjson.gz"
"""Ten seconds of five simulated markets with a little crossing: 261 frames, one a line."""
ALL = Want("BTC-USD", 0, 10, 10, 40, 10, 4, 4, 10, 400)


class Run:
    """An engine with everything that a `Look` looks at."""

    def __init__(self, feed: Any, journal: Journal | None = None) -> None:
        self.engine, self.feed, self.journal = Engine(Settings()), feed, journal
        self.inbox = Inbox(4096, 4 << 20)
        self.costs = Costs(MARKET_STAGES)
        self.look = Look(
            self.engine, source="replay", feed=feed, inbox=self.inbox, costs=self.costs, journal=journal
        )

    def loop(self, *wants: Want) -> None:
        """Run as `sniper run` does, looking at each of these after every tick."""
        Loop(
            self.engine,
            self.feed,
            self.inbox,
            speed=0,
            journal=self.journal,
            look=self.look,
            costs=self.costs,
            display=Eyes(wants),
        ).run()

    def tick(self, now_ns: int, *records: Record) -> tuple[Command, ...]:
        """One tick with the look round it; every stage takes a microsecond more than the last."""
        taken = list(records)
        self.look.before(taken)
        commands = self.engine.tick(now_ns, taken)
        self.costs.add([1000, 2000, 3000, 4000, 5000], 20_000)
        self.look.after(taken, commands)
        return commands


class Eyes:
    """A display that looks at everything it is told to and draws nothing."""

    quit = False

    def __init__(self, wants: tuple[Want, ...]) -> None:
        self._wants = wants

    def draw_if_due(self, now_ns: int, view_builder: Any) -> bool:
        for want in self._wants:
            view_builder(want)
        return True


def fixed_journal(folder: Path) -> Path:
    """Write the frames into a journal."""
    path = folder / "fixed.mcap"
    with Journal(path, header(Settings(), "{}", 11), room_wait_s=60.0) as journal:
        Run(Replay(FRAMES), journal).loop()
    return path


def steady(view: View) -> View:
    """The view without what differs from run to run or with the kernels: rates, costs, memory, digest."""
    zero = tuple((name, 1000 * i) for i, (name, _) in enumerate(view.pipeline.stages))
    links = tuple(link._replace(frames_per_s=0, bytes_per_s=0) for link in view.feed.links)
    plain = View()
    return view._replace(
        header=view.header._replace(
            digest="0123456789abcdef" * 2,
            frames_per_s=0,
            decode=plain.header.decode,
            book=plain.header.book,
            tick_cost=plain.header.tick_cost,
        ),
        pipeline=view.pipeline._replace(stages=zero),
        feed=view.feed._replace(
            links=links, resident_bytes=64_000_000, inbox_peak_permille=0, growth_bytes_per_min=None
        ),
    )


class Hand:
    """A connection that is fed by hand: two markets, frames numbered as the venue does."""

    name, clock = "hand", "tape"

    def __init__(self) -> None:
        self.now_ns = 1_800_000_000_000_000_000
        self.next_id = 0
        self.run = Run(self)
        self.send(type="connected")
        self.send(
            type="subscribed", channel="v4_markets", id="v4_markets", contents={"markets": self.markets()}
        )

    def status(self) -> list[Any]:
        return []

    @staticmethod
    def markets() -> dict[str, dict[str, Any]]:
        facts = {"status": "ACTIVE", "marketType": "CROSS", "atomicResolution": -10}
        return {
            "BTC-USD": {
                **facts, "ticker": "BTC-USD", "clobPairId": "0", "tickSize": "1", "stepSize": "0.0001",
                "oraclePrice": "97000.5", "priceChange24H": "970.005", "volume24H": "250000000.5",
                "nextFundingRate": "0.0000125",
            },
            "X-USD": {
                **facts, "ticker": "X-USD", "clobPairId": "1", "tickSize": "0.001", "stepSize": "10",
                "status": "PAUSED", "oraclePrice": None, "volume24H": "0",
            },
        }  # fmt: skip

    def frame(self, **message: Any) -> Record:
        """One message as a record, one millisecond after the last."""
        self.now_ns += 1_000_000
        head = {"connection_id": "6ae84b61-2a4d-4c32-9d5b-0ed5b1d04bb5", "message_id": self.next_id}
        self.next_id += 1
        data = json.dumps({"type": message.pop("type"), **head, **message}, separators=(",", ":"))
        return (self.now_ns, 0, REC_FRAME, data.encode())

    def send(self, **message: Any) -> tuple[Command, ...]:
        """One message, one tick."""
        record = self.frame(**message)
        return self.run.tick(self.now_ns, record)

    def record(self, kind: int, data: bytes) -> tuple[Command, ...]:
        """One record of another kind, one tick."""
        self.now_ns += 1_000_000
        return self.run.tick(self.now_ns, (self.now_ns, 0, kind, data))

    def book(self, ticker: str, bids: list[tuple[str, str]], asks: list[tuple[str, str]]) -> None:
        """A snapshot."""
        sides = {
            "bids": [{"price": price, "size": size} for price, size in bids],
            "asks": [{"price": price, "size": size} for price, size in asks],
        }
        self.send(type="subscribed", channel="v4_orderbook", id=ticker, contents=sides)

    def levels(self, ticker: str, **sides: list[list[str]]) -> None:
        """An update."""
        self.send(type="channel_data", channel="v4_orderbook", id=ticker, version="1.0.0", contents=sides)

    def trade(self, number: int, side: str, price: str, size: str, kind: str = "LIMIT") -> None:
        """A trade now."""
        from datetime import UTC, datetime

        at = datetime.fromtimestamp(self.now_ns / 1e9, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        trade = {
            "id": f"{number:024x}", "size": size, "price": price, "side": side, "createdAt": at, "type": kind,
            "createdAtHeight": "5",
        }  # fmt: skip
        self.send(
            type="channel_data",
            channel="v4_trades",
            id="BTC-USD",
            version="2.1.0",
            contents={"trades": [trade]},
        )
