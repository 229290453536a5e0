"""Which path is answered by what: the table of the REST service (rest.md 2 and 3)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final, NamedTuple

from sniper.exchange.indexer import rest_accounts as accounts
from sniper.exchange.indexer import rest_markets as markets
from sniper.exchange.indexer import rest_orders as orders
from sniper.exchange.indexer import rest_others as others
from sniper.exchange.indexer import screening, windows
from sniper.exchange.indexer.asking import Asked
from sniper.exchange.indexer.windows import DEFAULT, Bucket

Answer = Callable[[Asked], Any]


class Route(NamedTuple):
    """A path with names in braces. bucket None: not limited; age_s: how long it may be cached, -1: not said, 0: not.

    guarded: refused for addresses that are blocked.
    """

    path: str
    answer: Answer
    bucket: Bucket | None = DEFAULT
    age_s: int = 1
    guarded: bool = False


def _both(
    path: str,
    answer: Callable[..., Any],
    bucket: Bucket = DEFAULT,
    age_s: int = 1,
    ending: str = "parentSubaccountNumber",
) -> tuple[Route, Route]:
    """The route of a subaccount's list, and that of its parent's."""
    return (
        Route(path, partial(answer, parents=False), bucket, age_s, True),
        Route(f"{path}/{ending}", partial(answer, parents=True), bucket, age_s, True),
    )


ROUTES: Final = (
    Route("/v4/perpetualMarkets", markets.perpetual_markets),
    Route("/v4/orderbooks/perpetualMarket/{ticker}", markets.order_book),
    Route("/v4/trades/perpetualMarket/{ticker}", markets.trades),
    Route("/v4/candles/perpetualMarkets/{ticker}", markets.candles, windows.CANDLES),
    Route("/v4/sparklines", markets.sparklines, windows.SPARKLINES, 10),
    Route("/v4/historicalFunding/{ticker}", markets.historical_funding, DEFAULT, 10),
    Route("/v4/height", markets.height, DEFAULT, -1),
    Route("/v4/time", markets.time, DEFAULT, 0),
    Route("/v4/addresses/{address}", accounts.address, guarded=True),
    Route("/v4/addresses/{address}/subaccountNumber/{subaccountNumber}", accounts.subaccount, guarded=True),
    Route(
        "/v4/addresses/{address}/parentSubaccountNumber/{parentSubaccountNumber}",
        accounts.parent_subaccount,
        guarded=True,
    ),
    *_both("/v4/perpetualPositions", accounts.perpetual_positions),
    *_both("/v4/assetPositions", accounts.asset_positions),
    *_both("/v4/orders", orders.listed, windows.ORDERS),
    Route("/v4/orders/{orderId}", orders.one, None),
    *_both("/v4/fills", orders.filled, windows.FILLS),
    *_both("/v4/tradeHistory", orders.trade_history, windows.FILLS),
    Route("/v4/transfers/between", accounts.transfers_between),
    *_both("/v4/transfers", accounts.transfers),
    *_both("/v4/historical-pnl", accounts.historical_pnl, windows.HISTORICAL_PNL, 10),
    *_both("/v4/pnl", accounts.pnl, windows.PNL, 10),
    *_both("/v4/fundingPayments", accounts.funding_payments, windows.FUNDING, 10, "parentSubaccount"),
    Route("/v4/screen", screening.screen, DEFAULT, -1),
    Route("/v4/compliance/screen/{address}", screening.status, DEFAULT, -1),
    Route("/v4/historicalBlockTradingRewards/{address}", others.block_rewards),
    Route("/v4/historicalTradingRewardAggregations/{address}", others.summed_rewards),
    Route("/v4/affiliates/metadata", others.affiliate_metadata),
    Route("/v4/affiliates/address", others.affiliate_address),
    Route("/v4/affiliates/snapshot", others.affiliate_snapshot),
    Route("/v4/affiliates/total_volume", others.affiliate_volume),
    Route("/v4/vault/v1/megavault/historicalPnl", others.megavault_pnl, DEFAULT, 10),
    Route("/v4/vault/v1/vaults/historicalPnl", others.vaults_pnl, DEFAULT, 10),
    Route("/v4/vault/v1/megavault/positions", others.megavault_positions, DEFAULT, 10),
    Route("/v4/trader/search", others.trader_search),
)
_PARTS: Final = tuple((tuple(route.path.split("/")), route) for route in ROUTES)


def find(path: str) -> tuple[Route, dict[str, str]] | None:
    """The route of a path and what its braces stand for. What is named outright goes before what is in braces."""
    parts = path.rstrip("/").split("/")
    best: tuple[Route, dict[str, str]] | None = None
    for pattern, route in _PARTS:
        if len(pattern) != len(parts):
            continue
        named = {}
        for wanted, part in zip(pattern, parts, strict=True):
            if wanted[:1] == "{":
                named[wanted[1:-1]] = part
            elif wanted != part:
                break
        else:
            if not named:
                return route, named
            best = best or (route, named)
    return best
