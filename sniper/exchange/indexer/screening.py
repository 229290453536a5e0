"""Compliance: which addresses are blocked, and what the screening endpoints say of an address (rest.md 3)."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from sniper.exchange.indexer.asking import Asked
from sniper.feed.sim.text import iso

COMPLIANT, BLOCKED = "COMPLIANT", "BLOCKED"
STATUSES: Final = (COMPLIANT, "FIRST_STRIKE_CLOSE_ONLY", "FIRST_STRIKE", "CLOSE_ONLY", BLOCKED)
BLOCKED_TEXT: Final = (
    "Because this address appears to be a resident of, or trading from, a jurisdiction that violates our terms of "
    "use, or has engaged in activity that violates our terms of use, this address has been blocked."
)
GEOBLOCKED_TEXT: Final = (
    "Because you appear to be a resident of, or trading from, a jurisdiction that violates our terms of use, or have "
    "engaged in activity that violates our terms of use, you have been blocked. You may withdraw your funds from the "
    "protocol at any time."
)


class Judgement(NamedTuple):
    """What is held against an address, since when."""

    status: str
    reason: str = ""
    since_ns: int = 0


class Screening:
    """Addresses with a judgement; everybody else is compliant. geoblocked: the whole world is refused."""

    def __init__(self) -> None:
        self.judged: dict[str, Judgement] = {}
        self.geoblocked = False

    def judge(self, address: str, status: str, reason: str = "", now_ns: int = 0) -> None:
        """Put a judgement on an address."""
        if status not in STATUSES:
            raise ValueError(f"{status!r} is none of {', '.join(STATUSES)}")
        self.judged[address] = Judgement(status, reason, now_ns)

    def refusal(self, address: str | None) -> tuple[str, str] | None:
        """Text and code where requests about an address are refused."""
        if self.geoblocked:
            return GEOBLOCKED_TEXT, "GEOBLOCKED"
        if address is not None and self.judged.get(address, Judgement(COMPLIANT)).status == BLOCKED:
            return BLOCKED_TEXT, "COMPLIANCE_BLOCKED"
        return None


def _judgement(asked: Asked) -> Judgement:
    address = asked.address(text="address must be a valid address")
    asked.checked()
    return asked.screening.judged.get(address, Judgement(COMPLIANT))


def screen(asked: Asked) -> Any:
    """The old answer: restricted or not."""
    found = _judgement(asked)
    restricted = found.status == BLOCKED
    return {"restricted": restricted} | ({"reason": found.reason} if restricted and found.reason else {})


def status(asked: Asked) -> Any:
    """The newer answer: a status."""
    found = _judgement(asked)
    answer: dict[str, Any] = {"status": found.status}
    if found.reason:
        answer["reason"] = found.reason
    if found.since_ns:
        answer["updatedAt"] = iso(found.since_ns)
    return answer
