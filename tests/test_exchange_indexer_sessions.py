"""Connections, subscriptions, ids, errors and limits: websocket.md sections 2 to 5, text by text."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sniper.exchange.indexer.faults import Faults
from sniper.exchange.indexer.sessions import script_text
from sniper.exchange.indexer.settings import IndexerSettings
from sniper.exchange.terms import Terms
from tests.exchange_chain import BTC, MS, SECOND_NS, US, ScriptedChain, opened, order, paid_in, rests
from tests.exchange_indexing import NOW, Desk, contents

SLOW = IndexerSettings(snapshot_least_ns=100 * MS, snapshot_most_ns=100 * MS, limits=False)
CHANNELS = {
    "v4_orderbook": "BTC-USD",
    "v4_trades": "BTC-USD",
    "v4_candles": "BTC-USD/1MIN",
    "v4_subaccounts": f"{US}/0",
    "v4_parent_subaccounts": f"{US}/0",
    "v4_markets": None,
    "v4_block_height": None,
}


def test_connected_comes_first_with_id_0() -> None:
    desk = Desk()
    desk.indexer.connect(1, desk.now_ns)
    desk.pump()
    (frame,) = desk.raw()
    hello = json.loads(frame)
    assert list(hello) == ["type", "connection_id", "message_id"]
    assert hello["type"] == "connected" and hello["message_id"] == 0
    other = desk.connect(2)
    assert other["connection_id"] != hello["connection_id"] and len(other["connection_id"]) == 36


@pytest.mark.parametrize("channel", CHANNELS)
def test_subscribed_has_no_version_and_markets_have_no_id(channel: str) -> None:
    desk = Desk()
    hello = desk.connect()
    answer = desk.subscribe(channel, CHANNELS[channel])
    keys = ["type", "connection_id", "message_id", "channel", "id", "contents"]
    if channel == "v4_markets":
        keys.remove("id")
    assert list(answer) == keys
    assert answer["connection_id"] == hello["connection_id"] and answer["message_id"] == 1
    if channel != "v4_markets":
        assert answer["id"] == (CHANNELS[channel] or channel)


def test_subscribed_text_has_the_servers_order_of_keys() -> None:
    desk = Desk()
    desk.connect()
    desk.send({"type": "subscribe", "channel": "v4_block_height"})
    desk.wait(2 * MS)
    (frame,) = desk.raw()
    assert (
        b',"message_id":1,"channel":"v4_block_height","id":"v4_block_height","contents":{"height":' in frame
    )


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (b"{", "Invalid message: could not parse"),
        (b"\xff\xfe", "Invalid message: could not parse"),
        (b'{"type":"\\ud800"}', "Invalid message type: ?"),
        (b'{"type":"subscribe","channel":"\\ud800"}', "Invalid channel: ?"),
        (b'{"type":NaN}', "Invalid message: could not parse"),
        ('{"type":"ping"}'.encode("utf-16"), "Invalid message: could not parse"),
        (b"[" * 100_000, "Invalid message: could not parse"),
        (b"{}", "Invalid message: type is required"),
        (b"5", "Invalid message: type is required"),
        (b'"subscribe"', "Invalid message: type is required"),
        (b'{"type":""}', "Invalid message: type is required"),
        (b'{"type":null}', "Invalid message: type is required"),
        (b'{"type":"hello"}', "Invalid message type: hello"),
        (b'{"type":{}}', "Invalid message type: [object Object]"),
        (b'{"type":[1,null,"x"]}', "Invalid message type: 1,,x"),
        (b'{"type":"subscribe"}', "Invalid subscribe message: channel is required"),
        (b'{"type":"unsubscribe"}', "Invalid subscribe message: channel is required"),
        (b'{"type":"subscribe","channel":"v5_markets"}', "Invalid channel: v5_markets"),
        (b'{"type":"subscribe","channel":{}}', "Invalid channel: [object Object]"),
        (b'{"type":"subscribe","channel":"v4_trades"}', "Invalid id: undefined"),
        (b'{"type":"subscribe","channel":"v4_trades","id":null}', "Invalid id: null"),
        (b'{"type":"unsubscribe","channel":"v4_trades","id":7}', "Invalid id: 7"),
        (b"null", "Internal error"),
    ],
)
def test_errors_before_a_subscribe_counts_repeat_the_id(sent: bytes, text: str) -> None:
    desk = Desk()
    desk.connect()
    desk.subscribe("v4_markets")
    desk.send(sent)
    (error,) = desk.read()
    assert list(error) == ["type", "message", "connection_id", "message_id"]
    assert (error["type"], error["message"], error["message_id"]) == ("error", text, 1)
    assert not desk.closed


@pytest.mark.parametrize(
    ("channel", "name"),
    [
        ("v4_orderbook", "FOO-USD"),
        ("v4_trades", "BTC-USD/1MIN"),
        ("v4_candles", "BTC-USD"),
        ("v4_candles", "BTC-USD/2MINS"),
        ("v4_candles", "FOO-USD/1MIN"),
        ("v4_subaccounts", US),
        ("v4_subaccounts", f"{US}/128000"),
        ("v4_subaccounts", f"{US}/x"),
        ("v4_subaccounts", f"{US}/-1"),
        ("v4_subaccounts", f"{US}/0/0"),
        ("v4_parent_subaccounts", f"{US}/128"),
    ],
)
def test_an_id_that_names_nothing_takes_a_message_id(channel: str, name: str) -> None:
    desk = Desk()
    desk.connect()
    error = desk.subscribe(channel, name)
    assert error["message"] == f"Invalid subscription id for channel: ({channel}-{name})"
    assert error["message_id"] == 1 and "channel" not in error
    assert desk.subscribe("v4_markets")["message_id"] == 2


@pytest.mark.parametrize(
    ("channel", "name"), [("v4_subaccounts", "/127999"), ("v4_parent_subaccounts", "/127")]
)
def test_the_last_subaccounts_are_still_valid(channel: str, name: str) -> None:
    desk = Desk()
    desk.connect()
    assert desk.subscribe(channel, US + name)["contents"] == {}


def test_a_ping_is_ignored_and_unknown_fields_are_too() -> None:
    desk = Desk()
    desk.connect()
    desk.send({"type": "ping", "id": 1})
    desk.send({"type": "subscribe", "channel": "v4_markets", "includeOffsets": True, "timestamp": "x"})
    desk.wait(2 * MS)
    (answer,) = desk.read()
    assert answer["type"] == "subscribed" and answer["message_id"] == 1


@pytest.mark.parametrize(
    ("message", "keys"),
    [
        ({"channel": "v4_trades", "id": "BTC-USD"}, {"channel": "v4_trades", "id": "BTC-USD"}),
        ({"channel": "v4_trades", "id": "never heard"}, {"channel": "v4_trades", "id": "never heard"}),
        ({"channel": "v4_markets"}, {"channel": "v4_markets"}),
        ({"channel": "v4_markets", "id": "x"}, {"channel": "v4_markets"}),
        ({"channel": "v4_block_height"}, {"channel": "v4_block_height"}),
        ({"channel": "v4_block_height", "id": "v4_block_height"},
         {"channel": "v4_block_height", "id": "v4_block_height"}),
    ],
)  # fmt: skip
def test_unsubscribed_always_comes_and_echoes_the_id(message: dict[str, Any], keys: dict[str, str]) -> None:
    desk = Desk()
    hello = desk.connect()
    desk.send({"type": "unsubscribe"} | message)
    (answer,) = desk.read()
    assert answer == {"type": "unsubscribed", "connection_id": hello["connection_id"], "message_id": 1} | keys


def test_half_a_surrogate_pair_is_answered() -> None:
    desk = Desk()
    desk.connect()
    desk.send(b'{"type":"unsubscribe","channel":"v4_trades","id":"\\ud800"}')
    desk.send(b'{"type":"subscribe","channel":"v4_trades","id":"\\udc00"}')
    assert [frame.get("id", frame.get("message")) for frame in desk.read()] == [
        "?",
        "Invalid subscription id for channel: (v4_trades-?)",
    ]


def test_ids_overtake_a_snapshot_in_flight_and_what_is_published_meanwhile_is_lost() -> None:
    desk = Desk(settings=SLOW)
    desk.connect()
    each = order(1)
    desk.take(opened(each), rests(each))
    desk.send({"type": "subscribe", "channel": "v4_orderbook", "id": "BTC-USD"})
    desk.wait(20 * MS)
    desk.send({"type": "subscribe", "channel": "v4_trades", "id": "BTC-USD"})
    desk.send({"type": "unsubscribe", "channel": "v4_candles", "id": "x"})
    before = order(2, price=89_800)
    desk.take(opened(before), rests(before))  # before the state is read: in the snapshot
    desk.wait(50 * MS)
    lost = order(3, price=89_700)
    desk.take(opened(lost), rests(lost))  # after it, before the subscription exists: nowhere
    desk.wait(50 * MS)
    after = order(4, price=89_600)
    desk.take(opened(after), rests(after))
    frames = desk.read()
    assert [(f["type"], f["message_id"]) for f in frames] == [
        ("unsubscribed", 3),
        ("subscribed", 1),
        ("subscribed", 2),
        ("channel_data", 4),
    ]
    book = next(f for f in frames if f["type"] == "subscribed")["contents"]["bids"]
    assert book == [{"price": "89900", "size": "0.01"}, {"price": "89800", "size": "0.01"}]
    assert contents(frames, "v4_orderbook") == [{"bids": [["89600", "0.01"]]}]


def test_an_unsubscribe_in_flight_does_nothing() -> None:
    desk = Desk(settings=SLOW)
    desk.connect()
    desk.send({"type": "subscribe", "channel": "v4_block_height"})
    desk.send({"type": "unsubscribe", "channel": "v4_block_height"})
    desk.wait(200 * MS)
    assert [f["type"] for f in desk.read()] == ["unsubscribed", "subscribed"]
    desk.block()
    assert [f["message_id"] for f in desk.read()] == [3]


def test_subscribing_twice_is_told_after_the_fetch_and_the_first_goes_on() -> None:
    desk = Desk()
    desk.connect()
    desk.subscribe("v4_block_height")
    error = desk.subscribe("v4_block_height")
    text = "Invalid subscribe message: already subscribed (v4_block_height-v4_block_height)"
    assert error["message"] == text and error["message_id"] == 2
    assert (error["channel"], error["id"]) == ("v4_block_height", "v4_block_height")
    desk.block()
    assert [f["message_id"] for f in desk.read()] == [3]


def test_the_third_subscribe_to_one_id_within_a_second_ends_the_connection() -> None:
    desk = Desk()
    desk.connect()
    for _ in range(2):
        desk.subscribe("v4_trades", "BTC-USD")
    desk.subscribe("v4_trades", "ETH-USD")
    desk.send({"type": "subscribe", "channel": "v4_trades", "id": "BTC-USD"})
    (error,) = desk.read()
    text = "Too many subscribe attempts for channel v4_trades-BTC-USD. Please  reconnect and try again."
    assert (error["message"], error["message_id"]) == (text, 4)
    assert desk.closed == {1: (1008, '{"message":"Rate limited"}')}
    desk.send({"type": "ping"})
    desk.block()
    assert desk.read() == []


def test_two_subscribes_a_second_are_allowed() -> None:
    desk = Desk()
    desk.connect()
    for _ in range(6):
        desk.subscribe("v4_trades", "BTC-USD")
        desk.send({"type": "unsubscribe", "channel": "v4_trades", "id": "BTC-USD"})
        desk.wait(500 * MS)
    assert not desk.closed


def test_the_third_invalid_message_within_a_second_ends_the_connection() -> None:
    desk = Desk()
    desk.connect()
    for sent in (b"{", b'{"type":"x"}'):
        desk.send(sent)
    desk.send({"type": "subscribe"})  # wrong, but not counted
    desk.read()
    desk.send(b"{}")
    (error,) = desk.read()
    assert error["message"] == "Too many invalid messages. Please reconnect and try again."
    assert desk.closed == {1: (1008, '{"message":"Rate limited"}')}


def test_invalid_messages_far_apart_do_no_harm() -> None:
    desk = Desk()
    desk.connect()
    for _ in range(6):
        desk.send(b"{}")
        desk.wait(501 * MS)
    assert not desk.closed and len(desk.read()) == 6


@pytest.mark.parametrize(
    ("channel", "names", "limit"),
    [
        ("v4_orderbook", [f"M{i}-USD" for i in range(33)], 32),
        ("v4_trades", [f"M{i}-USD" for i in range(33)], 32),
        ("v4_candles", [f"M{i}-USD/1MIN" for i in range(33)], 32),
        ("v4_markets", [None, *(f"x{i}" for i in range(32))], 32),
        ("v4_block_height", [None, "x"], 1),
        ("v4_subaccounts", [f"{US}/{i}" for i in range(257)], 256),
        ("v4_parent_subaccounts", [f"a{i}/0" for i in range(257)], 256),
    ],
)
def test_every_channel_has_its_cap(channel: str, names: list[str | None], limit: int) -> None:
    terms: list[Terms] = [BTC._replace(clob_pair=i, perpetual=i, ticker=f"M{i}-USD") for i in range(33)]
    desk = Desk(ScriptedChain(terms))
    desk.connect()
    for name in names[:-1]:
        assert desk.subscribe(channel, name)["type"] == "subscribed"
    error = desk.subscribe(channel, names[-1])
    assert error["message"] == f"Per-connection subscription limit reached for {channel} (limit={limit})."
    assert error["message_id"] == len(names)
    desk.send({"type": "unsubscribe", "channel": channel} | ({"id": names[0]} if names[0] else {}))
    assert desk.subscribe(channel, names[-1])["type"] == "subscribed"


def test_a_snapshot_that_fails_is_told_with_its_key_and_nothing_is_subscribed() -> None:
    desk = Desk(faults=Faults(snapshot_error=1.0))
    desk.connect()
    error = desk.subscribe("v4_candles", "BTC-USD/1MIN")
    assert error["message"] == "Internal error, could not fetch data for subscription: v4_candles."
    assert (error["message_id"], error["channel"], error["id"]) == (1, "v4_candles", "BTC-USD/1MIN")
    desk.indexer.set_faults(Faults())
    assert desk.subscribe("v4_candles", "BTC-USD/1MIN")["type"] == "subscribed"


def test_an_address_that_is_blocked_is_told_so() -> None:
    desk = Desk()
    desk.connect()
    desk.indexer.screening.judge(US, "BLOCKED", "MANUAL")
    error = desk.subscribe("v4_subaccounts", f"{US}/0")
    assert (
        error["message"].endswith("this address has been blocked.") and error["channel"] == "v4_subaccounts"
    )
    assert desk.subscribe("v4_markets")["type"] == "subscribed"


def test_markets_under_another_id_get_a_snapshot_and_never_an_update() -> None:
    desk = Desk()
    desk.connect()
    answer = desk.subscribe("v4_markets", "mine")
    assert "id" not in answer and set(answer["contents"]["markets"]) == {"BTC-USD", "ETH-USD"}
    desk.take(*paid_in(1))
    desk.block()
    desk.wait(31 * SECOND_NS)
    assert desk.read() == []


def test_the_wait_for_a_snapshot_lies_within_its_bounds_and_differs() -> None:
    desk = Desk(settings=NOW._replace(snapshot_least_ns=20 * MS, snapshot_most_ns=300 * MS))
    waits = []
    for number in range(40):
        desk.connect(number)
        since = desk.now_ns
        desk.send({"type": "subscribe", "channel": "v4_block_height"}, number)
        while not desk.frames.get(number):
            desk.wait(MS)
        desk.read(number)
        waits.append((desk.now_ns - since) // MS)
    assert 20 <= min(waits) < 60 and 250 < max(waits) <= 302


def test_who_has_left_gets_nothing_though_a_snapshot_was_on_its_way() -> None:
    desk = Desk(settings=SLOW)
    desk.connect()
    desk.send({"type": "subscribe", "channel": "v4_markets"})
    desk.wait(60 * MS)
    desk.indexer.gone(1)
    desk.wait(SECOND_NS)
    desk.indexer.gone(1)
    assert desk.read() == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        (1, "1"),
        (1.5, "1.5"),
        (True, "true"),
        (None, "null"),
        ({}, "[object Object]"),
        ([[1], 2], "1,2"),
    ],
)
def test_values_are_written_as_the_servers_language_does(value: Any, text: str) -> None:
    assert script_text(value) == text
