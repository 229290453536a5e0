"""Decisions and their reasons in words, the same on the screen, in `why` and in the debugger."""

from __future__ import annotations

from typing import Any, Final

from sniper.decimals import price_text, size_text
from sniper.trading import Approved, Intent, Reason, Refused, Withdraw

PARTS_TOLD: Final = 4
"""Of what made a score, the largest."""
UNBOUND: Final = 1e15
"""A figure as large as this stands for: no limit."""


def figure(value: float, digits: int = 4) -> str:
    """A figure as people write it: digits that count, and no exponent for what is large."""
    size = abs(value)
    if size >= UNBOUND:
        return f"{value:.3g}"
    if size >= 1e5:
        return f"{value:,.0f}"
    return f"{value:,.6g}" if size >= 1e3 else f"{value:.{digits}g}"


def compared(reason: Reason) -> str:
    """What was found against what was needed. A limit that was passed over is told as one."""
    least = "at most " if not reason.passed and reason.found > reason.needed else ""
    return f"{figure(reason.found)}, needed {least}{figure(reason.needed)}"


def cause(intent: Intent) -> str:
    """Why something was wanted, in a few words: the score of an entry, what ended a position, the ladder's figures."""
    reasons = intent.reasons
    if intent.purpose == "entry":
        against = next((one.name.partition(".")[2] for one in reasons if not one.passed), "")
        needed = next((f" of {one.needed:.0f}" for one in reasons if one.name == "gate.score"), "")
        said = f"score {intent.score:.0f}{needed}" + (f" despite {against}" if against else "")
    elif intent.purpose == "exit":
        left = [one for one in reasons if one.passed and one.name.startswith("exit.")]
        said = left[0].name.removeprefix("exit.") if left else ""
        if left and said not in ("stop", "target"):  # these stand in ticks, beside a price
            said += f" {figure(left[0].found)} at {figure(left[0].needed)}"
    elif intent.purpose == "protect":
        said = "stop on the chain"
    else:
        said = " ".join(f"{one.name} {figure(one.found)}" for one in reasons[:2])
    return " ".join(part for part in (intent.strategy, said) if part)


def weighed(intent: Intent) -> str:
    """What weighed most in the score of an entry, in points: signals for or against it, and what filters cost."""
    found = [(one.name.partition("."), one.found) for one in intent.reasons if one.found]
    points = [(name, value) for (kind, _, name), value in found if kind == "points"]
    points += [(name, -value) for (kind, _, name), value in found if kind == "cost"]
    points.sort(key=lambda one: -abs(one[1]))
    return " ".join(f"{name} {value:+.1f}" for name, value in points[:PARTS_TOLD])


def outcome_line(decoder: Any, outcome: Approved | Refused | Withdraw) -> str:
    """One decision: what was wanted, of how much at which price, and what became of it."""
    if isinstance(outcome, Withdraw):
        return f"withdrawn: order {outcome.client_id}, {outcome.cause}"
    intent = outcome.intent
    row = decoder.markets[intent.market]
    size = f", {size_text(row, intent.size_steps)}" if intent.size_steps else ""
    at = f" at {price_text(row, intent.price_ticks)}" if intent.price_ticks else ""
    if intent.trigger_ticks:
        at = f" when {price_text(row, intent.trigger_ticks)} is touched{at and f', limit{at[3:]}'}"
    wanted = f"{intent.purpose} {'sell' if intent.side else 'buy'} {decoder.ticker(intent.market)}{size}{at}"
    if isinstance(outcome, Refused):
        return f"refused: {wanted}, by {outcome.gate}: {outcome.text}"
    return f"decided: {wanted}"
