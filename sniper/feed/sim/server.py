"""The simulated Indexer's side of the sockets: connections that open and close, subscriptions and their
answers.

It does what a careful client and the server do together: `v4_markets` is answered first, an id is reserved
when a subscription is asked for, a snapshot is taken at the moment it is sent (so that nothing is lost
between it and the first update), nothing is unsubscribed before it is confirmed, and an answer that was
lost is asked for again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from sniper.feed.sim.agenda import Agenda
from sniper.feed.sim.faults import AWAY_NS, RESTART_SHARE, SILENCE_NS, Mischief
from sniper.feed.sim.market import Market
from sniper.feed.sim.wire import BLOCKS, BOOK, CANDLES, IDS_MAX, MARKETS, TRADES, Inbox, Key, Wire

MS = 1_000_000
SECOND_NS = 1_000 * MS
FLUSH_NS = 250 * MS
BACK_NS = 200 * MS  # until a connection that we closed is opened again
RETRY_NS = 5 * SECOND_NS  # until a subscription whose answer was lost is asked for again


class Server:
    """All connections. `wires` by index; `head` is the contents of the block height snapshot."""

    __slots__ = (
        "_agenda",
        "_batched",
        "_candles",
        "_candles_max",
        "_depth",
        "_markets",
        "_mischief",
        "_random",
        "head",
        "inbox",
        "wires",
    )

    def __init__(
        self,
        agenda: Agenda,
        inbox: Inbox,
        markets: Mapping[str, Market],
        *,
        random: Callable[[], float],
        mischief: Mischief | None,
        batched: Mapping[str, bool],
        candles: Sequence[str],
        depth: int,
        candles_max: int,
    ) -> None:
        self._agenda = agenda
        self.inbox = inbox
        self._markets = markets
        self._random = random
        self._mischief = mischief
        self._batched = batched
        self._candles = tuple(candles)
        self._depth = depth
        self._candles_max = candles_max
        self.head = ""
        self.wires: list[Wire] = []

    def begin(self) -> None:
        """Open the first connection; once a second, let connections fail."""
        now_ns = self._agenda.now_ns
        self._new_wire(now_ns).wanted = {(MARKETS, MARKETS): None, (BLOCKS, BLOCKS): None}
        if self._mischief is not None:
            self._agenda.put(now_ns + SECOND_NS, partial(self._trouble, self._mischief))

    def watch(self, tickers: Sequence[str], now_ns: int) -> None:
        """Subscribe to the books, trades and candles of these markets, and only these.

        A connection takes 32 ids of a channel; more are opened where that is not enough.
        """
        asked: list[Key] = [(BOOK, ticker) for ticker in tickers] + [(TRADES, ticker) for ticker in tickers]
        asked += [(CANDLES, f"{ticker}/{each}") for ticker in tickers for each in self._candles]
        new = dict.fromkeys(asked)
        for wire in self.wires:
            for key in list(wire.wanted):
                if key in new:
                    del new[key]
                elif key[0] not in (MARKETS, BLOCKS) and key not in asked:
                    del wire.wanted[key]
                    self._leave(wire, wire.generation, key, now_ns)
        for key in new:
            if key[1].partition("/")[0] not in self._markets:
                self.wires[0].refused(now_ns, key)
                continue
            wire = self._room(key[0], now_ns)
            wire.wanted[key] = None
            if wire.open:
                self._ask(wire, key, now_ns, 20, 200)

    def resubscribe(self, index: int, channel: str, ticker: str, now_ns: int) -> None:
        """`unsubscribed`, then `subscribed` with a fresh snapshot. Candles: all resolutions of the ticker."""
        if 0 <= index < len(self.wires):
            wire = self.wires[index]
            for key in list(wire.live):
                whole = channel in (MARKETS, BLOCKS)
                if key[0] == channel and (whole or ticker in (key[1], key[1].partition("/")[0])):
                    self._again(wire, wire.generation, key, now_ns)

    def reconnect(self, index: int, now_ns: int) -> None:
        """Close a connection and open it again; everything on it is subscribed anew."""
        if 0 <= index < len(self.wires):
            self._close(self.wires[index], 1000, "by us", BACK_NS, now_ns)

    def publish(self, now_ns: int, key: Key, contents: str) -> None:
        """One upstream message to every connection that has subscribed to it."""
        for wire in self.wires:
            wire.publish(now_ns, key, contents)

    def _delay_ns(self, low_ms: int, high_ms: int) -> int:
        return (low_ms + int(self._random() * (high_ms - low_ms))) * MS

    def _room(self, channel: str, now_ns: int) -> Wire:
        for wire in self.wires:
            if len([key for key in wire.wanted if key[0] == channel]) < IDS_MAX:
                return wire
        return self._new_wire(now_ns)

    def _new_wire(self, now_ns: int) -> Wire:
        wire = Wire(len(self.wires), self.inbox, now_ns, self._random, self._mischief)
        wire.wanted = {(BLOCKS, BLOCKS): None}
        self.wires.append(wire)
        self._agenda.put(now_ns, partial(self._connect, wire))
        return wire

    def _connect(self, wire: Wire, now_ns: int) -> None:
        wire.link(now_ns, "connecting", 0, "sim")
        self._agenda.put(now_ns + self._delay_ns(20, 60), partial(self._opened, wire))

    def _opened(self, wire: Wire, now_ns: int) -> None:
        wire.opened(now_ns)
        self._agenda.put(now_ns + self._delay_ns(10, 260), partial(self._flush, wire, wire.generation))
        after_ns = now_ns
        for key in wire.wanted:
            if key[0] == MARKETS:
                after_ns = self._ask(wire, key, now_ns, 20, 60)
            elif key[0] == BLOCKS:
                self._ask(wire, key, after_ns, 10, 20)
            else:
                self._ask(wire, key, after_ns, 20, 300)

    def _ask(self, wire: Wire, key: Key, now_ns: int, low_ms: int, high_ms: int) -> int:
        """Subscribe: the id is taken now, the answer comes later, at the time returned."""
        when_ns = now_ns + self._delay_ns(low_ms, high_ms)
        self._agenda.put(when_ns, partial(self._answer, wire, wire.generation, key, wire.reserve()))
        return when_ns

    def _answer(self, wire: Wire, generation: int, key: Key, message_id: int, now_ns: int) -> None:
        if wire.generation != generation:
            return
        channel, name = key
        ticker, _, resolution = name.partition("/")
        market = self._markets.get(ticker)
        hidden: tuple[set[int], set[int]] = (set(), set())
        if channel == MARKETS:
            contents = '{"markets":{' + ",".join(each.snapshot() for each in self._markets.values()) + "}}"
        elif market is None:
            contents = self.head
        elif channel == BOOK:
            contents, hidden = market.book_snapshot(now_ns, self._depth)
        elif channel == TRADES:
            contents = market.trades_snapshot()
        else:
            contents = market.candles_snapshot(resolution, self._candles_max)
        if not wire.subscribed(now_ns, key, message_id, contents, self._batched[channel], market, hidden):
            self._agenda.put(now_ns + RETRY_NS, partial(self._again, wire, generation, key))
        if key not in wire.wanted:
            self._agenda.put(now_ns + 20 * MS, partial(self._leave, wire, generation, key))

    def _leave(self, wire: Wire, generation: int, key: Key, now_ns: int) -> None:
        if wire.generation == generation and key in wire.live and key not in wire.wanted:
            wire.unsubscribed(now_ns, key)

    def _again(self, wire: Wire, generation: int, key: Key, now_ns: int) -> None:
        """Resubscribe; one that is not confirmed yet is left alone, its snapshot is on its way."""
        if wire.generation == generation and key in wire.live and key in wire.wanted:
            wire.unsubscribed(now_ns, key)
            self._ask(wire, key, now_ns + self._delay_ns(10, 40), 20, 260)

    def _flush(self, wire: Wire, generation: int, now_ns: int) -> None:
        """Batched channels: what the server flushes every 250 ms, one timer a connection."""
        if wire.generation != generation:
            return
        for subscription in wire.books:
            if subscription.batched:
                wire.publish_book(now_ns, subscription)
        wire.flush(now_ns)
        self._agenda.put(now_ns + FLUSH_NS, partial(self._flush, wire, generation))

    def _close(self, wire: Wire, code: int, text: str, away_ns: int, now_ns: int) -> None:
        if wire.open:
            wire.closed(now_ns, code, text)
            self._agenda.put(now_ns + away_ns, partial(self._connect, wire))

    def _trouble(self, mischief: Mischief, now_ns: int) -> None:
        """Connections that close or fall silent."""
        for wire in self.wires:
            if not wire.open:
                continue
            if mischief.strikes("disconnect", mischief.faults.disconnect):
                if mischief.random() < RESTART_SHARE:
                    for each in self.wires:
                        self._close(each, 1012, "service restarting", mischief.between(AWAY_NS), now_ns)
                else:
                    self._close(wire, 1006, "connection lost", mischief.between(AWAY_NS), now_ns)
            elif mischief.strikes("silence", mischief.faults.silence):
                wire.silence(now_ns + mischief.between(SILENCE_NS))
        self._agenda.put(now_ns + SECOND_NS, partial(self._trouble, mischief))
