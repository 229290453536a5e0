"""One connection to the simulated Indexer: its counter, its subscriptions and the envelopes of its messages.

The order of keys is that of the server. One counter a connection: the id of a `subscribed` is reserved when
the subscription is asked for, so that other ids overtake it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from sniper.feed.sim.faults import Line, Mischief
from sniper.feed.sim.market import Market
from sniper.feed.sim.text import uuid4
from sniper.types import REC_FRAME, REC_LINK, Connection

BOOK, TRADES, MARKETS, CANDLES, BLOCKS = (
    "v4_orderbook",
    "v4_trades",
    "v4_markets",
    "v4_candles",
    "v4_block_height",
)
VERSIONS = {BOOK: "1.0.0", TRADES: "2.1.0", MARKETS: "1.0.0", CANDLES: "1.0.0", BLOCKS: "1.0.0"}
IDS_MAX = 32  # of one channel on one connection
CONNECTIONS_MAX = 9
GHOSTS_MAX = 8  # of one book

Key = tuple[str, str]
"""(channel, id) of a subscription. The id of `v4_markets` is the channel itself, and never written."""


class Inbox(Protocol):
    """Where records go."""

    def put(self, recv_ns: int, connection: int, kind: int, data: bytes, /) -> bool: ...


class Subscription:
    """One subscription that the server has confirmed."""

    __slots__ = ("_head", "_tail", "batched", "ghosts", "hidden", "key", "market", "pending")

    def __init__(
        self, wire: Wire, key: Key, batched: bool, market: Market | None, hidden: tuple[set[int], set[int]]
    ) -> None:
        channel, name = key
        self.key = key
        self.batched = batched
        self.market = market
        self.pending: list[str] = []
        self.hidden = hidden
        self.ghosts: dict[tuple[int, int], int] = {}
        kind = "channel_batch_data" if batched else "channel_data"
        self._head = f'{{"type":"{kind}","connection_id":"{wire.id}","message_id":'
        written = "" if channel == MARKETS else f',"id":"{name}"'
        self._tail = f'{written},"channel":"{channel}","version":"{VERSIONS[channel]}","contents":'

    def message(self, message_id: int, contents: str) -> str:
        """A `channel_data` or `channel_batch_data` message."""
        return f"{self._head}{message_id}{self._tail}{contents}}}"


class Wire:
    """One connection. Its index is the `connection` of the records."""

    __slots__ = (
        "_line",
        "_mischief",
        "_random",
        "_since_ns",
        "_started_ns",
        "_up_ns",
        "books",
        "bytes",
        "frames",
        "gaps",
        "generation",
        "id",
        "inbox",
        "index",
        "live",
        "next_id",
        "reconnects",
        "state",
        "wanted",
    )

    def __init__(
        self, index: int, inbox: Inbox, now_ns: int, random: Callable[[], float], mischief: Mischief | None
    ) -> None:
        self.index = index
        self.inbox = inbox
        self.state = ""
        self.id = ""
        self.generation = 0
        self.next_id = 0
        self.live: dict[Key, Subscription] = {}
        self.books: list[Subscription] = []
        self.wanted: dict[Key, None] = {}
        self.frames = self.bytes = self.reconnects = self.gaps = 0
        self._random = random
        self._mischief = mischief
        self._line = Line()
        self._since_ns = self._started_ns = now_ns
        self._up_ns = 0

    @property
    def open(self) -> bool:
        """Whether the socket is up."""
        return self.state == "open"

    def link(self, now_ns: int, state: str, code: int, text: str) -> None:
        """Change state and say so."""
        if self.open:
            self._up_ns += now_ns - self._since_ns
        self.state = state
        self._since_ns = now_ns
        self.inbox.put(now_ns, self.index, REC_LINK, f"{state} {code} {text}".encode("ascii"))

    def opened(self, now_ns: int) -> None:
        """The socket is up: a new id, a new counter, `connected`."""
        self.link(now_ns, "open", 0, "sim")
        self._line = Line()
        self.id = uuid4(self._random)
        self.next_id = 0
        self.live = {}
        self.books = []
        self.send(now_ns, f'{{"type":"connected","connection_id":"{self.id}","message_id":{self.reserve()}}}')

    def closed(self, now_ns: int, code: int, text: str) -> None:
        """The socket is down: what was subscribed is gone, answers on their way are void."""
        self.link(now_ns, "closed", code, text)
        self.generation += 1
        self.reconnects += 1
        self.live = {}
        self.books = []

    def reserve(self) -> int:
        """The next message id."""
        self.next_id += 1
        return self.next_id - 1

    def send(self, now_ns: int, message: str) -> bool:
        """Put one message on the wire. Returns whether it arrived whole."""
        data = message.encode("ascii")
        if self._mischief is None:
            self.frames += 1
            self.bytes += len(data)
            self.inbox.put(now_ns, self.index, REC_FRAME, data)
            return True
        arriving, whole = self._mischief.carry(self._line, now_ns, data)
        self.gaps += not whole
        for data in arriving:
            self.frames += 1
            self.bytes += len(data)
            self.inbox.put(now_ns, self.index, REC_FRAME, data)
        return whole

    def silence(self, until_ns: int) -> None:
        """Let nothing through until then."""
        self._line.silent_until_ns = until_ns

    def subscribed(
        self,
        now_ns: int,
        key: Key,
        message_id: int,
        contents: str,
        batched: bool,
        market: Market | None,
        hidden: tuple[set[int], set[int]],
    ) -> bool:
        """Confirm a subscription with its snapshot; it counts from here on. Returns whether the message
        arrived whole.

        hidden: bid and ask ticks of a book that lie beyond its snapshot.
        """
        channel, name = key
        written = "" if channel == MARKETS else f',"id":"{name}"'
        arrived = self.send(
            now_ns,
            f'{{"type":"subscribed","connection_id":"{self.id}","message_id":{message_id},"channel":"{channel}"'
            f'{written},"contents":{contents}}}',
        )
        subscription = self.live[key] = Subscription(self, key, batched, market, hidden)
        if channel == BOOK:
            self.books.append(subscription)
        return arrived

    def unsubscribed(self, now_ns: int, key: Key) -> None:
        """End a subscription; the answer always comes."""
        channel, name = key
        self.live.pop(key, None)
        self.books = [book for book in self.books if book.key != key]
        written = "" if channel == MARKETS else f',"id":"{name}"'
        self.send(
            now_ns,
            f'{{"type":"unsubscribed","connection_id":"{self.id}","message_id":{self.reserve()},'
            f'"channel":"{channel}"{written}}}',
        )

    def refused(self, now_ns: int, key: Key) -> None:
        """The answer to a subscription of something that is not there."""
        text = f"Invalid subscription id for channel: ({key[0]}-{key[1]})"
        self.send(
            now_ns,
            f'{{"type":"error","message":"{text}","connection_id":"{self.id}","message_id":{self.reserve()}}}',
        )

    def publish(self, now_ns: int, key: Key, contents: str) -> None:
        """One upstream message of a channel: sent at once, or with the next batch. Unsubscribed: nothing."""
        subscription = self.live.get(key)
        if subscription is None:
            return
        if subscription.batched:
            subscription.pending.append(contents)
        else:
            self.send(now_ns, subscription.message(self.reserve(), contents))

    def flush(self, now_ns: int) -> None:
        """Send every batch that has something in it."""
        for subscription in self.live.values():
            if subscription.pending:
                contents = "[" + ",".join(subscription.pending) + "]"
                subscription.pending.clear()
                self.send(now_ns, subscription.message(self.reserve(), contents))

    def publish_book(self, now_ns: int, subscription: Subscription) -> None:
        """Everything that changed in a book since it was asked last."""
        market = subscription.market
        assert market is not None, "a book belongs to a market"
        market.book.run(now_ns)
        changes = market.book.changes
        if not changes and not subscription.ghosts:
            return
        price, size = market.price_text, market.size_text
        hidden, ghosts = subscription.hidden, subscription.ghosts
        unseen = bool(hidden[0] or hidden[1])
        entries: list[str] = []
        for side, tick, steps in changes:
            if unseen and tick in hidden[side]:
                # The client has not seen this level: its snapshot ended before. Its end is no news.
                hidden[side].discard(tick)
                if not steps:
                    continue
            if ghosts:
                ghosts.pop((side, tick), None)
            if side:
                entries.append(f'{{"asks":[["{price(tick)}","{size(steps)}"]]}}')
            else:
                entries.append(f'{{"bids":[["{price(tick)}","{size(steps)}"]]}}')
        changes.clear()
        if self._mischief is not None:
            self._haunt(now_ns, subscription, market, self._mischief, entries)
        if subscription.batched:
            subscription.pending.extend(entries)
        else:
            for entry in entries:
                self.send(now_ns, subscription.message(self.reserve(), entry))

    def _haunt(
        self, now_ns: int, subscription: Subscription, market: Market, mischief: Mischief, entries: list[str]
    ) -> None:
        """Add what is wrong with this book update: ghosts that come and go, removals of what is not there."""
        book, ghosts = market.book, subscription.ghosts

        def entry(side: int, tick: int, steps: int) -> str:
            level = f'[["{market.price_text(tick)}","{market.size_text(steps)}"]]'
            return f'{{"{"asks" if side else "bids"}":{level}}}'

        for (side, tick), until_ns in list(ghosts.items()):
            if now_ns >= until_ns:
                del ghosts[side, tick]
                entries.append(entry(side, tick, book.sides[side].get(tick, 0)))
        if not entries:
            return
        if len(ghosts) < GHOSTS_MAX and mischief.strikes("crossed", mischief.faults.crossed):
            side = int(mischief.random() * 2)
            tick = book.bid - int(mischief.random() * 4) if side else book.ask + int(mischief.random() * 4)
            ghosts[side, tick] = mischief.ghost_until_ns(now_ns)
            entries.append(entry(side, tick, 1 + int(mischief.random() * 1000)))
        if mischief.strikes("unknown_remove", mischief.faults.unknown_remove):
            side = int(mischief.random() * 2)
            tick = book.bid + 1 + int(mischief.random() * book.bid)
            tick = tick if side else max(1, 2 * book.bid - tick)
            while tick in book.sides[side] or (side, tick) in ghosts:
                tick += 1
            entries.append(entry(side, tick, 0))

    def status(self, now_ns: int) -> Connection:
        """What is known of this connection."""
        up_ns = self._up_ns + (now_ns - self._since_ns if self.open else 0)
        ratio = up_ns / (now_ns - self._started_ns) if now_ns > self._started_ns else 0.0
        return Connection(
            self.index,
            f"sim-{self.index}",
            self.state,
            self._since_ns,
            self.frames,
            self.bytes,
            self.reconnects,
            self.gaps,
            ratio,
        )
