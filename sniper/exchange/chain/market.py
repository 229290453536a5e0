"""One market of the chain: its terms, book, oracle price, open interest and funding."""

from __future__ import annotations

from sniper.exchange.chain.book import Book
from sniper.exchange.chain.units import MILLION, ceil_div, ceil_ppm, power, scaled_fraction
from sniper.exchange.terms import ISOLATED, Terms

CROSS_POOL = -1


class Market:
    """State of a market and the arithmetic that its terms fix.

    oracle: the on-chain price as the chain's integer, 0 while unknown. index: the same before the filter of small
    changes. low, high: prices traded in this block in subticks, 0 for none. votes, samples: premiums in ppm.
    """

    __slots__ = (
        "_quote",
        "_subticks",
        "_value",
        "book",
        "funding_index",
        "high",
        "index",
        "isolated",
        "low",
        "open_interest",
        "oracle",
        "perpetual",
        "pool",
        "samples",
        "terms",
        "votes",
    )

    def __init__(self, terms: Terms) -> None:
        self.book = Book()
        self.oracle = self.index = 0
        self.open_interest = 0  # BQ of longs
        self.funding_index = 0
        self.low = self.high = 0
        self.votes: list[int] = []
        self.samples: list[int] = []
        self.set_terms(terms)

    def set_terms(self, terms: Terms) -> None:
        """Take over the terms of this market, old or new."""
        self.terms = terms
        self.perpetual = terms.perpetual
        self.isolated = terms.kind == ISOLATED
        self.pool = terms.perpetual if self.isolated else CROSS_POOL  # of collateral and insurance
        exponent, conversion = (
            terms.price_exponent + terms.atomic_resolution + 6,
            terms.quantum_conversion_exponent,
        )
        self._value = power(exponent)
        self._quote = power(conversion)
        self._subticks = power(exponent - conversion)

    def notional(self, quantums: int) -> int:
        """The signed value in QQ of signed BQ at the oracle price, cut off toward zero."""
        times, by = self._value
        return (
            quantums * self.oracle * times // by
            if quantums >= 0
            else -(-quantums * self.oracle * times // by)
        )

    def quote(self, quantums: int, subticks: int) -> int:
        """The value in QQ of a fill of BQ (>= 0) at a price."""
        times, by = self._quote
        return quantums * subticks * times // by

    def subticks_of(self, price: int) -> tuple[int, int]:
        """An oracle price in subticks, as (numerator, denominator)."""
        times, by = self._subticks
        return price * times, by

    def fraction_ppm(self, open_interest: int) -> int:
        """The initial margin fraction at an open interest in BQ."""
        terms = self.terms
        if not terms.open_interest_upper_cap:
            return terms.initial_margin_ppm
        return scaled_fraction(
            terms.initial_margin_ppm,
            terms.open_interest_lower_cap,
            terms.open_interest_upper_cap,
            self.notional(open_interest),
        )

    def maintenance(self, notional: int) -> int:
        """The maintenance margin in QQ of a position's absolute notional: of the base fraction, never scaled."""
        terms = self.terms
        return ceil_ppm(ceil_ppm(notional, terms.initial_margin_ppm), terms.maintenance_fraction_ppm)

    @property
    def spread_ppm(self) -> int:
        """Initial minus maintenance margin fraction in ppm: what clamps of funding are multiples of."""
        terms = self.terms
        return terms.initial_margin_ppm - terms.initial_margin_ppm * terms.maintenance_fraction_ppm // MILLION

    def tick_below(self, numerator: int, denominator: int) -> int:
        """The highest whole tick at or below a price in subticks."""
        return numerator // denominator // self.terms.subticks_per_tick * self.terms.subticks_per_tick

    def tick_above(self, numerator: int, denominator: int) -> int:
        """The lowest whole tick at or above a price in subticks."""
        tick = self.terms.subticks_per_tick
        return ceil_div(ceil_div(numerator, denominator), tick) * tick

    def traded(self, subticks: int) -> None:
        """A match of this block at this price."""
        if subticks < self.low or not self.low:
            self.low = subticks
        if subticks > self.high:
            self.high = subticks
