"""The view of one tick, built on demand out of what the stages hold.

Only what is asked for is computed: a strategy that looks at two markets of fifty pays for two. What rarely changes
of a market (its grid, fractions, oracle price) is kept until a row says that it changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sniper._ext.tape import FIELD_NAMES, STATUS_NAMES, TRUST_NAMES
from sniper.trading import Order, Position, Trip
from sniper.viewing import AccountFacts, FundingFacts, Indicators, MarketFacts

FIELD = {name: i for i, name in enumerate(FIELD_NAMES)}
NUMS = 12
TICK, STEP, ORACLE, IMF, MMF, INTEREST, NEXT_FUNDING = (
    FIELD[name]
    for name in (
        "tickSize",
        "stepSize",
        "oraclePrice",
        "initialMarginFraction",
        "maintenanceMarginFraction",
        "openInterest",
        "nextFundingRate",
    )
)
STEP_QUANTUMS = FIELD["stepBaseQuantums"] - NUMS
ISOLATED = 2
POWER = tuple(10.0**n for n in range(23))
"""Exact as doubles, so that a quotient of a number below 2^53 is the double nearest to the decimal."""

Fixed = tuple[str, str, bool, float, float, int, float, int, float, float, float, float]
"""What a MARKET or ORACLE row may change: ticker, status, isolated, tick_usd, step_coins, step_quantums,
oracle_usd, oracle_ns, funding_1h, initial_fraction, maintenance_fraction, open_interest_usd."""


class DeskView:
    """Implements `View` over the stages of one engine. The desk begins it anew for each tick.

    The facts of a market are made when they are first asked for, and hold until the next tick.
    """

    __slots__ = (
        "_books",
        "_decoder",
        "_drifts",
        "_facts",
        "_fixed",
        "_fresh",
        "_funding",
        "_orders",
        "_sigmas",
        "_signals",
        "_trips",
        "_trust",
        "account",
        "changed",
        "feed_ns",
        "height",
        "now_ns",
        "positions",
        "ready",
        "scores",
        "tick",
        "top",
    )

    def __init__(
        self,
        decoder: Any,
        books: Any,
        signals: Any,
        funding: Any,
        orders: Any,
        trips: Any,
        account: AccountFacts,
        fresh: Any,
    ) -> None:
        """fresh (uint8, a market each): set to 1 here with what is kept, put back to 0 by who hears of a change."""
        self._decoder, self._books, self._signals = decoder, books, signals
        self._funding, self._orders, self._trips = funding, orders, trips
        self.top, self._trust = books.top, memoryview(books.tops["trust"])
        self._sigmas, self._drifts = memoryview(signals.sigmas), memoryview(signals.drifts)
        self._fresh = memoryview(fresh)
        self._fixed: dict[int, Fixed] = {}
        self._facts: dict[int, MarketFacts] = {}
        self.scores, self.ready = signals.row, signals.ready
        self.tick = self.now_ns = self.height = self.feed_ns = 0
        self.changed: Sequence[int] = ()
        self.account = account
        self.positions: Mapping[int, Position] = {}

    def begin(self, tick: int, now_ns: int, height: int, feed_ns: int, changed: Sequence[int]) -> None:
        """A new tick: books, prices and signals are others now."""
        self.tick, self.now_ns, self.height, self.feed_ns = tick, now_ns, height, feed_ns
        self.changed = changed
        if self._facts:
            self._facts = {}

    def forget(self) -> None:
        """Make the facts of markets anew when they are next asked for."""
        self._facts = {}

    @property
    def markets(self) -> int:
        """How many markets are known."""
        return int(self._decoder.markets_n)

    def index(self, ticker: str) -> int:
        """Market of a ticker, -1 if it is not known."""
        return int(self._decoder.market(ticker))

    def market(self, market: int) -> MarketFacts:
        """One market now."""
        found = self._facts.get(market)
        if found is not None:
            return found
        if self._fresh[market]:
            fixed = self._fixed[market]
        else:
            fixed = self._fixed[market] = fixed_facts(self._decoder, market)
            self._fresh[market] = 1
        bid, bid_steps, ask, ask_steps = self.top(market)
        found = self._facts[market] = MarketFacts(
            market,
            fixed[0],
            fixed[1],
            fixed[2],
            TRUST_NAMES[self._trust[market]],
            bid,
            bid_steps,
            ask,
            ask_steps,
            *fixed[3:],
            self._sigmas[market],
            self._drifts[market],
        )
        return found

    def parts(self, market: int) -> Mapping[str, float]:
        """The raw values behind the scores."""
        found: Mapping[str, float] = self._signals.parts(market)
        return found

    def indicators(self, market: int, resolution: int) -> Indicators:
        """The classical indicators of one market and resolution."""
        return Indicators(*self._signals.indicators(market, resolution))

    def funding(self, market: int) -> FundingFacts:
        """Funding of one market."""
        found: FundingFacts = self._funding.facts(market, self.now_ns)
        return found

    def orders(self, market: int) -> tuple[Order, ...]:
        """Our orders of this market that are open, on their way or of unknown fate."""
        found: tuple[Order, ...] = self._orders.open(market)
        return found

    def trip(self, market: int) -> Trip | None:
        """The open round trip of a market."""
        found: Trip | None = self._trips.facts(market)
        return found


def fixed_facts(decoder: Any, market: int) -> Fixed:
    """What of a market changes with MARKET and ORACLE rows only."""
    known, status, kind, oracle_ns, nums, decimals, wholes = decoder.numbers(market)

    def value(field: int) -> float:
        return nums[field] / POWER[decimals[field]] if known >> field & 1 else 0.0

    oracle = value(ORACLE)
    return (
        decoder.ticker(market),
        STATUS_NAMES[status],
        kind == ISOLATED,
        value(TICK),
        value(STEP),
        wholes[STEP_QUANTUMS] if known >> (STEP_QUANTUMS + NUMS) & 1 else 0,
        oracle,
        oracle_ns,
        value(NEXT_FUNDING),
        value(IMF),
        value(MMF),
        value(INTEREST) * oracle,
    )
