"""What goes out to subscribers: channels, their ids, and where the store puts what happened."""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol

RESOLUTIONS: Final = {
    "1MIN": 60,
    "5MINS": 300,
    "15MINS": 900,
    "30MINS": 1_800,
    "1HOUR": 3_600,
    "4HOURS": 14_400,
    "1DAY": 86_400,
}
"""Seconds of each candle."""
SUBACCOUNTS_MAX: Final = 128_000
PARENTS: Final = 128


class Channel(NamedTuple):
    """A channel: its name, the version on its data, the id it has when none is sent ("": one must be sent)."""

    name: str
    version: str
    own_id: str = ""


BOOK: Final = Channel("v4_orderbook", "1.0.0")
TRADES: Final = Channel("v4_trades", "2.1.0")
MARKETS: Final = Channel("v4_markets", "1.0.0", "v4_markets")
CANDLES: Final = Channel("v4_candles", "1.0.0")
SUBACCOUNTS: Final = Channel("v4_subaccounts", "3.0.0")
PARENT_SUBACCOUNTS: Final = Channel("v4_parent_subaccounts", "3.0.0")
BLOCKS: Final = Channel("v4_block_height", "1.0.0", "v4_block_height")
CHANNELS: Final = {
    channel.name: channel
    for channel in (BOOK, TRADES, MARKETS, CANDLES, SUBACCOUNTS, PARENT_SUBACCOUNTS, BLOCKS)
}

Key = tuple[Channel, str]
"""A channel and an id within it."""


class Topics(Protocol):
    """Where the store puts its messages."""

    def heard(self, channel: Channel, name: str) -> bool:
        """Is anybody subscribed? What nobody hears need not be written."""

    def put(self, channel: Channel, name: str, contents: bytes, child: int = -1) -> None:
        """One upstream message. child: the subaccount it is about, on the parent's channel."""


class Unheard:
    """Topics of a store that only answers questions."""

    def heard(self, channel: Channel, name: str) -> bool:
        """Nobody is."""
        return False

    def put(self, channel: Channel, name: str, contents: bytes, child: int = -1) -> None:
        """Goes nowhere."""


def parent_of(number: int) -> int:
    """The parent of a subaccount."""
    return number % PARENTS
