"""Gates that look at the size: what the account would be with this order and all others filled."""

from __future__ import annotations

from sniper.risk_candidate import EXACT_MAX, Candidate, Conditions, Finding, enough, usd
from sniper.risk_outlook import Outlook
from sniper.risk_settings import MILLION

# ---- size ---------------------------------------------------------------------------------------------------------


def reduces(o: Outlook, c: Candidate, k: Conditions) -> Finding:
    """An order that reduces goes against the position, and no further than it."""
    against = c.position if c.intent.side else -c.position
    return Finding(c.steps, max(0, against), 0 < c.steps <= against)


def order_size(o: Outlook, c: Candidate, k: Conditions) -> Finding:
    """Neither dust nor too much at once."""
    found = c.unit.quote_up(c.steps, c.intent.price_ticks)
    if found < o.gates.order_usd_min * MILLION or c.steps < 1:
        return Finding(found / MILLION, o.gates.order_usd_min, False, "too small: ")
    return usd(found, o.gates.order_usd_max)


def exposure_market(o: Outlook, c: Candidate, k: Conditions) -> Finding:
    """Worst case in this market."""
    found = c.unit.worth(o.exposed(c.intent.market, c.intent.side, c.steps)[2])
    return usd(found, o.gates.exposure_market_usd_max)


def exposure_side(o: Outlook, c: Candidate, k: Conditions) -> Finding:
    """Worst case of all longs, or all shorts."""
    side, market = c.intent.side, c.intent.market
    found = o.exposures(market)[side] + c.unit.worth(o.exposed(market, side, c.steps)[side])
    return usd(found, o.gates.exposure_side_usd_max)


def exposure(o: Outlook, c: Candidate, k: Conditions) -> Finding:
    """Worst case of all markets."""
    return usd(total(o, c), o.gates.exposure_usd_max)


def total(o: Outlook, c: Candidate) -> int:
    """Worst case of all markets in QQ."""
    market = c.intent.market
    return o.exposures(market)[2] + c.unit.worth(o.exposed(market, c.intent.side, c.steps)[2])


def leverage(o: Outlook, c: Candidate, k: Conditions) -> Finding:
    """Exposure over net collateral."""
    net = o.account.net
    found = -(-total(o, c) * MILLION // net) if net > 0 else EXACT_MAX
    return Finding(found / MILLION, o.gates.leverage_ppm_max / MILLION, found <= o.gates.leverage_ppm_max)


def interest_share(o: Outlook, c: Candidate, k: Conditions) -> Finding:
    """We are not too much of the market's open interest."""
    interest = int(c.facts.open_interest_usd * MILLION)
    mine = c.unit.worth(o.exposed(c.intent.market, c.intent.side, c.steps)[2])
    limit = o.gates.open_interest_ppm_max
    found = -(-mine * MILLION // interest) if interest > 0 else MILLION
    return Finding(found, limit, found <= limit or limit == MILLION)


def distance(o: Outlook, c: Candidate, k: Conditions) -> Finding:
    """Every position stays so many sigmas away from liquidation."""
    return enough(o.distance_slack(c.fills(o)))


def margin(o: Outlook, c: Candidate, k: Conditions) -> Finding:
    """The chain's acceptance test with every order filled, and a reserve beyond it."""
    return enough(o.margin_slack(c.fills(o)))


def acceptance(o: Outlook, c: Candidate, k: Conditions) -> Finding:
    """The kernel's own word on all orders of this side, open interest included."""
    market, side = c.intent.market, c.intent.side
    commitment = o.commitment(market)
    steps = c.steps + (commitment.sells if side else commitment.buys)
    ticks = c.intent.price_ticks
    ticks = min(ticks, commitment.sell_ticks) if side else max(ticks, commitment.buy_ticks)
    size = min(steps * c.unit.step_quantums, EXACT_MAX)
    fee_ppm = (
        o.gates.taker_fee_ppm if commitment.buys or commitment.sells else o.fee_ppm(c.intent.time_in_force)
    )
    passed, rule = o.margin.accepts(o.settings.account, market, side, size, ticks, fee_ppm)
    return Finding(float(passed), 1.0, passed, rule)


def stress(o: Outlook, c: Candidate, k: Conditions) -> Finding:
    """Every configured stress is survived with every order filled."""
    return enough(o.stress_slack(c.fills(o)))
