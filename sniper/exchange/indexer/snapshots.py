"""What a `subscribed` message holds: the answers of the REST service, fetched as its WebSocket service does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from sniper.exchange.indexer import topics
from sniper.exchange.indexer.sessions import Blocked, Failed
from sniper.exchange.indexer.settings import IndexerSettings
from sniper.exchange.indexer.state import State
from sniper.exchange.indexer.topics import PARENTS, RESOLUTIONS, SUBACCOUNTS_MAX, Channel

SHOWN: Final = "OPEN,UNTRIGGERED,BEST_EFFORT_OPENED"
CANCELLED: Final = "BEST_EFFORT_CANCELED"
Fetch = Callable[[str, str], tuple[int, bytes]]
"""(path, query) -> (status, body)"""


class Snapshots:
    """Reads snapshots by channel and id."""

    def __init__(self, settings: IndexerSettings, state: Callable[[], State], fetch: Fetch) -> None:
        self._settings = settings
        self._state = state
        self._ask = fetch

    def valid(self, channel: Channel, name: str) -> bool:
        """Does an id name something in this channel?"""
        if channel is topics.MARKETS or channel is topics.BLOCKS:
            return True
        if channel is topics.BOOK or channel is topics.TRADES:
            return name in self._state().tickers
        first, slash, second = name.partition("/")
        if channel is topics.CANDLES:
            return first in self._state().tickers and second in RESOLUTIONS
        most = PARENTS if channel is topics.PARENT_SUBACCOUNTS else SUBACCOUNTS_MAX
        number = second.isascii() and second.isdigit() and len(second) < 7
        return bool(slash) and number and int(second) < most

    def read(self, channel: Channel, name: str) -> bytes | None:
        """The contents, None where nothing exists yet. Blocked where the service refuses, Failed where it fails."""
        if channel is topics.BOOK:
            return self._body(f"/v4/orderbooks/perpetualMarket/{name}")
        if channel is topics.TRADES:
            return self._body(f"/v4/trades/perpetualMarket/{name}")
        if channel is topics.MARKETS:
            return self._body("/v4/perpetualMarkets")
        if channel is topics.BLOCKS:
            return self._body("/v4/height")
        if channel is topics.CANDLES:
            ticker, _, resolution = name.partition("/")
            return self._body(f"/v4/candles/perpetualMarkets/{ticker}", f"resolution={resolution}")
        return self._subaccount(channel, name)

    def _body(self, path: str, query: str = "") -> bytes | None:
        status, body = self._ask(path, query)
        if status == 404:
            return None
        if status == 403:
            raise Blocked(str(msgspec.json.decode(body)["errors"][0]["msg"]))
        if status != 200:
            raise Failed(f"{path}: {status}")
        return body

    def _subaccount(self, channel: Channel, name: str) -> bytes | None:
        owner, _, number = name.partition("/")
        key, ending = "subaccountNumber", ""
        if channel is topics.PARENT_SUBACCOUNTS:
            key, ending = "parentSubaccountNumber", "/parentSubaccountNumber"
        found = self._body(f"/v4/addresses/{owner}/{key}/{int(number)}")
        if found is None:
            return None
        height = self._state().height
        asked = f"address={owner}&{key}={int(number)}&status="
        path = f"/v4/orders{ending}"
        recent = f"{CANCELLED}&goodTilBlockAfter={max(height - self._settings.cancelled_blocks, 1)}"
        first = self._body(path, asked + SHOWN) or b"[]"
        second = self._body(path, asked + recent) or b"[]"
        both = b",".join(part[1:-1] for part in (first, second) if part != b"[]")
        return b'%b,"orders":[%b],"blockHeight":"%d"}' % (found[:-1], both, height)
