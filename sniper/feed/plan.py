"""Which connection carries which subscription. Pure: same input, same plan.

The Indexer takes at most 32 ids of a channel on one connection (256 of the account channels), and we open
at most 9 connections. `v4_markets` goes on connection 0 once, `v4_block_height` on every connection,
because it is what tells that a connection is alive. A market's book, trades and candles share a connection
wherever there is room for all of them; only when that would need more connections than there are do its
candles go where a place is left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final, NamedTuple

from sniper.errors import ConfigError

CONNECTIONS_MAX: Final = 9
ORDERBOOK: Final = "v4_orderbook"
TRADES: Final = "v4_trades"
CANDLES: Final = "v4_candles"
MARKETS: Final = "v4_markets"
BLOCK_HEIGHT: Final = "v4_block_height"
SUBACCOUNTS: Final = "v4_subaccounts"
PARENT_SUBACCOUNTS: Final = "v4_parent_subaccounts"

IDS_MAX: Final[dict[str, int]] = {
    ORDERBOOK: 32,
    TRADES: 32,
    CANDLES: 32,
    MARKETS: 32,
    BLOCK_HEIGHT: 1,
    SUBACCOUNTS: 256,
    PARENT_SUBACCOUNTS: 256,
}
"""Ids per channel and connection that the Indexer takes (source: indexer/services/socks/src/config.ts)."""

_WORDS: Final = {ORDERBOOK: "order book", TRADES: "trades", CANDLES: "candle"}


class Subscription(NamedTuple):
    """One thing to subscribe to. id is "" for the channels that take none."""

    channel: str
    id: str = ""


class Wanted(NamedTuple):
    """What to subscribe to for every market, and the account ids ("address/number")."""

    book: bool = True
    trades: bool = True
    resolutions: tuple[str, ...] = ()
    subaccounts: tuple[str, ...] = ()
    parent_subaccounts: tuple[str, ...] = ()


Plan = tuple[tuple[Subscription, ...], ...]
"""The subscriptions of each connection, in the order in which they are asked for. Empty: not needed."""


def market_subscriptions(ticker: str, wanted: Wanted) -> tuple[Subscription, ...]:
    """What one market needs: its book, its trades, one candle id a resolution."""
    found = [Subscription(ORDERBOOK, ticker)] if wanted.book else []
    found += [Subscription(TRADES, ticker)] if wanted.trades else []
    found += [Subscription(CANDLES, f"{ticker}/{resolution}") for resolution in wanted.resolutions]
    return tuple(found)


def check_fits(tickers: Iterable[str], wanted: Wanted) -> None:
    """Raise ConfigError with the arithmetic when no plan can exist: every place of a channel is as good as
    another.
    """
    markets = len(dict.fromkeys(tickers))
    each = Counter(subscription.channel for subscription in market_subscriptions("", wanted))
    for channel, per_market in each.items():
        limit = IDS_MAX[channel]
        ids = markets * per_market
        needed = -(-ids // limit)
        if needed > CONNECTIONS_MAX:
            product = f"{markets} markets" + (f" x {per_market} resolutions" if channel == CANDLES else "")
            fewer = f"watch at most {CONNECTIONS_MAX * limit // per_market} markets"
            raise ConfigError(
                f"{product} = {ids} {_WORDS[channel]} ids / {limit} = {needed} connections, "
                f"at most {CONNECTIONS_MAX}: the Indexer takes {limit} ids of a channel on each",
                f"{fewer} (feed.markets)"
                + (" or fewer resolutions (feed.candles)" if per_market > 1 else ""),
            )
    for channel, ids_wanted in (
        (SUBACCOUNTS, wanted.subaccounts),
        (PARENT_SUBACCOUNTS, wanted.parent_subaccounts),
    ):
        needed = -(-len(ids_wanted) // IDS_MAX[channel])
        if needed > CONNECTIONS_MAX:
            raise ConfigError(
                f"{len(ids_wanted)} {channel} ids / {IDS_MAX[channel]} = {needed} connections, "
                f"at most {CONNECTIONS_MAX}",
                "watch fewer accounts",
            )


class _Places:
    """The connections while they are being filled."""

    def __init__(self) -> None:
        self.taken: list[list[Subscription]] = [[] for _ in range(CONNECTIONS_MAX)]
        self.counts: list[Counter[str]] = [Counter() for _ in range(CONNECTIONS_MAX)]

    def add(self, connection: int, subscription: Subscription) -> None:
        self.taken[connection].append(subscription)
        self.counts[connection][subscription.channel] += 1

    def room(self, connection: int, subscriptions: Iterable[Subscription]) -> bool:
        """Whether all of these fit on this connection together with what is there."""
        more = Counter(subscription.channel for subscription in subscriptions)
        have = self.counts[connection]
        return all(have[channel] + count <= IDS_MAX[channel] for channel, count in more.items())

    def first(self, subscriptions: tuple[Subscription, ...], preferred: int | None) -> int | None:
        """The first connection with room for all of these, the preferred one before the others."""
        order = range(CONNECTIONS_MAX) if preferred is None else (preferred, *range(CONNECTIONS_MAX))
        return next((connection for connection in order if self.room(connection, subscriptions)), None)


def place(tickers: Iterable[str], wanted: Wanted, held: Plan = ()) -> Plan:
    """Give every subscription a connection.

    tickers: the markets, most important first. held: the plan in force; what it places stays where it is.
    Raises ConfigError, with the arithmetic, when more than 9 connections would be needed.
    """
    tickers = tuple(dict.fromkeys(tickers))
    check_fits(tickers, wanted)
    places = _Places()
    groups = {ticker: market_subscriptions(ticker, wanted) for ticker in tickers}
    accounts = [Subscription(SUBACCOUNTS, account) for account in dict.fromkeys(wanted.subaccounts)]
    accounts += [
        Subscription(PARENT_SUBACCOUNTS, account) for account in dict.fromkeys(wanted.parent_subaccounts)
    ]
    needed = {subscription for group in groups.values() for subscription in group}.union(accounts)
    where: dict[Subscription, int] = {}
    for connection, subscriptions in enumerate(held):
        for subscription in subscriptions:
            if subscription in needed:
                where[subscription] = connection
                places.add(connection, subscription)

    homeless: list[Subscription] = []
    for group in groups.values():
        missing = tuple(subscription for subscription in group if subscription not in where)
        home = next((where[subscription] for subscription in group if subscription in where), None)
        connection_or_none = places.first(missing, home)
        if connection_or_none is None:
            homeless += missing
        else:
            for subscription in missing:
                places.add(connection_or_none, subscription)
    homeless += [subscription for subscription in accounts if subscription not in where]
    for subscription in homeless:
        connection_or_none = places.first((subscription,), None)
        assert connection_or_none is not None, "check_fits counted the places"
        places.add(connection_or_none, subscription)
    return _in_order(places.taken, groups)


def _in_order(taken: list[list[Subscription]], groups: dict[str, tuple[Subscription, ...]]) -> Plan:
    """Put markets and block height first, then books, trades and candles in the order of the markets."""
    rank = {
        channel: i for i, channel in enumerate((SUBACCOUNTS, PARENT_SUBACCOUNTS, ORDERBOOK, TRADES, CANDLES))
    }
    position = {subscription: i for i, group in enumerate(groups.values()) for subscription in group}
    plan: list[tuple[Subscription, ...]] = []
    for connection, subscriptions in enumerate(taken):
        subscriptions.sort(key=lambda s: (rank[s.channel], position.get(s, -1)))
        first = [Subscription(MARKETS)] if connection == 0 else []
        used = first or subscriptions
        plan.append((*first, Subscription(BLOCK_HEIGHT), *subscriptions) if used else ())
    while not plan[-1]:
        plan.pop()
    return tuple(plan)
