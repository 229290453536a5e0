"""An Indexer's REST with one account that a test scripts: markets, height, orders, fills, subaccount."""

from __future__ import annotations

import json
from typing import Any

from sniper.order_ids import order_uuid, subaccount_uuid
from tests.durable import ADDRESS
from tests.loopback import Call, Reply
from tests.ordering import MARKETS

SUBACCOUNT_ID = subaccount_uuid(ADDRESS, 0)


def market(ticker: str) -> dict[str, Any]:
    return MARKETS[ticker] | {"ticker": ticker, "status": "ACTIVE"}


def id_of(client_id: int, flags: int = 0, pair: int = 0) -> str:
    return order_uuid(SUBACCOUNT_ID, client_id, pair, flags)


def order(client_id: int, status: str = "OPEN", filled: str = "0", **changed: Any) -> dict[str, Any]:
    """A short-term BTC-USD order of 5 steps, as REST shows it."""
    flags = int(changed.pop("orderFlags", 0))
    return {
        "id": id_of(client_id, flags),
        "subaccountId": SUBACCOUNT_ID,
        "clientId": str(client_id),
        "clobPairId": "0",
        "side": "BUY",
        "size": "0.0005",
        "totalFilled": filled,
        "price": "100000",
        "type": "LIMIT",
        "status": status,
        "timeInForce": "IOC",
        "reduceOnly": False,
        "orderFlags": str(flags),
        "goodTilBlock": "70",
        "createdAtHeight": "60",
        "clientMetadata": "0",
        "updatedAt": "2026-01-01T00:00:00.000Z",
        "updatedAtHeight": "61",
        "postOnly": False,
        "ticker": "BTC-USD",
        "subaccountNumber": 0,
    } | changed


def fill(
    number: int, client_id: int, size: str = "0.0002", height: int = 65, **changed: Any
) -> dict[str, Any]:
    return {
        "id": f"fill-{number}",
        "side": "BUY",
        "liquidity": "TAKER",
        "type": "LIMIT",
        "market": "BTC-USD",
        "marketType": "PERPETUAL",
        "price": "100000",
        "size": size,
        "fee": "0.01",
        "createdAt": "2026-01-01T00:00:00.000Z",
        "createdAtHeight": str(height),
        "orderId": id_of(client_id),
        "clientMetadata": "0",
        "subaccountNumber": 0,
    } | changed


class Account:
    """What the server answers. statuses: an answer other than 200 of an endpoint."""

    def __init__(self) -> None:
        self.height: int | str = 100
        self.orders: list[dict[str, Any]] = []
        self.fills: list[dict[str, Any]] = []
        self.size = ""
        self.children: dict[int, str] = {}
        """Sizes of BTC-USD of the children, by number."""
        self.statuses: dict[str, int] = {}

    def reply(self, call: Call) -> Reply:
        name = call.path.split("/")[2]
        number = int(call.query.get("subaccountNumber", "0"))
        found: Any = {
            "perpetualMarkets": {"markets": {ticker: market(ticker) for ticker in MARKETS}},
            "height": {"height": str(self.height), "time": "2026-01-01T00:01:00.000Z"},
            "orders": [one for one in self.orders if one["subaccountNumber"] == number],
            "fills": {"fills": [one for one in self.fills if one["subaccountNumber"] == number]},
            "addresses": {"subaccount": self.parent()},
        }[name]
        status = self.statuses.get(name, 200)
        return status, {}, json.dumps(found if status == 200 else {"errors": [{"msg": "no"}]}).encode()

    def parent(self) -> dict[str, Any]:
        """The subaccount with its children."""
        sizes = {0: self.size, **self.children}
        parts = [self.subaccount(number, size) for number, size in sizes.items()]
        return {"address": ADDRESS, "parentSubaccountNumber": 0, "equity": "0", "freeCollateral": "0"} | {
            "childSubaccounts": parts
        }

    def subaccount(self, number: int, size: str) -> dict[str, Any]:
        positions = {}
        if size:
            positions["BTC-USD"] = {
                "market": "BTC-USD",
                "status": "OPEN",
                "side": "SHORT" if size.startswith("-") else "LONG",
                "size": size,
                "entryPrice": "100000",
                "netFunding": "0",
                "createdAt": "2026-01-01T00:00:00.000Z",
                "subaccountNumber": number,
            }
        return {
            "address": ADDRESS,
            "subaccountNumber": number,
            "equity": "1000",
            "freeCollateral": "1000",
            "openPerpetualPositions": positions,
            "assetPositions": {
                "USDC": {
                    "size": "1000",
                    "symbol": "USDC",
                    "side": "LONG",
                    "assetId": "0",
                    "subaccountNumber": number,
                }
            },
            "marginEnabled": True,
            "updatedAtHeight": str(self.height),
            "latestProcessedBlockHeight": str(self.height),
        }
