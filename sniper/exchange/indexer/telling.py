"""Turns what happened into the contents of messages, and puts them where the subscribers are."""

from __future__ import annotations

from functools import lru_cache

from sniper.exchange.facts import BUY, SubaccountId
from sniper.exchange.indexer.faults import Mischief
from sniper.exchange.indexer.markets import Market
from sniper.exchange.indexer.topics import (
    BLOCKS,
    BOOK,
    CANDLES,
    MARKETS,
    PARENT_SUBACCOUNTS,
    SUBACCOUNTS,
    TRADES,
    Channel,
    Topics,
    parent_of,
)
from sniper.exchange.indexer.writing import Item, encode, scale


@lru_cache(maxsize=65_536)
def names(subaccount: SubaccountId) -> tuple[str, str]:
    """What its own channel and its parent's call it."""
    owner, number = subaccount
    return f"{owner}/{number}", f"{owner}/{parent_of(number)}"


class Telling:
    """The way from the store to the topics. What nobody hears is not written."""

    def __init__(self, topics: Topics, mischief: Mischief) -> None:
        self._topics = topics
        self._mischief = mischief

    def heard(self, subaccount: SubaccountId) -> bool:
        """Does anybody follow this subaccount or its parent?"""
        name, parent = names(subaccount)
        return self._topics.heard(SUBACCOUNTS, name) or self._topics.heard(PARENT_SUBACCOUNTS, parent)

    def subaccount(self, subaccount: SubaccountId, contents: Item, parents: Item | None = None) -> None:
        """News of a subaccount. parents: what its parent's channel says instead."""
        owner, number = subaccount
        written = encode(contents)
        self._topics.put(SUBACCOUNTS, f"{owner}/{number}", written)
        if parents is not None:
            written = encode(parents)
        self._topics.put(PARENT_SUBACCOUNTS, f"{owner}/{parent_of(number)}", written, number)

    def level(self, market: Market, side: int, subticks: int, total: int) -> None:
        """The new total of one level."""
        if self._topics.heard(BOOK, market.ticker):
            written = scale(market.terms)
            name = "bids" if side == BUY else "asks"
            level = f'{{"{name}":[["{written.price(subticks)}","{written.size(total)}"]]}}'
            self._topics.put(BOOK, market.ticker, level.encode("ascii"))

    def trades(self, market: Market, items: list[Item]) -> None:
        """The trades of a block in one market."""
        self._write(TRADES, market.ticker, {"trades": items})

    def candle(self, market: Market, resolution: str, item: Item) -> None:
        """A candle."""
        self._write(CANDLES, f"{market.ticker}/{resolution}", item)

    def candles_heard(self, market: Market, resolution: str) -> bool:
        """Does anybody follow these candles?"""
        return self._topics.heard(CANDLES, f"{market.ticker}/{resolution}")

    def markets(self, contents: Item) -> None:
        """News of markets."""
        self._write(MARKETS, MARKETS.own_id, contents)

    def height(self, height: int, time: str) -> None:
        """A block was indexed."""
        if self._mischief.strikes("height_jump"):
            height += self._mischief.faults.height_jump_blocks
        self._write(BLOCKS, BLOCKS.own_id, {"blockHeight": str(height), "time": time})

    def _write(self, channel: Channel, name: str, contents: Item) -> None:
        if self._topics.heard(channel, name):
            self._topics.put(channel, name, encode(contents))
