"""Exact decimal text of scaled integers: for JSON and for the screen. No float takes part.

A value is `mantissa * 10 ** -decimals`. A market's grid says what one tick and one step are worth; both come
from its row of the market table (`Decoder.markets`, MARKET_DTYPE).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sniper._ext.cells import fixed

__all__ = ["Grid", "fixed", "grid", "price_text", "size_text", "text"]

F_TICK, F_STEP = 0, 1  # indices into Market.num and Market.dec (Field in _ext/event.pxd)


class Grid(NamedTuple):
    """What one tick and one step of a market are worth: `tick * 10 ** -tick_decimals`, likewise the step."""

    tick: int
    tick_decimals: int
    step: int
    step_decimals: int

    def price(self, ticks: int) -> str:
        """The price of so many ticks, always with the decimals of the tick, so that a column lines up."""
        return fixed(ticks * self.tick, self.tick_decimals, self.tick_decimals)

    def size(self, steps: int) -> str:
        """The size of so many steps, always with the decimals of the step."""
        return fixed(steps * self.step, self.step_decimals, self.step_decimals)


def text(mantissa: int, decimals: int) -> str:
    """The exact value as a plain decimal string: no exponent, no zeros after the last digit that counts, as
    the venue itself writes it. `text(971200, 1) == "97120"`, `text(-5, 3) == "-0.005"`."""
    plain = fixed(mantissa, decimals, max(decimals, 0))
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def grid(market_row: Any) -> Grid:
    """The grid of one row of the market table (a numpy record, or a dict of the same shape)."""
    num, dec = market_row["num"], market_row["dec"]
    return Grid(int(num[F_TICK]), int(dec[F_TICK]), int(num[F_STEP]), int(dec[F_STEP]))


def price_text(market_row: Any, ticks: int) -> str:
    """The exact price of so many ticks of this market, as `text` writes it. Hot loops keep the `grid`."""
    return text(ticks * int(market_row["num"][F_TICK]), int(market_row["dec"][F_TICK]))


def size_text(market_row: Any, steps: int) -> str:
    """The exact size of so many steps of this market, as `text` writes it."""
    return text(steps * int(market_row["num"][F_STEP]), int(market_row["dec"][F_STEP]))
