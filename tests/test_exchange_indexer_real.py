"""Real recordings: every key that the real Indexer sent is one of ours, but for those listed here with the reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests import exchange_shapes as shape
from tests import real

OLD = "a key of an old version that the server sends no more"
EXCEPTIONS = {
    ("subaccounts", "v4_subaccounts"): OLD,
    ("positions", "v4_subaccounts"): OLD,
    ("tradingReward", "v4_subaccounts"): "there are no trading rewards at the stand-in",
    ("liquidation", "trades"): OLD,
    ("createdAt", "perpetualPositions"): OLD,
    ("createdAtHeight", "perpetualPositions"): OLD,
    ("closedAt", "perpetualPositions"): OLD,
}
WS = "dydx-abacus/ws/"
FILES = [
    WS + "v4_subaccounts_subscribed.json",
    WS + "v4_subaccounts_dydx18p7_subscribed+4_batches.jsonl.gz",
    WS + "v4_subaccounts_updates_sequence.jsonl",
    WS + "v4_subaccounts_transfer_channel_data.json",
    WS + "v4_subaccounts_best_effort_cancelled.json",
    WS + "v4_subaccounts_position_closed.json",
    WS + "v4_subaccounts_channel_data.json",
    WS + "v4_parent_subaccounts_real_subscribed.json",
    WS + "v4_parent_subaccounts_real_subscribed_with_pending.json",
    WS + "v4_parent_subaccounts_real_channel_batch_data.json",
    WS + "v4_parent_subaccounts_arb_subscribed.json",
    WS + "v4_parent_subaccounts_arb_channel_batch_data.json",
    WS + "v4_markets_subscribed_67_markets.json",
    WS + "v4_markets_channel_data.json",
    WS + "v4_markets_channel_batch_data.json",
    WS + "v4_markets_channel_batch_data_oracle_prices.json",
    WS + "v4_candles_ETH-USD_1HOUR_subscribed_100.json",
    WS + "v4_candles_ETH-USD_1HOUR_updates.jsonl",
    WS + "v4_trades_ETH-USD_subscribed.json",
    WS + "v4_trades_ETH-USD_channel_data.json",
    WS + "v4_orderbook_APE-USD_subscribed_crossed.json",
    "dydx-testnet-ws/v4_orderbook_ETH-USD_connected+snapshot+batch.jsonl",
    *(
        f"dydx-nautilus/websocket/{name}.json"
        for name in (
            "v4_accounts_subscribed",
            "v4_accounts_fills",
            "v4_accounts_channel_data_order_opened",
            "v4_accounts_channel_data_order_canceled",
            "v4_accounts_channel_data_order",
            "v4_accounts_channel_data_transfers",
            "v4_accounts_rewards",
            "v4_block_height_subscribed",
            "v4_candles_subscribed",
            "v4_candles_channel_data",
            "v4_markets_channel_data",
            "v4_markets_oracle_price",
            "v4_markets_trading_data",
            "v4_orderbook",
            "v4_orderbook_snapshot",
            "v4_trades",
            "connected",
        )
    ),
]
REST = [
    ("dydx-abacus/rest/v4_fills_100.json", {"fills": [shape.FILL]}),
    ("dydx-abacus/rest/v4_transfers.json", {"transfers": [shape.TRANSFER]}),
    (
        "dydx-abacus/rest/v4_addresses_dydx18p7.json",
        {"subaccounts": [shape.SUBACCOUNT], "totalTradingRewards": "D"},
    ),
    ("dydx-abacus/rest/v4_historical_funding_ETH-USD_1.json", {"historicalFunding": [shape.FUNDING]}),
    ("dydx-nautilus/http/addresses.json", {"subaccounts": [shape.SUBACCOUNT], "totalTradingRewards": "D"}),
    ("dydx-nautilus/http/asset_positions.json", {"positions": [shape.ASSET]}),
    ("dydx-nautilus/http/fills.json", {"fills": [shape.FILL]}),
    ("dydx-nautilus/http/list_perpetual_markets_v8.json", shape.MARKETS),
    ("dydx-nautilus/http/list_perpetual_markets.json.gz", shape.MARKETS),
    ("dydx-perpetual-markets/market_info_2024-11.json.gz", shape.MARKETS),
    ("dydx-nautilus/http/list_perpetual_positions.json", {"positions": [shape.POSITION]}),
    ("dydx-nautilus/http/order.json", shape.ORDER),
    ("dydx-nautilus/http/orders.json", [shape.ORDER]),
    ("dydx-nautilus/http/subaccount.json", {"subaccount": shape.SUBACCOUNT}),
]
SNAPSHOTS = {
    "v4_orderbook": shape.BOOK,
    "v4_trades": shape.TRADES,
    "v4_markets": shape.MARKETS,
    "v4_candles": shape.CANDLES,
    "v4_block_height": shape.HEIGHT,
    "v4_subaccounts": shape.SNAPSHOT,
    "v4_parent_subaccounts": shape.PARENT_SNAPSHOT,
}
UPDATES = {
    "v4_orderbook": shape.BOOK_UPDATE,
    "v4_trades": shape.TRADE_UPDATE,
    "v4_markets": shape.MARKETS_UPDATE,
    "v4_candles": shape.CANDLE,
    "v4_block_height": shape.HEIGHT_UPDATE,
    "v4_subaccounts": shape.UPDATE,
    "v4_parent_subaccounts": shape.UPDATE,
}
ENVELOPE = {"type", "connection_id", "message_id", "id", "channel", "version", "contents", "subaccountNumber"}


def unknown(value: Any, of: Any, where: str) -> Iterator[tuple[str, str]]:
    """Keys that a value has and its shape has not, each with the key it stands under."""
    if isinstance(value, list) and isinstance(of, list):
        for each in value:
            yield from unknown(each, of[0], where)
    elif isinstance(value, dict) and isinstance(of, dict):
        if "*" in of:
            for each in value.values():
                yield from unknown(each, of["*"], where)
            return
        named = {key.lstrip("?"): kind for key, kind in of.items()}
        for key, each in value.items():
            if key not in named:
                yield key, where
            else:
                yield from unknown(each, named[key], key)


@pytest.mark.parametrize("name", FILES, ids=lambda name: name.rpartition("/")[2])
def test_messages(name: str) -> None:
    for text in real.messages(name):
        message = json.loads(text)
        assert set(message) <= ENVELOPE
        if "contents" not in message:
            continue
        channel = message["channel"]
        of = SNAPSHOTS if message["type"] == "subscribed" else UPDATES
        whole = message["contents"] if isinstance(message["contents"], list) else [message["contents"]]
        found = {key for each in whole for key in unknown(each, of[channel], channel)}
        assert found <= set(EXCEPTIONS), found - set(EXCEPTIONS)


@pytest.mark.parametrize(("name", "of"), REST, ids=lambda each: str(each).rpartition("/")[2][:40])
def test_answers(name: str, of: Any) -> None:
    found = set(unknown(json.loads(real.read(name)), of, "rest"))
    assert found <= set(EXCEPTIONS), found - set(EXCEPTIONS)


def test_every_exception_is_one() -> None:
    met: set[tuple[str, str]] = set()
    for name in FILES:
        for text in real.messages(name):
            message = json.loads(text)
            whole = message.get("contents", [])
            of = SNAPSHOTS if message["type"] == "subscribed" else UPDATES
            for each in whole if isinstance(whole, list) else [whole]:
                met |= set(unknown(each, of[message["channel"]], message["channel"]))
    for name, shaped in REST:
        met |= set(unknown(json.loads(real.read(name)), shaped, "rest"))
    assert met == set(EXCEPTIONS)
