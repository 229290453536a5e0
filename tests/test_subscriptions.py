"""Which request is sent when, and what each answer means."""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import pairwise
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sniper.feed.plan import BLOCK_HEIGHT, CANDLES, MARKETS, ORDERBOOK, TRADES, Subscription
from sniper.feed.sniff import Control
from sniper.feed.subscriptions import Pace, Subscriptions

FIRST = [Subscription(MARKETS), Subscription(BLOCK_HEIGHT)]
BOOK = Subscription(ORDERBOOK, "BTC-USD")
TAPE = Subscription(TRADES, "BTC-USD")
BAR = Subscription(CANDLES, "BTC-USD/1MIN")
PACE = Pace(per_s=10.0)


def fresh(
    *subscriptions: Subscription, batched: frozenset[str] = frozenset(), gate: bool = True
) -> Subscriptions:
    subject = Subscriptions(PACE, batched)
    subject.want(subscriptions)
    if gate:
        subject.open_gate()
    subject.begin()
    return subject


def requests(
    subject: Subscriptions, until_s: float, begin_s: float = 0.0
) -> list[tuple[float, str, str, str]]:
    """Everything sent until until_s: (time, verb, channel, id). Time jumps to what `next_s` says."""
    sent, now_s = [], begin_s
    while now_s <= until_s:
        text = subject.take(now_s)
        if text is not None:
            request = json.loads(text)
            sent.append((now_s, request["type"], request["channel"], request.get("id", "")))
        now_s = max(now_s, subject.next_s())
    return sent


def confirm(subject: Subscriptions, *subscriptions: Subscription, now_s: float = 0.0) -> None:
    for channel, subscription_id in subscriptions:
        shown = channel if channel == BLOCK_HEIGHT else subscription_id
        subject.heard(Control("subscribed", channel, shown), now_s)


def error(text: str, subscription: Subscription | None = None) -> Control:
    return Control("error", *(subscription or ("", "")), text)


def test_nothing_is_sent_before_connected_and_only_the_first_two_before_the_gate() -> None:
    subject = fresh(*FIRST, BOOK, gate=False)
    subject.end()
    assert subject.take(0.0) is None and subject.next_s() == inf
    subject.begin()
    assert [r[1:] for r in requests(subject, 5.0)] == [
        ("subscribe", MARKETS, ""),
        ("subscribe", BLOCK_HEIGHT, ""),
    ]
    confirm(subject, *FIRST)
    assert not subject.complete
    subject.open_gate()
    assert [r[1:] for r in requests(subject, 7.0, 6.0)] == [("subscribe", ORDERBOOK, "BTC-USD")]
    confirm(subject, BOOK)
    assert subject.complete
    assert subject.held() == [*FIRST, BOOK]
    assert requests(subject, 1000.0, 7.0) == []


def test_the_text_of_a_request() -> None:
    subject = fresh(Subscription(MARKETS), BOOK, batched=frozenset((MARKETS,)))
    assert subject.take(0.0) == '{"type":"subscribe","channel":"v4_markets","batched":true}'
    assert subject.take(0.1) == '{"type":"subscribe","channel":"v4_orderbook","id":"BTC-USD"}'


def test_requests_keep_their_distance() -> None:
    subject = fresh(*(Subscription(ORDERBOOK, f"M{i}-USD") for i in range(5)))
    assert [r[0] for r in requests(subject, 5.0)] == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])


def test_after_a_reconnect_everything_is_asked_for_again() -> None:
    subject = fresh(*FIRST, BOOK)
    requests(subject, 1.0)
    confirm(subject, *FIRST, BOOK)
    subject.end()
    assert not subject.complete and subject.held() == []
    subject.begin()
    assert [r[1:] for r in requests(subject, 3.0, 2.0)] == [
        ("subscribe", MARKETS, ""),
        ("subscribe", BLOCK_HEIGHT, ""),
        ("subscribe", ORDERBOOK, "BTC-USD"),
    ]


def test_a_failed_snapshot_is_asked_for_again_after_a_second_and_later_each_time() -> None:
    subject = fresh(BOOK)
    times = []
    for _ in range(4):
        at_s = requests(subject, max([0.0, *times]) + 10.0, max([0.0, *times]))[0][0]
        times.append(at_s)
        subject.heard(
            error("Internal error, could not fetch data for subscription: v4_orderbook.", BOOK), at_s + 0.2
        )
    gaps = [b - a for a, b in pairwise(times)]
    assert gaps == pytest.approx([1.2, 1.7, 2.45])
    assert not subject.complete


def test_resubscribe_gives_back_waits_for_the_answer_and_asks_again() -> None:
    subject = fresh(BOOK, TAPE)
    requests(subject, 1.0)
    confirm(subject, BOOK, TAPE)
    assert subject.again(ORDERBOOK, "BTC-USD") == 1
    assert not subject.complete
    assert [r[1:] for r in requests(subject, 5.0, 2.0)] == [("unsubscribe", ORDERBOOK, "BTC-USD")]
    subject.heard(Control("unsubscribed", *BOOK), 5.0)
    assert [r[1:] for r in requests(subject, 6.0, 5.0)] == [("subscribe", ORDERBOOK, "BTC-USD")]
    confirm(subject, BOOK)
    assert subject.complete


def test_resubscribe_right_after_the_first_request_keeps_clear_of_the_servers_limit() -> None:
    subject = fresh(BOOK)
    first_s = requests(subject, 0.0)[0][0]
    confirm(subject, BOOK, now_s=0.05)
    subject.again(ORDERBOOK, "BTC-USD")
    requests(subject, 0.2, 0.1)
    subject.heard(Control("unsubscribed", *BOOK), 0.3)
    ((second_s, verb, _, _),) = requests(subject, 3.0, 0.3)
    assert verb == "subscribe" and second_s - first_s == pytest.approx(PACE.apart_s)


def test_resubscribe_before_the_snapshot_came_sends_nothing() -> None:
    subject = fresh(BOOK)
    assert subject.again(ORDERBOOK, "BTC-USD") == 0
    requests(subject, 1.0)
    assert subject.again(ORDERBOOK, "BTC-USD") == 0
    confirm(subject, BOOK)
    assert subject.complete


def test_resubscribe_of_a_market_means_all_its_candles_and_of_the_markets_needs_no_id() -> None:
    other = Subscription(CANDLES, "BTC-USD/1DAY")
    subject = fresh(Subscription(MARKETS), BAR, other, Subscription(CANDLES, "BTC-USD2/1MIN"))
    requests(subject, 1.0)
    confirm(subject, Subscription(MARKETS), BAR, other, Subscription(CANDLES, "BTC-USD2/1MIN"))
    assert subject.again(CANDLES, "BTC-USD") == 2
    assert subject.again(CANDLES, "BTC-USD/1MIN") == 0  # under way
    assert subject.again(MARKETS, "") == 1
    assert subject.again(TRADES, "BTC-USD") == 0


def test_what_is_no_longer_wanted_is_given_back_only_after_it_was_confirmed() -> None:
    subject = fresh(BOOK, TAPE, BAR)
    requests(subject, 0.1)  # book and trades asked for, the candle not yet
    confirm(subject, BOOK)
    subject.want([])
    assert [r[1:] for r in requests(subject, 5.0, 1.0)] == [("unsubscribe", ORDERBOOK, "BTC-USD")]
    confirm(subject, TAPE, now_s=6.0)
    assert [r[1:] for r in requests(subject, 7.0, 6.0)] == [("unsubscribe", TRADES, "BTC-USD")]
    subject.heard(Control("unsubscribed", *BOOK), 7.0)
    subject.heard(Control("unsubscribed", *TAPE), 7.0)
    assert subject.complete and requests(subject, 1000.0, 8.0) == []


def test_what_is_wanted_again_while_it_is_given_back_comes_back() -> None:
    subject = fresh(BOOK)
    requests(subject, 1.0)
    confirm(subject, BOOK)
    subject.want([])
    requests(subject, 2.0, 1.5)
    subject.want([BOOK])
    subject.heard(Control("unsubscribed", *BOOK), 3.0)
    assert [r[1:] for r in requests(subject, 5.0, 3.0)] == [("subscribe", ORDERBOOK, "BTC-USD")]


def test_a_watch_does_not_cancel_a_resubscribe() -> None:
    subject = fresh(BOOK)
    requests(subject, 1.0)
    confirm(subject, BOOK)
    subject.again(ORDERBOOK, "BTC-USD")
    subject.want([BOOK])
    assert [r[1] for r in requests(subject, 3.0, 2.0)] == ["unsubscribe"]


def test_what_is_not_asked_for_yet_is_simply_forgotten() -> None:
    subject = fresh(BOOK, gate=False)
    subject.want([])
    subject.open_gate()
    assert requests(subject, 10.0) == [] and subject.complete


def test_a_request_without_an_answer_is_repeated() -> None:
    subject = fresh(BOOK)
    assert [r[0] for r in requests(subject, 45.0)] == [0.0, 20.0, 40.0]
    subject.want([])
    assert [r[1] for r in requests(subject, 70.0, 46.0)] == ["unsubscribe"]


def test_already_subscribed_is_a_confirmation() -> None:
    subject = fresh(BOOK)
    requests(subject, 1.0)
    subject.heard(error("Invalid subscribe message: already subscribed (v4_orderbook-BTC-USD)"), 1.0)
    assert subject.complete


def test_an_unknown_ticker_is_asked_for_again_only_after_a_minute() -> None:
    subject = fresh(BOOK)
    requests(subject, 1.0)
    subject.heard(error("Invalid subscription id for channel: (v4_orderbook-BTC-USD)"), 1.0)
    assert [r[0] for r in requests(subject, 62.0, 1.0)] == [61.0]
    subject.heard(error("Invalid subscription id for channel: (v4_orderbook-BTC-USD)"), 62.0)
    assert [r[0] for r in requests(subject, 200.0, 62.0)] == [182.0]
    subject.heard(error("Invalid subscription id for channel: (v4_orderbook-BTC-USD)"), 183.0)
    subject.end()
    subject.begin()  # a reconnect does not shorten the wait after an error
    assert subject.next_s() == 183.0 + 240.0


def test_a_blocked_account_is_not_hammered() -> None:
    account = Subscription("v4_subaccounts", "dydx1/0")
    subject = fresh(account)
    requests(subject, 1.0)
    subject.heard(error("blocked by compliance", account), 1.0)
    assert subject.next_s() == 61.0


def test_at_the_limit_of_a_channel_no_more_of_it_is_asked_for_on_this_socket() -> None:
    more = [Subscription(ORDERBOOK, f"M{i}-USD") for i in range(3)]
    subject = fresh(*more, TAPE)
    requests(subject, 0.1)
    confirm(subject, more[0])
    subject.heard(error("Per-connection subscription limit reached for v4_orderbook (limit=1)."), 0.1)
    assert [r[2] for r in requests(subject, 1.0, 0.2)] == [TRADES]
    confirm(subject, TAPE)
    assert not subject.complete
    assert {r[3] for r in requests(subject, 500.0, 1.0)} <= {"M1-USD"}
    subject.end()
    subject.begin()
    assert len(requests(subject, 505.0, 501.0)) == 4


def test_what_we_did_not_ask_for_changes_nothing() -> None:
    subject = fresh(BOOK)
    requests(subject, 1.0)
    for control in (
        Control("subscribed", TRADES, "BTC-USD"),
        Control("unsubscribed", TRADES, "BTC-USD"),
        Control("pong"),
        error("Internal error"),
        error("Invalid channel: v5", Subscription("v5", "x")),
        Control("unsubscribed", *BOOK),  # the answer to an older unsubscribe: `subscribed` is still to come
    ):
        subject.heard(control, 1.0)
    assert requests(subject, 15.0, 1.0) == []
    confirm(subject, BOOK)
    subject.heard(error("Internal error, could not fetch data for subscription: v4_orderbook.", BOOK), 2.0)
    assert subject.complete


def test_an_unsubscribed_out_of_the_blue_is_made_good() -> None:
    subject = fresh(BOOK)
    requests(subject, 1.0)
    confirm(subject, BOOK)
    subject.heard(Control("unsubscribed", *BOOK), 2.0)
    assert [r[1] for r in requests(subject, 3.0, 2.0)] == ["subscribe"]


def test_an_id_given_up_while_its_request_fails_is_forgotten() -> None:
    subject = fresh(BOOK)
    requests(subject, 1.0)
    subject.want([])
    subject.heard(error("Internal error, could not fetch data for subscription: v4_orderbook.", BOOK), 1.0)
    assert subject.complete and requests(subject, 100.0, 2.0) == []


class Server:
    """The Indexer's rules for one connection, on simulated time."""

    def __init__(self, fates: list[int]) -> None:
        self.fates = fates
        self.held: set[Subscription] = set()
        self.asked: dict[Subscription, list[float]] = defaultdict(list)
        self.pending: list[tuple[float, Control]] = []

    def receive(self, text: str, now_s: float) -> None:
        request = json.loads(text)
        subscription = Subscription(request["channel"], request.get("id", ""))
        fate = self.fates.pop() if self.fates else 0
        if request["type"] == "unsubscribe":
            assert subscription in self.held, "unsubscribed before `subscribed` was seen"
            self.held.discard(subscription)
            self.pending.append((now_s, Control("unsubscribed", *subscription)))
            return
        times = self.asked[subscription]
        times.append(now_s)
        assert sum(now_s - t < 1.0 for t in times) <= 2, "the server would close with 1008"
        assert subscription not in self.held, "asked twice"
        if fate % 3 == 2:
            text = f"Internal error, could not fetch data for subscription: {subscription.channel}."
            self.pending.append((now_s + 0.1 * fate, Control("error", *subscription, text)))
        else:
            self.pending.append((now_s + 0.1 * fate, Control("subscribed", *subscription)))

    def answer(self, subject: Subscriptions, now_s: float) -> None:
        for due in sorted((p for p in self.pending if p[0] <= now_s), key=lambda p: p[0]):
            self.pending.remove(due)
            if due[1].type == "subscribed":
                self.held.add(Subscription(due[1].channel, due[1].id))
            subject.heard(due[1], now_s)


ALL = [*FIRST, BOOK, TAPE, BAR, *(Subscription(ORDERBOOK, f"M{i}-USD") for i in range(4))]


@settings(max_examples=150, deadline=None)
@given(
    acts=st.lists(
        st.one_of(
            st.tuples(st.just("want"), st.sets(st.sampled_from(ALL))),
            st.tuples(st.just("again"), st.sampled_from(ALL)),
            st.tuples(st.just("reconnect"), st.none()),
            st.tuples(st.just("wait"), st.floats(0.0, 3.0)),
        ),
        max_size=12,
    ),
    fates=st.lists(st.integers(0, 30), max_size=30),
)
def test_whatever_happens_the_rules_are_kept_and_in_the_end_everything_wanted_is_held(
    acts: list[tuple[str, object]], fates: list[int]
) -> None:
    subject, server, now_s = fresh(*ALL), Server(fates), 0.0
    wanted = set(ALL)

    def run(until_s: float) -> None:
        nonlocal now_s
        while now_s < until_s:
            server.answer(subject, now_s)
            if (text := subject.take(now_s)) is not None:
                server.receive(text, now_s)
            now_s += 0.05

    for name, value in acts:
        if name == "want":
            wanted = set(value)  # type: ignore[call-overload]
            subject.want([s for s in ALL if s in wanted])
        elif name == "again":
            subject.again(*value)  # type: ignore[misc]
        elif name == "reconnect":
            server = Server(server.fates)
            subject.end()
            subject.begin()
        else:
            run(now_s + value)  # type: ignore[operator]
    server.fates.clear()
    run(now_s + 60.0)
    assert server.held == wanted
    assert subject.complete and set(subject.held()) == wanted
