"""What of risk is saved: everything but what follows from settings and market."""

from __future__ import annotations

import msgspec

from sniper.risk_ladder import Sent
from sniper.risk_limits import ChainLimits
from sniper.risk_margin import BEYOND
from sniper.risk_operator import UNTOLD, Latch
from sniper.risk_pace import SavedPace
from sniper.risk_rungs import Assessment, Trend
from sniper.viewing import AccountFacts


class SavedRisk(msgspec.Struct, array_like=True):
    """The state of `Risk`. New fields come at the end, with a default: older states lack them."""

    rung: int
    better_ns: int
    latch: Latch
    journal_stopped: bool
    assessment: Assessment
    seen: AccountFacts | None
    timers: tuple[int, int, int, int]
    pace: SavedPace
    reductions: list[tuple[int, Sent]]
    asked: list[tuple[int, int]]
    trends: list[tuple[int, Trend]]
    unprotected: tuple[int, ...]
    rests: bool = False
    state_stopped: bool = False
    bare: list[tuple[int, int]] = []
    leap_ns: int = -BEYOND
    limits: ChainLimits = ChainLimits()
    whys: tuple[str, str] = ("", "")

    def whys_found(self) -> tuple[str, str]:
        """Why journal and database stopped, "": they did not. Older states say only that they did."""
        journal, state = self.whys
        return journal or UNTOLD * self.journal_stopped, state or UNTOLD * self.state_stopped
