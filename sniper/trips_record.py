"""A round trip as it is kept: while it is open, and when it is over. Money in QQ, prices in ticks, sizes in BQ."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from sniper.trading import BUY


class Plan(NamedTuple):
    """What an entry was meant to be."""

    stop_ticks: int
    target_ticks: int
    strategy: str
    cause: str


class OpenTrip(msgspec.Struct):
    """An open round trip. size signed BQ; quotes unsigned sums of what went in and out."""

    position_id: int
    opened_ns: int
    plan: Plan
    size: int = 0
    peak: int = 0
    entered: int = 0
    entry_quote: int = 0
    exited: int = 0
    exit_quote: int = 0
    fees: int = 0
    funding: int = 0
    best_ticks: float = 0.0
    worst_ticks: float = 0.0


class ClosedTrip(NamedTuple):
    """A round trip that is over. realised without fees and funding; best and worst: the prices it could have had.

    exit_kind: the purpose of the order that closed it, or the venue's word (LIQUIDATED, DELEVERAGED).
    """

    position_id: int
    market: int
    subaccount: int
    side: int
    size_quantums: int
    entry_ticks: float
    exit_ticks: float
    opened_ns: int
    closed_ns: int
    stop_ticks: int
    target_ticks: int
    strategy: str
    entry_cause: str
    exit_kind: str
    exit_cause: str
    realised: int
    fees: int
    funding: int
    best_ticks: float
    worst_ticks: float

    @property
    def net(self) -> int:
        """What it brought in all, QQ."""
        return self.realised - self.fees + self.funding

    @property
    def favourable_ticks(self) -> float:
        """How far the price ever went its way (MFE)."""
        return max(0.0, self._way(self.best_ticks))

    @property
    def adverse_ticks(self) -> float:
        """How far the price ever went against it (MAE)."""
        return max(0.0, -self._way(self.worst_ticks))

    def _way(self, ticks: float) -> float:
        return ticks - self.entry_ticks if self.side == BUY else self.entry_ticks - ticks
