"""order_adoption: an order of an earlier session is one of ours again, and nothing is proven that was not before."""

from __future__ import annotations

import pytest

from sniper.order_adoption import LeftOrder, adopted
from sniper.order_record import Evidence, Terms
from sniper.trading import Order
from tests.ordering import STEP_QUANTUMS, STOP, Scene, fill, intent

HEIGHT = 500


def left(scene: Scene, order: Order, state: str = "acked", **more: object) -> LeftOrder:
    """What another session keeps of an order."""
    found = LeftOrder("BTC-USD", order._replace(market=0, state=state))
    return found._replace(**more)  # type: ignore[arg-type]


def over(order: LeftOrder, **settings: object) -> tuple[Scene, Order]:
    """The next session, which takes it over at HEIGHT."""
    scene = Scene(proof="query", first_client_id=1000, **settings)
    scene.height = scene.indexer = HEIGHT
    scene.apply()
    scene.orders.adopt(adopted(order, 0, scene.decoder, scene.orders.owner, HEIGHT))
    return scene, scene.of(order.order.client_id)


def test_a_stop_is_again_what_it_was() -> None:
    before = Scene()
    stop = before.acked(**STOP, purpose="protect", side=1)
    scene, found = over(left(before, stop, seen=True))
    assert found == stop._replace(cause=found.cause)
    assert scene.orders.open(0) == (found,) and [c.purpose for c in scene.orders.claims()] == ["protect"]
    assert scene.orders.seen(stop.client_id) and scene.orders.by_order_id(stop.order_id) == found
    scene.told(found, "UNTRIGGERED")
    assert scene.orders.counts["foreign_news"] == 0
    (cancel,) = scene.withdraw(found)
    assert (cancel.client_id, cancel.good_til_s) == (stop.client_id, stop.good_til_s)
    scene.told(found, "CANCELED")
    assert scene.state(found) == "dead"


def test_its_fills_go_on_from_those_that_are_booked() -> None:
    before = Scene()
    order = before.acked(size_steps=10, stop_ticks=90_000)
    scene, found = over(
        left(before, order._replace(filled_steps=5), fill_quantums=4 * STEP_QUANTUMS, stop_ticks=90_000)
    )
    assert found.filled_steps == 5
    scene.apply(fills=[fill(found, 1, "the fifth")])
    assert scene.of(found.client_id).filled_steps == 5, "the venue had told of it, its fill came later"
    scene.apply(fills=[fill(found, 5, "the rest")])
    assert scene.state(found) == "filled"
    meant = scene.orders.origin(found.order_id)
    assert meant is not None and meant.stop_ticks == 90_000
    assert scene.orders.counts["foreign_fills"] == scene.orders.counts["overfilled"] == 0


def test_unknown_blocks_its_market_until_height_and_fills_prove_it() -> None:
    before = Scene()
    order = before.place(market=0)._replace(good_til_block=HEIGHT + 5)
    scene, found = over(left(before, order, "unknown"))
    assert scene.orders.unknown(0) == 1
    scene.block(6)
    scene.block(2, Evidence(fills_height=HEIGHT + 5))
    assert scene.state(found) == "unknown", "the fills query did not reach beyond its last block"
    scene.block(1, Evidence(fills_height=HEIGHT + 6))
    assert scene.state(found) == "dead" and scene.orders.unknown(0) == 0


def nothing(height: int, sequence: int) -> Evidence:
    """A round that shows no order and every fill."""
    return Evidence(fills_height=height, orders_height=height, sequence=sequence, block_s=1)


def test_a_stateful_one_of_unknown_sequence_is_dead_when_all_that_was_signed_before_it_is_over() -> None:
    before = Scene()
    stop = before.place(**STOP, purpose="protect", side=1)
    scene, found = over(left(before, stop, "unknown", ahead=2))
    scene.orders.learn(-1)
    scene.block(5, nothing(HEIGHT + 5, 90))
    assert scene.state(found) == "unknown", "no sequence was told since it was taken over"
    scene.orders.learn(40)  # so it has at most 42
    for sequence in (40, 42):
        scene.block(10, nothing(scene.height + 10, sequence))
        assert scene.state(found) == "unknown"
    scene.block(10, nothing(scene.height + 10, 43))
    assert scene.state(found) == "dead"


def test_a_sequence_that_was_told_is_the_bound_itself() -> None:
    before = Scene()
    scene, found = over(left(before, before.place(**STOP, side=1), "unknown", sequence=7))
    scene.orders.learn(3)
    scene.block(10, nothing(HEIGHT + 10, 7))
    assert scene.state(found) == "unknown"
    scene.block(10, nothing(HEIGHT + 20, 8))
    assert scene.state(found) == "dead"


def test_a_list_that_may_be_older_than_the_order_proves_nothing() -> None:
    before = Scene()
    scene, found = over(left(before, before.acked(**STOP, side=1), seen=True))
    scene.block(2, Evidence(orders_height=HEIGHT + 2))
    assert scene.state(found) == "acked"
    scene.block(1, Evidence(orders_height=HEIGHT + 3))
    assert scene.state(found) == "unknown"


def test_of_two_that_may_stand_the_larger_counts() -> None:
    before = Scene()
    order = before.acked()
    scene, found = over(left(before, order, "unknown", pending=Terms(30, 98_000, HEIGHT + 9)))
    assert scene.orders.claims()[0].steps == 30
    scene.told(found, "BEST_EFFORT_OPENED", good_til_block=HEIGHT + 9)
    assert scene.of(found.client_id)[4] == 30 and scene.state(found) == "acked"


def test_one_that_is_over_is_remembered_for_its_fills() -> None:
    before = Scene()
    scene, found = over(left(before, before.acked(), "filled"))
    assert not scene.orders.all_open() and scene.orders.finished == (found,)


def test_what_cannot_be_ours_is_refused() -> None:
    before = Scene()
    order = before.acked()
    scene, _ = over(left(before, order))
    with pytest.raises(ValueError, match="that id already"):
        scene.orders.adopt(adopted(left(before, order), 0, scene.decoder, scene.orders.owner, 1))
    for wrong, why in (
        (left(before, order, "asleep"), "none of ours"),
        (left(before, order._replace(kind="twap")), "none of ours"),
        (left(before, order._replace(client_id=1 << 32)), "none of ours"),
        (left(before, order._replace(order_id="another")), "another market"),
    ):
        with pytest.raises(ValueError, match=why):
            adopted(wrong, 0, scene.decoder, scene.orders.owner, 1)
    unnamed = adopted(left(before, order._replace(order_id="")), 0, scene.decoder, scene.orders.owner, 1)
    assert unnamed.order.order_id == order.order_id


def test_it_saves_and_loads_like_any_other() -> None:
    before = Scene()
    scene, found = over(left(before, before.place(**STOP, side=1), "unknown", ahead=2))
    other = Scene(proof="query")
    other.orders.load(scene.orders.save())
    other.orders.learn(5)
    scene.orders.learn(5)
    assert other.orders.save() == scene.orders.save()
    assert intent().market == found.market
