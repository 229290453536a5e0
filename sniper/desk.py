"""The decision half of the engine: from this tick's rows to orders, in one column.

account -> funding -> signals -> margin -> view -> strategy and ladder -> risk -> orders -> commands. Like the
market half it knows only what came through `tick`; everything it decides is folded into the digests of its
stages, so that a replay decides the same or names the tick where it does not.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from sniper._ext.column import SAID_FACTS, SAID_HALT, Column
from sniper._ext.liquidation import Liquidation
from sniper._ext.notices import TO_ACCOUNT, TO_FUNDING, TO_OPERATOR, TO_ORDERS, Notices
from sniper._ext.signals import SIGNAL_TABLE, SIGNALS, Signals
from sniper._ext.tape import COUNTER_NAMES, Tape
from sniper.account import Account
from sniper.desk_margin import NOBODY, Reckoning
from sniper.desk_settings import Decided, DeskSettings
from sniper.desk_state import packed, unpacked
from sniper.desk_view import DeskView
from sniper.desk_words import Words
from sniper.funding import Funding
from sniper.handover import Handover
from sniper.heights import Heights
from sniper.order_record import NOTHING
from sniper.order_table import UNKNOWN
from sniper.orders import Evidence, Orders
from sniper.reconciling import Reconcile, Seen
from sniper.resilience import Resilience, Signs, described, lost_and_barred
from sniper.risk import Risk
from sniper.running_digest import RunningDigest
from sniper.standing import Standing
from sniper.strategies.blame import blamed, resumed, wishes
from sniper.strategies.registry import build, resolutions
from sniper.trading import Approved, Cancel, Intent, Place, Refused, Withdraw
from sniper.trips import Trips
from sniper.types import Ask, Command, Record, Resubscribe
from sniper.viewing import Strategy

__all__ = ["Decided", "Desk", "DeskSettings"]

INTENTS, REFUSED, PLACED, CANCELLED, ANSWERS = (
    COUNTER_NAMES.index(name) for name in ("intents", "refused_intents", "placed", "cancelled", "answers")
)
DECISIONS_MAX = 256
UNHEARD = -1
RESOLUTIONS = (0, 1, 2, 4)
"""Indicators are kept for 1MIN, 5MINS, 15MINS and 1HOUR, and for what the strategy asks for beside these."""


class Desk:
    """The stages behind `links`. Between two ticks everything may be read."""

    def __init__(self, tape: Tape, decoder: Any, books: Any, candles: Any, settings: DeskSettings) -> None:
        self.settings = settings
        self._decoder, self._counters = decoder, tape.counters
        self._notices = Notices(tape)
        self.account = Account(tape, decoder, settings.account)
        self.funding = Funding(tape, decoder, settings.funding, self.account.digest)
        self.strategy = self._strategy()
        watched = tuple(sorted({*RESOLUTIONS, *resolutions(self.strategy)}))
        self.signals = Signals(tape, decoder.markets, books, candles, resolutions=watched)
        self.margin = Liquidation(tape, decoder.markets)
        self.margin.bind(self.signals.sigmas, self.signals.drifts)
        self.digest = RunningDigest(tape, "orders")
        self.orders = Orders(decoder, settings.orders, self.digest)
        self.trips = Trips(
            self.orders.by_order_id, self.orders.origin, decoder, settings.trips, self.account.digest
        )
        self.reconcile = Reconcile(settings.reconcile, settings.account.address, settings.account.subaccount)
        self.resilience = Resilience(settings.resilience)
        self._reconciling, self._watching = settings.reconcile.every_ns > 0, settings.resilience.on
        self._at_rest = False  # see `_rests`
        self._asked: tuple[Ask | Resubscribe, ...] = ()
        self.standing = Standing()
        self.handover = Handover(decoder, self.account, self.orders, self.trips, self.standing, self._resume)
        self.risk = Risk(settings.risk, decoder, self.margin, self.orders, books.fill, self.digest)
        self.words = Words(tape, self.digest, self.orders, self.risk, self.handover)
        self.heights = Heights(settings.heights, self.words.say)
        self._guarded = settings.heights.on
        self.view = DeskView(decoder, books, self.signals, self.funding, self.orders, self.trips, NOBODY)
        self.decisions: deque[Decided] = deque(maxlen=DECISIONS_MAX)
        """What was wanted lately and what became of it, newest last."""
        self.decided = 0
        """How many decisions there were, those no longer kept included."""
        self._reckoning = Reckoning(
            self.margin, self.account, self.standing, self.trips, self.view, tape.counters
        )
        # One look-up a tick: a bound method that is an attribute costs as much to find as to call.
        self._work = self.signals.apply, self.signals.update, self._reckoning.apply
        self._go_by = Column(self._notices, self.signals, self.margin).run
        self._news = self._notices.latest, self.signals.changed
        self.stage_ns = [0] * 4

    def tick(
        self,
        tick: int,
        now_ns: int,
        n: int,
        records: Sequence[Record],
        clock: Callable[[], int] | None = None,
    ) -> Sequence[Command]:
        """One turn of the decision half; n rows are on the tape. Returns commands for the venue and the feed.

        A clock, if given, only measures the stages (into `stage_ns`).
        """
        if clock is not None:
            return self._timed(tick, now_ns, n, records, clock)
        whom = UNHEARD
        if self._at_rest:
            whom = self._go_by(now_ns, n)
            if not whom & SAID_HALT:  # nothing concerns us
                if whom & SAID_FACTS:
                    self._reckoning.look(now_ns)
                self.account.now_ns = self.funding.now_ns = now_ns
                return self._decide(tick, now_ns)
            whom &= ~SAID_HALT
        signal, rescore, reckon = self._work
        self._take_in(whom, now_ns, n, records)
        signal(n)
        rescore(now_ns)
        reckon(now_ns, n)
        commands = self._decide(tick, now_ns)
        return (*self._asked, *commands) if self._asked else commands

    def _timed(
        self, tick: int, now_ns: int, n: int, records: Sequence[Record], clock: Callable[[], int]
    ) -> Sequence[Command]:
        """The same, by the clock."""
        signal, rescore, reckon = self._work
        t0 = clock()
        self._take_in(UNHEARD, now_ns, n, records)
        t1 = clock()
        signal(n)
        rescore(now_ns)
        t2 = clock()
        reckon(now_ns, n)
        t3 = clock()
        commands = self._decide(tick, now_ns)
        t4 = clock()
        self.stage_ns = [t1 - t0, t2 - t1, t3 - t2, t4 - t3]
        return (*self._asked, *commands) if self._asked else commands

    def _take_in(self, whom: int, now_ns: int, n: int, records: Sequence[Record]) -> None:
        """Account, funding and orders take in what concerns them, and what time says."""
        account, funding, orders = self.account, self.funding, self.orders
        if whom == UNHEARD:
            if self._guarded:
                self._notices.ceiling = account.ceiling = self.heights.ceiling(now_ns)
            whom = self._notices.hear(now_ns)
        if whom & ~TO_ORDERS or account.busy or funding.charges or self._reconciling:
            self._tell(whom, now_ns, n, records)
        else:
            account.now_ns = funding.now_ns = now_ns
            if orders.live and (whom or now_ns >= orders.due_ns):
                orders.apply((), (), (), now_ns, self._notices.height, account.height)
        self._at_rest = not orders.live and self._rests()

    def _rests(self) -> bool:
        """Whether nothing is held, open or awaited: until rows tell of us, only market and strategy move."""
        account = self.account
        awaited = account.busy or self.funding.charges or self._reconciling or self._watching or self._guarded
        return not (awaited or account.positions or self.trips.markets) and self._knows_account()

    def _knows_account(self) -> bool:
        """Without an account, or with one older than what was taken over, nobody asks for anything."""
        return self.account.trust != "empty" and self.account.height >= self.handover.height

    def _tell(self, whom: int, now_ns: int, n: int, records: Sequence[Record]) -> None:
        """Rows that concern the account, funding or the operator, or news of the last tick to be taken away."""
        account, funding = self.account, self.funding
        account.apply(n if whom & TO_ACCOUNT else 0, records, now_ns)
        funding.apply(n if whom & TO_FUNDING else 0, now_ns, records)
        if funding.charges:
            account.charge(funding.charges)
        if whom & TO_OPERATOR:
            self.words.obey(records)
        if self.handover.left is not None:
            self.handover.take(self._notices.height, self.words.sequence)
        if self._guarded:
            self.heights.look(now_ns, self._notices, account, self.words, self.handover.height)
        evidence = self._reconcile(now_ns) if self._reconciling else NOTHING
        if account.listed is not None and not evidence.orders_height:
            evidence = evidence._replace(orders_height=account.height, listed=account.listed)
        if evidence is not NOTHING:
            block_s = self._notices.block_ns // 1_000_000_000
            evidence = self.words.testify(evidence._replace(block_s=block_s))
        height = self._reach()
        self.orders.apply(
            account.news, account.fills, account.answers, now_ns, height, account.height, evidence
        )
        self.handover.follow(now_ns, self.reconcile.settled)
        if account.answers:
            self._counters[ANSWERS] += len(account.answers)

    def _reach(self) -> int:
        """The newest height. Orders need not be told of every one while none is open: that is made good here."""
        notices = self._notices
        if not self.orders.live:
            self.orders.reach(notices.height, notices.height_ns)
        return notices.height

    def _reconcile(self, now_ns: int) -> Evidence:
        """Ask what the venue knows of us when that is due; what its answers prove."""
        account, doubts = self.account, bool(self.orders.questions())
        listed, fills = account.listed is not None, len(account.fills)
        seen = Seen(now_ns, account.trust, listed, account.queried, fills, doubts, account.connection)
        self._asked = self.reconcile.apply(seen)
        self.risk.reconciled = self.reconcile.settled
        return self.reconcile.evidence

    def _watch_over(self, now_ns: int) -> Sequence[Withdraw]:
        """The mode of the session, and what must not rest in it."""
        claims = self.orders.claims()
        lost, barred = lost_and_barred(self.account.answers)
        unknown = sum(claim.state == UNKNOWN for claim in claims)
        trust, settled, feed_ns = self.account.trust, self.reconcile.settled, self._notices.feed_ns
        change = self.resilience.apply(Signs(now_ns, feed_ns, trust, settled, lost, unknown, barred))
        if change is not None:
            self.digest.fold(described(change).encode())
        self.risk.mode, self.risk.size_ppm = self.resilience.mode, self.resilience.size_ppm
        return self.resilience.withdraws(now_ns, claims)

    def _decide(self, tick: int, now_ns: int) -> Sequence[Place | Cancel]:
        """Strategy, ladder and protection ask; risk answers; orders makes commands."""
        at_rest, view, risk = self._at_rest, self.view, self.risk
        if not at_rest and not self._knows_account():
            return ()
        latest, changed = self._news
        view.tick, view.now_ns = tick, now_ns
        view.height, view.feed_ns = latest()
        view.changed = changed()
        if not at_rest:
            for market in self.trips.markets:
                bid, _, ask, _ = view.top(market)
                self.trips.mark(market, bid, ask)
        try:
            wanted = self.strategy.decide(view)
            if wanted:
                wanted = wishes(wanted)
        except (Exception, SystemExit) as problem:  # a strategy is anybody's code
            raise blamed(self.strategy, "decide", tick, problem) from problem
        if at_rest and risk.rests(view):
            return self._carry_out(tick, now_ns, [*wanted]) if wanted else ()
        forced, protective = risk.ladder(view), risk.protect(view)
        withdrawn = self._watch_over(now_ns) if self._watching else ()
        if not (wanted or forced or protective or withdrawn):
            return ()
        return self._carry_out(tick, now_ns, [*withdrawn, *forced, *protective, *(wanted or ())])

    def _carry_out(self, tick: int, now_ns: int, wanted: list[Intent | Withdraw]) -> Sequence[Place | Cancel]:
        height = self._reach()
        approved, refused, withdraws = self.risk.check(self.view, wanted)
        commands = self.orders.submit(approved, withdraws, now_ns, height)
        self._at_rest = False
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
                if command.purpose == "protect":  # round trips show where their stops stand
                    self.trips.protect(self.orders.live[command.client_id].intent)
        counters[INTENTS] += len(wanted)
        counters[REFUSED] += len(refused) + len(self.orders.dropped)
        counters[PLACED] += places
        counters[CANCELLED] += len(commands) - places
        for no in refused:
            self.digest.fold(f"{no.intent.market} {no.intent.purpose} {no.gate} {no.text}".encode())
        return commands

    @property
    def said(self) -> list[str]:
        """Lines for people: what was handed over, what the chain allows. They only grow."""
        return self.words.said

    @property
    def height(self) -> int:
        """Newest block height, 0 while unknown."""
        return self._notices.height

    @property
    def feed_ns(self) -> int:
        """When oracle prices last came, 0 while none did."""
        return self._notices.feed_ns

    def _strategy(self) -> Strategy:
        kinds = tuple(row[1] for row in SIGNAL_TABLE)
        return build(self.settings.strategy, SIGNALS, kinds, self.settings.options)

    def _resume(self, state: bytes) -> str:
        """Give the strategy the state of an earlier session. Returns why not, "": it has it."""
        why = resumed(self.strategy, state)
        if why:
            self.strategy = self._strategy()
        return why

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
            self.reconcile,
            self.resilience,
            self.handover,
            self.heights,
            self.strategy,
        )

    def save(self) -> bytes:
        """The state as bytes."""
        notices = self._notices
        self._reach()
        words = self.words
        seen = (notices.height, notices.feed_ns, notices.block_ns, words.sequence, words.sequence_height)
        own = (seen, self.digest.value, self._reckoning.save())
        *parts, strategy = self.parts()
        return packed(own, parts, strategy, self.view.tick)

    def load(self, state: bytes) -> None:
        """Take over a state that `save` wrote. ValueError on anything else; half of it may be taken over then."""
        own, parts = unpacked(state, len(self.parts()))
        for part, saved in zip(self.parts(), parts, strict=True):
            part.load(saved)
        (height, feed_ns, block_ns, self.words.sequence, self.words.sequence_height), digest, held = own
        self._notices.restart(height, feed_ns, block_ns)
        self._at_rest = False
        self.risk.reconciled = self.reconcile.settled
        self.risk.mode, self.risk.size_ppm = self.resilience.mode, self.resilience.size_ppm
        self.digest.load(digest)
        self._reckoning.load(held)
        self._reckoning.restored()
