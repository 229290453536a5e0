"""Queries about markets: order books, prices, perpetuals, and the limits of the order book."""

from __future__ import annotations

from typing import Any, Final

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

from sniper.exchange.node.asking import Asked, Service, market_of, not_found, paged, serializable
from sniper.exchange.node.messages import order_id_of, order_message
from sniper.exchange.terms import ACTIVE, CROSS, FINAL_SETTLEMENT, INITIALIZING, Terms

STATUS: Final = {
    ACTIVE: ClobPair.STATUS_ACTIVE,
    INITIALIZING: ClobPair.STATUS_INITIALIZING,
    FINAL_SETTLEMENT: ClobPair.STATUS_FINAL_SETTLEMENT,
}
TierKey = tuple[int, int, int, int]


def _sorted(asked: Asked, name: str) -> list[Terms]:
    return sorted(asked.chain.markets().values(), key=lambda terms: int(getattr(terms, name)))


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
    return QueryClobPairResponse(clob_pair=_pair(market_of(asked, "clob_pair", request.id)))


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
    terms = market_of(asked, "market", request.id)
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
    terms = market_of(asked, "perpetual", request.id)
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


SERVICES: Final = (
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
)
