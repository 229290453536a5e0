"""Queries about accounts: subaccounts, fees, statistics, permissioned keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from v4_proto.dydxprotocol.accountplus import query_pb2_grpc as accountplus_grpc
from v4_proto.dydxprotocol.accountplus.models_pb2 import AccountAuthenticator
from v4_proto.dydxprotocol.accountplus.query_pb2 import GetAuthenticatorResponse, GetAuthenticatorsResponse
from v4_proto.dydxprotocol.feetiers import query_pb2_grpc as feetiers_grpc
from v4_proto.dydxprotocol.feetiers.params_pb2 import PerpetualFeeParams, PerpetualFeeTier
from v4_proto.dydxprotocol.feetiers.query_pb2 import QueryPerpetualFeeParamsResponse, QueryUserFeeTierResponse
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
from sniper.exchange.node.asking import Asked, Service, invalid, market_of, not_found, paged, serializable
from sniper.exchange.node.signing import is_address
from sniper.exchange.terms import FeeTier

TREASURY: Final = "rewards_treasury"
REWARDS: Final = RewardsParams(
    treasury_account=TREASURY,
    denom="adydx",
    denom_exponent=-18,
    market_id=1_000_001,
    fee_multiplier_ppm=990_000,
)


def _address(address: str) -> str:
    if not is_address(address):
        raise invalid("invalid address: decoding bech32 failed")
    return address


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
    negative, outage, free = asked.chain.gated(market_of(asked, "perpetual", request.perpetual_id).perpetual)
    return QueryGetWithdrawalAndTransfersBlockedInfoResponse(
        negative_tnc_subaccount_seen_at_block=negative,
        chain_outage_seen_at_block=outage,
        withdrawals_and_transfers_unblocked_at_block=free,
    )


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
    Service(feetiers_grpc, "Query", {"PerpetualFeeParams": fee_tiers, "UserFeeTier": user_fee_tier}),
    Service(stats_grpc, "Query", {"UserStats": user_stats}),
    Service(rewards_grpc, "Query", {"Params": rewards}),
    Service(
        accountplus_grpc, "Query", {"GetAuthenticators": authenticators, "GetAuthenticator": authenticator}
    ),
)
