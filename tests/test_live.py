"""The live venue in the loop's hands: terms of the market table, answers in the inbox."""

from __future__ import annotations

from typing import Any

import pytest
from dydx_v4_client.key_pair import KeyPair

from sniper._ext.tape import KIND_NAMES
from sniper.engine import Engine, Settings
from sniper.feed.sim import Sim
from sniper.inbox import Inbox
from sniper.live_settings import LiveSettings
from sniper.order_table import NOT_SENT
from sniper.trading import VENUE_CONNECTION
from sniper.types import REC_VENUE, Record
from sniper.venues.live import Live
from tests.small_node import SmallNode
from tests.test_live_sender import ADDRESS, MNEMONIC, cancel, message, place


def market() -> Engine:
    """An engine that knows the sim's markets."""
    engine, feed, inbox = Engine(Settings()), Sim(seed=3, markets=3), Inbox(1000, 1 << 24)
    feed.start(inbox)
    now_ns = 0
    for _ in range(60):
        due_ns = feed.due(now_ns)
        assert due_ns is not None
        now_ns = due_ns
        feed.pull(now_ns, inbox)
        commands = engine.tick(now_ns, inbox.drain(1 << 20, 1000))
        feed.send(now_ns, commands)  # type: ignore[arg-type]
    return engine


def heard(inbox: Inbox, count: int) -> list[Record]:
    found: list[Record] = []
    while len(found) < count:
        assert inbox.wait(10.0)
        found += [record for record in inbox.drain(1 << 20, 1000) if record[2] == REC_VENUE]
    return found


def live(engine: Engine, **changes: Any) -> Live:
    settings = LiveSettings(tls=False, address=ADDRESS, chain_id="localdydxprotocol")._replace(**changes)
    return Live(engine.tape, engine.decoder, settings, KeyPair.from_mnemonic(MNEMONIC), lambda: 77)


def test_an_order_goes_out_and_its_answer_comes_in_as_a_record() -> None:
    engine, inbox = market(), Inbox(1000, 1 << 20)
    index = engine.decoder.market("ETH-USD")
    row = engine.decoder.markets[index]
    with SmallNode() as node:
        venue = live(engine, nodes=(f"127.0.0.1:{node.port}",))
        venue.start(inbox)
        venue.send(1, [place(5, market=index, ticker="ETH-USD"), cancel(6, market=index, ticker="ETH-USD")])
        records = heard(inbox, 2)
        assert venue.due(1) is None
        venue.pull(1, inbox)
        assert venue.stop(5)
    assert {record[:3] for record in records} == {(77, VENUE_CONNECTION, REC_VENUE)}
    assert sorted(record[3].split(b" ")[:3] for record in records) == [
        [b"cancel", b"6", b"0"],
        [b"place", b"5", b"0"],
    ]
    from v4_proto.dydxprotocol.clob.tx_pb2 import MsgPlaceOrder

    order = message(node.seen[0], MsgPlaceOrder).order
    assert order.quantums == 3 * int(row["whole"][4]) and order.subticks == 90_000 * int(row["whole"][5])
    engine.tick(engine.now_ns + 1, records)
    assert int(engine.tape.rows["kind"][0]) == KIND_NAMES.index("ANSWER")


def test_a_market_that_is_not_known_gets_no_order() -> None:
    engine, inbox = Engine(Settings()), Inbox(1000, 1 << 20)
    with SmallNode() as node:
        venue = live(engine, nodes=(f"127.0.0.1:{node.port}",))
        venue.start(inbox)
        venue.send(1, [place(5), cancel(6)])
        records = heard(inbox, 2)
        assert venue.stop(5)
    assert [int(record[3].split(b" ")[2]) for record in records] == [NOT_SENT, NOT_SENT]
    assert node.seen == []


def test_terms_are_read_anew_when_a_market_changed() -> None:
    engine = market()
    venue = live(engine, nodes=("127.0.0.1:1",))
    assert venue._markets.terms(0) is venue._markets.terms(0)
    before = venue._markets.terms(0)
    engine.tape.used[4] = 1 << KIND_NAMES.index("MARKET")
    venue.observe(1, 1)
    assert venue._markets.terms(0) is not before


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match=r"live\.nodes"):
        live(Engine(Settings()))
