"""On which rung of the liquidation ladder the account stands: thresholds, order, hysteresis; and how near it really is.

What the margin kernel says holds for the last oracle prices. Where they are old, or the market drifts against us, the
account is assessed at prices that have moved against it in the meantime, so that the ladder acts earlier.
"""

from __future__ import annotations

from collections.abc import Container
from math import sqrt
from typing import Final, NamedTuple

from sniper.risk_margin import BEYOND, Margin
from sniper.risk_settings import MILLION, LadderSettings
from sniper.viewing import MarketFacts, View

CALM, STOP, CANCEL, REDUCE, FLATTEN = range(5)
RUNG_NAMES: Final = ("calm", "stop opening", "cancel entries", "reduce", "flatten")
FAR: Final = 1e9
MINUTE_NS: Final = 60_000_000_000
ROOT_OF_60: Final = 7.745966692414834
MOVE_PPM_MAX: Final = 900_000
FAST_MINUTES: Final = 1 / 60
SLOW_MINUTES: Final = 10 / 60


class Rung(NamedTuple):
    """A rung holds from this danger (ppm) on, or from this distance down."""

    danger_ppm: int
    sigmas: float
    hold_ns: int

    def holds(self, danger_ppm: int, sigmas: float) -> bool:
        """Whether the account stands here or higher."""
        return danger_ppm >= self.danger_ppm or sigmas <= self.sigmas

    def released(self, danger_ppm: int, sigmas: float, hysteresis_ppm: int) -> bool:
        """Whether it is clearly better than that."""
        lower = self.danger_ppm * (MILLION - hysteresis_ppm) // MILLION
        return danger_ppm < lower and sigmas > self.sigmas * (MILLION + hysteresis_ppm) / MILLION


class Move(NamedTuple):
    """From one rung to the next, and what was found."""

    before: int
    after: int
    danger_ppm: int
    sigmas: float


class Rungs:
    """The ladder's state. Upwards rung by rung at once, as far as they hold; downwards one at a time, each after its
    hold time in which danger and distance were better than its thresholds by the hysteresis all the while."""

    def __init__(self, settings: LadderSettings) -> None:
        hold, last = settings.hold_ns, settings.flatten_hold_ns
        self._hysteresis_ppm = settings.hysteresis_ppm
        self.rungs = (
            Rung(0, FAR, 0),
            Rung(settings.stop_ppm, settings.stop_sigmas, hold),
            Rung(settings.cancel_ppm, settings.cancel_sigmas, hold),
            Rung(settings.reduce_ppm, settings.reduce_sigmas, hold),
            Rung(settings.flatten_ppm, settings.flatten_sigmas, last),
        )
        self.rung = CALM
        self.better_ns = 0
        """Since when the rung is released, 0: it is not."""

    def on(self, danger_ppm: int, sigmas: float) -> bool:
        """Whether any rung holds."""
        return self.rungs[STOP].holds(danger_ppm, sigmas)

    def update(
        self, danger_ppm: int, sigmas: float, now_ns: int, blind: bool = False, leap: bool = False
    ) -> list[Move]:
        """Climb or step down. Returns every step. blind: what was found is old, so each rung begins one earlier. leap:
        the next price may lie as far beyond as this one did, so closing begins with the first rung."""
        moves = []
        while self.rung < FLATTEN and self.rungs[_begins(self.rung + 1, blind, leap)].holds(
            danger_ppm, sigmas
        ):
            moves.append(Move(self.rung, self.rung + 1, danger_ppm, sigmas))
            self.rung += 1
            self.better_ns = 0
        if self.rung == CALM or moves:
            return moves
        rung = self.rungs[self.rung]
        if not rung.released(danger_ppm, sigmas, self._hysteresis_ppm):
            self.better_ns = 0
        elif not self.better_ns:
            self.better_ns = now_ns
        elif now_ns - self.better_ns >= rung.hold_ns:
            moves.append(Move(self.rung, self.rung - 1, danger_ppm, sigmas))
            self.rung -= 1
            self.better_ns = now_ns
        return moves


def _begins(rung: int, blind: bool, leap: bool) -> int:
    """The rung whose thresholds a rung begins at."""
    if leap:
        return STOP if rung <= REDUCE else REDUCE
    return max(STOP, rung - blind)


class Trend(NamedTuple):
    """How fast an oracle price moves, over about a second and about ten: fractions a minute."""

    price: float
    seen_ns: int
    fast: float
    slow: float


class Trends:
    """The trends of the oracle prices of held markets: the drift of the bars would come too late."""

    def __init__(self) -> None:
        self.known: dict[int, Trend] = {}

    def look(self, market: int, price: float, feed_ns: int, now_ns: int = 0) -> Trend:
        """The trend after this price. While the feed is silent it stays as it is, unless the price, taken from a book
        that is heard, moves: then the time is `now_ns`."""
        before = self.known.get(market)
        if before is None or not before.price > 0.0:
            found = self.known[market] = Trend(price, feed_ns, 0.0, 0.0)
            return found
        if feed_ns <= before.seen_ns:
            if price == before.price or now_ns <= before.seen_ns:
                return before
            feed_ns = now_ns
        minutes = (feed_ns - before.seen_ns) / MINUTE_NS
        speed = (price - before.price) / before.price / minutes
        fast = before.fast + (speed - before.fast) * minutes / (minutes + FAST_MINUTES)
        slow = before.slow + (speed - before.slow) * minutes / (minutes + SLOW_MINUTES)
        found = self.known[market] = Trend(price, feed_ns, fast, slow)
        return found

    def keep(self, markets: Container[int]) -> None:
        """Forget the markets that are not held any more."""
        if [market for market in self.known if market not in markets]:
            self.known = {market: trend for market, trend in self.known.items() if market in markets}


class Part(NamedTuple):
    """One position at the prices that are assumed. Amounts in QQ, not negative but for the size (BQ)."""

    market: int
    size: int
    notional: int
    maintenance: int
    sigma: float
    """Of an hour, as a fraction."""
    move_ppm: int
    """By how much the price is assumed to have moved against it."""

    @property
    def fall(self) -> int:
        """What a move of the whole price would cost, maintenance margin that goes or comes with it included."""
        return self.notional - self.maintenance if self.size > 0 else self.notional + self.maintenance


class Assessment(NamedTuple):
    """The account as the ladder sees it. stale: oracle prices are old. leap: prices leapt a moment ago."""

    net: int
    maintenance: int
    danger_ppm: int
    sigmas: float
    """Distance of the position that is nearest to liquidation."""
    stale: bool
    parts: tuple[Part, ...]
    leap: bool = False

    @property
    def spare(self) -> int:
        """Net collateral above the maintenance margin."""
        return self.net - self.maintenance


def danger_of(net: int, maintenance: int) -> int:
    """Maintenance margin over net collateral in ppm; liquidation above a million."""
    if net > 0:
        return maintenance * MILLION // net
    return BEYOND if maintenance else 0


def leapt(before: Assessment, after: Assessment) -> bool:
    """Whether prices took half the distance or more between two looks: the next may be as far away."""
    if not 2.0 * after.sigmas <= before.sigmas < FAR:
        return False
    known = {part.market: part for part in before.parts}
    for part in after.parts:
        old = known.get(part.market)
        if old and old.size == part.size:
            rise = part.notional - old.notional
            if rise and (rise < 0) == (part.size > 0):
                return True
    return False  # it was a fill or a transfer


def gap_of(facts: MarketFacts, size: int) -> float:
    """How far the whole book lies beyond the oracle price, against a position: a fraction. The oracle will follow."""
    touch = facts.ask_ticks if size > 0 else facts.bid_ticks
    if facts.trust != "live" or not facts.mid_ticks or not facts.oracle_usd > 0.0:
        return 0.0
    away = touch * facts.tick_usd / facts.oracle_usd - 1.0
    return max(0.0, -away if size > 0 else away)


def assess(view: View, margin: Margin, account: int, settings: LadderSettings, trends: Trends) -> Assessment:
    """Danger and distance at the prices that must be assumed."""
    age_ns = view.now_ns - view.feed_ns
    stale = age_ns > settings.feed_stale_ns
    age, reaction = max(0, age_ns) / MINUTE_NS, settings.reaction_ns / MINUTE_NS
    blur = settings.stale_sigmas * sqrt(age) if stale else 0.0
    unknown = settings.sigma_unknown_ppm / MILLION
    net, maintenance, parts = view.account.net, 0, []
    trends.keep(view.positions)
    for market, size, notional, required in margin.holdings(account):
        facts = view.market(market)
        sigma = facts.sigma if facts.sigma > 0.0 else unknown / ROOT_OF_60
        gap = gap_of(facts, size)
        price = facts.oracle_usd * (1.0 - gap if size > 0 else 1.0 + gap)
        trend = trends.look(market, price, view.feed_ns, view.now_ns)
        drifts = (facts.drift, trend.fast, trend.slow)
        drift = max(0.0, -min(drifts) if size > 0 else max(drifts))
        move = blur * sigma + max(drift * (age + reaction), gap + drift * reaction)
        amount, move_ppm = abs(notional), 0
        if move > 0.0:
            move_ppm = min(int(move * MILLION) + 1, MOVE_PPM_MAX)
            net -= -(-amount * move_ppm // MILLION)
            after = MILLION - move_ppm if size > 0 else MILLION + move_ppm
            amount, required = amount * after // MILLION, required * after // MILLION
        maintenance += required
        parts.append(Part(market, size, amount, required, sigma * ROOT_OF_60, move_ppm))
    sigmas = FAR
    for part in parts:
        fall = part.fall
        if fall > 0:
            sigmas = min(sigmas, (net - maintenance) / (fall * part.sigma))
    return Assessment(net, maintenance, danger_of(net, maintenance), sigmas, stale, tuple(parts))


def at_last_prices(net: int, margin: Margin, account: int) -> Assessment:
    """Danger at the last oracle prices, as the margin kernel has it. Distances in sigmas are not looked at."""
    maintenance, parts = 0, []
    for market, size, notional, required in margin.holdings(account):
        maintenance += required
        parts.append(Part(market, size, abs(notional), required, 0.0, 0))
    return Assessment(net, maintenance, danger_of(net, maintenance), FAR, False, tuple(parts))
