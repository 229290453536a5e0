"""An order under judgement, what the gates must know, and what a gate finds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, Protocol

from sniper._ext.tuples import new_finding
from sniper.order_record import Claim
from sniper.risk_limits import Window
from sniper.risk_margin import Fills
from sniper.risk_outlook import Outlook
from sniper.risk_settings import MILLION
from sniper.risk_units import Unit
from sniper.trading import Intent, Order
from sniper.viewing import MarketFacts

EXACT_MAX: Final = 1 << 60
"""No order is larger, in BQ or QQ: the kernel is exact up to here."""
OPENS: Final = "entry"
"""The purpose of orders that may open or enlarge a position."""
REDUCING: Final = ("exit", "reduce", "flatten")
FORCED: Final = ("reduce", "flatten")
RANKS: Final = {"flatten": 0, "reduce": 1, "exit": 2, "protect": 3, "entry": 4}


class OpenOrders(Protocol):
    """What risk asks of our orders. live: the open ones by client id."""

    @property
    def live(self) -> Mapping[int, Any]: ...
    def claims(self) -> tuple[Claim, ...]: ...
    def all_open(self) -> tuple[Order, ...]: ...
    def replaceable(self, client_id: int, intent: Intent, now_ns: int, height: int) -> bool: ...


class Conditions(NamedTuple):
    """What the gates must know beside the market and the account: the pace."""

    sent: int = 0
    """Commands of the last second, those of this tick included."""
    short_term: tuple[Window, ...] = ()
    """What is used of the chain's rates of short-term orders and cancels, the shortest window first."""
    stateful: tuple[Window, ...] = ()
    """The same of stateful orders."""


class Candidate(NamedTuple):
    """An order under judgement. position: the steps of our position, signed."""

    intent: Intent
    facts: MarketFacts
    unit: Unit
    position: int
    steps: int

    @property
    def opens(self) -> bool:
        """Whether it may open or enlarge a position."""
        return self.intent.purpose == OPENS

    def fills(self, outlook: Outlook) -> Fills:
        """It, taken as filled."""
        intent = self.intent
        fee_ppm = outlook.fee_ppm(intent.time_in_force)
        return Fills(intent.market, intent.side, self.steps, intent.price_ticks, fee_ppm)


class Finding(NamedTuple):
    """What a gate found, what it allows, and whether the order passes."""

    found: float
    limit: float
    passed: bool
    detail: str = ""


Finding.__new__ = new_finding  # type: ignore[method-assign,assignment]


def at_most(found: float, limit: float, detail: str = "") -> Finding:
    """Passes up to the limit."""
    return Finding(found, limit, found <= limit, detail)


def usd(found: int, limit: int, detail: str = "") -> Finding:
    """Passes up to the limit: QQ against USD."""
    return Finding(found / MILLION, limit, found <= limit * MILLION, detail)


def enough(slack: int) -> Finding:
    """Passes unless something is missing: QQ."""
    return Finding(-slack / MILLION, 0.0, slack >= 0)


def rank(intent: Intent) -> tuple[int, float, int, int, str]:
    """Where an intent stands in line: forced reductions as the ladder names them, exits, stops, then entries by
    strength."""
    if intent.purpose in FORCED:
        return RANKS[intent.purpose], 0.0, 0, 0, ""
    strength = abs(intent.score - 50.0)
    return (
        RANKS.get(intent.purpose, len(RANKS)),
        -strength if strength >= 0.0 else 0.0,
        intent.market,
        intent.side,
        repr(intent),
    )


def scaled(intent: Intent, ppm: int) -> Intent:
    """An entry of so many ppm of its size, one step at least; anything else as it is."""
    if ppm == MILLION or intent.purpose != "entry":
        return intent
    steps = max(intent.size_steps * ppm // MILLION, min(intent.size_steps, 1))
    return intent._replace(weight=intent.weight * ppm / MILLION, size_steps=steps)
