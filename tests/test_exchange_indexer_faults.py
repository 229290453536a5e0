"""What may go wrong: off by default, by share or at once, the same for the same seed."""

from __future__ import annotations

import json

import pytest

from sniper.exchange.indexer.faults import HTML, NONE, Faults, Mischief
from tests.exchange_chain import SECOND_NS, opened, order, rests
from tests.exchange_indexing import Desk, contents
from tests.exchange_play import Play


def test_nothing_happens_by_default_and_nothing_is_drawn() -> None:
    mischief = Mischief(1)
    first = mischief.random()
    again = Mischief(1)
    assert not any(again.strikes(name) for name in Faults._fields if not name.endswith(("_ns", "_blocks")))
    assert again.random() == first and not again.struck and Faults() == NONE


@pytest.mark.parametrize("name", ["gap", "duplicate", "crossed", "rest_error", "snapshot_late"])
def test_a_share_is_a_share_and_is_counted(name: str) -> None:
    mischief = Mischief(3, Faults(**{name: 0.25}))  # type: ignore[arg-type]
    found = sum(mischief.strikes(name) for _ in range(4_000))
    assert 850 < found < 1_150 and mischief.struck == {name: found}


def test_spoilt_frames_are_not_what_they_were() -> None:
    mischief = Mischief(1)
    frame = json.dumps({"type": "channel_data", "contents": {"bids": [["1", "2"]]}}).encode()
    spoilt = [mischief.spoilt(frame) for _ in range(200)]
    assert frame not in spoilt and mischief.spoilt(b"x") != b"x"
    assert any(len(each) < len(frame) for each in spoilt) and any(b"\xff" in each for each in spoilt)


def test_disconnects_come_at_their_rate_and_a_client_may_come_back() -> None:
    desk = Desk(faults=Faults(disconnect_per_s=0.05))
    for number in range(100):
        desk.connect(number)
    desk.wait(10 * SECOND_NS)
    assert 20 < len(desk.closed) < 60 and set(desk.closed.values()) == {(1006, "")}
    assert desk.connect(1_000)["message_id"] == 0


def test_a_restart_closes_everybody_with_1012() -> None:
    desk = Desk()
    for number in range(3):
        desk.connect(number)
    assert desk.indexer.strike("restart", desk.now_ns) == 3
    desk.pump()
    assert desk.closed == dict.fromkeys(range(3), (1012, '{"message":"Service restarting"}'))
    desk.connect(4)
    desk.indexer.set_faults(Faults(restart_per_s=1.0))
    desk.wait(SECOND_NS)
    assert desk.closed[4][0] == 1012


def test_one_connection_can_be_broken_off_or_silenced() -> None:
    desk = Desk()
    desk.connect(1)
    desk.connect(2)
    for number in (1, 2):
        desk.subscribe("v4_block_height", number=number)
    assert desk.indexer.strike("silence", desk.now_ns, 1) == 1
    desk.block()
    assert desk.read(1) == [] and len(desk.read(2)) == 1
    desk.wait(8 * SECOND_NS)
    assert len(desk.read(1)) == 1
    assert desk.indexer.strike("disconnect", desk.now_ns, 2) == 1
    desk.pump()
    assert desk.closed == {2: (1006, "")}
    desk.indexer.set_faults(Faults(silence_per_s=1.0))
    desk.wait(SECOND_NS)
    desk.block()
    assert desk.read(1) == []


def test_crossed_levels_appear_in_stream_and_book_and_the_job_drops_them_silently() -> None:
    desk = Desk()
    for each in (order(1, 1, 10, 89_000), order(2, 2, 10, 89_010)):
        desk.take(opened(each), rests(each))
    desk.connect()
    desk.subscribe("v4_orderbook", "BTC-USD")
    assert desk.indexer.strike("crossed", desk.now_ns) == 1  # ETH-USD has no book
    desk.pump()
    (update,) = contents(desk.read(), "v4_orderbook")
    ((side, ((price, _),)),) = update.items()
    assert int(price) >= 89_010 if side == "bids" else int(price) <= 89_000
    levels = desk.indexer.store.state.markets[0].levels
    assert levels.best()[0] >= levels.best()[1]
    book = desk.ok("/v4/orderbooks/perpetualMarket/BTC-USD")
    bids, asks = ([int(each["price"]) for each in book[name]] for name in ("bids", "asks"))
    assert not bids or not asks or max(bids) < min(asks)
    desk.wait(60 * SECOND_NS)
    assert levels.best()[0] < levels.best()[1] or not all(levels.best())
    assert desk.read() == []


def test_heights_jump_in_what_is_told_and_only_there() -> None:
    desk = Desk(faults=Faults(height_jump=1.0, height_jump_blocks=50))
    desk.connect()
    desk.subscribe("v4_block_height")
    desk.block()
    assert contents(desk.read(), "v4_block_height")[0]["blockHeight"] == "1051"
    assert desk.ok("/v4/height")["height"] == "1001"


def test_a_late_snapshot_is_late() -> None:
    desk = Desk(faults=Faults(snapshot_late=1.0))
    desk.connect()
    desk.send({"type": "subscribe", "channel": "v4_markets"})
    desk.wait(3_900_000_000)
    assert desk.read() == []
    desk.wait(200_000_000)
    assert [each["type"] for each in desk.read()] == ["subscribed"]


@pytest.mark.parametrize(
    ("name", "statuses"),
    [("rest_html", {502}), ("rest_too_many", {429}), ("rest_error", {500, 503})],
)
def test_requests_fail(name: str, statuses: set[int]) -> None:
    desk = Desk(faults=Faults(**{name: 1.0}))  # type: ignore[arg-type]
    found = [desk.rest("/v4/height") for _ in range(20)]
    assert {status for status, _, _ in found} == statuses
    for _, headers, body in found:
        if name == "rest_html":
            assert headers["Content-Type"].startswith("text/html") and body == HTML
        else:
            assert body["errors"][0]["msg"]
        assert ("Retry-After" in headers) == (name == "rest_too_many")


def test_snapshots_are_read_though_requests_fail() -> None:
    desk = Desk(faults=Faults(rest_html=1.0, rest_error=1.0))
    desk.connect()
    assert desk.subscribe("v4_block_height")["contents"]["height"] == "1000"


def test_with_everything_on_it_stays_on_its_feet() -> None:
    shares = dict.fromkeys(
        ("duplicate", "reorder", "gap", "malformed", "html", "crossed", "height_jump"), 0.05
    )
    shares |= {"disconnect_per_s": 0.05, "silence_per_s": 0.05, "snapshot_late": 0.1, "snapshot_error": 0.1}
    shares |= {"rest_html": 0.1, "rest_too_many": 0.1, "rest_error": 0.1}
    desk = Desk(faults=Faults(**shares, replica_lag_ns=SECOND_NS, slow_bytes_per_s=50_000))  # type: ignore[arg-type]
    play = Play(desk, 2)
    for number in range(5):
        desk.indexer.connect(number, desk.now_ns)
    for turn in range(60):
        play.block()
        for number in range(5):
            if number in desk.closed:
                del desk.closed[number]
                desk.indexer.connect(number, desk.now_ns)
            desk.send({"type": "subscribe", "channel": "v4_orderbook", "id": "BTC-USD"}, number)
        desk.rest("/v4/perpetualMarkets", client=str(turn))
    assert len(desk.indexer.mischief.struck) > 8
