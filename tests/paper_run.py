"""A short paper session on the sim, for tests: the engine with its decision half and the paper venue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sniper.account import AccountSettings
from sniper.desk import DeskSettings
from sniper.engine import Engine, Settings
from sniper.feed.sim import Sim
from sniper.feed.sim.feed import START_NS
from sniper.inbox import Inbox
from sniper.journal import Journal
from sniper.journal_settings import header
from sniper.loop import Loop
from sniper.order_record import OrdersSettings
from sniper.paper_settings import PaperSettings
from sniper.venues.paper import Paper

SECOND_NS = 1_000_000_000


def desk_settings(**others: Any) -> DeskSettings:
    """What the decision half is set to, with the paper venue's account."""
    address = PaperSettings().address
    return DeskSettings(account=AccountSettings(address), orders=OrdersSettings(address), **others)


def engine(**others: Any) -> Engine:
    return Engine(Settings(desk=desk_settings(**others)))


def paper(engine: Engine, **settings: Any) -> Paper:
    return Paper(engine.tape, engine.decoder, engine.books, PaperSettings(**settings))


def run(
    seconds: float,
    *,
    seed: int = 1,
    markets: int = 6,
    start_ns: int = START_NS,
    journal: Path | None = None,
    **others: Any,
) -> tuple[Engine, Paper]:
    """Run so long, as fast as possible."""
    made = engine(**others)
    venue = paper(made)
    inbox = Inbox(1 << 16, 64 << 20)
    venue.start(inbox)
    kept = Journal(journal, header(made.settings, "{}", seed)) if journal else None
    try:
        Loop(
            made,
            Sim(seed=seed, markets=markets, start_ns=start_ns),
            inbox,
            speed=0,
            venue=venue,
            journal=kept,
        ).run(None, round(seconds * SECOND_NS))
    finally:
        if kept is not None:
            kept.close()
    return made, venue
