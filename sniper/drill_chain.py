"""The market as it really is, and the paper venue on it: the other half of a drill.

An engine of its own, without a decision half, keeps the books of the chain on a feed that never falls silent. The
paper venue trades on those: an order that is sent blind meets the price of that moment, not the last one heard.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sniper.drill_market import FallingSim, Script
from sniper.engine import Engine, Settings
from sniper.inbox import Inbox
from sniper.paper_settings import PaperSettings
from sniper.trading import Cancel, Place
from sniper.venues.collateral import Totals
from sniper.venues.paper import Paper

RECORDS_MAX, BYTES_MAX = 1 << 16, 64 << 20


class Chain:
    """A venue of the loop: the paper venue on its own engine and its own, never deaf feed of the same market."""

    def __init__(
        self,
        script: Script,
        seed: int,
        settings: PaperSettings,
        before: Callable[[int], None],
        after: Callable[[int], None],
    ) -> None:
        self.feed = FallingSim(script, seed, deaf=False)
        self.engine = Engine(Settings())
        self.paper = Paper(self.engine.tape, self.engine.decoder, self.engine.books, settings)
        self.inbox = Inbox(RECORDS_MAX, BYTES_MAX)
        self._before, self._after = before, after

    def start(self, inbox: Inbox) -> None:
        """Open both lines."""
        self.feed.start(self.inbox)
        self.paper.start(inbox)

    def send(self, now_ns: int, commands: Sequence[Place | Cancel]) -> None:
        """Orders leave for the chain."""
        self.paper.send(now_ns, commands)

    def due(self, now_ns: int) -> int | None:
        """When the market or the venue has something next."""
        times = [ns for ns in (self.feed.due(now_ns), self.paper.due(now_ns)) if ns is not None]
        return min(times, default=None)

    def pull(self, until_ns: int, inbox: Inbox) -> None:
        """What the venue says."""
        self.feed.pull(until_ns, self.inbox)
        self.paper.pull(until_ns, inbox)

    def observe(self, now_ns: int, rows: int) -> None:
        """A tick of the engine under test was run: the chain's own one follows."""
        settings = self.engine.settings
        while True:
            commands = self.engine.tick(now_ns, self.inbox.drain(settings.bytes_max, settings.records_max))
            if commands:
                self.feed.send(now_ns, [one for one in commands if not isinstance(one, Place | Cancel)])
            self._before(now_ns)
            self.paper.observe(now_ns, self.engine.rows)
            if not self.inbox.records:
                break
        self._after(now_ns)

    def totals(self) -> Totals:
        """The account, at the chain's prices."""
        return self.paper.collateral.totals()
