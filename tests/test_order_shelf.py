"""order_shelf: where orders are kept, and the only place where they change their state."""

from __future__ import annotations

import msgspec
import pytest

from sniper._ext.tape import Tape
from sniper.order_record import Held
from sniper.order_shelf import Shelf
from sniper.running_digest import RunningDigest
from tests.ordering import Scene, intent


def test_a_step_that_the_table_lacks_changes_nothing_and_is_counted() -> None:
    order = Scene().place()
    digest = RunningDigest(Tape(), "orders")
    shelf = Shelf(digest, 2)
    held = Held(order, intent(), 100)
    shelf.add(held)
    before = digest.value
    assert not shelf.step(held, "proven", "why", 101)
    assert (held.order, shelf.changes, shelf.counts["ignored"], digest.value) == (order, [], 1, before)
    assert not shelf.step(held, "overdue", "", 101) and shelf.counts["ignored"] == 2


def test_a_step_says_from_where_to_where_and_why() -> None:
    order = Scene().place()
    shelf = Shelf(RunningDigest(Tape(), "orders"), 2)
    held = Held(order, intent(), 100)
    shelf.add(held)
    assert shelf.step(held, "lost", "no answer", 101) and held.doubt_height == 101
    assert shelf.step(held, "removed", "", 105) and held.doubt_height == 101
    assert [tuple(change) for change in shelf.changes] == [
        (1, 0, "sent", "unknown", "lost", "lost: no answer"),
        (1, 0, "unknown", "fading", "removed", "removed"),
    ]
    assert shelf.open(0) == (held.order,) and shelf.of(1) is shelf.by_order_id(order.order_id) is held


def test_only_a_state_of_its_own_is_taken_over() -> None:
    shelf = Shelf(RunningDigest(Tape(), "orders"), 2)
    held = Held(Scene().place(), intent(), 100)
    shelf.add(held)
    good = shelf.save()
    live, finished, counts = msgspec.msgpack.decode(good)
    for bad in (
        b"\x90",
        *map(msgspec.msgpack.encode, ([live * 2, finished, counts], [live, finished, counts[1:]])),
    ):
        with pytest.raises(ValueError, match="not a state of orders"):
            shelf.load(bad)
    assert shelf.save() == good
    shelf.load(good)
    assert shelf.save() == good and shelf.claims() == (held.claim(),)
