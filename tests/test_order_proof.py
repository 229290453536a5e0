"""order_proof: what proves that an order is dead."""

from __future__ import annotations

from sniper.order_proof import PROOF_BLOCKS, SILENT_BLOCKS
from sniper.order_record import Evidence
from tests.ordering import IOC, STOP, Scene


def test_with_queries_the_height_alone_proves_nothing() -> None:
    scene = Scene(proof="query")
    order = scene.acked(**IOC)
    scene.block(7)
    assert scene.orders.questions() == ()
    scene.block(1)
    (question,) = scene.orders.questions()
    assert (question.query, question.order_id, question.height) == ("fills", order.order_id, 105)
    scene.block(1, Evidence(fills_height=105))
    assert scene.state(order) == "fading"
    scene.block(1, Evidence(fills_height=106))
    assert scene.state(order) == "dead"


def test_a_fills_query_is_no_proof_while_the_indexer_is_behind() -> None:
    scene = Scene(proof="query")
    order = scene.acked(**IOC)
    scene.block(10, Evidence(fills_height=107), indexer=107)
    assert scene.state(order) == "fading"


def test_an_account_without_frames_has_its_orders_proven_all_the_same() -> None:
    """Nothing happens to it, so nothing is told of it: the query says how far the Indexer has come."""
    scene = Scene(proof="query")
    order = scene.acked(**IOC)
    scene.block(10, indexer=100)
    assert scene.orders.height == 110 and scene.orders.questions() == (), "an answer may be some blocks old"
    scene.block(1, indexer=100)
    (question,) = scene.orders.questions()
    assert (question.query, question.order_id, question.height) == ("fills", order.order_id, 105)
    scene.block(1, Evidence(fills_height=107), indexer=100)
    assert scene.state(order) == "fading"
    scene.block(1, Evidence(fills_height=108), indexer=100)
    assert scene.state(order) == "dead"
    stop = scene.acked(**STOP)
    scene.told(stop, "UNTRIGGERED")
    scene.withdraw(stop)
    scene.answer(stop, 3006, "cancel")
    scene.block(5, indexer=100)
    assert scene.orders.questions() == ()
    scene.block(1, indexer=100)
    assert [one.query for one in scene.orders.questions()] == ["orders"]


def test_a_stateful_order_that_was_seen_is_dead_when_a_later_list_lacks_it() -> None:
    scene = Scene(proof="query")
    stop = scene.acked(**STOP)
    scene.told(stop, "UNTRIGGERED")
    scene.withdraw(stop)
    scene.answer(stop, 3006, "cancel")
    assert scene.state(stop) == "unknown" and scene.orders.unknown(0) == 1
    scene.block(2, Evidence(orders_height=102))
    assert scene.state(stop) == "unknown"
    scene.block(1, Evidence(orders_height=103, listed=(stop.order_id,)))
    assert scene.state(stop) == "unknown"
    (question,) = scene.orders.questions()
    assert (question.query, question.height) == ("orders", 102)
    scene.block(1, Evidence(orders_height=103))
    assert scene.state(stop) == "unknown"  # it may have triggered and filled
    scene.block(1, Evidence(103, 103))
    assert scene.state(stop) == "dead"


def test_a_stateful_order_that_nobody_saw_needs_its_sequence_or_its_time_to_pass() -> None:
    for evidence, state in (
        (Evidence(orders_height=200), "unknown"),
        (Evidence(orders_height=200, sequence=293), "unknown"),  # it may have filled
        (Evidence(fills_height=200, orders_height=200, sequence=292), "unknown"),
        # it may be in a block that the queries have not seen
        (Evidence(fills_height=200, orders_height=200, sequence=293, sequence_height=198), "unknown"),
        (Evidence(fills_height=199, orders_height=200, sequence=293, sequence_height=197), "unknown"),
        (Evidence(fills_height=200, orders_height=200, sequence=293, sequence_height=197), "dead"),
        (Evidence(fills_height=200, orders_height=200, block_s=1_800_000_000 + 28 * 86_400 + 29), "unknown"),
        (Evidence(fills_height=200, orders_height=200, block_s=1_800_000_000 + 28 * 86_400 + 30), "dead"),
    ):
        scene = Scene(proof="query", entry_blocks=1_000)
        stop = scene.place(**STOP)
        scene.answer(stop, -1, text="deadline, sequence 292")
        scene.block(100, evidence)
        assert scene.state(stop) == state, evidence


def test_a_stateful_order_that_nobody_saw_is_dead_when_no_block_takes_it_any_more() -> None:
    for evidence, state in (
        (Evidence(fills_height=162, orders_height=170), "unknown"),
        (Evidence(fills_height=170, orders_height=162), "unknown"),
        (Evidence(fills_height=163, orders_height=163), "dead"),
    ):
        scene = Scene(proof="query", entry_blocks=60)
        stop = scene.place(**STOP)
        assert stop.good_til_block == scene.height + 60 == 160
        scene.answer(stop, -1)
        scene.block(100, evidence)
        assert scene.state(stop) == state, evidence
    scene = Scene(proof="query", entry_blocks=60)
    stop = scene.place(**STOP)
    scene.answer(stop, -1)
    scene.told(stop, "UNTRIGGERED")
    scene.block(100, Evidence(fills_height=200, orders_height=200, listed=(stop.order_id,)))
    assert scene.state(stop) == "acked", "a block took it in time: now it rests"


def test_where_frames_are_proof_any_block_may_take_it() -> None:
    assert Scene().place(**STOP).good_til_block == 0


def test_with_frames_silence_of_the_account_proves_a_stateful_end() -> None:
    scene = Scene()
    stop = scene.place(**STOP)
    scene.answer(stop, -1)
    scene.block(2)
    assert scene.state(stop) == "unknown"
    scene.block(1)
    assert scene.state(stop) == "dead"


def test_where_nothing_happens_to_the_account_the_chain_goes_on_far_enough() -> None:
    """No frame of the account comes after an IOC that found nothing: its market must not stay closed for that."""
    scene = Scene()
    order = scene.acked(**IOC)
    quiet = scene.height
    stop = scene.place(**STOP)
    scene.answer(stop, -1)
    scene.block(order.good_til_block + PROOF_BLOCKS + SILENT_BLOCKS - 1 - scene.height, indexer=quiet)
    assert scene.state(order) == "fading" and scene.state(stop) == "dead"
    scene.block(1, indexer=quiet)
    assert scene.state(order) == "dead"
    asking = Scene(proof="query")
    order = asking.acked(**IOC)
    asking.block(100, indexer=asking.height)
    assert asking.state(order) == "unknown", "where queries are the proof, silence is none"


def test_a_stateful_order_fades_when_its_time_is_past() -> None:
    scene = Scene(proof="query")
    stop = scene.acked(**STOP)
    scene.block(1, Evidence(block_s=stop.good_til_s))
    assert scene.state(stop) == "acked"
    scene.block(1, Evidence(block_s=stop.good_til_s + 1))
    assert scene.state(stop) == "fading"


def test_an_open_order_that_a_list_lacks_is_unknown() -> None:
    scene = Scene()
    order, sent = scene.acked(), scene.place()
    scene.apply(evidence=Evidence(orders_height=102))
    assert scene.state(order) == "acked"  # sent too short a while ago
    scene.block(3, Evidence(orders_height=103, listed=(order.order_id,)))
    assert scene.state(order) == "acked"
    scene.block(1, Evidence(orders_height=104))
    assert (scene.state(order), scene.state(sent)) == ("unknown", "sent")


def test_nobody_is_asked_about_orders_whose_fate_is_known_or_where_frames_are_proof() -> None:
    scene = Scene(proof="query")
    scene.acked()
    scene.block(10)
    assert scene.orders.questions() == ()
    other = Scene()
    other.place()
    other.wait(3)
    assert other.orders.unknown(0) == 1 and other.orders.questions() == ()
