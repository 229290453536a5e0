"""What risk asks of the margin kernel, and the small facts that judging is made of. Amounts in QQ, sizes in BQ."""

from __future__ import annotations

from typing import Any, Final, NamedTuple, Protocol

import numpy as np

from sniper.risk_settings import GateSettings, Stress
from sniper.risk_units import MILLION

BEYOND: Final = 1 << 62


class Margin(Protocol):
    """What risk asks of the margin kernel. Amounts in QQ, sizes in BQ, fractions in ppm."""

    markets_max: int

    def holdings(self, account: int) -> list[tuple[int, int, int, int]]:
        """(market, size, notional, maintenance) of every position, by market."""

    def trouble(self, account: int) -> int:
        """Why nothing is known of an account, 0: it is."""

    def terms_of(self, market: int) -> tuple[int, int, int, int, int]:
        """(effective IMF, base IMF, maintenance fraction of the base, open interest, trouble)."""

    def accepts(
        self, account: int, market: int, side: int, size_quantums: int, price_ticks: int, fee_ppm: int
    ) -> tuple[bool, str]: ...
    def largest(self, account: int, market: int, side: int, price_ticks: int, fee_ppm: int) -> int: ...
    def stress(self, account: int, moves_ppm: Any) -> tuple[int, int, int] | None:
        """(net collateral, maintenance, initial) after moves of all markets."""


class Totals(NamedTuple):
    """Net collateral, initial and maintenance margin."""

    net: int
    initial: int
    maintenance: int


class Fills(NamedTuple):
    """One order taken as filled at its limit."""

    market: int
    side: int
    steps: int
    ticks: int
    fee_ppm: int


NO_FILLS: Final = Fills(-1, 0, 0, 0, 0)


class Terms(NamedTuple):
    """Margin terms of a market, ppm."""

    initial: int
    base: int
    fraction: int

    def required(self, notional: int) -> tuple[int, int]:
        """Initial and maintenance margin of a position of this |notional|, rounded up as the chain does."""
        base = -(-notional * self.base // MILLION)
        return -(-notional * self.initial // MILLION), -(-base * self.fraction // MILLION)


class Commitment:
    """What open and approved orders of one market may still do. Steps; the worst limit of each side in ticks."""

    __slots__ = ("buy_ticks", "buys", "leaving", "sell_ticks", "sells")

    def __init__(self) -> None:
        self.buys = self.sells = self.leaving = 0
        self.buy_ticks, self.sell_ticks = 0, BEYOND

    def add(self, side: int, steps: int, ticks: int) -> None:
        """An order that may fill."""
        if side:
            self.sells += steps
            self.sell_ticks = min(self.sell_ticks, ticks)
        else:
            self.buys += steps
            self.buy_ticks = max(self.buy_ticks, ticks)

    def copy(self) -> Commitment:
        """Another one with the same figures."""
        other = Commitment()
        other.buys, other.sells, other.leaving = self.buys, self.sells, self.leaving
        other.buy_ticks, other.sell_ticks = self.buy_ticks, self.sell_ticks
        return other


class Shock:
    """A stress as moves of every market in the table: made once, and longer when markets were added."""

    def __init__(self, stress: Stress, decoder: Any, margin: Margin) -> None:
        self._by_ticker, self._decoder, self._margin = dict(stress), decoder, margin
        self.moves = np.zeros(margin.markets_max, np.int32)
        self._known = 0

    def totals(self, account: int) -> Totals | None:
        """The account after these moves. None where it cannot be computed."""
        moves, usual = self._by_ticker, self._by_ticker.get("*", 0)
        for market in range(self._known, self._decoder.markets_n):
            self.moves[market] = moves.get(self._decoder.ticker(market), usual)
        self._known = self._decoder.markets_n
        found = self._margin.stress(account, self.moves)
        return None if found is None else Totals(found[0], found[2], found[1])


def share_up(amount: int, ppm: int) -> int:
    """So many ppm of an amount that is not negative, rounded up."""
    return -(-amount * ppm // MILLION)


def equity_slots(gates: GateSettings, net: int) -> int:
    """Open stateful orders that the chain allows at this net collateral (QQ)."""
    slots = 0
    for usd, count in gates.equity_tiers:
        if net >= usd * MILLION:
            slots = count
    return slots
