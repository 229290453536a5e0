"""The naive twin of the decoder: json, exact integers and dicts. Records in, rows and a market table out.

A row is a dict with the fields of an Event under their names, `kind` as a name of KIND_NAMES, and the
side-table
entry itself under `trade`, `candle` or `update`. A refused message is one ERROR row whose `reasons` are all
the
reasons there are to refuse it (the decoder names one of them); everything it would have changed is dropped.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.reference_contents import NO_MARKET, RESOLUTIONS, Reader, make_row
from tests.reference_json import Members, Number, Refused, parse
from tests.reference_markets import MarketMaps
from tests.reference_records import record_rows
from tests.reference_values import integer

CHANNELS = (
    "",
    "v4_orderbook",
    "v4_trades",
    "v4_markets",
    "v4_candles",
    "v4_block_height",
    "v4_subaccounts",
    "v4_parent_subaccounts",
)
DATA_TYPES = {"subscribed": 2, "channel_data": 3, "channel_batch_data": 4}
CONTROL = {"connected": "CONNECTED", "unsubscribed": "UNSUBSCRIBED", "error": "SERVER_ERROR", "pong": "PONG"}
ENVELOPE = frozenset(
    (
        "type",
        "connection_id",
        "message_id",
        "channel",
        "id",
        "contents",
        "version",
        "subaccountNumber",
        "message",
    )
)
BATCH, SUBSCRIBED = 4, 2
ID_MAX, NAME_MAX, MISSING_MAX = 160, 64, 256
Row = dict[str, Any]
Record = tuple[int, int, int, bytes]


class DecoderTwin:
    """`apply(records)` gives the rows; `markets` is the table in order of first sight; `counters` as
    COUNTER_NAMES."""

    def __init__(self) -> None:
        self.markets: list[dict[str, Any]] = []
        self.index: dict[str, int] = {}
        self.blocks: dict[int, tuple[int, int]] = {}
        self.links: dict[int, Link] = {}
        self.counters: Counter[str] = Counter()

    def apply(self, records: list[Record]) -> list[Row]:
        """The rows of all records in order."""
        rows: list[Row] = []
        for number, (recv_ns, connection, kind, data) in enumerate(records):
            self.counters["records"] += 1
            made = self.frame(connection, data) if kind == 0 else record_rows(self, connection, kind, data)
            for row in made:
                row["recv_ns"], row["frame"] = recv_ns, number
            rows += made
        self.counters["rows"] += len(rows)
        self.counters["levels"] += sum(row["kind"] == "LEVEL" for row in rows)
        return rows

    def frame(self, connection: int, data: bytes) -> list[Row]:
        """One WebSocket message."""
        self.counters["frames"] += 1
        self.counters["bytes"] += len(data)
        try:
            document = parse(data)
        except Refused as refusal:
            return [self.refused(connection, refusal.reasons, 0)]
        message = Message(self, document, connection)
        message.read()
        if not message.reasons:
            self.links.setdefault(connection, Link()).follow(message)
        elif message.whole_envelope:
            self.links.setdefault(connection, Link()).number(message.id_number)
        if not data.isascii() and message.reasons:  # something further on may hold such a byte
            message.reasons.add("NON_ASCII")
        return self.settle(message, connection)

    def settle(self, reader: Reader, connection: int) -> list[Row]:
        """Apply what a good message changes, or refuse all of it."""
        if reader.reasons:
            return [self.refused(connection, reader.reasons, reader.levels, getattr(reader, "spoilt", None))]
        for market in reader.staged.values():
            if market["index"] == len(self.markets):
                self.markets.append(market)
                self.index[market["ticker"]] = market["index"]
            self.markets[market["index"]] = market
        self.blocks.update(reader.blocks)
        self.counters.update(reader.counts)
        return reader.rows

    def refused(self, connection: int, reasons: set[str], levels: int, ticker: str | None = None) -> Row:
        """The one row of a refused message. ticker: whose book it was about."""
        self.counters["rejected"] += 1
        self.counters["rejected_levels"] += levels
        market = self.index.get(ticker or "", NO_MARKET)
        if market != NO_MARKET and not {"tickSize", "stepSize"} <= self.markets[market]["num"].keys():
            market = NO_MARKET
        return make_row("ERROR", ref=connection, size=levels, reasons=reasons, market=market)


class Link:
    """What one connection's message ids say: which one comes next, which never came."""

    def __init__(self) -> None:
        self.name: str | None = None
        self.next_id = -1
        self.missing: list[int] = []
        self.lost = 0

    def follow(self, message: Message) -> None:
        """An accepted message. Ids may overtake each other, so a gap is only a list of ids to wait for."""
        number, name = message.id_number, message.link_name
        if name is not None and name != self.name:
            self.name, self.next_id, self.missing = name, -1, []
        if message.connected:
            self.next_id, self.missing = number + 1, []
        else:
            self.number(number)

    def number(self, number: int) -> None:
        """An id that came, with an accepted message or with one that was refused for its contents."""
        if number < 0:
            return
        if self.next_id < 0:
            self.next_id = number + 1
        elif number >= self.next_id:
            waiting = self.missing + list(range(max(self.next_id, number - 10 * MISSING_MAX), number))
            self.lost += max(0, len(self.missing) + number - self.next_id - MISSING_MAX)
            self.missing, self.next_id = waiting[-MISSING_MAX:], number + 1
        elif number in self.missing:
            self.missing.remove(number)


class Message(MarketMaps):
    """One WebSocket message being read."""

    id_number = -1
    link_name: str | None = None
    connected = False
    whole_envelope = False
    """Whether all that stands round the contents was good."""
    spoilt: str | None = None
    """The ticker whose book this message is about, if its envelope says so."""

    def read(self) -> None:
        """Envelope first, then contents by channel."""
        if not isinstance(self.document.root, Members):
            return self.fail("SYNTAX", "BAD_VALUE")
        members = self.take(self.document.root, ENVELOPE)
        self.levels = count_levels(self.document.root)
        if "type" not in members:
            return self.fail("MISSING_KEY")
        kind = self.text(members["type"])
        if "connection_id" in members:
            name = self.text(members["connection_id"]) or ""
            self.link_name = name if 0 < len(name) <= NAME_MAX else None
        number = self.id_number = self.message_id(members)
        self.connected = kind == "connected"
        channel = self.text(members["channel"]) if "channel" in members else None
        name = self.text(members["id"]) if "id" in members else None
        if len(name or "") > ID_MAX:
            self.fail("BAD_VALUE")
        self.whole_envelope = not self.reasons
        if self.whole_envelope and kind in DATA_TYPES and channel == "v4_orderbook":
            self.spoilt = name
        if kind in CONTROL:
            side = CHANNELS.index(channel) if channel in CHANNELS else 0
            ticker = name or ""
            if side == 4:
                ticker, _, last = ticker.partition("/")
                ticker = ticker if last in RESOLUTIONS else ""
            market = self.twin.index.get(ticker, NO_MARKET)
            named = {"side": side, "market": market} if kind in ("unsubscribed", "error") else {}
            self.counts["server_errors"] += kind == "error"
            if kind == "connected":
                self.blocks[self.connection] = 0, 0
            return self.row(CONTROL[kind], price=number, ref=self.connection, **named)
        if kind not in DATA_TYPES:
            self.counts["unknown"] += 1
            return self.row("UNKNOWN", ref=self.connection) if kind is not None else None
        if "channel" not in members:
            return self.fail("MISSING_KEY")
        if channel is None or channel not in CHANNELS[1:]:
            self.counts["unknown"] += 1
            return self.row("UNKNOWN", ref=self.connection)
        return self.data(DATA_TYPES[kind], CHANNELS.index(channel), members, number, name)

    def message_id(self, members: dict[str, Any]) -> int:
        """A non-negative integer, -1 where it is missing."""
        if "message_id" not in members:
            return -1
        value = members["message_id"]
        found = integer(value) if type(value) is Number else None
        if found is None or found < 0:
            self.fail("BAD_VALUE")
        return found or 0

    def data(self, kind: int, channel: int, members: dict[str, Any], number: int, name: str | None) -> None:
        """A subscribed, channel_data or channel_batch_data message of a known channel."""
        if "contents" not in members:
            return self.fail("MISSING_KEY")
        market, resolution = NO_MARKET, 0
        if channel in (1, 2, 4):
            if "id" not in members:
                return self.fail("MISSING_KEY")
            ticker, _, last = (name or "").partition("/") if channel == 4 else (name or "", "", "")
            if channel == 4 and last not in RESOLUTIONS:
                self.fail("BAD_VALUE")
            resolution = RESOLUTIONS.index(last) if last in RESOLUTIONS else 0
            found = self.twin.index.get(ticker)
            if found is None or not {"tickSize", "stepSize"} <= self.twin.markets[found]["num"].keys():
                return self.fail("UNKNOWN_MARKET")
            market = found
        contents = members["contents"]
        elements = contents if kind == BATCH else [contents]
        if type(elements) is not list or not all(isinstance(e, Members) for e in elements):
            return self.fail("BAD_VALUE")
        if kind == SUBSCRIBED:
            self.row("SUBSCRIBED", side=channel, market=market, price=number, ref=self.connection)
        if channel >= 6:
            self.counts["accounts"] += 1
            return self.row("ACCOUNT", side=channel, price=number, size=kind, ref=self.connection)
        self.snapshot = kind == SUBSCRIBED
        for element in elements:
            if channel in (1, 2):
                (self.book if channel == 1 else self.trades)(element, self.twin.markets[market])
            elif channel == 3:
                self.market_maps(element)
            elif channel == 4:
                self.candles(element, self.twin.markets[market], resolution)
            else:
                self.block(element)
        return None


def count_levels(root: Members) -> int:
    """The elements of the `bids` and `asks` lists under `contents`."""
    total = 0
    for key, contents in root:
        if key == "contents":
            for element in contents if type(contents) is list else [contents]:
                if isinstance(element, Members):
                    total += sum(len(v) for k, v in element if k in ("bids", "asks") and type(v) is list)
    return total
