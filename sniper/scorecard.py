"""What a run was worth: figures out of an equity curve and closed round trips.

Amounts are whole quote quantums (QQ, 10^-6 USDC); ratios are floats made with + - * / and square roots only, so that
the same run gives the same digits everywhere. Returns are measured from sample to sample of the curve, `step_ns`
apart, and annualised with 365 days of 24 hours: these markets never close. Sharpe, W. (1994), Journal of Portfolio
Management 21(1); Sortino, F., Price, L. (1994), Journal of Investing 3(3), both against a risk-free rate of 0.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from math import sqrt
from typing import Final, NamedTuple

YEAR_NS: Final = 365 * 86_400 * 1_000_000_000


class Sample(NamedTuple):
    """The account at one moment: net collateral, and the sum of its positions' notionals without sign, QQ."""

    now_ns: int
    net: int
    gross: int


class Traded(NamedTuple):
    """One closed round trip. result: price profit less fees plus funding; value: what was traded, both ways."""

    result: int
    value: int


class Scorecard(NamedTuple):
    """None stands for what cannot be said: a ratio over nothing."""

    first_net: int
    last_net: int
    return_ratio: float | None
    sharpe: float | None
    sortino: float | None
    drawdown_ratio: float
    """The deepest fall from a peak, of that peak."""
    drawdown: int
    exposure_ratio: float
    """Share of the time with a position."""
    leverage_mean: float
    turnover_ratio: float | None
    """What was traded, over the mean net collateral."""
    trips: int
    wins: int
    win_rate: float | None
    profit_factor: float | None
    """What winning trips brought over what losing ones cost."""
    fees: int
    funding: int
    fee_share: float | None
    """Fees over what prices alone brought, without sign: how much of the game went to the venue."""
    funding_share: float | None


def score(
    curve: Sequence[Sample], trips: Sequence[Traded], step_ns: int, fees: int, funding: int
) -> Scorecard:
    """The figures of a run. fees, funding: of the whole account, open positions included; funding is what came in.

    The curve is oldest first and has at least one sample. ValueError otherwise.
    """
    if not curve or step_ns <= 0:
        raise ValueError("a scorecard needs a sample of the account and a step")
    nets = [sample.net for sample in curve]
    first, last = nets[0], nets[-1]
    returns = [after / before - 1.0 for before, after in itertools.pairwise(nets) if before > 0]
    sharpe, sortino = ratios(returns, YEAR_NS / step_ns)
    fall_ratio, fall = deepest(nets)
    held = leverages = value = wins = won = lost = 0
    price_profit = last - first + fees - funding
    lever = 0.0
    for sample in curve:
        held += sample.gross != 0
        if sample.net > 0:
            lever += sample.gross / sample.net
            leverages += 1
    for trip in trips:
        value += trip.value
        wins += trip.result > 0
        won += max(trip.result, 0)
        lost += max(-trip.result, 0)
    total = 0
    for net in nets:
        total += net
    return Scorecard(
        first,
        last,
        last / first - 1.0 if first > 0 else None,
        sharpe,
        sortino,
        fall_ratio,
        fall,
        held / len(curve),
        lever / leverages if leverages else 0.0,
        value * len(nets) / total if total > 0 else None,
        len(trips),
        wins,
        wins / len(trips) if trips else None,
        won / lost if lost else None,
        fees,
        funding,
        fees / abs(price_profit) if price_profit else None,
        funding / abs(price_profit) if price_profit else None,
    )


def ratios(returns: Sequence[float], per_year: float) -> tuple[float | None, float | None]:
    """(Sharpe, Sortino) of returns, annualised; None where nothing varies."""
    n = len(returns)
    if n < 2:
        return None, None
    mean = 0.0
    for one in returns:
        mean += one
    mean /= n
    spread = below = 0.0
    for one in returns:
        spread += (one - mean) * (one - mean)
        below += one * one if one < 0.0 else 0.0
    deviation, downside = sqrt(spread / (n - 1)), sqrt(below / n)
    year = sqrt(per_year)
    return (mean / deviation * year if deviation > 0.0 else None), (
        mean / downside * year if downside > 0.0 else None
    )


def deepest(nets: Sequence[int]) -> tuple[float, int]:
    """The deepest fall from a peak: as a share of that peak, and in QQ (which may be of another peak)."""
    peak, worst_ratio, worst = nets[0], 0.0, 0
    for net in nets:
        peak = max(peak, net)
        worst = max(worst, peak - net)
        if peak > 0:
            worst_ratio = max(worst_ratio, (peak - net) / peak)
    return worst_ratio, worst
