"""The event log: the rows worth a line of text, with time and severity, newest first.

`apply` looks at one tick's rows after the engine has worked. Levels, trades and candles are passed over at
once, so that it costs next to nothing on most ticks. Repeats of one event add to its count instead of
pushing the others out. It reads the engine and never writes to it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from sniper._ext.tape import (
    CHANNEL_NAMES,
    ENDPOINT_NAMES,
    KIND_NAMES,
    LINK_NAMES,
    REASON_NAMES,
    TRUST_NAMES,
    Tape,
)
from sniper.panels.row import clean
from sniper.panels.view import Event, Events
from sniper.types import Command, Reconnect, Resubscribe

KEPT = 200
REPEAT_NS = 60_000_000_000
"""An event that comes again within this time is a repeat."""
NEW, RETICKED, DOUBT = 256, 512, 16  # Flag in _ext/event.pxd
FLAGGED = NEW | RETICKED | DOUBT
NO_MARKET = 0xFFFF
KIND = {name: i for i, name in enumerate(KIND_NAMES)}
QUIET = bytes(
    KIND[name] for name in ("LEVEL", "TRADE", "CANDLE", "BOOK", "PONG", "ACCOUNT", "FUNDING", "SUBSCRIBED")
)
FLAGGED_ONLY = bytes(KIND[name] for name in ("ORACLE", "MARKET", "BLOCK"))
LINK_SEVERITY = {
    "connecting": "info",
    "open": "info",
    "closed": "warning",
    "silent": "critical",
    "limited": "critical",
    "refused": "critical",
    "stopped": "info",
}
TRUST_SEVERITY = {"stale": "critical", "rebuilding": "warning", "live": "info", "empty": "info"}


class EventLog:
    """The last KEPT events of one engine. `tape` is the engine's; `decoder` names the markets."""

    def __init__(self, tape: Tape, decoder: Any) -> None:
        self._decoder = decoder
        self._rows = tape.rows
        self._kinds = tape.rows["kind"]
        self._flags = tape.rows["flags"]
        self._others = tape.others
        self._used = tape.used
        self._events: OrderedDict[object, Event] = OrderedDict()
        self._number = 0
        self._trust = b""
        self.warnings = 0
        """Warnings so far, repeats included."""
        self.criticals = 0

    def apply(self, now_ns: int, commands: Iterable[Command] = ()) -> None:
        """Note what this tick's rows and commands say. Call it after `Engine.tick`."""
        others = int(self._used[0])
        if others:
            at = self._others[:others]
            loud = self._kinds[at].tobytes().translate(None, QUIET)
            if loud and (loud.translate(None, FLAGGED_ONLY) or (self._flags[at] & FLAGGED).any()):
                for row in self._rows[at].tolist():
                    self._row(now_ns, row)
        for command in commands:
            self._command(now_ns, command)

    def add(self, now_ns: int, severity: str, text: str, key: object = None) -> None:
        """Note an event. Events of one key within REPEAT_NS are counted as repeats of the first."""
        if severity == "warning":
            self.warnings += 1
        elif severity == "critical":
            self.criticals += 1
        if key is None:
            key = text
        known = self._events.pop(key, None)
        if known is not None and now_ns - known.ns < REPEAT_NS:
            self._events[key] = Event(now_ns, severity, clean(text), known.times + 1, known.number)
            return
        self._number += 1
        self._events[key] = Event(now_ns, severity, clean(text), 1, self._number)
        if len(self._events) > KEPT:
            self._events.popitem(last=False)

    def watch_trust(self, now_ns: int, trust: bytes) -> None:
        """Note which books changed their trust since the last call; `trust` has one byte a market.

        That a book crosses is no event: the venue's stream crosses by nature, and the panels show it.
        """
        before, self._trust = self._trust, trust
        if trust == before:
            return
        changed: dict[tuple[int, int], list[int]] = {}
        for market, (old, new) in enumerate(zip(before.ljust(len(trust), b"\0"), trust, strict=False)):
            if old != new and "crossed" not in (TRUST_NAMES[old], TRUST_NAMES[new]):
                changed.setdefault((old, new), []).append(market)
        for (old, new), markets in changed.items():
            name = TRUST_NAMES[new]
            who = f"{self._decoder.ticker(markets[0])} book" if len(markets) == 1 else f"{len(markets)} books"
            again = " again" if name == "live" and TRUST_NAMES[old] != "empty" else ""
            self.add(now_ns, TRUST_SEVERITY[name], f"{who} {name}{again}")

    def newest(self, count: int) -> Events:
        """The newest events first."""
        rows: list[Event] = []
        for event in reversed(self._events.values()):
            if len(rows) >= count:
                break
            rows.append(event)
        return Events(tuple(rows), self.warnings, self.criticals)

    def _row(self, now_ns: int, row: tuple[int, ...]) -> None:
        _, _, price, size, _, _, _, ref, flags, market, kind, side = row
        name = KIND_NAMES[kind]
        if name == "LINK":
            state = LINK_NAMES[side]
            code = f", code {price}" if price else ""
            self.add(now_ns, LINK_SEVERITY.get(state, "info"), f"conn {ref} {state}{code}", (kind, ref, side))
        elif name == "CONNECTED":
            self.add(now_ns, "info", f"conn {ref} welcomed by the venue", (kind, ref))
        elif name == "UNSUBSCRIBED":
            self.add(now_ns, "info", f"unsubscribed {self._what(side, market)}")
        elif name == "ERROR":
            text = f"conn {ref} refused, {REASON_NAMES[side]} {self._ticker(market)}".rstrip()
            self.add(now_ns, "warning", text, (kind, ref, side))
        elif name == "GAP":
            self.add(now_ns, "critical", f"inbox full: {size} records of conn {ref} lost", (kind, ref))
        elif name == "UNKNOWN":
            self.add(now_ns, "info", f"conn {ref} message of an unknown kind", (kind, ref))
        elif name == "SERVER_ERROR":
            self.add(
                now_ns,
                "warning",
                f"conn {ref} error from the venue {self._what(side, market)}".rstrip(),
                (kind, ref, side),
            )
        elif name == "REST":
            if not 200 <= size < 300:
                status = f"status {size}" if size else "no answer"
                self.add(now_ns, "warning", f"REST {ENDPOINT_NAMES[side]}: {status}", (kind, side, size))
        elif name == "OPERATOR":
            self.add(now_ns, "info", "operator's command taken", (kind, now_ns))
        elif flags & FLAGGED:
            self._flagged(now_ns, name, price, flags, market, ref)

    def _flagged(self, now_ns: int, name: str, price: int, flags: int, market: int, ref: int) -> None:
        ticker = self._ticker(market)
        if name == "MARKET" and flags & RETICKED:
            self.add(now_ns, "warning", f"{ticker} tick or step changed, book emptied", (name, market))
        elif name == "MARKET" and flags & NEW:
            self.add(now_ns, "info", "market listed", name)
        elif name == "ORACLE" and flags & DOUBT:
            what = "jumped" if price else "is empty"
            self.add(now_ns, "warning", f"{ticker} oracle price {what}", (name, market, price == 0))
        elif name == "BLOCK" and flags & DOUBT:
            self.add(now_ns, "warning", f"conn {ref} height or block time went back", (name, ref))

    def _command(self, now_ns: int, command: Command) -> None:
        if isinstance(command, Resubscribe):
            text = f"resubscribe {_short(command.channel)} {command.ticker}: {command.cause}"
            self.add(now_ns, "warning", text, ("resubscribe", command.channel, command.ticker))
        elif isinstance(command, Reconnect):
            text = f"reconnect conn {command.connection}: {command.cause}"
            self.add(now_ns, "warning", text, ("reconnect", command.connection))

    def _what(self, channel: int, market: int) -> str:
        return f"{_short(CHANNEL_NAMES[channel])} {self._ticker(market)}".strip()

    def _ticker(self, market: int) -> str:
        return "" if market == NO_MARKET else str(self._decoder.ticker(market))


def _short(channel: str) -> str:
    return channel.removeprefix("v4_")
