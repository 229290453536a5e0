"""The vocabulary that all parts share. Small immutable facts, no behaviour."""

from __future__ import annotations

from typing import NamedTuple

from sniper.trading import Cancel, Place

Record = tuple[int, int, int, bytes]
"""(recv_ns, connection, kind, data): what passes the inbox. Kinds: the REC_ constants below."""

REC_FRAME, REC_REST, REC_GAP, REC_LINK, REC_OPERATOR, REC_VENUE = range(6)
RECORD_NAMES = ("frame", "rest", "gap", "link", "operator", "venue")


class Watch(NamedTuple):
    """Command to the feed: subscribe to the books, trades and candles of these markets, and only these."""

    tickers: tuple[str, ...]


class Resubscribe(NamedTuple):
    """Command to the feed: unsubscribe, await the answer, subscribe again, so that a fresh snapshot comes."""

    connection: int
    channel: str
    ticker: str
    cause: str


class Reconnect(NamedTuple):
    """Command to the feed: close this connection and open it anew."""

    connection: int
    cause: str


class Ask(NamedTuple):
    """Command to the feed: fetch this by REST; the answer enters as a record like any other."""

    endpoint: str
    query: tuple[tuple[str, str], ...]
    cause: str


FeedCommand = Watch | Resubscribe | Reconnect | Ask
OrderCommand = Place | Cancel
Command = FeedCommand | OrderCommand


class Connection(NamedTuple):
    """What a feed knows of one of its connections. Times in nanoseconds of the feed's clock."""

    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody wants here
    name: str
    state: str
    since_ns: int
    frames: int
    bytes: int
    reconnects: int
    gaps: int
    uptime_ratio: float
