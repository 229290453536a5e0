"""The shapes of websocket.md and rest.md: which keys an object has and of which type, as tables.

A shape maps a key to its type: S text, D decimal text without exponent, H text of a whole number, T time, N whole
number, B truth value, U uuid, E 24 hex digits, or another shape. `?` before a key: it may be missing. `~` after a type:
it may be null. A list holds the shape of its elements; a dict with the key "*" that of its values.
"""

from __future__ import annotations

import re
from typing import Any

S, D, H, T, N, B, U, E = "SDHTNBUE"
PATTERNS = {
    D: re.compile(r"-?(0|[1-9]\d*)(\.\d+)?"),
    H: re.compile(r"0|[1-9]\d*"),
    T: re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"),
    U: re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
    E: re.compile(r"[0-9a-f]{24}"),
}
Shape = Any

MARKET: Shape = {
    "clobPairId": H, "ticker": S, "status": S, "oraclePrice": D, "priceChange24H": D, "volume24H": D,
    "trades24H": N, "nextFundingRate": D, "initialMarginFraction": D, "maintenanceMarginFraction": D,
    "openInterest": D, "atomicResolution": N, "quantumConversionExponent": N, "tickSize": D, "stepSize": D,
    "stepBaseQuantums": N, "subticksPerTick": N, "marketType": S, "openInterestLowerCap": D,
    "openInterestUpperCap": D, "baseOpenInterest": D, "defaultFundingRate1H": D,
}  # fmt: skip
MARKETS: Shape = {"markets": {"*": MARKET}}
LEVEL: Shape = {"price": D, "size": D}
BOOK: Shape = {"bids": [LEVEL], "asks": [LEVEL]}
BOOK_UPDATE: Shape = {"?bids": [[D]], "?asks": [[D]]}
TRADE: Shape = {"id": E, "side": S, "size": D, "price": D, "type": S, "createdAt": T, "createdAtHeight": H}
TRADES: Shape = {"trades": [TRADE]}
TRADE_UPDATE: Shape = {"trades": [{key: kind for key, kind in TRADE.items() if key != "createdAtHeight"}]}
CANDLE: Shape = {
    "startedAt": T, "ticker": S, "resolution": S, "low": D, "high": D, "open": D, "close": D, "baseTokenVolume": D,
    "usdVolume": D, "trades": N, "startingOpenInterest": D, "orderbookMidPriceOpen": D + "~",
    "orderbookMidPriceClose": D + "~",
}  # fmt: skip
CANDLES: Shape = {"candles": [CANDLE]}
HEIGHT: Shape = {"height": H, "time": T}
HEIGHT_UPDATE: Shape = {"blockHeight": H, "time": T}
ASSET: Shape = {"size": D, "symbol": S, "side": S, "assetId": H, "subaccountNumber": N}
POSITION: Shape = {
    "market": S, "status": S, "side": S, "size": D, "maxSize": D, "entryPrice": D, "exitPrice": D + "~",
    "realizedPnl": D, "unrealizedPnl": D, "createdAt": T, "createdAtHeight": H, "closedAt": T + "~", "sumOpen": D,
    "sumClose": D, "netFunding": D, "subaccountNumber": N,
}  # fmt: skip
SUBACCOUNT: Shape = {
    "address": S, "subaccountNumber": N, "equity": D, "freeCollateral": D, "openPerpetualPositions": {"*": POSITION},
    "assetPositions": {"*": ASSET}, "marginEnabled": B, "updatedAtHeight": H, "latestProcessedBlockHeight": H,
}  # fmt: skip
PARENT: Shape = {
    "address": S, "parentSubaccountNumber": N, "equity": D, "freeCollateral": D, "childSubaccounts": [SUBACCOUNT],
}  # fmt: skip
ORDER: Shape = {
    "id": U, "subaccountId": U, "clientId": H, "clobPairId": H, "side": S, "size": D, "totalFilled": D, "price": D,
    "type": S, "status": S, "timeInForce": S, "reduceOnly": B, "orderFlags": H, "?goodTilBlock": H,
    "?goodTilBlockTime": T, "?createdAtHeight": H, "clientMetadata": H, "?triggerPrice": D, "?updatedAt": T,
    "?updatedAtHeight": H, "?orderRouterAddress": S, "?removalReason": S, "postOnly": B, "ticker": S,
    "subaccountNumber": N,
}  # fmt: skip
ORDER_UPDATE: Shape = {
    "id": U, "subaccountId": U, "clientId": H, "orderFlags": H, "status": S, "clobPairId": H, "ticker": S, "side": S,
    "size": D, "price": D, "type": S, "timeInForce": S, "postOnly": B, "reduceOnly": B, "?totalFilled": D,
    "?totalOptimisticFilled": D, "?goodTilBlock": H + "~", "?goodTilBlockTime": T + "~", "?triggerPrice": D + "~",
    "?createdAtHeight": H, "?updatedAt": T, "?updatedAtHeight": H, "clientMetadata": H, "?removalReason": S,
}  # fmt: skip
FILL: Shape = {
    "id": U, "side": S, "liquidity": S, "type": S, "market": S, "marketType": S, "price": D, "size": D, "fee": D,
    "affiliateRevShare": D, "createdAt": T, "createdAtHeight": H, "?orderId": U, "?clientMetadata": H,
    "subaccountNumber": N, "?positionSizeBefore": D, "?entryPriceBefore": D, "?positionSideBefore": S,
}  # fmt: skip
FILL_UPDATE: Shape = {
    "id": U, "subaccountId": U, "side": S, "liquidity": S, "type": S, "clobPairId": H, "ticker": S, "size": D,
    "price": D, "quoteAmount": D, "fee": D, "eventId": E, "?orderId": U, "transactionHash": S, "createdAt": T,
    "createdAtHeight": H, "clientMetadata": H,
}  # fmt: skip
POSITION_UPDATE: Shape = {
    "address": S, "subaccountNumber": N, "positionId": U, "market": S, "side": S, "status": S, "size": D,
    "maxSize": D, "netFunding": D, "entryPrice": D, "exitPrice": D + "~", "sumOpen": D, "sumClose": D,
    "realizedPnl": D, "unrealizedPnl": D,
}  # fmt: skip
ASSET_UPDATE: Shape = {
    "address": S, "subaccountNumber": N, "positionId": U, "assetId": H, "symbol": S, "side": S, "size": D,
}  # fmt: skip
PARTY: Shape = {"address": S, "?subaccountNumber": N}
TRANSFER_UPDATE: Shape = {
    "sender": PARTY, "recipient": PARTY, "symbol": S, "size": D, "type": S, "createdAt": T, "createdAtHeight": H,
    "transactionHash": S,
}  # fmt: skip
TRANSFER: Shape = TRANSFER_UPDATE | {"id": U}
PARENT_PARTY: Shape = {"address": S, "?parentSubaccountNumber": N}
PARENT_TRANSFER: Shape = TRANSFER | {"sender": PARENT_PARTY, "recipient": PARENT_PARTY}
UPDATE: Shape = {
    "?perpetualPositions": [POSITION_UPDATE], "?assetPositions": [ASSET_UPDATE], "?orders": [ORDER_UPDATE],
    "?fills": [FILL_UPDATE], "?transfers": TRANSFER_UPDATE, "blockHeight": H,
}  # fmt: skip
SNAPSHOT: Shape = {"subaccount": SUBACCOUNT, "orders": [ORDER], "blockHeight": H}
PARENT_SNAPSHOT: Shape = SNAPSHOT | {"subaccount": PARENT}
FUNDING: Shape = {"ticker": S, "rate": D, "price": D, "effectiveAtHeight": H, "effectiveAt": T}
PROFIT: Shape = {
    "equity": D, "totalPnl": D, "netTransfers": D, "createdAt": T, "blockHeight": H, "blockTime": T,
}  # fmt: skip
PNL: Shape = {"equity": D, "netTransfers": D, "totalPnl": D, "createdAt": T, "createdAtHeight": H}
PAYMENT: Shape = {
    "createdAt": T, "createdAtHeight": H, "perpetualId": H, "ticker": S, "oraclePrice": D, "size": D, "side": S,
    "rate": D, "payment": D, "subaccountNumber": H, "fundingIndex": D,
}  # fmt: skip
ORACLE: Shape = {"oraclePrice": D, "effectiveAt": T, "effectiveAtHeight": H, "marketId": N}
TRADING: Shape = {
    f"?{key}": kind for key, kind in (MARKET | {"id": H, "marketId": N}).items() if key != "oraclePrice"
}
MARKETS_UPDATE: Shape = {"?trading": {"*": TRADING}, "?oraclePrices": {"*": ORACLE}}


def check(value: Any, shape: Shape, where: str = "") -> None:
    """Assert that a value has a shape."""
    if isinstance(shape, str):
        kind = shape[0]
        if value is None:
            assert shape.endswith("~"), f"{where} is null"
        elif kind == N:
            assert type(value) is int, f"{where}: {value!r} is no whole number"
        elif kind == B:
            assert type(value) is bool, f"{where}: {value!r} is no truth value"
        else:
            assert isinstance(value, str), f"{where}: {value!r} is no text"
            pattern = PATTERNS.get(kind)
            assert pattern is None or pattern.fullmatch(value), f"{where}: {value!r} is no {kind}"
    elif isinstance(shape, list):
        assert isinstance(value, list), f"{where}: {value!r} is no list"
        for number, each in enumerate(value):
            check(each, shape[0], f"{where}[{number}]")
    else:
        assert isinstance(value, dict), f"{where}: {value!r} is no object"
        if "*" in shape:
            for key, each in value.items():
                check(each, shape["*"], f"{where}.{key}")
            return
        named = {key.lstrip("?"): kind for key, kind in shape.items()}
        assert set(value) <= set(named), f"{where} has {set(value) - set(named)}"
        missing = {key for key in shape if key[0] != "?" and key not in value}
        assert not missing, f"{where} lacks {missing}"
        for key, each in value.items():
            check(each, named[key], f"{where}.{key}")


def keys(shape: Shape) -> set[str]:
    """The keys of a shape."""
    return {key.lstrip("?") for key in shape}
