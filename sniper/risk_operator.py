"""What the operator ordered: pause, reduce, kill. A kill holds across restarts and wants a reason to be lifted."""

from __future__ import annotations

from typing import Final, NamedTuple

from sniper.risk_rungs import CALM, FLATTEN, REDUCE, STOP

FLOORS: Final = {"": CALM, "pause": STOP, "reduce": REDUCE, "kill": FLATTEN}
"""What was ordered -> the rung that it puts the account on at least."""
UNTOLD: Final = "no reason given"
VERBS: Final = ("pause", "reduce", "kill", "resume", "journal", "state")


class Latch(NamedTuple):
    """What holds, and why. verb "": nothing."""

    verb: str = ""
    reason: str = ""


class Operator:
    """Obeys the operator, and notes what the shell says of journal and database. killed: why a kill holds."""

    def __init__(self, killed: str = "") -> None:
        self.latch = Latch("kill", killed) if killed else Latch()
        self.journal_why = self.state_why = ""
        """Why journal or database stopped, "": it did not."""
        self.lifted = ""
        """The reason with which the last latch was lifted."""

    @property
    def journal_stopped(self) -> bool:
        """Whether the journal does not write."""
        return bool(self.journal_why)

    @property
    def state_stopped(self) -> bool:
        """Whether the database does not write."""
        return bool(self.state_why)

    def obey(self, verb: str, text: str) -> str:
        """pause, reduce, kill REASON, resume REASON, journal|state stopped|writing. Returns why not, "": obeyed."""
        text = " ".join(text.split())
        killed = self.latch.verb == "kill"
        if verb not in VERBS:
            return f"unknown word {verb!r}: {', '.join(VERBS)}"
        if verb == "journal":
            self.journal_why = stopped(text)
        elif verb == "state":
            self.state_why = stopped(text)
        elif not text and (verb == "kill" or (verb == "resume" and killed)):
            return f"{verb} wants a reason"
        elif killed and verb in ("pause", "reduce"):
            return f"killed ({self.latch.reason}): only resume with a reason lifts that"
        else:
            self.latch = Latch() if verb == "resume" else Latch(verb, text)
            self.lifted = text if verb == "resume" else ""
        return ""


def stopped(text: str) -> str:
    """Why something stopped, out of what follows `journal` or `state`; "": it works."""
    if not text.startswith("stopped"):
        return ""
    return text.removeprefix("stopped").lstrip(": ") or UNTOLD
