"""What a node is asked from time to time: its height, and what the chain allows us (rates, equity tiers, our fees)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import grpc
import msgspec
from v4_proto.cosmos.base.tendermint.v1beta1.query_pb2 import GetLatestBlockRequest, GetLatestBlockResponse
from v4_proto.dydxprotocol.clob.query_pb2 import (
    QueryBlockRateLimitConfigurationRequest,
    QueryBlockRateLimitConfigurationResponse,
    QueryEquityTierLimitConfigurationRequest,
    QueryEquityTierLimitConfigurationResponse,
)
from v4_proto.dydxprotocol.feetiers.query_pb2 import QueryUserFeeTierRequest, QueryUserFeeTierResponse

from sniper.live_settings import LiveSettings
from sniper.risk_limits import ChainLimits

RATES: Final = "/dydxprotocol.clob.Query/BlockRateLimitConfiguration"
TIERS: Final = "/dydxprotocol.clob.Query/EquityTierLimitConfiguration"
BLOCK: Final = "/cosmos.base.tendermint.v1beta1.Service/GetLatestBlock"
FEES: Final = "/dydxprotocol.feetiers.Query/UserFeeTier"
ANSWERS: Final[dict[str, Any]] = {
    BLOCK: GetLatestBlockResponse,
    RATES: QueryBlockRateLimitConfigurationResponse,
    TIERS: QueryEquityTierLimitConfigurationResponse,
    FEES: QueryUserFeeTierResponse,
}


async def watch(channel: Any, settings: LiveSettings, say: Callable[[bytes], None]) -> None:
    """Ask for ever. Heights are said each time, limits when they are new; those known stay while nobody answers."""
    told: ChainLimits | None = None
    loop, due_s = asyncio.get_running_loop(), float("-inf")
    while True:
        height = await latest(channel)
        if height:
            say(b"height %d" % height)
        if loop.time() >= due_s:
            due_s = loop.time() + settings.limits_s
            found = await limits(channel, settings.address)
            if told is not None:
                news = {name: value for name, value in found._asdict().items() if value is not None}
                found = told._replace(**news)
            if found != told:
                told = found
                say(encoded(found))
        await asyncio.sleep(settings.height_s)


async def latest(channel: Any) -> int:
    """The height of the node's last block, 0: it does not say."""
    found = await _asked(channel, BLOCK, GetLatestBlockRequest())
    if found is None:
        return 0
    return int(found.sdk_block.header.height or found.block.header.height)


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
