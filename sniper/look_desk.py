"""What the decision panels show, copied out of the decision half. It reads and never writes."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

from sniper._ext.signals import SIGNAL_TABLE, SIGNALS
from sniper._ext.tape import COUNTER_NAMES
from sniper.account_document import coins
from sniper.exposure import Protection, protections
from sniper.look_risk import Names, RiskLook, coarse, dollars
from sniper.order_table import SHORT_TERM, UNKNOWN
from sniper.panels.desk_parts import (
    DecisionRow,
    Decisions,
    Funding,
    FundingRow,
    OrderRow,
    Orders,
    PositionRow,
    Positions,
    Risk,
    Session,
    SignalRow,
    Signals,
)
from sniper.panels.row import SECOND_NS, clean
from sniper.panels.view import Want
from sniper.profit import Split
from sniper.resilience import MODES
from sniper.trading import Approved, Intent, Refused, Withdraw
from sniper.wording import cause, weighed

SIDES = ("BUY", "SELL")
DIRECTIONAL = tuple(row[1] == "directional" for row in SIGNAL_TABLE)
ALL_READY = (1 << len(SIGNALS)) - 1
CURVE_MAX = 240
SAMPLE_NS = SECOND_NS
MILLION = 1_000_000.0
REFUSED = COUNTER_NAMES.index("refused_intents")
HUNDREDTH_OF_A_CENT = 100  # in quote quantums
COVER = {"none": "NONE", "sent": "sent"}
"""Of positions without a stop that rests."""
OUTCOMES = {Approved: "placed", Refused: "refused", Withdraw: "withdrawn"}


class DeskLook:
    """Looks at the decision half of one engine. Without one every part stays empty. mode: paper or live."""

    def __init__(self, engine: Any, mode: str = "paper") -> None:
        self._engine, self._desk, self._mode = engine, engine.desk, mode
        self._curve: deque[int] = deque(maxlen=CURVE_MAX)
        self._shown_curve: tuple[tuple[int, ...], str, str] = ((), "", "")
        self._curve_due_ns = 0
        self._funding_key: tuple[object, ...] = ()
        self._shown_funding = Funding()
        self._decided = -1
        self._decisions = Decisions()
        self._names = Names(engine)
        self._risk = RiskLook(engine, self._names) if self._desk is not None else None

    def session(self) -> Session | None:
        """How the session trades, in short; None without a decision half."""
        desk = self._desk
        if desk is None:
            return None
        facts, risk, watch = desk.view.account, desk.risk, desk.resilience
        on = watch.settings.on
        return Session(
            self._mode,
            desk.strategy.name,
            dollars(facts.net) if desk.account.trust != "empty" else "",
            dollars(facts.day_realised, plus=True),
            (facts.day_realised > 0) - (facts.day_realised < 0),
            desk.account.trust,
            risk.rung,
            risk.latch.verb,
            round(1000 * facts.danger),
            len(desk.account.positions),
            len(desk.orders.all_open()),
            *((MODES[watch.mode], clean(watch.cause), watch.since_ns) if on else ()),
        )

    def parts(
        self, want: Want, now_ns: int, order: Sequence[int] = ()
    ) -> tuple[Signals, Decisions, Risk, Positions, Orders, Funding]:
        """The parts of the view in the order of `View`, with as many lines as are wanted.

        order: the markets in the order in which they are shown, behind those that are held and the one on display.
        """
        if self._desk is None:
            return Signals(), Decisions(), Risk(), Positions(), Orders(), Funding()
        if now_ns >= self._curve_due_ns and self._desk.view.account.computable:
            self._curve_due_ns = now_ns + SAMPLE_NS
            self._curve.append(self._desk.view.account.net)
            self._shown_curve = tuple(self._curve), dollars(max(self._curve)), dollars(min(self._curve))
        stops = protections(self._desk, self._engine.decoder) if want.risk or want.positions else {}
        split = self._desk.account.split() if want.positions or want.fundings else Split()
        return (
            self._signals(want.scores, order, want.ticker) if want.scores else Signals(),
            self._told(want.decisions) if want.decisions else Decisions(),
            self._risk.look(now_ns, stops) if want.risk and self._risk else Risk(),
            self._positions(split, stops) if want.positions else Positions(),
            self._orders(want.orders, now_ns) if want.orders else Orders(),
            self._funding(want.fundings, now_ns, order, split) if want.fundings else Funding(),
        )

    def _first(self, wanted: int, order: Sequence[int], ticker: str = "") -> list[int]:
        """So many markets: those that are held, the one on display, the others."""
        ahead = list(self._desk.account.positions)
        others = order or range(self._desk.view.markets)
        shown = self._engine.decoder.market(ticker) if ticker else -1
        if shown >= 0 and shown not in ahead:
            ahead.append(shown)
        return [*ahead, *islice((market for market in others if market not in ahead), wanted)][:wanted]

    def _signals(self, wanted: int, order: Sequence[int], ticker: str) -> Signals:
        signals, rows = self._desk.signals, []
        shown = self._first(wanted, order, ticker)
        found: list[list[int]] = np.rint(signals.scores[shown]).astype(np.int64).tolist()
        for market, scores in zip(shown, found, strict=True):
            ready = signals.ready(market)
            known: Sequence[int | None] = scores
            if ready != ALL_READY:
                known = [score if ready >> i & 1 else None for i, score in enumerate(scores)]
            rows.append(SignalRow(self._names.ticker(market), tuple(known)))
        return Signals(SIGNALS, DIRECTIONAL, tuple(rows), self._desk.view.markets, ticker)

    def _told(self, wanted: int) -> Decisions:
        desk = self._desk
        if desk.decided == self._decided and len(self._decisions.rows) >= min(wanted, len(desk.decisions)):
            return self._decisions
        self._decided = desk.decided
        rows = [self._decision(one) for one in list(desk.decisions)[-wanted:][::-1]]
        refused = int(self._engine.tape.counters[REFUSED])
        self._decisions = Decisions(desk.strategy.name, tuple(rows), desk.decided, refused)
        return self._decisions

    def _decision(self, one: Any) -> DecisionRow:
        outcome = one.outcome
        named = OUTCOMES[type(outcome)]
        if isinstance(outcome, Withdraw):
            order = self._desk.orders.of(outcome.client_id)
            ticker = self._names.ticker(order.market) if order is not None else ""
            return DecisionRow(one.tick, one.now_ns, ticker, named, "", "", "", "", 0, outcome.cause)
        intent: Intent = outcome.intent
        why = f"{outcome.gate}: {outcome.text}" if isinstance(outcome, Refused) else self._why(intent)
        steps = self._desk.view.market(intent.market).step_quantums
        return DecisionRow(
            one.tick,
            one.now_ns,
            self._names.ticker(intent.market),
            named,
            intent.purpose,
            SIDES[intent.side],
            coins(self._desk, intent.market, intent.size_steps * steps) if intent.size_steps else "",
            self._names.price(intent.market, intent.trigger_ticks or intent.price_ticks),
            round(intent.score),
            why,
        )

    def _why(self, intent: Intent) -> str:
        """What it came from; the panel names the strategy, and for an entry the parts of its score say more."""
        said, parts = cause(intent).removeprefix(f"{self._desk.strategy.name} "), weighed(intent)
        return f"{said.partition(' despite ')[0]}: {parts}" if parts else said

    def _positions(self, split: Split, found: Mapping[int, Protection]) -> Positions:
        desk = self._desk
        rows = []
        for market, position in desk.account.positions.items():
            trip = desk.trips.facts(market)
            size = position.size_quantums
            profit = desk.account.value(market, size) - position.entry_quote
            stops = found[market]
            since = stops.checked or stops.bare
            rows.append(
                PositionRow(
                    self._names.ticker(market),
                    "long" if size > 0 else "short",
                    coins(desk, market, size),
                    self._names.price(market, trip.entry_ticks) if trip else "",
                    self._names.oracle(market),
                    dollars(profit),
                    (profit > 0) - (profit < 0),
                    dollars(-position.fees),
                    dollars(position.funding),
                    self._names.price(market, stops.trigger_ticks),
                    COVER.get(stops.state) or f"{100 * stops.covered // abs(size)}%",
                    max(0, desk.height - since) if since else None,
                )
            )
        return Positions(
            tuple(rows),
            dollars(desk.view.account.net),
            dollars(split.realised),
            dollars(split.unrealised),
            dollars(split.fees),
            dollars(split.funding),
            desk.trips.closed_count,
            *self._shown_curve,
        )

    def _orders(self, wanted: int, now_ns: int) -> Orders:
        desk = self._desk
        found, rows = desk.orders.all_open(), []
        for order in found[::-1][:wanted]:
            quantums = desk.view.market(order.market).step_quantums
            rows.append(
                OrderRow(
                    order.client_id,
                    self._names.ticker(order.market),
                    SIDES[order.side],
                    coins(desk, order.market, order.size_steps * quantums),
                    coins(desk, order.market, order.filled_steps * quantums),
                    self._names.price(order.market, order.trigger_ticks or order.price_ticks),
                    f"{order.purpose} {order.trigger or order.time_in_force}",
                    order.state,
                    coarse(now_ns - order.sent_ns),
                    order.good_til_block - desk.height if order.kind == SHORT_TERM else None,
                )
            )
        unknown = [order.state for order in found].count(UNKNOWN)
        books = desk.reconcile
        if not books.settings.every_ns:
            return Orders(tuple(rows), len(found), unknown, desk.height)
        height, at_ns = books.agreed
        age_ns, questions = coarse(now_ns - at_ns), len(desk.orders.questions())
        told = (True, books.settled, height, age_ns, books.missing, questions)
        return Orders(tuple(rows), len(found), unknown, desk.height, *told)

    def _funding(self, wanted: int, now_ns: int, order: Sequence[int], split: Split) -> Funding:
        """Made anew every second, and when what is held or paid changes."""
        desk, rows, left_ns = self._desk, [], 0
        sizes = [(market, one.size_quantums) for market, one in desk.account.positions.items()]
        key = (
            now_ns // SECOND_NS,
            wanted,
            tuple(sizes),
            split.funding,
            tuple(order[:wanted]),
            desk.view.markets,
        )
        if key == self._funding_key:
            return self._shown_funding
        self._funding_key = key
        for market in self._first(wanted, order):
            facts = desk.funding.facts(market, now_ns)
            left_ns = (facts.next_ns - now_ns) // SECOND_NS * SECOND_NS
            position = desk.account.positions.get(market)
            due = (
                round(-desk.account.value(market, position.size_quantums) * facts.expected) if position else 0
            )
            rows.append(
                FundingRow(
                    self._names.ticker(market),
                    facts.predicted * MILLION,
                    facts.expected * MILLION,
                    facts.realised * MILLION,
                    facts.samples,
                    facts.stale,
                    coarse(facts.age_ns),
                    dollars(due, HUNDREDTH_OF_A_CENT) if position else "",
                )
            )
        self._shown_funding = Funding(left_ns, tuple(rows), dollars(split.funding))
        return self._shown_funding
