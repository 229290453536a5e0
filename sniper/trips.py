"""Round trips: from the fill that opens a position to the one that closes it, with why it was entered and left.

A fill says what happened; the order behind it, and the intent behind that, say why and where the stop and the
target are to stand. Money in QQ, prices in ticks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

import msgspec

from sniper.profit import Payment, shares
from sniper.quantums import Scales, mean_ticks
from sniper.running_digest import RunningDigest
from sniper.trading import BUY, SELL, Fill, Intent, Order, Position, Trip
from sniper.trips_record import ClosedTrip, OpenTrip, Plan

FORCED: Final = ("LIQUIDATED", "DELEVERAGED", "OFFSETTING")
UNKNOWN: Final = "order not known"
ENCODE = msgspec.json.encode


class TripSettings(NamedTuple):
    """closed_max: so many closed round trips are kept."""

    closed_max: int = 512


class Trips:
    """Round trips of all markets of a trading subaccount and its children."""

    def __init__(
        self,
        order_of: Callable[[str], Order | None],
        intent_of: Callable[[str], Intent | None],
        decoder: Any,
        settings: TripSettings = TripSettings(),  # noqa: B008 - an immutable tuple
        digest: RunningDigest | None = None,
    ) -> None:
        """order_of, intent_of: by the Indexer's order id, None if it is not ours. digest: that of the account."""
        self.settings = settings
        self.digest = digest
        self._order_of, self._intent_of = order_of, intent_of
        self._scales = Scales(decoder)
        self._next_id = 1
        self._open: dict[tuple[int, int], OpenTrip] = {}  # (market, subaccount)
        self._numbers: dict[int, list[int]] = {}  # market -> subaccounts with an open trip, ascending
        self.markets: list[int] = []
        """Markets with an open trip, ascending: those to `mark`."""
        self._shown: dict[int, Trip] = {}
        self.closed: deque[ClosedTrip] = deque(maxlen=settings.closed_max)
        """Newest last."""
        self.closed_count = 0
        self.losses_in_row = 0
        """Closed round trips since the last one that did not lose."""
        self.changes = 0
        """Counts what happened to round trips, but for prices that moved."""

    @property
    def open(self) -> list[tuple[int, int, OpenTrip]]:
        """Open round trips as (market, subaccount, trip), to look at only."""
        return [(*key, trip) for key, trip in self._open.items()]

    def take_over(self, rows: Iterable[tuple[int, int, OpenTrip]], losses_in_row: int) -> None:
        """Round trips that an earlier session left open, each for a market without one. Their numbers go on."""
        for market, number, trip in rows:
            self._open[market, number] = trip
            self._next_id = max(self._next_id, trip.position_id + 1)
            self._fold(("take over", market, number, trip))
        self.losses_in_row = losses_in_row
        self._number()

    def astray(self, positions: Iterable[Position]) -> list[tuple[int, int]]:
        """(market, subaccount) where round trips and positions are not of the same size."""
        sizes = {key: trip.size for key, trip in self._open.items()}
        for position in positions:
            key = (position.market, position.subaccount)
            sizes[key] = sizes.get(key, 0) - position.size_quantums
        return sorted(key for key, left in sizes.items() if left)

    def begin_anew(self, keys: Iterable[tuple[int, int]], positions: Iterable[Position]) -> None:
        """Nothing that is known explains these: they begin with the position as it stands."""
        for key in keys:
            self._open.pop(key, None)
            self._fold(("begin anew", key))
        self._number()
        for position in positions:
            self.adopt(position)

    def protect(self, intent: Intent) -> None:
        """An order went out that holds the stop or takes the profit of open trips: there they stand now."""
        market = intent.market
        for number in self._numbers.get(market, ()):
            trip = self._open[market, number]
            if (trip.size > 0) == (intent.side == SELL):
                if intent.trigger == "stop_loss":
                    trip.plan = trip.plan._replace(stop_ticks=intent.trigger_ticks)
                else:
                    trip.plan = trip.plan._replace(target_ticks=intent.trigger_ticks)
                self._shown.pop(market, None)
                self._fold(("protect", market, number, trip.plan))

    def apply(self, fill: Fill) -> ClosedTrip | None:
        """Take in one fill. Returns the round trip that it closed."""
        order = self._order_of(fill.order_id)
        key = (fill.market, fill.subaccount)
        trip = self._open.get(key)
        closing, quote, fee = shares(fill, trip.size if trip is not None else 0)
        done = None
        self._shown.pop(fill.market, None)
        if trip is not None and closing:
            trip.size += closing if fill.side == BUY else -closing
            trip.exited += closing
            trip.exit_quote += quote
            trip.fees += fee
            if not trip.size:
                done = self._close(key, trip, fill, order)
        if closing < fill.size_quantums:
            self._enter(key, fill, order, fill.size_quantums - closing, fill.quote - quote, fill.fee - fee)
        return done

    def adopt(self, position: Position, cause: str = "was there at the start") -> None:
        """A position that nobody here opened."""
        key = (position.market, position.subaccount)
        if not position.size_quantums or key in self._open:
            return
        trip = self._begin(key, position.opened_ns, Plan(0, 0, "", cause))
        trip.size, trip.peak = position.size_quantums, abs(position.size_quantums)
        trip.entered, trip.entry_quote = trip.peak, abs(position.entry_quote)
        trip.funding = position.funding
        trip.best_ticks = trip.worst_ticks = self._ticks(position.market, trip.entry_quote, trip.entered)
        self.changes += 1

    def pay(self, payments: Iterable[Payment]) -> None:
        """Funding was settled on positions."""
        for payment in payments:
            trip = self._open.get((payment.market, payment.subaccount))
            if trip is not None:
                trip.funding += payment.quote
                self.changes += 1

    def mark(self, market: int, bid_ticks: int, ask_ticks: int) -> None:
        """The touch of a market now (0: none): where its trips could be closed."""
        for number in self._numbers.get(market, ()):
            trip = self._open[market, number]
            long = trip.size > 0
            price = bid_ticks if long else ask_ticks
            if not price:
                continue
            if price > trip.best_ticks if long else price < trip.best_ticks:
                trip.best_ticks = float(price)
                self._shown.pop(market, None)
            elif price < trip.worst_ticks if long else price > trip.worst_ticks:
                trip.worst_ticks = float(price)

    def facts(self, market: int) -> Trip | None:
        """The open round trip of a market, of the lowest subaccount that has one."""
        numbers = self._numbers.get(market)
        if numbers is None:
            return None
        found = self._shown.get(market)
        if found is None:
            found = self._shown[market] = self._trip(market, self._open[market, numbers[0]])
        return found

    def _trip(self, market: int, trip: OpenTrip) -> Trip:
        scale = self._scales.at(market)
        return Trip(
            trip.position_id,
            market,
            BUY if trip.size > 0 else SELL,
            abs(trip.size) // scale.step_quantums if scale is not None else 0,
            self._ticks(market, trip.entry_quote, trip.entered),
            trip.opened_ns,
            trip.plan.stop_ticks,
            trip.plan.target_ticks,
            trip.best_ticks,
            trip.plan.strategy,
            trip.plan.cause,
        )

    def _begin(self, key: tuple[int, int], opened_ns: int, plan: Plan) -> OpenTrip:
        trip = self._open[key] = OpenTrip(self._next_id, opened_ns, plan)
        self._next_id += 1
        self._number()
        return trip

    def _number(self) -> None:
        """Which subaccounts have a trip in which market."""
        self._shown.clear()
        self._numbers = {}
        for market, number in sorted(self._open):
            self._numbers.setdefault(market, []).append(number)
        self.markets = [*self._numbers]

    def _enter(
        self, key: tuple[int, int], fill: Fill, order: Order | None, size: int, quote: int, fee: int
    ) -> None:
        intent = self._intent_of(fill.order_id)
        stop, target, strategy = 0, 0, ""
        if intent is not None:
            stop, target, strategy = intent.stop_ticks, intent.target_ticks, intent.strategy
        trip = self._open.get(key)
        if trip is None:
            cause = order.cause if order is not None else UNKNOWN
            trip = self._begin(key, fill.venue_ns, Plan(stop, target, strategy, cause))
        elif stop or target:  # an addition: its stop and target are the latest
            plan = trip.plan
            trip.plan = plan._replace(
                stop_ticks=stop or plan.stop_ticks, target_ticks=target or plan.target_ticks
            )
        trip.size += size if fill.side == BUY else -size
        trip.peak = max(trip.peak, abs(trip.size))
        trip.entered += size
        trip.entry_quote += quote
        trip.fees += fee
        if not trip.best_ticks:
            trip.best_ticks = trip.worst_ticks = self._ticks(fill.market, quote, size)
        self._fold(("enter", key, trip))

    def _close(self, key: tuple[int, int], trip: OpenTrip, fill: Fill, order: Order | None) -> ClosedTrip:
        del self._open[key]
        self._number()
        side = SELL if fill.side == BUY else BUY
        forced = fill.kind in FORCED
        realised = trip.exit_quote - trip.entry_quote
        done = ClosedTrip(
            trip.position_id,
            *key,
            side,
            trip.peak,
            self._ticks(fill.market, trip.entry_quote, trip.entered),
            self._ticks(fill.market, trip.exit_quote, trip.exited),
            trip.opened_ns,
            fill.venue_ns,
            trip.plan.stop_ticks,
            trip.plan.target_ticks,
            trip.plan.strategy,
            trip.plan.cause,
            fill.kind if forced else order.purpose if order is not None else "",
            f"{fill.kind.lower()} by the venue" if forced else order.cause if order is not None else UNKNOWN,
            realised if side == BUY else -realised,
            trip.fees,
            trip.funding,
            trip.best_ticks,
            trip.worst_ticks,
        )
        self.closed.append(done)
        self.closed_count += 1
        self.losses_in_row = self.losses_in_row + 1 if done.net < 0 else 0
        self._fold(("close", done))
        return done

    def _ticks(self, market: int, quote: int, size_quantums: int) -> float:
        """The mean price of a quote for a size, in ticks; 0.0 while the market's units are not known."""
        scale = self._scales.at(market)
        return 0.0 if scale is None or not size_quantums else mean_ticks(quote, size_quantums, scale)

    def _fold(self, what: object) -> None:
        self.changes += 1
        if self.digest is not None:
            self.digest.fold(ENCODE(what))

    def save(self) -> bytes:
        """The state as bytes."""
        return ENCODE(
            _State(
                self._next_id,
                [(*key, trip) for key, trip in self._open.items()],
                list(self.closed),
                self.closed_count,
                self.losses_in_row,
            )
        )

    def load(self, state: bytes) -> None:
        """Take over a state that `save` wrote. ValueError on anything else."""
        try:
            found = msgspec.json.decode(state, type=_State)
        except msgspec.MsgspecError as problem:
            raise ValueError(f"not a state of the round trips: {problem}") from None
        self._next_id = found.next_id
        self._open = {(market, number): trip for market, number, trip in found.open}
        self._number()
        self.closed.clear()
        self.closed.extend(found.closed)
        self.closed_count, self.losses_in_row = found.closed_count, found.losses_in_row


class _State(msgspec.Struct, array_like=True):
    next_id: int
    open: list[tuple[int, int, OpenTrip]]
    closed: list[ClosedTrip]
    closed_count: int
    losses_in_row: int
