"""What the chain allows us, asked of a node: rate limits of blocks, equity tiers, our fee tier."""

from __future__ import annotations

from typing import Any, Final

import grpc
import msgspec
from v4_proto.dydxprotocol.clob.query_pb2 import (
    QueryBlockRateLimitConfigurationRequest,
    QueryBlockRateLimitConfigurationResponse,
    QueryEquityTierLimitConfigurationRequest,
    QueryEquityTierLimitConfigurationResponse,
)
from v4_proto.dydxprotocol.feetiers.query_pb2 import QueryUserFeeTierRequest, QueryUserFeeTierResponse

from sniper.risk_limits import ChainLimits

RATES: Final = "/dydxprotocol.clob.Query/BlockRateLimitConfiguration"
TIERS: Final = "/dydxprotocol.clob.Query/EquityTierLimitConfiguration"
FEES: Final = "/dydxprotocol.feetiers.Query/UserFeeTier"
ANSWERS: Final[dict[str, Any]] = {
    RATES: QueryBlockRateLimitConfigurationResponse,
    TIERS: QueryEquityTierLimitConfigurationResponse,
    FEES: QueryUserFeeTierResponse,
}


async def limits(channel: Any, address: str) -> ChainLimits:
    """What a node says. What it does not serve, or does not answer now, is None."""
    rates = await _asked(channel, RATES, QueryBlockRateLimitConfigurationRequest())
    tiers = await _asked(channel, TIERS, QueryEquityTierLimitConfigurationRequest())
    fee = await _asked(channel, FEES, QueryUserFeeTierRequest(user=address))
    found = ChainLimits()
    if rates is not None:
        config = rates.block_rate_limit_config
        found = found._replace(
            short_term=_rates(config.max_short_term_orders_and_cancels_per_n_blocks),
            stateful=_rates(config.max_stateful_orders_per_n_blocks),
        )
    if tiers is not None:
        rows = tiers.equity_tier_limit_config.stateful_order_equity_tiers
        read = sorted((_whole(row.usd_tnc_required), int(row.limit)) for row in rows)
        if read and read[0][0] >= 0:
            found = found._replace(equity_tiers=tuple(read))
    if fee is not None:
        found = found._replace(
            taker_fee_ppm=int(fee.tier.taker_fee_ppm), maker_fee_ppm=int(fee.tier.maker_fee_ppm)
        )
    return found


def encoded(told: ChainLimits) -> bytes:
    """The record of the inbox."""
    return b"limits " + msgspec.json.encode(told)


async def _asked(channel: Any, path: str, request: Any) -> Any:
    call = channel.unary_unary(
        path,
        request_serializer=type(request).SerializeToString,
        response_deserializer=ANSWERS[path].FromString,
    )
    try:
        return await call(request)
    except grpc.RpcError:
        return None


def _rates(rows: Any) -> tuple[tuple[int, int], ...]:
    return tuple((int(row.limit), int(row.num_blocks)) for row in rows)


def _whole(data: bytes) -> int:
    """A SerializableInt: 02 or, if negative, 03, and the magnitude, most significant byte first. -1: it is none."""
    if not data or data[0] not in (2, 3):
        return -1
    size = int.from_bytes(data[1:], "big")
    return size if data[0] == 2 else -size
