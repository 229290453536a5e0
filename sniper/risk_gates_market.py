"""Gates that look at the order itself, the market, the pace and its protection: everything but its size."""

from __future__ import annotations

from sniper.order_table import ORDER_FLAGS, SHORT_TERM, UNKNOWN, misfit
from sniper.risk_candidate import (
    EXACT_MAX,
    FORCED,
    Candidate,
    Conditions,
    Finding,
    at_most,
)
from sniper.risk_margin import equity_slots
from sniper.risk_outlook import Outlook
from sniper.risk_settings import MILLION, SECOND_NS
from sniper.trading import BUY, Intent

# ---- the order itself ---------------------------------------------------------------------------------------------


def form(o: Outlook, c: Candidate, k: Conditions) -> Finding:
    """The rules of its kind, and figures that make sense."""
    intent = c.intent
    why = misfit(intent)
    if not why and c.opens:
        why = misplaced(intent)
    if not why and max(intent.price_ticks, intent.trigger_ticks) * max(c.unit.price_num, 1) > EXACT_MAX:
        why = f"a price of {intent.price_ticks} ticks"
    if not why and intent.size_steps * c.unit.step_quantums > EXACT_MAX:
        why = f"a size of {intent.size_steps} steps"
    return Finding(0.0, 0.0, not why, why)


def misplaced(intent: Intent) -> str:
    """What is wrong with the figures of an entry, "": nothing. NaN is wrong."""
    if intent.reduce_only:
        return "an entry that only reduces"
    if not 0.0 < intent.weight <= 1.0:
        return f"weight {intent.weight}"
    if not 0.0 <= intent.score <= 100.0:
        return f"score {intent.score}"
    sign = 1 if intent.side == BUY else -1
    if intent.stop_ticks < 0 or (intent.stop_ticks and (intent.price_ticks - intent.stop_ticks) * sign <= 0):
        return f"a stop at {intent.stop_ticks} on the wrong side of {intent.price_ticks}"
    if intent.target_ticks < 0 or (
        intent.target_ticks and (intent.target_ticks - intent.price_ticks) * sign <= 0
    ):
        return f"a target at {intent.target_ticks} on the wrong side of {intent.price_ticks}"
    return ""


def status(o: Outlook, c: Candidate, k: Conditions) -> Finding:
    """ACTIVE; POST_ONLY for post-only orders; what is forced is tried where the status is not known. Else nothing."""
    found, resting = c.facts.status, c.intent.time_in_force == "post_only"
    passed = (
        found == "ACTIVE" or (found == "POST_ONLY" and resting) or (not found and c.intent.purpose in FORCED)
    )
    return Finding(0.0, 0.0, passed, found or "not known")


def isolated(o: Outlook, c: Candidate, k: Conditions) -> Finding:
    """An isolated market's position stands alone in its subaccount (2005)."""
    market = c.intent.market
    others = [
        other
        for other in o.markets(market)
        if other != market and o.exposed(other)[2] and (c.facts.isolated or o.facts(other).isolated)
    ]
    return at_most(len(others), 0)


# ---- what we know, and how well -----------------------------------------------------------------------------------


def trust(o: Outlook, c: Candidate, k: Conditions) -> Finding:
    """A live book with two sides; a crossed one still has its uncrossed view."""
    found = c.facts.trust if c.facts.mid_ticks else "one-sided"
    return Finding(0.0, 0.0, found in ("live", "crossed"), found)


def fresh(now_ns: int, came_ns: int, age_ns_max: int) -> Finding:
    """Passes while what came then is no older. came_ns: 0 for what never came."""
    age_ns = now_ns - came_ns
    age_s, limit_s = age_ns / SECOND_NS, age_ns_max / SECOND_NS
    if age_ns <= age_ns_max:
        return Finding(age_s, limit_s, True)
    return Finding(age_s, limit_s, False, f"came {age_s:.1f} s ago" if came_ns else "never came")


def feed(o: Outlook, c: Candidate, k: Conditions) -> Finding:
    """Oracle prices come."""
    return fresh(o.view.now_ns, o.view.feed_ns, o.gates.feed_age_ns_max)


def oracle_age(o: Outlook, c: Candidate, k: Conditions) -> Finding:
    """This market's oracle price is not old."""
    return fresh(o.view.now_ns, c.facts.oracle_ns, o.gates.oracle_age_ns_max)


def oracle_gap(o: Outlook, c: Candidate, k: Conditions) -> Finding:
    """The book does not lie above or below the oracle price by much."""
    facts = c.facts
    gap = max(c.unit.worse_ppm(0, facts.bid_ticks), c.unit.worse_ppm(1, facts.ask_ticks))
    return at_most(gap, o.gates.oracle_gap_ppm_max)


def terms(o: Outlook, c: Candidate, k: Conditions) -> Finding:
    """What margin the market asks for is known."""
    sound = o.terms(c.intent.market) is not None
    return Finding(float(sound), 1.0, sound)


def unknown(o: Outlook, c: Candidate, k: Conditions) -> Finding:
    """No order of unknown fate in this market."""
    market = c.intent.market
    return at_most([claim.state for claim in o.claims if claim.market == market].count(UNKNOWN), 0)


def volatility(o: Outlook, c: Candidate, k: Conditions) -> Finding:
    """The market's volatility is known: without it no distance means anything."""
    return Finding(c.facts.sigma, 0.0, c.facts.sigma > 0.0)


# ---- prices and pace ----------------------------------------------------------------------------------------------


def collar_oracle(o: Outlook, c: Candidate, k: Conditions) -> Finding:
    """The limit is not much worse than the oracle price."""
    limit = o.gates.collar_oracle_ppm
    return at_most(c.unit.worse_ppm(c.intent.side, c.intent.price_ticks), limit)


def collar_book(o: Outlook, c: Candidate, k: Conditions) -> Finding:
    """The limit is not much worse than the touch it meets."""
    side, ticks = c.intent.side, c.intent.price_ticks
    touch = c.facts.bid_ticks if side else c.facts.ask_ticks
    worse = (touch - ticks if side else ticks - touch) * MILLION
    return at_most(-(-worse // touch) if touch else MILLION, o.gates.collar_book_ppm)


def collar_exit(o: Outlook, c: Candidate, k: Conditions) -> Finding:
    """An exit's limit is not much worse than the worse of touch and oracle price. The ladder sets its own."""
    if c.intent.purpose != "exit":
        return Finding(0.0, 0.0, True)
    side, ticks = c.intent.side, c.intent.price_ticks
    touch = c.facts.bid_ticks if side else c.facts.ask_ticks
    worse = c.unit.worse_ppm(side, ticks)
    if touch:
        worse = min(worse, -(-(touch - ticks if side else ticks - touch) * MILLION // touch))
    return at_most(worse, o.gates.collar_exit_ppm)


def order_rate(o: Outlook, c: Candidate, k: Conditions) -> Finding:
    """Commands of a second; a part is kept for orders that reduce or protect. What is forced is not held up."""
    if c.intent.purpose in FORCED:
        return Finding(k.sent, o.gates.orders_per_s_max, True)
    reserved = o.gates.orders_reserved if c.opens else 0
    return at_most(k.sent + 1, o.gates.orders_per_s_max - reserved)


def stateful_rate(o: Outlook, c: Candidate, k: Conditions) -> Finding:
    """The chain's budget of stateful orders, of which a part is kept for protection."""
    if c.intent.kind == SHORT_TERM:
        return Finding(0.0, 0.0, True)
    found = Finding(0.0, 0.0, True)
    for window in k.stateful:
        longest = window is k.stateful[-1]
        reserved = o.gates.stateful_reserved if c.opens and longest else 0
        found = at_most(window.used + 1, window.limit - reserved)
        if not found.passed:
            return found
    return found


def block_rate(o: Outlook, c: Candidate, k: Conditions) -> Finding:
    """The chain's budget of short-term orders and cancels, of which a part is kept. What is forced is not held up."""
    if c.intent.kind != SHORT_TERM or c.intent.purpose in FORCED:
        return Finding(0.0, 0.0, True)
    found = Finding(0.0, 0.0, True)
    for window in k.short_term:
        reserved = window.limit * o.gates.short_term_reserved_ppm // MILLION if c.opens else 0
        found = at_most(window.used + 1, window.limit - reserved, f"{window.blocks} blocks")
        if not found.passed:
            return found
    return found


# ---- protection ---------------------------------------------------------------------------------------------------


def protective_slot(o: Outlook, c: Candidate, k: Conditions) -> Finding:
    """A stateful order for the stop of this position is to be had: equity tier and budget."""
    free = min([slots_free(o), *[window.left for window in k.stateful[-1:]]])
    if c.intent.kind != SHORT_TERM:
        free -= 1
    needed = len([m for m in o.markets(c.intent.market) if not stopped(o, m) and needs_stop(o, c, m)])
    return Finding(free, needed, free >= needed or o.gates.unprotected)


def needs_stop(o: Outlook, c: Candidate, market: int) -> bool:
    """Whether there is a position in this market, or may be one."""
    return market == c.intent.market or market in o.view.positions or o.exposed(market)[2] > 0


def slots_free(o: Outlook) -> int:
    """How many stateful orders the equity tier still allows."""
    taken = len([claim for claim in o.claims if ORDER_FLAGS[claim.kind]])
    return equity_slots(o.gates, o.account.net) - taken


def stopped(o: Outlook, market: int) -> bool:
    """Whether this market has a stop of its own."""
    return any(claim.market == market and claim.purpose == "protect" for claim in o.claims)


def interest_tier(o: Outlook, c: Candidate, k: Conditions) -> Finding:
    """Open interest has not scaled the initial margin too far."""
    terms = o.terms(c.intent.market)
    return at_most(terms.initial if terms else MILLION, o.gates.initial_fraction_ppm_max)
