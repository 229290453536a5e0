"""order_intake: what answers, fills, news, time and heights mean for an order."""

from __future__ import annotations

import pytest

from sniper.order_record import Evidence
from tests.ordering import IOC, STOP, Scene


def test_accepted_is_not_filled() -> None:
    scene = Scene()
    order = scene.acked()
    assert order.state == "acked" and order.filled_steps == 0
    assert order.cause == "accepted: 0"


@pytest.mark.parametrize(
    ("code", "state"),
    [(2003, "dead"), (10, "dead"), (5001, "dead"), (9003, "dead"), (-1, "unknown"), (19, "unknown"), (24, "unknown"),
     (30, "unknown"), (2004, "unknown"), (3005, "acked")],
)  # fmt: skip
def test_what_an_answer_means(code: int, state: str) -> None:
    scene = Scene()
    order = scene.place()
    scene.answer(order, code, text="so it is")
    assert scene.state(order) == state
    assert f"{code} so it is" in scene.of(order.client_id).cause
    assert scene.orders.unknown(0) == (state == "unknown")


def test_without_an_answer_in_time_an_order_is_unknown_until_its_end_is_proven() -> None:
    scene = Scene()
    order = scene.place()
    assert scene.wait(2.9) == []
    (change,) = scene.wait(0.1)
    assert (change.before, change.after, change.event) == ("sent", "unknown", "lost")
    scene.block(17)  # height 117, good til 115: one more is needed
    assert scene.state(order) == "unknown" and scene.orders.unknown(0) == 1
    (change,) = scene.block(1)
    assert change.after == "dead" and "good til 115" in change.cause
    assert scene.orders.open(0) == () and scene.orders.unknown(0) == 0


def test_a_late_answer_clears_an_unknown() -> None:
    for code, state in ((0, "acked"), (2003, "dead")):
        scene = Scene()
        order = scene.place()
        scene.wait(3)
        scene.answer(order, code)
        assert scene.state(order) == state


def test_the_indexers_news_may_come_ahead_of_the_answer() -> None:
    scene = Scene()
    order = scene.place()
    scene.told(order, "BEST_EFFORT_OPENED")
    assert scene.state(order) == "acked"
    assert scene.answer(order) == []
    assert scene.orders.counts["ignored"] == 0


def test_fills_add_up_and_news_may_come_first() -> None:
    scene = Scene()
    order = scene.acked()
    scene.fill(order, 4)
    assert scene.of(order.client_id).filled_steps == 4
    scene.told(order, "OPEN", filled_steps=4)  # the same fill, told again
    assert scene.of(order.client_id).filled_steps == 4
    scene.told(order, "", filled_steps=10)
    assert scene.state(order) == "filled" and scene.orders.all_open() == ()
    scene.fill(order, 6)
    assert scene.of(order.client_id).filled_steps == 10
    assert scene.orders.counts == dict.fromkeys(scene.orders.counts, 0)


def test_filled_is_filled_even_without_figures() -> None:
    scene = Scene()
    order = scene.place()
    scene.told(order, "FILLED")
    assert scene.state(order) == "filled"


def test_more_fills_than_ordered_are_seen() -> None:
    scene = Scene()
    order = scene.acked()
    scene.fill(order, 12)
    assert scene.of(order.client_id).filled_steps == 12
    assert scene.orders.counts["overfilled"] == 1


def test_best_effort_canceled_may_still_fill() -> None:
    scene = Scene()
    order = scene.acked(**IOC)
    scene.told(
        order,
        "BEST_EFFORT_CANCELED",
        removal_reason="ORDER_REMOVAL_REASON_USER_CANCELED",
    )
    assert scene.state(order) == "fading" and scene.orders.open(0)
    scene.block()
    scene.fill(order, 3)  # the block after the cancel
    assert (scene.state(order), scene.of(order.client_id).filled_steps) == ("fading", 3)
    scene.block(6)  # height 107, good til 105
    assert scene.state(order) == "fading"
    scene.block()
    assert scene.state(order) == "dead"


def test_canceled_ends_a_stateful_order_only() -> None:
    scene = Scene()
    short, stop = scene.acked(), scene.acked(**STOP)
    scene.told(short, "CANCELED", removal_reason="ORDER_REMOVAL_REASON_EXPIRED")
    scene.told(stop, "CANCELED")
    assert (scene.state(short), scene.state(stop)) == ("fading", "dead")


def test_past_its_block_an_order_fades_and_without_proof_becomes_unknown() -> None:
    scene = Scene(overdue_blocks=10)
    order = scene.acked()
    scene.block(15, indexer=100)
    assert scene.state(order) == "acked"  # block 115 itself may fill it
    scene.block(1, indexer=100)
    assert scene.state(order) == "fading"
    scene.block(9, indexer=100)
    assert scene.state(order) == "fading"
    scene.block(1, indexer=100)
    assert scene.state(order) == "unknown"
    scene.block(1, indexer=117)
    assert scene.state(order) == "unknown"
    scene.block(1, indexer=118)
    assert scene.state(order) == "dead"


def test_an_order_that_is_seen_again_is_open_again() -> None:
    scene = Scene()
    order = scene.acked()
    scene.told(order, "BEST_EFFORT_CANCELED")
    scene.told(order, "BEST_EFFORT_OPENED")
    assert scene.state(order) == "acked"


def test_a_fill_after_the_proof_is_counted_and_believed() -> None:
    scene = Scene()
    order = scene.acked(**IOC)
    scene.block(10)
    assert scene.state(order) == "dead"
    scene.fill(order, 4)
    assert (scene.state(order), scene.of(order.client_id).filled_steps) == ("dead", 4)
    scene.fill(order, 6)
    assert scene.state(order) == "filled"
    assert scene.orders.counts["late_fills"] == 2


def test_a_fill_that_was_told_before_the_end_is_no_late_one_but_one_beyond_it_is() -> None:
    scene = Scene()
    order = scene.acked(**STOP)
    scene.told(order, "OPEN", filled_steps=4)
    scene.told(order, "CANCELED", removal_reason="ORDER_REMOVAL_REASON_USER_CANCELED")
    assert (scene.state(order), scene.of(order.client_id).filled_steps) == ("dead", 4)
    scene.fill(order, 3)
    scene.fill(order, 1)
    assert scene.orders.counts["late_fills"] == 0 and scene.of(order.client_id).filled_steps == 4
    scene.fill(order, 1)
    assert scene.orders.counts["late_fills"] == 1 and scene.of(order.client_id).filled_steps == 5


def test_a_fill_after_a_proof_is_late_though_it_was_told() -> None:
    scene = Scene()
    order = scene.acked(**IOC)
    scene.told(order, "OPEN", filled_steps=4)
    scene.block(10)
    assert scene.state(order) == "dead"
    scene.fill(order, 4)
    assert scene.orders.counts["late_fills"] == 1, "the proof said that every fill was known"


def test_what_is_not_ours_is_counted_and_changes_nothing() -> None:
    scene = Scene()
    order = scene.acked()
    before = scene.orders.save(), scene.digest.value
    stranger = order._replace(order_id="someone else's", client_id=77)
    assert scene.told(stranger, "FILLED") == scene.fill(stranger, 3) == scene.answer(stranger) == []
    counts = scene.orders.counts
    assert (counts["foreign_news"], counts["foreign_fills"], counts["foreign_answers"]) == (1, 1, 1)
    counts.update(dict.fromkeys(counts, 0))
    assert (scene.orders.save(), scene.digest.value) == before


def test_events_that_do_not_fit_are_counted() -> None:
    scene = Scene()
    order = scene.acked()
    scene.answer(order, 2003)  # accepted, and now refused
    scene.told(order, "A_NEW_STATUS")
    assert scene.state(order) == "acked"
    assert (scene.orders.counts["ignored"], scene.orders.counts["unknown_status"]) == (1, 1)


def test_absent_values_change_nothing() -> None:
    scene = Scene()
    order = scene.acked()
    scene.fill(order, 4)
    assert scene.told(order, "") == []
    assert scene.of(order.client_id) == order._replace(filled_steps=4, cause=scene.of(order.client_id).cause)


@pytest.mark.parametrize("code", [0, 19])
def test_a_stateful_order_that_is_still_listed_long_after_its_cancel_stands(code: int) -> None:
    """A cancel that was refused before (19), or that failed in its block, is never answered otherwise."""
    scene = Scene()
    order = scene.acked(**STOP)
    scene.block(2)
    assert len(scene.withdraw(order)) == 1
    scene.answer(order, code, "cancel")
    assert scene.state(order) == "cancelling"
    scene.block(12, Evidence(orders_height=scene.height + 9, listed=(order.order_id,)))
    assert scene.state(order) == "cancelling"
    (change,) = scene.block(1, Evidence(orders_height=scene.height, listed=(order.order_id,)))
    assert (change.event, change.after) == ("not_cancelled", "acked")
    assert len(scene.withdraw(order)) == 1 and scene.state(order) == "cancelling"
    scene.told(order, "CANCELED")
    assert scene.state(order) == "dead"


def test_a_short_term_order_in_a_list_after_its_cancel_waits_for_its_last_block() -> None:
    scene = Scene()
    order = scene.acked()
    scene.withdraw(order)
    scene.answer(order, 0, "cancel")
    scene.block(12, Evidence(orders_height=112, listed=(order.order_id,)))
    assert scene.state(order) == "cancelling"


def test_the_sequence_of_a_cancel_is_not_that_of_its_order() -> None:
    """Else an order that never arrived would wait for a sequence that no transaction of ours will ever use up."""
    scene = Scene(proof="query")
    order = scene.place(**STOP)
    scene.answer(order, -1, text="sequence 10 no answer")
    scene.withdraw(order)
    scene.answer(order, 3006, "cancel", "sequence 11 clob there is none")
    assert scene.state(order) == "unknown"
    scene.block(9)
    (change,) = scene.block(1, Evidence(scene.height, scene.height, sequence=11))
    assert change.after == "dead" and "past its 10 to 11" in change.cause


def test_a_stateful_order_that_one_list_lacked_and_a_newer_one_shows_stands() -> None:
    """A lagging copy's list put it in doubt; nothing new is ever said of an order that waits for its trigger."""
    scene = Scene(proof="query")
    order = scene.acked(**STOP)
    scene.told(order, "UNTRIGGERED")
    scene.block(5, Evidence(orders_height=104))
    assert scene.state(order) == "unknown" and scene.orders.unknown(0) == 1
    scene.block(9, Evidence(orders_height=114, listed=(order.order_id,)))
    assert scene.state(order) == "unknown"  # hardly newer than the doubt
    (change,) = scene.block(1, Evidence(orders_height=115, listed=(order.order_id,)))
    assert (change.event, change.after) == ("opened", "acked") and scene.orders.unknown(0) == 0


def test_a_list_of_before_an_order_was_sent_proves_nothing_of_it_though_the_last_block_heard_of_is_older() -> (
    None
):
    """The stream is silent, the chain goes on, and a copy that lags behind it still knows more than the stream told."""
    scene = Scene(proof="query")
    scene.wait(8)  # 12 blocks that nobody told
    order = scene.acked(**STOP)
    copy = Evidence(orders_height=105, fills_height=105, sequence=99)
    scene.apply(evidence=copy)
    assert scene.state(order) == "acked"
    scene.answer(order, 0, "place", "sequence 10")
    (change,) = scene.block(15, Evidence(orders_height=115, fills_height=115, sequence=99))
    assert (change.event, change.after) == ("unlisted", "unknown")
    scene.wait(2)
    scene.apply(evidence=copy._replace(orders_height=117, fills_height=117))
    assert scene.state(order) == "unknown"  # a list of before the doubt
    (change,) = scene.apply(evidence=copy._replace(orders_height=121, fills_height=121))
    assert change.after == "dead"
