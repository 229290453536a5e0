"""Queries of the exchange's own modules: subaccounts, markets, prices, fees, limits, authenticators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from v4_proto.dydxprotocol.accountplus import query_pb2_grpc as accountplus_grpc
from v4_proto.dydxprotocol.accountplus.models_pb2 import AccountAuthenticator
from v4_proto.dydxprotocol.accountplus.query_pb2 import GetAuthenticatorResponse, GetAuthenticatorsResponse
from v4_proto.dydxprotocol.clob import query_pb2_grpc as clob_grpc
from v4_proto.dydxprotocol.clob.block_rate_limit_config_pb2 import MaxPerNBlocksRateLimit
from v4_proto.dydxprotocol.clob.clob_pair_pb2 import ClobPair, PerpetualClobMetadata
from v4_proto.dydxprotocol.clob.equity_tier_limit_config_pb2 import EquityTierLimit
from v4_proto.dydxprotocol.clob.query_pb2 import (
    QueryBlockRateLimitConfigurationResponse,
    QueryClobPairAllResponse,
    QueryClobPairResponse,
    QueryEquityTierLimitConfigurationResponse,
    QueryLiquidationsConfigurationResponse,
    QueryStatefulOrderResponse,
)
from v4_proto.dydxprotocol.feetiers import query_pb2_grpc as feetiers_grpc
from v4_proto.dydxprotocol.feetiers.params_pb2 import PerpetualFeeParams, PerpetualFeeTier
from v4_proto.dydxprotocol.feetiers.query_pb2 import QueryPerpetualFeeParamsResponse, QueryUserFeeTierResponse
from v4_proto.dydxprotocol.perpetuals import query_pb2_grpc as perpetuals_grpc
from v4_proto.dydxprotocol.perpetuals.perpetual_pb2 import LiquidityTier, Perpetual, PerpetualParams
from v4_proto.dydxprotocol.perpetuals.query_pb2 import (
    QueryAllLiquidityTiersResponse,
    QueryAllPerpetualsResponse,
    QueryPerpetualResponse,
)
from v4_proto.dydxprotocol.prices import query_pb2_grpc as prices_grpc
from v4_proto.dydxprotocol.prices.market_price_pb2 import MarketPrice
from v4_proto.dydxprotocol.prices.query_pb2 import QueryAllMarketPricesResponse, QueryMarketPriceResponse
from v4_proto.dydxprotocol.rewards import query_pb2_grpc as rewards_grpc
from v4_proto.dydxprotocol.rewards.params_pb2 import Params as RewardsParams
from v4_proto.dydxprotocol.rewards.query_pb2 import QueryParamsResponse as RewardsResponse
from v4_proto.dydxprotocol.stats import query_pb2_grpc as stats_grpc
from v4_proto.dydxprotocol.stats.query_pb2 import QueryUserStatsResponse
from v4_proto.dydxprotocol.stats.stats_pb2 import UserStats
from v4_proto.dydxprotocol.subaccounts import query_pb2_grpc as subaccounts_grpc
from v4_proto.dydxprotocol.subaccounts.asset_position_pb2 import AssetPosition
from v4_proto.dydxprotocol.subaccounts.perpetual_position_pb2 import PerpetualPosition
from v4_proto.dydxprotocol.subaccounts.query_pb2 import (
    QueryGetWithdrawalAndTransfersBlockedInfoResponse,
    QuerySubaccountAllResponse,
    QuerySubaccountResponse,
)
from v4_proto.dydxprotocol.subaccounts.subaccount_pb2 import Subaccount
from v4_proto.dydxprotocol.subaccounts.subaccount_pb2 import SubaccountId as SubaccountMessage

from sniper.exchange.facts import SubaccountId
from sniper.exchange.node.asking import Asked, Service, invalid, not_found, paged, serializable
from sniper.exchange.node.messages import order_id_of, order_message
from sniper.exchange.node.signing import is_address
from sniper.exchange.terms import ACTIVE, CROSS, FINAL_SETTLEMENT, INITIALIZING, FeeTier, Terms

STATUS: Final = {
    ACTIVE: ClobPair.STATUS_ACTIVE,
    INITIALIZING: ClobPair.STATUS_INITIALIZING,
    FINAL_SETTLEMENT: ClobPair.STATUS_FINAL_SETTLEMENT,
}
TREASURY: Final = "rewards_treasury"
REWARDS: Final = RewardsParams(
    treasury_account=TREASURY,
    denom="adydx",
    denom_exponent=-18,
    market_id=1_000_001,
    fee_multiplier_ppm=990_000,
)
TierKey = tuple[int, int, int, int]


def _address(address: str) -> str:
    if not is_address(address):
        raise invalid("invalid address: decoding bech32 failed")
    return address


def _market(asked: Asked, name: str, number: int) -> Terms:
    """The market whose `name` (clob_pair, perpetual or market) is this number."""
    for terms in asked.chain.markets().values():
        if getattr(terms, name) == number:
            return terms
    raise not_found()


def _sorted(asked: Asked, name: str) -> list[Terms]:
    return sorted(asked.chain.markets().values(), key=lambda terms: int(getattr(terms, name)))


def _subaccount(asked: Asked, subaccount: SubaccountId) -> Any:
    made = Subaccount(id=SubaccountMessage(owner=subaccount.owner, number=subaccount.number))
    purse = asked.chain.purse(subaccount)
    if purse is None:
        return made
    if purse.usdc:
        made.asset_positions.append(AssetPosition(asset_id=0, quantums=serializable(purse.usdc)))
    made.perpetual_positions.extend(
        PerpetualPosition(
            perpetual_id=holding.perpetual,
            quantums=serializable(holding.quantums),
            funding_index=serializable(holding.funding_index),
            quote_balance=serializable(0),
        )
        for holding in sorted(purse.holdings)
    )
    return made


def subaccount(asked: Asked, request: Any) -> Any:
    """A subaccount; an empty one where there never was any."""
    found = SubaccountId(_address(request.owner), request.number)
    return QuerySubaccountResponse(subaccount=_subaccount(asked, found))


def subaccounts(asked: Asked, request: Any) -> Any:
    """All of them, page by page."""
    found, page = paged(sorted(asked.chain.subaccounts()), request)
    return QuerySubaccountAllResponse(subaccount=[_subaccount(asked, one) for one in found], pagination=page)


def gating(asked: Asked, request: Any) -> Any:
    """Whether money may leave subaccounts, for the collateral pool of a perpetual."""
    negative, outage, free = asked.chain.gated(_market(asked, "perpetual", request.perpetual_id).perpetual)
    return QueryGetWithdrawalAndTransfersBlockedInfoResponse(
        negative_tnc_subaccount_seen_at_block=negative,
        chain_outage_seen_at_block=outage,
        withdrawals_and_transfers_unblocked_at_block=free,
    )


def _pair(terms: Terms) -> Any:
    return ClobPair(
        id=terms.clob_pair,
        perpetual_clob_metadata=PerpetualClobMetadata(perpetual_id=terms.perpetual),
        step_base_quantums=terms.step_base_quantums,
        subticks_per_tick=terms.subticks_per_tick,
        quantum_conversion_exponent=terms.quantum_conversion_exponent,
        status=STATUS[terms.status],
    )


def clob_pair(asked: Asked, request: Any) -> Any:
    """One order book's terms."""
    return QueryClobPairResponse(clob_pair=_pair(_market(asked, "clob_pair", request.id)))


def clob_pairs(asked: Asked, request: Any) -> Any:
    """All order books' terms."""
    found, page = paged(_sorted(asked, "clob_pair"), request)
    return QueryClobPairAllResponse(clob_pair=[_pair(terms) for terms in found], pagination=page)


def equity_tiers(asked: Asked, request: Any) -> Any:
    """How many stateful orders at which net collateral; short-term orders are not limited."""
    made = QueryEquityTierLimitConfigurationResponse()
    made.equity_tier_limit_config.stateful_order_equity_tiers.extend(
        EquityTierLimit(usd_tnc_required=serializable(tier.from_quote), limit=tier.orders_max)
        for tier in asked.chain.equity_tiers()
    )
    return made


def rate_limits(asked: Asked, request: Any) -> Any:
    """So many attempts in so many blocks."""
    terms = asked.chain.terms
    made = QueryBlockRateLimitConfigurationResponse()
    config = made.block_rate_limit_config
    config.max_short_term_orders_and_cancels_per_n_blocks.extend(
        MaxPerNBlocksRateLimit(num_blocks=blocks, limit=limit)
        for limit, blocks in terms.short_term_per_blocks
    )
    config.max_stateful_orders_per_n_blocks.extend(
        MaxPerNBlocksRateLimit(num_blocks=blocks, limit=limit) for limit, blocks in terms.stateful_per_blocks
    )
    return made


def liquidations(asked: Asked, request: Any) -> Any:
    """What a liquidation may take and cost."""
    terms = asked.chain.terms.liquidation
    made = QueryLiquidationsConfigurationResponse()
    config = made.liquidations_config
    config.max_liquidation_fee_ppm = terms.fee_ppm_max
    config.position_block_limits.min_position_notional_liquidated = terms.position_notional_min
    config.position_block_limits.max_position_portion_liquidated_ppm = terms.position_portion_ppm_max
    config.subaccount_block_limits.max_notional_liquidated = terms.subaccount_notional_max
    config.subaccount_block_limits.max_quantums_insurance_lost = terms.subaccount_loss_max
    config.fillable_price_config.bankruptcy_adjustment_ppm = terms.bankruptcy_adjustment_ppm
    config.fillable_price_config.spread_to_maintenance_margin_ratio_ppm = terms.spread_to_maintenance_ppm
    return made


def stateful_order(asked: Asked, request: Any) -> Any:
    """A stateful order as it stands in the chain's state."""
    order = order_id_of(request.order_id)
    found = asked.chain.stateful_order(order)
    if found is None:
        raise not_found()
    made = QueryStatefulOrderResponse(
        fill_amount=asked.chain.filled(order), triggered=asked.chain.triggered(order)
    )
    made.order_placement.order.CopyFrom(order_message(found))
    return made


def _price(asked: Asked, market: int) -> Any:
    price, exponent = asked.chain.oracle(market)
    return MarketPrice(id=market, exponent=exponent, price=price)


def price(asked: Asked, request: Any) -> Any:
    """One oracle price."""
    terms = _market(asked, "market", request.id)
    return QueryMarketPriceResponse(market_price=_price(asked, terms.market))


def prices(asked: Asked, request: Any) -> Any:
    """All oracle prices."""
    found, page = paged(_sorted(asked, "market"), request)
    return QueryAllMarketPricesResponse(
        market_prices=[_price(asked, terms.market) for terms in found], pagination=page
    )


def _tier_key(terms: Terms) -> TierKey:
    return (
        terms.initial_margin_ppm,
        terms.maintenance_fraction_ppm,
        terms.open_interest_lower_cap,
        terms.open_interest_upper_cap,
    )


def _tiers(asked: Asked) -> list[TierKey]:
    """The margin terms that occur, numbered as they first do by perpetual id."""
    return list(dict.fromkeys(_tier_key(terms) for terms in _sorted(asked, "perpetual")))


def _perpetual(asked: Asked, terms: Terms, tiers: list[TierKey]) -> Any:
    return Perpetual(
        params=PerpetualParams(
            id=terms.perpetual,
            ticker=terms.ticker,
            market_id=terms.market,
            atomic_resolution=terms.atomic_resolution,
            default_funding_ppm=terms.default_funding_ppm,
            liquidity_tier=tiers.index(_tier_key(terms)),
            market_type=1 if terms.kind == CROSS else 2,
        ),
        funding_index=serializable(asked.chain.funding_index(terms.perpetual)),
        open_interest=serializable(asked.chain.open_interest(terms.perpetual)),
    )


def perpetual(asked: Asked, request: Any) -> Any:
    """One perpetual: its parameters, funding index and open interest."""
    terms = _market(asked, "perpetual", request.id)
    return QueryPerpetualResponse(perpetual=_perpetual(asked, terms, _tiers(asked)))


def perpetuals(asked: Asked, request: Any) -> Any:
    """All perpetuals."""
    found, page = paged(_sorted(asked, "perpetual"), request)
    tiers = _tiers(asked)
    return QueryAllPerpetualsResponse(
        perpetual=[_perpetual(asked, terms, tiers) for terms in found], pagination=page
    )


def liquidity_tiers(asked: Asked, request: Any) -> Any:
    """The margin terms that perpetuals refer to."""
    found, page = paged(list(enumerate(_tiers(asked))), request)
    made = QueryAllLiquidityTiersResponse(pagination=page)
    for number, (initial, maintenance, lower, upper) in found:
        made.liquidity_tiers.append(
            LiquidityTier(
                id=number,
                name=str(number),
                initial_margin_ppm=initial,
                maintenance_fraction_ppm=maintenance,
                open_interest_lower_cap=lower,
                open_interest_upper_cap=upper,
            )
        )
    return made


def _fee_tiers(tiers: Sequence[FeeTier]) -> list[Any]:
    return [
        PerpetualFeeTier(
            name=str(number),
            absolute_volume_requirement=tier.from_volume,
            maker_fee_ppm=tier.maker_ppm,
            taker_fee_ppm=tier.taker_ppm,
        )
        for number, tier in enumerate(tiers, 1)
    ]


def fee_tiers(asked: Asked, request: Any) -> Any:
    """All fee tiers."""
    tiers = _fee_tiers(asked.chain.fee_tiers())
    return QueryPerpetualFeeParamsResponse(params=PerpetualFeeParams(tiers=tiers))


def user_fee_tier(asked: Asked, request: Any) -> Any:
    """The fee tier of an address."""
    index = asked.chain.fee_tier_of(_address(request.user))
    return QueryUserFeeTierResponse(index=index, tier=_fee_tiers(asked.chain.fee_tiers())[index])


def user_stats(asked: Asked, request: Any) -> Any:
    """What an address traded in 30 days."""
    taker, maker = asked.chain.volume_of(_address(request.user))
    return QueryUserStatsResponse(stats=UserStats(taker_notional=taker, maker_notional=maker))


def rewards(asked: Asked, request: Any) -> Any:
    """Trading rewards: the parameters alone, none are paid here."""
    return RewardsResponse(params=REWARDS)


def _authenticators(asked: Asked, address: str) -> list[Any]:
    return [
        AccountAuthenticator(id=one.id, type=one.type, config=one.config)
        for one in asked.node.authenticators_of(_address(address))
    ]


def authenticators(asked: Asked, request: Any) -> Any:
    """The permissioned keys of an account."""
    return GetAuthenticatorsResponse(account_authenticators=_authenticators(asked, request.account))


def authenticator(asked: Asked, request: Any) -> Any:
    """One of them."""
    for found in _authenticators(asked, request.account):
        if found.id == request.authenticator_id:
            return GetAuthenticatorResponse(account_authenticator=found)
    raise not_found()


SERVICES: Final = (
    Service(
        subaccounts_grpc,
        "Query",
        {
            "Subaccount": subaccount,
            "SubaccountAll": subaccounts,
            "GetWithdrawalAndTransfersBlockedInfo": gating,
        },
    ),
    Service(
        clob_grpc,
        "Query",
        {
            "ClobPair": clob_pair,
            "ClobPairAll": clob_pairs,
            "EquityTierLimitConfiguration": equity_tiers,
            "BlockRateLimitConfiguration": rate_limits,
            "LiquidationsConfiguration": liquidations,
            "StatefulOrder": stateful_order,
        },
    ),
    Service(prices_grpc, "Query", {"MarketPrice": price, "AllMarketPrices": prices}),
    Service(
        perpetuals_grpc,
        "Query",
        {"Perpetual": perpetual, "AllPerpetuals": perpetuals, "AllLiquidityTiers": liquidity_tiers},
    ),
    Service(feetiers_grpc, "Query", {"PerpetualFeeParams": fee_tiers, "UserFeeTier": user_fee_tier}),
    Service(stats_grpc, "Query", {"UserStats": user_stats}),
    Service(rewards_grpc, "Query", {"Params": rewards}),
    Service(
        accountplus_grpc, "Query", {"GetAuthenticators": authenticators, "GetAuthenticator": authenticator}
    ),
)
