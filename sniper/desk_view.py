"""The view of one tick, built on demand out of what the stages hold.

Only what is asked for is computed: a strategy that looks at two markets of fifty pays for two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sniper._ext.facts import Facts
from sniper._ext.tape import STATUS_NAMES, TRUST_NAMES
from sniper.trading import Order, Position, Trip
from sniper.viewing import AccountFacts, FundingFacts, Indicators, MarketFacts


class DeskView:
    """Implements `View` over the stages of one engine. The desk begins it anew for each tick.

    What it shows is made when it is asked for, out of what the stages hold then.
    """

    __slots__ = (
        "_decoder",
        "_funding",
        "_orders",
        "_signals",
        "_trips",
        "account",
        "changed",
        "feed_ns",
        "height",
        "market",
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
    ) -> None:
        self._decoder, self._signals = decoder, signals
        self._funding, self._orders, self._trips = funding, orders, trips
        self.top = books.top
        self.market = Facts(decoder, books, signals, MarketFacts, STATUS_NAMES, TRUST_NAMES).of
        self.scores, self.ready = signals.row, signals.ready
        self.tick = self.now_ns = self.height = self.feed_ns = 0
        self.changed: Sequence[int] = ()
        self.account = account
        self.positions: Mapping[int, Position] = {}

    @property
    def markets(self) -> int:
        """How many markets are known."""
        return int(self._decoder.markets_n)

    def index(self, ticker: str) -> int:
        """Market of a ticker, -1 if it is not known."""
        return int(self._decoder.market(ticker))

    def parts(self, market: int) -> Mapping[str, float]:
        """The raw values behind the scores."""
        found: Mapping[str, float] = self._signals.parts(market)
        return found

    def indicators(self, market: int, resolution: int) -> Indicators:
        """The classical indicators of one market and resolution."""
        return Indicators._make(self._signals.indicators(market, resolution))

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
