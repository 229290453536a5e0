"""What the paper venue knows of a market: its fixed numbers, its oracle price and its funding rate.

QQ: quote quantums, 10^-6 USDC. BQ: base quantums, 10^atomic coins. All whole numbers (margin.md 1).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from sniper._ext.tape import FIELD_NAMES, STATUS_NAMES
from sniper.quantums import truncated

DECIMALS_MAX = 30  # of atomic and exponent, either way: beyond is no market

_FIELD = {name: i for i, name in enumerate(FIELD_NAMES)}
TICK, STEP, ORACLE, FUNDING = (
    _FIELD[name] for name in ("tickSize", "stepSize", "oraclePrice", "nextFundingRate")
)
_WHOLES = _FIELD["clobPairId"]
_CLOB_PAIR, _ATOMIC, _EXPONENT, _STEP_QUANTUMS, _SUBTICKS = (
    _FIELD[name] - _WHOLES
    for name in (
        "clobPairId",
        "atomicResolution",
        "quantumConversionExponent",
        "stepBaseQuantums",
        "subticksPerTick",
    )
)
_NEEDED = sum(
    1 << _FIELD[name]
    for name in (
        "tickSize",
        "stepSize",
        "clobPairId",
        "atomicResolution",
        "quantumConversionExponent",
        "stepBaseQuantums",
        "subticksPerTick",
    )
)
_ISOLATED = 2


class Terms(NamedTuple):
    """One market: ids and grid. A tick is `tick * 10 ** -tick_decimals` USD, likewise the step in coins."""

    market: int
    ticker: str
    clob_pair: int
    status: str
    isolated: bool
    atomic: int
    exponent: int
    step_quantums: int
    subticks: int
    tick: int
    tick_decimals: int
    step: int
    step_decimals: int


class Price(NamedTuple):
    """An exact decimal: number * 10 ** -decimals. A number of 0 stands for an unknown price."""

    number: int
    decimals: int


def quote_of(terms: Terms, base: int, ticks: int) -> int:
    """The value in QQ of a fill of so many BQ (> 0) at so many ticks, cut off toward zero (margin.md 1)."""
    return truncated(base * ticks * terms.subticks, terms.exponent)


def compared(a: Price, b: Price) -> int:
    """1 where a is above b, 0 where they are equal, -1 where it is below."""
    if a.decimals == b.decimals:
        return (a.number > b.number) - (a.number < b.number)
    ours: int = a.number * 10**b.decimals
    other: int = b.number * 10**a.decimals
    return (ours > other) - (ours < other)


def ticks_over(terms: Terms, ticks: int, price: Price) -> int:
    """The same for a price in ticks and one in USD."""
    return compared(Price(ticks * terms.tick, terms.tick_decimals), price)


def whole_ticks(terms: Terms, price: Price) -> tuple[int, int]:
    """The ticks next to a price in USD: (not above it, not below it)."""
    number = price.number * 10 ** max(0, terms.tick_decimals - price.decimals)
    tick = terms.tick * 10 ** max(0, price.decimals - terms.tick_decimals)
    return number // tick, -(-number // tick)


class Markets:
    """Terms of all markets, read when asked for, and the prices and rates of those that are followed.

    The decoder's table holds the end of a tick. What is followed is kept row by row, because funding needs the
    rate before a block and the oracle price of it.
    """

    def __init__(self, decoder: Any) -> None:
        self._decoder = decoder
        self._terms: dict[int, Terms] = {}
        self.oracle: dict[int, Price] = {}
        """Oracle prices of the followed markets, always in this dictionary."""
        self.rate: dict[int, Price] = {}
        """Their nextFundingRate: a fraction an hour, signed."""

    def terms(self, market: int) -> Terms | None:
        """The terms of a market, None while the table lacks the market or a number that is needed."""
        found = self._terms.get(market)
        if found is None and 0 <= market < self._decoder.markets_n:
            found = _read(market, self._decoder.ticker(market), self._decoder.numbers(market))
            if found is not None:
                self._terms[market] = found
        return found

    def known(self, market: int) -> Terms:
        """The terms of a market that we have business in."""
        terms = self.terms(market)
        assert terms is not None, f"market {market} has no terms any more"
        return terms

    def index(self, ticker: str) -> int:
        """The market of a ticker, -1 if it is not known."""
        return int(self._decoder.market(ticker))

    def follow(self, market: int) -> None:
        """Take up the price and the rate of a market as they are now."""
        known, _, _, _, num, dec, _ = self._decoder.numbers(market)
        for field, kept in ((ORACLE, self.oracle), (FUNDING, self.rate)):
            if market not in kept:
                kept[market] = Price(num[field], dec[field]) if known >> field & 1 else Price(0, 0)

    def keep(self, wanted: Collection[int]) -> None:
        """Follow these markets and forget the others, of which no news will be read."""
        for market in wanted:
            if market not in self.oracle:
                self.follow(market)
        if len(self.oracle) > len(wanted):
            for market in [market for market in self.oracle if market not in wanted]:
                del self.oracle[market], self.rate[market]
        if len(self._terms) > len(wanted):
            self._terms = {market: terms for market, terms in self._terms.items() if market in wanted}

    def changed(self, market: int, update: Any) -> None:
        """A MARKET row of a market: its terms are read anew, a new rate or price of a followed one is kept."""
        self._terms.pop(market, None)
        for field, kept in ((ORACLE, self.oracle), (FUNDING, self.rate)):
            if market in kept and int(update["mask"]) >> field & 1:
                kept[market] = Price(int(update["num"][field]), int(update["dec"][field]))

    def clear(self) -> None:
        """Forget everything that was read."""
        self._terms.clear()
        self.oracle.clear()
        self.rate.clear()


def _read(market: int, ticker: str, row: Any) -> Terms | None:
    known, status, kind, _, num, dec, whole = row
    atomic, exponent = whole[_ATOMIC], whole[_EXPONENT]
    if (
        known & _NEEDED != _NEEDED
        or min(num[TICK], num[STEP], whole[_STEP_QUANTUMS], whole[_SUBTICKS]) <= 0
        or max(abs(atomic), abs(exponent)) > DECIMALS_MAX
    ):
        return None

    return Terms(
        market,
        ticker,
        whole[_CLOB_PAIR],
        STATUS_NAMES[status],
        kind == _ISOLATED,
        atomic,
        exponent,
        whole[_STEP_QUANTUMS],
        whole[_SUBTICKS],
        num[TICK],
        dec[TICK],
        num[STEP],
        dec[STEP],
    )
