"""A view made by hand, to try strategies on: every fact is set, nothing is computed.

    view = HandView(2)
    view.set_scores(0, 80.0, 20.0)
    view.open(0, BUY, steps=100, entry_ticks=1000.0, strategy="mine")
    wanted = strategy.decide(view.at(now_ns, changed=[0]))

All markets begin alike: active, a live book of 1000 x 1001 ticks of 0.1 USD, all scores neutral and warmed up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sniper.trading import BUY, Order, Position, Trip
from sniper.viewing import AccountFacts, FundingFacts, Indicators, MarketFacts

START_NS = 1_800_000_000_000_000_000
SIGNALS = ("up", "down", "much")
KINDS = ("directional", "directional", "intensity")
"""Three scores that no kernel knows, for strategies that take any."""

FACTS = MarketFacts(
    market=0,
    ticker="A-USD",
    status="ACTIVE",
    isolated=False,
    trust="live",
    bid_ticks=1000,
    bid_steps=500,
    ask_ticks=1001,
    ask_steps=500,
    tick_usd=0.1,
    step_coins=0.01,
    step_quantums=1000,
    oracle_usd=100.05,
    oracle_ns=START_NS,
    funding_1h=0.0,
    initial_fraction=0.05,
    maintenance_fraction=0.03,
    open_interest_usd=1e7,
    sigma=0.001,
    drift=0.0,
)
ACCOUNT = AccountFacts(
    usdc=10**10,
    net=10**10,
    initial=0,
    maintenance=0,
    free=10**10,
    leverage=0.0,
    usage=0.0,
    danger=0.0,
    distance_sigmas=1e6,
    computable=True,
    height=1,
    day_realised=0,
    peak_net=10**10,
    losses_in_row=0,
)
FUNDING = FundingFacts(0.0, 0.0, 0, False, 30, 0.0, START_NS + 1800 * 10**9)
INDICATORS = Indicators(
    bars=100,
    warm=True,
    close=100.0,
    macd=0.0,
    macd_signal=0.0,
    histogram=0.0,
    previous_histogram=0.0,
    rsi=50.0,
    atr=0.5,
    bollinger_mid=100.0,
    bollinger_width=2.0,
    adx=25.0,
    plus_di=20.0,
    minus_di=20.0,
    vwap=100.0,
    volume=100.0,
    volume_mean=100.0,
    open_macd=0.0,
    open_histogram=0.0,
)


class HandView:
    """A `View` of so many markets. Set what a test needs, then hand out `at(now_ns, changed)`."""

    def __init__(self, markets: int = 1, signals: int = len(SIGNALS)) -> None:
        self.tick, self.now_ns, self.height = 0, START_NS, 1
        self.feed_ns = START_NS
        self.changed: Sequence[int] = ()
        self.account = ACCOUNT
        self.positions: Mapping[int, Position] = {}
        self.facts = {
            m: FACTS._replace(market=m, ticker=f"{chr(65 + m % 26)}{m // 26 or ''}-USD")
            for m in range(markets)
        }
        self.rows = dict.fromkeys(range(markets), (50.0,) * signals)
        self.masks = dict.fromkeys(range(markets), (1 << signals) - 1)
        self.raw: dict[int, dict[str, float]] = {}
        self.bars: dict[tuple[int, int], Indicators] = {}
        self.rates: dict[int, FundingFacts] = {}
        self.resting: dict[int, tuple[Order, ...]] = {}
        self.trips: dict[int, Trip] = {}

    # What a strategy may ask

    @property
    def markets(self) -> int:
        """How many markets there are."""
        return len(self.facts)

    def index(self, ticker: str) -> int:
        """Market of a ticker, -1 if it is not known."""
        for market, facts in self.facts.items():
            if facts.ticker == ticker:
                return market
        return -1

    def market(self, market: int) -> MarketFacts:
        """What `set_facts` set."""
        return self.facts[market]

    def scores(self, market: int) -> tuple[float, ...]:
        """What `set_scores` set."""
        return self.rows[market]

    def ready(self, market: int) -> int:
        """All signals, or what `masks` says."""
        return self.masks[market]

    def parts(self, market: int) -> Mapping[str, float]:
        """What `raw` holds."""
        return self.raw.get(market, {})

    def indicators(self, market: int, resolution: int) -> Indicators:
        """What `set_indicators` set; without a bar where nothing was set."""
        return self.bars.get((market, resolution), _NO_BARS)

    def funding(self, market: int) -> FundingFacts:
        """What `set_funding` set."""
        return self.rates.get(market, FUNDING)

    def orders(self, market: int) -> tuple[Order, ...]:
        """What `resting` holds."""
        return self.resting.get(market, ())

    def trip(self, market: int) -> Trip | None:
        """The round trip of a position that `open` made."""
        return self.trips.get(market)

    # What a test may set

    def at(self, now_ns: int, changed: Sequence[int] | None = None) -> HandView:
        """The same view one tick on. changed: all markets by default."""
        self.tick += 1
        self.now_ns = self.feed_ns = now_ns
        self.changed = tuple(range(self.markets)) if changed is None else tuple(changed)
        return self

    def set_facts(self, market: int, **changes: Any) -> None:
        """Other facts of a market, by the names of `MarketFacts`."""
        self.facts[market] = self.facts[market]._replace(**changes)

    def set_scores(self, market: int, *scores: float) -> None:
        """The first scores of a market; the others stay."""
        self.rows[market] = (*scores, *self.rows[market][len(scores) :])

    def set_indicators(self, market: int, resolution: int, **changes: Any) -> None:
        """Other indicators of a market and resolution, by the names of `Indicators`."""
        self.bars[market, resolution] = self.bars.get((market, resolution), INDICATORS)._replace(**changes)

    def set_funding(self, market: int, **changes: Any) -> None:
        """Other funding of a market, by the names of `FundingFacts`."""
        self.rates[market] = self.rates.get(market, FUNDING)._replace(**changes)

    def set_account(self, **changes: Any) -> None:
        """Another account, by the names of `AccountFacts`."""
        self.account = self.account._replace(**changes)

    def open(
        self,
        market: int,
        side: int,
        steps: int,
        entry_ticks: float,
        strategy: str,
        stop_ticks: int = 0,
        target_ticks: int = 0,
    ) -> None:
        """A position and its round trip, opened now."""
        sign = 1 if side == BUY else -1
        facts = self.facts[market]
        quote = sign * steps * entry_ticks * facts.tick_usd * facts.step_coins * 1e6
        # Facts may be absurd on purpose; what was paid for a position is then not known.
        paid = int(quote) if abs(quote) < 1e18 else 0
        position = Position(market, 0, sign * steps * facts.step_quantums, paid, 0, 0, 0, self.now_ns)
        self.positions = dict(sorted({**self.positions, market: position}.items()))
        self.trips[market] = Trip(
            self.tick,
            market,
            side,
            steps,
            entry_ticks,
            self.now_ns,
            stop_ticks,
            target_ticks,
            entry_ticks,
            strategy,
            "",
        )

    def close(self, market: int) -> None:
        """Take the position of a market away, and its round trip."""
        self.positions = {m: position for m, position in self.positions.items() if m != market}
        self.trips.pop(market, None)

    def rest(
        self, market: int, side: int, price_ticks: int, client_id: int = 1, purpose: str = "entry"
    ) -> None:
        """An order of ours that rests in the book of a market since now."""
        order = Order(
            client_id,
            f"order {client_id}",
            market,
            side,
            100,
            0,
            price_ticks,
            "short_term",
            "post_only",
            False,
            self.height + 20,
            0,
            "",
            0,
            purpose,
            "resting",
            self.now_ns,
            "",
        )
        self.resting[market] = (*self.resting.get(market, ()), order)


_NO_BARS = Indicators(0, False, *(0.0,) * 17)
