"""The first block: the markets of the simulated universe as the chain's terms, with their prices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sniper.exchange.terms import Terms
from sniper.feed.sim.universe import QUANTUM_EXPONENT, STEP_QUANTUMS, Spec

MILLION = 1_000_000
MIN_PRICE_CHANGE_PPM = 50
# Initial margin fraction in ppm: impact notional in USDC (margin.md 1); isolated markets have their own.
IMPACT_USDC = {20_000: 10_000, 50_000: 5_000, 100_000: 5_000, 200_000: 2_500}
IMPACT_ISOLATED_USDC = 2_500


class Genesis(NamedTuple):
    """Terms of every market, and its oracle price: market id -> integer."""

    markets: tuple[Terms, ...]
    prices: dict[int, int]


def _ppm(fraction: str) -> int:
    """A short decimal below 10 as ppm, exactly."""
    whole, _, digits = fraction.partition(".")
    return int(whole) * MILLION + int(digits.ljust(6, "0"))


def terms_of(spec: Spec) -> Terms:
    """One market of the universe as the chain keeps it. The perpetual has the number of its clob pair."""
    initial = _ppm(spec.initial_margin)
    isolated = spec.margin == "ISOLATED"
    return Terms(
        clob_pair=spec.clob_pair,
        perpetual=spec.clob_pair,
        market=spec.market_id,
        ticker=spec.ticker,
        status=spec.status,
        kind=spec.margin,
        atomic_resolution=spec.atomic_resolution,
        quantum_conversion_exponent=QUANTUM_EXPONENT,
        step_base_quantums=STEP_QUANTUMS,
        subticks_per_tick=spec.subticks_per_tick,
        price_exponent=-spec.oracle_decimals,
        initial_margin_ppm=initial,
        maintenance_fraction_ppm=_ppm(spec.maintenance_margin) * MILLION // initial,
        open_interest_lower_cap=int(spec.interest_lower_cap) * MILLION,
        open_interest_upper_cap=int(spec.interest_upper_cap) * MILLION,
        default_funding_ppm=spec.default_funding_ppm,
        min_price_change_ppm=MIN_PRICE_CHANGE_PPM,
        impact_notional=(IMPACT_ISOLATED_USDC if isolated else IMPACT_USDC[initial]) * MILLION,
    )


def genesis(specs: Sequence[Spec]) -> Genesis:
    """The terms of these markets and their starting prices."""
    return Genesis(
        tuple(map(terms_of, specs)),
        {spec.market_id: round(spec.price_usd * 10**spec.oracle_decimals) for spec in specs},
    )
