"""What the chain allows: rate limits, equity tiers, fees. Asked of a node, told by the inbox, else as configured.

Sources: clob `BlockRateLimitConfiguration` and `EquityTierLimitConfiguration`, feetiers `UserFeeTier` (orders.md 5, 6;
margin.md 7). All of them are governance values, which change.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from sniper.risk_settings import MILLION, GateSettings

Limit = Annotated[int, Meta(ge=1, le=1_000_000_000)]
Blocks = Annotated[int, Meta(ge=1, le=10_000)]
Rate = tuple[Limit, Blocks]
"""At most so many in so many blocks."""
Rates = Annotated[tuple[Rate, ...], Meta(max_length=16)]
QuoteQuantums = Annotated[int, Meta(ge=0, le=10**18)]
Slots = Annotated[int, Meta(ge=0, le=1_000_000)]
FeePpm = Annotated[int, Meta(ge=-MILLION, le=MILLION)]


class Window(NamedTuple):
    """What is used of one rate: of `limit` in `blocks` blocks."""

    used: int
    limit: int
    blocks: int

    @property
    def left(self) -> int:
        """How many more would pass."""
        return self.limit - self.used


class ChainLimits(NamedTuple):
    """What a node told; None: it does not say. equity_tiers: (net collateral in QQ, stateful orders)."""

    short_term: Rates | None = None
    stateful: Rates | None = None
    equity_tiers: Annotated[tuple[tuple[QuoteQuantums, Slots], ...], Meta(max_length=64)] | None = None
    taker_fee_ppm: FeePpm | None = None
    maker_fee_ppm: FeePpm | None = None


SHORT_TERM_RATES: tuple[Rate, ...] = ((400, 1),)
STATEFUL_RATES: tuple[Rate, ...] = ((2, 1), (20, 100))
"""The tightest of those that are written anywhere (orders.md 6): they hold where no node tells."""


def understood(text: str) -> ChainLimits:
    """The record. ValueError for one that makes no sense."""
    try:
        told = msgspec.json.decode(text, type=ChainLimits)
    except msgspec.MsgspecError as problem:
        raise ValueError(f"limits of the chain: {problem}") from None
    tiers = told.equity_tiers
    if tiers is not None and (not tiers or list(tiers) != sorted(tiers)):
        raise ValueError(f"limits of the chain: equity tiers do not rise: {tiers}")
    return told


def gates_of(gates: GateSettings, told: ChainLimits) -> GateSettings:
    """The gates with what the chain told. A rebate counts as no fee, a tier begins at the next whole USD."""
    if told.equity_tiers is not None:
        tiers = {-(-quote // MILLION): slots for quote, slots in told.equity_tiers}
        gates = gates._replace(equity_tiers=tuple(tiers.items()))
    if told.taker_fee_ppm is not None:
        gates = gates._replace(taker_fee_ppm=max(0, told.taker_fee_ppm))
    if told.maker_fee_ppm is not None:
        gates = gates._replace(maker_fee_ppm=max(0, told.maker_fee_ppm))
    return gates


def rates_of(told: ChainLimits) -> tuple[tuple[Rate, ...], tuple[Rate, ...]]:
    """Rates of short-term and of stateful orders, the shortest window first."""
    short = SHORT_TERM_RATES if told.short_term is None else told.short_term
    stateful = STATEFUL_RATES if told.stateful is None else told.stateful
    by_blocks = [tuple(sorted(rates, key=lambda rate: rate[1])) for rates in (short, stateful)]
    return by_blocks[0], by_blocks[1]


def in_words(told: ChainLimits, gates: GateSettings) -> list[str]:
    """What holds from now on, a line each, and whose word it is. gates: with what was told."""
    rates = [", ".join(f"{limit} in {blocks}" for limit, blocks in rate) or "any" for rate in rates_of(told)]
    tiers = ", ".join(f"{slots} from {usd} USD" for usd, slots in gates.equity_tiers)
    fees = f"taker {gates.taker_fee_ppm} ppm, maker {gates.maker_fee_ppm} ppm"
    lines = (
        ("short-term orders and cancels", told.short_term, f"{rates[0]} blocks", "defaults"),
        ("stateful orders", told.stateful, f"{rates[1]} blocks", "defaults"),
        ("equity tiers", told.equity_tiers, tiers, "risk.gates.equity_tiers"),
        ("fees", told.taker_fee_ppm, fees, "risk.gates.taker_fee_ppm"),
    )
    return [
        f"{name}: {text} ({'as the chain says' if found is not None else f'the chain does not say: {own}'})"
        for name, found, text, own in lines
    ]
