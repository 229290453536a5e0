"""The life of an order as one table, the rules that every order keeps, and what each answer and status means.

`orders` walks the table; `docs/orders.md` shows what `diagram` and `transition_rows` draw of it. Source of the
rules: chain sources as noted in `docs/orders.md`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from sniper.trading import Intent

MAX_STEPS: Final = (1 << 63) - 1
CLIENT_IDS: Final = 1 << 32
SHORT_TERM, CONDITIONAL, LONG_TERM = "short_term", "conditional", "long_term"
ORDER_FLAGS: Final = {SHORT_TERM: 0, CONDITIONAL: 32, LONG_TERM: 64}
TIMES_IN_FORCE: Final = ("gtt", "ioc", "post_only")
TRIGGERS: Final = ("stop_loss", "take_profit")
PURPOSES: Final = ("entry", "exit", "reduce", "protect", "flatten")

STATES: Final = {
    "sent": "left for the venue, no answer yet",
    "acked": "accepted by the venue, or seen by the Indexer",
    "replacing": "accepted; a replacement is on its way",
    "cancelling": "a cancel is on its way; it may still fill",
    "fading": "told to be gone, or past its good-til; what it filled is not known for sure yet",
    "unknown": "nobody knows: no new risk in this market until its end is proven",
    "filled": "all of it",
    "dead": "nothing of it can fill any more",
}
OUTCOMES: Final = {
    "sent": "",
    "acked": "acked",
    "replacing": "acked",
    "cancelling": "acked",
    "fading": "acked",
    "unknown": "unknown",
    "filled": "filled",
    "dead": "dead",
}
"""What became of it, as far as that is known: acked, filled, dead, unknown, or nothing yet."""
FINAL: Final = ("filled", "dead")
UNKNOWN: Final = "unknown"

EVENTS: Final = {
    "accepted": "the venue's answer is code 0, or 3005 (it exists already)",
    "refused": "the venue's answer is an error that keeps the order out",
    "doubtful": "the venue's answer says that this id is or was there",
    "lost": "no answer came in time",
    "opened": "the Indexer shows it open, untriggered or best-effort opened",
    "part_filled": "a fill of a part of it",
    "filled": "its fills add up to its size, or the Indexer says FILLED",
    "withdrawn": "we sent a cancel",
    "not_cancelled": "the cancel was refused or lost",
    "gone": "the cancel was refused because there is no such order",
    "replaced": "we sent a replacement",
    "kept": "the replacement was refused and the order stands as it was",
    "removed": "BEST_EFFORT_CANCELED, or CANCELED of a short-term order: not proof",
    "ended": "CANCELED of a stateful order: final, it comes from a block",
    "passed": "the chain is past its good-til",
    "unlisted": "a list of all open orders lacks it",
    "overdue": "the proof of its end has not come for too long",
    "proven": "it is proven that nothing of it can fill any more",
}

TRANSITIONS: Final = {
    ("sent", "accepted"): "acked",
    ("sent", "refused"): "dead",
    ("sent", "doubtful"): "unknown",
    ("sent", "lost"): "unknown",
    ("sent", "opened"): "acked",
    ("sent", "part_filled"): "acked",
    ("sent", "filled"): "filled",
    ("sent", "withdrawn"): "cancelling",
    ("sent", "removed"): "fading",
    ("sent", "ended"): "dead",
    ("sent", "passed"): "unknown",
    ("acked", "part_filled"): "acked",
    ("acked", "filled"): "filled",
    ("acked", "withdrawn"): "cancelling",
    ("acked", "replaced"): "replacing",
    ("acked", "removed"): "fading",
    ("acked", "ended"): "dead",
    ("acked", "passed"): "fading",
    ("acked", "unlisted"): "unknown",
    ("replacing", "accepted"): "acked",
    ("replacing", "opened"): "acked",
    ("replacing", "kept"): "acked",
    ("replacing", "doubtful"): "unknown",
    ("replacing", "lost"): "unknown",
    ("replacing", "part_filled"): "replacing",
    ("replacing", "filled"): "filled",
    ("replacing", "withdrawn"): "cancelling",
    ("replacing", "removed"): "fading",
    ("replacing", "passed"): "unknown",
    ("replacing", "unlisted"): "unknown",
    ("cancelling", "refused"): "dead",
    ("cancelling", "doubtful"): "unknown",
    ("cancelling", "lost"): "unknown",
    ("cancelling", "part_filled"): "cancelling",
    ("cancelling", "filled"): "filled",
    ("cancelling", "withdrawn"): "cancelling",
    ("cancelling", "not_cancelled"): "acked",
    ("cancelling", "gone"): "unknown",
    ("cancelling", "removed"): "fading",
    ("cancelling", "ended"): "dead",
    ("cancelling", "passed"): "fading",
    ("cancelling", "unlisted"): "fading",
    ("fading", "opened"): "acked",
    ("fading", "part_filled"): "fading",
    ("fading", "filled"): "filled",
    ("fading", "ended"): "dead",
    ("fading", "overdue"): "unknown",
    ("fading", "proven"): "dead",
    ("unknown", "accepted"): "acked",
    ("unknown", "refused"): "dead",
    ("unknown", "kept"): "acked",
    ("unknown", "opened"): "acked",
    ("unknown", "part_filled"): "acked",
    ("unknown", "filled"): "filled",
    ("unknown", "withdrawn"): "unknown",
    ("unknown", "removed"): "fading",
    ("unknown", "ended"): "dead",
    ("unknown", "proven"): "dead",
    ("dead", "filled"): "filled",
}
"""(state, event) -> state. What is not here changes nothing and is counted."""

NOT_SENT: Final = 900_000
"""Our own code in a venue's answer: the bytes never left this machine, so nothing of the order exists."""

PLACE_CODES: Final = {
    -1: "lost",
    0: "accepted",
    19: "doubtful",  # these bytes were seen before: no proof of anything
    24: "doubtful",  # the id is fully filled
    30: "doubtful",  # the same order again
    2004: "doubtful",  # the id has fills
    3005: "accepted",  # a stateful order with this id exists
}
"""Answer to a Place -> event; every other code: refused."""
REPLACE_CODES: Final = {-1: "lost", 0: "accepted"} | dict.fromkeys(
    (4, 5, 6, 8, 10, 11, 20, 34, 47, 5001, NOT_SENT), "kept"
)
"""Answer to a replacement -> event; every other code leaves open which of the two stands: doubtful."""
CANCEL_CODES: Final = {0: "", 9: "", 19: "", 3006: "gone", 3008: "gone", 3010: "gone"}
"""Answer to a Cancel -> event, "": nothing new; every other code: not_cancelled."""

STATUS_EVENTS: Final = {
    "BEST_EFFORT_OPENED": "opened",
    "OPEN": "opened",
    "UNTRIGGERED": "opened",
    "FILLED": "filled",
    "CANCELED": "ended",
    "BEST_EFFORT_CANCELED": "removed",
    "ERROR": "removed",
}
"""The Indexer's status -> event. A short-term order's CANCELED counts as removed: its fills may come later."""
REASON_REPLACED: Final = "ORDER_REMOVAL_REASON_REPLACED"


class Transition(NamedTuple):
    """One step of one order."""

    client_id: int
    market: int
    before: str
    after: str
    event: str
    cause: str


def misfit(intent: Intent) -> str:
    """Which rule of its kind an order breaks, "": none. The chain would refuse it with the code that is named."""
    if intent.kind not in ORDER_FLAGS:
        return f"kind {intent.kind!r}"
    if intent.time_in_force not in TIMES_IN_FORCE:
        return f"time in force {intent.time_in_force!r}"
    if intent.purpose not in PURPOSES:
        return f"purpose {intent.purpose!r}"
    if intent.side not in (0, 1):
        return f"side {intent.side}"
    if not 0 < intent.price_ticks <= MAX_STEPS:
        return f"price of {intent.price_ticks} ticks (6)"
    if not 0 <= intent.size_steps <= MAX_STEPS:
        return f"size of {intent.size_steps} steps (4)"
    if intent.kind == LONG_TERM and intent.time_in_force == "ioc":
        return "a long-term order cannot be IOC (3002)"
    if intent.reduce_only and intent.time_in_force != "ioc":
        return "reduce-only goes with IOC only (9003)"
    if intent.kind == CONDITIONAL:
        if intent.trigger not in TRIGGERS:
            return f"a conditional order with the trigger {intent.trigger!r} (6000)"
        if not 0 < intent.trigger_ticks <= MAX_STEPS:
            return f"a trigger at {intent.trigger_ticks} ticks (6001)"
    elif intent.trigger or intent.trigger_ticks:
        return "a trigger on an order that is not conditional (6000)"
    return ""


def diagram() -> str:
    """The table as a state diagram in Mermaid; events between the same two states share an arrow."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for (before, event), after in TRANSITIONS.items():
        arrows.setdefault((before, after), []).append(event)
    lines = ["stateDiagram-v2", "    [*] --> sent"]
    lines += [f"    {before} --> {after}: {', '.join(events)}" for (before, after), events in arrows.items()]
    lines += [f"    {state} --> [*]" for state in FINAL]
    return "\n".join(lines)


def transition_rows() -> str:
    """The table as Markdown: a row an event, a column a state it can meet."""
    columns = [state for state in STATES if any(before == state for before, _ in TRANSITIONS)]
    lines = [f"| event | {' | '.join(columns)} |", f"|{' --- |' * (len(columns) + 1)}"]
    for event in EVENTS:
        cells = (TRANSITIONS.get((state, event), "") for state in columns)
        lines.append(f"| {event} | {' | '.join(cells)} |")
    return "\n".join(lines)
