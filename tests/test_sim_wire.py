"""One connection: envelopes, counters, batches."""

from __future__ import annotations

import json
from random import Random

import pytest

from sniper.feed.sim.faults import Faults, Mischief
from sniper.feed.sim.market import Market
from sniper.feed.sim.universe import UNIVERSE
from sniper.feed.sim.wire import BLOCKS, BOOK, MARKETS, TRADES, Wire
from tests.simdrive import Sink, links, messages

NOTHING: tuple[set[int], set[int]] = (set(), set())


@pytest.fixture
def sink() -> Sink:
    return Sink()


def make(sink: Sink, faults: Faults | None = None) -> Wire:
    mischief = Mischief(faults, Random(1).random) if faults else None
    wire = Wire(3, sink, 0, Random("wire").random, mischief)
    wire.link(0, "connecting", 0, "sim")
    wire.opened(10)
    return wire


def market(ticker: str = "BTC-USD") -> Market:
    return Market(UNIVERSE[ticker], 1, 0, 10**7, (), 10, 10)


def test_envelopes_are_those_of_the_server(sink: Sink) -> None:
    wire = make(sink)
    wire.subscribed(20, (MARKETS, MARKETS), wire.reserve(), '{"markets":{}}', False, None, NOTHING)
    wire.subscribed(20, (BLOCKS, BLOCKS), wire.reserve(), "{}", False, None, NOTHING)
    wire.publish(30, (MARKETS, MARKETS), '{"trading":{}}')
    wire.publish(30, (BLOCKS, BLOCKS), '{"blockHeight":"5"}')
    wire.publish(30, (TRADES, "BTC-USD"), "{}")
    wire.unsubscribed(40, (MARKETS, MARKETS))
    wire.unsubscribed(40, (TRADES, "BTC-USD"))
    wire.refused(50, (BOOK, "FOO-USD"))
    wire.publish(60, (MARKETS, MARKETS), "{}")
    uuid = wire.id
    assert [data.decode() for _, _, kind, data in sink.records if kind == 0] == [
        f'{{"type":"connected","connection_id":"{uuid}","message_id":0}}',
        f'{{"type":"subscribed","connection_id":"{uuid}","message_id":1,"channel":"v4_markets",'
        '"contents":{"markets":{}}}',
        f'{{"type":"subscribed","connection_id":"{uuid}","message_id":2,"channel":"v4_block_height",'
        '"id":"v4_block_height","contents":{}}',
        f'{{"type":"channel_data","connection_id":"{uuid}","message_id":3,"channel":"v4_markets","version":"1.0.0",'
        '"contents":{"trading":{}}}',
        f'{{"type":"channel_data","connection_id":"{uuid}","message_id":4,"id":"v4_block_height",'
        '"channel":"v4_block_height","version":"1.0.0","contents":{"blockHeight":"5"}}',
        f'{{"type":"unsubscribed","connection_id":"{uuid}","message_id":5,"channel":"v4_markets"}}',
        f'{{"type":"unsubscribed","connection_id":"{uuid}","message_id":6,"channel":"v4_trades","id":"BTC-USD"}}',
        '{"type":"error","message":"Invalid subscription id for channel: (v4_orderbook-FOO-USD)",'
        f'"connection_id":"{uuid}","message_id":7}}',
    ]
    assert {record[1] for record in sink.records} == {3}


def test_batches_wait_for_the_flush(sink: Sink) -> None:
    wire = make(sink)
    wire.subscribed(20, (TRADES, "BTC-USD"), wire.reserve(), "{}", True, market(), NOTHING)
    wire.publish(30, (TRADES, "BTC-USD"), '{"trades":[1]}')
    wire.publish(40, (TRADES, "BTC-USD"), '{"trades":[2]}')
    assert len(messages(sink.records)) == 2
    wire.flush(50)
    wire.flush(60)
    batch = messages(sink.records)[-1]
    assert len(messages(sink.records)) == 3
    assert batch["type"] == "channel_batch_data" and batch["contents"] == [{"trades": [1]}, {"trades": [2]}]


@pytest.mark.parametrize("batched", [False, True])
def test_a_book_is_handed_on_change_by_change(sink: Sink, batched: bool) -> None:
    wire, btc = make(sink), market()
    wire.subscribed(20, (BOOK, "BTC-USD"), wire.reserve(), "{}", batched, btc, NOTHING)
    (subscription,) = wire.books
    btc.book.next_ns = 10**18
    btc.book.changes = [(0, 98_000, 12_345), (1, 99_500, 0)]
    wire.publish_book(30, subscription)
    wire.publish_book(30, subscription)
    wire.flush(40)
    entries = [{"bids": [["98000", "1.2345"]]}, {"asks": [["99500", "0"]]}]
    contents = [message["contents"] for message in messages(sink.records)[2:]]
    assert contents == ([entries] if batched else entries)
    assert not btc.book.changes


def test_levels_that_the_client_never_saw_end_in_silence(sink: Sink) -> None:
    wire, btc = make(sink), market()
    wire.subscribed(20, (BOOK, "BTC-USD"), wire.reserve(), "{}", False, btc, ({500, 600}, {700}))
    btc.book.next_ns = 10**18
    btc.book.changes = [
        (0, 500, 0),
        (0, 500, 10_000),
        (0, 500, 0),
        (1, 700, 10_000),
        (1, 700, 0),
        (1, 600, 0),
    ]
    wire.publish_book(30, wire.books[0])
    contents = [message["contents"] for message in messages(sink.records)[2:]]
    assert contents == [
        {"bids": [["500", "1"]]},
        {"bids": [["500", "0"]]},
        {"asks": [["700", "1"]]},
        {"asks": [["700", "0"]]},
        {"asks": [["600", "0"]]},
    ]
    assert wire.books[0].hidden == ({600}, set())


def test_ghosts_cross_the_book_and_go(sink: Sink) -> None:
    wire, btc = make(sink, Faults(crossed=1.0)), market()
    wire.subscribed(20, (BOOK, "BTC-USD"), wire.reserve(), "{}", False, btc, NOTHING)
    btc.book.next_ns = 10**18
    subscription = wire.books[0]
    for now_ns in range(30, 60):
        btc.book.changes = [(0, btc.book.bid - 5000, 7)]
        wire.publish_book(now_ns, subscription)
    assert len(subscription.ghosts) == 8, "no more than that at a time"
    ghosts = dict(subscription.ghosts)
    for (side, tick), until_ns in ghosts.items():
        assert tick <= btc.book.bid if side else tick >= btc.book.ask
        assert until_ns > 60
    assert {until_ns < 10**12 for until_ns in ghosts.values()} == {True, False}, "some stay for good"
    sink.records.clear()
    wire.publish_book(10**12, subscription)
    gone = {
        (int("asks" in entry["contents"]), int(next(iter(entry["contents"].values()))[0][0]))
        for entry in messages(sink.records)
        if next(iter(entry["contents"].values()))[0][1] == "0"
    }
    stay = {key for key, until_ns in ghosts.items() if until_ns > 10**12}
    assert gone == set(ghosts) - stay
    staying = next(iter(stay))
    btc.book.changes = [(*staying, 1)]
    wire.publish_book(10**12, subscription)
    assert staying not in subscription.ghosts, "the market itself has set that level"


def test_unknown_removes_name_levels_that_are_not_there(sink: Sink) -> None:
    wire, btc = make(sink, Faults(unknown_remove=1.0)), market("TIA-USD")
    wire.subscribed(20, (BOOK, "TIA-USD"), wire.reserve(), "{}", False, btc, NOTHING)
    btc.book.next_ns = 10**18
    for _ in range(50):
        btc.book.changes = [(0, btc.book.bid, 7)]
        wire.publish_book(30, wire.books[0])
    sent = messages(sink.records)[2:]
    assert len(sent) == 100
    for message in sent[1::2]:
        ((side, ((price, size),)),) = message["contents"].items()
        assert size == "0" and round(float(price) * 100) not in btc.book.sides[side == "asks"]


def test_a_closed_connection_forgets_and_counts(sink: Sink) -> None:
    wire = make(sink)
    first = wire.id
    wire.subscribed(20, (BOOK, "BTC-USD"), wire.reserve(), "{}", False, market(), NOTHING)
    wire.closed(1010, 1006, "connection lost")
    assert not wire.open and not wire.live and not wire.books and wire.generation == 1
    wire.link(1510, "connecting", 0, "sim")
    wire.opened(2010)
    assert links(sink.records, 3) == ["connecting 0", "open 0", "closed 1006", "connecting 0", "open 0"]
    assert wire.id != first
    last = json.loads(sink.records[-1][3])
    assert (last["type"], last["message_id"]) == ("connected", 0)
    status = wire.status(3010)
    assert (status.index, status.name, status.state, status.since_ns) == (3, "sim-3", "open", 2010)
    assert status.reconnects == 1 and status.uptime_ratio == pytest.approx(2000 / 3010)


def test_losses_are_counted(sink: Sink) -> None:
    wire = make(sink, Faults(drop=1.0))
    assert not wire.subscribed(20, (BLOCKS, BLOCKS), wire.reserve(), "{}", False, None, NOTHING)
    status = wire.status(30)
    assert (status.frames, status.bytes, status.gaps) == (0, 0, 2)


def test_a_silent_line_lets_nothing_through_until_it_is_opened_anew(sink: Sink) -> None:
    wire = make(sink, Faults(silence=0.5))
    wire.silence(100)
    assert not wire.send(99, "lost") and wire.send(100, "heard")
    wire.silence(1000)
    wire.opened(200)
    assert wire.send(201, "a new line")
