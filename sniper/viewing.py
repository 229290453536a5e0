"""What a strategy sees: the view of one tick and the facts in it.

Units as in `trading`. Floats here are for judging, never for book-keeping.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from sniper.trading import Intent, Order, Position, Reason, Trip, Withdraw


class MarketFacts(NamedTuple):
    """One market now. Prices of the uncrossed view in ticks, sizes in steps, 0: none; other prices in USD."""

    market: int
    ticker: str
    status: str
    isolated: bool
    trust: str
    bid_ticks: int
    bid_steps: int
    ask_ticks: int
    ask_steps: int
    tick_usd: float
    step_coins: float
    step_quantums: int
    oracle_usd: float
    oracle_ns: int
    funding_1h: float
    initial_fraction: float
    maintenance_fraction: float
    open_interest_usd: float
    sigma: float
    """Volatility per square root of a minute, as a fraction of the price; 0 while unknown."""
    drift: float

    @property
    def mid_ticks(self) -> float:
        """The middle of the uncrossed touch in ticks, 0 where a side is empty."""
        return (self.bid_ticks + self.ask_ticks) / 2 if self.bid_ticks and self.ask_ticks else 0.0


class FundingFacts(NamedTuple):
    """Funding of one market, rates as fractions an hour."""

    predicted: float
    expected: float
    """What is expected to be paid at the hour: the samples so far weighed with what is to come."""
    age_ns: int
    stale: bool
    """Still the value of the hour before (until hh:00:30 and the first news after it)."""
    samples: int
    realised: float
    """The last rate that was really paid, 0 while unknown."""
    next_ns: int


class AccountFacts(NamedTuple):
    """The account as the margin kernel sees it. Amounts in QQ."""

    usdc: int
    net: int
    initial: int
    maintenance: int
    free: int
    leverage: float
    usage: float
    """Initial margin over net collateral."""
    danger: float
    """Maintenance margin over net collateral: liquidation at 1."""
    distance_sigmas: float
    """The least liquidation distance over all positions, in sigmas of an hour; a large number without positions."""
    computable: bool
    height: int
    day_realised: int
    peak_net: int
    losses_in_row: int


class Indicators(NamedTuple):
    """The classical indicators of one market and resolution, from closed bars; `open_*` includes the open bar.

    Prices in USD; bollinger_width as a fraction of bollinger_mid. bars: closed bars seen; a value is 0.0 until `warm`.
    """

    bars: int
    warm: bool
    close: float
    macd: float
    macd_signal: float
    histogram: float
    previous_histogram: float
    rsi: float
    atr: float
    bollinger_mid: float
    bollinger_width: float
    adx: float
    plus_di: float
    minus_di: float
    vwap: float
    volume: float
    volume_mean: float
    open_macd: float
    open_histogram: float


class View(Protocol):
    """What a strategy sees. What it returns is true for this tick only; keep facts, not the view."""

    tick: int
    now_ns: int
    height: int
    """Newest block height, 0 while unknown."""
    feed_ns: int
    """When oracle prices, of whatever market, last came; 0 while none did."""
    changed: Sequence[int]
    """Markets whose scores may have changed in this tick, ascending."""
    account: AccountFacts
    positions: Mapping[int, Position]
    """Open positions of the traded subaccount by market, in the order of markets."""

    @property
    def markets(self) -> int:
        """How many markets are known."""
        ...

    def index(self, ticker: str) -> int:
        """Market of a ticker, -1 if it is not known."""
        ...

    def market(self, market: int) -> MarketFacts: ...
    def scores(self, market: int) -> tuple[float, ...]:
        """0..100 in the order of SIGNALS of the signals kernel."""
        ...

    def ready(self, market: int) -> int:
        """Bit i: signal i is warmed up."""
        ...

    def parts(self, market: int) -> Mapping[str, float]:
        """The raw values behind the scores."""
        ...

    def indicators(self, market: int, resolution: int) -> Indicators: ...
    def funding(self, market: int) -> FundingFacts: ...
    def orders(self, market: int) -> tuple[Order, ...]:
        """Our orders of this market that are open, on their way or of unknown fate."""
        ...

    def trip(self, market: int) -> Trip | None: ...


class Strategy(Protocol):
    """One file each: decides on a view. `explain` says of one market what `decide` would look at."""

    name: str

    def decide(self, view: View) -> Sequence[Intent | Withdraw]: ...
    def explain(self, view: View, market: int) -> tuple[Reason, ...]: ...
    def save(self) -> bytes: ...
    def load(self, state: bytes) -> None: ...
