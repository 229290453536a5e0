"""Upstream messages on their way to subscribers: at once, or in batches that all subscribers of an id share.

A message is written once. What differs between connections (id of the connection, counter) stands before what they
share, so a frame is three pieces of bytes.
"""

from __future__ import annotations

from functools import partial

from sniper.exchange.indexer.faults import Mischief
from sniper.exchange.indexer.topics import MARKETS, Channel, Key
from sniper.exchange.indexer.wire import Wire
from sniper.exchange.indexer.writing import encode
from sniper.feed.sim.agenda import Agenda


class Topic:
    """The subscribers of one (channel, id). pending: (child, contents) of the next batch."""

    __slots__ = ("batched", "delayed", "middle", "pending", "single")

    def __init__(self, key: Key) -> None:
        channel, name = key
        written = b"" if channel is MARKETS else b',"id":' + encode(name)
        tail = f',"channel":"{channel.name}","version":"{channel.version}","contents":'
        self.middle = written + tail.encode("ascii")
        self.single: dict[int, Wire] = {}
        self.batched: dict[int, Wire] = {}
        self.pending: list[tuple[int, bytes]] = []
        self.delayed: tuple[bytes, int] | None = None


class Stream:
    """All topics that somebody follows."""

    def __init__(self, agenda: Agenda, mischief: Mischief, batch_ns: int, pending_max: int) -> None:
        self._agenda = agenda
        self._mischief = mischief
        self._batch_ns = batch_ns
        self._pending_max = pending_max
        self._topics: dict[Channel, dict[str, Topic]] = {}
        self._waiting: dict[Key, Topic] = {}
        self.now_ns = 0

    def heard(self, channel: Channel, name: str) -> bool:
        """Does anybody follow this?"""
        found = self._topics.get(channel)
        return found is not None and name in found

    def put(self, channel: Channel, name: str, contents: bytes, child: int = -1) -> None:
        """One upstream message."""
        names = self._topics.get(channel)
        topic = names.get(name) if names is not None else None
        if topic is None:
            return
        if self._mischief.prompt and topic.delayed is None:
            self._forward(channel, name, topic, contents, child)
            return
        faults = self._mischief.faults
        if faults.stream_lag_ns:
            act = partial(self._late, channel, name, contents, child)
            self._agenda.put(self.now_ns + faults.stream_lag_ns, act)
            return
        self._pass(channel, name, topic, contents, child)

    def _late(self, channel: Channel, name: str, contents: bytes, child: int, now_ns: int) -> None:
        topic = self._topics.get(channel, {}).get(name)
        if topic is not None:
            self._pass(channel, name, topic, contents, child)

    def _pass(self, channel: Channel, name: str, topic: Topic, contents: bytes, child: int) -> None:
        """Through what may go wrong upstream, and on."""
        faults = self._mischief.faults
        if faults.reorder and topic.delayed is None and self._mischief.strikes("reorder"):
            topic.delayed = (contents, child)
            return
        self._forward(channel, name, topic, contents, child)
        if faults.duplicate and self._mischief.strikes("duplicate"):
            self._forward(channel, name, topic, contents, child)
        if topic.delayed is not None:
            held, topic.delayed = topic.delayed, None
            self._forward(channel, name, topic, *held)

    def _forward(self, channel: Channel, name: str, topic: Topic, contents: bytes, child: int) -> None:
        if topic.single:
            ending = b"}" if child < 0 else b',"subaccountNumber":%d}' % child
            tail = topic.middle + contents + ending
            now_ns = self.now_ns
            for wire in topic.single.values():
                wire.message_id += 1
                wire.send(b"%b%d%b" % (wire.data_head, wire.message_id, tail), now_ns)
        if topic.batched:
            if not topic.pending:
                self._waiting[channel, name] = topic
            if len(topic.pending) < self._pending_max:
                topic.pending.append((child, contents))

    def flush(self) -> None:
        """Send the batches: one message a subaccount that they are about."""
        waiting, self._waiting = self._waiting, {}
        now_ns = self.now_ns
        for topic in waiting.values():
            groups: dict[int, list[bytes]] = {}
            for child, contents in topic.pending:
                groups.setdefault(child, []).append(contents)
            topic.pending.clear()
            tails = []
            for child, parts in groups.items():
                ending = b"]}" if child < 0 else b'],"subaccountNumber":%d}' % child
                tails.append(topic.middle + b"[" + b",".join(parts) + ending)
            for wire in topic.batched.values():
                for tail in tails:
                    wire.message_id += 1
                    wire.send(b"%b%d%b" % (wire.batch_head, wire.message_id, tail), now_ns)

    @property
    def waiting(self) -> bool:
        """Is there anything for the next batch?"""
        return bool(self._waiting)

    def join(self, wire: Wire, key: Key, batched: bool) -> None:
        """A connection follows a key from now on."""
        channel, name = key
        topic = self._topics.setdefault(channel, {}).setdefault(name, Topic(key))
        wire.subscriptions[key] = batched
        (topic.batched if batched else topic.single)[wire.number] = wire

    def drop(self, wire: Wire, key: Key) -> None:
        """A connection follows a key no more; nothing happens if it did not."""
        batched = wire.subscriptions.pop(key, None)
        if batched is None:
            return
        channel, name = key
        topic = self._topics[channel][name]
        del (topic.batched if batched else topic.single)[wire.number]
        if not topic.batched:
            topic.pending.clear()
            self._waiting.pop(key, None)
        if not topic.batched and not topic.single:
            del self._topics[channel][name]

    def leave(self, wire: Wire) -> None:
        """A connection follows nothing any more."""
        for key in list(wire.subscriptions):
            self.drop(wire, key)
