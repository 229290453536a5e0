"""A backtest: the engine and a fresh paper venue over recorded ticks, as fast as they go.

Ticks keep their numbers, times and market records; what a venue said in the recording is left out, and the paper venue
answers anew. Within a tick its answers come behind the market's records, as in a run (`loop.py`), so that the journal
of a paper session gives the same decisions again.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from sniper._ext.tape import FIELD_NAMES
from sniper.backtest_series import Nearest, Series, Shown, oracle_usd
from sniper.desk import Decided
from sniper.engine import Engine
from sniper.errors import UsageError
from sniper.scorecard import Sample, Scorecard, Traded, score
from sniper.trading import VENUE_CONNECTION, Approved, Cancel, Place, Refused
from sniper.trips_record import ClosedTrip
from sniper.types import REC_REST, REC_VENUE, Record
from sniper.venues.paper import Paper

TickRecords = tuple[int, list[Record]]
ACCOUNTS, ADDRESS, HEAD_MAX = b'subaccounts"', b"address=", 512
"""The end of the channels' names, and what a query about an account has in the first line of its answer."""
SAMPLE_NS: Final = 60_000_000_000
SAMPLES_MAX: Final = 1 << 21
DECISIONS_MAX: Final = 1 << 20
TELL_TICKS: Final = 1 << 12
COLLECT_TICKS: Final = 1 << 14
SUBTICKS, EXPONENT = (
    FIELD_NAMES.index(name) - 12 for name in ("subticksPerTick", "quantumConversionExponent")
)


class Result(NamedTuple):
    """What came of a backtest. decisions: the first DECISIONS_MAX; outcomes counts all of them.

    outcomes: (what became of it, purpose, gate that refused it) -> how many.
    """

    ticks: int
    first_ns: int
    last_ns: int
    curve: list[Sample]
    shown: list[Shown]
    trips: list[ClosedTrip]
    decisions: list[Decided]
    outcomes: dict[tuple[str, str, str], int]
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
    """The same ticks without what a venue, or the shell round it, said in them.

    News of accounts go, wherever they came from: a recording of somebody's session may hold them among its market
    frames, and what became of his orders is not what becomes of ours.
    """
    for now_ns, records in ticks:
        yield (
            now_ns,
            [
                one
                for one in records
                if not (
                    one[1] == VENUE_CONNECTION
                    or one[2] == REC_VENUE
                    or ACCOUNTS in one[3]
                    or (one[2] == REC_REST and ADDRESS in one[3][:HEAD_MAX])
                )
            ],
        )


class _Diary:
    """What happened, in the order in which it happened."""

    def __init__(self, engine: Engine) -> None:
        desk = engine.desk
        assert desk is not None, "a backtest decides"
        self._engine, self._desk = engine, desk
        self.trips: list[ClosedTrip] = []
        self.decisions: list[Decided] = []
        self.outcomes: Counter[tuple[str, str, str]] = Counter()
        self.nearest: Nearest | None = None
        self._trips_seen = self.decided = 0
        self.peak = self.fall = 0
        self.fall_ratio = 0.0

    def decisions_made(self) -> None:
        """Take over the decisions of this tick."""
        desk = self._desk
        count = min(desk.decided - self.decided, len(desk.decisions))
        new = [desk.decisions[-1]] if count == 1 else list(desk.decisions)[-count:]
        self.decided = desk.decided
        for decision in new:
            one = decision.outcome
            if isinstance(one, Approved):
                self.outcomes["approved", one.intent.purpose, ""] += 1
            elif isinstance(one, Refused):
                self.outcomes["refused", one.intent.purpose, one.gate] += 1
            else:
                self.outcomes["withdrawn", "", ""] += 1
        self.decisions += new[: DECISIONS_MAX - len(self.decisions)]

    def account_changed(self, now_ns: int) -> None:
        """The facts of the account are others than before: peak, fall, trips and distance follow."""
        desk = self._desk
        net = desk.view.account.net
        if net > self.peak:
            self.peak = net
        elif self.peak > net:
            self.fall = max(self.fall, self.peak - net)
            self.fall_ratio = max(self.fall_ratio, (self.peak - net) / self.peak) if self.peak > 0 else 0.0
        if desk.trips.closed_count != self._trips_seen:
            new = min(desk.trips.closed_count - self._trips_seen, len(desk.trips.closed))
            self.trips += list(desk.trips.closed)[-new:]
            self._trips_seen = desk.trips.closed_count
        if desk.account.positions:
            found = desk.margin.nearest(0)
            if found is not None and (self.nearest is None or found[1] < self.nearest.percent):
                self.nearest = Nearest(now_ns, *found)


def backtest(
    engine: Engine,
    venue: Paper,
    ticks: Iterable[TickRecords],
    tell: Callable[[int], None] | None = None,
    sample_ns: int = SAMPLE_NS,
) -> Result:
    """Run it. The engine needs its decision half. UsageError for an input without ticks.

    tell: called now and then with the number of ticks done. sample_ns: time between two samples of the equity curve.
    Garbage is looked for every COLLECT_TICKS ticks only, as in a run.
    """
    was_enabled = gc.isenabled()
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        return _run(engine, venue, ticks, tell, sample_ns)
    finally:
        gc.unfreeze()
        if was_enabled:
            gc.enable()


def _run(
    engine: Engine,
    venue: Paper,
    ticks: Iterable[TickRecords],
    tell: Callable[[int], None] | None,
    sample_ns: int,
) -> Result:
    diary = _Diary(engine)
    desk = engine.desk
    assert desk is not None
    answers = _Answers()
    venue.start(answers)
    view, series = desk.view, Series(engine, sample_ns)
    curve: list[Sample] = []
    due_ns = first_ns = 0
    account = view.account
    tick, observe, pull = engine.tick, venue.observe, venue.pull
    for now_ns, records in ticks:
        if not venue.idle:
            pull(now_ns, answers)
            if answers:
                records = [*records, *answers]
                answers.clear()
        commands = tick(now_ns, records)
        if not venue.idle:
            observe(now_ns, engine.rows)
        if commands:
            orders = [one for one in commands if isinstance(one, Place | Cancel)]
            if orders:
                venue.send(now_ns, orders)
        if desk.decided != diary.decided:
            diary.decisions_made()
        if view.account is not account:
            account = view.account
            if account.computable:
                diary.account_changed(now_ns)
        if now_ns >= due_ns:
            first_ns = first_ns or now_ns
            if account.computable:
                due_ns = now_ns - now_ns % sample_ns + sample_ns
                if len(curve) < SAMPLES_MAX:
                    curve.append(Sample(now_ns, account.net, int(desk.margin.accounts[0]["gross"])))
                if now_ns >= series.due_ns:
                    series.take(now_ns)
        if not engine.ticks % TELL_TICKS:
            if tell is not None:
                tell(engine.ticks)
            if not engine.ticks % COLLECT_TICKS:
                gc.collect(1)
    if not curve or not any(oracle_usd(engine.decoder, m) for m in range(int(engine.decoder.markets_n))):
        raise UsageError(
            "the input never gave the account a price to be valued at",
            "Give frames or candles of at least one market, with its parameters (--markets).",
        )
    if engine.now_ns > curve[-1].now_ns:
        curve.append(Sample(engine.now_ns, account.net, int(desk.margin.accounts[0]["gross"])))
        series.take(engine.now_ns)
    split = desk.account.split()
    card = score(curve, [_traded(engine, trip) for trip in diary.trips], sample_ns, split.fees, split.funding)
    return Result(
        engine.ticks,
        first_ns,
        engine.now_ns,
        curve,
        series.samples,
        diary.trips,
        diary.decisions,
        dict(sorted(diary.outcomes.items())),
        card._replace(
            drawdown=max(card.drawdown, diary.fall),
            drawdown_ratio=max(card.drawdown_ratio, diary.fall_ratio),
        ),
        diary.nearest,
        len([trip for trip in diary.trips if trip.exit_kind in ("LIQUIDATED", "DELEVERAGED")]),
        engine.digest,
    )


def _traded(engine: Engine, trip: ClosedTrip) -> Traded:
    whole = engine.decoder.markets[trip.market]["whole"].tolist()
    per_tick = trip.size_quantums * whole[SUBTICKS] * 10.0 ** whole[EXPONENT]
    value = round((trip.entry_ticks + trip.exit_ticks) * per_tick)
    return Traded(trip.net, value)
