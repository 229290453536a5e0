"""On what terms a strategy trades: which markets are fit, at what prices it enters and leaves, what that costs.

bps: ten-thousandths of the mid. Weights are shares of the capital; risk makes sizes of them.
"""

from __future__ import annotations

from math import ceil, floor
from typing import Annotated, Literal, NamedTuple

import msgspec

from sniper.strategies.parts import Count, NotNegative, Positive, Share, order_side, require, sound
from sniper.trading import Intent, Reason
from sniper.viewing import MarketFacts, View

BPS = 10_000.0
TICKS_MAX = 1 << 52
"""No price is more ticks: beyond it a float no longer counts them one by one."""
Rebate = Annotated[float, msgspec.Meta(ge=-1e5, le=1e5)]


class Terms(NamedTuple):
    """What all strategies have to settle about their orders and their capital."""

    entry: Literal["ioc", "post_only"] = (
        "ioc"  # take what is there; or join the own side of the book and wait
    )
    slippage_bps: NotNegative = 5.0  # how far an IOC entry may go through the touch
    exit_slippage_bps: NotNegative = 30.0  # how far an exit may go through the touch
    spread_bps_max: NotNegative = 15.0  # no entry where the touch is wider
    taker_fee_ppm: NotNegative = 500.0  # of what is traded; an exit pays it, an IOC entry too
    maker_fee_ppm: Rebate = 100.0  # a post-only entry pays it; negative: a rebate
    costs_min: NotNegative = 2.0  # the target must be at least so many round trips of fees and spread away
    positions_max: Count = 5  # most positions and entries under way at once
    weight_max: Share = 0.25  # largest share of the capital in one market
    weight_min: Share = 0.02  # an entry that would be smaller is not worth an order
    weight_side_max: Share = 0.75  # largest share of the capital in all longs, and in all shorts
    weight_total_max: Share = 1.0  # largest share of the capital in all positions
    rest_s: NotNegative = 10.0  # a post-only entry that rested so long is taken back
    chase_bps: NotNegative = 5.0  # a post-only entry so far behind the touch is taken back
    answer_s: Positive = (
        5.0  # an entry that left neither order nor position behind in this time came to nothing
    )
    retry_s: NotNegative = 5.0  # time before the next try after an entry that came to nothing
    exit_retry_s: NotNegative = 1.0  # time between two tries to leave a position, or to take an order back
    cooldown_s: NotNegative = 60.0  # no entry into a market for so long after its position was closed

    def check(self) -> None:
        """ConfigError where the terms contradict themselves."""
        require(
            self.weight_min <= self.weight_max <= self.weight_side_max <= self.weight_total_max,
            "weight_min <= weight_max <= weight_side_max <= weight_total_max does not hold",
        )

    def round_trip_bps(self, spread_bps: float) -> float:
        """Fees of an entry and an exit, and what the spread takes: all of it for an IOC entry, else half."""
        if self.entry == "ioc":
            return (2.0 * self.taker_fee_ppm) / 100.0 + spread_bps
        return (self.maker_fee_ppm + self.taker_fee_ppm) / 100.0 + spread_bps / 2.0


def spread_bps(facts: MarketFacts) -> float:
    """The width of the touch, 0 where a side is empty."""
    mid = facts.mid_ticks
    return (facts.ask_ticks - facts.bid_ticks) / mid * BPS if mid > 0.0 else 0.0


def priced(facts: MarketFacts) -> bool:
    """Whether the book can be believed and has two sides to trade with."""
    return (
        facts.trust == "live"
        and 0 < facts.bid_ticks < facts.ask_ticks
        and facts.bid_steps > 0
        and facts.ask_steps > 0
        and facts.step_quantums > 0
        and sound(facts.tick_usd)
    )


def fit(view: View, facts: MarketFacts, terms: Terms) -> tuple[Reason, ...]:
    """Whether this market can be entered at all: each condition as a gate."""
    width = spread_bps(facts)
    active, live, known = facts.status == "ACTIVE", facts.trust == "live", view.account.computable
    return (
        Reason("gate.status", float(active), 1.0, active),
        Reason("gate.book", float(live), 1.0, live),
        Reason("gate.price", float(facts.ask_ticks - facts.bid_ticks), 1.0, priced(facts)),
        Reason("gate.oracle", facts.oracle_usd, 0.0, sound(facts.oracle_usd)),
        Reason("gate.account", float(known), 1.0, known),
        Reason("gate.spread", width, terms.spread_bps_max, width <= terms.spread_bps_max),
    )


def stop_and_target(
    facts: MarketFacts, side: int, terms: Terms, stop_ticks: float, target_ticks: float
) -> tuple[tuple[int, int], tuple[Reason, ...]]:
    """Where to stop and to take profit, both in ticks and off the price of an entry now, with their gates.

    stop_ticks, target_ticks: the distances wanted; 0 as a target for none.
    """
    touch = entry_touch(facts, side, terms)
    # A stop within the spread would be hit by the entry itself.
    stop_off = max(stop_ticks, float(facts.ask_ticks - facts.bid_ticks + 1)) if sound(stop_ticks) else 0.0
    width, mid = spread_bps(facts), facts.mid_ticks
    needed = terms.costs_min * terms.round_trip_bps(width)
    reach = target_ticks / mid * BPS if mid > 0.0 and sound(target_ticks) else 0.0
    stop = target = 0
    if 0.0 < stop_off < touch:
        stop = floor(touch - stop_off) if side > 0 else ceil(touch + stop_off)
    if sound(target_ticks) and (side > 0 or target_ticks < touch):
        target = ceil(touch + target_ticks) if side > 0 else floor(touch - target_ticks)
    return (stop, target), (
        Reason("gate.stop", stop_off, 1.0, 1 <= stop <= TICKS_MAX),
        Reason(
            "gate.costs", reach, needed, target_ticks == 0.0 or (reach >= needed and 1 <= target <= TICKS_MAX)
        ),
    )


def entry_touch(facts: MarketFacts, side: int, terms: Terms) -> int:
    """The price that an entry now would hope for, in ticks."""
    takes = terms.entry == "ioc"
    return facts.ask_ticks if (side > 0) == takes else facts.bid_ticks


def through(facts: MarketFacts, side: int, slippage_bps: float) -> int:
    """The limit of an order that takes: the touch of the other side and at most so much beyond, at least 1 tick."""
    slip = floor(facts.mid_ticks * slippage_bps / BPS)
    return facts.ask_ticks + slip if side > 0 else max(1, facts.bid_ticks - slip)


def enter(
    facts: MarketFacts,
    side: int,
    terms: Terms,
    *,
    weight: float,
    score: float,
    stop: int,
    target: int,
    strategy: str,
    reasons: tuple[Reason, ...],
) -> Intent:
    """The intent of an entry on these terms; risk makes its size of the weight."""
    post_only = terms.entry == "post_only"
    price = entry_touch(facts, side, terms) if post_only else through(facts, side, terms.slippage_bps)
    return Intent(
        market=facts.market,
        side=order_side(side),
        price_ticks=price,
        time_in_force="post_only" if post_only else "ioc",
        stop_ticks=stop,
        target_ticks=target,
        weight=weight,
        score=score,
        strategy=strategy,
        reasons=reasons,
    )


def leave(
    facts: MarketFacts,
    size_quantums: int,
    terms: Terms,
    *,
    score: float,
    strategy: str,
    reasons: tuple[Reason, ...],
) -> Intent | None:
    """The intent of closing a whole position, None where the book has no price or the position is no whole step."""
    if not priced(facts) or abs(size_quantums) < facts.step_quantums:
        return None
    side = -1 if size_quantums > 0 else 1
    return Intent(
        market=facts.market,
        side=order_side(side),
        price_ticks=through(facts, side, terms.exit_slippage_bps),
        size_steps=abs(size_quantums) // facts.step_quantums,
        purpose="exit",
        reduce_only=True,
        score=score,
        strategy=strategy,
        reasons=reasons,
    )
