"""The REST endpoints that we use: their parameters, and how the official client asks for them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from sniper.feed.pages import Query

PARAMETERS: Final[dict[str, tuple[frozenset[str], frozenset[str]]]] = {
    name: (frozenset(required.split()), frozenset(optional.split()))
    for name, required, optional in (
        ("perpetualMarkets", "", "ticker"),
        ("orderbook", "ticker", ""),
        ("trades", "ticker", "createdBeforeOrAtHeight limit"),
        ("candles", "ticker resolution", "fromISO toISO limit"),
        ("historicalFunding", "ticker", "effectiveBeforeOrAt effectiveBeforeOrAtHeight limit"),
        ("orders", "address subaccountNumber", "ticker side status type limit goodTilBlockAfter"),
        (
            "fills",
            "address subaccountNumber",
            "market marketType limit createdBeforeOrAtHeight createdBeforeOrAt",
        ),
        ("subaccount", "address subaccountNumber", ""),
        ("parentSubaccount", "address parentSubaccountNumber", ""),
        ("height", "", ""),
        ("time", "", ""),
    )
}
"""Required and optional parameters. The server ignores names it does not know and sends unfiltered data."""

# The official methods, where they name the parameters that the server reads. For orders and fills they do not
# (`ticker` for `market`, `returnLatestOrders` that turns the order round): those take the module's own `get`.
CALLS: Final[dict[str, Callable[[Any, Query], Awaitable[Any]]]] = {
    "perpetualMarkets": lambda c, q: c.markets.get_perpetual_markets(q.get("ticker")),
    "orderbook": lambda c, q: c.markets.get_perpetual_market_orderbook(q["ticker"]),
    "trades": lambda c, q: c.markets.get_perpetual_market_trades(
        q["ticker"], q.get("createdBeforeOrAtHeight"), q.get("limit")
    ),
    "candles": lambda c, q: c.markets.get_perpetual_market_candles(
        q["ticker"], q["resolution"], q.get("fromISO"), q.get("toISO"), q.get("limit")
    ),
    "historicalFunding": lambda c, q: c.markets.get_perpetual_market_historical_funding(
        q["ticker"], q.get("effectiveBeforeOrAt"), q.get("effectiveBeforeOrAtHeight"), q.get("limit")
    ),
    "orders": lambda c, q: c.account.get("/v4/orders", q),
    "fills": lambda c, q: c.account.get("/v4/fills", q),
    "subaccount": lambda c, q: c.account.get_subaccount(q["address"], q["subaccountNumber"]),
    "parentSubaccount": lambda c, q: c.account.get_parent_subaccount(
        q["address"], q["parentSubaccountNumber"]
    ),
    "height": lambda c, q: c.utility.get_height(),
    "time": lambda c, q: c.utility.get_time(),
}


def check(endpoint: str, query: Query) -> None:
    """Raise ValueError for an endpoint or a parameter that the server does not know."""
    if endpoint not in PARAMETERS:
        raise ValueError(f"no endpoint {endpoint!r}: one of {', '.join(PARAMETERS)}")
    required, optional = PARAMETERS[endpoint]
    unknown = query.keys() - required - optional
    missing = required - query.keys()
    if unknown or missing:
        raise ValueError(f"{endpoint}: unknown {sorted(unknown)}, missing {sorted(missing)}")
