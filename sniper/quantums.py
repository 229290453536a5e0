"""Exact numbers of an account: decimal text to whole quantums, the value of a size at a price, times.

QQ: quote quantums, 10^-6 USDC. BQ: base quantums, 10^atomicResolution coins. Everything is an integer here;
where a division is needed the chain's own rounding is used and named.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

QUOTE_DECIMALS: Final = 6
TEXT_MAX: Final = 64
"""A number with more characters than this is not believed."""
WORD_MAX: Final = (1 << 63) - 1

_TICK, _STEP, _WHOLES = 0, 1, 12  # fields of the market table (Field in _ext/event.pxd)
_ATOMIC, _STEP_QUANTUMS = 14, 16
_NEEDED: Final = 1 << _TICK | 1 << _STEP | 1 << _ATOMIC | 1 << _STEP_QUANTUMS


def lent(column: Any) -> memoryview:
    """An array as a memoryview: single numbers come out of it several times as fast as out of NumPy."""
    return memoryview(column)


class Inexact(ValueError):
    """A text that is no plain decimal, or one that is not a whole number of the unit asked for."""


class Scale(NamedTuple):
    """What turns decimals of one market into whole numbers: `tick * 10 ** -tick_decimals` USD is one tick."""

    market: int
    atomic: int
    step_quantums: int
    tick: int
    tick_decimals: int


class Scales:
    """The scales of the markets in the decoder's table. `clear` after a tick with MARKET rows."""

    def __init__(self, decoder: Any) -> None:
        self._decoder = decoder
        self._by_ticker: dict[str, Scale | None] = {}

    def of(self, ticker: str) -> Scale | None:
        """The scale of a ticker, None while the table lacks the market or one of the numbers needed."""
        try:
            return self._by_ticker[ticker]
        except KeyError:
            found = self.at(self._decoder.market(ticker))
            if found is not None:  # what is unknown may be any text: it must not fill the table
                self._by_ticker[ticker] = found
            return found

    def at(self, market: int) -> Scale | None:
        """The scale of a market index."""
        if not 0 <= market < self._decoder.markets_n:
            return None
        known, _, _, _, num, dec, whole = self._decoder.numbers(market)
        if known & _NEEDED != _NEEDED:
            return None
        tick, step_quantums, atomic = num[_TICK], whole[_STEP_QUANTUMS - _WHOLES], whole[_ATOMIC - _WHOLES]
        if tick <= 0 or step_quantums <= 0 or not -30 <= atomic <= 30:
            return None
        return Scale(market, atomic, step_quantums, tick, dec[_TICK])

    def clear(self) -> None:
        """Forget what was read: the market table has changed."""
        self._by_ticker.clear()


def atomic_resolution(markets: Any, market: int) -> int:
    """A coin of the market is 10 ** -this many base quantums. markets: `Decoder.markets`."""
    return int(markets[market]["whole"][_ATOMIC - _WHOLES])


def exact(text: str) -> tuple[int, int]:
    """A plain decimal -> (mantissa, decimals): `exact("-1.50") == (-150, 2)`. Inexact on anything else."""
    if len(text) <= TEXT_MAX and text.isascii():
        if text.isdigit():
            return int(text), 0
        whole, _, fraction = text.partition(".")
        if fraction.isdigit() and whole.isdigit():
            return int(whole + fraction), len(fraction)
        if text[:1] == "-" and text[1:2].isdigit():
            mantissa, decimals = exact(text[1:])
            return -mantissa, decimals
    raise Inexact(f"{text[:TEXT_MAX]!r} is no plain decimal")


def _ten(power: int) -> int:
    value: int = 10**power
    return value


def shifted(mantissa: int, power: int) -> int:
    """mantissa x 10^power, which must be whole. Inexact if it is not."""
    if power >= 0:
        return mantissa * _ten(power)
    value, rest = divmod(mantissa, _ten(-power))
    if rest:
        raise Inexact(f"{mantissa}e{power} is not whole")
    return value


def truncated(mantissa: int, power: int) -> int:
    """mantissa x 10^power, cut off towards zero."""
    if power >= 0:
        return mantissa * _ten(power)
    value = abs(mantissa) // _ten(-power)
    return -value if mantissa < 0 else value


def floored(mantissa: int, power: int) -> int:
    """mantissa x 10^power, rounded towards minus infinity."""
    return mantissa * _ten(power) if power >= 0 else mantissa // _ten(-power)


def saturated(value: int) -> int:
    """The value, or the nearest that fits 64 bits: what absurd prices and rates lead to."""
    return max(-WORD_MAX, min(WORD_MAX, value))


def notional(size_quantums: int, atomic: int, price: int, price_decimals: int) -> int:
    """The value in QQ of so many BQ at `price * 10 ** -price_decimals` USD a coin, cut off towards zero.

    The chain's rule (margin.md 3 and 8): signed like the size.
    """
    return truncated(size_quantums * price, atomic - price_decimals + QUOTE_DECIMALS)


def divided_notional(size_quantums: int, atomic: int, price: int, price_decimals: int) -> int:
    """The same for a price that is itself whole QQ divided by the size, cut after some digits: the nearest QQ."""
    power = atomic - price_decimals + QUOTE_DECIMALS
    if power >= 0:
        return size_quantums * price * _ten(power)
    return (2 * size_quantums * price + _ten(-power)) // (2 * _ten(-power))


_DAYS_BEFORE: Final = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)
_EPOCH_DAYS: Final = 719_162  # from 0001-01-01 to 1970-01-01


def mean_ticks(quote: int, size_quantums: int, scale: Scale) -> float:
    """The price in (fractional) ticks at which so many BQ are worth so many QQ."""
    power = scale.tick_decimals - QUOTE_DECIMALS - scale.atomic
    return quote * _ten(max(power, 0)) / (size_quantums * scale.tick * _ten(max(-power, 0)))


def iso_ns(text: str) -> int:
    """`2025-12-08T16:00:00.219Z` -> nanoseconds since 1970. Inexact on anything else; the years are 1970 to 2199."""
    ending = "Z" if text.endswith("Z") else "+00:00"
    day, letter, clock = text.removesuffix(ending).partition("T")
    seconds_text, _, fraction = clock.partition(".")
    parts = (*day.split("-"), *seconds_text.split(":"))
    digits = "".join(parts) + fraction
    if (
        len(text) > TEXT_MAX
        or not text.endswith(ending)
        or not letter
        or tuple(map(len, parts)) != (4, 2, 2, 2, 2, 2)
        or len(fraction) > 9
        or not (digits.isascii() and digits.isdigit())
    ):
        raise Inexact(f"{text[:TEXT_MAX]!r} is no time")
    year, month, dom, hour, minute, second = map(int, parts)
    if not (
        1970 <= year < 2200
        and 1 <= month <= 12
        and 1 <= dom <= _days_in(year, month)
        and hour < 24
        and minute < 60
        and second < 60
    ):
        raise Inexact(f"{text!r} is no time")
    years = year - 1
    days = years * 365 + years // 4 - years // 100 + years // 400 - _EPOCH_DAYS
    days += _DAYS_BEFORE[month - 1] + (month > 2 and _leap(year)) + dom - 1
    seconds = (days * 24 + hour) * 3600 + minute * 60 + second
    return seconds * 1_000_000_000 + int(fraction.ljust(9, "0"))


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _days_in(year: int, month: int) -> int:
    if month == 2:
        return 29 if _leap(year) else 28
    return 30 if month in (4, 6, 9, 11) else 31
