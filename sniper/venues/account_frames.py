"""What the Indexer says of a subaccount, item by item, with its own keys in its own order (websocket.md 6.6).

Each function gives plain dicts and lists for JSON; numbers are exact decimal text. Prices of averages carry 20
decimals, as the Indexer's own division does.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any, NamedTuple

from sniper.decimals import text
from sniper.feed.sim.text import iso, quotient
from sniper.order_ids import fill_uuid, indexer_uuid, position_uuid, subaccount_uuid
from sniper.quantums import notional
from sniper.venues.ledger import Holding
from sniper.venues.order import UNTRIGGERED, PaperOrder
from sniper.venues.terms import Price, Terms

Item = dict[str, Any]

SIDES = ("BUY", "SELL")
REASON = "ORDER_REMOVAL_REASON_"
EXPIRED, USER_CANCELED, UNDERCOLLATERALIZED, INTERNAL_ERROR = (
    "EXPIRED",
    "USER_CANCELED",
    "UNDERCOLLATERALIZED",
    "INTERNAL_ERROR",
)
SELF_TRADE, POST_ONLY_WOULD_CROSS = "SELF_TRADE_ERROR", "POST_ONLY_WOULD_CROSS_MAKER_ORDER"
WOULD_REST, RESIZED, REPLACED = (
    "IMMEDIATE_OR_CANCEL_WOULD_REST_ON_BOOK",
    "REDUCE_ONLY_RESIZE",
    "REPLACED",
)
EQUITY_TIER, FINAL_SETTLEMENT = "EQUITY_TIER", "FINAL_SETTLEMENT"
VIOLATES_ISOLATED = "VIOLATES_ISOLATED_SUBACCOUNT_CONSTRAINTS"
_TYPES = {"": "LIMIT", "stop_loss": "STOP_LIMIT", "take_profit": "TAKE_PROFIT"}


class Owner(NamedTuple):
    """Whose account it is."""

    address: str
    subaccount: int

    @property
    def id(self) -> str:
        """The Indexer's id of the subaccount."""
        return subaccount_uuid(self.address, self.subaccount)


class Match(NamedTuple):
    """One fill of ours. base in BQ; quote and fee in QQ, the fee negative for a rebate.

    event: 24 hex digits, unique. price: as text, because deleveraging is not bound to ticks.
    """

    market: int
    side: int
    base: int
    quote: int
    fee: int
    price: str
    taker: bool
    kind: str
    event: str
    order_id: str
    height: int
    at_ns: int


def coins(terms: Terms, base: int) -> str:
    """A size in BQ as the Indexer writes it: signed, in coins."""
    return text(base, -terms.atomic)


def usd(quote: int) -> str:
    """An amount in QQ as the Indexer writes it."""
    return text(quote, 6)


def price_text(terms: Terms, ticks: int) -> str:
    """A price in ticks as the Indexer writes it."""
    return text(ticks * terms.tick, terms.tick_decimals)


def average(terms: Terms, quote: int, base: int) -> str:
    """quote QQ for base BQ (> 0) as a price in USD a coin."""
    power = -6 - terms.atomic
    if power >= 0:
        return quotient(quote * 10**power, base)
    return quotient(quote, base * 10**-power)


def order_item(owner_id: str, terms: Terms, order: PaperOrder, status: str) -> Item:
    """An order as the first part of any news of it: what does not change, and its status."""
    item: Item = {
        "id": order.order_id,
        "subaccountId": owner_id,
        "clientId": str(order.client_id),
        "clobPairId": str(terms.clob_pair),
        "side": SIDES[order.side],
        "size": coins(terms, order.size * terms.step_quantums),
        "price": price_text(terms, order.price),
        "status": status,
        "type": _TYPES[order.trigger],
        "timeInForce": "IOC" if order.time_in_force == "ioc" else "GTT",
        "postOnly": order.time_in_force == "post_only",
        "reduceOnly": order.reduce_only,
        "orderFlags": str(order.flags),
    }
    if order.short_term:
        item["goodTilBlock"] = str(order.good_til_block)
    else:
        item["goodTilBlockTime"] = iso(order.good_til_s * 1_000_000_000)
    if order.trigger:
        item["triggerPrice"] = price_text(terms, order.trigger_ticks)
    return item | {"ticker": terms.ticker, "clientMetadata": "0"}


def filled_text(terms: Terms, order: PaperOrder) -> str:
    """How much of an order is filled."""
    return coins(terms, order.filled * terms.step_quantums)


def removal(owner_id: str, terms: Terms, order: PaperOrder, reason: str) -> Item:
    """A short-term order was taken off the book, as its node says before any block."""
    status = "CANCELED" if reason == EXPIRED else "BEST_EFFORT_CANCELED"
    item = order_item(owner_id, terms, order, status)
    return item | {"totalOptimisticFilled": filled_text(terms, order), "removalReason": REASON + reason}


def in_block(
    owner_id: str, terms: Terms, order: PaperOrder, status: str, reason: str, height: int, at_ns: int
) -> Item:
    """What a block did to an order."""
    item = order_item(owner_id, terms, order, status) | {"totalFilled": filled_text(terms, order)}
    if order.placed_height:
        item["createdAtHeight"] = str(order.placed_height)
    item |= {"updatedAt": iso(at_ns), "updatedAtHeight": str(height)}
    return item | ({"removalReason": REASON + reason} if reason else {})


def fill_item(owner_id: str, terms: Terms, match: Match) -> Item:
    """One fill."""
    liquidity = "TAKER" if match.taker else "MAKER"
    item: Item = {
        "id": fill_uuid(match.event, liquidity),
        "fee": usd(match.fee),
        "side": SIDES[match.side],
        "size": coins(terms, match.base),
        "type": match.kind,
        "price": match.price,
        "eventId": match.event,
    }
    if match.order_id:
        item["orderId"] = match.order_id
    return item | {
        "createdAt": iso(match.at_ns),
        "liquidity": liquidity,
        "clobPairId": str(terms.clob_pair),
        "quoteAmount": usd(match.quote),
        "subaccountId": owner_id,
        "clientMetadata": "0",
        "createdAtHeight": str(match.height),
        "transactionHash": sha256(match.event.encode("ascii")).hexdigest().upper(),
        "ticker": terms.ticker,
    }


def position_item(owner: Owner, terms: Terms, holding: Holding, oracle: Price, long: bool) -> Item:
    """A position after a change; `long`: the side it has, or had before it was closed."""
    entry = average(terms, holding.opened_quote, holding.opened)
    item: Item = {
        "address": owner.address,
        "subaccountNumber": owner.subaccount,
        "positionId": position_uuid(owner.id, holding.event),
        **_held(terms, holding, long),
        "netFunding": usd(holding.funding),
        "entryPrice": entry,
        "exitPrice": None,
        "sumOpen": coins(terms, holding.opened),
        "sumClose": coins(terms, holding.closed),
    }
    realised = holding.funding
    if holding.closed:
        item["exitPrice"] = average(terms, holding.closed_quote, holding.closed)
        bought = holding.opened_quote * holding.closed // holding.opened
        realised += holding.closed_quote - bought if long else bought - holding.closed_quote
    open_cost = holding.opened_quote * abs(holding.base) // holding.opened
    unrealised = notional(holding.base, terms.atomic, oracle.number, oracle.decimals)
    unrealised -= open_cost if long else -open_cost
    return item | {"realizedPnl": usd(realised), "unrealizedPnl": usd(unrealised if holding.base else 0)}


def _held(terms: Terms, holding: Holding, long: bool) -> Item:
    return {
        "market": terms.ticker,
        "side": "LONG" if long else "SHORT",
        "status": "OPEN" if holding.base else "CLOSED",
        "size": coins(terms, holding.base),
        "maxSize": coins(terms, holding.most if long else -holding.most),
    }


def asset_item(owner: Owner, quote: int) -> Item:
    """The USDC balance: unsigned, with the sign in its side."""
    return {
        "address": owner.address,
        "subaccountNumber": owner.subaccount,
        "positionId": indexer_uuid(f"{owner.id}-0"),
        "assetId": "0",
        "symbol": "USDC",
        "side": "LONG" if quote > 0 else "SHORT",
        "size": usd(abs(quote)),
    }


def snapshot(
    owner: Owner, usdc: int, equity: int, free: int, height: int, positions: Item, orders: Iterable[Item]
) -> Item:
    """The contents of `subscribed`. positions: by ticker."""
    assets = {}
    if usdc:
        side = "LONG" if usdc > 0 else "SHORT"
        assets["USDC"] = {
            "size": usd(abs(usdc)),
            "symbol": "USDC",
            "side": side,
            "assetId": "0",
            "subaccountNumber": owner.subaccount,
        }
    return {
        "subaccount": {
            "address": owner.address,
            "subaccountNumber": owner.subaccount,
            "equity": usd(equity),
            "freeCollateral": usd(free),
            "openPerpetualPositions": positions,
            "assetPositions": assets,
            "marginEnabled": True,
            "updatedAtHeight": str(height),
            "latestProcessedBlockHeight": str(height),
        },
        "orders": list(orders),
        "blockHeight": str(height),
    }


def snapshot_order(owner: Owner, terms: Terms, order: PaperOrder) -> Item:
    """An order in a snapshot, as REST writes it."""
    status = "OPEN"
    if order.short_term:
        status = "OPEN" if order.filled else "BEST_EFFORT_OPENED"
    elif order.state == UNTRIGGERED:
        status = "UNTRIGGERED"
    item = order_item(owner.id, terms, order, status)
    return item | {"totalFilled": filled_text(terms, order), "subaccountNumber": owner.subaccount}


def snapshot_position(owner: Owner, terms: Terms, holding: Holding, oracle: Price) -> Item:
    """An open position in a snapshot: as in an update, but without its id."""
    item = position_item(owner, terms, holding, oracle, holding.base > 0)
    del item["address"], item["positionId"]
    return item
