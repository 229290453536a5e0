"""What a tick changed, as rows for the database. It looks at the engine between two ticks and never changes it."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from sniper.desk import Decided, Desk
from sniper.state import State
from sniper.state_thread import Row
from sniper.trading import Approved, Order, Position, Refused

BOTS_NS: Final = 30 * 10**9
"""So often the state of strategy and day is kept."""
CAUSE_MAX: Final = 500
MARKETS, STANDING, TRIPS = "markets", "standing", "round trips"
"""Names in the table of bots, beside those of the strategies."""


class News:
    """Follows one desk. `look` after every tick: what is unchanged costs a few comparisons."""

    def __init__(self, state: State, desk: Desk, decoder: Any) -> None:
        self._state, self._desk, self._decoder = state, desk, decoder
        self._latch = desk.risk.latch
        self._bots_due_ns = self._said = 0
        self._untold: list[tuple[str]] = state.all("SELECT fill_id FROM untold")
        self._forget()

    def _forget(self) -> None:
        """As if nothing had been told yet."""
        self._open: tuple[Order, ...] = ()
        self._orders: dict[int, Order] = {}
        self._late = 0
        self._positions: dict[tuple[str, int], Position] = {}
        self._transfers: object = None
        self._trips = self._trip_changes = self._decided = self._height = 0
        self._told: dict[tuple[str, str], str] = {}
        self._anew = True

    def look(self, tick: int, now_ns: int) -> None:
        """Have written what this tick changed."""
        desk, state = self._desk, self._state
        rows: list[Row] = []
        if state.thread.again:
            state.thread.again = False
            self._forget()
            self._fills(rows, list(desk.account.recent))
        orders = desk.orders
        if (
            orders.all_open() is not self._open
            or orders.counts["late_fills"] != self._late
            or desk.account.news
        ):
            self._look_at_orders(rows)
        if desk.account.answers:
            run = state.run
            rows += [("answers", (run, tick, now_ns, *answer)) for answer in desk.account.answers]
        if desk.account.changed or self._anew:
            self._look_at_account(rows)
        self._anew = False
        if desk.trips.changes != self._trip_changes:
            self._look_at_trips(rows, tick, now_ns)
        if desk.decided != self._decided:
            self._look_at_decisions(rows, tick)
        for line in desk.said[self._said :]:
            self._said += 1
            rows.append(
                ("decisions", (state.run, tick, now_ns, "said", "", "", "", 0.0, 0.0, line[:CAUSE_MAX]))
            )
        urgent = False
        if desk.risk.latch != self._latch:
            urgent = self._look_at_latch(rows)
        if now_ns >= self._bots_due_ns:
            self._bots_due_ns = now_ns + BOTS_NS
            self.bots(rows, tick, now_ns)
        if rows:
            state.put(rows, urgent)

    def bots(self, rows: list[Row], tick: int, now_ns: int) -> None:
        """The state of the strategy, with the market table that it counts by, of the day's standing, of round trips."""
        desk, told = self._desk, (self._state.run, tick, now_ns)
        rows += [
            ("bots", (f"strategy {desk.settings.strategy}", bytes(desk.strategy.save()), *told)),
            ("bots", (MARKETS, msgspec.json.encode(self._decoder.tickers), *told)),
            ("bots", (STANDING, desk.standing.save(), *told)),
        ]
        self._open_trips(rows, tick, now_ns)

    def last(self, tick: int, now_ns: int) -> None:
        """The session ends: what a later one goes on with."""
        rows: list[Row] = []
        self.bots(rows, tick, now_ns)
        self._state.put(rows)

    def _open_trips(self, rows: list[Row], tick: int, now_ns: int) -> None:
        """Open round trips as they stand, with every fill that was told before or is told with them."""
        trips = self._desk.trips
        held = [(self._ticker(market), number, trip) for market, number, trip in trips.open]
        kept = msgspec.json.encode((held, trips.losses_in_row))
        rows.append(("bots", (TRIPS, kept, self._state.run, tick, now_ns)))

    def _look_at_orders(self, rows: list[Row]) -> None:
        orders, known = self._desk.orders, self._orders
        self._open = orders.all_open()
        current = {order.client_id: order for order in self._open}
        changed = [order for client_id, order in current.items() if known.get(client_id) is not order]
        for client_id in known.keys() - current.keys():
            over = orders.of(client_id)
            if over is not None:
                changed.append(over)
        if orders.counts["late_fills"] != self._late:
            self._late = orders.counts["late_fills"]
            changed += orders.finished
        for (
            news
        ) in self._desk.account.news:  # the first word of an order may change nothing but that it was seen
            told = orders.by_order_id(news.order_id)
            if told is not None and told not in changed:
                changed.append(told)
        self._orders = current
        rows += [("orders", self._order(order)) for order in changed]

    def _order(self, order: Order) -> tuple[Any, ...]:
        client_id, order_id, market, *rest, cause = order
        known = client_id, order_id, self._state.epoch, self._ticker(market)
        meant = self._desk.orders.origin(order_id)
        plan = (meant.stop_ticks, meant.target_ticks, meant.strategy) if meant is not None else (0, 0, "")
        return *known, *rest, cause[:CAUSE_MAX], self._desk.orders.seen(client_id), *plan

    def _look_at_account(self, rows: list[Row]) -> None:
        account, epoch = self._desk.account, self._state.epoch
        self._fills(rows, account.fills)
        own = self._desk.settings.account.subaccount
        current = {
            (self._ticker(market), number): position
            for number, held in ((own, account.positions), *account.children.items())
            for market, position in held.items()
        }
        height = account.height
        rows += [
            ("positions", (*key, position.size_quantums, *position[3:], height))
            for key, position in current.items()
            if self._positions.get(key) != position
        ]
        gone = sorted(self._positions.keys() - current.keys())
        rows += [("positions", (*key, 0, 0, 0, 0, 0, 0, height)) for key in gone]
        self._positions = current
        if account.transfers and account.transfers[-1] is not self._transfers:
            self._transfers = account.transfers[-1]
            rows += [
                ("transfers", (epoch, one.key, one.subaccount, one.quote, one.kind, one.height, one.venue_ns))
                for one in account.transfers
            ]
        if height > self._height:
            self._height = height
            rows += [("base", (height,)), ("facts", ("height", height))]

    def _fills(self, rows: list[Row], fills: Any) -> None:
        epoch = self._state.epoch
        rows += [
            ("fills", (epoch, fill.fill_id, fill.order_id, self._ticker(fill.market), *fill[3:]))
            for fill in fills
        ]

    def _look_at_trips(self, rows: list[Row], tick: int, now_ns: int) -> None:
        trips, run = self._desk.trips, self._state.run
        self._trip_changes = trips.changes
        self._open_trips(rows, tick, now_ns)
        rows += [("told", one) for one in self._untold]  # they were handed over with the round trips
        self._untold = []
        count = min(trips.closed_count - self._trips, len(trips.closed))
        self._trips = trips.closed_count
        for trip in list(trips.closed)[len(trips.closed) - count :]:
            rows.append(("trips", (run, trip.position_id, self._ticker(trip.market), *trip[2:])))

    def _look_at_decisions(self, rows: list[Row], tick: int) -> None:
        """What was decided anew; a refusal that repeats the last one of its market and purpose is none."""
        desk, run = self._desk, self._state.run
        count = min(desk.decided - self._decided, len(desk.decisions))
        self._decided = desk.decided
        for decided in list(desk.decisions)[len(desk.decisions) - count :]:
            row = self._decision(decided)
            outcome, ticker, purpose, gate = row[:4]
            if outcome != "refused" or self._told.get((ticker, purpose)) != gate:
                self._told[ticker, purpose] = gate
                rows.append(("decisions", (run, decided.tick, decided.now_ns, *row)))

    def _decision(self, decided: Decided) -> tuple[Any, ...]:
        """(outcome, ticker, purpose, gate, found, needed, text)."""
        outcome = decided.outcome
        if isinstance(outcome, Approved | Refused):
            intent = outcome.intent
            ticker = self._ticker(intent.market)
            if isinstance(outcome, Refused):
                return (
                    "refused", ticker, intent.purpose, outcome.gate, outcome.found, outcome.limit,
                    outcome.text[:CAUSE_MAX],
                )  # fmt: skip
            first = intent.reasons[0] if intent.reasons else None
            text = f"{intent.strategy} {first.name if first else ''}".strip()[:CAUSE_MAX]
            return "approved", ticker, intent.purpose, "", float(intent.size_steps), intent.score, text
        order = self._desk.orders.of(outcome.client_id)
        ticker = self._ticker(order.market) if order is not None else ""
        return "withdrawn", ticker, "", "", float(outcome.client_id), 0.0, outcome.cause[:CAUSE_MAX]

    def _look_at_latch(self, rows: list[Row]) -> bool:
        """A kill and what lifts it are written at once; pause and reduce end with the run."""
        before, latch = self._latch, self._desk.risk.latch
        self._latch = latch
        if before.verb == "kill":
            rows.append(
                ("lifted", (self._state.clock_ns(), self._desk.risk.ordered.lifted or "another kill"))
            )
        if latch.verb == "kill":
            rows.append(("latched", (latch.verb, latch.reason, self._state.clock_ns(), self._state.run)))
        return "kill" in (before.verb, latch.verb)

    def _ticker(self, market: int) -> str:
        return str(self._decoder.ticker(market)) if 0 <= market < self._decoder.markets_n else f"#{market}"
