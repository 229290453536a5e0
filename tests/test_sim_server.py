"""Subscriptions and their answers, reconnects, what a fault does to a connection."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from sniper.feed.sim import Faults, Sim
from sniper.types import Reconnect, Resubscribe, Watch
from tests.simdrive import Driver, Record, links, messages

MS = 1_000_000


def of(records: list[Record], kind: str, channel: str | None = None) -> list[dict[str, Any]]:
    return [m for m in messages(records) if m["type"] == kind and channel in (None, m.get("channel"))]


def names(records: list[Record], kind: str) -> list[tuple[str, str]]:
    return [(m["channel"], m.get("id", "")) for m in of(records, kind)]


def test_before_watch_only_markets_and_heights_are_heard() -> None:
    driver = Driver(Sim(markets=2), watch=())
    driver.run(10)
    assert names(driver.records, "subscribed") == [("v4_markets", ""), ("v4_block_height", "v4_block_height")]
    assert messages(driver.records)[0]["type"] == "connected"
    channels = {m["channel"] for m in messages(driver.records)[1:]}
    assert channels == {"v4_markets", "v4_block_height"}


def test_watch_subscribes_books_trades_and_candles() -> None:
    driver = Driver(Sim(markets=3, candles=("1MIN", "1DAY")), watch=("ETH-USD", "SOL-USD"))
    driver.run(2)
    wanted = {(channel, ticker) for channel in ("v4_orderbook", "v4_trades") for ticker in driver.watch}
    wanted |= {("v4_candles", f"{ticker}/{each}") for ticker in driver.watch for each in ("1MIN", "1DAY")}
    answers = names(driver.records, "subscribed")
    assert len(answers) == len(set(answers)) and set(answers[2:]) == wanted
    assert answers[:2] == [("v4_markets", ""), ("v4_block_height", "v4_block_height")]


def test_answers_take_their_time_and_ids_overtake_them() -> None:
    driver = Driver(Sim(markets=30))
    driver.run(2)
    frames = [
        (r[0], m)
        for r, m in zip([r for r in driver.records if r[2] == 0], messages(driver.records), strict=True)
    ]
    snapshot_ns = next(ns for ns, m in frames if m["type"] == "subscribed")
    answers = [(ns, m["message_id"]) for ns, m in frames if m["type"] == "subscribed" and m["channel"] in
               ("v4_orderbook", "v4_trades", "v4_candles")]  # fmt: skip
    delays = [(ns - snapshot_ns) // MS for ns, _ in answers]
    assert len(answers) == 90 and 20 <= min(delays) < 60 and 150 < max(delays) <= 320
    assert [i for _, i in answers] != sorted(i for _, i in answers)


def test_a_second_watch_leaves_what_it_does_not_name() -> None:
    driver = Driver(Sim(markets=3))
    driver.run(2)
    driver.send(Watch(("SOL-USD", "BTC-USD")))
    late = driver.run(2)
    gone = {("v4_orderbook", "ETH-USD"), ("v4_trades", "ETH-USD"), ("v4_candles", "ETH-USD/1MIN")}
    assert set(names(late, "unsubscribed")) == gone and not of(late, "subscribed")
    assert not [m for m in of(driver.run(5), "channel_data") if "ETH-USD" in m.get("id", "")]
    driver.send(Watch(("ETH-USD", "SOL-USD", "BTC-USD")))
    assert set(names(driver.run(2), "subscribed")) == gone


def test_what_is_left_before_it_is_confirmed_is_confirmed_and_then_left() -> None:
    driver = Driver(Sim(markets=2), watch=("BTC-USD",))
    while not driver.watched:
        driver.run(0.02)
    driver.run(0.02)
    assert len(of(driver.records, "subscribed")) <= 2
    driver.send(Watch(()))
    driver.run(2)
    assert ("v4_orderbook", "BTC-USD") in names(driver.records, "subscribed")
    assert ("v4_orderbook", "BTC-USD") in names(driver.records, "unsubscribed")
    ids = sorted(m["message_id"] for m in messages(driver.records))
    assert ids == list(range(len(ids))), "no reserved id is left out"


def test_an_unknown_market_is_refused() -> None:
    driver = Driver(Sim(markets=1), watch=("BTC-USD", "FOO-USD"))
    driver.run(2)
    texts = [m["message"] for m in of(driver.records, "error")]
    assert texts == [
        f"Invalid subscription id for channel: ({name})"
        for name in ("v4_orderbook-FOO-USD", "v4_trades-FOO-USD", "v4_candles-FOO-USD/1MIN")
    ]
    assert ("v4_orderbook", "BTC-USD") in names(driver.records, "subscribed")


@pytest.mark.parametrize(
    ("channel", "ticker", "ids"),
    [
        ("v4_orderbook", "BTC-USD", ["BTC-USD"]),
        ("v4_trades", "ETH-USD", ["ETH-USD"]),
        ("v4_candles", "ETH-USD", ["ETH-USD/1MIN", "ETH-USD/1HOUR"]),
        ("v4_candles", "ETH-USD/1HOUR", ["ETH-USD/1HOUR"]),
        ("v4_markets", "", [""]),
        ("v4_block_height", "", ["v4_block_height"]),
        ("v4_orderbook", "FOO-USD", []),
    ],
)
def test_resubscribe_brings_a_fresh_snapshot(channel: str, ticker: str, ids: list[str]) -> None:
    driver = Driver(Sim(markets=2, candles=("1MIN", "1HOUR"), batched_orderbook=True))
    driver.run(3)
    driver.send(Resubscribe(0, channel, ticker, "test"), Resubscribe(0, channel, ticker, "twice at once"))
    late = driver.run(2)
    assert sorted(names(late, "unsubscribed")) == sorted((channel, each) for each in ids)
    assert sorted(names(late, "subscribed")) == sorted((channel, each) for each in ids)
    for each in ids:
        stream = [
            m["type"] for m in messages(late) if m.get("channel") == channel and m.get("id", "") == each
        ]
        ended = stream.index("unsubscribed")
        assert stream[ended + 1] == "subscribed", "nothing in between"
    driver.run(10)
    if ids and channel == "v4_orderbook":
        assert len([m for m in of(driver.records, "channel_batch_data") if m.get("id") == ids[0]]) > 40


def test_commands_for_connections_that_are_not_there_do_nothing() -> None:
    driver = Driver(Sim(markets=1))
    driver.run(2)
    driver.send(Reconnect(7, "x"), Reconnect(-1, "x"), Resubscribe(9, "v4_orderbook", "BTC-USD", "x"))
    late = driver.run(2)
    assert links(driver.records) == ["connecting 0", "open 0"] and not of(late, "unsubscribed")


def test_reconnect_begins_anew_and_subscribes_everything() -> None:
    driver = Driver(Sim(markets=3))
    driver.run(3)
    before = names(driver.records, "subscribed")
    driver.send(Reconnect(0, "test"))
    late = driver.run(3)
    assert links(late) == ["closed 1000", "connecting 0", "open 0"]
    anew = names(late, "subscribed")
    assert sorted(anew) == sorted(before) and anew[0] == ("v4_markets", "")
    uuids = list(dict.fromkeys(m["connection_id"] for m in messages(driver.records)))
    assert len(uuids) == 2
    ids = [m["message_id"] for m in messages(late) if m["connection_id"] == uuids[1]]
    assert ids[0] == 0 and sorted(ids) == list(range(len(ids)))
    assert driver.sim.status()[0].reconnects == 1


def test_a_command_while_the_connection_is_away_waits_for_it() -> None:
    driver = Driver(Sim(markets=3), watch=("BTC-USD",))
    driver.run(3)
    driver.send(Reconnect(0, "test"))
    driver.run(0.05)
    assert driver.sim.status()[0].state == "closed"
    driver.send(Watch(("ETH-USD",)), Reconnect(0, "again"))
    late = driver.run(3)
    books = [each for each in names(late, "subscribed") if each[0] == "v4_orderbook"]
    assert books == [("v4_orderbook", "ETH-USD")]
    assert links(late) == ["connecting 0", "open 0"], "it was closed already"


def test_thirty_two_ids_a_channel_and_connection() -> None:
    driver = Driver(Sim(markets=40, candles=("1MIN", "1HOUR")))
    driver.run(2)
    each: Counter[tuple[int, str]] = Counter()
    for record in driver.records:
        if record[2] == 0 and b'"subscribed"' in record[3][:20]:
            each[record[1], messages([record])[0]["channel"]] += 1
    books = {index: each[index, "v4_orderbook"] for index in range(3)}
    candles = {index: each[index, "v4_candles"] for index in range(3)}
    assert books == {0: 32, 1: 8, 2: 0} and candles == {0: 32, 1: 32, 2: 16}
    assert [each[index, "v4_block_height"] for index in range(3)] == [1, 1, 1]
    assert [each[index, "v4_markets"] for index in range(3)] == [1, 0, 0]


def test_disconnects_close_with_a_code_and_come_back() -> None:
    driver = Driver(Sim(markets=1, faults=Faults(disconnect=0.2)))
    driver.run(120)
    states = links(driver.records)
    closed = [state for state in states if state.startswith("closed")]
    assert driver.sim.fault_counts["disconnect"] == len(closed) > 5
    assert set(closed) == {"closed 1006", "closed 1012"}
    assert [state for state in states if not state.startswith("closed")] == ["connecting 0", "open 0"] * (
        states.count("open 0")
    )
    for before, after in pairwise(states):
        assert before != after


def test_a_deploy_closes_all_connections() -> None:
    driver = Driver(Sim(markets=34, candles=(), faults=Faults(disconnect=0.3)))
    driver.run(40)
    when: dict[int, set[int]] = {0: set(), 1: set()}
    for recv_ns, index, kind, data in driver.records:
        if kind == 3 and data.startswith(b"closed 1012"):
            when[index].add(recv_ns)
    assert when[0] & when[1]


def test_silence_is_seen_as_silence() -> None:
    driver = Driver(Sim(markets=1, faults=Faults(silence=0.1)))
    driver.run(120)
    heard = [record[0] for record in driver.records if record[2] == 0]
    quiet = [b - a for a, b in pairwise(heard) if b - a > 2_500 * MS]
    assert 1 <= len(quiet) <= driver.sim.fault_counts["silence"]
    assert all(gap < 60_000 * MS for gap in quiet)
    assert driver.sim.status()[0].gaps > 100 and driver.sim.status()[0].state == "open"


def test_a_lost_answer_is_asked_for_again() -> None:
    """However many messages are lost, every market gets its snapshot in the end."""
    driver = Driver(Sim(seed=3, markets=6, faults=Faults(drop=0.5)))
    driver.run(60)
    assert {
        name for channel, name in names(driver.records, "subscribed") if channel == "v4_orderbook"
    } == set(driver.sim.markets)
    assert of(driver.records, "unsubscribed")
