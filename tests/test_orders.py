"""orders: ids, commands, replacement, state, and any order of events."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from sniper.order_record import OrdersSettings
from sniper.order_table import FINAL, STATES, TRANSITIONS
from sniper.orders import Orders
from sniper.trading import SELL, Answer, Approved, Cancel, Order, Place, Reason, Withdraw
from tests.ordering import ADDRESS, IOC, MARKETS, STOP, Scene, busy, intent, known, replacing


def test_a_short_term_order_has_the_indexers_id_and_ends_with_a_block() -> None:
    scene = Scene(first_client_id=1700756032, last_client_id=1700756040, writer=1)
    order = scene.place()
    assert (order.client_id, order.order_id) == (1700756032, "0f0981cb-152e-57d3-bea9-4d8e0dd5ed35")
    assert (order.good_til_block, order.good_til_s, order.state) == (115, 0, "sent")
    assert scene.orders.by_order_id(order.order_id) == order
    assert scene.orders.open(0) == scene.orders.all_open() == (order,)
    assert scene.orders.open(1) == ()


def test_the_command_says_all_and_why() -> None:
    scene = Scene()
    (command,) = scene.submit(
        intent(strategy="macd", reasons=(Reason("histogram", 1.25, 1.0, True),), size_steps=7, side=SELL)
    )
    assert command == Place(
        1, 0, "BTC-USD", SELL, 7, 99_000, "short_term", "post_only", False, 115, 0, "", 0, "entry",
        "macd entry: histogram 1.25, needed 1",
    )  # fmt: skip
    origin = scene.orders.origin(scene.of(1).order_id)
    assert origin is not None and origin.strategy == "macd"


def test_an_ioc_lives_shorter_and_a_conditional_order_by_time() -> None:
    scene = Scene()
    assert scene.place(**IOC).good_til_block == 105
    stop = scene.place(**STOP)
    assert (stop.good_til_block, stop.good_til_s) == (0, 1_800_000_000 + 28 * 86_400)
    assert stop.order_id != scene.of(1).order_id


def test_while_no_height_comes_the_good_til_block_follows_the_clock_within_the_window() -> None:
    scene = Scene()
    scene.wait(1.9)
    assert scene.place(**IOC).good_til_block == 105
    scene.wait(6.5)  # 6.4 s beyond the grace: ten blocks
    assert scene.place(**IOC).good_til_block == 115
    scene.wait(60)
    assert scene.place(**IOC).good_til_block == 140


def test_a_cancel_has_the_orders_own_good_til() -> None:
    scene = Scene()
    order, stop = scene.acked(), scene.acked(**STOP)
    scene.block(3)
    assert scene.withdraw(order) == [Cancel(1, 0, "BTC-USD", "short_term", 115, 0, "changed my mind")]
    assert scene.withdraw(stop) == [
        Cancel(2, 0, "BTC-USD", "conditional", 0, stop.good_til_s, "changed my mind")
    ]
    assert scene.state(order) == "cancelling"


def test_a_cancel_is_not_sent_twice_while_its_answer_may_come() -> None:
    scene = Scene()
    order = scene.acked()
    assert scene.withdraw(order) and not scene.withdraw(order)
    scene.wait(3)
    assert scene.withdraw(order)
    scene.answer(order, 9, "cancel")  # a second cancel is harmless
    assert scene.state(order) == "cancelling"
    assert scene.withdraw(order)


def test_a_cancelled_order_may_fill() -> None:
    scene = Scene()
    order = scene.acked()
    scene.withdraw(order)
    scene.answer(order, 0, "cancel")
    assert scene.state(order) == "cancelling"
    scene.fill(order, 10)
    assert scene.state(order) == "filled"


def test_a_refused_or_lost_cancel_leaves_the_order_open() -> None:
    for code in (10, -1, 5001):
        scene = Scene()
        order = scene.acked()
        scene.withdraw(order)
        scene.answer(order, code, "cancel")
        assert scene.state(order) == "acked"
        assert scene.withdraw(order)


def test_what_cannot_be_cancelled_is_left_alone() -> None:
    scene = Scene()
    order = scene.acked()
    scene.told(order, "BEST_EFFORT_CANCELED")
    assert scene.withdraw(order) == [] and scene.submit(Withdraw(999, "nobody's")) == []
    assert scene.orders.counts["not_open"] == 2
    late = scene.acked()
    scene.block(15)  # no block that could take the cancel could fill the order
    assert scene.withdraw(late) == []


def test_an_unknown_order_can_be_cancelled_and_stays_unknown() -> None:
    scene = Scene()
    order = scene.place()
    scene.wait(3)
    (command,) = scene.withdraw(order)
    assert isinstance(command, Cancel) and scene.state(order) == "unknown"


def test_a_withdrawal_and_an_intent_of_the_same_kind_become_a_replacement() -> None:
    scene = Scene()
    order = scene.acked()
    scene.fill(order, 4)
    scene.block(2)
    (command,) = scene.submit(
        Withdraw(order.client_id, "price moved"), intent(price_ticks=99_100, size_steps=5)
    )
    assert isinstance(command, Place)
    assert (command.client_id, command.size_steps, command.price_ticks, command.good_til_block) == (
        1,
        9,
        99_100,
        117,
    )
    held = scene.of(1)
    assert (held.state, held.price_ticks, held.good_til_block) == ("replacing", 99_000, 115)
    scene.answer(held)
    held = scene.of(1)
    assert (held.state, held.size_steps, held.price_ticks, held.good_til_block) == ("acked", 9, 99_100, 117)
    scene.fill(held, 5)
    assert scene.state(held) == "filled"


def test_what_is_no_replacement_is_a_cancel_and_a_new_order() -> None:
    for other in ({"side": SELL}, IOC, {"time_in_force": "gtt"}, {"market": 1}, {"kind": "long_term"},
                  {"purpose": "exit"}):  # fmt: skip
        scene = Scene()
        order = scene.acked()
        scene.block(2)
        cancel, place = scene.submit(Withdraw(order.client_id, "x"), intent(**other))
        assert isinstance(cancel, Cancel) and isinstance(place, Place) and place.client_id == 2
    scene = Scene()  # in the same block the good-til-block would not be later
    cancel, place = scene.submit(Withdraw(scene.acked().client_id, "x"), intent())
    assert isinstance(cancel, Cancel)


@pytest.mark.parametrize(
    ("code", "state"), [(20, "acked"), (10, "acked"), (2003, "unknown"), (-1, "unknown")]
)
def test_a_replacement_that_is_refused(code: int, state: str) -> None:
    scene, order = replacing()
    scene.answer(order, code)
    held = scene.of(order.client_id)
    assert (held.state, held.price_ticks, held.size_steps) == (state, 99_000, 10)
    scene.block(15)  # height 117: the old one is past its block, the new one is not
    assert scene.state(order) == ("fading" if state == "acked" else "unknown")
    scene.block(3)
    assert scene.state(order) == "dead"


def test_news_of_a_replacement() -> None:
    scene, order = replacing()
    scene.told(order, "BEST_EFFORT_CANCELED", removal_reason="ORDER_REMOVAL_REASON_REPLACED")
    scene.told(order, "BEST_EFFORT_OPENED", good_til_block=115)
    assert scene.state(order) == "replacing"
    scene.told(order, "BEST_EFFORT_OPENED", good_til_block=117)
    assert (scene.state(order), scene.of(1).size_steps) == ("acked", 20)


def test_the_old_order_may_fill_while_its_replacement_is_on_its_way() -> None:
    scene, order = replacing()
    scene.fill(order, 10)
    assert scene.state(order) == "replacing"  # 10 of the 20 that the new one has
    scene.answer(order, 20)
    assert scene.state(order) == "filled"


def test_a_replacement_that_is_cancelled_and_then_answered() -> None:
    scene, order = replacing()
    (command,) = scene.withdraw(order)
    assert isinstance(command, Cancel) and command.good_til_block == 117
    scene.answer(order, 0)
    assert (scene.state(order), scene.of(1).size_steps) == ("cancelling", 20)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"kind": "long_term", **IOC}, "3002"),
        ({"reduce_only": True}, "9003"),
        ({"kind": "conditional"}, "6000"),
        ({"kind": "conditional", "trigger": "stop_loss"}, "6001"),
        ({"trigger_ticks": 5}, "6000"),
        ({"size_steps": 0}, "(4)"),
        ({"size_steps": -1}, "(4)"),
        ({"price_ticks": 0}, "(6)"),
        ({"market": 2}, "no market 2"),
        ({"market": -1}, "no market -1"),
        ({"side": 2}, "side 2"),
        ({"time_in_force": "fok"}, "fok"),
        ({"kind": "twap"}, "twap"),
        ({"purpose": "fun"}, "fun"),
    ],
)
def test_what_the_chain_would_refuse_is_not_sent(fields: dict[str, object], why: str) -> None:
    scene = Scene()
    assert scene.submit(intent(**fields)) == []
    (refused,) = scene.orders.dropped
    assert why in refused.text and scene.orders.counts["dropped"] == 1
    assert scene.orders.ids_left == 65_535


def test_a_market_without_its_numbers_takes_no_order() -> None:
    scene = Scene()
    bare = {"A-USD": {k: v for k, v in MARKETS["BTC-USD"].items() if k != "stepBaseQuantums"}}
    orders = Orders(known(scene.tape, bare), scene.settings, scene.digest)
    assert orders.submit([Approved(intent())], (), scene.now_ns, 100) == []
    assert "lacks" in orders.dropped[0].text


def test_without_a_height_nothing_short_term_is_sent() -> None:
    scene = Scene()
    scene.height = 0
    assert scene.submit(intent()) == [] and "height" in scene.orders.dropped[0].text
    assert len(scene.submit(intent(**STOP))) == 1 and scene.orders.dropped == ()


def test_open_orders_are_bounded() -> None:
    scene = Scene(open_max=2)
    assert len(scene.submit(intent(), intent(), intent())) == 2
    assert "2 orders are open" in scene.orders.dropped[0].text


def test_finished_orders_are_remembered_for_a_while() -> None:
    scene = Scene(finished_max=2)
    orders = [scene.place() for _ in range(3)]
    for order in orders:
        scene.answer(order, 2003)
    assert scene.orders.of(1) is None and scene.orders.by_order_id(orders[0].order_id) is None
    assert [order.client_id for order in scene.orders.finished] == [2, 3]


def test_client_ids_come_from_the_reserved_blocks_and_end_with_them() -> None:
    scene = Scene(first_client_id=5, last_client_id=6)
    scene.place()
    assert scene.orders.ids_left == 1
    scene.orders.new_ids(10, 10)
    assert [scene.place().client_id, scene.place().client_id] == [6, 10]
    assert scene.submit(intent()) == [] and "no client ids" in scene.orders.dropped[0].text


def test_blocks_of_ids_belong_to_the_writer_and_never_go_back() -> None:
    scene = Scene(first_client_id=5, last_client_id=6)
    for first, last in ((6, 9), (1, 2), (1 << 30, (1 << 30) + 5), (9, 8), (-1, 3), (1 << 32, 1 << 32)):
        with pytest.raises(ValueError, match="client ids"):
            scene.orders.new_ids(first, last)
    for i in range(3):
        scene.orders.new_ids(10 + i, 10 + i)
    with pytest.raises(ValueError, match="too many"):
        scene.orders.new_ids(20, 20)


def test_settings_out_of_bounds_are_refused() -> None:
    scene = Scene()
    for bad in ({"good_til_blocks": 21}, {"writer": 4}, {"first_client_id": 9, "last_client_id": 8}):
        with pytest.raises(ValueError, match=r"good_til_blocks|writer|client ids"):
            Orders(scene.decoder, OrdersSettings(address=ADDRESS, **bad), scene.digest)


def test_a_saved_state_goes_on_alike() -> None:
    one, two = busy(), Scene()
    two.orders.load(one.orders.save())
    two.digest.load(one.digest.value)
    two.now_ns, two.height, two.indexer = one.now_ns, one.height, one.indexer
    assert two.orders.all_open() == one.orders.all_open() and two.orders.finished == one.orders.finished
    for scene in (one, two):
        scene.wait(3)
        scene.block(2)
        scene.fill(scene.of(1), 3)
        scene.place()
        scene.block(30)
    assert one.orders.save() == two.orders.save() and one.digest.value == two.digest.value


def test_what_is_no_state_is_refused_and_changes_nothing() -> None:
    scene = busy()
    good = scene.orders.save()
    for bad in (b"", b"\x90", good[:-1], good.replace(b"acked", b"asked"), good.replace(b"acked", b"dead\x00"),
                good.replace(b"\xa4dead", b"\xa4sent")):  # fmt: skip
        with pytest.raises(ValueError, match="state of orders"):
            scene.orders.load(bad)
    assert scene.orders.save() == good


def test_nothing_new_costs_nothing_and_changes_no_digest() -> None:
    scene = busy()
    before = scene.digest.value
    assert scene.orders.apply((), (), (), scene.now_ns, scene.height, scene.indexer) == ()
    assert scene.orders.apply((), (), (), scene.now_ns, 0, 0) == ()
    assert scene.digest.value == before


def test_every_step_and_command_is_in_the_digest() -> None:
    seen = set()
    scene = Scene()
    order = scene.place()
    for happens in (lambda: None, lambda: scene.answer(order), lambda: scene.fill(order, 1),
                    lambda: scene.withdraw(order), lambda: scene.block(30)):  # fmt: skip
        happens()
        seen.add(scene.digest.value)
    assert len(seen) == 5


class Venue(RuleBasedStateMachine):
    """An honest chain with a careless network: orders live and fill or not, news come late, double or never.

    Kept against it: an order that was called dead never fills again unless the proof was not needed (a refusal),
    the filled part is what was told, an unknown order is never forgotten, and every step is one of the table.
    """

    def __init__(self) -> None:
        super().__init__()
        self.scene = Scene()
        self.filled: dict[int, int] = {}
        self.kept: dict[int, list[int]] = {}
        self.refused: set[int] = set()

    @rule(ioc=st.booleans())
    def place(self, ioc: bool) -> None:
        if len(self.scene.orders.all_open()) < 4:
            order = self.scene.place(**(IOC if ioc else {}))
            self.filled[order.client_id] = 0

    def pick(self, which: int) -> Order:
        found = self.scene.orders.all_open()
        return found[which % len(found)]

    @precondition(lambda self: self.scene.orders.all_open())
    @rule(which=st.integers(0, 9), code=st.sampled_from([0, 0, -1, 19, 10]))
    def answer(self, which: int, code: int) -> None:
        order = self.pick(which)
        if code == 10 and (order.state != "sent" or self.filled[order.client_id]):
            return  # who is in the book is not refused
        if code == 10:
            self.refused.add(order.client_id)
        self.scene.answer(order, code)

    @precondition(lambda self: self.scene.orders.all_open())
    @rule(which=st.integers(0, 9), steps=st.integers(1, 10))
    def fill(self, which: int, steps: int) -> None:
        order = self.pick(which)
        steps = min(steps, order.size_steps - self.filled[order.client_id])
        if order.good_til_block >= self.scene.height and steps and order.client_id not in self.refused:
            self.filled[order.client_id] += steps
            self.scene.fill(order, steps)

    @precondition(lambda self: self.scene.orders.all_open())
    @rule(
        which=st.integers(0, 9),
        status=st.sampled_from(["BEST_EFFORT_OPENED", "BEST_EFFORT_CANCELED", "CANCELED"]),
    )
    def news(self, which: int, status: str) -> None:
        order = self.pick(which)
        self.scene.told(order, status, filled_steps=self.filled[order.client_id])

    @precondition(lambda self: self.scene.orders.all_open())
    @rule(which=st.integers(0, 9))
    def withdraw(self, which: int) -> None:
        self.scene.withdraw(self.pick(which))

    @rule(count=st.integers(1, 8), behind=st.integers(0, 5))
    def block(self, count: int, behind: int) -> None:
        self.scene.block(count, indexer=max(self.scene.indexer, self.scene.height + count - behind))

    @invariant()
    def books_agree(self) -> None:
        for client_id, filled in self.filled.items():
            order = self.scene.of(client_id)
            assert order.filled_steps == filled
            assert (order.state == "filled") == (filled == order.size_steps)
            if order.state == "dead" and client_id not in self.refused:
                assert self.scene.indexer >= order.good_til_block + 3
        assert self.scene.orders.counts["late_fills"] == self.scene.orders.counts["overfilled"] == 0

    @invariant()
    def steps_are_of_the_table(self) -> None:
        for change in self.scene.orders._shelf.changes:
            assert TRANSITIONS[change.before, change.event] == change.after and change.cause


def test_any_order_of_events_keeps_the_books() -> None:
    run_state_machine_as_test(Venue)


@given(st.lists(st.tuples(st.sampled_from(sorted(STATES)), st.integers(-5, 4000)), max_size=20))
def test_answers_of_any_kind_are_survived(events: list[tuple[str, int]]) -> None:
    scene = Scene()
    order = scene.place()
    for verb, code in events:
        scene.apply(answers=[Answer("cancel" if len(verb) > 5 else "place", order.client_id, code, verb)])
    assert scene.state(order) in STATES
    assert (scene.state(order) in FINAL) == (scene.orders.all_open() == ())
