"""A backtest: the engine and a fresh paper venue over recorded ticks, as fast as they go.

Ticks keep their numbers, times and market records; what a venue said in the recording is left out, and the paper venue
answers anew. Within a tick its answers come behind the market's records, as in a run (`loop.py`), so that the journal
of a paper session gives the same decisions again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from sniper._ext.tape import FIELD_NAMES
from sniper.desk import Decided
from sniper.engine import Engine
from sniper.errors import UsageError
from sniper.scorecard import Sample, Scorecard, Traded, score
from sniper.trading import VENUE_CONNECTION, Cancel, Place
from sniper.trips import ClosedTrip
from sniper.types import REC_VENUE, Record
from sniper.venues.paper import Paper

TickRecords = tuple[int, list[Record]]
SAMPLE_NS: Final = 60_000_000_000
SAMPLES_MAX: Final = 1 << 21
TELL_TICKS: Final = 1 << 12
SUBTICKS, EXPONENT = (
    FIELD_NAMES.index(name) - 12 for name in ("subticksPerTick", "quantumConversionExponent")
)


class Nearest(NamedTuple):
    """The least distance to liquidation that was seen. percent: of the price; sigmas: of an hour."""

    now_ns: int
    market: int
    percent: float
    sigmas: float


class Result(NamedTuple):
    """What came of a backtest."""

    ticks: int
    first_ns: int
    last_ns: int
    curve: list[Sample]
    trips: list[ClosedTrip]
    decisions: list[Decided]
    score: Scorecard
    nearest: Nearest | None
    liquidations: int
    digest: str


class _Answers(list[Record]):
    """Takes what the venue says, as the inbox would."""

    def put(self, recv_ns: int, connection: int, kind: int, data: bytes) -> bool:
        self.append((recv_ns, connection, kind, data))
        return True


def without_venue(ticks: Iterable[TickRecords]) -> Iterator[TickRecords]:
    """The same ticks without what a venue, or the shell round it, said in them."""
    for now_ns, records in ticks:
        yield now_ns, [one for one in records if not (one[1] == VENUE_CONNECTION or one[2] == REC_VENUE)]


def backtest(
    engine: Engine,
    venue: Paper,
    ticks: Iterable[TickRecords],
    tell: Callable[[int], None] | None = None,
    sample_ns: int = SAMPLE_NS,
) -> Result:
    """Run it. The engine needs its decision half. UsageError for an input without ticks.

    tell: called now and then with the number of ticks done. sample_ns: time between two samples of the equity curve.
    """
    desk = engine.desk
    assert desk is not None, "a backtest decides"
    answers = _Answers()
    venue.start(answers)
    curve: list[Sample] = []
    trips: list[ClosedTrip] = []
    decisions: list[Decided] = []
    nearest: Nearest | None = None
    seen_trips = seen_decisions = due_ns = first_ns = 0
    tick, observe = engine.tick, venue.observe
    for now_ns, records in ticks:
        if not first_ns:
            first_ns = now_ns
        venue.pull(now_ns, answers)
        if answers:
            records = [*records, *answers]
            answers.clear()
        commands = tick(now_ns, records)
        observe(now_ns, engine.rows)
        if commands:
            orders = [one for one in commands if isinstance(one, Place | Cancel)]
            if orders:
                venue.send(now_ns, orders)
        if desk.decided != seen_decisions:
            new = min(desk.decided - seen_decisions, len(desk.decisions))
            decisions += list(desk.decisions)[-new:]
            seen_decisions = desk.decided
        if desk.trips.closed_count != seen_trips:
            new = min(desk.trips.closed_count - seen_trips, len(desk.trips.closed))
            trips += list(desk.trips.closed)[-new:]
            seen_trips = desk.trips.closed_count
        if now_ns >= due_ns and desk.view.account.computable:
            due_ns = now_ns - now_ns % sample_ns + sample_ns
            account = desk.margin.accounts[0]
            if len(curve) < SAMPLES_MAX:
                curve.append(Sample(now_ns, int(account["net"]), int(account["gross"])))
            nearest = _nearer(engine, now_ns, nearest)
        if tell is not None and not engine.ticks % TELL_TICKS:
            tell(engine.ticks)
    if not curve:
        raise UsageError(
            "the input never gave the account a price to be valued at",
            "Give frames or candles of at least one market, with its parameters (--markets).",
        )
    last = Sample(engine.now_ns, int(desk.margin.accounts[0]["net"]), int(desk.margin.accounts[0]["gross"]))
    if last.now_ns > curve[-1].now_ns:
        curve.append(last)
    split = desk.account.split()
    liquidated = [trip for trip in trips if trip.exit_kind in ("LIQUIDATED", "DELEVERAGED")]
    return Result(
        engine.ticks,
        first_ns,
        engine.now_ns,
        curve,
        trips,
        decisions,
        score(curve, [_traded(engine, trip) for trip in trips], sample_ns, split.fees, split.funding),
        nearest,
        len(liquidated),
        engine.digest,
    )


def _nearer(engine: Engine, now_ns: int, nearest: Nearest | None) -> Nearest | None:
    """The nearer one of the least distance so far and those of now."""
    desk = engine.desk
    assert desk is not None
    count = int(desk.margin.accounts[0]["positions"])
    for row in desk.margin.positions[0][:count]:
        if row["liquidation_price"] > 0.0:
            percent = float(row["distance_percent"])
            if nearest is None or percent < nearest.percent:
                nearest = Nearest(now_ns, int(row["market"]), percent, float(row["distance_sigmas"]))
    return nearest


def _traded(engine: Engine, trip: ClosedTrip) -> Traded:
    whole = engine.decoder.markets[trip.market]["whole"].tolist()
    per_tick = trip.size_quantums * whole[SUBTICKS] * 10.0 ** whole[EXPONENT]
    value = round((trip.entry_ticks + trip.exit_ticks) * per_tick)
    return Traded(trip.net, value)
