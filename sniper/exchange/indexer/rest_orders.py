"""REST: orders, fills and the round trips made of them (rest.md 3)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from sniper.exchange.facts import BUY
from sniper.exchange.indexer import fills, orders
from sniper.exchange.indexer.accounts import Holder
from sniper.exchange.indexer.asking import UUID, Asked, Missing
from sniper.exchange.indexer.fills import Fill
from sniper.exchange.indexer.orders import Row
from sniper.exchange.indexer.paging import paged
from sniper.exchange.indexer.rest_accounts import dated
from sniper.exchange.indexer.writing import Item, average, coins, dollars, minus, negative, plain, times, usd
from sniper.exchange.terms import Terms
from sniper.feed.sim.text import iso

SECOND_NS: Final = 1_000_000_000
STATUSES: Final = (
    "OPEN",
    "FILLED",
    "CANCELED",
    "BEST_EFFORT_CANCELED",
    "UNTRIGGERED",
    "ERROR",
    "BEST_EFFORT_OPENED",
)
TYPES: Final = (
    "LIMIT",
    "MARKET",
    "STOP_LIMIT",
    "STOP_MARKET",
    "TRAILING_STOP",
    "TAKE_PROFIT",
    "TAKE_PROFIT_MARKET",
    "TWAP",
    "TWAP_SUBORDER",
)
FILL_TYPES: Final = ("LIMIT", "LIQUIDATED", "LIQUIDATION", "DELEVERAGED", "OFFSETTING", "TWAP_SUBORDER")


def listed(asked: Asked, parents: bool) -> Any:
    """Orders, by their good-til-block and then by their good-til-time; blocks before times when ascending.

    returnLatestOrders is compared with a truth value while it is text: given at all, it turns the order round.
    """
    limit, market = asked.limit(), asked.market("ticker", needed=False)
    wanted = [
        _chosen(asked.one_of("side", ("BUY", "SELL")), lambda row: orders.SIDES[row.order.side]),
        _chosen(asked.one_of("type", TYPES), lambda row: orders.TYPES[row.order.condition]),
        _among(asked.some_of("includeTypes", TYPES), lambda row: orders.TYPES[row.order.condition]),
        _among(asked.some_of("excludeTypes", TYPES), lambda row: orders.TYPES[row.order.condition], False),
        _among(asked.some_of("status", STATUSES), orders.shown_status),
        *_ranges(asked),
    ]
    ascending = asked.flag("returnLatestOrders") is not None
    named = asked.parent() if parents else asked.subaccount()
    asked.checked()
    numbers = _numbers(asked, named.owner, named.number) if parents else [named.number]
    rows = [
        row
        for number in numbers
        for row in asked.state.orders.of(named._replace(number=number))
        if (market is None or row.order.id.clob_pair == market.terms.clob_pair)
        and all(test(row) for test in wanted)
    ]
    rows.sort(key=_until, reverse=not ascending)
    return [orders.rest_item(row, asked.state.markets[row.order.id.clob_pair].terms) for row in rows[:limit]]


def _numbers(asked: Asked, owner: str, parent: int) -> list[int]:
    return [holder.subaccount.number for holder in asked.state.accounts.children(owner, parent)]


def _until(row: Row) -> tuple[bool, int]:
    order = row.order
    return (not order.good_til_block, order.good_til_block or order.good_til_s)


def _chosen(word: str | None, of: Callable[[Row], str]) -> Callable[[Row], bool]:
    return lambda row: word is None or of(row) == word


def _among(words: list[str] | None, of: Callable[[Row], str], inside: bool = True) -> Callable[[Row], bool]:
    return lambda row: words is None or (of(row) in words) is inside


def _ranges(asked: Asked) -> list[Callable[[Row], bool]]:
    """good-til filters: an order without the one asked for is left out."""
    tests: list[Callable[[Row], bool]] = []
    most = asked.whole("goodTilBlockBeforeOrAt", 1, 10**18, "Invalid value")
    least = asked.whole("goodTilBlockAfter", 1, 10**18, "Invalid value")
    until_ns, since_ns = asked.when("goodTilBlockTimeBeforeOrAt"), asked.when("goodTilBlockTimeAfter")
    if most is not None:
        tests.append(lambda row: 0 < row.order.good_til_block <= most)
    if least is not None:
        tests.append(lambda row: row.order.good_til_block > least)
    if until_ns is not None:
        tests.append(lambda row: 0 < row.order.good_til_s * SECOND_NS <= until_ns)
    if since_ns is not None:
        tests.append(lambda row: row.order.good_til_s * SECOND_NS > since_ns)
    return tests


def one(asked: Asked) -> Any:
    """One order."""
    named = asked.text("orderId") or ""
    if not UUID.fullmatch(named):
        asked.wrong("orderId", "Invalid value")
    asked.checked()
    row = asked.state.orders.by_uuid(named)
    if row is None:
        raise Missing(f"Unable to find order id {named}")
    return orders.rest_item(row, asked.state.markets[row.order.id.clob_pair].terms)


def filled(asked: Asked, parents: bool) -> Any:
    """Fills, newest first; with a page oldest first."""
    limit, page, wanted = asked.limit(), asked.page(), dated(asked)
    holders, rows = _fills(asked, parents, page is None, lambda fill: wanted(fill))
    del holders
    chosen, extra = paged(rows, limit, page)
    markets = asked.state.markets
    items = [fills.fill_rest_item(row, number, markets[row.clob_pair].terms) for row, number in chosen]
    return {"fills": items} | extra


def _fills(
    asked: Asked, parents: bool, newest_first: bool, wanted: Callable[[Fill], bool]
) -> tuple[list[Holder], list[tuple[Fill, int]]]:
    """The fills that the parameters name. A market needs its type beside it, and the other way round."""
    market = asked.market("market", needed=False)
    kind = asked.one_of("marketType", ("PERPETUAL", "SPOT"), "marketType must be a valid market type")
    include, exclude = asked.some_of("includeTypes", FILL_TYPES), asked.some_of("excludeTypes", FILL_TYPES)
    if asked.text("market") is None and asked.text("marketType") is not None:
        asked.wrong("market", "market must be provided if marketType is provided")
    if asked.text("marketType") is None and asked.text("market") is not None:
        asked.wrong("marketType", "marketType must be provided if market is provided")
    _, holders = asked.family(parents)
    rows = [
        (fill, holder.subaccount.number)
        for holder in holders
        for fill in holder.fills
        if wanted(fill)
        and kind != "SPOT"
        and (market is None or fill.clob_pair == market.terms.clob_pair)
        and (include is None or fill.kind in include)
        and (exclude is None or fill.kind not in exclude)
    ]
    rows.sort(key=lambda row: row[0].event, reverse=newest_first)
    return holders, rows


def trade_history(asked: Asked, parents: bool) -> Any:
    """What each fill did to its position, newest first."""
    limit, page, wanted = asked.limit(), asked.page(), dated(asked)
    _, rows = _fills(asked, parents, True, lambda fill: wanted(fill))
    chosen, extra = paged(rows, limit, page)
    markets = asked.state.markets
    return {
        "tradeHistory": [_history(fill, number, markets[fill.clob_pair].terms) for fill, number in chosen]
    } | extra


def _history(fill: Fill, number: int, terms: Terms) -> Item:
    signed = fill.quantums if fill.side == BUY else -fill.quantums
    after = fill.before + signed
    same = not fill.before or (fill.before > 0) == (signed > 0)
    closing = 0 if same else min(abs(fill.before), fill.quantums)
    if same:
        action = "EXTEND" if fill.before else "OPEN"
    else:
        action = "PARTIAL_CLOSE" if abs(fill.before) > fill.quantums else "CLOSE"
        action = f"LIQUIDATION_{action}" if fill.kind == "LIQUIDATED" else action
    gain = minus(Decimal(fill.price), fill.entry_before)
    realized = times(coins(closing, terms), gain if fill.before > 0 else negative(gain))
    realized = minus(realized, dollars(fill.fee))
    cost = times(coins(closing, terms), fill.entry_before)
    long = (fill.before or after) > 0
    return {
        "id": fill.id,
        "subaccountNumber": number,
        "action": action,
        "executionPrice": fill.price,
        "entryPrice": plain(fill.entry_before) if fill.before else fill.price,
        "side": orders.SIDES[fill.side],
        "positionSide": "LONG" if long else "SHORT",
        "prevSize": plain(coins(fill.before, terms)),
        "additionalSize": plain(coins(fill.quantums, terms)),
        "value": usd(fill.quote),
        "orderType": fill.order_type,
        "netFee": usd(fill.fee),
        "netRealizedPnl": plain(realized),
        "netRealizedPnlPercent": plain(average(realized, cost)) if cost else None,
        "time": iso(fill.at_ns),
        "orderId": fill.order_id or None,
        "marketId": terms.ticker,
        "marginMode": "CROSS" if terms.kind == "CROSS" and number < 128 else "ISOLATED",
    }
