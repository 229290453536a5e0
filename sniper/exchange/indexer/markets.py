"""A market as the Indexer keeps it: terms, oracle price, book, trades, candles, funding, statistics of 24 hours."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import Final, NamedTuple

from sniper.exchange.indexer.candles import Candles
from sniper.exchange.indexer.fills import Trade, hourly
from sniper.exchange.indexer.levels import Levels
from sniper.exchange.indexer.writing import Item, coins, minus, oracle, plain, ppm, scale, usd
from sniper.exchange.terms import Terms
from sniper.feed.sim.text import decimal, iso

MINUTE_NS: Final = 60_000_000_000
DAY_MINUTES: Final = 1_440


class Tick(NamedTuple):
    """One funding tick of a market. rate: of 1 hour, as text; price in USD."""

    rate: str
    price: Decimal
    height: int
    at_ns: int


class Minute:
    """What was traded in one minute, and the oracle price at its end."""

    __slots__ = ("minute", "price", "quote", "trades")

    def __init__(self, minute: int, price: Decimal) -> None:
        self.minute, self.price = minute, price
        self.quote = self.trades = 0


class Market:
    """One market. interest: open interest in BQ; index: funding index; statistics as last told."""

    def __init__(self, terms: Terms, price: tuple[int, int], index: int, rows_max: int) -> None:
        self.terms = terms
        self.levels = Levels()
        self.trades: deque[Trade] = deque(maxlen=rows_max)
        self.candles = Candles(rows_max)
        self.ticks: deque[Tick] = deque(maxlen=rows_max)
        self.price = oracle(*price)
        self.index = index
        self.interest = 0
        self.next_funding = "0"
        self.statistics: dict[str, str | int] = {
            "priceChange24H": "0",
            "volume24H": "0",
            "trades24H": 0,
            "nextFundingRate": "0",
            "openInterest": "0",
        }
        self._minutes: deque[Minute] = deque(maxlen=DAY_MINUTES + 1)
        self._quote = self._trades = 0

    @property
    def ticker(self) -> str:
        """Its name."""
        return self.terms.ticker

    def traded(self, quote: int, now_ns: int) -> None:
        """Count a trade in the statistics."""
        minute = self._minute(now_ns)
        minute.quote += quote
        minute.trades += 1
        self._quote += quote
        self._trades += 1

    def priced(self, price: int, exponent: int, now_ns: int) -> None:
        """A new oracle price."""
        self.price = oracle(price, exponent)
        self._minute(now_ns).price = self.price

    def _minute(self, now_ns: int) -> Minute:
        number = now_ns // MINUTE_NS
        minutes = self._minutes
        if not minutes or minutes[-1].minute != number:
            minutes.append(Minute(number, self.price))
        return minutes[-1]

    def count(self, now_ns: int) -> Item:
        """The job of every 30 s: the statistics that have changed since it last ran."""
        oldest = now_ns // MINUTE_NS - DAY_MINUTES
        before: Decimal | None = None
        while self._minutes and self._minutes[0].minute < oldest:
            gone = self._minutes.popleft()
            self._quote -= gone.quote
            self._trades -= gone.trades
            before = gone.price
        found: dict[str, str | int] = {
            "priceChange24H": self.statistics["priceChange24H"],
            "volume24H": usd(self._quote),
            "trades24H": self._trades,
            "nextFundingRate": self.next_funding,
            "openInterest": self.interest_text(),
        }
        if before is not None:
            found["priceChange24H"] = plain(minus(self.price, before))
        changed = {key: value for key, value in found.items() if value != self.statistics[key]}
        self.statistics = found
        return changed

    def interest_text(self) -> str:
        """Open interest in coins."""
        return plain(coins(self.interest, self.terms))

    def oracle_item(self, height: int, now_ns: int) -> Item:
        """The oracle price in an update."""
        return {
            "oraclePrice": plain(self.price),
            "effectiveAt": iso(now_ns),
            "effectiveAtHeight": str(height),
            "marketId": self.terms.market,
        }

    def _margins(self) -> Item:
        terms = self.terms
        maintenance = terms.initial_margin_ppm * terms.maintenance_fraction_ppm
        return {
            "initialMarginFraction": ppm(terms.initial_margin_ppm),
            "maintenanceMarginFraction": decimal(maintenance, 12),
        }

    def _caps(self) -> Item:
        return {
            "openInterestLowerCap": usd(self.terms.open_interest_lower_cap),
            "openInterestUpperCap": usd(self.terms.open_interest_upper_cap),
        }

    def listed_item(self) -> Item:
        """A market that was listed or changed, in an update: without an oracle price and without statistics."""
        terms = self.terms
        return {
            "id": str(terms.perpetual),
            "clobPairId": str(terms.clob_pair),
            "ticker": terms.ticker,
            "marketId": terms.market,
            "status": terms.status,
            "quantumConversionExponent": terms.quantum_conversion_exponent,
            "atomicResolution": terms.atomic_resolution,
            "subticksPerTick": terms.subticks_per_tick,
            "stepBaseQuantums": terms.step_base_quantums,
            "tickSize": scale(terms).tick,
            "stepSize": scale(terms).step,
            **self._margins(),
            **self._caps(),
            "marketType": terms.kind,
        }

    def item(self) -> Item:
        """The whole market, in an answer or a snapshot."""
        terms, told = self.terms, self.statistics
        return {
            "clobPairId": str(terms.clob_pair),
            "ticker": terms.ticker,
            "status": terms.status,
            "oraclePrice": plain(self.price),
            "priceChange24H": told["priceChange24H"],
            "volume24H": told["volume24H"],
            "trades24H": told["trades24H"],
            "nextFundingRate": told["nextFundingRate"],
            **self._margins(),
            "openInterest": told["openInterest"],
            "atomicResolution": terms.atomic_resolution,
            "quantumConversionExponent": terms.quantum_conversion_exponent,
            "tickSize": scale(terms).tick,
            "stepSize": scale(terms).step,
            "stepBaseQuantums": terms.step_base_quantums,
            "subticksPerTick": terms.subticks_per_tick,
            "marketType": terms.kind,
            **self._caps(),
            # Nobody has updated it since 2024; the field stays and says nothing (rest.md 2).
            "baseOpenInterest": "0",
            "defaultFundingRate1H": hourly(terms.default_funding_ppm),
        }

    def funding_item(self, tick: Tick) -> Item:
        """A funding tick in an answer."""
        return {
            "ticker": self.ticker,
            "rate": tick.rate,
            "price": plain(tick.price),
            "effectiveAtHeight": str(tick.height),
            "effectiveAt": iso(tick.at_ns),
        }

    def book_item(self, levels_max: int) -> Item:
        """The uncrossed book, best levels first."""
        written = scale(self.terms)
        bids, asks = self.levels.uncrossed(levels_max)
        return {
            "bids": [{"price": written.price(price), "size": written.size(size)} for price, size in bids],
            "asks": [{"price": written.price(price), "size": written.size(size)} for price, size in asks],
        }
