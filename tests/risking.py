"""Risk for tests: real kernels, real orders, books as plain lists, and a view that can be set up by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sniper._ext.decode import Decoder
from sniper._ext.liquidation import Liquidation
from sniper._ext.tape import Tape
from sniper.orders import Orders, OrdersSettings
from sniper.risk import Risk
from sniper.risk_settings import RiskSettings
from sniper.risk_units import Unit, unit_of
from sniper.running_digest import RunningDigest
from sniper.trading import SELL, Intent, Order, Position, Trip
from sniper.types import REC_FRAME
from sniper.viewing import AccountFacts, MarketFacts
from tests import messages as m
from tests.ordering import ADDRESS, MARKETS, SECOND, known

USD = 1_000_000
START_NS = 1_800_000_000 * SECOND
BTC, ETH = 0, 1
Levels = list[tuple[int, int]]


class Books:
    """Bids and asks of every market as lists of (ticks, steps), best first."""

    def __init__(self) -> None:
        self.sides: dict[tuple[int, int], Levels] = {}

    def fill(self, market: int, side: int, steps: int) -> tuple[int, int, int]:
        """What a taker meets on side 0 (bids) or 1 (asks): (worst tick, steps filled, sum of ticks x steps)."""
        worst, left, total = 0, steps, 0
        for ticks, size in self.sides.get((market, side), []):
            take = min(left, size)
            if take:
                worst, left, total = ticks, left - take, total + ticks * take
        return worst, steps - left, total

    def within(self, market: int, side: int, limit: int) -> Levels:
        """The levels that an order with this limit would take."""
        levels = self.sides.get((market, side), [])
        return [(t, s) for t, s in levels if (t >= limit if side == 0 else t <= limit)]


class FakeView:
    """A view that is set up by hand. Markets have a sigma of 0.1 % a root of a minute unless told otherwise."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.tick, self.now_ns, self.height, self.feed_ns = 1, START_NS, 100, START_NS
        self.changed: Sequence[int] = ()
        self.positions: dict[int, Position] = {}
        self.account = AccountFacts(0, 0, 0, 0, 0, 0.0, 0.0, 0.0, 1e9, True, 100, 0, 0, 0)
        self.overrides: dict[int, dict[str, Any]] = {}
        self.trips: dict[int, Trip] = {}

    @property
    def markets(self) -> int:
        return self._scene.decoder.markets_n

    def index(self, ticker: str) -> int:
        return self._scene.decoder.market(ticker)

    def market(self, market: int) -> MarketFacts:
        row = self._scene.decoder.markets[market]
        num, dec = row["num"].tolist(), row["dec"].tolist()
        bids, asks = (self._scene.books.sides.get((market, side), []) for side in (0, 1))
        (bid, bid_steps), (ask, ask_steps) = (levels[0] if levels else (0, 0) for levels in (bids, asks))
        facts = MarketFacts(
            market, self._scene.decoder.ticker(market), "ACTIVE", False, "live", bid, bid_steps, ask, ask_steps,
            num[0] / 10 ** dec[0], num[1] / 10 ** dec[1], int(row["whole"][4]), num[2] / 10 ** dec[2],
            self.now_ns, 0.0, num[6] / 10 ** dec[6], num[7] / 10 ** dec[7],
            num[8] / 10 ** dec[8] * num[2] / 10 ** dec[2], 0.001, 0.0,
        )  # fmt: skip
        return facts._replace(**self.overrides.get(market, {}))

    def orders(self, market: int) -> tuple[Order, ...]:
        return self._scene.orders.open(market)

    def trip(self, market: int) -> Trip | None:
        return self.trips.get(market)

    # what risk never asks for
    def scores(self, market: int) -> tuple[float, ...]:
        raise NotImplementedError

    def ready(self, market: int) -> int:
        raise NotImplementedError

    def parts(self, market: int) -> Mapping[str, float]:
        raise NotImplementedError

    def indicators(self, market: int, resolution: int) -> Any:
        raise NotImplementedError

    def funding(self, market: int) -> Any:
        raise NotImplementedError


class Scene:
    """An account with USDC, two live markets with deep books, and risk on top."""

    def __init__(
        self,
        settings: RiskSettings | None = None,
        usdc: int = 10_000 * USD,
        markets: dict[str, Any] | None = None,
    ) -> None:
        self.tape = Tape()
        self.decoder: Decoder = known(self.tape, markets or MARKETS)
        self.margin = Liquidation(self.tape, self.decoder.markets)
        self.books = Books()
        self.digest = RunningDigest(self.tape, "orders")
        self.orders = Orders(self.decoder, OrdersSettings(address=ADDRESS), self.digest)
        self.settings = settings or RiskSettings()
        self.risk = Risk(self.settings, self.decoder, self.margin, self.orders, self.books.fill, self.digest)
        self.view = FakeView(self)
        self.messages = 10
        self.usdc = usdc
        self.sigmas: list[float] = []
        for market in range(self.decoder.markets_n):
            self.book(market)
        self.settle()

    def unit(self, market: int) -> Unit:
        found = unit_of(self.decoder, market)
        assert found is not None
        return found

    def book(self, market: int, spread_ppm: int = 200, steps: int = 1_000_000, levels: int = 20) -> None:
        """A book around the oracle price: levels a tenth of the spread apart."""
        for side, sign in ((0, -1), (1, 1)):
            self.books.sides[market, side] = [
                (
                    self.unit(market).oracle_ticks(sign * (spread_ppm // 2 + i * spread_ppm // 10)) + side,
                    steps,
                )
                for i in range(levels)
            ]

    def price(self, market: int, usd: str) -> None:
        """A new oracle price, and a book around it."""
        self.messages += 1
        ticker = self.decoder.ticker(market)
        contents = {"oraclePrices": {ticker: {"oraclePrice": usd, "effectiveAt": "2027-01-15T08:00:00.000Z"}}}
        n = self.decoder.apply([(0, 0, REC_FRAME, m.data("v4_markets", None, self.messages, contents))])
        self.margin.apply(n)
        assert self.decoder.markets[market]["num"][2] > 0
        self.book(market)
        self.settle()

    def hold(self, market: int, steps: int, entry_ticks: int | None = None) -> None:
        """A position bought or sold at this price, the oracle price if none is given."""
        unit = self.unit(market)
        ticks = unit.oracle_ticks() if entry_ticks is None else entry_ticks
        before = self.view.positions.get(market)
        size = (before.size_quantums if before else 0) + steps * unit.step_quantums
        quote = unit.quote(abs(steps), ticks)
        self.usdc -= quote if steps > 0 else -quote
        self.view.positions.pop(market, None)
        if size:
            self.view.positions[market] = Position(market, 0, size, quote, 0, 0, 0, self.view.now_ns)
            self.view.positions = dict(sorted(self.view.positions.items()))
        self.margin.set_position(0, market, size)
        self.settle()

    def settle(self, **facts: Any) -> None:
        """The facts of the account, computed."""
        self.margin.set_usdc(0, self.usdc)
        if not self.sigmas:
            self.sigmas = [0.001] * self.margin.markets_max
        self.margin.bind(np.array(self.sigmas), np.zeros(self.margin.markets_max))
        self.margin.update()
        usdc, net, initial, maintenance, free, leverage, usage, danger, sigmas, computable = (
            self.margin.account(0)
        )
        old = self.view.account if hasattr(self, "view") else None
        peak = max(net, old.peak_net) if old else net
        found = AccountFacts(
            usdc, net, initial, maintenance, free, leverage, usage, danger, sigmas, computable, self.view.height, 0,
            peak, 0,
        )  # fmt: skip
        self.view.account = found._replace(**facts)

    def later(self, seconds: float, blocks: int = 0, feed: bool = True) -> None:
        self.view.now_ns += int(seconds * SECOND)
        self.view.height += blocks
        if feed:
            self.view.feed_ns = self.view.now_ns
        self.orders.apply((), (), (), self.view.now_ns, self.view.height, self.view.height)

    def entry(self, market: int = BTC, side: int = 0, usd: int = 1000, **fields: Any) -> Intent:
        """An IOC entry at the touch of about so many USD."""
        touch = self.books.sides[market, 1 - side][0][0]
        steps = self.unit(market).steps(usd * USD)
        return Intent(
            **({"market": market, "side": side, "price_ticks": touch, "size_steps": steps} | fields)
        )

    def leave(self, market: int = BTC, **fields: Any) -> Intent:
        """A reduce-only IOC exit of the whole position at the touch."""
        size = self.view.positions[market].size_quantums if market in self.view.positions else 1
        side = SELL if size > 0 else 0
        touch = self.books.sides[market, 1 - side][0][0]
        usual: dict[str, Any] = {"purpose": "exit", "reduce_only": True, "price_ticks": touch, "side": side}
        return Intent(**({"market": market} | usual | fields))

    def send(self, *wanted: Any) -> list[Any]:
        """Check and submit."""
        approved, _, withdraws = self.risk.check(self.view, wanted)
        return self.orders.submit(approved, withdraws, self.view.now_ns, self.view.height)

    def verdict(self, *wanted: Any) -> list[str]:
        """For every intent in line: the gate that refused it, or "" for approved."""
        _, refused, _ = self.risk.check(self.view, wanted)
        return [one.gate for one in refused]
