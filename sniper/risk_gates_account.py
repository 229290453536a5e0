"""Gates that look at the account alone: while one of them is shut, no order may open anything, whatever it is.

They are asked once for all entries of a tick, before anything is worked out for any of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from sniper.resilience import DEGRADED, MODES
from sniper.risk_candidate import Finding, at_most
from sniper.risk_settings import MILLION, GateSettings
from sniper.viewing import AccountFacts


class Situation(NamedTuple):
    """What these gates must know. ordered: by the operator: pause, reduce, kill. streak_ns: when the last loss of the
    streak was seen. mode: of the session. reconciled: whether our books are known to agree with the venue's."""

    account: AccountFacts
    gates: GateSettings
    now_ns: int
    rung: int = 0
    ordered: str = ""
    journal_stopped: bool = False
    state_stopped: bool = False
    mode: int = 0
    reconciled: bool = True
    streak_ns: int = 0


class AccountGate(NamedTuple):
    """A row of the table, as in `risk_gates`."""

    name: str
    limit: str
    text: str
    judge: Callable[[Situation], Finding]


def operator(s: Situation) -> Finding:
    """Nothing is opened while the operator said pause, reduce or kill."""
    return Finding(1.0 if s.ordered else 0.0, 0.0, not s.ordered, s.ordered)


def ladder(s: Situation) -> Finding:
    """Nothing is opened on the liquidation ladder."""
    return at_most(s.rung, 0)


def journal(s: Situation) -> Finding:
    """What is not written down is not done."""
    return Finding(float(s.journal_stopped), 0.0, not (s.journal_stopped and s.gates.journal_required))


def mode(s: Situation) -> Finding:
    """Critical and emergency sessions open nothing."""
    return Finding(float(s.mode), float(DEGRADED), s.mode <= DEGRADED, MODES[s.mode])


def reconciled(s: Situation) -> Finding:
    """After a start or a doubt nothing is opened until the venue's own lists agree with our books."""
    return Finding(float(not s.reconciled), 0.0, s.reconciled)


def state(s: Situation) -> Finding:
    """What a crash could make us forget is not sent."""
    return Finding(float(s.state_stopped), 0.0, not s.state_stopped)


def computable(s: Situation) -> Finding:
    """The margin of the account can be computed exactly, and there is equity."""
    sound = s.account.computable and s.account.net > 0
    return Finding(float(sound), 1.0, sound)


def daily_loss(s: Situation) -> Finding:
    """The day has not lost more than its share."""
    lost = max(0, -s.account.day_realised)
    begun = s.account.net + lost
    return at_most(-(-lost * MILLION // begun) if begun > 0 else MILLION, s.gates.daily_loss_ppm_max)


def drawdown(s: Situation) -> Finding:
    """Equity is not too far below its peak."""
    peak = max(s.account.peak_net, s.account.net)
    found = -((s.account.net - peak) * MILLION // peak) if peak > 0 else MILLION
    return at_most(found, s.gates.drawdown_ppm_max)


def loss_streak(s: Situation) -> Finding:
    """After so many losses in a row nothing is opened for a while."""
    found, limit = s.account.losses_in_row, s.gates.losses_in_row_max
    rested = s.now_ns - s.streak_ns >= s.gates.loss_pause_ns
    return Finding(found, limit - 1, found < limit or rested)


ACCOUNT_GATES: Final = (
    AccountGate("operator", "", "the operator ordered {detail}", operator),
    AccountGate("ladder", "ladder", "rung {found:g} of the liquidation ladder: nothing is opened", ladder),
    AccountGate("journal", "journal_required", "the journal does not write", journal),
    AccountGate("mode", "", "the session is {detail}: reductions only", mode),
    AccountGate("reconciled", "", "orders, fills and positions are not reconciled with the venue yet", reconciled),
    AccountGate("state", "", "the database does not write", state),
    AccountGate("computable", "", "the margin cannot be computed, or there is no equity", computable),
    AccountGate("daily_loss", "daily_loss_ppm_max", "{found:g} ppm lost today, at most {limit:g}", daily_loss),
    AccountGate("drawdown", "drawdown_ppm_max", "{found:g} ppm below the peak, at most {limit:g}", drawdown),
    AccountGate("loss_streak", "losses_in_row_max", "{found:g} losses in a row, at most {limit:g}", loss_streak),
)  # fmt: skip
"""In the order in which they are asked, before those of `risk_gates`."""


def shut(situation: Situation) -> tuple[AccountGate, Finding] | None:
    """The first of them that nothing may pass now, with what it found."""
    for gate in ACCOUNT_GATES:
        found = gate.judge(situation)
        if not found.passed:
            return gate, found
    return None
