"""Whole sessions of the paper venue on the simulated feed, with a trader that follows a script."""

from __future__ import annotations

from typing import Any

from sniper.engine import Engine, Settings
from sniper.feed.sim import Sim
from sniper.inbox import Inbox
from sniper.paper_settings import PaperSettings
from sniper.trading import BUY, VENUE_CONNECTION, Cancel, Place
from sniper.types import Record
from sniper.venues.paper import Paper
from tests.papers import MS, SECOND

Ticks = list[tuple[int, list[Record]]]
"""Times of ticks and the records that each took."""


class Session:
    """The engine's market half on the simulated feed, with a trader that follows a script of its own."""

    def __init__(self, **settings: Any) -> None:
        self.engine = Engine(Settings(markets_max=64, bytes_max=1 << 20))
        self.paper = Paper(
            self.engine.tape, self.engine.decoder, self.engine.books, PaperSettings(**settings)
        )
        self.inbox = Inbox(4096, 4 << 20)
        self.client_id = 0
        self.sent: list[list[Place | Cancel]] = []
        self.open: list[Place] = []
        self.heights: list[int] = []
        self.paper.start(self.inbox)

    def tick(self, now_ns: int, records: list[Record]) -> tuple[Any, ...]:
        """One tick as the loop runs it. Returns what the engine asked of the feed."""
        commands = self.engine.tick(now_ns, records)
        self.paper.observe(now_ns, self.engine.rows)
        orders = self.script(now_ns)
        self.sent.append(orders)
        if orders:
            self.paper.send(now_ns, orders)
        quote, bases = self.paper.ledger.sums()
        assert not any(bases.values())
        assert quote == self.paper.settings.usdc_quantums + self.paper.settings.insurance_quantums
        return commands

    def script(self, now_ns: int) -> list[Place | Cancel]:
        """Every so often an order of another kind, a cancel, a protective stop."""
        if self.engine.ticks % 16 or not self.engine.books.height:
            return []
        market = self.engine.ticks // 16 % 3
        bid, _, ask, _ = self.engine.books.top(market)
        if not bid or not ask:
            return []
        turn = self.engine.ticks // 16 % 7
        side = self.engine.ticks // 112 % 2
        touch, other = (bid, ask) if side == BUY else (ask, bid)
        if turn == 6 and self.open:
            order = self.open.pop()
            return [
                Cancel(
                    order.client_id,
                    order.market,
                    order.ticker,
                    order.kind,
                    order.good_til_block,
                    order.good_til_s,
                    "",
                )
            ]
        self.client_id += 1
        kind, time_in_force, price = [
            ("short_term", "gtt", touch),
            ("short_term", "ioc", other),
            ("short_term", "post_only", touch),
            ("long_term", "gtt", touch),
            ("conditional", "ioc", other),
            ("short_term", "gtt", touch * 2 - other),
            ("short_term", "gtt", touch),
        ][turn]
        short = kind == "short_term"
        place = Place(
            self.client_id,
            market,
            self.engine.decoder.ticker(market),
            side,
            20 + self.client_id % 50,
            price,
            kind,
            time_in_force,
            False,
            self.engine.books.height + 15 if short else 0,
            0 if short else now_ns // SECOND + 30,
            "stop_loss" if kind == "conditional" else "",
            touch if kind == "conditional" else 0,
            "entry",
            "script",
        )
        self.open.append(place)
        return [place]


def live(session: Session, seconds: float, **more: Any) -> Ticks:
    """Play a session on the sim."""
    feed = Sim(seed=5, markets=3, candles=(), **more)
    feed.start(session.inbox)
    now_ns = start_ns = feed.due(0) or 0
    ticks: Ticks = []
    while now_ns < start_ns + seconds * SECOND:
        feed.pull(now_ns, session.inbox)
        session.paper.pull(now_ns, session.inbox)
        records = session.inbox.drain(1 << 20, 4096)
        ticks.append((now_ns, records))
        commands = session.tick(now_ns, records)
        if commands:
            feed.send(now_ns, commands)
        dues = [due for due in (feed.due(now_ns), session.paper.due(now_ns)) if due is not None]
        now_ns = max(now_ns, min(now_ns + 50 * MS, *dues))
    return ticks


def again(session: Session, ticks: Ticks) -> list[list[Record]]:
    """Play the same ticks and market records; venue records are dropped, the venue of this session answers.

    Returns what each tick took.
    """
    taken = []
    for now_ns, records in ticks:
        for record in records:
            if record[1] != VENUE_CONNECTION:
                session.inbox.put(*record)
        session.paper.pull(now_ns, session.inbox)
        taken.append(session.inbox.drain(1 << 20, 4096))
        session.tick(now_ns, taken[-1])
    return taken
