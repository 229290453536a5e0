"""A strategy that enters a market once, with a stop, and holds: what is left of it after a crash is easy to tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from sniper.trading import BUY, Intent, Reason, Withdraw
from sniper.viewing import View

RETRY_NS = 1_000_000_000


class HolderSettings(NamedTuple):
    """tickers: to be held."""

    tickers: tuple[str, ...] = ("BTC-USD",)


class Holder:
    """Buys a little of each market that it does not hold, nothing in a market with an open order of any kind."""

    name = "holder"
    Settings = HolderSettings

    def __init__(self, signals: Sequence[str], kinds: Sequence[str], settings: HolderSettings) -> None:
        self.settings = settings
        self.resolutions = (0,)
        self.asked: dict[int, int] = {}
        """Market -> how often an entry was asked for."""
        self._due_ns = 0

    def decide(self, view: View) -> Sequence[Intent | Withdraw]:
        """Entries for what is not held."""
        if view.now_ns < self._due_ns:
            return ()
        self._due_ns = view.now_ns + RETRY_NS
        wanted = []
        for market in map(view.index, self.settings.tickers):
            facts = view.market(market)
            if facts.ask_ticks and market not in view.positions:
                self.asked[market] = self.asked.get(market, 0) + 1
                wanted.append(self._entry(market, facts))
        return wanted

    def _entry(self, market: int, facts: Any) -> Intent:
        return Intent(
            market,
            BUY,
            facts.ask_ticks + 2,
            stop_ticks=facts.ask_ticks - max(facts.ask_ticks // 40, 2),
            weight=0.3,
            score=80.0,
            strategy=self.name,
            reasons=(Reason("held", 0.0, 1.0, True),),
        )

    def explain(self, view: View, market: int) -> tuple[Reason, ...]:
        """There is nothing to explain."""
        return ()

    def save(self) -> bytes:
        """How often it asked."""
        return msgspec.msgpack.encode(self.asked)

    def load(self, state: bytes) -> None:
        """Take it over."""
        self.asked = msgspec.msgpack.decode(state, type=dict[int, int])
