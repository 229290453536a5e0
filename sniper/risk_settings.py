"""What risk is set to: limits of the gates, sizing, the liquidation ladder, protective stops. Units are in the names.

ppm: millionths. Sigmas: of one hour, from the market's own volatility. Fractions of equity refer to the net
collateral of now.
"""

from __future__ import annotations

from typing import Annotated, Final, NamedTuple

from msgspec import Meta

from sniper.bounds import checked

MILLION: Final = 1_000_000
SECOND_NS: Final = 1_000_000_000

Ppm = Annotated[int, Meta(ge=0, le=MILLION)]
Count = Annotated[int, Meta(ge=0, le=1_000_000)]
Usd = Annotated[int, Meta(ge=0, le=1_000_000_000_000)]
Nanoseconds = Annotated[int, Meta(ge=0, le=30 * 86_400 * SECOND_NS)]
Sigmas = Annotated[float, Meta(ge=0.0, le=1000.0)]
Stress = tuple[tuple[str, int], ...]
"""Moves of oracle prices at one blow: (ticker, ppm); "*" stands for every market that is not named."""


class GateSettings(NamedTuple):
    """Limits that an order must keep. What only opens positions is not asked of orders that reduce."""

    oracle_age_ns_max: Nanoseconds = 60 * SECOND_NS
    """Age of a market's own oracle price."""
    feed_age_ns_max: Nanoseconds = 10 * SECOND_NS
    """Time since oracle prices of any market came."""
    oracle_gap_ppm_max: Ppm = 20_000
    """How far the whole book may lie above or below the oracle price."""
    journal_required: bool = True
    """Open nothing while a journal that was begun does not write."""
    order_usd_min: Usd = 10
    order_usd_max: Usd = 25_000
    collar_oracle_ppm: Ppm = 10_000
    """How much worse than the oracle price an entry's limit may be."""
    collar_book_ppm: Ppm = 5_000
    """How much worse than the touch it would meet."""
    collar_exit_ppm: Ppm = 50_000
    """How much worse than touch and oracle price an exit's limit may be."""
    exposure_market_usd_max: Usd = 50_000
    """Worst case of position and open orders in one market, at the oracle price."""
    exposure_side_usd_max: Usd = 100_000
    """All longs together, all shorts together."""
    exposure_usd_max: Usd = 150_000
    leverage_ppm_max: Annotated[int, Meta(ge=0, le=100 * MILLION)] = 3 * MILLION
    """Exposure over net collateral."""
    open_interest_ppm_max: Ppm = 10_000
    """Position and orders as a share of the market's open interest; 1,000,000: whatever it is."""
    initial_fraction_ppm_max: Ppm = 500_000
    """Initial margin fraction as open interest has scaled it."""
    margin_reserve_ppm: Ppm = 100_000
    """Share of net collateral that stays free of initial margin after every fill."""
    stresses: tuple[Stress, ...] = (
        (("BTC-USD", -80_000), ("*", -150_000)),
        (("BTC-USD", 80_000), ("*", 150_000)),
    )
    """Each must be survived with every order filled."""
    stress_danger_ppm_max: Annotated[int, Meta(ge=1, le=MILLION)] = 800_000
    """Maintenance margin over net collateral after a stress: liquidation at 1,000,000."""
    orders_per_s_max: Annotated[int, Meta(ge=1, le=10_000)] = 20
    """Places and cancels in any second."""
    orders_reserved: Count = 5
    """Of these, for orders that reduce or protect."""
    stateful_reserved: Annotated[int, Meta(ge=0, le=20)] = 10
    """Of 20 stateful orders in 100 blocks, for protection."""
    slow_block_ns: Nanoseconds = 3 * SECOND_NS
    """A block has surely passed by then (mainnet takes about 0.65 s): by it rates go on while the height stands still,
    as it does without news, or after a node told one too high. 0: only as told."""
    short_term_reserved_ppm: Ppm = 250_000
    """Of the short-term orders and cancels that the chain takes in so many blocks, for what reduces."""
    daily_loss_ppm_max: Ppm = 30_000
    """Loss since the day began, of the equity it began with."""
    drawdown_ppm_max: Ppm = 100_000
    """Loss since the highest equity."""
    losses_in_row_max: Annotated[int, Meta(ge=1, le=1000)] = 6
    loss_pause_ns: Nanoseconds = 1800 * SECOND_NS
    """How long a streak of losses keeps from opening, counted from its last loss."""
    equity_tiers: tuple[tuple[int, int], ...] = (
        (0, 0),
        (20, 1),
        (100, 5),
        (1_000, 10),
        (10_000, 100),
        (100_000, 200),
    )
    """(net collateral in USD from which on, open stateful orders that the chain allows)."""
    unprotected: bool = False
    """Whether a position may stand without a protective stop because no slot is free."""
    taker_fee_ppm: Annotated[int, Meta(ge=0, le=MILLION)] = 500
    maker_fee_ppm: Annotated[int, Meta(ge=0, le=MILLION)] = 110


class SizingSettings(NamedTuple):
    """What makes the size of an entry that comes without one. The least of all counts."""

    volatility_target_ppm: Annotated[int, Meta(ge=1, le=MILLION)] = 20_000
    """One sigma of a day of the position, of the equity, at full weight."""
    risk_trade_ppm: Annotated[int, Meta(ge=1, le=MILLION)] = 5_000
    """Loss at the stop, fees included, of the equity, at full weight."""
    stop_sigmas: Annotated[float, Meta(gt=0.0, le=100.0)] = 3.0
    """Distance of the stop of an entry that names none."""
    kelly_edge_ppm: Annotated[int, Meta(ge=0, le=500_000)] = 50_000
    """What a full score adds to a winning chance of one half."""
    kelly_fraction_ppm: Ppm = 250_000
    kelly_cap_ppm: Ppm = 20_000
    """Most of the equity that Kelly's rule may put at risk."""
    distance_sigmas_min: Sigmas = 12.0
    """Every position's liquidation distance after the fill, of which leverage follows."""


class LadderSettings(NamedTuple):
    """The liquidation ladder. A rung holds from its danger (MMR / NC, ppm) or its distance on, whichever is first."""

    stop_ppm: Ppm = 300_000
    stop_sigmas: Sigmas = 8.0
    cancel_ppm: Ppm = 400_000
    cancel_sigmas: Sigmas = 6.0
    reduce_ppm: Ppm = 500_000
    reduce_sigmas: Sigmas = 4.0
    flatten_ppm: Ppm = 700_000
    flatten_sigmas: Sigmas = 2.0
    hysteresis_ppm: Annotated[int, Meta(ge=1, le=900_000)] = 200_000
    """A rung is left when danger is lower and distance larger than its threshold by this share."""
    hold_ns: Nanoseconds = 60 * SECOND_NS
    """... for so long."""
    flatten_hold_ns: Nanoseconds = 900 * SECOND_NS
    reduce_share_ppm_min: Annotated[int, Meta(ge=1, le=MILLION)] = 250_000
    """Smallest part of a position that a reduction closes: what crumbles is closed in few orders."""
    reduce_collar_ppm: Ppm = 15_000
    """How much worse than touch and oracle price a reduction may fill."""
    flatten_collar_ppm: Ppm = 200_000
    """The same for flattening; the price at which the position's share of equity is gone limits both."""
    retry_ns: Annotated[int, Meta(ge=1)] = 1_500_000_000
    """A reduction whose end is not known is repeated after this time, one that is over after a sixth of it."""
    feed_stale_ns: Annotated[int, Meta(ge=1)] = 1_500_000_000
    """When oracle prices of all markets are older than this, each rung begins where the one before it does, and ..."""
    stale_sigmas: Sigmas = 3.0
    """... prices are assumed to have moved against us by so many sigmas of that time."""
    reaction_ns: Nanoseconds = 3 * SECOND_NS
    """Drift against us, and a leap, are assumed to go on for so long: what an order needs to fill and to be seen."""
    sigma_unknown_ppm: Annotated[int, Meta(ge=1, le=MILLION)] = 20_000
    """Sigma of an hour of a market whose volatility is not known yet."""
    watch_ns: Annotated[int, Meta(ge=1)] = 100_000_000
    """On the ladder, or near it, distances are computed anew at least this often ..."""
    calm_ns: Annotated[int, Meta(ge=1)] = 250_000_000
    """... and elsewhere this often."""


class ProtectionSettings(NamedTuple):
    """The stop that rests on the chain for every position: conditional, reduce-only, IOC."""

    share_ppm: Annotated[int, Meta(ge=1, le=950_000)] = 600_000
    """Trigger at most this far on the way to the liquidation price."""
    distance_ppm_max: Annotated[int, Meta(ge=1, le=900_000)] = 150_000
    """Trigger at most this far from the price."""
    collar_ppm: Ppm = 50_000
    """Limit beyond the trigger."""
    move_ppm: Annotated[int, Meta(ge=1, le=MILLION)] = 5_000
    """A stop that should lie elsewhere by less than this stays."""
    check_ns: Annotated[int, Meta(ge=1)] = 250_000_000
    bare_blocks_max: Annotated[int, Meta(ge=1, le=10_000)] = 30
    """A position that could have had its stop for so many blocks and has none is reduced, and again each so many."""


class RiskSettings(NamedTuple):
    """All of it. account: slot of the traded subaccount in the margin kernel."""

    account: Annotated[int, Meta(ge=0, le=4095)] = 0
    gates: GateSettings = GateSettings()
    sizing: SizingSettings = SizingSettings()
    ladder: LadderSettings = LadderSettings()
    protection: ProtectionSettings = ProtectionSettings()
    killed: str = ""
    """The reason of a kill that was never lifted: trading begins latched."""


def validate(settings: RiskSettings) -> None:
    """ValueError naming what is out of bounds or does not fit together."""
    checked(settings)
    ladder, gates = settings.ladder, settings.gates
    dangers = (ladder.stop_ppm, ladder.cancel_ppm, ladder.reduce_ppm, ladder.flatten_ppm)
    sigmas = (ladder.stop_sigmas, ladder.cancel_sigmas, ladder.reduce_sigmas, ladder.flatten_sigmas)
    wrong = []
    if list(dangers) != sorted(dangers) or not dangers[0]:
        wrong.append(f"dangers must rise from rung to rung and begin above 0: {dangers}")
    if list(sigmas) != sorted(sigmas, reverse=True):
        wrong.append(f"distances must fall from rung to rung: {sigmas}")
    if settings.sizing.distance_sigmas_min < ladder.stop_sigmas:
        wrong.append("distance_sigmas_min below stop_sigmas: every entry would stand on the ladder at once")
    if gates.orders_reserved >= gates.orders_per_s_max:
        wrong.append("orders_reserved leaves no order for entries")
    if gates.order_usd_min > gates.order_usd_max:
        wrong.append("order_usd_min above order_usd_max")
    if list(gates.equity_tiers) != sorted(gates.equity_tiers) or any(
        slots < 0 for _, slots in gates.equity_tiers
    ):
        wrong.append(f"equity_tiers must rise: {gates.equity_tiers}")
    if any(not -MILLION < ppm <= 10 * MILLION for stress in gates.stresses for _, ppm in stress):
        wrong.append("a stress moves a price by more than it can")
    if wrong:
        raise ValueError(f"RiskSettings: {'; '.join(wrong)}")
