"""The twins themselves, against values worked out by hand; and each single fault has its own name in both."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper._ext.tape import REASON_NAMES
from tests.pair import KINDS, REASONS, Pair
from tests.reference_book import BooksTwin, Level, uncrossed
from tests.reference_decode import DecoderTwin
from tests.reference_json import Members, Number, Refused, depth, parse
from tests.reference_trades import TradesTwin
from tests.reference_values import decimal, fits, id_height, id_words, integer, multiple, stripped, time_ns
from tests.state import kept

# -- JSON ----------------------------------------------------------------------------------------------------


def test_parse_keeps_every_pair_and_every_number_as_text() -> None:
    root = parse(b' {"a": 1.50, "a": [true, null, -0, 1e5], "b": "x\\u0041\\n"} \n').root
    assert root == Members([("a", "1.50"), ("a", [True, None, "-0", "1e5"]), ("b", "xA\n")])
    assert type(root[0][1]) is Number and type(root[2][1]) is str


@pytest.mark.parametrize(
    "text",
    [
        b"", b" ", b"{", b"}", b"{}{}", b"{} x", b"{,}", b'{"a":1,}', b"[1,]", b"[,1]", b"[1 2]",
        b'{"a" 1}', b'{"a":}', b"{a:1}",
        b"{'a':1}", b"01", b"+1", b"1.", b".5", b"-", b"1e", b"1e+", b"0x1", b"NaN", b"-Infinity", b"nul",
        b"True", b'"a', b'"\\x"',
        b'"\\u12"', b'"\\u123g"', b'"a\nb"', b'"a\tb"', b'"\x00"', b"\xef\xbb\xbf{}", b"{}\x00", b"\x0b{}",
        b"{}\xa0", b"[1]//",
    ],
)  # fmt: skip
def test_parse_refuses_what_is_not_json(text: bytes) -> None:
    with pytest.raises(Refused) as refusal:
        parse(text)
    assert refusal.value.reasons == {"SYNTAX"}


def test_nesting_up_to_64_is_taken() -> None:
    assert depth('{"a":[{"b":"[[["}]}') == 3
    parse(b"[" * 64 + b"]" * 64)
    with pytest.raises(Refused) as refusal:
        parse(b"[" * 65 + b"]" * 65)
    assert refusal.value.reasons == {"TOO_DEEP"}


def test_a_foreign_byte_is_told_from_an_escape() -> None:
    document = parse('{"é": "\\u00e9", "a": "b", "\\ue0e9": "é"}'.encode())
    (key, escaped), (_, plain), (private, raw) = document.root
    assert document.foreign(key) and document.foreign(raw)
    assert not document.foreign(escaped) and not document.foreign(plain) and not document.foreign(private)
    assert parse(b'{"a":"\xff\xfe"}').root[0][0] == "a"


# -- values --------------------------------------------------------------------------------------------------


def test_decimals() -> None:
    assert decimal("1.50") == (150, 2) and decimal("007") == (7, 0) and decimal("0.0") == (0, 1)
    for text in ("", "-1", "+1", "1.", ".5", "1e5", " 1", "1 ", "1,5", "0x1", "1_0", "\u0661"):
        assert decimal(text) is None, text
    assert decimal("-1.5", signed=True) == (-15, 1) and decimal("--1", signed=True) is None
    assert stripped((1500, 3)) == (15, 1) and stripped((15, 1), 3) == (1500, 3) and stripped((0, 4)) == (0, 0)
    assert (
        multiple((15, 1), (5, 1)) == 3
        and multiple((15, 1), (1, 0)) is None
        and multiple((20, 1), (1, 0)) == 2
    )
    assert fits((10**18 - 1, 0)) and not fits((10**18, 0)) and fits((10**20, 20)) and not fits((1, 19))
    assert (
        integer("12") == 12
        and integer("12.0") == 12
        and integer("12.5") is None
        and integer("9" * 19) is None
    )


@given(st.integers(0, 10**15), st.integers(0, 12))
def test_a_decimal_s_text_and_value_agree(number: int, decimals: int) -> None:
    digits = str(number).rjust(decimals + 1, "0")
    text = digits if not decimals else f"{digits[:-decimals]}.{digits[-decimals:]}"
    found = decimal(text)
    assert found is not None and Fraction(found[0], 10 ** found[1]) == Fraction(text)


def test_times() -> None:
    assert time_ns("1970-01-01T00:00:00Z") == 0
    assert time_ns("2024-02-29T23:59:59.123456789Z") == 1_709_251_199_123_456_789
    assert (
        time_ns("2026-11-21T00:00:00.5+00:00")
        == time_ns("2026-11-21T00:00:00.500Z")
        == 1_795_219_200_500_000_000
    )
    for text in (
        "2023-02-29T00:00:00Z", "2024-13-01T00:00:00Z", "2024-00-01T00:00:00Z", "2024-01-00T00:00:00Z",
        "2024-01-32T00:00:00Z",
        "2024-01-01T24:00:00Z", "2024-01-01T00:60:00Z", "2024-01-01T00:00:60Z", "1969-12-31T23:59:59Z",
        "2200-01-01T00:00:00Z",
        "2024-01-01T00:00:00", "2024-01-01T00:00:00.Z", "2024-01-01T00:00:00.1234567890Z", "2024-01-01 00:00:00Z",
        "2024-01-01T00:00:00+01:00", "2024-1-01T00:00:00Z", "2100-02-29T00:00:00Z", "2024-01-01T00:00:00z",
    ):  # fmt: skip
        assert time_ns(text) is None, text


def test_trade_ids() -> None:
    assert id_height("03f89a53000000020000000e") == 66_624_083
    assert id_words("03f89a53000000020000000e") == (0x03F89A53, 0x000000020000000E)
    for text in (
        "03F89A53000000020000000E",
        "03f89a53000000020000000",
        "8ee6d90d-272d-5edd-bf0f-2e4d6ae3d3b7",
        "",
    ):
        assert id_height(text) == 0 and id_words(text) is None


# -- the uncrossed view --------------------------------------------------------------------------------------


def levels(*triples: tuple[int, int, int]) -> list[Level]:
    return [Level(*triple) for triple in triples]


def test_the_older_level_is_masked() -> None:
    bids, asks = levels((10, 5, 1), (9, 5, 1)), levels((10, 1, 2), (11, 1, 1))
    assert uncrossed(bids, asks) == (bids[1:], asks)
    bids, asks = levels((10, 5, 3), (9, 5, 1)), levels((10, 9, 2), (11, 1, 1))
    assert uncrossed(bids, asks) == (bids, asks[1:])


def test_of_one_update_the_smaller_is_masked_and_of_equal_ones_both() -> None:
    bids, asks = levels((12, 5, 1), (11, 9, 1), (8, 1, 1)), levels((9, 5, 1), (10, 2, 1), (13, 1, 1))
    # 12x5 and 9x5 go together; 11x9 outlives 10x2
    assert uncrossed(bids, asks) == (bids[1:], asks[2:])


Side = st.lists(
    st.tuples(st.integers(1, 30), st.integers(1, 3), st.integers(1, 4)), max_size=12, unique_by=lambda x: x[0]
)


@given(Side, Side)
def test_the_view_never_crosses_and_only_masks_from_the_best(bids: Any, asks: Any) -> None:
    bids, asks = levels(*sorted(bids, reverse=True)), levels(*sorted(asks))
    b, a = uncrossed(bids, asks)
    assert not (b and a) or b[0].ticks < a[0].ticks
    assert b == bids[len(bids) - len(b) :] and a == asks[len(asks) - len(a) :]
    if not (bids and asks) or bids[0].ticks < asks[0].ticks:
        assert (b, a) == (bids, asks)


# -- books and trades from rows ------------------------------------------------------------------------------


def row(kind: str, **fields: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "recv_ns": 0,
        "market": 0,
        "ref": 0,
        "side": 0,
        "price": 0,
        "size": 0,
        "flags": 0,
        "bid": 0,
        "ask": 0,
    } | fields


def test_a_book_from_rows() -> None:
    twin = BooksTwin()
    rows = [
        row("LEVEL", price=5, size=1),  # before any snapshot
        row("BOOK", ref=3),
        row("LEVEL", side=0, price=10, size=4, flags=1),
        row("LEVEL", side=1, price=12, size=4, flags=1),
        row("LEVEL", side=1, price=11, size=0),  # never there
        row("LEVEL", side=0, price=12, size=7, recv_ns=100),  # crosses; newer than the ask
        row("TRADE", recv_ns=150),
        row("LEVEL", side=0, price=12, size=0, recv_ns=400),
        row("GAP", ref=3, market=0xFFFF),
        row("CONNECTED", ref=4, market=0xFFFF),
    ]
    twin.apply(rows)
    book = twin.books[0]
    assert [(r["bid"], r["ask"]) for r in rows[:8]] == [
        (0, 0), (0, 0), (10, 0), (10, 12), (10, 12), (12, 0), (12, 0), (10, 12),
    ]  # fmt: skip
    assert (book.orphans, book.unknown_removes, book.crossings, book.crossed_ns) == (1, 1, 1, 300)
    assert book.trust == 3 and book.raw_top() == (10, 12)
    twin.apply([row("BOOK", ref=3), row("LEVEL", price=7, size=1, flags=1)])
    assert book.trust == 1 and book.top() == (7, 0)
    twin.apply([row("CONNECTED", ref=3, market=0xFFFF)])
    assert book.trust == 0 and book.top() == (0, 0)


def test_trades_from_rows() -> None:
    twin = TradesTwin()
    scale = 1 << 24 | 2 << 16  # one decimal of price, two of size
    rows = [
        row("TRADE", price=1005, size=150, side=0, flags=scale, trade={"id": "a"}),
        row("TRADE", price=1006, size=25, side=1, flags=scale, trade={"id": "b"}),
        row("TRADE", price=999, size=1, side=1, flags=scale, trade={"id": "a"}),
        row("TRADE", price=5, size=5, side=0, flags=0, trade={"id": "c"}),
    ]
    twin.apply(rows)
    tally = twin.markets[0]
    assert [bool(r["flags"] & 2) for r in rows] == [False, False, True, False]
    assert (tally.count, tally.duplicates, tally.last_price) == (3, 1, 5)
    assert tally.volume == [Fraction("6.5"), Fraction("0.25")]


# -- the decoder: one fault, one name, in both ---------------------------------------------------------------

MARKETS = {"BTC-USD": {"tickSize": "1", "stepSize": "0.0001"}, "HALF-USD": {"oraclePrice": "2"}}
LEVEL = {"price": "100", "size": "0.5"}
TRADE = {"id": "1", "side": "BUY", "size": "1", "price": "100", "createdAt": "2026-11-21T00:00:00.000Z"}
CANDLE = {
    "startedAt": "2026-11-21T00:00:00.000Z", "low": "1", "high": "2", "open": "1", "close": "2", "baseTokenVolume": "3",
    "usdVolume": "4", "trades": 5, "startingOpenInterest": "6",
}  # fmt: skip
BLOCK = {"height": "12", "time": "2026-11-21T00:00:00.000Z"}


def message(channel: str | None = "v4_orderbook", contents: Any = None, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "channel_data", "connection_id": "c", "message_id": 7}
    if channel is not None:
        made["channel"] = channel
    if channel in ("v4_orderbook", "v4_trades"):
        made["id"] = "BTC-USD"
    if channel == "v4_candles":
        made["id"] = "BTC-USD/1MIN"
    if contents is not None:
        made["contents"] = contents
    return {k: v for k, v in (made | more).items() if v is not ...}


def text(made: Any) -> bytes:
    return json.dumps(made, ensure_ascii=False).encode("utf-8", "surrogatepass")


def book(*bids: Any, **more: Any) -> bytes:
    return text(message(contents={"bids": list(bids)}, **more))


def trade(**more: Any) -> bytes:
    return text(message("v4_trades", {"trades": [{k: v for k, v in (TRADE | more).items() if v is not ...}]}))


def candle(**more: Any) -> bytes:
    return text(message("v4_candles", {k: v for k, v in (CANDLE | more).items() if v is not ...}))


def block(**more: Any) -> bytes:
    return text(message("v4_block_height", {k: v for k, v in (BLOCK | more).items() if v is not ...}))


def oracle(**more: Any) -> bytes:
    fields = {"oraclePrice": "5", "effectiveAt": "2026-11-21T00:00:00.000Z", "effectiveAtHeight": "3"} | more
    return text(
        message(
            "v4_markets", {"oraclePrices": {"BTC-USD": {k: v for k, v in fields.items() if v is not ...}}}
        )
    )


def market(**fields: Any) -> bytes:
    return text(message("v4_markets", {"trading": {"BTC-USD": fields}}))


# what the Indexer writes to the letter takes the decoder's fast path, once the connection is known
CONNECTION = "004a1efa-21bb-4b19-a2e9-a8ffadd6dc53"
FAST = (
    f'{{"type":"channel_data","connection_id":"{CONNECTION}","message_id":7,"id":"BTC-USD","channel":"v4_orderbook",'
    f'"version":"1.0.0","contents":{{"bids":[["100","0.5"]]}}}}'
).encode()

GOOD: dict[str, bytes] = {
    "to the letter": FAST,
    "level": book(["100", "0.5"]),
    "level as an object": book(LEVEL),
    "both shapes, zero size, needless zeros": book(
        ["100.000", "0"], LEVEL, ["0100", "0.50000000000000000000000000"]
    ),
    "empty lists": text(message(contents={"bids": [], "asks": []})),
    "no sides": text(message(contents={})),
    "unknown keys": book(LEVEL | {"x": [{}]}, extra={"bids": 1, "a": {"a": 1}}),
    "an unknown key twice": b'{"x":1,"x":2,' + book(["100", "1"])[1:],
    "foreign bytes in strings that are skipped": book(
        ["100", "1"], version="é", message="\ud800", note={"é": "é"}
    ),
    "escapes": book(["100", "1"]).replace(b"BTC-USD", b"BTC\\u002dUSD").replace(b"bids", b"bi\\u0064s"),
    "no ids": book(["100", "1"], connection_id=..., message_id=...),
    "batch": text(message(contents=[{"bids": [["1", "1"]]}, {}, {"asks": []}], type="channel_batch_data")),
    "empty batch": text(message(contents=[], type="channel_batch_data")),
    "trade": trade(),
    "trade with everything": trade(type="LIQUIDATED", createdAtHeight="12", liquidation=False),
    "trade of a new type, finer than the grid": trade(
        type="TWAP_SUBORDER", price="99.125", size="0.000000001"
    ),
    "trade with an id of 256": trade(id="9" * 256),
    "trade with an id of 256, one escaped": trade(id="9" * 255 + "X").replace(b"X", b"\\u0041"),
    "trade of no height": trade(createdAtHeight=None),
    "candle of no interest": candle(startingOpenInterest=None),
    "oracle of no height": oracle(effectiveAtHeight=None),
    "no trades": text(message("v4_trades", {"trades": []})),
    "candle": candle(),
    "candle without open interest": candle(startingOpenInterest=...),
    "block": block(),
    "block update": block(height=..., blockHeight="13"),
    "oracle": oracle(),
    "oracle without a time": oracle(effectiveAt=..., effectiveAtHeight=...),
    "oracle that is null": oracle(oraclePrice=None),
    "oracle that is empty": oracle(oraclePrice=""),
    "market": market(
        volume24H="12345678901234567890.5"[2:], trades24H=3, status="ODD", marketType="CROSS", tickSize=""
    ),
    "ticker of 108": market(status="ACTIVE").replace(b"BTC-USD", b"X" * 108),
    "an unknown type": text({"type": "telegram", "contents": [1]}),
    "an unknown channel": text(message("v9_x", {"bids": 1})),
    "account": text(message("v4_subaccounts", {"orders": [1]}, id="dydx1/0")),
    "pong": text({"type": "pong", "message_id": 3}),
    "error": text({"type": "error", "message": "Internal error: é"}),
    "64 deep": book(["100", "1"], x=json.loads("[" * 63 + "]" * 63)),
}
FAULTS: dict[str, tuple[str, bytes]] = {
    "not an object": ("BAD_VALUE", b"[]"),
    "trailing": ("SYNTAX", book(["100", "1"]) + b"x"),
    "cut short": ("SYNTAX", book(["100", "1"])[:-1]),
    "control character": ("SYNTAX", book(["100", "1"], version="1").replace(b'"1"', b'"\x01"')),
    "65 deep": ("TOO_DEEP", book(["100", "1"], x=json.loads("[" * 64 + "]" * 64))),
    "no type": ("MISSING_KEY", book(["100", "1"], type=...)),
    "type that is a number": ("BAD_VALUE", book(["100", "1"], type=3)),
    "foreign type": ("NON_ASCII", book(["100", "1"], type="channel_dataé")),
    "no channel": ("MISSING_KEY", book(["100", "1"], channel=...)),
    "no id": ("MISSING_KEY", book(["100", "1"], id=...)),
    "no contents": ("MISSING_KEY", text(message())),
    "contents of a batch that are an object": ("BAD_VALUE", book(["100", "1"], type="channel_batch_data")),
    "contents of an update that are a list": ("BAD_VALUE", text(message(contents=[{"bids": []}]))),
    "contents null": ("BAD_VALUE", book().replace(b"{\"bids\": []}", b"null")),
    "message_id that is a string": ("BAD_VALUE", book(["100", "1"], message_id="7")),
    "message_id below 0": ("BAD_VALUE", book(["100", "1"], message_id=-1)),
    "message_id with a fraction": ("BAD_VALUE", book(["100", "1"], message_id=1.5)),
    "connection_id that is a number": ("BAD_VALUE", book(["100", "1"], connection_id=7)),
    "foreign connection_id": ("NON_ASCII", book(["100", "1"], connection_id="é")),
    "unknown market": ("UNKNOWN_MARKET", book(["100", "1"], id="NO-USD")),
    "market without a grid": ("UNKNOWN_MARKET", book(["100", "1"], id="HALF-USD")),
    "foreign market": ("NON_ASCII", book(["100", "1"], id="é")),
    "trades of an unknown market": ("UNKNOWN_MARKET", text(message("v4_trades", {"trades": []}, id="NO-USD"))),
    "message_id with a zero in front": ("SYNTAX", FAST.replace(b'"message_id":7', b'"message_id":07')),
    "key twice: type": ("DUPLICATE_KEY", b'{"type":"channel_data",' + book(["100", "1"])[1:]),
    "key twice: version": ("DUPLICATE_KEY", b'{"version":1,"version":2,' + book(["100", "1"])[1:]),
    "key twice: bids": ("DUPLICATE_KEY", book(["100", "1"]).replace(b'{"bids"', b'{"bids": [], "bids"')),
    "key twice, once escaped": ("DUPLICATE_KEY", book(["100", "1"]).replace(b'{"bids"', b'{"bi\\u0064s": [], "bids"')),
    "key twice: price": ("DUPLICATE_KEY", book(LEVEL).replace(b'{"price"', b'{"price": "100", "price"')),
    "ticker twice": ("DUPLICATE_KEY", market(status="ACTIVE").replace(b'{"BTC-USD"', b'{"BTC-USD": {}, "BTC-USD"')),
    "market field twice": ("DUPLICATE_KEY", market(status="ACTIVE").replace(b'{"status"', b'{"status": "", "status"')),
    "side that is not a list": ("BAD_VALUE", text(message(contents={"bids": {}}))),
    "level that is text": ("BAD_VALUE", book("100")),
    "level of three": ("BAD_VALUE", book(["100", "1", "7"])),
    "level of one": ("BAD_VALUE", book(["100"])),
    "level without a size": ("MISSING_KEY", book({"price": "100"})),
    "level of numbers": ("BAD_VALUE", book([100, "1"])),
    "level with a sign": ("BAD_VALUE", book(["-100", "1"])),
    "level with an exponent": ("BAD_VALUE", book(["1e2", "1"])),
    "level with a blank": ("BAD_VALUE", book([" 100", "1"])),
    "level that is empty": ("BAD_VALUE", book(["", "1"])),
    "level with a foreign byte": ("NON_ASCII", book(["1\u0660", "1"])),
    "level too large": ("BAD_VALUE", book(["1" + "0" * 18, "1"])),
    "price 0": ("BAD_VALUE", book(["0", "1"])),
    "off tick": ("OFF_GRID", book(["100.5", "1"])),
    "off step": ("OFF_GRID", book(["100", "0.00005"])),
    "trade without an id": ("MISSING_KEY", trade(id=...)),
    "trade without a time": ("MISSING_KEY", trade(createdAt=...)),
    "trade with an odd side": ("BAD_VALUE", trade(side="buy")),
    "trade at 0": ("BAD_VALUE", trade(price="0")),
    "trade of 0": ("BAD_VALUE", trade(size="0.0")),
    "trade on 30 February": ("BAD_VALUE", trade(createdAt="2026-02-30T00:00:00Z")),
    "trade with a foreign id": ("NON_ASCII", trade(id="é")),
    "trade with an id of 257": ("BAD_VALUE", trade(id="9" * 257)),
    "trade with an id of 257, one escaped": ("BAD_VALUE", trade(id="9" * 256 + "X").replace(b"X", b"\\u0041")),
    "trade with an empty id": ("BAD_VALUE", trade(id="")),
    "trade at a height below 0": ("BAD_VALUE", trade(createdAtHeight="-1")),
    "trades missing": ("MISSING_KEY", text(message("v4_trades", {}))),
    "candle of no resolution": ("BAD_VALUE", text(message("v4_candles", CANDLE, id="BTC-USD/2MIN"))),
    "candle without a close": ("MISSING_KEY", candle(close=...)),
    "candle with a bare number": ("BAD_VALUE", candle(close=2)),
    "candle with fewer than no trades": ("BAD_VALUE", candle(trades=-1)),
    "block without a height": ("MISSING_KEY", block(height=...)),
    "block without a time": ("MISSING_KEY", block(time=...)),
    "block with both heights": ("DUPLICATE_KEY", block(blockHeight="12")),
    "oracle without a price": ("MISSING_KEY", oracle(oraclePrice=...)),
    "oracle below 0": ("BAD_VALUE", oracle(oraclePrice="-5")),
    "tick 0": ("BAD_VALUE", market(tickSize="0")),
    "tick below 0": ("BAD_VALUE", market(tickSize="-1")),
    "step that is a list": ("BAD_VALUE", market(stepSize=[])),
    "trades24H with a fraction": ("BAD_VALUE", market(trades24H=1.5)),
    "status that is a number": ("BAD_VALUE", market(status=3)),
    "foreign ticker": ("NON_ASCII", market(status="ACTIVE").replace(b"BTC-USD", "BTC-É".encode())),
    "oracle of no time": ("BAD_VALUE", oracle(effectiveAt=None)),
    "candle of null trades": ("BAD_VALUE", candle(trades=None)),
    "ticker with a slash": ("BAD_VALUE", market(status="ACTIVE").replace(b"BTC-USD", b"BTC/USD")),
    "ticker with a blank": ("BAD_VALUE", market(status="ACTIVE").replace(b"BTC-USD", b"BTC USD")),
    "empty ticker": ("BAD_VALUE", market(status="ACTIVE").replace(b"BTC-USD", b"")),
    "ticker of 109": ("BAD_VALUE", market(status="ACTIVE").replace(b"BTC-USD", b"X" * 109)),
    "map that is a list": ("BAD_VALUE", text(message("v4_markets", {"trading": []}))),
    "ticker of nothing": ("BAD_VALUE", text(message("v4_markets", {"trading": {"BTC-USD": 3}}))),
}  # fmt: skip


@pytest.fixture
def pair() -> Pair:
    made = Pair()
    made.feed([(0, 0, 0, text({"type": "connected", "connection_id": CONNECTION, "message_id": 0}))])
    made.feed(
        [
            (
                0,
                0,
                0,
                text(
                    {
                        "type": "subscribed",
                        "message_id": 1,
                        "channel": "v4_markets",
                        "contents": {"markets": MARKETS},
                    }
                ),
            )
        ]
    )
    made.feed([(1, 0, 0, text({"type": "subscribed", "message_id": 2, "channel": "v4_orderbook", "id": "BTC-USD",
                               "contents": {"bids": [{"price": "99", "size": "1"}], "asks": []}}))])  # fmt: skip
    return made


@pytest.mark.parametrize("name", GOOD)
def test_good_messages_are_taken_by_both(pair: Pair, name: str) -> None:
    rows = pair.feed([(5, 0, 0, GOOD[name])])
    assert not any(r["kind"] == "ERROR" for r in rows)
    pair.compare_state()


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_has_its_name_in_both_and_leaves_no_trace(pair: Pair, name: str) -> None:
    reason, frame = FAULTS[name]
    before = [kept(pair.books), pair.trades.save(), pair.decoder.markets.tobytes()]
    rows = pair.feed([(5, 0, 0, frame)])
    assert [r["kind"] for r in rows] == ["ERROR"] and reason in rows[0]["reasons"]
    assert REASON_NAMES[pair.tape.rows["side"][0]] == REASON_NAMES[REASONS[reason]]
    assert [kept(pair.books), pair.trades.save(), pair.decoder.markets.tobytes()] == before
    pair.compare_state()


def test_levels_of_a_refused_message_are_counted_where_it_is_json(pair: Pair) -> None:
    frame = text(message(contents={"bids": [["1", "1"], ["x"]], "asks": [{}], "other": [[1]]}))
    assert pair.feed([(5, 0, 0, frame)])[0]["size"] == 3
    assert pair.feed([(6, 0, 0, frame[:-1])])[0]["size"] == 0
    assert pair.decoder_twin.counters["rejected_levels"] == 3
    pair.compare_state()


def test_rows_by_hand() -> None:
    twin = DecoderTwin()
    twin.apply(
        [(0, 0, 0, text({"type": "subscribed", "channel": "v4_markets", "contents": {"markets": MARKETS}}))]
    )
    rows = twin.apply(
        [
            (5, 2, 0, book(["100", "0.5"], {"size": "0", "price": "99"})),
            (6, 2, 0, trade(id="03f89a53000000020000000e", price="99.50", side="SELL")),
        ]
    )
    kept = ("kind", "side", "price", "size", "market", "flags", "ref", "frame", "recv_ns")
    assert [tuple(r[k] for k in kept) for r in rows[:2]] == [
        ("LEVEL", 0, 100, 5000, 0, 0, 2, 0, 5),
        ("LEVEL", 0, 99, 0, 0, 0, 2, 0, 5),
    ]
    assert rows[2]["trade"] == {"id": "03f89a53000000020000000e", "height": 66_624_083}
    assert (rows[2]["price"], rows[2]["flags"] >> 24, rows[2]["size"], rows[2]["flags"] >> 16 & 255) == (
        995,
        1,
        10000,
        4,
    )
    assert rows[2]["flags"] & 0xFFFF == 8 and KINDS[rows[2]["kind"]] == 8
