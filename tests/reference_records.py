"""Records that are not WebSocket messages, for the decoder twin: REST answers, gaps, link states,
operators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.reference_contents import FROM_REST, RESOLUTIONS, make_row
from tests.reference_json import Members, Refused, parse
from tests.reference_markets import MarketMaps
from tests.reference_values import integer

if TYPE_CHECKING:
    from tests.reference_decode import DecoderTwin

ENDPOINTS = (
    "",
    "perpetualMarkets",
    "orderbook",
    "trades",
    "candles",
    "historicalFunding",
    "orders",
    "fills",
    "subaccount",
    "height",
    "time",
)
LINKS = ("connecting", "open", "closed", "silent", "limited", "refused", "stopped")
VERBS = ("place", "cancel")
REST, GAP, LINK, OPERATOR, VENUE = 1, 2, 3, 4, 5
FUNDING = frozenset(("rate", "effectiveAt", "effectiveAtHeight", "ticker"))
Row = dict[str, Any]


def record_rows(twin: DecoderTwin, connection: int, kind: int, data: bytes) -> list[Row]:
    """The rows of one record of kind REST, GAP, LINK, OPERATOR or VENUE."""
    if kind == REST:
        return rest(twin, connection, data)
    words = data.decode("latin-1").split(" ", 2)
    if kind == OPERATOR and words[0]:
        return [make_row("OPERATOR", ref=connection)]
    numbers = [integer(word) for word in words[:2]]
    if kind == GAP and len(numbers) == 2 and all(n is not None and n >= 0 for n in numbers):
        twin.counters["gaps"] += 1
        twin.counters["gap_records"] += numbers[0] or 0
        return [make_row("GAP", size=numbers[0], price=numbers[1], ref=connection)]
    if kind == LINK and words[0] in LINKS and (len(words) < 2 or words[1] == "" or numbers[1] is not None):
        code = numbers[1] if len(words) > 1 else 0
        return [make_row("LINK", side=LINKS.index(words[0]) + 1, price=code or 0, ref=connection)]
    if kind == VENUE and words[0] in VERBS:
        asked = integer([*data.decode("latin-1").split(" "), "", ""][1])
        code = integer([*data.decode("latin-1").split(" "), "", ""][2])
        if asked is not None and 0 <= asked < 2**32 and code is not None:
            return [make_row("ANSWER", side=VERBS.index(words[0]) + 1, price=code, ref=asked)]
    return [twin.refused(connection, {"BAD_RECORD"}, 0)]


def rest(twin: DecoderTwin, connection: int, data: bytes) -> list[Row]:
    """A REST answer: its REST row, then the rows of its body."""
    head, newline, body = data.partition(b"\n")
    words = head.decode("latin-1").split(" ")
    status = integer(words[1]) if len(words) == 3 else None
    if not newline or words[0] not in ENDPOINTS[1:] or status is None or not 0 <= status < 1000:
        return [twin.refused(connection, {"BAD_RECORD"}, 0)]
    answer = Answer(twin, None, connection)
    query = dict(p.partition("=")[::2] for p in words[2].split("&"))
    answer.head(ENDPOINTS.index(words[0]), status, query)
    if 200 <= status < 300:
        try:
            answer.document = parse(body)
        except Refused as refusal:
            return [twin.refused(connection, refusal.reasons, 0) | {"flags": FROM_REST}]
        answer.read(ENDPOINTS.index(words[0]), query)
    rows = twin.settle(answer, connection)
    if rows[0]["kind"] == "ERROR":
        rows[0]["flags"] = FROM_REST
    return rows


class Answer(MarketMaps):
    """One REST body being read."""

    def head(self, endpoint: int, status: int, query: dict[str, str]) -> None:
        """The REST row."""
        self.index = self.twin.index.get(query.get("ticker", query.get("market", "")), 0xFFFF)
        self.flags, self.snapshot = FROM_REST, True
        self.row("REST", side=endpoint, size=status, ref=self.connection, market=self.index, flags=FROM_REST)

    def read(self, endpoint: int, query: dict[str, str]) -> None:
        """What the body says."""
        root = self.document.root
        if endpoint > 5:
            return
        if not isinstance(root, Members):
            return self.fail("BAD_VALUE")
        if endpoint == 1:
            return self.market_maps(root)
        if endpoint == 5:
            return self.funding(root)
        market = self.twin.markets[self.index] if self.index != 0xFFFF else None
        if market is None or not {"tickSize", "stepSize"} <= market["num"].keys():
            return self.fail("UNKNOWN_MARKET")
        if endpoint == 2:
            self.book(root, market)
        elif endpoint == 3:
            self.trades(root, market)
        else:
            resolution = query.get("resolution", "")
            if resolution not in RESOLUTIONS:
                return self.fail("BAD_VALUE")
            self.candles(root, market, RESOLUTIONS.index(resolution))
        return None

    def funding(self, root: Members) -> None:
        """historicalFunding, oldest first."""
        for item in self.listed(root, "historicalFunding"):
            members = self.take(item, FUNDING)
            if not self.needed(members, FUNDING):
                continue
            rate, height = self.statistic(members["rate"]), self.height(members["effectiveAtHeight"])
            market, ns = (
                self.twin.index.get(self.text(members["ticker"]) or ""),
                self.time(members["effectiveAt"]),
            )
            if market is None:
                self.fail("UNKNOWN_MARKET")
            elif rate is None or height is None:
                self.fail("BAD_VALUE")
            else:
                self.row(
                    "FUNDING",
                    price=rate,
                    size=height,
                    venue_ns=ns,
                    market=market,
                    flags=self.flags | 1,
                    ref=self.connection,
                )
