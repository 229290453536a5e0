"""The gates that an order passes before it is sent: one table, a row each, first to last.

A gate finds a figure, compares it with its limit and says whether the order passes. Orders that reduce a position
are asked only what makes sense for them; nothing keeps a position from being closed but a market that takes no
orders.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from sniper import risk_gates_market as market
from sniper import risk_gates_size as size
from sniper.risk_candidate import Candidate, Conditions, Finding
from sniper.risk_outlook import Outlook
from sniper.trading import Intent, Refused

Judge = Callable[[Outlook, Candidate, Conditions], Finding]


class Row(Protocol):
    """What all gates have: a name, and the sentence of a refusal."""

    @property
    def name(self) -> str: ...
    @property
    def text(self) -> str: ...


class Gate(NamedTuple):
    """A row of the table. limit: the settings that it reads. reductions: whether these are asked, too."""

    name: str
    limit: str
    text: str
    judge: Judge
    reductions: bool = False
    sized: bool = False
    """Whether it looks at the size, so that it comes behind the sizing."""


GATES: Final = (
    Gate("form", "", "{detail}", market.form, reductions=True),
    Gate("status", "", "market status {detail}", market.status, reductions=True),
    Gate("isolated", "", "{found:g} other markets, and one of them all is isolated", market.isolated),
    Gate("trust", "", "the book is {detail}", market.trust),
    Gate("feed", "feed_age_ns_max", "oracle prices {detail}; {limit:g} s are allowed", market.feed),
    Gate("oracle_age", "oracle_age_ns_max", "its oracle price {detail}; {limit:g} s are allowed", market.oracle_age),
    Gate("oracle_gap", "oracle_gap_ppm_max", "book {found:g} ppm off the oracle price, at most {limit:g}",
         market.oracle_gap),
    Gate("terms", "", "the margin of this market cannot be computed", market.terms),
    Gate("unknown", "", "{found:g} orders of unknown fate in this market", market.unknown),
    Gate("volatility", "", "the volatility is not known yet", market.volatility),
    Gate("collar_oracle", "collar_oracle_ppm", "limit {found:g} ppm worse than the oracle, at most {limit:g}",
         market.collar_oracle),
    Gate("collar_book", "collar_book_ppm", "limit {found:g} ppm worse than the touch, at most {limit:g}",
         market.collar_book),
    Gate("collar_exit", "collar_exit_ppm", "limit {found:g} ppm worse than the market, at most {limit:g}",
         market.collar_exit, reductions=True),
    Gate("order_rate", "orders_per_s_max", "{found:g} commands in a second, at most {limit:g}", market.order_rate,
         reductions=True),
    Gate("block_rate", "short_term_reserved_ppm", "{found:g} commands in {detail}, at most {limit:g}",
         market.block_rate, reductions=True),
    Gate("stateful_rate", "stateful_reserved", "{found:g} stateful orders, at most {limit:g}",
         market.stateful_rate,
         reductions=True),
    Gate("protective_slot", "equity_tiers", "{found:g} free slots for stops, {limit:g} needed",
         market.protective_slot),
    Gate("interest_tier", "initial_fraction_ppm_max", "initial margin {found:g} ppm, at most {limit:g}",
         market.interest_tier),
    Gate("reduces", "", "{found:g} steps left to close; a position of {limit:g} stands against this side",
         size.reduces, reductions=True, sized=True),
    Gate("order_size", "order_usd_max", "{detail}{found:.2f} USD, limit {limit:g}", size.order_size, sized=True),
    Gate("exposure_market", "exposure_market_usd_max", "{found:.2f} USD in this market, at most {limit:g}",
         size.exposure_market, sized=True),
    Gate("exposure_side", "exposure_side_usd_max", "{found:.2f} USD on this side, at most {limit:g}",
         size.exposure_side,
         sized=True),
    Gate("exposure", "exposure_usd_max", "{found:.2f} USD in all, at most {limit:g}", size.exposure, sized=True),
    Gate("leverage", "leverage_ppm_max", "leverage {found:.3f}, at most {limit:g}", size.leverage, sized=True),
    Gate("interest_share", "open_interest_ppm_max", "{found:g} ppm of the open interest, at most {limit:g}",
         size.interest_share, sized=True),
    Gate("distance", "distance_sigmas_min", "{found:.2f} USD short of the liquidation distance",
         size.distance, sized=True),
    Gate("margin", "margin_reserve_ppm", "{found:.2f} USD short of initial margin and reserve",
         size.margin, sized=True),
    Gate("acceptance", "", "the chain would say: {detail}", size.acceptance, sized=True),
    Gate("stress", "stresses", "{found:.2f} USD short under the worst stress", size.stress, sized=True),
)  # fmt: skip
"""In the order in which they are asked, of entries behind those of `risk_gates_account`."""
OPENING: Final = tuple(gate for gate in GATES if gate.name not in ("collar_exit", "reduces"))
REDUCTION: Final = tuple(gate for gate in GATES if gate.reductions)


def refusal(intent: Intent, gate: Row, found: Finding) -> Refused:
    """An order that this gate does not let through, in words."""
    text = gate.text.format(found=found.found, limit=found.limit, detail=found.detail)
    return Refused(intent, gate.name, found.found, found.limit, text)
