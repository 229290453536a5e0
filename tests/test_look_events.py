"""The event log: which rows become events, how loud, and that repeats do not flood it."""

from __future__ import annotations

from sniper._ext.tape import KIND_NAMES
from sniper.look_events import FLAGGED_ONLY, KEPT, QUIET, EventLog
from sniper.types import REC_FRAME, REC_GAP, REC_LINK, REC_OPERATOR, REC_REST, Reconnect, Resubscribe, Watch
from tests.runs import Hand

SECOND_NS = 1_000_000_000
TRUST = {"empty": 0, "live": 1, "crossed": 2, "stale": 3, "rebuilding": 4}


def told(hand: Hand, count: int = 50) -> list[tuple[str, str, int]]:
    """(severity, text, times), newest first."""
    rows = hand.run.look.events.newest(count).rows
    return [(event.severity, event.text, event.times) for event in rows]


def test_what_the_feed_says_of_its_connections() -> None:
    hand = Hand()
    for data in (b"connecting 0 x", b"open 0 x", b"closed 1011 restart", b"silent 0 x", b"limited 429 x"):
        hand.record(REC_LINK, data)
    hand.record(REC_GAP, b"12 3400")
    assert told(hand)[:6] == [
        ("critical", "inbox full: 12 records of conn 0 lost", 1),
        ("critical", "conn 0 limited, code 429", 1),
        ("critical", "conn 0 silent", 1),
        ("warning", "conn 0 closed, code 1011", 1),
        ("info", "conn 0 open", 1),
        ("info", "conn 0 connecting", 1),
    ]
    events = hand.run.look.events
    assert (events.criticals, events.warnings) == (3, 2), "closed, and the market without an oracle price"


def test_refused_messages_are_counted_by_reason() -> None:
    hand = Hand()
    hand.book("BTC-USD", [("97123", "2")], [])
    for _ in range(5):
        hand.levels("BTC-USD", bids=[["97123.5", "1"]])
    hand.record(REC_FRAME, b"not json")
    newest = told(hand)
    assert newest[0][:2] == ("warning", "conn 0 refused, syntax")
    assert newest[1] == ("warning", "conn 0 refused, off tick or step BTC-USD", 5)


def test_messages_that_are_unknown_or_erroneous() -> None:
    hand = Hand()
    hand.send(type="surprise")
    hand.send(type="error", message="Internal error", channel="v4_orderbook", id="BTC-USD")
    hand.send(type="unsubscribed", channel="v4_trades", id="BTC-USD")
    hand.record(REC_OPERATOR, b"note hello")
    hand.record(REC_REST, b"trades 503 ticker=BTC-USD\n")
    hand.record(REC_REST, b"trades 0 ticker=BTC-USD\n")
    texts = [text for _, text, _ in told(hand)]
    assert "conn 0 message of an unknown kind" in texts
    assert any(text.startswith("conn 0 error from the venue") for text in texts)
    assert "unsubscribed trades BTC-USD" in texts
    assert "operator's command taken" in texts
    assert "REST trades: status 503" in texts and "REST trades: no answer" in texts


def test_markets_and_prices_that_deserve_a_word() -> None:
    hand = Hand()
    assert ("info", "market listed", 2) in told(hand)
    assert ("warning", "X-USD oracle price is empty", 1) in told(hand)
    contents = {"trading": {"BTC-USD": {"tickSize": "0.5"}}}
    hand.send(type="channel_data", channel="v4_markets", id="v4_markets", version="1.0.0", contents=contents)
    assert told(hand)[0] == ("warning", "BTC-USD tick or step changed, book emptied", 1)
    prices = {"oraclePrices": {"BTC-USD": {"oraclePrice": "1", "effectiveAt": "2027-01-15T08:00:00.000Z",
                                           "effectiveAtHeight": "9", "marketId": 0}}}  # fmt: skip
    hand.send(type="channel_data", channel="v4_markets", id="v4_markets", version="1.0.0", contents=prices)
    assert told(hand)[0] == ("warning", "BTC-USD oracle price jumped", 1)
    for height in ("9", "8"):
        contents = {"blockHeight": height, "time": "2027-01-15T08:00:01.000Z"}
        hand.send(
            type="channel_data", channel="v4_block_height", id="v4_block_height", version="1.0.0",
            contents=contents,
        )  # fmt: skip
    assert told(hand)[0] == ("warning", "conn 0 height or block time went back", 1)


def test_levels_and_trades_are_no_events() -> None:
    hand = Hand()
    hand.book("BTC-USD", [("97123", "2")], [("97125", "1")])
    before = told(hand)
    hand.levels("BTC-USD", bids=[["97122", "1"]])
    hand.trade(1, "BUY", "97125", "1")
    assert told(hand) == before
    assert not set(QUIET) & set(FLAGGED_ONLY)
    assert {KIND_NAMES[kind] for kind in QUIET} >= {"LEVEL", "TRADE", "CANDLE"}


def test_commands_are_events() -> None:
    hand = Hand()
    events = hand.run.look.events
    hand.run.tick(hand.now_ns + 1)  # whose rows are none: what follows is about commands alone
    events.apply(5, (Watch(("BTC-USD",)), Resubscribe(1, "v4_orderbook", "BTC-USD", "crossed for 15 s")))
    events.apply(6, (Reconnect(2, "silent"),))
    assert told(hand, 2) == [
        ("warning", "reconnect conn 2: silent", 1),
        ("warning", "resubscribe orderbook BTC-USD: crossed for 15 s", 1),
    ]


def test_books_tell_when_their_trust_changes_but_not_when_they_cross() -> None:
    hand = Hand()
    events = EventLog(hand.run.engine.tape, hand.run.engine.decoder)

    def trust(*names: str) -> list[str]:
        before = events.newest(1).rows
        events.watch_trust(1, bytes(TRUST[name] for name in names))
        rows = events.newest(9).rows
        return [
            event.text for event in rows[: next((i for i, r in enumerate(rows) if r in before), len(rows))]
        ]

    assert trust("empty", "empty") == []
    assert trust("live", "live") == ["2 books live"]
    assert trust("crossed", "live") == []
    assert trust("live", "live") == []
    assert trust("live", "stale") == ["X-USD book stale"]
    assert trust("rebuilding", "live") == ["X-USD book live again", "BTC-USD book rebuilding"]
    assert (events.warnings, events.criticals) == (1, 1)


def test_repeats_are_counted_for_a_minute_and_the_log_is_bounded() -> None:
    hand = Hand()
    events = EventLog(hand.run.engine.tape, hand.run.engine.decoder)
    for second in (0, 1, 59, 118):
        events.add(second * SECOND_NS, "warning", f"at {second}", "key")
    events.add(200 * SECOND_NS, "info", "other")
    events.add(260 * SECOND_NS, "warning", "late", "key")
    rows = events.newest(10).rows
    assert [(event.text, event.times) for event in rows] == [("late", 1), ("other", 1)]
    assert rows[0].number == 3, "a repeat after a minute is a new event"
    for i in range(KEPT + 50):
        events.add(i, "info", f"event {i}")
    assert len(events.newest(10_000).rows) == KEPT
    assert events.newest(2).rows[0].text == f"event {KEPT + 49}"
    events.add(0, "info", "\x1b[2J")
    assert events.newest(1).rows[0].text == "·[2J"
