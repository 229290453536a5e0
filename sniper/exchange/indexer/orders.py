"""Orders as the Indexer keeps them: what its node said off chain (its cache) and what blocks said (its database).

One row an order holds both. `live`: the cache has it. `stored`: the database has it, which begins with the first
fill, or at once for stateful orders. A short-term order that leaves the cache unfilled is known no more.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from sniper.exchange import facts
from sniper.exchange.facts import ChainOrder, OrderId, SubaccountId
from sniper.exchange.indexer.writing import Item, scale
from sniper.exchange.terms import Terms
from sniper.feed.sim.text import iso
from sniper.order_ids import order_uuid, subaccount_uuid

SIDES: Final = {facts.BUY: "BUY", facts.SELL: "SELL"}
TYPES: Final = {
    facts.NO_CONDITION: "LIMIT",
    facts.STOP_LOSS: "STOP_LIMIT",
    facts.TAKE_PROFIT: "TAKE_PROFIT",
}
TIMES_IN_FORCE: Final = {
    facts.GTT: "GTT",
    facts.IOC: "IOC",
    facts.POST_ONLY: "GTT",
    facts.FILL_OR_KILL: "FOK",
}
OPENED, OPEN, FILLED = "BEST_EFFORT_OPENED", "OPEN", "FILLED"
CANCELLED, BEST_EFFORT_CANCELLED, UNTRIGGERED = "CANCELED", "BEST_EFFORT_CANCELED", "UNTRIGGERED"
REASONS: Final = (
    "UNSPECIFIED",
    "EXPIRED",
    "USER_CANCELED",
    "UNDERCOLLATERALIZED",
    "INTERNAL_ERROR",
    "SELF_TRADE_ERROR",
    "POST_ONLY_WOULD_CROSS_MAKER_ORDER",
    "IMMEDIATE_OR_CANCEL_WOULD_REST_ON_BOOK",
    "FOK_ORDER_COULD_NOT_BE_FULLY_FULLED",
    "REDUCE_ONLY_RESIZE",
    "INDEXER_EXPIRED",
    "REPLACED",
    "FULLY_FILLED",
    "EQUITY_TIER",
    "FINAL_SETTLEMENT",
    "VIOLATES_ISOLATED_SUBACCOUNT_CONSTRAINTS",
)
USER_CANCELLED, FULLY_FILLED = REASONS.index("USER_CANCELED"), REASONS.index("FULLY_FILLED")

owner_uuid = lru_cache(maxsize=65_536)(subaccount_uuid)


class Row:
    """One order. filled: BQ in blocks; cached: BQ as the node says; resting: BQ that its level counts for it."""

    __slots__ = (
        "_id",
        "cached",
        "created_height",
        "filled",
        "live",
        "order",
        "owner_id",
        "reason",
        "resting",
        "rests",
        "status",
        "stored",
        "updated_height",
        "updated_ns",
    )

    def __init__(self, order: ChainOrder) -> None:
        self.order = order
        subaccount = order.id.subaccount
        self.owner_id = owner_uuid(subaccount.owner, subaccount.number)
        self._id = ""
        self.live = self.stored = self.rests = False
        self.status = OPENED
        self.reason = ""
        self.filled = self.cached = self.resting = 0
        self.created_height = self.updated_height = self.updated_ns = 0

    def copy(self) -> Row:
        """Another one with the same."""
        found = Row.__new__(Row)
        found.order, found.owner_id, found._id = self.order, self.owner_id, self._id
        found.live, found.stored, found.rests = self.live, self.stored, self.rests
        found.status, found.reason = self.status, self.reason
        found.filled, found.cached, found.resting = self.filled, self.cached, self.resting
        found.created_height, found.updated_height = self.created_height, self.updated_height
        found.updated_ns = self.updated_ns
        return found

    @property
    def id(self) -> str:
        """The Indexer's id: most orders come and go without anybody asking for it."""
        if not self._id:
            key = self.order.id
            self._id = order_uuid(self.owner_id, key.client_id, key.clob_pair, key.flags)
        return self._id


class OrderTable:
    """All orders, by the chain's id and by the Indexer's; of those that are over the oldest are forgotten."""

    def __init__(self, orders_max: int, live_max: int) -> None:
        self._orders_max = orders_max
        self._live_max = live_max
        self._rows: dict[OrderId, Row] = {}
        self._by_uuid: dict[str, Row] = {}  # but for the rows that `_unnamed` holds
        self._unnamed: dict[OrderId, Row] = {}
        self._of: dict[SubaccountId, dict[OrderId, Row]] = {}
        # The first of a plain dict is found behind all that were taken away before it.
        self._over: OrderedDict[OrderId, None] = OrderedDict()  # stored and not live, oldest first
        self._live: OrderedDict[OrderId, None] = OrderedDict()
        self._cancelled: OrderedDict[OrderId, str] = OrderedDict()

    def copy(self) -> OrderTable:
        """Another table with the same rows, each its own."""
        found = OrderTable(self._orders_max, self._live_max)
        found._rows = {order_id: row.copy() for order_id, row in self._rows.items()}
        found._by_uuid = {uuid: found._rows[row.order.id] for uuid, row in self._by_uuid.items()}
        found._unnamed = {order_id: found._rows[order_id] for order_id in self._unnamed}
        found._of = {owner: {each: found._rows[each] for each in rows} for owner, rows in self._of.items()}
        found._over, found._live = OrderedDict(self._over), OrderedDict(self._live)
        found._cancelled = OrderedDict(self._cancelled)
        return found

    def get(self, order: OrderId) -> Row | None:
        """The row of an order."""
        return self._rows.get(order)

    def by_uuid(self, uuid: str) -> Row | None:
        """The row with the Indexer's id."""
        for row in self._unnamed.values():
            self._by_uuid[row.id] = row
        self._unnamed.clear()
        return self._by_uuid.get(uuid)

    def of(self, subaccount: SubaccountId) -> Iterable[Row]:
        """The rows of a subaccount."""
        return self._of.get(subaccount, {}).values()

    def opened(self, order: ChainOrder) -> Row:
        """The cache takes an order in; one with its id that is there takes over its terms."""
        row = self._row(order)
        row.live, row.rests, row.resting = True, False, 0
        row.reason = ""
        if row.stored:
            self._over.pop(order.id, None)
        self._cancelled.pop(order.id, None)
        self._live[order.id] = None
        if len(self._live) > self._live_max:
            self.closed(self._rows[next(iter(self._live))])
        return row

    def store(self, order: ChainOrder) -> Row:
        """The database takes an order in."""
        row = self._row(order)
        row.stored = True
        if not row.live:
            self._end(row)
        return row

    def cancelled(self, order: OrderId) -> str:
        """The status of an order that the node let go of, "" otherwise: what a later fill of it leaves it with."""
        return self._cancelled.get(order, "")

    def closed(self, row: Row, status: str = "") -> None:
        """The cache lets go of an order. status: the one it is left with, "" where a block says so."""
        row.live, row.rests, row.resting = False, False, 0
        order_id = row.order.id
        self._live.pop(order_id, None)
        if status:
            self._cancelled[order_id] = status
            if len(self._cancelled) > self._orders_max:
                del self._cancelled[next(iter(self._cancelled))]
        if row.stored:
            self._end(row)
        else:
            self._forget(order_id)

    def _row(self, order: ChainOrder) -> Row:
        order_id = order.id
        row = self._rows.get(order_id)
        if row is None:
            row = self._rows[order_id] = self._unnamed[order_id] = Row(order)
            rows = self._of.get(order_id.subaccount)
            if rows is None:
                self._of[order_id.subaccount] = {order_id: row}
            else:
                rows[order_id] = row
        row.order = order
        return row

    def _end(self, row: Row) -> None:
        self._over.pop(row.order.id, None)
        self._over[row.order.id] = None
        if len(self._over) > self._orders_max:
            self._forget(next(iter(self._over)))

    def _forget(self, order: OrderId) -> None:
        row = self._rows.pop(order)
        if row.stored:
            self._over.pop(order, None)
        if self._unnamed.pop(order, None) is None:
            del self._by_uuid[row.id]
        rows = self._of[order.subaccount]
        del rows[order]
        if not rows:
            del self._of[order.subaccount]


def _terms(row: Row, terms: Terms) -> Item:
    order, written = row.order, scale(terms)
    return {
        "id": row.id,
        "subaccountId": row.owner_id,
        "clientId": str(order.id.client_id),
        "clobPairId": str(order.id.clob_pair),
        "side": SIDES[order.side],
        "size": written.size(order.quantums),
        "price": written.price(order.subticks),
        "type": TYPES[order.condition],
        "timeInForce": TIMES_IN_FORCE[order.time_in_force],
        "postOnly": order.time_in_force == facts.POST_ONLY,
        "reduceOnly": order.reduce_only,
        "orderFlags": str(order.id.flags),
    }


def _until(order: ChainOrder) -> Item:
    if order.good_til_block:
        return {"goodTilBlock": str(order.good_til_block)}
    return {"goodTilBlockTime": iso(order.good_til_s * 1_000_000_000)}


def _trigger(order: ChainOrder, terms: Terms) -> Item:
    return {"triggerPrice": scale(terms).price(order.trigger_subticks)} if order.condition else {}


def opened_item(row: Row, terms: Terms) -> Item:
    """The node took an order in."""
    item = _terms(row, terms)
    kept = {key: item.pop(key) for key in ("type", "timeInForce", "postOnly", "reduceOnly", "orderFlags")}
    item |= {"status": OPENED} | kept | _until(row.order) | {"ticker": terms.ticker}
    return item | _trigger(row.order, terms) | {"clientMetadata": str(row.order.client_metadata)}


def removed_item(row: Row, terms: Terms, status: str, reason: int, filled: int) -> Item:
    """The node let go of an order. filled: BQ that it saw filled, in blocks or not yet."""
    fixed = _terms(row, terms)
    item: Item = {
        key: fixed.pop(key) for key in ("id", "subaccountId", "clientId", "clobPairId", "side", "size")
    }
    item["totalOptimisticFilled"] = scale(terms).size(filled)
    item |= {"price": fixed.pop("price"), "type": fixed.pop("type"), "status": status} | fixed
    item |= _until(row.order) | _trigger(row.order, terms)
    item |= {"ticker": terms.ticker, "removalReason": f"ORDER_REMOVAL_REASON_{REASONS[reason]}"}
    if row.stored:
        item |= _stamps(row)
    return item | {"clientMetadata": str(row.order.client_metadata)}


def _stamps(row: Row) -> Item:
    item: Item = {"createdAtHeight": str(row.created_height)} if row.created_height else {}
    if row.updated_height:
        item |= {"updatedAt": iso(row.updated_ns), "updatedAtHeight": str(row.updated_height)}
    return item


def placed_item(row: Row, terms: Terms) -> Item:
    """A block took a stateful order in, triggered or ended it: the database's row, without what it leaves open."""
    item = _terms(row, terms) | {"status": row.status, "totalFilled": scale(terms).size(row.filled)}
    item |= _until(row.order) | _trigger(row.order, terms) | {"ticker": terms.ticker}
    if row.reason:
        item["removalReason"] = row.reason
    return item | _stamps(row) | {"clientMetadata": str(row.order.client_metadata)}


def filled_item(row: Row, terms: Terms) -> Item:
    """A block filled an order: the database's row as it is, nulls included."""
    order, fixed = row.order, _terms(row, terms)
    return {
        "id": row.id,
        "side": fixed["side"],
        "size": fixed["size"],
        "type": fixed["type"],
        "price": fixed["price"],
        "status": row.status,
        "clientId": fixed["clientId"],
        "updatedAt": iso(row.updated_ns),
        "clobPairId": fixed["clobPairId"],
        "orderFlags": fixed["orderFlags"],
        "reduceOnly": fixed["reduceOnly"],
        "timeInForce": fixed["timeInForce"],
        "totalFilled": scale(terms).size(row.filled),
        "goodTilBlock": str(order.good_til_block) if order.good_til_block else None,
        "subaccountId": row.owner_id,
        "triggerPrice": scale(terms).price(order.trigger_subticks) if order.condition else None,
        "clientMetadata": str(order.client_metadata),
        "createdAtHeight": str(row.created_height),
        "updatedAtHeight": str(row.updated_height),
        "goodTilBlockTime": None if order.good_til_block else iso(order.good_til_s * 1_000_000_000),
        "postOnly": fixed["postOnly"],
        "ticker": terms.ticker,
    }


def shown_status(row: Row) -> str:
    """The status that REST gives."""
    return row.status if row.stored else OPENED


def rest_item(row: Row, terms: Terms) -> Item:
    """An order as REST gives it: the database's row; for one that only the cache knows, what it knows."""
    item = _terms(row, terms)
    filled = scale(terms).size(row.filled) if row.stored else "0"
    order: Item = {key: item[key] for key in ("id", "subaccountId", "clientId", "clobPairId", "side", "size")}
    order |= {
        "totalFilled": filled,
        "price": item["price"],
        "type": item["type"],
        "status": shown_status(row),
    }
    order |= {"timeInForce": item["timeInForce"], "reduceOnly": item["reduceOnly"]}
    order |= {"orderFlags": item["orderFlags"]} | _until(row.order)
    if row.stored and row.created_height:
        order["createdAtHeight"] = str(row.created_height)
    order |= {"clientMetadata": str(row.order.client_metadata)} | _trigger(row.order, terms)
    if row.stored:
        order |= {"updatedAt": iso(row.updated_ns), "updatedAtHeight": str(row.updated_height)}
        order["orderRouterAddress"] = ""
        if row.reason:
            order["removalReason"] = row.reason
    number = row.order.id.subaccount.number
    return order | {"postOnly": item["postOnly"], "ticker": terms.ticker, "subaccountNumber": number}
