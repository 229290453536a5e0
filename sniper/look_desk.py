"""What the decision panels show, copied out of the decision half. It reads and never writes."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import islice
from operator import itemgetter
from typing import Any

import numpy as np

from sniper._ext.signals import SIGNAL_TABLE, SIGNALS
from sniper._ext.tape import COUNTER_NAMES, FIELD_NAMES
from sniper.account_document import coins
from sniper.decimals import fixed, text
from sniper.order_table import UNKNOWN
from sniper.panels.desk_parts import (
    Danger,
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
from sniper.trading import Approved, Intent, Refused, Withdraw
from sniper.wording import cause, weighed

SIDES = ("BUY", "SELL")
DIRECTIONAL = tuple(row[1] == "directional" for row in SIGNAL_TABLE)
ALL_READY = (1 << len(SIGNALS)) - 1
CURVE_MAX = 240
SAMPLE_NS = SECOND_NS
MILLION = 1_000_000.0
ORACLE, TICK = FIELD_NAMES.index("oraclePrice"), FIELD_NAMES.index("tickSize")
REFUSED = COUNTER_NAMES.index("refused_intents")
CENT, HUNDREDTH_OF_A_CENT = 10_000, 100
"""Quote quantums."""
DANGER = ("market", "size", "liquidation_price", "distance_percent", "distance_sigmas", "distance_minutes")
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
        markets = engine.decoder.markets
        self._num, self._dec = markets["num"], markets["dec"]
        if self._desk is not None:
            names = self._desk.margin.positions.dtype.names
            self._danger = itemgetter(*(names.index(name) for name in DANGER))

    def session(self) -> Session | None:
        """How the session trades, in short; None without a decision half."""
        desk = self._desk
        if desk is None:
            return None
        facts, risk = desk.view.account, desk.risk
        return Session(
            self._mode,
            desk.strategy.name,
            dollars(facts.net),
            dollars(facts.day_realised, plus=True),
            (facts.day_realised > 0) - (facts.day_realised < 0),
            desk.account.trust,
            risk.rung,
            risk.latch.verb,
            round(1000 * facts.danger),
            len(desk.account.positions),
            len(desk.orders.all_open()),
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
        split = self._desk.account.split() if want.positions or want.fundings else Split()
        return (
            self._signals(want.scores, order, want.ticker) if want.scores else Signals(),
            self._told(want.decisions) if want.decisions else Decisions(),
            self._risk() if want.risk else Risk(),
            self._positions(split) if want.positions else Positions(),
            self._orders(want.orders, now_ns) if want.orders else Orders(),
            self._funding(want.fundings, now_ns, order, split) if want.fundings else Funding(),
        )

    def _ticker(self, market: int) -> str:
        return clean(self._engine.decoder.ticker(market))

    def _price(self, market: int, ticks: float) -> str:
        return (
            text(round(ticks) * self._num.item(market, TICK), self._dec.item(market, TICK)) if ticks else ""
        )

    def _oracle(self, market: int) -> str:
        places = self._dec.item(market, ORACLE)
        return fixed(self._num.item(market, ORACLE), places, min(places, self._dec.item(market, TICK) + 1))

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
            rows.append(SignalRow(self._ticker(market), tuple(known)))
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
            ticker = self._ticker(order.market) if order is not None else ""
            return DecisionRow(one.tick, one.now_ns, ticker, named, "", "", "", "", 0, outcome.cause)
        intent: Intent = outcome.intent
        why = f"{outcome.gate}: {outcome.text}" if isinstance(outcome, Refused) else self._why(intent)
        steps = self._desk.view.market(intent.market).step_quantums
        return DecisionRow(
            one.tick,
            one.now_ns,
            self._ticker(intent.market),
            named,
            intent.purpose,
            SIDES[intent.side],
            coins(self._desk, intent.market, intent.size_steps * steps) if intent.size_steps else "",
            self._price(intent.market, intent.trigger_ticks or intent.price_ticks),
            round(intent.score),
            why,
        )

    def _why(self, intent: Intent) -> str:
        """What it came from; the panel names the strategy, and for an entry the parts of its score say more."""
        said, parts = cause(intent).removeprefix(f"{self._desk.strategy.name} "), weighed(intent)
        return f"{said.partition(' despite ')[0]}: {parts}" if parts else said

    def _risk(self) -> Risk:
        desk = self._desk
        facts, risk, ladder = desk.view.account, desk.risk, desk.settings.risk.ladder
        rows = []
        held = int(desk.margin.accounts[0]["positions"])
        for found in desk.margin.positions[0, :held].tolist():
            market, size, liquidation, percent, sigmas, minutes = self._danger(found)
            near = liquidation > 0.0
            rows.append(
                Danger(
                    self._ticker(market),
                    coins(desk, market, size),
                    self._oracle(market),
                    self._price(market, liquidation / desk.view.market(market).tick_usd) if near else "",
                    percent if near else None,
                    sigmas if near and sigmas > 0.0 else None,
                    minutes if near else None,
                )
            )
        rows.sort(key=lambda row: (row.percent is None, row.percent))
        stressed = risk.stressed() if desk.view.positions else [None] * 0
        stresses = tuple(
            (
                _moves(stress),
                None if after is None or after.net <= 0 else round(1000 * after.maintenance / after.net),
            )
            for stress, after in zip(desk.settings.risk.gates.stresses, stressed, strict=False)
        )
        return Risk(
            risk.rung,
            risk.latch.verb,
            risk.latch.reason,
            dollars(facts.net),
            dollars(facts.free),
            round(1000 * facts.usage),
            round(1000 * facts.danger),
            f"{facts.leverage:.2f}",
            tuple(
                ppm // 1000
                for ppm in (ladder.stop_ppm, ladder.cancel_ppm, ladder.reduce_ppm, ladder.flatten_ppm)
            ),
            stresses,
            tuple(rows),
            len(risk.unprotected),
            desk.account.trust,
        )

    def _positions(self, split: Split) -> Positions:
        desk = self._desk
        rows = []
        for market, position in desk.account.positions.items():
            trip = desk.trips.facts(market)
            value = desk.account.value(market, position.size_quantums)
            profit = value - position.entry_quote
            rows.append(
                PositionRow(
                    self._ticker(market),
                    "long" if position.size_quantums > 0 else "short",
                    coins(desk, market, position.size_quantums),
                    self._price(market, trip.entry_ticks) if trip else "",
                    self._oracle(market),
                    dollars(profit),
                    (profit > 0) - (profit < 0),
                    dollars(position.fees),
                    dollars(position.funding),
                    self._price(market, trip.stop_ticks) if trip else "",
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
                    self._ticker(order.market),
                    SIDES[order.side],
                    coins(desk, order.market, order.size_steps * quantums),
                    coins(desk, order.market, order.filled_steps * quantums),
                    self._price(order.market, order.trigger_ticks or order.price_ticks),
                    f"{order.purpose} {order.trigger or order.time_in_force}",
                    order.state,
                    coarse(now_ns - order.sent_ns),
                    order.good_til_block - desk.height if order.good_til_block else None,
                )
            )
        unknown = [order.state for order in found].count(UNKNOWN)
        return Orders(tuple(rows), len(found), unknown, desk.height)

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
                    self._ticker(market),
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


def _moves(stress: tuple[tuple[str, int], ...]) -> str:
    """A stress in words: BTC-USD -8%, others -15%."""
    return ", ".join(f"{'others' if name == '*' else name} {ppm / 10_000:+g}%" for name, ppm in stress)


def coarse(age_ns: int) -> int:
    """An age in whole seconds, and so the same for many draws."""
    return age_ns // SECOND_NS * SECOND_NS


def dollars(quantums: int, unit: int = CENT, plus: bool = False) -> str:
    """Quote quantums in USDC, rounded half away from zero to cents (or to `unit` quantums). plus: with a sign."""
    whole, rest = divmod((abs(quantums) + unit // 2) // unit, 1_000_000 // unit)
    sign = "-" if quantums < 0 and (whole or rest) else "+" if plus and (whole or rest) else ""
    return f"{sign}{whole:,}.{rest:0{len(str(1_000_000 // unit)) - 1}d}"
