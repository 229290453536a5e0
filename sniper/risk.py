"""Risk: what may be sent, how large, and what must be done so that the account is never liquidated.

`check` judges every order by the gates of `risk_gates`, sized by `risk_sizing`. `ladder` and `protect` ask for what
must be done whatever the strategy wants; what they ask goes through `check` like all else. docs/risk.md explains.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from sniper.order_table import SHORT_TERM
from sniper.risk_candidate import OPENS, Candidate, Conditions, OpenOrders, rank, scaled
from sniper.risk_gates import OPENING, REDUCTION, refusal
from sniper.risk_gates_account import ACCOUNT_GATES, Situation, shut
from sniper.risk_ladder import Fill, Ladder
from sniper.risk_limits import ChainLimits, gates_of, in_words, understood
from sniper.risk_margin import BEYOND, Margin, Shock, Totals, equity_slots
from sniper.risk_operator import FLOORS, Latch, Operator
from sniper.risk_outlook import Outlook
from sniper.risk_pace import Pace
from sniper.risk_protect import Protector
from sniper.risk_rungs import (
    CALM,
    FAR,
    FLATTEN,
    Assessment,
    Rungs,
    Trends,
    assess,
    at_last_prices,
    danger_of,
    leapt,
)
from sniper.risk_saved import SavedRisk
from sniper.risk_settings import MILLION, RiskSettings, validate
from sniper.risk_sizing import sized
from sniper.running_digest import RunningDigest
from sniper.trading import Approved, Intent, Reason, Refused, Withdraw
from sniper.viewing import AccountFacts, View

__all__ = ["Margin", "Risk", "RiskSettings"]

NOTHING: Final[tuple[()]] = ()
Wanted = Intent | Withdraw


class Risk:
    """The risk of one account. ValueError for settings out of bounds.

    decoder: market table. orders: our orders. fill: `Books.fill`. digest: shared with strategy and orders.
    """

    def __init__(
        self,
        settings: RiskSettings,
        decoder: Any,
        margin: Margin,
        orders: OpenOrders,
        fill: Fill,
        digest: RunningDigest,
    ) -> None:
        validate(settings)
        self.settings = self._configured = settings
        self._decoder, self._margin, self._orders, self._digest = decoder, margin, orders, digest
        self._shocks = [Shock(stress, decoder, margin) for stress in settings.gates.stresses]
        self._rungs, self._trends = Rungs(settings.ladder), Trends()
        self._ladder = Ladder(settings, decoder, fill, margin)
        self.protector = Protector(settings.protection, decoder)
        self.ordered = Operator(settings.killed)
        """What the operator wants, and what the shell said of journal and database."""
        self._pace = Pace(settings.gates.slow_block_ns)
        self.assessment = Assessment(0, 0, 0, FAR, False, ())
        """How near liquidation the account was when the ladder last looked."""
        # Said each tick: whether our books agree with the venue's, the session's mode, what it leaves of sizes.
        self.reconciled, self.mode, self.size_ppm = True, 0, MILLION
        self._seen: AccountFacts | None = None
        # Whether the ladder last saw an account without positions, on no rung, and whether prices were old then.
        self._rests = self._rests_stale = False
        self._stale_ns, self._check_ns = settings.ladder.feed_stale_ns, settings.protection.check_ns
        self._watch_due_ns = self._protect_due_ns = self._losses = self._streak_ns = 0
        self._leap_ns = -BEYOND

    # ---- what must be done ------------------------------------------------------------------------------------

    @property
    def rung(self) -> int:
        """Where the account stands: 0 calm, then stop opening, cancel entries, reduce, flatten."""
        return self._rungs.rung

    @property
    def latch(self) -> Latch:
        """What the operator ordered. A kill is for the shell to keep: `RiskSettings.killed` begins with it."""
        return self.ordered.latch

    @property
    def unprotected(self) -> tuple[int, ...]:
        """Markets whose position had no stop at the last look."""
        return self.protector.unprotected

    def ladder(self, view: View) -> Sequence[Wanted]:
        """What must be done lest we are liquidated, and what was ordered. Cheap while the account did not change."""
        seen = self._seen
        if view.account is not seen and view.account != seen:
            return self._climb(view)
        self._seen = view.account
        if view.now_ns < self._watch_due_ns:
            return NOTHING
        stale = view.now_ns - view.feed_ns > self._stale_ns
        if self._rests and not view.positions and stale == self.assessment.stale:
            return NOTHING  # another look would find the same
        return self._climb(view)

    def rests(self, view: View) -> bool:
        """Whether ladder and protection would find as little as last time: for an account without positions, orders."""
        if not self._rests or view.account is not self._seen:
            return False
        return (view.now_ns - view.feed_ns > self._stale_ns) is self._rests_stale

    def _climb(self, view: View) -> Sequence[Wanted]:
        facts, now_ns = view.account, view.now_ns
        ladder, ordered = self.settings.ladder, self.latch.verb
        self._seen = facts
        if facts.losses_in_row > self._losses:
            self._streak_ns = now_ns
        self._losses = facts.losses_in_row
        before, stale = self.assessment, now_ns - view.feed_ns > self._stale_ns
        if not view.positions:
            danger_ppm = danger_of(facts.net, facts.maintenance)
            self.assessment = Assessment(facts.net, facts.maintenance, danger_ppm, FAR, stale, ())
        elif not self._margin.trouble(self.settings.account):
            # an account that may be out of date (`computable` says so) is no reason to look away
            self.assessment = assess(view, self._margin, self.settings.account, ladder, self._trends)
        # else nothing is known: what was found last still holds
        found = self.assessment
        if leapt(before, found) and self._rungs.on(found.danger_ppm, found.sigmas):
            self._leap_ns = now_ns
        leap = now_ns - self._leap_ns < ladder.reaction_ns
        if leap != found.leap:
            found = self.assessment = found._replace(leap=leap)
        near = 2 * found.danger_ppm >= ladder.stop_ppm or found.sigmas <= 2.0 * ladder.stop_sigmas
        for move in self._rungs.update(found.danger_ppm, found.sigmas, now_ns, stale, leap):
            self._digest.fold(f"rung {move.before}>{move.after} {move.danger_ppm} {move.sigmas!r}".encode())
        rung = self.rung
        calm = rung == CALM and not ordered
        self._watch_due_ns = now_ns + (ladder.calm_ns if calm and not near else ladder.watch_ns)
        self._rests, self._rests_stale = calm and not view.positions, found.stale
        if calm:
            return NOTHING
        return self._ladder.act(view, found, rung, ordered, self._orders.claims())

    def protect(self, view: View) -> Sequence[Wanted]:
        """Stops that are missing or too many, every `check_ns` while anything is held or open."""
        if view.now_ns < self._protect_due_ns:
            return NOTHING
        if not (view.positions or self._orders.live) or not view.account.computable:
            return NOTHING
        self._protect_due_ns = view.now_ns + self._check_ns
        net, orders = view.account.net, self._orders.all_open()
        assessment = at_last_prices(net, self._margin, self.settings.account)

        def room() -> tuple[int, int]:
            stateful = len([order for order in orders if order.kind != SHORT_TERM])
            return equity_slots(self.settings.gates, net) - stateful, self._pace.left(
                view.now_ns, view.height
            )

        return self.protector.look(view, assessment, orders, room)

    def stressed(self) -> list[Totals | None]:
        """What is held, after each configured stress."""
        return [shock.totals(self.settings.account) for shock in self._shocks]

    # ---- the gates --------------------------------------------------------------------------------------------

    def check(
        self, view: View, wanted: Sequence[Wanted]
    ) -> tuple[list[Approved], list[Refused], list[Withdraw]]:
        """Judge what is wanted. The order in which it is given does not matter: reductions come first, then the
        strongest entries; each that is approved counts for those behind it."""
        if not wanted:
            return [], [], []
        claims = {claim.client_id: claim for claim in self._orders.claims()}
        asked = {w.client_id: w for w in wanted if isinstance(w, Withdraw) and w.client_id in claims}
        leaving = sorted(asked)
        withdraws = [asked[client_id] for client_id in leaving]
        self._pace.forget(view.now_ns, view.height)
        for _ in leaving:
            self._pace.add(view.now_ns, view.height, SHORT_TERM)
        approved: list[Approved] = []
        refused: list[Refused] = []
        intents = [one for one in wanted if isinstance(one, Intent)]
        if len(intents) > 1:
            intents.sort(key=rank)
        entries = any(intent.purpose == OPENS for intent in intents)
        barred, outlook = shut(self._situation(view)) if entries else None, None
        for intent in intents:
            verdict: Approved | Refused
            if barred is not None and intent.purpose == OPENS:
                verdict = refusal(intent, *barred)
            else:
                outlook = outlook or self._outlook(view)
                old = self._replaces(view, intent, leaving)
                here = outlook.without(claims[old]) if old >= 0 else outlook
                verdict = self._judge(here, intent, self._conditions(view))
            if isinstance(verdict, Refused):
                refused.append(verdict)
                self._digest.fold(f"refused {intent.market} {intent.side} {verdict.gate}".encode())
                continue
            approved.append(verdict)
            steps = verdict.intent.size_steps
            self._digest.fold(f"approved {intent.market} {intent.side} {steps}".encode())
            if old >= 0:
                leaving.remove(old)
                steps = max(steps, claims[old].steps)
            outlook = here
            outlook.commit(verdict.intent, steps)
            self._pace.add(view.now_ns, view.height, intent.kind)
        return approved, refused, withdraws

    def explain(self, view: View, intent: Intent) -> tuple[Reason, ...]:
        """What every gate says of an order, as if it were wanted alone, now. Nothing is changed."""
        outlook = self._outlook(view)
        candidate = self._candidate(outlook, intent)
        if candidate is None:
            return (Reason("market", 0.0, 1.0, False),)
        conditions = self._conditions(view)
        gates = OPENING if candidate.opens else REDUCTION
        form = gates[0].judge(outlook, candidate, conditions)
        if not form.passed:
            return (Reason(gates[0].name, form.found, form.limit, False),)
        candidate, notes = sized(outlook, candidate)
        empty, situation = candidate.steps <= 0, self._situation(view)
        found = [(gate.name, gate.judge(situation)) for gate in ACCOUNT_GATES if candidate.opens]
        judged = [gate for gate in gates if not (gate.sized and empty)]  # no step: nothing to judge
        found += [(gate.name, gate.judge(outlook, candidate, conditions)) for gate in judged]
        told = tuple(Reason(name, one.found, one.limit, one.passed) for name, one in found)
        return told + ((Reason("size", 0.0, 1.0, False),) if empty else ()) + notes

    def _judge(self, outlook: Outlook, intent: Intent, conditions: Conditions) -> Approved | Refused:
        candidate = self._candidate(outlook, intent)
        if candidate is None:
            return Refused(intent, "market", 0.0, 1.0, f"market {intent.market} is not known well enough")
        notes: tuple[Reason, ...] = ()
        for gate in OPENING if candidate.opens else REDUCTION:
            if gate.sized and not notes:
                candidate, notes = sized(outlook, candidate)
                if candidate.opens and candidate.steps <= 0:
                    least = min(notes, key=lambda note: note.found).name
                    return Refused(intent, least, 0.0, 1.0, f"no room for one step: {least}")
            found = gate.judge(outlook, candidate, conditions)
            if not found.passed:
                return refusal(intent, gate, found)
        return Approved(intent._replace(size_steps=candidate.steps), notes)

    def _candidate(self, outlook: Outlook, intent: Intent) -> Candidate | None:
        market, unit = intent.market, outlook.unit(intent.market)
        if unit is None:
            return None
        intent = scaled(intent, self.size_ppm)
        return Candidate(intent, outlook.facts(market), unit, outlook.held_steps(market), intent.size_steps)

    def _replaces(self, view: View, intent: Intent, leaving: Sequence[int]) -> int:
        """The order that this intent would replace, -1: none. `Orders.submit` comes to the same pairs."""
        one = intent if intent.size_steps or not leaving else intent._replace(size_steps=1)
        fits = (i for i in leaving if self._orders.replaceable(i, one, view.now_ns, view.height))
        return next(fits, -1)

    def _outlook(self, view: View) -> Outlook:
        claims = self._orders.claims()
        return Outlook(view, self._decoder, self._margin, claims, self._shocks, self.settings)

    def _conditions(self, view: View) -> Conditions:
        pace, now_ns, told = self._pace, view.now_ns, view.height
        return Conditions(pace.sent(now_ns), pace.short_term(now_ns, told), pace.stateful(now_ns, told))

    def _situation(self, view: View) -> Situation:
        kept = self.ordered
        return Situation(
            view.account, self.settings.gates, view.now_ns, self.rung, self.latch.verb, kept.journal_stopped,
            kept.state_stopped, self.mode, self.reconciled, self._streak_ns,
        )  # fmt: skip

    # ---- the chain's limits, operator and state ----------------------------------------------------------------------

    def learn(self, text: str) -> list[str]:
        """What the chain allows, as a node told it. Returns it in lines for people. ValueError: it makes no sense."""
        self._allow(told := understood(text))
        return in_words(told, self.settings.gates)

    def _allow(self, told: ChainLimits) -> None:
        self.settings = self._configured._replace(gates=gates_of(self._configured.gates, told))
        self._ladder.settings, self._pace.limits = self.settings, told

    def operator(self, verb: str, text: str) -> str:
        """An operator's word (`risk_operator`). Returns why it was not obeyed, "": it was."""
        why = self.ordered.obey(verb, text)
        self._watch_due_ns, self._rests = 0, False
        self._digest.fold(f"operator {verb} {text} {why}".encode())
        return why

    def save(self) -> bytes:
        """The state as bytes."""
        return msgspec.msgpack.encode(
            SavedRisk(
                self._rungs.rung,
                self._rungs.better_ns,
                self.latch,
                self.ordered.journal_stopped,
                self.assessment,
                self._seen,
                (self._watch_due_ns, self._protect_due_ns, self._losses, self._streak_ns),
                self._pace.save(),
                sorted(self._ladder.sent.items()),
                sorted(self._ladder.asked.items()),
                sorted(self._trends.known.items()),
                self.protector.unprotected,
                self._rests,
                self.ordered.state_stopped,
                sorted(self.protector.bare.items()),
                self._leap_ns,
                self._pace.limits,
                (self.ordered.journal_why, self.ordered.state_why),
            )
        )

    def load(self, state: bytes) -> None:
        """Take over a state that `save` wrote. ValueError on anything else."""
        try:
            kept = msgspec.msgpack.decode(state, type=SavedRisk)
        except msgspec.MsgspecError as problem:
            raise ValueError(f"not a state of risk: {problem}") from None
        if not CALM <= kept.rung <= FLATTEN or kept.latch.verb not in FLOORS:
            raise ValueError(f"not a state of risk: rung {kept.rung}, {kept.latch.verb!r}")
        self._rungs.rung, self._rungs.better_ns = kept.rung, kept.better_ns
        self.ordered.latch = kept.latch
        self.assessment, self._seen, self._rests = kept.assessment, kept.seen, kept.rests
        self._rests_stale = kept.assessment.stale
        self._watch_due_ns, self._protect_due_ns, self._losses, self._streak_ns = kept.timers
        self._pace.load(kept.pace)
        self._ladder.sent, self._ladder.asked = dict(kept.reductions), dict(kept.asked)
        self._trends.known = dict(kept.trends)
        self.protector.unprotected, self.protector.bare = kept.unprotected, dict(kept.bare)
        self.ordered.journal_why, self.ordered.state_why = kept.whys_found()
        self._leap_ns = kept.leap_ns
        self._allow(kept.limits)
