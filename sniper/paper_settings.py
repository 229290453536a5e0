"""What the paper venue is set to. Units in the names: QQ are quote quantums, 10^-6 USDC; ppm are millionths."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

import msgspec

USDC = 1_000_000
PPM = 1_000_000

Share = Annotated[int, msgspec.Meta(ge=0, le=PPM)]
Fee = Annotated[int, msgspec.Meta(ge=-10_000, le=100_000)]
Count = Annotated[int, msgspec.Meta(ge=1, le=1 << 16)]
Amount = Annotated[int, msgspec.Meta(ge=0, le=1 << 60)]


class LiquidationRules(NamedTuple):
    """How the chain liquidates (margin.md 6, genesis values). Amounts in QQ."""

    fee_ppm: Share = 15_000  # most of the fill's value that goes to the insurance fund
    bankruptcy_ppm: Amount = 1_000_000  # bankruptcy adjustment
    spread_ppm: Amount = 1_500_000  # spread to maintenance margin ratio
    notional_min: Amount = 1_000 * USDC  # least taken of a position in a block, if it is that large
    portion_ppm: Share = 100_000  # most of a position in a block
    account_notional_max: Amount = 100_000 * USDC  # most of an account in a block
    account_loss_max: Amount = 1_000_000 * USDC  # most that the insurance fund pays for an account in a block


class PaperSettings(NamedTuple):
    """An account at the paper venue, its models and the parameters of the chain."""

    address: str = "dydx1paper0000000000000000000000000000000000"
    subaccount: Annotated[int, msgspec.Meta(ge=0, le=127_999)] = 0
    usdc_quantums: Annotated[int, msgspec.Meta(ge=-(1 << 60), le=1 << 60)] = (
        10_000 * USDC
    )  # what we begin with
    start_positions: tuple[tuple[str, str, str], ...] = ()
    """(ticker, signed size in coins, entry price in USD); opened before, so they cost nothing now."""
    seed: int = 1
    fill: Literal["queue", "trades", "through", "bars"] = "queue"  # when a resting order is filled
    fee: Literal["none", "entry", "tiers", "rebate", "own"] = "entry"
    latency: Literal["instant", "near", "usual", "far"] = "usual"
    taker_ppm: Fee = 500  # of the fee model "own"
    maker_ppm: Fee = 100
    volume_30d_usd: Amount = 0  # traded before we begin, for the fee tier
    cancel_share_ppm: Share = 250_000  # of cancelled steps at our price, how many stood before us
    lost_ppm: Share = 0  # of answers to commands, how many never come
    timeout_ns: Annotated[int, msgspec.Meta(ge=1_000_000)] = (
        5_000_000_000  # after which a lost answer is told as none
    )
    orders_max: Count = 1024  # open at once
    under_way_max: Count = 4096  # commands on their way to the node at once
    block_window: Count = 40  # blocks that a short-term order may reach ahead
    min_price_change_ppm: Share = 1_000  # of oracle prices; five times it clamps traded prices for triggers
    short_limits: tuple[tuple[int, int], ...] = ((4000, 5),)  # short-term commands in so many blocks
    stateful_limits: tuple[tuple[int, int], ...] = (
        (2, 1),
        (20, 100),
    )  # stateful placements in so many blocks
    equity_tiers: tuple[tuple[int, int], ...] = (
        (0, 0),
        (20 * USDC, 1),
        (100 * USDC, 5),
        (1_000 * USDC, 10),
        (10_000 * USDC, 100),
        (100_000 * USDC, 200),
    )
    """(net collateral in QQ, open stateful orders from there on), ascending."""
    insurance_quantums: Amount = 1_000_000 * USDC
    liquidation: LiquidationRules = LiquidationRules()
