"""What waits to be said: order, ids, envelopes."""

from __future__ import annotations

import json

import msgspec
import pytest

from sniper.types import REC_FRAME, REC_VENUE
from sniper.venues import outbox as module
from sniper.venues.outbox import Outbox
from tests.papers import Sink


def test_it_speaks_in_the_order_of_time_and_then_of_saying() -> None:
    box, sink = Outbox("x", "a/0"), Sink()
    box.connect(1, sink)
    box.subscribe(1, {}, sink)
    box.say(30, "place", 1, 0, "accepted")
    box.tell(20, {"orders": [1]})
    box.tell(20, {"orders": [2]})
    assert box.due() == 20
    box.pull(19, sink)
    assert len(sink.records) == 2
    box.pull(20, sink)
    box.pull(30, sink)
    assert [(r[0], r[2]) for r in sink.records[2:]] == [(20, REC_FRAME), (20, REC_FRAME), (30, REC_VENUE)]
    assert sink.records[-1][3] == b"place 1 0 accepted" and box.due() is None
    message = json.loads(sink.records[3][3])
    assert list(message) == ["type", "connection_id", "message_id", "id", "channel", "version", "contents"]
    assert (message["message_id"], message["id"], message["contents"]) == (3, "a/0", {"orders": [2]})


def test_news_of_blocks_never_overtake_each_other() -> None:
    box = Outbox("x", "a/0")
    box.tell_block(50, {"a": 1})
    box.tell_block(20, {"a": 2})
    box.tell(30, {"a": 3})
    assert [(due, data) for due, _, _, data in sorted(box.waiting)] == [
        (30, b'{"a":3}'),
        (50, b'{"a":1}'),
        (50, b'{"a":2}'),
    ]


def test_every_connection_has_another_id() -> None:
    box, sink = Outbox("x", "a/0"), Sink()
    box.connect(1, sink)
    box.connect(2, sink)
    first, second = (json.loads(record[3]) for record in sink.records)
    assert first["connection_id"] != second["connection_id"]


def test_a_frame_that_found_no_room_is_noticed_an_answer_not() -> None:
    class Full(Sink):
        def put(self, recv_ns: int, connection: int, kind: int, data: bytes) -> bool:
            return False

    box = Outbox("x", "a/0")
    box.say(1, "place", 1, 0, "accepted")
    box.pull(1, Full())
    assert not box.lost
    box.tell(2, {})
    box.pull(2, Full())
    assert box.lost
    box.connect(3, Sink())
    assert not box.lost


def test_who_never_pulls_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING_MAX", 3)
    box = Outbox("x", "a/0")
    for _ in range(3):
        box.tell(1, {})
    with pytest.raises(OverflowError, match="nobody pulls"):
        box.say(1, "place", 1, 0, "accepted")


def test_it_is_saved_with_its_digest() -> None:
    box, sink = Outbox("x", "a/0"), Sink()
    box.connect(1, sink)
    box.tell(9, {"a": 1})
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(box), type=Outbox)
    before = again.digest
    box.pull(9, sink)
    again.pull(9, sink)
    assert sink.records[-1] == sink.records[-2] and again.digest == box.digest != before
