"""The decision half of the engine: from this tick's rows to orders, in one column.

account -> funding -> signals -> margin -> view -> strategy and ladder -> risk -> orders -> commands. Like the
market half it knows only what came through `tick`; everything it decides is folded into the digests of its
stages, so that a replay decides the same or names the tick where it does not.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from sniper._ext.liquidation import Liquidation
from sniper._ext.signals import SIGNAL_TABLE, SIGNALS, Signals
from sniper._ext.tape import COUNTER_NAMES, FIELD_NAMES, KIND_NAMES, Tape
from sniper.account import Account, AccountSettings
from sniper.desk_view import DeskView
from sniper.funding import Funding, FundingSettings
from sniper.order_record import NOTHING
from sniper.orders import Evidence, Orders, OrdersSettings
from sniper.quantums import lent
from sniper.risk import Risk, RiskSettings
from sniper.running_digest import RunningDigest
from sniper.standing import Standing
from sniper.strategies.registry import build, resolutions
from sniper.trading import Approved, Cancel, Intent, Place, Refused, Withdraw
from sniper.trips import Trips, TripSettings
from sniper.types import Record
from sniper.viewing import AccountFacts

OTHERS, KINDS = 0, 4  # of Tape.used
KIND = {name: i for i, name in enumerate(KIND_NAMES)}
TRADE, BLOCK_ROW, ORACLE_ROW, MARKET_ROW, OPERATOR_ROW = (
    KIND[name] for name in ("TRADE", "BLOCK", "ORACLE", "MARKET", "OPERATOR")
)
BLOCK: Final = 1 << KIND["BLOCK"]
OPERATOR: Final = 1 << KIND["OPERATOR"]
MARKETS: Final = 1 << KIND["MARKET"] | 1 << KIND["ORACLE"]
HEARD: Final = (
    BLOCK
    | OPERATOR
    | MARKETS
    | sum(
        1 << KIND[name]
        for name in ("ACCOUNT", "ANSWER", "REST", "FUNDING", "GAP", "LINK", "CONNECTED", "ERROR")
    )
)
INTENTS, REFUSED, PLACED, CANCELLED, ANSWERS, NOT_COMPUTABLE = (
    COUNTER_NAMES.index(name)
    for name in ("intents", "refused_intents", "placed", "cancelled", "answers", "not_computable")
)
DECISIONS_MAX = 256
RESOLUTIONS = (0, 1, 2, 4)
"""Indicators are kept for 1MIN, 5MINS, 15MINS and 1HOUR, and for what the strategy asks for beside these."""
ATOMIC = FIELD_NAMES.index("atomicResolution") - 12
FAMILY: Final = 128
"""Children of subaccount n are n + 128 k; slot k of the margin kernel holds them, slot 0 the traded one."""


class DeskSettings(NamedTuple):
    """What the decision half is set to. options: the strategy's own settings as JSON."""

    strategy: str = "sniper"
    options: str = "{}"
    account: AccountSettings = AccountSettings()
    funding: FundingSettings = FundingSettings()
    trips: TripSettings = TripSettings()
    orders: OrdersSettings = OrdersSettings()
    risk: RiskSettings = RiskSettings()


class Decided(NamedTuple):
    """One decision as it is shown: what was wanted and what became of it."""

    tick: int
    now_ns: int
    outcome: Approved | Refused | Withdraw


NOBODY = AccountFacts(0, 0, 0, 0, 0, 0.0, 0.0, 0.0, 0.0, False, 0, 0, 0, 0)


def _no_clock() -> int:
    return 0


class Desk:
    """The stages behind `links`. Between two ticks everything may be read."""

    def __init__(self, tape: Tape, decoder: Any, books: Any, candles: Any, settings: DeskSettings) -> None:
        self.settings = settings
        self._decoder, self._counters = decoder, tape.counters
        rows: Any = tape.rows
        self._others = lent(tape.others)
        self._columns = tuple(lent(rows[name]) for name in ("kind", "market", "price", "frame"))
        used: Any = tape.used  # a buffer, though NumPy's types say so from Python 3.12 on only
        self._used = memoryview(used)
        self.account = Account(tape, decoder, settings.account)
        self.funding = Funding(tape, decoder, settings.funding, self.account.digest)
        kinds = tuple(row[1] for row in SIGNAL_TABLE)
        self.strategy = build(settings.strategy, SIGNALS, kinds, settings.options)
        watched = tuple(sorted({*RESOLUTIONS, *resolutions(self.strategy)}))
        self.signals = Signals(tape, decoder.markets, books, candles, resolutions=watched)
        self.margin = Liquidation(tape, decoder.markets)
        self.margin.bind(self.signals.sigmas, self.signals.drifts)
        self.digest = RunningDigest(tape, "orders")
        self.orders = Orders(decoder, settings.orders, self.digest)
        self.trips = Trips(
            self.orders.by_order_id, self.orders.origin, decoder, settings.trips, self.account.digest
        )
        self.standing = Standing()
        self.risk = Risk(settings.risk, decoder, self.margin, self.orders, books.fill, self.digest)
        self.view = DeskView(decoder, books, self.signals, self.funding, self.orders, self.trips, NOBODY)
        self.decisions: deque[Decided] = deque(maxlen=DECISIONS_MAX)
        """What was wanted lately and what became of it, newest last."""
        self.decided = 0
        """How many decisions there were, those no longer kept included."""
        self.height = 0
        self.feed_ns = 0
        self._held: dict[int, dict[int, int]] = {}  # slot -> market -> size as the margin kernel knows it
        self.stage_ns = [0] * 4

    def tick(
        self, tick: int, now_ns: int, n: int, records: Sequence[Record], clock: Callable[[], int] = _no_clock
    ) -> Sequence[Place | Cancel]:
        """One turn of the decision half; n rows are on the tape. Returns commands for the venue."""
        kinds = self._used[KINDS]
        t0 = clock()
        if kinds & HEARD:
            self._hear(kinds, now_ns, n, records)
        else:
            self.account.apply(0, (), now_ns)
            self.funding.apply(0, now_ns)
            self.orders.apply((), (), (), now_ns, self.height, self.account.height)
        t1 = clock()
        signals = self.signals
        signals.apply(n)
        signals.update(now_ns)
        t2 = clock()
        self.margin.apply(n)
        if self.account.changed:
            self._take_over()
        if self.margin.update() or self.account.changed:
            self._look(now_ns)
        t3 = clock()
        commands = self._decide(tick, now_ns) if self.account.trust != "empty" else ()
        t4 = clock()
        self.stage_ns = [t1 - t0, t2 - t1, t3 - t2, t4 - t3]
        return commands

    def _hear(self, kinds: int, now_ns: int, n: int, records: Sequence[Record]) -> None:
        """Rows that concern the account, funding, heights, the operator, or what a view keeps of a market."""
        account, funding = self.account, self.funding
        account.apply(n, records, now_ns)
        funding.apply(n, now_ns, records)
        if funding.charges:
            account.charge(funding.charges)
        if kinds & (BLOCK | OPERATOR | MARKETS):
            self._read_rows(records, now_ns)
        evidence = NOTHING
        if account.listed is not None:
            evidence = Evidence(orders_height=account.height, listed=account.listed)
        self.orders.apply(
            account.news, account.fills, account.answers, now_ns, self.height, account.height, evidence
        )
        for position in account.adopted:
            self.trips.adopt(position)
        for fill in account.fills:
            self.trips.apply(fill)
        self.trips.pay(account.payments)
        self._counters[ANSWERS] += len(account.answers)

    def _read_rows(self, records: Sequence[Record], now_ns: int) -> None:
        kind_of, markets, prices, frames = self._columns
        for at in range(self._used[OTHERS]):
            row = self._others[at]
            kind = kind_of[row]
            if kind == TRADE:
                continue
            if kind == BLOCK_ROW:
                self.height = max(self.height, prices[row])
            elif kind == ORACLE_ROW:
                self.feed_ns = now_ns
                self.view.forget(markets[row])
            elif kind == MARKET_ROW:
                self.view.forget(markets[row])
            elif kind == OPERATOR_ROW:
                verb, _, text = records[frames[row]][3].partition(b" ")
                self._operate(verb.decode("ascii", "replace"), text.decode("utf-8", "replace"))

    def _operate(self, verb: str, text: str) -> None:
        """A word of the operator, or of the shell around us."""
        self.digest.fold(f"{verb} {text}".encode())
        if verb == "ids":
            first, _, last = text.partition(" ")
            if first.isdecimal() and last.isdecimal():
                self.orders.new_ids(int(first), int(last))
        else:
            self.risk.operator(verb, text)

    def _take_over(self) -> None:
        """What the account says, into the margin kernel: slot 0 trades, its children follow."""
        account, own = self.account, self.settings.account.subaccount
        for number, usdc in account.usdc.items():
            self.margin.set_usdc((number - own) // FAMILY, usdc)
        for number, positions in ((own, account.positions), *account.children.items()):
            slot = (number - own) // FAMILY
            held = self._held.setdefault(slot, {})
            for market in [market for market in held if market not in positions]:
                self.margin.set_position(slot, market, 0)
                del held[market]
            for market, position in positions.items():
                if held.get(market) != position.size_quantums:
                    held[market] = position.size_quantums
                    self.margin.set_position(slot, market, position.size_quantums)

    def _look(self, now_ns: int) -> None:
        """The facts of the account, after its margin was computed."""
        usdc, net, initial, maintenance, free, leverage, usage, danger, sigmas, computable = (
            self.margin.account(0)
        )
        standing, account = self.standing, self.account
        if computable and account.trust != "empty":
            standing.look(now_ns, net, account.transferred)
        self._counters[NOT_COMPUTABLE] = self.margin.unknown
        self.view.positions = account.positions
        self.view.account = AccountFacts(
            usdc,
            net,
            initial,
            maintenance,
            free,
            leverage,
            usage,
            danger,
            sigmas,
            computable and account.trust == "live",
            account.height,
            standing.day_result,
            standing.peak,
            self.trips.losses_in_row,
        )

    def _decide(self, tick: int, now_ns: int) -> Sequence[Place | Cancel]:
        """Strategy, ladder and protection ask; risk answers; orders makes commands."""
        view, risk = self.view, self.risk
        view.tick, view.now_ns, view.height, view.feed_ns = tick, now_ns, self.height, self.feed_ns
        view.changed = self.signals.changed()
        for market in self.trips.markets:
            bid, _, ask, _ = view.top(market)
            self.trips.mark(market, bid, ask)
        wanted = self.strategy.decide(view)
        forced, protective = risk.ladder(view), risk.protect(view)
        if not (wanted or forced or protective):
            return ()
        return self._carry_out(tick, now_ns, [*forced, *protective, *wanted])

    def _carry_out(self, tick: int, now_ns: int, wanted: list[Intent | Withdraw]) -> Sequence[Place | Cancel]:
        approved, refused, withdraws = self.risk.check(self.view, wanted)
        commands = self.orders.submit(approved, withdraws, now_ns, self.height)
        outcomes: list[Approved | Refused | Withdraw] = [
            *withdraws,
            *approved,
            *refused,
            *self.orders.dropped,
        ]
        for outcome in outcomes:
            self.decisions.append(Decided(tick, now_ns, outcome))
            self.decided += 1
        counters, places = self._counters, 0
        for command in commands:
            if isinstance(command, Place):
                places += 1
                if command.purpose == "protect":
                    self._announce(command)
        counters[INTENTS] += len(wanted)
        counters[REFUSED] += len(refused) + len(self.orders.dropped)
        counters[PLACED] += places
        counters[CANCELLED] += len(commands) - places
        for no in refused:
            self.digest.fold(f"{no.intent.market} {no.intent.purpose} {no.gate} {no.text}".encode())
        return commands

    def _announce(self, place: Place) -> None:
        """Round trips show where their stops stand."""
        order = self.orders.of(place.client_id)
        intent = self.orders.origin(order.order_id) if order is not None else None
        if intent is not None:
            self.trips.protect(intent)

    def atomic_resolution(self, market: int) -> int:
        """A coin of the market is 10 ** -this many base quantums."""
        return int(self._decoder.markets[market]["whole"][ATOMIC])

    # ---- state ------------------------------------------------------------------------------------------------

    def parts(self) -> tuple[Any, ...]:
        """What has state, in the order of work."""
        return (
            self.account,
            self.funding,
            self.signals,
            self.margin,
            self.trips,
            self.standing,
            self.risk,
            self.orders,
            self.strategy,
        )

    def save(self) -> bytes:
        """The state as bytes."""
        held = [(slot, sorted(markets.items())) for slot, markets in sorted(self._held.items())]
        own = (self.height, self.feed_ns, self.digest.value, held)
        return msgspec.msgpack.encode([own, [part.save() for part in self.parts()]])

    def load(self, state: bytes) -> None:
        """Take over a state that `save` wrote. ValueError on anything else; half of it may be taken over then."""
        try:
            own, parts = msgspec.msgpack.decode(state, type=_State)
        except msgspec.MsgspecError as problem:
            raise ValueError(f"not a state of the decision half: {problem}") from None
        if len(parts) != len(self.parts()):
            raise ValueError("a state of the decision half with other parts")
        for part, saved in zip(self.parts(), parts, strict=True):
            part.load(saved)
        self.height, self.feed_ns, digest, held = own
        self.digest.load(digest)
        self._held = {slot: dict(markets) for slot, markets in held}
        for market in range(self._decoder.markets_n):
            self.view.forget(market)
        self._look(0)


_State = tuple[tuple[int, int, bytes, list[tuple[int, list[tuple[int, int]]]]], list[bytes]]
