"""The official client, unmodified, against the stand-in over real sockets: every REST call, every channel."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from dydx_v4_client.indexer.candles_resolution import CandlesResolution
from dydx_v4_client.indexer.rest.indexer_client import IndexerClient
from dydx_v4_client.indexer.rest.modules import account, affiliate, markets, status, vaults
from dydx_v4_client.indexer.socket.websocket import IndexerSocket

from tests import exchange_shapes as shape
from tests.exchange_chain import OTHER, US
from tests.exchange_serving import Served, serving
from tests.loopback import until

ORDERS, PARENT = [shape.ORDER], f"{US}/0"
ONE = {"api_timeout": 10}
POSITIONS = {"positions": [shape.POSITION]}
ASSETS = {"positions": [shape.ASSET]}
REWARDS: Any = {"rewards": []}
PROFITS = {"historicalPnl": [shape.PROFIT]}
PAYMENTS = {"fundingPayments": [shape.PAYMENT]}
STATUS = {"status": shape.S, "?reason": shape.S, "?updatedAt": shape.T}

CALLS: list[tuple[str, str, tuple[Any, ...], dict[str, Any], Any]] = [
    ("markets", "get_perpetual_markets", (), {}, shape.MARKETS),
    ("markets", "get_perpetual_markets", ("BTC-USD",), {}, shape.MARKETS),
    ("markets", "get_perpetual_market_orderbook", ("BTC-USD",), {}, shape.BOOK),
    ("markets", "get_perpetual_market_trades", ("BTC-USD",), {"limit": 5}, shape.TRADES),
    ("markets", "get_perpetual_market_candles", ("BTC-USD", "1MIN"), {"limit": 5}, shape.CANDLES),
    ("markets", "get_perpetual_market_historical_funding", ("BTC-USD",), {}, {"historicalFunding": [shape.FUNDING]}),
    ("markets", "get_perpetual_market_sparklines", (), {}, {"*": [shape.D]}),
    ("utility", "get_time", (), {}, {"iso": shape.T, "epoch": "?"}),
    ("utility", "get_height", (), {}, shape.HEIGHT),
    ("utility", "screen", (US,), {}, {"restricted": shape.B, "?reason": shape.S}),
    ("utility", "compliance_screen", (US,), {}, STATUS),
    ("account", "get_subaccounts", (US,), {"limit": 3}, {"subaccounts": [shape.SUBACCOUNT],
                                                           "totalTradingRewards": shape.D}),
    ("account", "get_subaccount", (US, 0), {}, {"subaccount": shape.SUBACCOUNT}),
    ("account", "get_parent_subaccount", (US, 0), {}, {"subaccount": shape.PARENT}),
    ("account", "get_subaccount_perpetual_positions", (US, 0), {"status": "OPEN"}, POSITIONS),
    ("account", "get_parent_subaccount_positions", (US, 0), {}, POSITIONS),
    ("account", "get_subaccount_asset_positions", (US, 0), {}, ASSETS),
    ("account", "get_parent_subaccount_asset_positions", (US, 0), {}, ASSETS),
    ("account", "get_subaccount_transfers", (US, 0), {}, {"transfers": [shape.TRANSFER]}),
    ("account", "get_subaccount_orders", (US, 0), {"status": "OPEN,BEST_EFFORT_OPENED,FILLED"}, ORDERS),
    ("account", "get_subaccount_fills", (US, 0), {"limit": 10}, {"fills": [shape.FILL]}),
    ("account", "get_subaccount_historical_pnls", (US, 0), {}, PROFITS),
    ("account", "get_historical_block_trading_rewards", (US,), {"limit": 3}, REWARDS),
    ("account", "get_historical_trading_rewards_aggregated", (US,), {}, REWARDS),
    ("account", "get_transfer_between", (US, 0, OTHER.owner, 0), {},
     {"transfersSubset": [shape.TRANSFER], "totalNetTransfers": shape.D}),
    ("account", "get_parent_transfers", (US, 0), {}, {"transfers": [shape.PARENT_TRANSFER]}),
    ("account", "list_parent_orders", (US, 0), {}, ORDERS),
    ("account", "get_parent_fills", (US, 0), {"limit": 10}, {"fills": [shape.FILL]}),
    ("account", "get_parent_historical_pnls", (US, 0), {}, PROFITS),
    ("account", "search_traders", (US,), {}, {"result": {"address": shape.S, "subaccountNumber": shape.N,
                                                          "subaccountId": shape.U, "username": shape.S}}),
    ("account", "get_funding_payments", (US, 0), {}, PAYMENTS),
    ("account", "get_funding_payments_for_parent_subaccount", (US, 0), {"page": 1}, PAYMENTS | {
        "pageSize": shape.N, "totalResults": shape.N, "offset": shape.N}),
    ("megavault", "get_megavault_historical_pnl", ("day",), {}, {"megavaultPnl": []}),
    ("megavault", "get_vaults_historical_pnl", ("hour",), {}, {"vaultsPnl": []}),
    ("megavault", "get_megavault_positions", (), {}, {"positions": []}),
    ("affiliate", "get_metadata", (US,), {}, {"referralCode": shape.S, "isVolumeEligible": shape.B,
                                               "isAffiliate": shape.B}),
    ("affiliate", "get_snapshot", (), {}, {"affiliateList": [], "total": shape.N, "currentOffset": shape.N}),
    ("affiliate", "get_total_volume", (US,), {}, {"totalVolume": shape.N}),
]  # fmt: skip
MODULES = {
    "markets": markets.MarketsClient,
    "utility": status.StatusClient,
    "account": account.AccountClient,
    "megavault": vaults.MegaVaultClient,
    "affiliate": affiliate.AffiliateClient,
}


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving() as found:
        yield found


def test_the_table_names_every_call_of_the_client() -> None:
    named = {(module, call) for module, call, *_ in CALLS} | {
        ("affiliate", "get_address"),
        ("account", "get_order"),
    }
    found = {
        (module, name)
        for module, of in MODULES.items()
        for name in vars(of)
        if not name.startswith("_") and callable(getattr(of, name))
    }
    assert named == found


@pytest.mark.parametrize(
    ("module", "call", "given", "named", "answer"), CALLS, ids=lambda each: str(each)[:40]
)
def test_every_call_is_answered_with_the_documented_shape(
    served: Served, module: str, call: str, given: tuple[Any, ...], named: dict[str, Any], answer: Any
) -> None:
    client = IndexerClient(served.url, api_timeout=10)
    found = asyncio.run(getattr(getattr(client, module), call)(*given, **named))
    if "epoch" in found:
        assert isinstance(found["epoch"], float)
        answer = {"iso": shape.T, "epoch": "?"}
        del found["epoch"], answer["epoch"]
    shape.check(found, answer, call)
    full = (
        "orders",
        "fills",
        "transfers",
        "trades",
        "candles",
        "markets",
        "positions",
        "subaccounts",
        "bids",
    )
    for key in full:
        if isinstance(found, dict) and key in found and call not in ("get_megavault_positions",):
            assert found[key], f"{call}: nothing in it to look at"


def test_one_order_and_one_referral_code(served: Served) -> None:
    client = IndexerClient(served.url, api_timeout=10)

    async def ask() -> None:
        orders = await client.account.get_subaccount_orders(US, 0)
        assert orders and await client.account.get_order(orders[0]["id"]) == orders[0]
        code = (await client.affiliate.get_metadata(US))["referralCode"]
        assert await client.affiliate.get_address(code) == {"address": US}

    asyncio.run(ask())


def test_what_the_client_does_wrong_is_answered_as_the_real_one_does(served: Served) -> None:
    client = IndexerClient(served.url, api_timeout=10)

    async def ask() -> None:
        for call in (
            client.markets.get_perpetual_market_candles("BTC-USD", CandlesResolution.ONE_MINUTE),  # type: ignore[arg-type]
            client.account.get_subaccount_orders(US, 0, status=["OPEN", "UNTRIGGERED"]),  # type: ignore[arg-type]
            client.account.get_subaccount_orders(US, 0, return_latest_orders=True),
            client.account.get_parent_fills(US, 0, market="BTC-USD", market_type="PERPETUAL"),  # type: ignore[arg-type]
        ):
            with pytest.raises(httpx.HTTPStatusError) as wrong:
                await call
            assert wrong.value.response.status_code == 400 and wrong.value.response.json()["errors"]
        everything = await client.account.get_subaccount_fills(US, 0)
        assert await client.account.get_subaccount_fills(US, 0, ticker="ETH-USD") == everything

    asyncio.run(ask())


class Listener:
    """The official socket in a thread, as client.md 7 says."""

    def __init__(self, url: str) -> None:
        self.heard: list[dict[str, Any]] = []
        self.socket = IndexerSocket(url, on_message=lambda _, message: self.heard.append(message))
        self._thread = threading.Thread(target=lambda: self.socket.run_forever(sslopt={}), daemon=True)
        self._thread.start()
        until(lambda: self.of("connected"))

    def of(self, kind: str, channel: str | None = None) -> list[dict[str, Any]]:
        return [m for m in self.heard if m["type"] == kind and channel in (None, m.get("channel"))]

    def close(self) -> None:
        self.socket.close()
        self._thread.join(0.2)  # the library looks at its socket every 10 s


Ask = Callable[[IndexerSocket], Any]
CHANNELS: list[tuple[str, Ask, Any, Any]] = [
    ("v4_orderbook", lambda s: s.order_book.subscribe("BTC-USD"), shape.BOOK, shape.BOOK_UPDATE),
    ("v4_trades", lambda s: s.trades.subscribe("BTC-USD"), shape.TRADES, shape.TRADE_UPDATE),
    ("v4_markets", lambda s: s.markets.subscribe(), shape.MARKETS, shape.MARKETS_UPDATE),
    (
        "v4_candles",
        lambda s: s.candles.subscribe("BTC-USD", CandlesResolution.ONE_MINUTE),
        shape.CANDLES,
        shape.CANDLE,
    ),
    ("v4_subaccounts", lambda s: s.subaccounts.subscribe(US, 0), shape.SNAPSHOT, shape.UPDATE),
    (
        "v4_parent_subaccounts",
        lambda s: s.send(json.dumps({"type": "subscribe", "channel": "v4_parent_subaccounts", "id": PARENT})),
        shape.PARENT_SNAPSHOT,
        shape.UPDATE,
    ),
    (
        "v4_block_height",
        lambda s: s.send(json.dumps({"type": "subscribe", "channel": "v4_block_height"})),
        shape.HEIGHT,
        shape.HEIGHT_UPDATE,
    ),
]


@pytest.mark.parametrize(("channel", "ask", "first", "later"), CHANNELS, ids=[each[0] for each in CHANNELS])
def test_every_channel_through_the_official_socket(
    served: Served, channel: str, ask: Ask, first: Any, later: Any
) -> None:
    listener = Listener(served.socket_url)
    try:
        ask(listener.socket)
        (answer,) = until(lambda: listener.of("subscribed", channel))
        shape.check(answer["contents"], first, channel)

        def updates() -> list[Any]:
            served.call(served.block)
            plain = [m["contents"] for m in listener.of("channel_data", channel)]
            return plain + [c for m in listener.of("channel_batch_data", channel) for c in m["contents"]]

        found = until(lambda: updates() if len(updates()) > 10 else [], channel, patience_s=60)
        for each in found:
            shape.check(each, later, channel)
        if "subaccounts" in channel:
            assert {key for each in found for key in each} >= {"orders", "assetPositions", "blockHeight"}
    finally:
        listener.close()
