"""Silence, lost messages, crossed books: what the core concludes and asks of the feed."""

from __future__ import annotations

import msgspec
import pytest

from sniper._ext.decode import Decoder
from sniper._ext.tape import COUNTER_NAMES, TRUST_NAMES, Tape
from sniper.engine import Engine, Settings
from sniper.trading import VENUE_CONNECTION
from sniper.types import REC_FRAME, REC_GAP, REC_LINK, Command, Reconnect, Resubscribe, Watch
from tests import messages as m

SECOND = 1_000_000_000
AT = "2026-01-01T00:00:{:02d}.000Z"


class Scene:
    """An engine with one book that is live, and short names for what happens to it."""

    def __init__(self, **settings: int) -> None:
        self.engine = Engine(Settings(**settings))
        self.now_ns = 0
        self.message_id = 3
        self.commands: list[Command] = []
        self.say(m.connected())
        self.say(m.markets(m.market("BTC-USD")))
        self.say(m.snapshot("BTC-USD", [("99", "1")], [("101", "1")], 2))
        self.commands.clear()

    def say(self, *frames: bytes, after_s: float = 0.0) -> None:
        self.put(*((self.now_ns, 0, REC_FRAME, frame) for frame in frames), after_s=after_s)

    def put(self, *records: tuple[int, int, int, bytes], after_s: float = 0.0) -> None:
        self.now_ns += int(after_s * SECOND)
        self.commands += self.engine.tick(self.now_ns, [(self.now_ns, *r[1:]) for r in records])

    def block(self, height: int, after_s: float = 0.0) -> None:
        self.say(m.block(height, AT.format(height % 60), self.message_id), after_s=after_s)
        self.message_id += 1

    def level(self, side: str, price: str, size: str, after_s: float = 0.0) -> None:
        self.say(m.book("BTC-USD", self.message_id, **{side: [(price, size)]}), after_s=after_s)
        self.message_id += 1

    def wait(self, seconds: int) -> None:
        for _ in range(seconds):
            self.put(after_s=1.0)

    @property
    def trust(self) -> str:
        return TRUST_NAMES[int(self.engine.books.tops["trust"][0])]

    def counter(self, name: str) -> int:
        return int(self.engine.tape.counters[COUNTER_NAMES.index(name)])


def test_a_connection_without_blocks_goes_stale_and_comes_back() -> None:
    scene = Scene()
    scene.block(1)
    scene.wait(10)
    assert scene.trust == "live"
    scene.wait(2)
    assert scene.trust == "stale"
    digest = scene.engine.digest
    scene.block(2)
    scene.wait(1)
    assert scene.trust == "live"
    assert scene.engine.digest != digest
    assert scene.commands == []


def test_book_updates_do_not_hide_missing_blocks() -> None:
    scene = Scene()
    scene.block(1)
    for i in range(15):
        scene.level("bids", "98", str(i + 1), after_s=1.0)
    assert scene.trust == "stale"


def test_before_the_first_block_silence_counts() -> None:
    scene = Scene()
    scene.wait(30)
    assert scene.trust == "live"
    scene.wait(2)
    assert scene.trust == "stale"


def test_a_lost_message_makes_books_stale_and_asks_for_a_reconnect_once() -> None:
    scene = Scene()
    scene.message_id += 1  # id 3 never comes
    for i in range(40):
        scene.block(i, after_s=1.0)
    assert scene.trust == "stale"
    assert scene.commands == [Reconnect(0, "1 messages never came")]
    assert (scene.counter("missing_ids"), scene.counter("reconnects")) == (1, 1)


def test_a_late_message_is_no_loss() -> None:
    scene = Scene()
    late, scene.message_id = scene.message_id, scene.message_id + 1
    for i in range(20):
        scene.block(i, after_s=1.0)
    scene.say(m.book("BTC-USD", late, [("98", "1")]))
    for i in range(20, 45):
        scene.block(i, after_s=1.0)
    assert scene.trust == "live"
    assert scene.commands == []


def test_no_reconnect_is_asked_of_a_closed_connection() -> None:
    scene = Scene()
    scene.message_id += 1
    scene.block(1)
    scene.put((0, 0, REC_LINK, b"closed 1006 gone"))
    assert scene.trust == "stale"
    scene.wait(60)
    assert scene.commands == []


def test_a_book_that_stays_crossed_is_asked_for_anew_and_again_only_later() -> None:
    scene = Scene()
    scene.level("bids", "105", "1")
    assert scene.trust == "crossed"
    for i in range(14):
        scene.block(i, after_s=1.0)
    assert scene.commands == []
    for i in range(14, 40):
        scene.block(i, after_s=1.0)
    wanted = Resubscribe(0, "v4_orderbook", "BTC-USD", "crossed for too long")
    assert scene.commands == [wanted]
    assert scene.counter("resubscribes") == 1
    for i in range(40, 56):
        scene.block(i, after_s=1.0)
    assert scene.commands == [wanted, wanted]
    scene.say(m.snapshot("BTC-USD", [("99", "1")], [("101", "1")], scene.message_id))
    assert scene.trust == "live"


def test_lost_records_ask_for_every_book_of_the_connection() -> None:
    scene = Scene()
    scene.put((0, 0, REC_GAP, b"5 1000"))
    assert scene.trust == "stale"
    assert scene.commands == [Resubscribe(0, "v4_orderbook", "BTC-USD", "records were lost")]


def test_lost_records_of_another_connection_do_not_matter() -> None:
    scene = Scene()
    scene.put((0, 1, REC_GAP, b"5 1000"))
    assert scene.trust == "live"
    assert scene.commands == []


SPOILT = Resubscribe(0, "v4_orderbook", "BTC-USD", "an update was refused")


def test_a_refused_update_makes_the_book_stale_and_asks_for_it() -> None:
    scene = Scene()
    scene.level("bids", "98.5", "1")  # off tick
    assert (scene.trust, scene.commands) == ("stale", [SPOILT])
    assert scene.counter("rejected") == scene.counter("resubscribes") == 1
    scene.level("bids", "98", "1")
    assert scene.trust == "stale", "until a snapshot"
    scene.say(m.snapshot("BTC-USD", [("99", "1")], [("101", "1")], scene.message_id))
    assert (scene.trust, scene.commands) == ("live", [SPOILT])


def test_bad_updates_without_end_ask_for_a_book_twice_a_minute() -> None:
    scene = Scene()
    for second in range(120):
        scene.block(second, after_s=1.0)
        for _ in range(3):
            scene.level("bids", "98.5", "1")
            scene.say(m.snapshot("BTC-USD", [("99", "1")], [("101", "1")], scene.message_id))
            scene.message_id += 1
        scene.level("bids", "98.5", "1")
    assert scene.commands == [SPOILT] * 4
    assert scene.trust == "stale"


def test_a_book_that_was_spoilt_again_is_asked_for_when_its_time_has_come() -> None:
    scene = Scene()
    for _ in range(2):
        scene.level("bids", "98.5", "1")
        scene.say(m.snapshot("BTC-USD", [("99", "1")], [("101", "1")], scene.message_id))
        scene.message_id += 1
    scene.level("bids", "98.5", "1")
    assert scene.commands == [SPOILT]
    for height in range(31):
        scene.block(height, after_s=1.0)
    assert (scene.trust, scene.commands) == ("stale", [SPOILT, SPOILT])


def test_what_is_refused_of_other_things_spoils_no_book() -> None:
    scene = Scene()
    number = scene.message_id
    scene.say(
        m.trades("BTC-USD", number, ("1", "BUY", "x", "100", AT.format(0))),  # not a book
        m.text({"type": "channel_data", "channel": "v4_orderbook", "id": "NO-USD", "contents": {}}),
        m.book("BTC-USD", number + 1, [("98.5", "1")])[:-1],  # no JSON: its id will be missed
        b"",
    )
    scene.put((0, 1, REC_FRAME, m.book("BTC-USD", 0, [("98.5", "1")])))  # nor is that its connection
    assert scene.counter("rejected") == 5
    assert (scene.trust, scene.commands) == ("live", [])


def test_a_refused_snapshot_is_asked_for_again() -> None:
    scene = Scene()
    scene.say(m.markets(m.market("BTC-USD"), m.market("ETH-USD"), message_id=3))
    scene.commands.clear()
    scene.say(m.snapshot("ETH-USD", [("99.5", "1")], [], 4))
    assert scene.commands == [Resubscribe(0, "v4_orderbook", "ETH-USD", "an update was refused")]


def test_a_spoilt_book_is_not_asked_of_a_closed_connection_nor_after_a_new_one() -> None:
    scene = Scene()
    scene.put((0, 0, REC_LINK, b"closed 1006 gone"))
    scene.level("bids", "98.5", "1")
    scene.wait(40)
    assert scene.commands == []
    scene.say(m.connected("another"))
    scene.wait(40)
    assert scene.commands == [], "a new connection brings every book anew"


def test_a_new_tick_empties_the_book_and_asks_for_it() -> None:
    scene = Scene()
    scene.say(m.trading(scene.message_id, BTC_USD={"tickSize": "0.5"}))
    assert scene.trust == "rebuilding"
    assert scene.commands == [Resubscribe(0, "v4_orderbook", "BTC-USD", "tick or step changed")]


def test_a_new_market_widens_the_watch() -> None:
    scene = Scene()
    scene.say(
        m.trading(scene.message_id, SOL_USD={"tickSize": "0.01", "stepSize": "0.1", "status": "ACTIVE"})
    )
    assert scene.commands == [Watch(("BTC-USD", "SOL-USD"))]


def test_a_market_that_is_not_active_is_not_watched() -> None:
    engine = Engine()
    found = m.markets(m.market("BTC-USD"), m.market("OLD-USD", status="FINAL_SETTLEMENT"))
    assert engine.tick(1, [(1, 0, REC_FRAME, found)]) == (Watch(("BTC-USD",)),)


def test_the_watch_is_bounded() -> None:
    engine = Engine(Settings(watch_max=2))
    found = m.markets(*(m.market(f"M{i}-USD") for i in range(5)))
    assert engine.tick(1, [(1, 0, REC_FRAME, found)]) == (Watch(("M0-USD", "M1-USD")),)


def test_the_state_survives_and_foreign_bytes_do_not() -> None:
    scene = Scene()
    scene.message_id += 1
    scene.level("bids", "105", "1")
    scene.level("bids", "105.5", "1")
    for i in range(20):
        scene.block(i, after_s=1.0)
    links = scene.engine.links
    other = Scene().engine.links
    other.load(links.save())
    assert other.save() == links.save()
    assert other.digest() == links.digest()
    with pytest.raises(ValueError, match="state of the links"):
        other.load(b"\x93\x01\x02\x03")
    before = other.save()
    for quiet in ([1 << 40], [-1], [1024], [3, 2], [2, 2]):
        bad = msgspec.msgpack.decode(before)
        bad[-1] = quiet
        with pytest.raises(ValueError, match="state of the links"):
            other.load(msgspec.msgpack.encode(bad))
    assert other.save() == before


def test_a_loaded_engine_judges_when_the_saved_one_does() -> None:
    """Beside a venue of ours, which never tells of blocks and is quiet by nature."""
    second = 10**9
    engine = Engine(Settings(tickers=("BTC-USD",)))
    first = [
        (second, one, REC_FRAME, m.connected(name)) for one, name in ((0, "zero"), (VENUE_CONNECTION, "us"))
    ]
    engine.tick(second, first)
    for s in range(2, 41):
        block = m.block(s, "2025-12-08T16:00:00.000Z", s - 1, "zero")
        engine.tick(s * second, [(s * second, 0, REC_FRAME, block)])
    other = Engine(engine.settings)
    other.load(engine.save())
    for now_ns in (49_900_000_000, 50_000_000_001, 50_100_000_000):
        assert engine.tick(now_ns, []) == other.tick(now_ns, [])
        assert engine.save() == other.save()
    assert engine.links.silent == {0: True}


def test_calm_is_what_quiet_and_overdue_come_to() -> None:
    decoder = Decoder(Tape())
    second = 10**9
    answers = []
    for now_s in range(40):
        records = [(now_s * second, 3, REC_FRAME, m.connected("three"))] if now_s % 15 == 0 else []
        if now_s in (5, 20):  # an id is left out
            records.append((now_s * second, 7, REC_FRAME, m.data("v4_markets", None, now_s, {}, "seven")))
        decoder.apply(records)
        times = now_s * second, 9 * second, 6 * second
        quiet = decoder.quiet(*times)
        for guess in (quiet, (), (3,), (7,), (3, 7), (1, 3)):
            decoder.expect(guess, False)
            decoder.allow(*times[1:], 10 * second)
            said = decoder.calm(times[0])
            decoder.allow(*times[1:], 10**18)
            waits = decoder.calm(times[0])
            assert waits == (guess == quiet)
            answers.append((said, waits))
        overdue = decoder.overdue(now_s * second, 10 * second)
        assert answers[-6][0] == (not overdue)
    assert {(True, True), (False, True), (False, False)} <= {*answers}
