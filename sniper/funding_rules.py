"""The chain's funding formulas in integers, and what a published rate tells about its samples (funding.md).

Funding is charged every hour. Rates that the Indexer shows are fractions an hour; the chain keeps parts per
million for eight hours and applies one eighth of that each hour to an integer index.
"""

from __future__ import annotations

from typing import Final

from sniper.quantums import QUOTE_DECIMALS, truncated

HOUR_NS: Final = 3_600_000_000_000
SAMPLE_NS: Final = 60_000_000_000
FIRST_SAMPLE_NS: Final = 30_000_000_000
"""The first sample of an hour is taken at hh:00:30, one a minute follows."""
SAMPLES_MAX: Final = 60
PPM: Final = 8_000_000
"""ppm for 8 hours = rate for 1 hour x PPM."""
DIGITS_TOLD: Final = 12
"""With fewer decimals than this a rate that was rounded fits any number of samples."""


def rate_ppm(mantissa: int, decimals: int) -> int:
    """A 1-hour fraction -> ppm for 8 hours, to the nearest whole, half away from zero."""
    unit = 10**decimals
    value = (2 * abs(mantissa) * PPM + unit) // (2 * unit)
    return -value if mantissa < 0 else int(value)


def index_change(ppm: int, price: int, price_decimals: int, atomic: int) -> int:
    """What one hour adds to the funding index of a market at this oracle price; twice cut off towards zero."""
    hour = truncated(3600 * ppm * price, atomic + QUOTE_DECIMALS - price_decimals)
    change = abs(hour) // 28_800
    return -change if hour < 0 else change


def payment(change: int, size_quantums: int) -> int:
    """QQ that a position receives (negative: pays) when the index moves by so much, rounded down."""
    return -change * size_quantums // 1_000_000


def possible_samples(into_hour_ns: int) -> int:
    """How many samples the hour can have had so far."""
    if into_hour_ns < FIRST_SAMPLE_NS:
        return 0
    return min(SAMPLES_MAX, (into_hour_ns - FIRST_SAMPLE_NS) // SAMPLE_NS + 1)


def fewest_samples(mantissa: int, decimals: int) -> int:
    """The least n for which the rate is a sum of whole ppm over n: the number of samples is a multiple of it.

    First exactly; then within one unit of the last digit, since the server rounds at 20 decimals and we keep 18.
    0: no n up to 60 fits. `fewest_samples(254545454545455, 20) == 11`.
    """
    unit = 10**decimals
    value = abs(mantissa) * PPM
    for n in range(1, SAMPLES_MAX + 1):
        if value * n % unit == 0:
            return n
    if decimals < DIGITS_TOLD:
        return 0
    for n in range(1, SAMPLES_MAX + 1):
        rest = value * n % unit
        if min(rest, unit - rest) <= PPM * n:
            return n
    return 0


def likely_samples(fewest: int, possible: int) -> int:
    """How many samples a rate has probably seen: the greatest multiple of `fewest` that the clock allows."""
    if fewest == 0 or possible == 0:
        return possible
    return max(fewest, possible - possible % fewest)
