"""The decoder's short way for updates to the letter: it must give what the naive twin gives, also a byte beside it."""

from __future__ import annotations

from itertools import product

import pytest

from sniper._ext.tape import COUNTER_NAMES
from tests import messages as m
from tests.pair import Pair

CONNECTION = "004a1efa-21bb-4b19-a2e9-a8ffadd6dc53"
NUMBERS = (
    b"0 1 7 00 0.0 1.5 0.0001 10.00 012 99999999 123456.789 3.00000000000 0000000000001.5 00000000000000.5 . .5 5. "
    b'1..5 1.5.5 1.5. .1.5 -1 +1 1e2 1a a1 / : 1,5 1/5 1:5 \\u0031 1\x00 1\x80 \xb1 null 1" 12345678901234567890.5'
).split(b" ")
NUMBERS += [b"", b" 1", b"1 ", *(b"9" * n for n in range(14, 20)), b"0" * 18, b"0" * 19]
NUMBERS += [b"1." + b"0" * n for n in (12, 13, 14, 16, 17)]


def frame(contents: bytes, kind: str = "channel_batch_data", channel: str = "v4_orderbook") -> bytes:
    head = f'{{"type":"{kind}","connection_id":"{CONNECTION}","message_id":7,"id":"BTC-USD","channel":"{channel}",'
    return head.encode() + b'"version":"1.0.0","contents":' + contents + b"}"


def trade(**fields: str) -> bytes:
    known = {"id": "02723f9f0000000200000007", "size": "0.5", "price": "100", "side": "SELL"}
    known |= {"createdAt": "2026-11-21T00:00:00.000Z", "type": "LIMIT"} | fields
    return ("{" + ",".join(f'"{key}":"{value}"' for key, value in known.items()) + "}").encode()


BATCH = b'[{"bids":[["100","0.5"],["99","0"]]},{"asks":[["101","12.75"]]},{"bids":[["98","3"]]}]'
TWO = trade() + b"," + trade(side="BUY", type="LIQUIDATED")
APART = b'[{"trades":[' + trade() + b']},{"trades":[' + trade(side="BUY") + b"]}]"
ORACLE = b'{"oraclePrices":{"BTC-USD":{"oraclePrice":"101.5","effectiveAt":"2026-11-21T00:00:00.000Z"}}}'
HEIGHT = b'{"blockHeight":"81000000","time":"2026-11-21T00:00:00.000Z"}'


def news(contents: bytes, channel: str = "v4_markets", named: str = "") -> bytes:
    head = (
        f'{{"type":"channel_data","connection_id":"{CONNECTION}","message_id":7{named},"channel":"{channel}",'
    )
    return head.encode() + b'"version":"1.0.0","contents":' + contents + b"}"


LETTERS = {
    "batch": frame(BATCH),
    "one": frame(b'{"asks":[["101","12.75"],["102","0"]]}', "channel_data"),
    "trades": frame(b'{"trades":[' + TWO + b"]}", "channel_data", "v4_trades"),
    "batch of trades": frame(APART, channel="v4_trades"),
    "oracle": news(ORACLE),
    "block": news(HEIGHT, "v4_block_height", ',"id":"v4_block_height"'),
}


@pytest.fixture
def pair() -> Pair:
    pair = Pair()
    pair.feed([(0, 0, 0, m.markets(m.market("BTC-USD", step="0.0001")))])
    pair.feed([(0, 0, 0, frame(b"[]"))])  # the connection is known by name
    return pair


def fast(pair: Pair) -> int:
    """Frames that went the short way."""
    return int(pair.tape.counters[COUNTER_NAMES.index("fast_frames")])


@pytest.mark.parametrize("name", LETTERS)
def test_updates_to_the_letter_go_the_short_way(pair: Pair, name: str) -> None:
    before = fast(pair)
    assert all(
        row["kind"] in ("LEVEL", "TRADE", "ORACLE", "BLOCK") for row in pair.feed([(1, 0, 0, LETTERS[name])])
    )
    assert fast(pair) == before + 1


@pytest.mark.parametrize("name", LETTERS)
def test_one_byte_beside_the_letter(pair: Pair, name: str) -> None:
    """Each byte left out, doubled, or another one in its place."""
    letter = LETTERS[name]
    others = b'"\\{}[],:.0a\x00\x80 '
    for at, byte in enumerate(letter):
        frames = [letter[:at] + letter[at + 1 :], letter[: at + 1] + letter[at:]]
        frames += [letter[:at] + bytes((other,)) + letter[at + 1 :] for other in others if other != byte]
        pair.feed([(1, 0, 0, data) for data in frames])
    pair.compare_state()
    assert fast(pair) > 20


def test_markets_named_on_the_short_way_are_known_once_the_message_was_good(pair: Pair) -> None:
    known = '"tickSize":"1","stepSize":"0.1","oraclePrice":"7"'
    for ticker, end in (("ETH-USD", b"}}"), ("SOL-USD", b"}},1"), ("XRP-USD", b"},"), ("SUI-USD", b"} }")):
        for last in (b"", b',"BTC-USD":1'):
            one = f'{{"trading":{{"{ticker}":{{{known}}}'.encode() + last
            pair.feed([(1, 0, 0, news(one + end)), (1, 0, 0, news(ORACLE))])
            pair.compare_state()
    assert pair.decoder.tickers == ["BTC-USD", "ETH-USD", "SUI-USD"]


@pytest.mark.parametrize("kind", ["channel_batch_data", "channel_data"])
def test_numbers_of_all_shapes_and_places(pair: Pair, kind: str) -> None:
    """First, in the middle and last, where less than sixteen bytes follow."""
    for number, other in product(NUMBERS, (b"1", b"0.0625", b"123456789.5")):
        level = b'["%b","%b"]'
        lists = [level % (number, other), level % (other, number)]
        good = level % (b"100", b"1")
        lists += [one + b"," + good for one in lists] + [good + b"," + one + b"," + good for one in lists[:2]]
        lists += [good + b"," + one for one in lists[:2]]
        contents = [b'{"bids":[%b]}' % one for one in lists]
        if kind == "channel_batch_data":
            contents = [b"[%b]" % one for one in contents] + [
                b'[%b,{"asks":[%b]}]' % (one, good) for one in contents
            ]
        pair.feed([(1, 0, 0, frame(one, kind)) for one in contents])
    pair.compare_state()
    assert fast(pair) > 100


@pytest.mark.parametrize(
    "contents",
    [
        b'{"bids":[["100","1"]]},{"asks":[["101","1"]]}',
        b'[{"bids":[["100","1"]]},{"asks":[["101","1"]]}',
        b'[{"bids":[["100","1"]]}]},{"asks":[["101","1"]]}',
        b'{"bids":[["100","1"]]}]',
        b'[{"bids":[["100","1"]]},{"cats":[["101","1"]]}]',
        b'[{"bids":[["100","1"]]},{"aids":[["101","1"]]}]',
        b'[{"bids":[["100","1"]],"asks":[["101","1"]]}]',
        b'[{"bids":[["100","1"]]},{"asks":[]}]',
        b'[{"bids":[["100","1"]]},{"asks":[["101","1"],]}]',
        b'{"trades":[]},{"trades":[]}',
    ],
)
@pytest.mark.parametrize("kind", ["channel_batch_data", "channel_data"])
def test_objects_in_the_wrong_place(pair: Pair, kind: str, contents: bytes) -> None:
    pair.feed([(1, 0, 0, frame(contents, kind)), (1, 0, 0, frame(contents, kind, "v4_trades"))])
    pair.compare_state()


def test_a_time_before_any_day_was_read(pair: Pair) -> None:
    """The day that is remembered is a real one from the start: no text that is none of a day may equal it."""
    for time in ("\\u0000" * 11 + "12:00:00Z", "1970-01-01T12:00:00Z", "1970-01-01 12:00:00Z"):
        height = '{"blockHeight":"81000000","time":"' + time + '"}'
        for channel in ("v4_block_height", "v4_markets"):
            pair.feed([(1, 0, 0, news(height.encode(), channel, ',"id":"v4_block_height"'))])
    pair.compare_state()
    assert [row["kind"] for row in pair.feed([(1, 0, 0, LETTERS["block"])])] == ["BLOCK"]
