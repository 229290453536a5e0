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
    default_funding_ppm: int  # of 8 hours
    min_price_change_ppm: int
    impact_notional: int = 5_000_000_000  # QQ: how much an impact price sells or buys


class EquityTier(NamedTuple):
    """From this net collateral (QQ) on, so many open orders of the kind."""

    from_quote: int
    orders_max: int


class FeeTier(NamedTuple):
    """From this 30-day volume (QQ) on, these fees (ppm, negative: rebate)."""

    from_volume: int
    taker_ppm: int
    maker_ppm: int


class LiquidationTerms(NamedTuple):
    """How the chain liquidates; the genesis values of the protocol (margin.md 6). Amounts in QQ."""

    fee_ppm_max: int = 15_000
    bankruptcy_adjustment_ppm: int = 1_000_000
    spread_to_maintenance_ppm: int = 1_500_000
    position_notional_min: int = 1_000_000_000  # a block and position: at least so much of it
    position_portion_ppm_max: int = 100_000  # and at most this part, where that is more
    subaccount_notional_max: int = 100_000_000_000  # a block and subaccount
    subaccount_loss_max: int = 1_000_000_000_000  # a block and subaccount, of the insurance fund
    subaccounts_max: int = 50  # a block


FEE_TIERS = tuple(
    FeeTier(volume * 1_000_000_000_000, taker, maker)
    for volume, taker, maker in (
        (0, 500, 100),
        (1, 450, 100),
        (5, 400, 50),
        (25, 350, 0),
        (50, 300, 0),
        (100, 250, -70),
        (200, 250, -110),
    )
)
"""Volumes in millions of USDC; the documentation's present table (orders.md 8)."""

EQUITY_TIERS = tuple(
    EquityTier(usdc * 1_000_000, orders)
    for usdc, orders in ((0, 0), (20, 1), (100, 5), (1_000, 10), (10_000, 100), (100_000, 200))
)
"""The genesis table (margin.md 7)."""


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
    fee_tiers: tuple[FeeTier, ...] = FEE_TIERS
    equity_tiers: tuple[EquityTier, ...] = EQUITY_TIERS
    liquidation: LiquidationTerms = LiquidationTerms()
