"""Exact worth of a market's smallest amounts, read from the market table: whole numbers, no rounding before the end."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from sniper._ext.tape import FIELD_NAMES

MILLION: Final = 1_000_000
TICK, STEP, ORACLE, STEP_QUANTUMS = (
    FIELD_NAMES.index(name) for name in ("tickSize", "stepSize", "oraclePrice", "stepBaseQuantums")
)
NUMS: Final = 12
NEEDED: Final = 1 << TICK | 1 << STEP | 1 << ORACLE | 1 << STEP_QUANTUMS
QUOTE_DECIMALS: Final = 6


class Unit(NamedTuple):
    """QQ of one step at a price of one tick = price_num / price_den; at the oracle price oracle_num / oracle_den."""

    step_quantums: int
    price_num: int
    price_den: int
    oracle_num: int
    oracle_den: int

    def quote(self, steps: int, ticks: int) -> int:
        """QQ of a fill, cut off. steps and ticks not negative."""
        return steps * ticks * self.price_num // self.price_den

    def quote_up(self, steps: int, ticks: int) -> int:
        """QQ of a fill, rounded up."""
        return -(-steps * ticks * self.price_num // self.price_den)

    def worth(self, steps: int) -> int:
        """QQ of so many steps at the oracle price, rounded up. steps not negative."""
        return -(-steps * self.oracle_num // self.oracle_den)

    def steps(self, quote: int) -> int:
        """How many steps so many QQ are at the oracle price, rounded down."""
        return quote * self.oracle_den // self.oracle_num if quote > 0 else 0

    def notional(self, size_quantums: int, move_ppm: int = 0) -> int:
        """QQ of a position (BQ, signed) at the oracle price moved by so many ppm, cut off towards 0 as on the chain."""
        value = abs(size_quantums) * self.oracle_num * (MILLION + move_ppm)
        value //= self.oracle_den * self.step_quantums * MILLION
        return -value if size_quantums < 0 else value

    def worse_ppm(self, side: int, ticks: int) -> int:
        """By how much a price is worse than the oracle price for this side: ppm, rounded up; negative: better."""
        price = ticks * self.price_num * self.oracle_den
        oracle = self.oracle_num * self.price_den
        gap = oracle - price if side else price - oracle
        return -(-gap * MILLION // oracle)

    def oracle_ticks(self, move_ppm: int = 0) -> int:
        """The oracle price, moved by so many ppm, in ticks, rounded down."""
        value = self.oracle_num * self.price_den * (MILLION + move_ppm)
        return value // (self.oracle_den * self.price_num * MILLION)


def unit_of(decoder: Any, market: int) -> Unit | None:
    """The unit of a market, None while the table lacks a number that it needs."""
    if not 0 <= market < decoder.markets_n:
        return None
    known, _, _, _, num, dec, whole = decoder.numbers(market)
    if known & NEEDED != NEEDED:
        return None
    step_quantums = whole[STEP_QUANTUMS - NUMS]
    tick, step, oracle = num[TICK], num[STEP], num[ORACLE]
    if tick <= 0 or step <= 0 or oracle <= 0 or step_quantums <= 0:
        return None
    power = QUOTE_DECIMALS - dec[STEP]
    return Unit(
        step_quantums, *scaled(tick * step, power - dec[TICK]), *scaled(oracle * step, power - dec[ORACLE])
    )


def scaled(number: int, power: int) -> tuple[int, int]:
    """number x 10^power as numerator and denominator."""
    return (number * 10**power, 1) if power >= 0 else (number, 10**-power)
