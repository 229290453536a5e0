"""Messages of the Indexer for tests, as bytes, in the server's own key order."""

from __future__ import annotations

import json
from typing import Any

CONNECTION = "00000000-0000-4000-8000-00000000000a"
Levels = list[tuple[str, str]]


def text(message: dict[str, Any]) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode()


def connected(connection: str = CONNECTION) -> bytes:
    return text({"type": "connected", "connection_id": connection, "message_id": 0})


def market(ticker: str, tick: str = "1", step: str = "0.001", **fields: Any) -> dict[str, Any]:
    return {
        "clobPairId": "0",
        "ticker": ticker,
        "status": "ACTIVE",
        "oraclePrice": "100",
        "tickSize": tick,
    } | {
        "stepSize": step,
        **fields,
    }


def markets(*found: dict[str, Any], message_id: int = 1, connection: str = CONNECTION) -> bytes:
    contents = {"markets": {m["ticker"]: m for m in found}}
    return text(
        {"type": "subscribed", "connection_id": connection, "message_id": message_id, "channel": "v4_markets"}
        | {"contents": contents}
    )


def trading(message_id: int, connection: str = CONNECTION, **found: dict[str, Any]) -> bytes:
    return data(
        "v4_markets",
        None,
        message_id,
        {"trading": {k.replace("_", "-"): v for k, v in found.items()}},
        connection,
    )


def data(
    channel: str, id_: str | None, message_id: int, contents: Any, connection: str = CONNECTION
) -> bytes:
    kind = "channel_batch_data" if isinstance(contents, list) else "channel_data"
    named = {"id": id_} if id_ is not None else {}
    return text(
        {"type": kind, "connection_id": connection, "message_id": message_id}
        | named
        | {"channel": channel, "version": "1.0.0", "contents": contents}
    )


def snapshot(
    ticker: str, bids: Levels, asks: Levels, message_id: int = 2, connection: str = CONNECTION
) -> bytes:
    sides = {
        side: [{"price": price, "size": size} for price, size in levels]
        for side, levels in (("bids", bids), ("asks", asks))
    }
    return text(
        {"type": "subscribed", "connection_id": connection, "message_id": message_id}
        | {"channel": "v4_orderbook", "id": ticker, "contents": sides}
    )


def book(
    ticker: str,
    message_id: int,
    bids: Levels = (),
    asks: Levels = (),
    connection: str = CONNECTION,  # type: ignore[assignment]
) -> bytes:
    contents = {
        side: [list(level) for level in levels] for side, levels in (("bids", bids), ("asks", asks)) if levels
    }
    return data("v4_orderbook", ticker, message_id, contents, connection)


def trades(ticker: str, message_id: int, *found: tuple[str, str, str, str, str]) -> bytes:
    """Each trade: id, side, size, price, createdAt."""
    keys = ("id", "side", "size", "price", "createdAt")
    return data("v4_trades", ticker, message_id, {"trades": [dict(zip(keys, t, strict=True)) for t in found]})


def block(height: int, at: str, message_id: int, connection: str = CONNECTION) -> bytes:
    return data(
        "v4_block_height", "v4_block_height", message_id, {"blockHeight": str(height), "time": at}, connection
    )
