"""How large an order may be: the least of what every shaper allows. Each shaper leaves a note.

An entry that comes without a size is sized by risk: by volatility, by the loss at its stop, by Kelly's rule. An entry
with a size is only cut down. What limits both are the gates' own limits, so that what comes out passes them.
Floats enter as volatility and score only; what follows is whole numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from sniper.order_table import UNKNOWN
from sniper.risk_candidate import EXACT_MAX, FORCED, REDUCING, Candidate
from sniper.risk_margin import Fills
from sniper.risk_outlook import Outlook
from sniper.risk_settings import MILLION
from sniper.trading import Reason

ROOT_OF_A_DAY: Final = 37.94733192202055
"""Sigma of a day in sigmas of a minute: the root of 1440."""
ROUNDS: Final = 24
Shape = Callable[[Outlook, Candidate], int]


class Shaper(NamedTuple):
    """A row of the table. own: only for entries that risk sizes."""

    name: str
    own: bool
    shape: Shape


def volatility(o: Outlook, c: Candidate) -> int:
    """One sigma of a day of the position is the target share of equity."""
    sigma_ppm = int(c.facts.sigma * ROOT_OF_A_DAY * MILLION) + 1
    return c.unit.steps(budget(o, c, o.settings.sizing.volatility_target_ppm) * MILLION // sigma_ppm)


def risk_trade(o: Outlook, c: Candidate) -> int:
    """What is lost at the stop is the configured share of equity."""
    return budget(o, c, o.settings.sizing.risk_trade_ppm) * MILLION // loss_per_million(o, c)


def kelly(o: Outlook, c: Candidate) -> int:
    """Kelly's share p - (1 - p) / b of equity is at risk at most, a fraction of it, capped.

    p: winning chance, one half plus the edge of the score. b: what is won at the target over what is lost at the stop.
    """
    sizing, intent = o.settings.sizing, c.intent
    strength_ppm = int(abs(intent.score - 50.0) * (MILLION / 50.0))
    p_ppm = 500_000 + sizing.kelly_edge_ppm * strength_ppm // MILLION
    b_ppm = MILLION
    if intent.stop_ticks and intent.target_ticks:
        won, lost = abs(intent.target_ticks - intent.price_ticks), abs(intent.price_ticks - intent.stop_ticks)
        b_ppm = max(1, won * MILLION // lost)
    share_ppm = p_ppm - (MILLION - p_ppm) * MILLION // b_ppm
    share_ppm = min(share_ppm * sizing.kelly_fraction_ppm // MILLION, sizing.kelly_cap_ppm)
    return budget(o, c, max(0, share_ppm)) * MILLION // loss_per_million(o, c)


def budget(o: Outlook, c: Candidate, ppm: int) -> int:
    """So many ppm of equity, by the weight of the intent: QQ."""
    return max(0, o.account.net) * ppm // MILLION * int(c.intent.weight * MILLION) // MILLION


def loss_per_million(o: Outlook, c: Candidate) -> int:
    """What a million steps lose at the stop, fees both ways included: QQ, at least 1."""
    intent = c.intent
    away = abs(intent.price_ticks - intent.stop_ticks)
    if not intent.stop_ticks:
        move_ppm = int(o.settings.sizing.stop_sigmas * o.sigma_hour(intent.market) * MILLION) + 1
        away = -(-intent.price_ticks * move_ppm // MILLION)
    fees = 2 * c.unit.quote_up(MILLION, intent.price_ticks) * o.gates.taker_fee_ppm // MILLION
    return max(1, c.unit.quote_up(MILLION, away) + fees)


def asked(o: Outlook, c: Candidate) -> int:
    """What the intent says, or anything."""
    return c.intent.size_steps or EXACT_MAX


def order_size(o: Outlook, c: Candidate) -> int:
    """The largest order."""
    return o.gates.order_usd_max * MILLION * c.unit.price_den // (c.unit.price_num * c.intent.price_ticks)


def exposure_market(o: Outlook, c: Candidate) -> int:
    """What is left of the limit of this market."""
    return c.unit.steps(o.gates.exposure_market_usd_max * MILLION) - standing(o, c)


def exposure_side(o: Outlook, c: Candidate) -> int:
    """What is left of the limit of this side."""
    others = o.exposures(c.intent.market)[c.intent.side]
    return c.unit.steps(o.gates.exposure_side_usd_max * MILLION - others) - standing(o, c)


def exposure(o: Outlook, c: Candidate) -> int:
    """What is left of the limit of all markets."""
    return c.unit.steps(o.gates.exposure_usd_max * MILLION - o.exposures(c.intent.market)[2]) - standing(o, c)


def leverage(o: Outlook, c: Candidate) -> int:
    """What is left of the greatest leverage."""
    allowed = max(0, o.account.net) * o.gates.leverage_ppm_max // MILLION
    return c.unit.steps(allowed - o.exposures(c.intent.market)[2]) - standing(o, c)


def interest_share(o: Outlook, c: Candidate) -> int:
    """What is left of our share of open interest."""
    if o.gates.open_interest_ppm_max == MILLION:
        return EXACT_MAX
    allowed = int(c.facts.open_interest_usd * MILLION) * o.gates.open_interest_ppm_max // MILLION
    return c.unit.steps(allowed) - standing(o, c)


def standing(o: Outlook, c: Candidate) -> int:
    """Where the position may stand already on the side of this order, in steps; negative: on the other side."""
    commitment = o.commitment(c.intent.market)
    return commitment.sells - c.position if c.intent.side else commitment.buys + c.position


def acceptance(o: Outlook, c: Candidate) -> int:
    """The largest order that the chain would accept, less what is committed on its side."""
    intent, commitment = c.intent, o.commitment(c.intent.market)
    committed = commitment.sells if intent.side else commitment.buys
    ticks = (
        min(intent.price_ticks, commitment.sell_ticks)
        if intent.side
        else max(intent.price_ticks, commitment.buy_ticks)
    )
    fee_ppm = o.gates.taker_fee_ppm
    largest = o.margin.largest(o.settings.account, intent.market, intent.side, ticks, fee_ppm)
    return largest // c.unit.step_quantums - committed


SHAPERS: Final = (
    Shaper("asked", False, asked),  # EXACT_MAX where risk sizes
    Shaper("volatility", True, volatility),
    Shaper("risk_trade", True, risk_trade),
    Shaper("kelly", True, kelly),
    Shaper("order_size", False, order_size),
    Shaper("exposure_market", False, exposure_market),
    Shaper("exposure_side", False, exposure_side),
    Shaper("exposure", False, exposure),
    Shaper("leverage", False, leverage),
    Shaper("interest_share", False, interest_share),
    Shaper("acceptance", False, acceptance),
)
SLACKS: Final = ("distance", "margin", "stress")
"""Shapers without a formula of their own: the most that breaks no limit (`most`). They leave a note where they cut."""


def size(o: Outlook, c: Candidate) -> tuple[int, tuple[Reason, ...]]:
    """Steps of an entry and what shaped them: found is what a shaper allows, needed what came out, passed whether the
    shaper had no part in it."""
    own = c.intent.size_steps == 0
    caps = [(row.name, max(0, row.shape(o, c))) for row in SHAPERS if own or not row.own]
    steps = min(cap for _, cap in caps)
    fills = c._replace(steps=1).fills(o)
    for name, slack in zip(SLACKS, (o.distance_slack, o.margin_slack, o.stress_slack), strict=True):
        fits = most(slack, fills, steps)
        if fits < steps:
            steps = fits
            caps.append((name, steps))
    return steps, tuple(Reason(name, float(cap), float(steps), cap > steps) for name, cap in caps)


def most(slack: Callable[[Fills], int], fills: Fills, high: int) -> int:
    """The most steps up to `high` with which the slack is not negative, to within a percent; 0 if there are none.

    The slack of a growing order bends down only, so the chord between a size that fits and one that does not leads
    to one that fits (but for roundings: every size is tried before it is taken). Chords and halves take turns.
    """
    if high <= 0:
        return 0
    above = slack(fills._replace(steps=high))
    if above >= 0:
        return high
    low, below = 0, slack(fills._replace(steps=0))
    if below < 0:
        return 0
    for turn in range(ROUNDS):
        if (high - low) * 100 <= high or high - low <= 1:
            break
        middle = (low + high) // 2 if turn % 2 else low + (high - low) * below // (below - above)
        middle = max(low + 1, middle)
        found = slack(fills._replace(steps=middle))
        if found >= 0:
            low, below = middle, found
        else:
            high, above = middle, found
    return low


def exit_size(o: Outlook, c: Candidate) -> tuple[int, tuple[Reason, ...]]:
    """Steps of an order that reduces: no more than the position, less what other such orders will take of it.

    A reduce-only order does not wait for one of unknown fate, and forced ones wait for none at all: should both
    fill, the chain cuts them down to the position. A stop protects all of it.
    """
    intent, held = c.intent, max(0, c.position if c.intent.side else -c.position)
    alone = intent.purpose == "protect" or (intent.purpose in FORCED and intent.reduce_only)
    taken = 0 if alone else o.commitment(intent.market).leaving
    if intent.purpose == "exit":
        for claim in o.claims:
            if claim.market == intent.market and claim.purpose in REDUCING:
                settled = claim.state == "fading" or (claim.state == UNKNOWN and intent.reduce_only)
                taken += 0 if settled else claim.steps
    left = max(0, held - taken)
    steps = min(intent.size_steps or left, left)
    notes = [Reason("position", float(held), float(steps), True)]
    if taken:
        notes.append(Reason("leaving", float(taken), float(steps), True))
    return steps, tuple(notes)


def sized(o: Outlook, c: Candidate) -> tuple[Candidate, tuple[Reason, ...]]:
    """The order at the size that it gets, and what shaped it."""
    steps, notes = (size if c.opens else exit_size)(o, c)
    return c._replace(steps=steps), notes
