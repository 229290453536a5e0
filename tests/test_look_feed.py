"""Connections, inbox, journal and process as the look copies them."""

from __future__ import annotations

from typing import Any

from sniper.look_feed import FeedLook, Memory, Rate
from sniper.types import REC_FRAME, Connection
from tests.runs import ALL, Hand

SECOND_NS = 1_000_000_000


def test_a_rate_is_per_second_over_the_last_second() -> None:
    rate = Rate()
    assert rate.update(1000, 0) == 0
    assert rate.update(1100, SECOND_NS // 2) == 0
    assert rate.update(1300, 2 * SECOND_NS) == 150
    assert rate.update(1301, 2 * SECOND_NS + 1) == 150
    assert rate.update(1500, 4 * SECOND_NS) == 100
    assert rate.update(0, 6 * SECOND_NS) == 0, "a counter that went back is no rate"


def test_links_join_what_the_feed_and_the_decoder_know() -> None:
    hand = Hand()
    hand.send(
        type="subscribed", channel="v4_block_height", id="v4_block_height",
        contents={"height": "77", "time": "2027-01-15T08:00:00.000Z"},
    )  # fmt: skip
    state = Connection(0, "books\x1b 1", "open", 0, 4, 1000, 2, 1, 0.9995)
    hand.status = lambda: [state]  # type: ignore[method-assign]
    hand.now_ns += 5 * SECOND_NS
    hand.run.tick(hand.now_ns)
    feed = hand.run.look(ALL).feed
    (link,) = feed.links
    assert (link.name, link.state, link.reconnects, link.gaps) == ("books· 1", "open", 2, 1)
    assert link.uptime_permille == 1000 and link.height == 77 and link.missing == 0
    assert link.silence_ns == link.block_age_ns == 5 * SECOND_NS
    assert hand.run.look(ALL).header.state == "open"
    hand.status = lambda: [state, state._replace(index=1, state="silent")]  # type: ignore[method-assign]
    view = hand.run.look(ALL)
    assert view.header.state == "silent", "the worst one counts"
    assert view.feed.links[1].silence_ns is None and view.feed.total == 2
    hand.status = lambda: [state._replace(index=5000)]  # type: ignore[method-assign]
    assert hand.run.look(ALL).feed.links[0].height == 0


def test_the_inbox_shows_its_peak_and_its_overflows() -> None:
    hand = Hand()
    inbox = hand.run.inbox
    for _ in range(410):
        inbox.put(1, 0, REC_FRAME, b"x" * 100)
    feed = hand.run.look(ALL).feed
    assert (feed.inbox_records, feed.inbox_bytes, feed.inbox_peak_permille) == (410, 41_000, 100)
    assert feed.inbox_overflows == 0 and feed.journal_state == "off"
    for _ in range(5000):
        inbox.put(1, 0, REC_FRAME, b"x")
    assert hand.run.look(ALL).feed.inbox_overflows == 1


def test_refused_messages_are_counted() -> None:
    hand = Hand()
    hand.record(REC_FRAME, b'{"type":')
    assert hand.run.look(ALL).feed.rejected == 1


def test_memory_grows_by_the_minute_after_a_warm_up(monkeypatch: Any) -> None:
    resident = [50_000_000]
    monkeypatch.setattr("sniper.look_feed._resident", lambda: resident[0])
    memory = Memory()
    assert memory.look(0) == (50_000_000, None)
    resident[0] = 60_000_000
    assert memory.look(SECOND_NS // 2) == (50_000_000, None), "read once a second"
    assert memory.look(60 * SECOND_NS) == (60_000_000, None)
    resident[0] = 61_000_000
    assert memory.look(119 * SECOND_NS) == (61_000_000, None)
    assert memory.look(180 * SECOND_NS) == (61_000_000, 500_000)


def test_resident_memory_is_that_of_this_process() -> None:
    resident, _ = Memory().look(0)
    assert resident == 0 or 10_000_000 < resident < 10_000_000_000


def test_no_connection_is_a_state_too() -> None:
    hand = Hand()
    look = FeedLook(hand.run.engine, hand, hand.run.inbox, None, (10, 10))
    assert look.state() == "none" and look.look(3, 0, 0).links == ()


def test_every_state_that_a_connection_can_have_is_told() -> None:
    from sniper.feed.link_state import State
    from sniper.look_feed import WORST_FIRST
    from sniper.panels.palette import LINK

    assert set(WORST_FIRST) >= {state.value for state in State} - {"idle"}
    assert {"live", "subscribing", "waiting"} <= set(LINK)
