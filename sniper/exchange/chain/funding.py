"""Premium votes, samples, hourly ticks and what the market updater says of them (funding.md 1, 2, 5)."""

from __future__ import annotations

from sniper.exchange.chain.core import Core
from sniper.exchange.chain.market import Market
from sniper.exchange.chain.units import MILLION, half_away, power, trunc_div
from sniper.exchange.facts import BUY, SELL, FundingForeseen, FundingTicked
from sniper.exchange.terms import ACTIVE
from sniper.feed.sim.text import quotient

MINUTE_NS = 60_000_000_000
HOUR_NS = 3_600_000_000_000
SAMPLE_OFFSET_NS = 30_000_000_000
FORESEEN_NS = 30_000_000_000
VOTES_MIN = 15
SAMPLES_MIN = 60
VOTE_CLAMP_PPM = 60_000_000  # of initial minus maintenance margin fraction
RATE_CLAMP_PPM = 6_000_000
HOUR_S, RATE_S = 3600, 28_800


def start(core: Core) -> None:
    """Put the epochs down after the time of the first block."""
    now_ns = core.now_ns
    core.next_sample_ns = now_ns - (now_ns - SAMPLE_OFFSET_NS) % MINUTE_NS + MINUTE_NS
    core.next_tick_ns = now_ns - now_ns % HOUR_NS + HOUR_NS
    core.next_foreseen_ns = now_ns + FORESEEN_NS


def premium(market: Market) -> int:
    """The premium of the book over the index price in ppm, cut off toward zero and clamped; one block's vote."""
    if not market.index or market.terms.status != ACTIVE:
        return 0
    index, by = market.subticks_of(market.index)
    bid, ask = market.book.best(BUY), market.book.best(SELL)
    if bid and index < bid * by:
        side, sign = BUY, 1
    elif ask and index > ask * by:
        side, sign = SELL, -1
    else:
        return 0
    impact = _impact(market, side)
    if impact is None:
        return 0
    quote, base = impact
    # impact price / index - 1, with impact price = quote / base x 10^-conversion in subticks.
    times, under = power(-market.terms.quantum_conversion_exponent)
    numerator, denominator = quote * times * by, base * under * index
    ppm = trunc_div((numerator - denominator) * MILLION, denominator)
    if ppm * sign <= 0:
        return 0
    most = market.spread_ppm * VOTE_CLAMP_PPM // MILLION
    return max(-most, min(most, ppm))


def _impact(market: Market, side: int) -> tuple[int, int] | None:
    """(QQ, BQ) in proportion to trading the impact notional against a side; None if it is not deep enough."""
    wanted = market.terms.impact_notional
    quote = base = 0
    for resting in market.book.walk(side):
        size = resting.remaining
        value = market.quote(size, resting.order.subticks)
        if quote + value >= wanted:
            return wanted * value, base * value + size * (wanted - quote)
        quote += value
        base += size
    return None


def vote(core: Core) -> None:
    """Each block: every market's premium."""
    for market in core.markets.values():
        market.votes.append(premium(market))


def end_block(core: Core, now_ns: int) -> None:
    """End of the block: the sample of a minute and the tick of an hour, each at most once a block."""
    if now_ns >= core.next_sample_ns:
        core.next_sample_ns += MINUTE_NS
        for market in core.markets.values():
            market.samples.append(_median(market.votes))
            market.votes.clear()
    if now_ns >= core.next_tick_ns:
        core.next_tick_ns += HOUR_NS
        ticks = [_tick(market) for market in core.markets.values()]
        core.news.append(FundingTicked(tuple(ticks)))


def _median(votes: list[int]) -> int:
    ordered = sorted(votes + [0] * (VOTES_MIN - len(votes)))
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else half_away(ordered[middle - 1] + ordered[middle])


def rate_ppm(market: Market) -> int:
    """The rate of 8 hours that a tick would apply now, in ppm."""
    premium_ppm = trunc_div(sum(market.samples), max(len(market.samples), SAMPLES_MIN))
    most = market.spread_ppm * RATE_CLAMP_PPM // MILLION
    return max(-most, min(most, premium_ppm + market.terms.default_funding_ppm))


def _tick(market: Market) -> tuple[int, int, int, int, int]:
    rate = rate_ppm(market)
    market.samples.clear()
    market.funding_index += index_delta(market, rate)
    return market.perpetual, rate, market.funding_index, market.oracle, market.terms.price_exponent


def index_delta(market: Market, rate: int) -> int:
    """By how much the funding index moves at an hour with this rate (funding.md 1.5)."""
    terms = market.terms
    times, by = power(terms.price_exponent + terms.atomic_resolution + 6)
    return trunc_div(trunc_div(HOUR_S * rate * market.oracle * times, by), RATE_S)


def foresee(core: Core, now_ns: int) -> None:
    """Every 30 s: the mean of the samples so far as a rate of 1 hour; markets without a sample keep theirs."""
    if now_ns < core.next_foreseen_ns:
        return
    core.next_foreseen_ns = now_ns + FORESEEN_NS
    rates = tuple(
        (
            market.perpetual,
            quotient(
                sum(market.samples) + market.terms.default_funding_ppm * len(market.samples),
                8 * MILLION * len(market.samples),
            ),
        )
        for market in core.markets.values()
        if market.samples
    )
    if rates:
        core.news.append(FundingForeseen(rates))
