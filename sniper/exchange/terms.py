"""What a market of the stand-in exchange is: its terms as governance sets them, and the terms of the whole chain."""

from __future__ import annotations

from typing import NamedTuple

INITIALIZING, ACTIVE, FINAL_SETTLEMENT = "INITIALIZING", "ACTIVE", "FINAL_SETTLEMENT"
CROSS, ISOLATED = "CROSS", "ISOLATED"


class Terms(NamedTuple):
    """The terms of one market. Fractions in ppm; caps of open interest in QQ (0 and 0: no scaling)."""

    clob_pair: int
    perpetual: int
    market: int  # id of its oracle price
    ticker: str
    status: str
    kind: str  # CROSS or ISOLATED
    atomic_resolution: int
    quantum_conversion_exponent: int
    step_base_quantums: int
    subticks_per_tick: int
    price_exponent: int  # of the oracle price: price = integer x 10^exponent
    initial_margin_ppm: int
    maintenance_fraction_ppm: int  # of the initial margin
    open_interest_lower_cap: int
    open_interest_upper_cap: int
    default_funding_ppm: int
    min_price_change_ppm: int


class EquityTier(NamedTuple):
    """From this net collateral (QQ) on, so many open orders of the kind."""

    from_quote: int
    orders_max: int


class FeeTier(NamedTuple):
    """From this 30-day volume (QQ) on, these fees (ppm, negative: rebate)."""

    from_volume: int
    taker_ppm: int
    maker_ppm: int


class ChainTerms(NamedTuple):
    """The terms of the chain; defaults are those of protocol v9.5 and its documentation."""

    chain_id: str = "localdydxprotocol"
    short_block_window: int = 40
    stateful_expiry_s_max: int = 95 * 86_400
    short_term_per_blocks: tuple[tuple[int, int], ...] = (
        (4000, 5),
    )  # (orders and cancels, blocks), by owner
    stateful_per_blocks: tuple[tuple[int, int], ...] = ((2, 1), (20, 100))
    block_ns: int = 650_000_000
