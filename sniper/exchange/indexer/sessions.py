"""The WebSocket side: connections, subscriptions, batches, errors, limits (websocket.md 2 to 5).

An id is reserved when a subscribe is received. The snapshot is read some time later, the subscription exists some time
after that, when `subscribed` goes out: what is published in between is lost for this client, and ids overtake.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from sniper.exchange.indexer import topics
from sniper.exchange.indexer.faults import Mischief
from sniper.exchange.indexer.settings import IndexerSettings
from sniper.exchange.indexer.stream import Stream
from sniper.exchange.indexer.topics import CHANNELS, Channel, Key
from sniper.exchange.indexer.wire import BROKEN, RATE_LIMIT, RESTART, Frame, Wire
from sniper.exchange.indexer.writing import encode
from sniper.feed.sim.agenda import Agenda
from sniper.feed.sim.text import uuid4

SECOND_NS = 1_000_000_000
LIMITED: Final = '{"message":"Rate limited"}'
RESTARTING: Final = '{"message":"Service restarting"}'
NO_ID: Final = object()


class Blocked(Exception):
    """The snapshot is refused; the text says why."""


class Failed(Exception):
    """There is no snapshot to be had."""


def script_text(value: Any) -> str:
    """A JSON value as the server's language writes it within a text."""
    if value is NO_ID:
        return "undefined"
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()  # half a surrogate pair cannot be sent
    if isinstance(value, dict):
        return "[object Object]"
    if isinstance(value, list):
        return ",".join("" if each is None else script_text(each) for each in value)
    return json.dumps(value)


def _refuse(name: str) -> Any:
    """NaN and Infinity are no JSON."""
    raise ValueError(name)


class Sessions:
    """All connections. fetch: reads the snapshot of a key; None means that there is none, Blocked that it is refused.

    valid: does a key name something?
    """

    def __init__(
        self,
        settings: IndexerSettings,
        agenda: Agenda,
        mischief: Mischief,
        valid: Callable[[Channel, str], bool],
        fetch: Callable[[Channel, str], bytes | None],
    ) -> None:
        self._settings = settings
        self._agenda = agenda
        self._mischief = mischief
        self._valid = valid
        self._fetch = fetch
        self.out: list[Frame] = []
        self.wires: dict[int, Wire] = {}
        self.stream = Stream(agenda, mischief, settings.batch_ns, settings.pending_max)

    def connect(self, number: int, now_ns: int) -> None:
        """A client has connected."""
        wire = Wire(number, uuid4(self._mischief.random), self.out, self._mischief)
        self.wires[number] = wire
        hello = {"type": "connected", "connection_id": wire.id, "message_id": 0}
        wire.send(encode(hello), now_ns)

    def gone(self, number: int) -> None:
        """A client has left."""
        wire = self.wires.pop(number, None)
        if wire is not None:
            wire.closed = True
            self.stream.leave(wire)

    def close(self, wire: Wire, code: int, reason: str) -> None:
        """End a connection from our side."""
        wire.close(code, reason)
        self.gone(wire.number)

    def break_off(self, number: int) -> None:
        """A connection ends without a close frame."""
        if number in self.wires:
            self.close(self.wires[number], BROKEN, "")

    def restart(self) -> None:
        """All connections are closed, as with a deploy."""
        for wire in list(self.wires.values()):
            self.close(wire, RESTART, RESTARTING)

    def silence(self, number: int, until_ns: int) -> None:
        """Hold back everything for one client until then."""
        if number in self.wires:
            wire = self.wires[number]
            wire.silent_until_ns = max(wire.silent_until_ns, until_ns)

    def receive(self, number: int, text: bytes, now_ns: int) -> None:
        """A message of a client."""
        wire = self.wires.get(number)
        if wire is None:
            return
        try:
            parsed = json.loads(text.decode("utf-8", "replace"), parse_constant=_refuse)
        except (ValueError, RecursionError):
            self._invalid(wire, "Invalid message: could not parse", now_ns)
            return
        if parsed is None:
            self._error(wire, "Internal error", wire.message_id, now_ns)
            return
        message = parsed if isinstance(parsed, dict) else {}
        kind = message.get("type")
        if kind == "subscribe" or kind == "unsubscribe":
            self._request(wire, kind, message, now_ns)
        elif not kind and not isinstance(kind, dict | list):
            self._invalid(wire, "Invalid message: type is required", now_ns)
        elif kind != "ping":
            self._invalid(wire, f"Invalid message type: {script_text(kind)}", now_ns)

    def _request(self, wire: Wire, kind: str, message: dict[str, Any], now_ns: int) -> None:
        named, name = message.get("channel"), message.get("id", NO_ID)
        if isinstance(name, str):
            name = script_text(name)
        channel = CHANNELS.get(named) if isinstance(named, str) else None
        if not named and not isinstance(named, dict | list):
            text = "Invalid subscribe message: channel is required"
            self._error(wire, text, wire.message_id, now_ns)
        elif channel is None:
            self._error(wire, f"Invalid channel: {script_text(named)}", wire.message_id, now_ns)
        elif not channel.own_id and not isinstance(name, str):
            self._error(wire, f"Invalid id: {script_text(name)}", wire.message_id, now_ns)
        elif kind == "subscribe":
            batched = message.get("batched")
            truthy = bool(batched) or isinstance(batched, dict | list)
            self._subscribe(wire, channel, name, truthy, now_ns)
        else:
            key = (channel, _own(channel, name))
            self.stream.drop(wire, key)
            wire.reserve()
            answer = {"type": "unsubscribed", "connection_id": wire.id, "message_id": wire.message_id}
            answer["channel"] = channel.name
            if channel is not topics.MARKETS and name is not NO_ID:
                answer["id"] = name
            wire.send(encode(answer), now_ns)

    def _subscribe(self, wire: Wire, channel: Channel, name: Any, batched: bool, now_ns: int) -> None:
        message_id = wire.reserve()
        key = (channel, _own(channel, name))
        settings = self._settings
        if not self._valid(channel, key[1]):
            text = f"Invalid subscription id for channel: ({channel.name}-{script_text(name)})"
            self._error(wire, text, message_id, now_ns)
            return
        most = self._most(channel)
        held = [each for each in (*wire.subscriptions, *wire.asked) if each[0] is channel]
        if key not in held and len(held) >= most:
            text = f"Per-connection subscription limit reached for {channel.name} (limit={most})."
            self._error(wire, text, message_id, now_ns)
            return
        if wire.attempts_exceed(key, settings.subscribe_attempts_max, now_ns):
            text = (
                f"Too many subscribe attempts for channel {channel.name}-{key[1]}. "
                "Please  reconnect and try again."
            )
            self._error(wire, text, message_id, now_ns)
            self.close(wire, RATE_LIMIT, LIMITED)
            return
        wire.asked[key] = wire.asked.get(key, 0) + 1
        least, span = settings.snapshot_least_ns, settings.snapshot_most_ns - settings.snapshot_least_ns
        wait_ns = least + int(self._mischief.random() * span)
        if self._mischief.strikes("snapshot_late"):
            wait_ns += self._mischief.faults.snapshot_late_ns
        act = partial(self._read, wire, key, message_id, batched, now_ns + wait_ns)
        self._agenda.put(now_ns + wait_ns // 2, act)

    def _read(
        self, wire: Wire, key: Key, message_id: int, batched: bool, answer_ns: int, now_ns: int
    ) -> None:
        if wire.closed:
            return
        found: bytes | str = f"Internal error, could not fetch data for subscription: {key[0].name}."
        if not self._mischief.strikes("snapshot_error"):
            try:
                found = self._fetch(*key) or b"{}"
            except Blocked as refusal:
                found = str(refusal)
            except Failed:
                pass  # the error says it
        self._agenda.put(answer_ns, partial(self._answer, wire, key, message_id, batched, found))

    def _answer(
        self, wire: Wire, key: Key, message_id: int, batched: bool, found: bytes | str, now_ns: int
    ) -> None:
        if wire.closed:
            return
        wire.asked[key] -= 1
        if not wire.asked[key]:
            del wire.asked[key]
        channel, name = key
        if isinstance(found, str):
            self._error(wire, found, message_id, now_ns, key)
            return
        if key in wire.subscriptions:
            text = f"Invalid subscribe message: already subscribed ({channel.name}-{name})"
            self._error(wire, text, message_id, now_ns, key)
            return
        self.stream.join(wire, key, batched)
        written = b"" if channel is topics.MARKETS else b',"id":' + encode(name)
        head = f'{{"type":"subscribed","connection_id":"{wire.id}","message_id":{message_id},'
        wire.send(
            head.encode() + f'"channel":"{channel.name}"'.encode() + written + b',"contents":' + found + b"}",
            now_ns,
        )

    def _most(self, channel: Channel) -> int:
        if channel is topics.BLOCKS:
            return 1
        wide = channel is topics.SUBACCOUNTS or channel is topics.PARENT_SUBACCOUNTS
        return self._settings.subaccount_ids_max if wide else self._settings.ids_max

    def _invalid(self, wire: Wire, text: str, now_ns: int) -> None:
        """An invalid message: an error, or too many of them and the end."""
        if wire.invalid_exceed(self._settings.invalid_messages_max, now_ns):
            text = "Too many invalid messages. Please reconnect and try again."
            self._error(wire, text, wire.message_id, now_ns)
            self.close(wire, RATE_LIMIT, LIMITED)
        else:
            self._error(wire, text, wire.message_id, now_ns)

    def _error(self, wire: Wire, text: str, message_id: int, now_ns: int, key: Key | None = None) -> None:
        answer = {"type": "error", "message": text, "connection_id": wire.id, "message_id": message_id}
        if key is not None:
            answer |= {"channel": key[0].name, "id": key[1]}
        wire.send(encode(answer), now_ns)

    def release(self, now_ns: int) -> None:
        """Let go of the frames that were held back long enough."""
        for wire in self.wires.values():
            if wire.waiting:
                wire.release(now_ns)

    @property
    def due_ns(self) -> int | None:
        """When the next frame that is held back goes out."""
        due = [wire.due_ns for wire in self.wires.values() if wire.due_ns is not None]
        return min(due, default=None)


def _own(channel: Channel, name: Any) -> str:
    """The id of a subscription: the channel's own where none was sent, and where it takes none that is text."""
    return name if isinstance(name, str) else channel.own_id
